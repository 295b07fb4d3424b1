//! Batched reads beside a live writer: no lock, no wait, no write to shared memory.
//!
//! A batch runs through [`super::pipeline`], which fetches ahead what each step needs. A random line of a large table is a cache miss of about
//! a hundred nanoseconds; dozens of them under way at once are what makes a read cost as little as a fifth of that.
//!
//! **Why a row is whole and the key's own.** (1) The row's version was even and the same before and after its words were
//! loaded, so they are of one write. (2) Then the bucket that led to the row is looked at again; its version is the same, so
//! the entry stood there all the time. A row is given to another key only after its entry was cleared, so these words were
//! written for this key. Whoever saw a later owner's words also sees the cleared entry, by the writer's release fence
//! before them and the reader's acquire fence after them.
//!
//! A read that the writer disturbs [`ATTEMPTS_MAX`] times gives the slot's default row and is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cell;
use super::config::{RowClass, TableConfig};
use super::half;
use super::index::ShardIndex;
use super::key::{Key, Places};
use super::pipeline::{self, Lanes};
use super::region::Region;
use super::slab::{self, HEADER_WORDS, RowRef};
use super::wide;

/// Looks at one key before its slot's default stands in.
pub const ATTEMPTS_MAX: usize = 64;

/// What readers and the writer share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: TableConfig,
    pub(super) slabs: [Arc<Region>; 3],
    pub(super) shards: Vec<ShardIndex>,
    /// The default row by slot: the first rows of their classes.
    pub(super) defaults: Vec<RowRef>,
}

impl Shared {
    /// Values of a key's slot; zero if there is no such slot.
    #[inline(always)]
    pub(super) fn width(&self, key: Key) -> usize {
        self.config.slots.get(key.slot()).map_or(0, |rule| rule.width())
    }

    /// Starts to fetch a row's lines.
    #[inline(always)]
    pub(super) fn prefetch_row(&self, row: RowRef) {
        let slab = &self.slabs[row.class().index()];
        slab.prefetch(row.word());
        if row.class() == RowClass::D56 {
            slab.prefetch(row.word() + 8);
        }
    }

    #[inline(always)]
    pub(super) fn shard(&self, places: Places) -> usize {
        places.shard(self.shards.len())
    }
}

/// What reading met besides rows, since the reader was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadCounts {
    /// Rows that came from the slot's default because the id has none.
    pub defaults: u64,
    /// Rows that were looked at again because the writer was there.
    pub retries: u64,
    /// Rows that came from the slot's default because the writer was there every time.
    pub disturbed: u64,
}

/// Reads rows; cheap to clone. Threads may share one, at the price of sharing its counters.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    counted: [AtomicU64; 3],
}

impl Clone for Reader {
    /// The same table, counts from zero.
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            counted: Default::default(),
        }
    }

    /// Values of a row of this slot, zero if the table has no such slot.
    pub fn width(&self, slot: u16) -> usize {
        self.shared.width(Key::new(slot, 0))
    }

    /// See [`ReadCounts`].
    pub fn counts(&self) -> ReadCounts {
        let [defaults, retries, disturbed] = [0, 1, 2].map(|i| self.counted[i].load(Ordering::Relaxed));
        ReadCounts {
            defaults,
            retries,
            disturbed,
        }
    }

    fn count(&self, counts: ReadCounts) {
        let counts = [counts.defaults, counts.retries, counts.disturbed];
        for (counted, count) in self.counted.iter().zip(counts) {
            if count > 0 {
                counted.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    /// Row `i` goes to `out[i * stride..][..width]`, narrower rows padded with zeros up to `stride`.
    ///
    /// # Panics
    /// If `out` is shorter than `keys.len() * stride`, or `stride` than the width of a key's slot.
    pub fn read(&self, keys: &[Key], stride: usize, out: &mut [f32]) {
        assert!(keys.len() * stride <= out.len(), "out is too short");
        wide::read(self, keys, |i| i * stride, Some(stride), out);
    }

    /// Row `i` goes to `out[places[i]..][..width]`, narrower rows padded with zeros up to the slot's width.
    ///
    /// # Panics
    /// If `places` is shorter than `keys`, or a row does not fit into `out`.
    pub fn read_at(&self, keys: &[Key], places: &[u32], out: &mut [f32]) {
        assert!(keys.len() <= places.len(), "places are too few");
        wide::read(self, keys, |i| places[i] as usize, None, out);
    }

    /// The loop behind both; compiled once for each instruction set.
    #[inline(always)]
    pub(super) fn read_each(
        &self,
        lanes: impl Lanes,
        keys: &[Key],
        place: impl Fn(usize) -> usize,
        stride: Option<usize>,
        out: &mut [f32],
    ) {
        let mut counts = ReadCounts::default();
        let slowly = |key, out: &mut [f32]| self.copy_slowly(key, out, &mut counts);
        pipeline::run(lanes, &self.shared, keys, place, stride, (out, slowly));
        self.count(counts);
    }

    /// Copies a row of one write with the tag wanted; false if there is none at this moment.
    #[inline(always)]
    fn copy_row(&self, row: RowRef, tag: Option<u16>, out: &mut [f32]) -> bool {
        match row.class() {
            RowClass::D8 => self.copy_words::<4, 8>(row, tag, out),
            RowClass::D24 => self.copy_words::<8, 24>(row, tag, out),
            RowClass::D56 => self.copy_words::<16, 56>(row, tag, out),
        }
    }

    #[inline(always)]
    fn copy_words<const W: usize, const D: usize>(
        &self,
        row: RowRef,
        tag: Option<u16>,
        out: &mut [f32],
    ) -> bool {
        let slab = self.shared.slabs[row.class().index()].words();
        let Some(words) = slab::row::<W>(slab, row).and_then(cell::read) else {
            return false;
        };
        let header = slab::Header::of(words[0], words[1]);
        if tag.is_some_and(|tag| tag != header.tag) {
            return false;
        }
        values_into::<W, D>(&words, out);
        true
    }

    /// The way for ids without a row, shards that grow, and rows in writing.
    #[cold]
    #[inline(never)]
    fn copy_slowly(&self, key: Key, out: &mut [f32], counts: &mut ReadCounts) {
        let Some(default) = self.shared.defaults.get(key.slot()).copied() else {
            return out.fill(0.0);
        };
        let places = key.places();
        let index = &self.shared.shards[self.shared.shard(places)];
        for attempt in 0..ATTEMPTS_MAX {
            counts.retries += u64::from(attempt > 0);
            match index.find(key, places) {
                Ok(Some(found)) => {
                    if self.copy_row(found.row, Some(places.tag()), out) && index.still(&found) {
                        return;
                    }
                }
                Ok(None) => {
                    counts.defaults += 1;
                    return self.copy_default(default, out, counts);
                }
                Err(_) => {}
            }
            std::hint::spin_loop();
        }
        counts.disturbed += 1;
        self.copy_default(default, out, counts);
    }

    /// A default row never moves and is never freed, so its own version is enough.
    fn copy_default(&self, row: RowRef, out: &mut [f32], counts: &mut ReadCounts) {
        for _ in 0..ATTEMPTS_MAX {
            if self.copy_row(row, None, out) {
                return;
            }
            counts.retries += 1;
            std::hint::spin_loop();
        }
        counts.disturbed += 1;
        out.fill(0.0);
    }
}

/// Unpacks the values of a row's words and zeroes what is left of `out`.
#[inline(always)]
pub(super) fn values_into<const W: usize, const D: usize>(words: &[u64; W], out: &mut [f32]) {
    let mut halves = [0_u16; D];
    for (four, word) in halves.chunks_exact_mut(4).zip(&words[HEADER_WORDS..]) {
        for (i, half) in four.iter_mut().enumerate() {
            *half = (word >> (16 * i)) as u16;
        }
    }
    let (values, rest) = out.split_at_mut(D.min(out.len()));
    for (value, half) in values.iter_mut().zip(halves) {
        *value = half::to_f32(half);
    }
    zero(rest);
}

/// Zeroes what is left of a place. Most often that is nothing, or as much as makes a row of 24 fit into one of 32: a call costs more than these.
#[inline(always)]
pub(super) fn zero(rest: &mut [f32]) {
    match rest.len() {
        0 => {}
        8 => {
            if let Some(eight) = rest.first_chunk_mut::<8>() {
                *eight = [0.0; 8];
            }
        }
        _ => rest.fill(0.0),
    }
}
