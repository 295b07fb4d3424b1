//! Asking an index for several things at once, and what to ask around: means of vectors, and groups of them.

use std::collections::HashMap;

use feature_store::IdHashing;
use parking_lot::Mutex;
use retrieval::vq::{Found, Index, Limits, Scratch, WIDTH};
use types::VideoId;

use super::VideoVectors;

/// Postings scanned for each candidate that is wanted: about 96 % of the exact answer's best 500 (docs/benchmarks.md).
const POSTINGS_PER_CANDIDATE: usize = 5;
/// Postings scanned for a small wish, at least.
const POSTINGS_MIN: usize = 2_000;
/// Buffers kept for the next requests, 200 kB each.
const SPARE_MAX: usize = 8;

/// A place to look around, and how many to bring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub vector: [f32; WIDTH],
    pub count: usize,
}

/// A direction that some vectors share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// Sum of the members, each with its weight.
    sum: [f32; WIDTH],
    pub weight: f32,
}

impl Group {
    /// Of length 1.
    pub fn direction(&self) -> [f32; WIDTH] {
        unit(&self.sum)
    }

    fn add(&mut self, vector: &[f32; WIDTH], weight: f32) {
        self.weight += weight;
        self.sum
            .iter_mut()
            .zip(vector)
            .for_each(|(sum, x)| *sum += weight * x);
    }
}

/// Buffers between two requests.
#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<(Scratch, Vec<Found>)>>);

impl VideoVectors {
    /// What `wishes` bring, each video once, with its best score; in no order.
    pub(crate) fn ask(&self, index: &Index, wishes: &[Wish]) -> Vec<(VideoId, f32)> {
        let (mut scratch, mut found) = self.spare.0.lock().pop().unwrap_or_default();
        let expected = wishes.iter().map(|wish| wish.count).sum();
        let mut best: HashMap<VideoId, f32, IdHashing> =
            HashMap::with_capacity_and_hasher(expected, IdHashing);
        let mut scanned = 0;
        for wish in wishes {
            let limits = Limits {
                postings_max: (POSTINGS_PER_CANDIDATE * wish.count).max(POSTINGS_MIN),
                count_max: wish.count,
            };
            scanned += index
                .search(&wish.vector, &limits, &mut scratch, &mut found)
                .postings;
            for found in &found {
                let score = best.entry(VideoId::from_raw(found.item)).or_insert(found.score);
                *score = score.max(found.score);
            }
        }
        let mut spare = self.spare.0.lock();
        if spare.len() < SPARE_MAX {
            spare.push((scratch, found));
        }
        drop(spare);
        metrics::counter!("riffle_vectors_postings_scanned_total").increment(scanned as u64);
        best.into_iter().collect()
    }
}

/// The direction of the weighted mean; none of nothing.
pub(crate) fn mean<'a>(vectors: impl IntoIterator<Item = (&'a [f32; WIDTH], f32)>) -> Option<[f32; WIDTH]> {
    let mut all = Group {
        sum: [0.0; WIDTH],
        weight: 0.0,
    };
    for (vector, weight) in vectors {
        all.add(vector, weight);
    }
    (all.weight > 0.0).then(|| all.direction())
}

/// Groups unit vectors, those before taking precedence: each joins the nearest group whose direction is within the cosine `near`, or founds
/// one, as long as there are fewer than `count_max`. Heaviest first.
pub(crate) fn grouped(vectors: &[([f32; WIDTH], f32)], near: f32, count_max: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (vector, weight) in vectors {
        let closeness = |group: &Group| dot(&group.direction(), vector);
        let nearest = groups
            .iter()
            .enumerate()
            .map(|(at, group)| (closeness(group), at))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match nearest {
            Some((cosine, at)) if cosine >= near || groups.len() >= count_max => {
                groups[at].add(vector, *weight);
            }
            _ => {
                let mut group = Group {
                    sum: [0.0; WIDTH],
                    weight: 0.0,
                };
                group.add(vector, *weight);
                groups.push(group);
            }
        }
    }
    groups.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    groups
}

fn dot(x: &[f32; WIDTH], y: &[f32; WIDTH]) -> f32 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn unit(vector: &[f32; WIDTH]) -> [f32; WIDTH] {
    let length = dot(vector, vector).sqrt().max(1e-9);
    vector.map(|x| x / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(at: usize, beside: f32) -> [f32; WIDTH] {
        let mut vector = [0.0; WIDTH];
        (vector[at], vector[at + 1]) = (1.0, beside);
        unit(&vector)
    }

    #[test]
    fn interests_are_told_apart_and_the_heaviest_comes_first() {
        let vectors = [
            (axis(0, 0.1), 1.0),
            (axis(10, 0.0), 0.9),
            (axis(0, -0.1), 0.8),
            (axis(20, 0.0), 0.1),
        ];
        let groups = grouped(&vectors, 0.7, 4);
        assert_eq!(groups.len(), 3);
        assert!((groups[0].weight - 1.8).abs() < 1e-5);
        assert!(dot(&groups[0].direction(), &axis(0, 0.0)) > 0.99);
        assert_eq!(grouped(&vectors, 0.7, 2).len(), 2, "the last joins one of two");
        assert!(grouped(&[], 0.7, 2).is_empty());
    }

    #[test]
    fn a_mean_is_a_direction() {
        assert!(mean([]).is_none());
        let (x, y) = (axis(0, 0.0), axis(1, 0.0));
        let found = mean([(&x, 1.0), (&y, 1.0)]).expect("of two");
        assert!((dot(&found, &x) - 0.707).abs() < 0.001 && (dot(&found, &found) - 1.0).abs() < 1e-4);
    }
}
