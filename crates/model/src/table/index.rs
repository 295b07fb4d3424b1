//! One shard's index as readers see it: which memory holds its buckets, and how a key is looked up beside a writer.
//!
//! A shard owns two sides of address space and uses one. While it grows, entries move bucket by bucket from the old side
//! to the new one; an entry is written to its new place before it leaves the old one, here as in a displacement, so it
//! is never nowhere. A reader that found nothing believes it only if none of the buckets it looked at has changed
//! between the first look and the last: then there was a moment at which the key was in none of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bucket::{self, Disturbed};
use super::cell;
use super::key::{Key, Places};
use super::region::Region;
use super::slab::RowRef;

const SIDE_SHIFT: u32 = 62;
const COUNT_BITS: u32 = 31;
/// Buckets of one side at most.
pub(super) const BUCKETS_MAX: usize = (1 << COUNT_BITS) - 1;

/// Buckets in which a key can be: two, and two more while its shard grows.
const CANDIDATES_MAX: usize = 4;

/// Where the buckets are at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// The side in use.
    pub(super) side: usize,
    /// Its buckets.
    pub(super) buckets: usize,
    /// Buckets of the other side, zero unless entries are still moving from there.
    pub(super) old: usize,
}

impl Geometry {
    pub(super) fn to_bits(self) -> u64 {
        (self.side as u64) << SIDE_SHIFT | (self.old as u64) << COUNT_BITS | self.buckets as u64
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        let count = |bits: u64| (bits & BUCKETS_MAX as u64) as usize;
        Self {
            side: (bits >> SIDE_SHIFT & 1) as usize,
            buckets: count(bits),
            old: count(bits >> COUNT_BITS),
        }
    }

    /// Side and bucket of every place where the key may be, the likeliest first.
    pub(super) fn candidates(self, places: Places) -> impl Iterator<Item = (usize, usize)> {
        let new = places.buckets(self.buckets).map(|bucket| (self.side, bucket));
        let old = (self.old > 0).then(|| places.buckets(self.old).map(|bucket| (1 - self.side, bucket)));
        new.into_iter().chain(old.into_iter().flatten())
    }
}

/// A row that was found, and what must still hold for it to be the key's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) row: RowRef,
    side: usize,
    bucket: usize,
    head: u64,
    geometry: u64,
}

/// See the file's header.
#[derive(Debug)]
pub(super) struct ShardIndex {
    geometry: AtomicU64,
    pub(super) sides: [Arc<Region>; 2],
}

impl ShardIndex {
    /// Reserves two sides of `buckets_max` buckets; none is in use yet.
    pub(super) fn reserve(buckets_max: usize) -> std::io::Result<Self> {
        let side = || Region::reserve(buckets_max * bucket::WORDS).map(Arc::new);
        Ok(Self {
            geometry: AtomicU64::new(0),
            sides: [side()?, side()?],
        })
    }

    #[inline(always)]
    pub(super) fn geometry_bits(&self) -> u64 {
        self.geometry.load(Ordering::Acquire)
    }

    pub(super) fn geometry_set(&self, geometry: Geometry) {
        self.geometry.store(geometry.to_bits(), Ordering::Release);
    }

    /// The word that says where the buckets are.
    #[inline(always)]
    pub(super) fn geometry_word(&self) -> &AtomicU64 {
        &self.geometry
    }

    #[inline(always)]
    pub(super) fn words(&self, side: usize, bucket: usize) -> Option<&[AtomicU64; bucket::WORDS]> {
        self.sides[side]
            .words()
            .get(bucket * bucket::WORDS..)?
            .first_chunk()
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, side: usize, bucket: usize) {
        self.sides[side].prefetch(bucket * bucket::WORDS);
    }

    /// True if the key still led to this row when its last word was read.
    #[inline(always)]
    pub(super) fn still(&self, found: &Found) -> bool {
        let Some(words) = self.words(found.side, found.bucket) else {
            return false;
        };
        cell::unchanged(words, found.head) && self.geometry.load(Ordering::Relaxed) == found.geometry
    }

    /// A full lookup beside a writer. `Err` when a write got in between: look again.
    pub(super) fn find(&self, key: Key, places: Places) -> Result<Option<Found>, Disturbed> {
        let geometry = self.geometry_bits();
        let (mut at, mut count) = ([(0, 0); CANDIDATES_MAX], 0);
        for candidate in Geometry::from_bits(geometry).candidates(places) {
            at[count] = candidate;
            count += 1;
        }
        let mut buckets = [self.words(at[0].0, at[0].1).ok_or(Disturbed)?; CANDIDATES_MAX];
        for (bucket, (side, number)) in buckets[..count].iter_mut().zip(at) {
            *bucket = self.words(side, number).ok_or(Disturbed)?;
        }
        let found = bucket::find(&self.geometry, geometry, &buckets[..count], key)?;
        Ok(found.map(|(i, row, head)| Found {
            row,
            side: at[i].0,
            bucket: at[i].1,
            head,
            geometry,
        }))
    }
}
