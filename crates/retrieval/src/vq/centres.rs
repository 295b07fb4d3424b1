//! Where clusters lie: centres that follow what is assigned to them, and the choice of the nearest.
//!
//! A centre is a moving average of its members' vectors: mass ← m·mass + x, centre ← centre + (vector − centre)·x/mass, where m is the memory and x the weight
//! of this sighting: (steps since the item's last one ÷ items)^rarity, so that an item that is embedded anew all the time does not drag its centre
//! (streaming VQ, ByteDance 2025). Distances to clusters far below the mean size are shrunk, so that small clusters win members.

use super::codebook::Codebook;
use super::kernel::Kernel;
use super::row::{NarrowQuery, Row, WIDTH};
use super::{Config, split::Half};

/// A sighting counts for so much at least, however soon it comes after the one before.
const SIGHTING_MIN: f32 = 0.02;

/// One cluster's centre as the writer keeps it.
#[derive(Debug, Clone)]
struct Centre {
    mean: [f32; WIDTH],
    /// Moving average of the members' squared lengths.
    square: f32,
    mass: f32,
}

impl Centre {
    fn of(half: &Half, config: &Config) -> Self {
        Self {
            mean: half.mean,
            square: half.square,
            mass: mass_of(half.len, config),
        }
    }

    /// How far members lie from the centre: the root of their mean squared distance.
    fn spread(&self) -> f32 {
        (self.square - square_of(&self.mean)).max(0.0).sqrt()
    }
}

/// Centres, one a cluster; the narrow copies that are scanned lie in the [`Codebook`].
#[derive(Debug, Default)]
pub(super) struct Centres {
    all: Vec<Centre>,
    /// Squared lengths of the narrow copies.
    squares: Vec<f32>,
    /// What distances are multiplied by; below 1 for small clusters.
    shrink: Vec<f32>,
    dots: Vec<i32>,
}

/// The nearest cluster and the squared distance to it, shrunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nearest {
    pub cluster: usize,
    pub distance: f32,
}

impl Centres {
    /// Adds a cluster around `half`; its narrow copy goes into `book`.
    pub fn add(&mut self, book: &mut Codebook, half: &Half, config: &Config) {
        let (row, scale) = Row::of(&half.mean);
        book.rows.push(row);
        let centre = Centre::of(half, config);
        book.factors.push([scale, half.lift, centre.spread()]);
        self.all.push(centre);
        self.squares.push(square(&row, scale));
        self.shrink.push(1.0);
    }

    /// Puts a cluster around `half` in the place of `cluster`.
    pub fn replace(&mut self, book: &mut Codebook, cluster: usize, half: &Half, config: &Config) {
        self.all[cluster] = Centre::of(half, config);
        book.factors[cluster][1] = half.lift;
        self.narrow(book, cluster);
    }

    /// Takes one out; the last cluster gets its number.
    pub fn swap_remove(&mut self, book: &mut Codebook, cluster: usize) {
        self.all.swap_remove(cluster);
        self.squares.swap_remove(cluster);
        self.shrink.swap_remove(cluster);
        book.rows.swap_remove(cluster);
        book.factors.swap_remove(cluster);
    }

    /// Moves a centre towards `vector`, a sighting `since` steps after the one before among `items`.
    pub fn follow(
        &mut self,
        book: &mut Codebook,
        cluster: usize,
        vector: &[f32; WIDTH],
        (since, items): (u32, usize),
        config: &Config,
    ) {
        let rarity = (since as f32 / items.max(1) as f32).min(1.0);
        let weight = rarity.powf(config.rarity).max(SIGHTING_MIN);
        let centre = &mut self.all[cluster];
        centre.mass = config.memory * centre.mass + weight;
        let share = weight / centre.mass;
        for (mean, x) in centre.mean.iter_mut().zip(vector) {
            *mean += share * (x - *mean);
        }
        centre.square += share * (square_of(vector) - centre.square);
        self.narrow(book, cluster);
    }

    fn narrow(&mut self, book: &mut Codebook, cluster: usize) {
        let (row, scale) = Row::of(&self.all[cluster].mean);
        self.squares[cluster] = square(&row, scale);
        book.rows[cluster] = row;
        book.factors[cluster][0] = scale;
        book.factors[cluster][2] = self.all[cluster].spread();
    }

    /// Sets how much distances to a cluster of `len` members count where the mean is `mean_len`.
    pub fn weigh(&mut self, cluster: usize, len: usize, mean_len: f32, config: &Config) {
        let fill = len as f32 / (config.balance_below * mean_len).max(1.0);
        self.shrink[cluster] = fill.clamp(config.balance_shrink_min, 1.0);
    }

    /// The cluster that a vector belongs to; none while there is no cluster. The second distance is that to `current`.
    pub fn nearest(
        &mut self,
        kernel: Kernel,
        book: &Codebook,
        query: &NarrowQuery,
        current: Option<usize>,
    ) -> Option<(Nearest, f32)> {
        let count = self.all.len();
        self.dots.resize(count, 0);
        kernel.dots(&book.rows, &query.bytes, &mut self.dots);
        let own = query
            .bytes
            .iter()
            .map(|byte| i32::from(*byte).pow(2))
            .sum::<i32>() as f32;
        let own = own * query.scale * query.scale;
        let distance = |cluster: usize| {
            let dot = self.dots[cluster] as f32 * book.factors[cluster][0] * query.scale;
            (own + self.squares[cluster] - 2.0 * dot).max(0.0) * self.shrink[cluster]
        };
        let mut best = Nearest {
            cluster: 0,
            distance: f32::MAX,
        };
        for cluster in 0..count {
            let distance = distance(cluster);
            if distance < best.distance {
                best = Nearest { cluster, distance };
            }
        }
        let here = current.map_or(f32::MAX, distance);
        (count > 0).then_some((best, here))
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.all.capacity() * size_of::<Centre>() + (self.squares.capacity() + self.shrink.capacity()) * 4
    }
}

fn mass_of(len: usize, config: &Config) -> f32 {
    (len.max(1) as f32).min(1.0 / (1.0 - config.memory).max(1e-3))
}

fn square(row: &Row, scale: f32) -> f32 {
    square_of(&row.values(scale))
}

/// Squared length.
pub(super) fn square_of(vector: &[f32; WIDTH]) -> f32 {
    vector.iter().map(|x| x * x).sum()
}
