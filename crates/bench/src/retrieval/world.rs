//! Vectors to search: topics of Zipf sizes in a space of 24 hidden dimensions, seen through a random map into 128, with noise.
//!
//! Learned vectors have far fewer free directions than values; white noise in all 128 would be kinder to no index, and like no embedding.

use ::retrieval::vq::WIDTH;

use crate::table::Random;

const HIDDEN: usize = 24;
const TOPICS: usize = 1_000;
/// How far members lie from their topic, where topics lie 1 from each other.
const SPREAD: f32 = 0.7;
/// Length of the noise beside a unit vector.
const NOISE: f32 = 0.2;
const BITS: u64 = 1 << 24;

pub(super) struct World {
    map: Vec<[f32; WIDTH]>,
    topics: Vec<[f32; HIDDEN]>,
    /// Shares of the topics, added up.
    shares: Vec<f32>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let sizes = (1..=TOPICS).map(|rank| 1.0 / rank as f32);
        let all: f32 = sizes.clone().sum();
        let shares = sizes.scan(0.0, |sum, size| {
            *sum += size / all;
            Some(*sum)
        });
        Self {
            shares: shares.collect(),
            map: (0..HIDDEN)
                .map(|_| [(); WIDTH].map(|()| normal(&mut random)))
                .collect(),
            topics: (0..TOPICS)
                .map(|_| [(); HIDDEN].map(|()| normal(&mut random)))
                .collect(),
        }
    }

    /// A unit vector.
    pub(super) fn draw(&self, random: &mut Random) -> [f32; WIDTH] {
        let place = even(random);
        let topic = self
            .shares
            .partition_point(|share| *share < place)
            .min(TOPICS - 1);
        let mut vector = [0.0; WIDTH];
        for (hidden, row) in self.topics[topic].iter().zip(&self.map) {
            let hidden = hidden + SPREAD * normal(random);
            vector.iter_mut().zip(row).for_each(|(sum, x)| *sum += hidden * x);
        }
        let noise = NOISE / (WIDTH as f32).sqrt();
        unit(unit(vector).map(|x| x + noise * normal(random)))
    }
}

fn unit(vector: [f32; WIDTH]) -> [f32; WIDTH] {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    vector.map(|x| x / length)
}

/// Between 0 and 1, neither included.
fn even(random: &mut Random) -> f32 {
    (random.below(BITS) as f32 + 0.5) / BITS as f32
}

/// Of mean 0 and deviation 1 (Box, Muller 1958).
fn normal(random: &mut Random) -> f32 {
    let (radius, angle) = (even(random), even(random));
    (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * angle).cos()
}
