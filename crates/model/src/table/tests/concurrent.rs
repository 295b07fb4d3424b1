//! Readers beside a live writer see whole rows of the key they asked for. The bench checks a thousand million; here
//! it is some millions, on a table small enough that the two meet all the time.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::{Key, Reader, RowClass, SlotRule, Table, TableConfig, Writer};
use super::{Random, small};

const IDS: u64 = 600;
const LIVE: u64 = 300;

/// All values of a row name its id and the write that it is of.
fn pattern(id: u64, write: u64, values: &mut [f32]) {
    for (i, value) in values.iter_mut().enumerate() {
        *value = if i % 2 == 0 {
            id as f32
        } else {
            (write % 2048) as f32
        };
    }
}

fn whole(id: u64, row: &[f32]) -> bool {
    let absent = row.iter().all(|value| *value == 0.0);
    let of_one_write = |i: usize| row[i] == if i.is_multiple_of(2) { id as f32 } else { row[1] };
    absent || (0..row.len()).all(of_one_write)
}

/// Writes, removes, moves between classes, and lets rows change owners all the time.
fn write_for_a_while(writer: &mut Writer, stop: &AtomicBool) -> u64 {
    let mut random = Random(1);
    let mut writes = 0;
    let mut values = [0.0; 56];
    while !stop.load(Ordering::Relaxed) {
        writes += 1;
        let now_s = (writes / 16) as u32;
        let id = 1 + random.below(IDS);
        let key = Key::new(0, id);
        if writer.len() as u64 > LIVE || random.below(3) == 0 {
            writer.remove(key);
            continue;
        }
        let width = [8, 24, 56][random.below(3) as usize];
        pattern(id, writes, &mut values[..width]);
        if writer.row(key).is_some_and(|row| row.class().width() > width) {
            writer.remove(key);
        }
        writer.insert(key, &values[..width], now_s);
    }
    writes
}

fn read_for_a_while(reader: &Reader, batches: u64) -> u64 {
    let mut random = Random(batches);
    let mut out = vec![0.0; 64 * 56];
    let mut torn = 0;
    for _ in 0..batches {
        let ids: Vec<u64> = (0..64).map(|_| 1 + random.below(IDS)).collect();
        let keys: Vec<Key> = ids.iter().map(|id| Key::new(0, *id)).collect();
        reader.read(&keys, 56, &mut out);
        for (id, row) in ids.iter().zip(out.chunks(56)) {
            // Narrow rows end in zeros.
            let width = [8, 24, 56]
                .into_iter()
                .find(|w| row[*w..].iter().all(|v| *v == 0.0));
            torn += u64::from(!whole(*id, &row[..width.unwrap_or(56)]));
        }
    }
    torn
}

#[test]
fn no_row_is_torn_or_of_another_key() {
    let config = TableConfig {
        rows_max: [400; 3],
        rows_expected: 400,
        shards: 1,
        ..small(vec![SlotRule {
            class_max: RowClass::D56,
            ..SlotRule::fixed(RowClass::D8)
        }])
    };
    let (mut writer, reader) = Table::create(config).expect("a table");
    let stop = AtomicBool::new(false);
    let (torn, writes) = std::thread::scope(|scope| {
        let writing = scope.spawn(|| write_for_a_while(&mut writer, &stop));
        let other = reader.clone();
        let reading = scope.spawn(move || (read_for_a_while(&other, 20_001), other.counts()));
        let torn = read_for_a_while(&reader, 20_000);
        let (torn_too, counts) = reading.join().expect("the reader ends");
        stop.store(true, Ordering::Relaxed);
        assert!(counts.defaults > 0, "some ids are absent: {counts:?}");
        (torn + torn_too, writing.join().expect("the writer ends"))
    });
    assert_eq!(torn, 0);
    assert!(writes > 1000, "{writes}");
    assert_eq!(writer.counts().lost, 0);
}

/// While the index grows under it, a reader finds every row that was there before it looked.
#[test]
fn a_growing_index_hides_nothing_from_readers() {
    const ROWS: u64 = 120_000;
    let config = TableConfig {
        rows_max: [200_000, 1, 0],
        rows_expected: 1,
        ..small(vec![SlotRule::fixed(RowClass::D8)])
    };
    let (mut writer, reader) = Table::create(config).expect("a table");
    let published = std::sync::atomic::AtomicU64::new(0);
    let missing = std::thread::scope(|scope| {
        let published = &published;
        let reading = scope.spawn(move || {
            let (mut random, mut missing, mut out) = (Random(3), 0, vec![0.0; 64 * 8]);
            loop {
                let rows = published.load(Ordering::Acquire);
                if rows == ROWS {
                    // A thread that is stopped in the middle of a write disturbs reads for as long as it stands still.
                    return u64::saturating_sub(missing, reader.counts().disturbed);
                }
                let ids: Vec<u64> = (0..64).map(|_| random.below(rows + 1)).collect();
                let keys: Vec<Key> = ids.iter().map(|id| Key::new(0, *id)).collect();
                reader.read(&keys, 8, &mut out);
                for (id, row) in ids.iter().zip(out.chunks(8)) {
                    missing += u64::from(*id < rows && row[0] != (1 + id % 2000) as f32);
                }
            }
        });
        for id in 0..ROWS {
            writer.insert(Key::new(0, id), &[(1 + id % 2000) as f32], 1);
            published.store(id + 1, Ordering::Release);
        }
        reading.join().expect("the reader ends")
    });
    assert_eq!(missing, 0);
}
