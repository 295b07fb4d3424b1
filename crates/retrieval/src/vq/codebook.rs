//! The centres as readers see them: an immutable snapshot with a handle on each cluster's posting list.
//!
//! A snapshot belongs together: centre k is of list k, whatever is split or merged after it was taken. A list that a split has replaced stays as it
//! was for whoever still reads an older snapshot, and goes with the last of them.

use std::sync::Arc;

use parking_lot::RwLock;

use super::kernel::Kernel;
use super::postings::Postings;
use super::row::{NarrowQuery, Row};

/// A posting list with its lock; see the header of [`super`] for why a lock.
#[derive(Debug, Default)]
pub(super) struct List(pub RwLock<Postings>);

/// See the module.
#[derive(Debug, Default, Clone)]
pub(super) struct Codebook {
    pub rows: Vec<Row>,
    /// Scale of each row, the highest bias of its list, and how far its members lie from it.
    pub factors: Vec<[f32; 3]>,
    pub lists: Vec<Arc<List>>,
}

/// A cluster promises what its centre does, and so many of its spreads more: the best answers are above the middle of their cluster, the more so the
/// wider it is. Of 0, 0.1, 0.2, 0.3, 0.5, 0.7 and 1 the best, in a trial with 200 000 items: 0.917 of the best hundred in 2 % of the postings, against 0.890
/// without.
const REACH: f32 = 0.5;

impl Codebook {
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// What each cluster promises the query, best last when popped from a heap: (score, cluster) packed so that integers order them.
    pub fn promises(&self, kernel: Kernel, query: &NarrowQuery, dots: &mut Vec<i32>, out: &mut Vec<u64>) {
        dots.resize(self.len(), 0);
        kernel.dots(&self.rows, &query.bytes, &mut dots[..self.len()]);
        out.clear();
        let scored = dots.iter().zip(&self.factors).enumerate();
        let reach = REACH * query.length();
        out.extend(scored.map(|(cluster, (dot, [scale, lift, spread]))| {
            let score = *dot as f32 * scale * query.scale + lift + reach * spread;
            u64::from(ordered(score)) << 32 | cluster as u64
        }));
    }
}

/// A number that is larger when the score is.
pub(super) fn ordered(score: f32) -> u32 {
    let bits = score.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_order_as_scores_do() {
        let scores = [-2.0, -1.0, -1e-9, 0.0, 1e-9, 0.5, 3.0];
        assert!(scores.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
    }
}
