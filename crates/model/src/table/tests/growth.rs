//! The index grows a slice at a time and loses nothing.

use super::super::cuckoo::BUCKETS_MIN;
use super::super::{Key, RowClass, SlotRule, Table, TableConfig};
use super::small;

/// From eight buckets a shard to some hundred thousand rows; every row stays, under its own key.
#[test]
fn nothing_is_lost_while_the_index_grows() {
    const ROWS: u64 = 300_000;
    let config = TableConfig {
        rows_max: [400_000, 1, 0],
        rows_expected: 1,
        ..small(vec![SlotRule::fixed(RowClass::D8)])
    };
    let (mut writer, reader) = Table::create(config).expect("a table");
    let buckets = |writer: &super::super::Writer| {
        let shards = writer.index.shards.iter();
        shards.map(|shard| shard.geometry.buckets).sum::<usize>()
    };
    assert_eq!(buckets(&writer), 4 * BUCKETS_MIN);
    let key = |id: u64| Key::new(0, id * 977);
    for id in 0..ROWS {
        assert!(writer.insert(key(id), &[(id % 2048) as f32], 1));
        if id % 4999 == 0 {
            check(&reader, &key, id + 1);
        }
    }
    check(&reader, &key, ROWS);
    assert_eq!(writer.len(), ROWS as usize + 1);
    assert_eq!((writer.counts().lost, writer.counts().refused), (0, 0));
    let load = writer.len() as f64 / (buckets(&writer) * 5) as f64;
    assert!((0.78..0.95).contains(&load), "{load}");
}

fn check(reader: &super::super::Reader, key: &impl Fn(u64) -> Key, rows: u64) {
    let keys: Vec<Key> = (0..rows).map(key).collect();
    let mut out = vec![0.0; keys.len() * 8];
    reader.read(&keys, 8, &mut out);
    for (id, row) in (0..rows).zip(out.chunks(8)) {
        assert_eq!(row[0], (id % 2048) as f32, "row {id} of {rows}");
    }
}

/// No call moves more than its slice, and only one shard grows at a time.
#[test]
fn growth_is_never_a_stop() {
    let config = TableConfig {
        rows_max: [100_000, 1, 0],
        rows_expected: 1000,
        ..small(vec![SlotRule::fixed(RowClass::D8)])
    };
    let (mut writer, _) = Table::create(config).expect("a table");
    let mut steps = 0;
    for id in 0..80_000 {
        let before = writer.index.growing;
        writer.insert(Key::new(0, id), &[1.0], 1);
        let growing = writer.index.shards.iter().filter(|shard| shard.geometry.old > 0);
        assert!(growing.count() <= 1);
        if let (Some(before), Some(after)) = (before, writer.index.growing)
            && before.shard == after.shard
            && after.next >= before.next
        {
            assert!(after.next - before.next <= 6);
            steps += 1;
        }
    }
    assert!(steps > 1000, "{steps}");
}
