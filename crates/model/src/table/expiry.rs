//! The clock hand: it walks over the index and drops the rows that nobody saw for too long, and under pressure the
//! least valuable ones.
//!
//! The hand covers a fixed share of the index in a second of event time, a bounded slice at each tick. When a
//! slab is nearly full it also drops, of each bucket it visits, the row with the least value: the logarithm of its updates,
//! halved with every half-life since it was last seen.

use super::bucket::ENTRIES;
use super::config::CLASSES;
use super::cuckoo::Entry;
use super::key::Key;
use super::optimiser::halved;
use super::slab::Header;
use super::writer::Writer;

/// Buckets that the hand visits in one tick at most: about half a millisecond of a large table.
pub const SWEPT_PER_TICK: usize = 4096;
/// Buckets of a growing shard that move in one tick.
pub(super) const MOVED_PER_TICK: usize = 512;
/// A slab is nearly full above this share of its rows, in percent.
const PRESSURE_PERCENT: u64 = 92;
/// Buckets fetched ahead.
const AHEAD: usize = 16;

/// Where the hand stands; part of the table's state.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Hand {
    pub(super) shard: usize,
    pub(super) bucket: usize,
    /// Buckets owed to the time that has passed.
    pub(super) due: f64,
    /// Event time of the last tick, zero before the first.
    pub(super) ticked_s: u32,
}

impl Writer {
    /// Visits what the event time since the last tick makes due, at most a slice.
    pub(super) fn sweep_due(&mut self) {
        let elapsed_s = match self.hand.ticked_s {
            0 => 0,
            ticked_s => self.now_s.saturating_sub(ticked_s),
        };
        self.hand.ticked_s = self.now_s;
        let all = self.buckets();
        let due = self.hand.due + f64::from(elapsed_s) * self.shared.config.sweep_per_s * all as f64;
        self.hand.due = due.min(all as f64);
        let visits = if self.pressed().contains(&true) {
            SWEPT_PER_TICK.min(all)
        } else {
            (self.hand.due as usize).min(SWEPT_PER_TICK)
        };
        self.hand.due = (self.hand.due - visits as f64).max(0.0);
        self.sweep(visits);
    }

    /// Visits the whole index once, however long that takes: for tests, and before a full checkpoint.
    pub fn sweep_all(&mut self, now_s: u32) {
        self.now_s = self.now_s.max(now_s);
        self.index.move_buckets(usize::MAX);
        self.sweep(self.buckets());
    }

    /// Buckets of all shards.
    fn buckets(&self) -> usize {
        self.index.shards.iter().map(|shard| shard.geometry.buckets).sum()
    }

    fn pressed(&self) -> [bool; CLASSES] {
        let rows_max = self.shared.config.rows_max;
        std::array::from_fn(|i| {
            u64::from(self.slabs[i].live) * 100 > u64::from(rows_max[i]) * PRESSURE_PERCENT
        })
    }

    fn sweep(&mut self, mut visits: usize) {
        while visits > 0 {
            let Hand { shard, bucket, .. } = self.hand;
            let buckets = self.index.shards[shard].geometry.buckets;
            let end = buckets.min(bucket + AHEAD.min(visits));
            let mut entries = [const { None }; AHEAD * ENTRIES];
            let mut found = 0;
            for bucket in bucket..end {
                for entry in self.index.entries(shard, bucket) {
                    self.shared.prefetch_row(entry.1.row);
                    entries[found] = Some(entry);
                    found += 1;
                }
            }
            for bucket in entries[..found].chunk_by(same_bucket) {
                self.visit(bucket);
            }
            visits -= end - bucket;
            self.hand.bucket = end;
            if end == buckets {
                self.hand.bucket = 0;
                self.hand.shard = (shard + 1) % self.index.shards.len();
            }
        }
    }

    /// Drops what is due of one bucket.
    fn visit(&mut self, bucket: &[Option<(Key, Entry)>]) {
        let pressed = self.pressed();
        let mut least: Option<(f32, Key, Entry)> = None;
        for (key, entry) in bucket.iter().flatten() {
            let Some(rule) = self.rule(*key).filter(|_| !key.is_default()) else {
                continue;
            };
            let header = self.header_at(entry.row);
            let age_s = self.now_s.saturating_sub(header.last_seen_s);
            if age_s > rule.expire_after_s {
                self.drop_row(*key, entry);
                self.counts.expired += 1;
            } else if pressed[entry.row.class().index()] {
                let value = self.value(header, age_s);
                if least.is_none_or(|(least, ..)| value < least) {
                    least = Some((value, *key, *entry));
                }
            }
        }
        if let Some((_, key, entry)) = least {
            self.drop_row(key, &entry);
            self.counts.evicted += 1;
        }
    }

    fn value(&self, header: Header, age_s: u32) -> f32 {
        let times = 1 + u32::from(header.updates);
        let half_life_s = self.shared.config.accumulator_half_life_s as f32;
        (1 + times.ilog2()) as f32 * halved(age_s as f32 / half_life_s)
    }
}

fn same_bucket(one: &Option<(Key, Entry)>, two: &Option<(Key, Entry)>) -> bool {
    match (one, two) {
        (Some((_, one)), Some((_, two))) => one.bucket == two.bucket,
        _ => false,
    }
}
