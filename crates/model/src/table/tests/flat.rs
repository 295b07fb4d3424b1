//! A hundred million ids pass through a table for some tens of thousands, and its memory stays where it was.

use super::super::{Key, RowClass, SlotRule, Table, TableConfig};
use super::Random;

const IDS: u64 = 100_000_000;
const BATCH: u64 = 4096;
const IDS_PER_S: u64 = 4096 * 4;
const EXPIRE_S: u32 = 40;
/// Of 64 ids, this many come back soon after; the others are never seen again.
const RETURNING: u64 = 4;

/// Ids are new all the time: most are seen once, some come back at once. Only those get rows, the rows expire, and
/// later ids live in the same memory.
#[test]
fn memory_is_flat_over_a_hundred_million_ids() {
    let slot = SlotRule {
        admit_at: 2,
        expire_after_s: EXPIRE_S,
        ..SlotRule::fixed(RowClass::D24)
    };
    let config = TableConfig {
        rows_max: [0, 1 << 20, 0],
        rows_expected: 1 << 14,
        shards: 4,
        sketch_lines: 1 << 13,
        sketch_age_s: 8,
        sweep_per_s: 0.05,
        ..TableConfig::new(vec![slot])
    };
    let (mut writer, _) = Table::create(config).expect("a table");
    let mut random = Random(5);
    let mut keys = Vec::with_capacity(BATCH as usize * 2);
    let mut early = Footprint::default();
    let mut most = Footprint::default();
    for first in (0..IDS).step_by(BATCH as usize) {
        let now_s = 1 + (first / IDS_PER_S) as u32;
        keys.clear();
        for id in first..first + BATCH {
            keys.push(Key::new(0, id));
            if id % 64 < RETURNING {
                keys.push(Key::new(0, id.saturating_sub(random.below(64))));
            }
        }
        writer.admit(&keys, now_s);
        writer.tick(now_s);
        let now = Footprint::of(&writer);
        if first < IDS / 20 {
            early = early.max(now);
        }
        most = most.max(now);
    }
    let counts = writer.counts();
    // 6 % of the ids come back, and a few more are mistaken for ids that did.
    assert!(
        counts.created > IDS / 25 && counts.created < IDS / 8,
        "{counts:?}"
    );
    assert_eq!((counts.refused, counts.lost, counts.evicted), (0, 0, 0));
    assert!(counts.expired > counts.created * 9 / 10, "{counts:?}");
    assert!(
        most.rows as u64 * 20 < counts.created,
        "rows are used again: {most:?}, {counts:?}"
    );
    let near = |most: usize, early: usize| most * 100 <= early * 110;
    assert!(
        near(most.rows, early.rows) && near(most.buckets, early.buckets),
        "early {early:?}, at most {most:?}"
    );
}

/// What the table occupies; neither ever shrinks.
#[derive(Debug, Clone, Copy, Default)]
struct Footprint {
    rows: usize,
    buckets: usize,
}

impl Footprint {
    fn of(writer: &super::super::Writer) -> Self {
        let shards = writer.index.shards.iter();
        Self {
            rows: writer.slabs.iter().map(|slab| slab.used as usize).sum(),
            buckets: shards.map(|shard| shard.geometry.buckets).sum(),
        }
    }

    fn max(self, other: Self) -> Self {
        Self {
            rows: self.rows.max(other.rows),
            buckets: self.buckets.max(other.buckets),
        }
    }
}
