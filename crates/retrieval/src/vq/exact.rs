//! The plain reference: every vector is compared with the query, in full precision.
//!
//! It is what recall is measured against, and what the index must equal when it scans everything. Nothing serves from it.

use std::collections::HashMap;

use super::Found;
use super::row::WIDTH;

/// All vectors as they came.
#[derive(Debug, Default, Clone)]
pub struct Exact {
    all: HashMap<u64, (u32, [f32; WIDTH], f32)>,
}

impl Exact {
    /// Adds an item, or gives it another vector.
    pub fn insert(&mut self, (item, tag): (u64, u32), vector: &[f32; WIDTH], bias: f32) {
        self.all.insert(item, (tag, *vector, bias));
    }

    /// Takes an item out; whether it was there.
    pub fn remove(&mut self, item: u64) -> bool {
        self.all.remove(&item).is_some()
    }

    /// The items, in no order.
    pub fn items(&self) -> impl Iterator<Item = u64> + '_ {
        self.all.keys().copied()
    }

    /// The `count_max` best, best first.
    pub fn search(&self, query: &[f32; WIDTH], count_max: usize) -> Vec<Found> {
        let scored = self.all.iter().map(|(item, (tag, vector, bias))| Found {
            item: *item,
            tag: *tag,
            score: dot(vector, query) + bias,
        });
        let mut found: Vec<Found> = scored.collect();
        let by_score = |a: &Found, b: &Found| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item));
        if found.len() > count_max && count_max > 0 {
            found.select_nth_unstable_by(count_max - 1, by_score);
        }
        found.truncate(count_max);
        found.sort_unstable_by(by_score);
        found
    }
}

/// In eight sums beside each other, which a compiler can keep in one register.
fn dot(x: &[f32; WIDTH], y: &[f32; WIDTH]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    for (x, y) in x.as_chunks::<LANES>().0.iter().zip(y.as_chunks::<LANES>().0) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    sums.iter().sum()
}
