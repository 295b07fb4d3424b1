//! The hot loop of batched reads: keys go through four stages in groups, each stage a whole group behind the one before, so that dozens of lines
//! are on their way from memory at any time and none is waited for.
//!
//! ```text
//! hash, fetch first bucket ──► look into it, fetch row or second bucket ──► look into that, fetch row ──► copy
//! ```
//!
//! Which of its two buckets has a key is a coin that no processor guesses, and a wrong guess costs as much as reading a row. So what is
//! fetched after the first look is chosen without a branch, and the keys that were not there are written down in a list, whose length alone decides
//! how often the second look's loop runs.
//!
//! Whatever is not found in this way (ids without a row, shards that grow, rows in writing, the key that empty entries look like) is left to the
//! slow way of [`super::reader`], which also says why a copied row is whole and the key's own. The first look's word of a bucket is confirmed
//! once, after its row was copied: that covers all that was read since.

use std::hint::select_unpredictable;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bucket::{self, Sought};
use super::cell;
use super::config::{RowClass, SHARDS_MAX};
use super::index::Geometry;
use super::key::Key;
use super::reader::{Shared, values_into};
use super::region;
use super::slab::{self, Header, RowRef};

/// Keys that go through a stage together.
const GROUP: usize = 32;
/// Groups under way, one for each stage.
const STAGES: usize = 4;
/// Keys under way at most.
const UNDER_WAY: usize = STAGES * GROUP;
/// A key's place in its group and its shard are numbered by bytes.
const _: () = assert!(GROUP <= 1 << 8 && SHARDS_MAX <= 1 << 8 && UNDER_WAY.is_power_of_two());

type BucketWords = [AtomicU64; bucket::WORDS];

/// Stands in for a bucket outside the memory in use: nothing is found there.
static NOWHERE: BucketWords = [const { AtomicU64::new(0) }; bucket::WORDS];

/// The two operations that have a twin for wider registers.
pub(super) trait Lanes: Copy {
    /// What [`bucket::seek`] says.
    fn seek(self, words: &BucketWords, key: Key) -> Sought;

    /// Copies the values of a row of one write with this tag; false if there is none at this moment.
    fn copy<const W: usize, const D: usize>(self, words: &[AtomicU64; W], tag: u16, out: &mut [f32]) -> bool;
}

/// The reference.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Lanes for Plain {
    #[inline(always)]
    fn seek(self, words: &BucketWords, key: Key) -> Sought {
        bucket::seek(words, key)
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

/// Where rows lie: the words of each class, and none for the bits that are no class.
type Slabs<'a> = [&'a [AtomicU64]; 4];

/// Keys on their way, a column for each thing to be known of them, and a stretch of each column for each group under way.
struct Keys<'a> {
    /// Where the key was sought last, and what was seen there.
    bucket: [&'a BucketWords; UNDER_WAY],
    seen: [Sought; UNDER_WAY],
    second: [&'a BucketWords; UNDER_WAY],
    /// Which shard, and where its buckets were.
    shard: [u8; UNDER_WAY],
    geometry: [u64; UNDER_WAY],
    tag: [u16; UNDER_WAY],
    /// Places of the keys that their first bucket had not, at the front of a group's stretch.
    missed: [u8; UNDER_WAY],
    missed_len: [usize; STAGES],
}

/// The stretch of a group, by its number.
#[inline(always)]
fn stretch(group: usize) -> usize {
    group % STAGES * GROUP
}

impl<'a> Keys<'a> {
    #[inline(always)]
    fn new() -> Self {
        Self {
            bucket: [&NOWHERE; UNDER_WAY],
            seen: [Sought::default(); UNDER_WAY],
            second: [&NOWHERE; UNDER_WAY],
            shard: [0; UNDER_WAY],
            geometry: [0; UNDER_WAY],
            tag: [0; UNDER_WAY],
            missed: [0; UNDER_WAY],
            missed_len: [0; STAGES],
        }
    }

    #[inline(always)]
    fn begin(&mut self, shared: &'a Shared, group: usize, keys: &[Key]) {
        for (at, key) in (stretch(group)..UNDER_WAY).zip(keys) {
            let places = key.places();
            let shard = shared.shard(places);
            let index = &shared.shards[shard];
            let bits = index.geometry_bits();
            let geometry = Geometry::from_bits(bits);
            let [one, two] = places.buckets(geometry.buckets);
            let one = index.words(geometry.side, one).unwrap_or(&NOWHERE);
            region::prefetch(&one[0]);
            self.bucket[at] = one;
            self.second[at] = index.words(geometry.side, two).unwrap_or(&NOWHERE);
            self.shard[at] = shard as u8;
            self.geometry[at] = bits;
            self.tag[at] = places.tag();
        }
    }

    #[inline(always)]
    fn look(&mut self, lanes: impl Lanes, slabs: &Slabs<'a>, group: usize, keys: &[Key]) {
        let from = stretch(group);
        let mut missed = 0;
        for (at, key) in (from..UNDER_WAY).zip(keys) {
            let seen = lanes.seek(self.bucket[at], *key);
            let (row, second) = (line(slabs, seen.row), &self.second[at][0]);
            region::prefetch(select_unpredictable(seen.row != 0, row, second));
            fetch_rest(slabs, seen.row);
            self.seen[at] = seen;
            self.missed[(from + missed) % UNDER_WAY] = (at - from) as u8;
            missed += usize::from(seen.row == 0);
        }
        self.missed_len[group % STAGES] = missed;
    }

    #[inline(always)]
    fn look_again(&mut self, lanes: impl Lanes, slabs: &Slabs<'a>, group: usize, keys: &[Key]) {
        let from = stretch(group);
        for i in 0..self.missed_len[group % STAGES].min(GROUP) {
            let place = usize::from(self.missed[from + i]);
            let (at, Some(key)) = ((from + place) % UNDER_WAY, keys.get(place)) else {
                continue;
            };
            let bucket = self.second[at];
            let seen = lanes.seek(bucket, *key);
            region::prefetch(line(slabs, seen.row));
            fetch_rest(slabs, seen.row);
            (self.bucket[at], self.seen[at]) = (bucket, seen);
        }
    }

    /// Copies the row of the key at `at`, or answers that it must be looked for again.
    #[inline(always)]
    fn copy(
        &self,
        at: usize,
        lanes: impl Lanes,
        shared: &Shared,
        slabs: &Slabs<'a>,
        out: &mut [f32],
    ) -> bool {
        let Some(row) = RowRef::from_bits(self.seen[at].row) else {
            return false;
        };
        let (slab, tag) = (slabs[row.class().index()], self.tag[at]);
        let whole = match row.class() {
            RowClass::D8 => copy_row::<4, 8>(lanes, slab, row, tag, out),
            RowClass::D24 => copy_row::<8, 24>(lanes, slab, row, tag, out),
            RowClass::D56 => copy_row::<16, 56>(lanes, slab, row, tag, out),
        };
        let geometry = shared.shards[usize::from(self.shard[at])].geometry_word();
        whole && self.seen[at].holds(self.bucket[at]) && geometry.load(Ordering::Relaxed) == self.geometry[at]
    }
}

/// The first word of the row with these bits, or a word of no row.
#[inline(always)]
fn line<'a>(slabs: &Slabs<'a>, row: u32) -> &'a AtomicU64 {
    let class = slab::class_bits(row);
    slabs[class].get(slab::word(row)).unwrap_or(&NOWHERE[0])
}

/// Rows of the widest class have a second line.
#[inline(always)]
fn fetch_rest(slabs: &Slabs<'_>, row: u32) {
    const WIDE: usize = RowClass::D56.index();
    if slab::class_bits(row) == WIDE
        && let Some(word) = slabs[WIDE].get(slab::word(row) + 8)
    {
        region::prefetch(word);
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
    let [d8, d24, d56] = &shared.slabs;
    let slabs: Slabs<'_> = [d8.words(), d24.words(), d56.words(), &[]];
    let mut under_way = Keys::new();
    let count = keys.len().div_ceil(GROUP);
    let part = |group: usize| &keys[group * GROUP..keys.len().min((group + 1) * GROUP)];
    for now in 0..count + STAGES - 1 {
        if now < count {
            under_way.begin(shared, now, part(now));
        }
        let behind = |stages: usize| now.checked_sub(stages).filter(|group| *group < count);
        if let Some(group) = behind(1) {
            under_way.look(lanes, &slabs, group, part(group));
        }
        if let Some(group) = behind(2) {
            under_way.look_again(lanes, &slabs, group, part(group));
        }
        if let Some(group) = behind(3) {
            for (i, key) in part(group).iter().enumerate() {
                let to = place(group * GROUP + i);
                let width = match stride {
                    Some(stride) => stride,
                    None => shared.width(*key),
                };
                let out = &mut out[to..to + width];
                let at = stretch(group) + i % GROUP;
                if !under_way.copy(at, lanes, shared, &slabs, out) {
                    slowly(*key, out);
                }
            }
        }
    }
}
