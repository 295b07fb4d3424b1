//! The hot loop of batched reads: four stages, each a fixed distance behind the one before, so that dozens of lines are on their way from
//! memory at any time and none is waited for.
//!
//! ```text
//! hash, fetch first bucket ──► probe it, fetch row or second bucket ──► probe that, fetch row ──► copy
//! ```
//!
//! Whatever is not found in this way (ids without a row, shards that grow, rows in writing) is left to the slow way of
//! [`super::reader`], which also says why a copied row is whole and the key's own.

use std::sync::atomic::{AtomicU64, Ordering};

use super::bucket::{self, Probe};
use super::cell;
use super::config::RowClass;
use super::index::Geometry;
use super::key::Key;
use super::reader::{Shared, values_into};
use super::slab::{self, Header, RowRef};

/// Keys between two stages.
const DISTANCE: usize = 40;
/// Keys under way at most, a power of two.
const RING: usize = 128;
const _: () = assert!(RING.is_power_of_two() && RING > 3 * DISTANCE);

type BucketWords = [AtomicU64; bucket::WORDS];

/// The two operations that have a twin for wider registers.
pub(super) trait Lanes: Copy {
    fn probe(self, words: &BucketWords, key: Key) -> Probe;

    /// Copies the values of a row of one write with this tag; false if there is none at this moment.
    fn copy<const W: usize, const D: usize>(self, words: &[AtomicU64; W], tag: u16, out: &mut [f32]) -> bool;
}

/// The reference.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Lanes for Plain {
    #[inline(always)]
    fn probe(self, words: &BucketWords, key: Key) -> Probe {
        bucket::probe(words, key)
    }

    #[inline(always)]
    fn copy<const W: usize, const D: usize>(self, words: &[AtomicU64; W], tag: u16, out: &mut [f32]) -> bool {
        let Some(words) = cell::read(words) else {
            return false;
        };
        if Header::of(words[0], words[1]).tag != tag {
            return false;
        }
        values_into::<W, D>(&words, out);
        true
    }
}

/// One key on its way.
#[derive(Clone, Copy)]
struct Step<'a> {
    buckets: [Option<&'a BucketWords>; 2],
    geometry: &'a AtomicU64,
    geometry_bits: u64,
    /// The bucket that had the key, its first word then, and the row.
    found: Option<(&'a BucketWords, u64, RowRef)>,
    tag: u16,
}

impl<'a> Step<'a> {
    #[inline(always)]
    fn begin(shared: &'a Shared, key: Key) -> Self {
        let places = key.places();
        let index = &shared.shards[shared.shard(places)];
        let geometry_bits = index.geometry_bits();
        let at = Geometry::from_bits(geometry_bits);
        let [one, two] = places.buckets(at.buckets);
        let step = Self {
            buckets: [index.words(at.side, one), index.words(at.side, two)],
            geometry: index.geometry_word(),
            geometry_bits,
            found: None,
            tag: places.tag(),
        };
        step.fetch_bucket(0);
        step
    }

    #[inline(always)]
    fn fetch_bucket(&self, choice: usize) {
        if let Some(words) = self.buckets[choice] {
            super::region::prefetch(&words[0]);
        }
    }

    #[inline(always)]
    fn look(&mut self, lanes: impl Lanes, shared: &Shared, key: Key, choice: usize) {
        let Some(words) = self.buckets[choice] else {
            return;
        };
        match lanes.probe(words, key) {
            Probe::Hit { row, head } => {
                self.found = Some((words, head, row));
                shared.prefetch_row(row);
            }
            Probe::Miss { .. } | Probe::Busy if choice == 0 => self.fetch_bucket(1),
            Probe::Miss { .. } | Probe::Busy => {}
        }
    }

    #[inline(always)]
    fn copy(&self, lanes: impl Lanes, shared: &Shared, out: &mut [f32]) -> bool {
        let Some((words, head, row)) = self.found else {
            return false;
        };
        let slab = shared.slabs[row.class().index()].words();
        let whole = match row.class() {
            RowClass::D8 => copy_row::<4, 8>(lanes, slab, row, self.tag, out),
            RowClass::D24 => copy_row::<8, 24>(lanes, slab, row, self.tag, out),
            RowClass::D56 => copy_row::<16, 56>(lanes, slab, row, self.tag, out),
        };
        whole && cell::unchanged(words, head) && self.geometry.load(Ordering::Relaxed) == self.geometry_bits
    }
}

#[inline(always)]
fn copy_row<const W: usize, const D: usize>(
    lanes: impl Lanes,
    slab: &[AtomicU64],
    row: RowRef,
    tag: u16,
    out: &mut [f32],
) -> bool {
    match slab::row::<W>(slab, row) {
        Some(words) => lanes.copy::<W, D>(words, tag, out),
        None => false,
    }
}

/// Reads the row of every key into its place of `out`; `slowly` is called for those that this way did not find.
#[inline(always)]
pub(super) fn run(
    lanes: impl Lanes,
    shared: &Shared,
    keys: &[Key],
    place: impl Fn(usize) -> usize,
    stride: Option<usize>,
    (out, mut slowly): (&mut [f32], impl FnMut(Key, &mut [f32])),
) {
    let mut ring: [Option<Step<'_>>; RING] = [const { None }; RING];
    for now in 0..keys.len() + 3 * DISTANCE {
        if let Some(key) = keys.get(now) {
            ring[now % RING] = Some(Step::begin(shared, *key));
        }
        for choice in 0..2 {
            let at = now.wrapping_sub((choice + 1) * DISTANCE);
            if let (Some(key), Some(step)) = (keys.get(at), &mut ring[at % RING])
                && step.found.is_none()
            {
                step.look(lanes, shared, *key, choice);
            }
        }
        let at = now.wrapping_sub(3 * DISTANCE);
        if let (Some(key), Some(step)) = (keys.get(at), &ring[at % RING]) {
            let place = place(at);
            let width = match stride {
                Some(stride) => stride,
                None => shared.width(*key),
            };
            let out = &mut out[place..place + width];
            if !step.copy(lanes, shared, out) {
                slowly(*key, out);
            }
        }
    }
}
