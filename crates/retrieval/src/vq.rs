//! A streaming index of vectors: clusters that move with their members, and posting lists with the vectors inline.
//!
//! An item is placed with the nearest of some thousand centres and appended to that cluster's list; the centre moves a little towards it (after "Streaming VQ",
//! ByteDance 2025). A list four times as long as the mean is split, one shorter than a quarter of it is dissolved, and [`Index::tend`] moves what has
//! come to lie nearer to another centre: nothing is ever trained in a batch and nothing is built anew. A query scans the lists of the nearest
//! centres, one after the other in memory, until its budget of postings is spent. Deliberately absent: a graph, whose links vectors
//! that learn would outdate all the time; residual codes; any knowledge of what an item is.
//!
//! **Readers and the writer.** One writer at a time ([`parking_lot::Mutex`]). Readers take the newest codebook by one atomic load and hold a read lock on one
//! list while they scan it, about a microsecond; an insert holds that lock for an append of 148 bytes. The lock costs a query of 80 lists under 2 µs
//! in all, where growing lists without a lock would need unsafe code and two generations of each list. A list that is split is not touched any more: readers of the
//! older codebook see it whole. An item that moves between two lists while a query runs may be missed or met twice by that query; met twice
//! is taken out.
//!
//! Back of the envelope, for 1 M items in about 6 000 clusters (measured figures: docs/benchmarks.md):
//!
//! | what | memory | processor |
//! |---|---|---|
//! | a posting | 128 B vector, 8 B scale and bias, 8 B item, 4 B tag; an eighth of room | |
//! | where an item is | 24 B and the map's room, about 45 B | one lookup |
//! | centres | 520 B + 2 × 144 B each: 5 MB | |
//! | insert or move | | 6 000 rows of 128 B ≈ 20 µs, one append |
//! | split | two lists written anew | 2 × 300 × 128 × 5 rounds ≈ 0.2 ms, once in some hundred inserts |
//! | a query of 10 000 postings | 16 B for each of up to 2 × count | centres 20 µs, postings 1.4 MB ≈ 100 µs, choice ≈ 50 µs |

mod centres;
mod codebook;
mod exact;
mod kernel;
mod postings;
mod row;
mod search;
mod split;
mod writer;

#[cfg(test)]
mod tests;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

pub use exact::Exact;
pub use kernel::Kernel;
pub use row::WIDTH;
pub use search::Scratch;

use writer::{Places, Shared, Writer};

/// How the index keeps its clusters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Members of a cluster that are aimed at while there are fewer clusters than the most.
    pub list_len: usize,
    /// Clusters at most; beyond that lists grow longer.
    pub clusters_max: usize,
    /// What is left of a centre's mass after a sighting: 0.995 remembers some two hundred.
    pub memory: f32,
    /// A sighting weighs (steps since the item's last one ÷ items) to this power.
    pub rarity: f32,
    /// Clusters below this share of the mean length look nearer than they are …
    pub balance_below: f32,
    /// … their squared distance counts for this share at least.
    pub balance_shrink_min: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            list_len: 100,
            clusters_max: 8_192,
            memory: 0.995,
            rarity: 0.5,
            balance_below: 0.5,
            balance_shrink_min: 0.9,
        }
    }
}

/// What a query may cost and bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// No further list is begun after so many postings.
    pub postings_max: usize,
    /// Findings at most.
    pub count_max: usize,
}

/// An item and how well it fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    pub item: u64,
    /// Whatever was given with the item, for example where else it is kept.
    pub tag: u32,
    /// Dot product of the vectors, as far as bytes tell, plus the item's bias.
    pub score: f32,
}

/// What a query looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    pub clusters: usize,
    pub postings: usize,
}

/// What [`Index::tend`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tended {
    pub looked_at: usize,
    pub moved: u64,
    pub split: u64,
    pub merged: u64,
}

/// How the index stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub items: usize,
    pub clusters: usize,
    /// Members of the largest cluster.
    pub longest: usize,
    /// Bytes held by lists, places and centres.
    pub bytes: usize,
    /// Since the index was made.
    pub splits: u64,
    pub merges: u64,
    pub moves: u64,
}

/// See the module. Shared by reference; readers never wait for the writer but for the length of one append.
pub struct Index {
    shared: Shared,
    writer: Mutex<Writer>,
    places: Places,
    kernel: Kernel,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("stats", &self.stats()).finish()
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Index {
    /// An empty index. Settings out of bounds are brought within them.
    pub fn new(config: Config) -> Self {
        Self::with_kernel(config, Kernel::best())
    }

    /// An empty index that multiplies with `kernel`; all kernels give the same answers.
    pub fn with_kernel(config: Config, kernel: Kernel) -> Self {
        let config = Config {
            list_len: config.list_len.max(1),
            clusters_max: config.clusters_max.clamp(1, u32::MAX as usize),
            memory: config.memory.clamp(0.0, 0.9999),
            ..config
        };
        let places = Places::default();
        Self {
            shared: Shared::default(),
            writer: Mutex::new(Writer::new(config, kernel, places.clone())),
            places,
            kernel,
        }
    }

    /// Adds an item, or gives it another vector, tag and bias. Readers find it when this returns.
    pub fn insert(&self, item: u64, tag: u32, vector: &[f32; WIDTH], bias: f32) {
        let mut writer = self.writer.lock();
        writer.insert(&self.shared, (item, tag), vector, bias);
    }

    /// Takes an item out; whether it was there. A query that began before may still bring it.
    pub fn remove(&self, item: u64) -> bool {
        self.writer.lock().remove(&self.shared, item)
    }

    /// Up to `limits.count_max` of the items that fit `query` best, in no order, into `out`. A vector of any length will do; for unit
    /// vectors the scores are cosines plus bias.
    pub fn search(
        &self,
        query: &[f32; WIDTH],
        limits: &Limits,
        scratch: &mut Scratch,
        out: &mut Vec<Found>,
    ) -> Scanned {
        search::search((&self.shared, self.kernel), query, limits, scratch, out)
    }

    /// Looks at the next `count` postings, by turns over all of them, and moves those that lie nearer to another cluster by now. The
    /// writer is held meanwhile: in the background call it with some dozens at a time.
    pub fn tend(&self, count: usize) -> Tended {
        self.writer.lock().tend(&self.shared, count)
    }

    /// Whether an item is in the index.
    pub fn has(&self, item: u64) -> bool {
        self.places.read().contains_key(&item)
    }

    /// An item's vector as the index has it; none when it has none, or is just being moved. Does not wait for the writer.
    pub fn vector(&self, item: u64) -> Option<[f32; WIDTH]> {
        let place = self.places.read().get(&item).copied()?;
        let book = self.shared.book.load();
        let postings = book.lists.get(place.cluster as usize)?.0.read();
        let slot = place.slot as usize;
        // Between a split and its publication the numbers are of lists that this codebook has not.
        let posting = (postings.items().get(slot) == Some(&item)).then(|| postings.get(slot))?;
        Some(posting.row.values(posting.scale))
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.places.read().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All items, in no order.
    pub fn items(&self) -> Vec<u64> {
        self.places.read().keys().copied().collect()
    }

    /// How it stands; walks all lists.
    pub fn stats(&self) -> Stats {
        self.writer.lock().stats()
    }
}
