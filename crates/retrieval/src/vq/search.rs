//! A query: the nearest clusters first, their lists scanned to the end of the budget, the best kept.
//!
//! Every posting that is scanned gets its own score, vector times vector plus bias, so a cluster's score only decides in which order lists are
//! merged into the answer: a heap of promises (query times centre, plus the highest bias of the list) is popped until the budget is spent.

use std::collections::BinaryHeap;
use std::sync::atomic::Ordering;

use super::codebook::{Codebook, List};
use super::kernel::Kernel;
use super::row::{NarrowQuery, WIDTH};
use super::writer::Shared;
use super::{Found, Limits, Scanned};

/// Buffers of a query, reused.
#[derive(Debug, Default)]
pub struct Scratch {
    dots: Vec<i32>,
    promises: Vec<u64>,
}

pub(super) fn search(
    (shared, kernel): (&Shared, Kernel),
    query: &[f32; WIDTH],
    limits: &Limits,
    scratch: &mut Scratch,
    out: &mut Vec<Found>,
) -> Scanned {
    out.clear();
    let moving = shared.moving.load(Ordering::Acquire);
    let book: &Codebook = &shared.book.load();
    let query = NarrowQuery::of(query);
    book.promises(kernel, &query, &mut scratch.dots, &mut scratch.promises);
    let mut heap = BinaryHeap::from(std::mem::take(&mut scratch.promises));
    let mut best = Best::new(limits.count_max, out);
    let mut scanned = Scanned::default();
    while scanned.postings < limits.postings_max
        && let Some(promise) = heap.pop()
    {
        let list = &book.lists[promise as u32 as usize];
        scanned.postings += scan(list, kernel, &query, &mut scratch.dots, &mut best);
        scanned.clusters += 1;
    }
    best.finish();
    scratch.promises = heap.into_vec();
    let moved = shared.moving.load(Ordering::Acquire);
    if moved != moving || moving % 2 == 1 {
        once_each(out);
    }
    scanned
}

/// Scores all members of a list; how many they are.
fn scan(list: &List, kernel: Kernel, query: &NarrowQuery, dots: &mut Vec<i32>, best: &mut Best<'_>) -> usize {
    let postings = list.0.read();
    let len = postings.len();
    if dots.len() < len {
        dots.resize(len, 0);
    }
    let dots = &mut dots[..len];
    kernel.dots(postings.rows(), &query.bytes, dots);
    for (at, (dot, [scale, bias])) in dots.iter().zip(postings.factors()).enumerate() {
        let score = (*dot as f32 * query.scale).mul_add(*scale, *bias);
        if score > best.floor {
            best.take(Found {
                item: postings.items()[at],
                tag: postings.tags()[at],
                score,
            });
        }
    }
    len
}

/// The best so far, and up to as many again that may still be among them.
struct Best<'a> {
    count_max: usize,
    /// What is not above this is not among the best.
    floor: f32,
    found: &'a mut Vec<Found>,
}

impl<'a> Best<'a> {
    fn new(count_max: usize, found: &'a mut Vec<Found>) -> Self {
        let floor = if count_max == 0 { f32::MAX } else { f32::MIN };
        Self {
            count_max,
            floor,
            found,
        }
    }

    fn take(&mut self, found: Found) {
        self.found.push(found);
        if self.found.len() >= 2 * self.count_max + 64 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let by_score = |a: &Found, b: &Found| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item));
        let (_, last, _) = self.found.select_nth_unstable_by(self.count_max - 1, by_score);
        self.floor = last.score;
        self.found.truncate(self.count_max);
    }

    fn finish(mut self) {
        if self.found.len() > self.count_max {
            self.cut();
        }
    }
}

/// Leaves one finding of each item, the better one.
fn once_each(found: &mut Vec<Found>) {
    found.sort_unstable_by(|a, b| a.item.cmp(&b.item).then(b.score.total_cmp(&a.score)));
    found.dedup_by_key(|found| found.item);
}
