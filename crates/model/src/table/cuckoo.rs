//! The index as its one writer sees it: placing, displacing, removing, growing.
//!
//! A key has two buckets of five entries. When both are full, a breadth-first search finds the shortest chain of entries
//! that can each step to their other bucket, and the chain is walked from its free end, so that every entry is in its
//! new place before it leaves the old one. Above 90 % of load a shard grows by an eighth: a new side is laid out and a few
//! buckets move at every insertion, front to back. One shard grows at a time, so growth costs 1/64 of the index
//! in memory and never more than a slice of time.

use std::sync::Arc;

use super::bucket::{self, Bucket, ENTRIES};
use super::index::Geometry;
use super::key::Key;
use super::reader::Shared;
use super::slab::RowRef;
use super::tracked::Tracked;

/// A shard grows above this share of its entries, in percent.
const GROW_ABOVE_PERCENT: usize = 90;
/// Share of the entries that a new table is laid out for, in percent.
const LAID_OUT_PERCENT: usize = 85;
/// A shard has at least this many buckets.
pub(super) const BUCKETS_MIN: usize = 8;
/// Buckets that move with each insertion.
const MOVED_PER_INSERT: usize = 6;
/// Buckets that the search for a free entry looks at.
const SEARCH_MAX: usize = 512;
/// Growths that one insertion may force when the search found nothing.
const FORCED_MAX: usize = 4;

/// Buckets a shard needs for its part of `rows`.
pub(super) fn buckets_for(rows: usize, shards: usize) -> usize {
    let entries = rows.div_ceil(shards) * 100 / LAID_OUT_PERCENT;
    entries.div_ceil(ENTRIES).max(BUCKETS_MIN)
}

/// Where a key's entry is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) row: RowRef,
    shard: usize,
    side: usize,
    pub(super) bucket: usize,
    entry: usize,
}

#[derive(Debug)]
pub(super) struct Shard {
    pub(super) sides: [Tracked; 2],
    pub(super) geometry: Geometry,
    pub(super) entries: usize,
}

/// The shard that grows, and the next bucket of its old side to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Growing {
    pub(super) shard: usize,
    pub(super) next: usize,
}

/// See the file's header.
#[derive(Debug)]
pub(super) struct Index {
    shared: Arc<Shared>,
    pub(super) shards: Vec<Shard>,
    pub(super) growing: Option<Growing>,
    /// Rows whose entry found no place while its shard grew; practically none. The writer frees them.
    pub(super) lost: Vec<(Key, RowRef)>,
}

impl Index {
    pub(super) fn new(shared: Arc<Shared>, buckets: usize) -> Self {
        let shard = |index: &super::index::ShardIndex| Shard {
            sides: [0, 1].map(|side| Tracked::new(index.sides[side].clone())),
            geometry: Geometry {
                side: 0,
                buckets,
                old: 0,
            },
            entries: 0,
        };
        let shards = shared.shards.iter().map(shard).collect();
        let index = Self {
            shared,
            shards,
            growing: None,
            lost: Vec::new(),
        };
        index.shards.iter().for_each(|shard| shard.prefer_huge());
        index.publish();
        index
    }

    /// Shows readers the geometries, as after a restore.
    pub(super) fn publish(&self) {
        for (shard, shared) in self.shards.iter().zip(&self.shared.shards) {
            shared.geometry_set(shard.geometry);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.entries).sum()
    }

    /// Starts to fetch the likeliest bucket.
    #[inline]
    pub(super) fn prefetch(&self, key: Key) {
        let places = key.places();
        let shard = self.shared.shard(places);
        let geometry = self.shards[shard].geometry;
        let bucket = places.buckets(geometry.buckets)[0];
        self.shared.shards[shard].prefetch(geometry.side, bucket);
    }

    /// Starts to fetch the second bucket if the first, fetched before, has no entry of the key.
    #[inline]
    pub(super) fn prefetch_second(&self, key: Key) {
        let places = key.places();
        let shard = self.shared.shard(places);
        let Geometry { side, buckets, .. } = self.shards[shard].geometry;
        let [one, two] = places.buckets(buckets);
        if self.shards[shard].bucket(side, one).entry_of(key).is_none() {
            self.shared.shards[shard].prefetch(side, two);
        }
    }

    /// The entries of a bucket on the side in use.
    pub(super) fn entries(&self, shard: usize, bucket: usize) -> impl Iterator<Item = (Key, Entry)> {
        let side = self.shards[shard].geometry.side;
        let entry = move |(entry, row)| Entry {
            row,
            shard,
            side,
            bucket,
            entry,
        };
        let bucket = self.shards[shard].bucket(side, bucket);
        (0..ENTRIES).filter_map(move |i| Some((bucket.key(i), entry((i, bucket.row(i)?)))))
    }

    #[inline]
    pub(super) fn locate(&self, key: Key) -> Option<Entry> {
        let places = key.places();
        let shard = self.shared.shard(places);
        let own = &self.shards[shard];
        own.geometry.candidates(places).find_map(|(side, bucket)| {
            let (entry, row) = own.bucket(side, bucket).entry_of(key)?;
            Some(Entry {
                row,
                shard,
                side,
                bucket,
                entry,
            })
        })
    }

    /// Puts in a key that is not there; false if the index is as large as it may be and full.
    pub(super) fn insert(&mut self, key: Key, row: RowRef) -> bool {
        self.move_buckets(MOVED_PER_INSERT);
        let at = self.shared.shard(key.places());
        for _ in 0..=FORCED_MAX {
            let shard = &mut self.shards[at];
            if shard.place(key, row) {
                shard.entries += 1;
                if self.growing.is_none() && shard.crowded() {
                    self.grow(at);
                }
                return true;
            }
            self.move_buckets(usize::MAX);
            if !self.grow(at) {
                return false;
            }
        }
        false
    }

    /// Leads a key's entry to another row.
    pub(super) fn replace(&mut self, at: &Entry, key: Key, row: RowRef) {
        self.shards[at.shard].change(at.side, at.bucket, |bucket| bucket.set(at.entry, key, row));
    }

    pub(super) fn remove(&mut self, at: &Entry) {
        let shard = &mut self.shards[at.shard];
        shard.change(at.side, at.bucket, |bucket| bucket.clear(at.entry));
        shard.entries -= 1;
    }

    /// Begins to grow a shard; false if it must not get larger.
    fn grow(&mut self, at: usize) -> bool {
        let shard = &mut self.shards[at];
        let Geometry { side, buckets, .. } = shard.geometry;
        let room = shard.sides[1 - side].words().len() / bucket::WORDS;
        let larger = (buckets + buckets / 8).max(buckets + BUCKETS_MIN).min(room);
        if larger <= buckets {
            return false;
        }
        shard.geometry = Geometry {
            side: 1 - side,
            buckets: larger,
            old: buckets,
        };
        shard.sides[1 - side].mark_all(0..larger * bucket::WORDS);
        shard.prefer_huge();
        self.shared.shards[at].geometry_set(shard.geometry);
        self.growing = Some(Growing { shard: at, next: 0 });
        true
    }

    /// Moves up to `count` buckets of the shard that grows, if one does.
    pub(super) fn move_buckets(&mut self, count: usize) {
        let Some(Growing { shard: at, next }) = self.growing else {
            return;
        };
        let shard = &mut self.shards[at];
        let Geometry { side, buckets, old } = shard.geometry;
        let end = old.min(next.saturating_add(count));
        for from in next..end {
            let leaving = shard.bucket(1 - side, from);
            for (_, key, row) in leaving.entries() {
                if !shard.place(key, row) {
                    shard.entries -= 1;
                    self.lost.push((key, row));
                }
            }
            shard.change(1 - side, from, |bucket| {
                (0..ENTRIES).for_each(|entry| bucket.clear(entry))
            });
        }
        if end < old {
            self.growing = Some(Growing { shard: at, next: end });
            return;
        }
        shard.geometry = Geometry {
            side,
            buckets,
            old: 0,
        };
        self.shared.shards[at].geometry_set(shard.geometry);
        shard.sides[1 - side].release();
        self.growing = None;
    }
}

impl Shard {
    /// Words of a side that hold anything.
    pub(super) fn words_used(&self, side: usize) -> usize {
        let buckets = if side == self.geometry.side {
            self.geometry.buckets
        } else {
            self.geometry.old
        };
        buckets * bucket::WORDS
    }

    #[inline(always)]
    pub(super) fn bucket(&self, side: usize, bucket: usize) -> Bucket {
        Bucket(self.sides[side].cell_own(bucket * bucket::WORDS))
    }

    fn change(&mut self, side: usize, bucket: usize, change: impl FnOnce(&mut Bucket)) {
        let mut changed = self.bucket(side, bucket);
        change(&mut changed);
        self.sides[side].cell_write(bucket * bucket::WORDS, &changed.0);
    }

    fn crowded(&self) -> bool {
        self.entries * 100 > self.geometry.buckets * ENTRIES * GROW_ABOVE_PERCENT
    }

    fn prefer_huge(&self) {
        let side = self.geometry.side;
        self.sides[side].region().prefer_huge(0..self.words_used(side));
    }

    /// Puts a key into the side in use, displacing others if it must.
    fn place(&mut self, key: Key, row: RowRef) -> bool {
        let Geometry { side, buckets, .. } = self.geometry;
        let roots = key.places().buckets(buckets);
        let Some((bucket, entry)) = self.vacancy(roots).or_else(|| self.vacate(roots)) else {
            return false;
        };
        self.change(side, bucket, |bucket| bucket.set(entry, key, row));
        true
    }

    fn vacancy(&self, roots: [usize; 2]) -> Option<(usize, usize)> {
        let side = self.geometry.side;
        roots
            .into_iter()
            .find_map(|bucket| Some((bucket, self.bucket(side, bucket).vacancy()?)))
    }

    /// Frees an entry of one of the full root buckets along the shortest chain of displacements.
    fn vacate(&mut self, roots: [usize; 2]) -> Option<(usize, usize)> {
        let mut chain = self.chain(roots)?;
        let (mut to, mut to_entry) = chain.pop()?;
        let side = self.geometry.side;
        while let Some((from, entry)) = chain.pop() {
            let source = self.bucket(side, from);
            let row = source.row(entry)?;
            self.change(side, to, |bucket| bucket.set(to_entry, source.key(entry), row));
            self.change(side, from, |bucket| bucket.clear(entry));
            (to, to_entry) = (from, entry);
        }
        Some((to, to_entry))
    }

    /// Bucket and entry of each step, from a root to a free entry. No bucket comes twice, so no step undoes another.
    fn chain(&self, roots: [usize; 2]) -> Option<Vec<(usize, usize)>> {
        struct Node {
            bucket: usize,
            parent: usize,
            /// The parent's entry that would move here.
            entry: usize,
        }
        const ROOT: usize = usize::MAX;
        let Geometry { side, buckets, .. } = self.geometry;
        let root = |bucket| Node {
            bucket,
            parent: ROOT,
            entry: 0,
        };
        let mut nodes: Vec<Node> = Vec::with_capacity(64);
        nodes.extend(roots.map(root));
        let mut parent = 0;
        while parent < nodes.len() && nodes.len() < SEARCH_MAX {
            let here = nodes[parent].bucket;
            let bucket = self.bucket(side, here);
            for (entry, key, _) in bucket.entries() {
                let [one, two] = key.places().buckets(buckets);
                let other = if one == here { two } else { one };
                if nodes.iter().any(|node| node.bucket == other) {
                    continue;
                }
                nodes.push(Node {
                    bucket: other,
                    parent,
                    entry,
                });
                let Some(vacancy) = self.bucket(side, other).vacancy() else {
                    continue;
                };
                let mut chain = vec![(other, vacancy)];
                let mut at = &nodes[nodes.len() - 1];
                while at.parent != ROOT {
                    let parent = &nodes[at.parent];
                    chain.push((parent.bucket, at.entry));
                    at = parent;
                }
                chain.reverse();
                return Some(chain);
            }
            parent += 1;
        }
        None
    }
}
