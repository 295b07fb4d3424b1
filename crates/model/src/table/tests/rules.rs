//! One rule at a time: settings, classes, default rows, memory's bound, rows in transit.

use super::super::{ConfigError, Key, Row, RowClass, SlotRule, Table, TableConfig};
use super::{keys, mixed_slots, small};

/// Settings beside the word that their refusal begins with.
fn refused(cases: impl IntoIterator<Item = (TableConfig, &'static str)>) {
    for (wrong, what) in cases {
        match Table::create(wrong) {
            Err(ConfigError::OutOfBounds(why)) => assert!(why.starts_with(what), "{why}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn settings_out_of_bounds_are_refused() {
    let slot = SlotRule::fixed(RowClass::D24);
    let base = || TableConfig::new(vec![slot]);
    refused([
        (TableConfig { shards: 3, ..base() }, "shards"),
        (
            TableConfig {
                shards: 128,
                ..base()
            },
            "shards",
        ),
        (
            TableConfig {
                sketch_lines: 0,
                ..base()
            },
            "sketch",
        ),
        (
            TableConfig {
                rows_max: [u32::MAX; 3],
                ..base()
            },
            "rows_max",
        ),
        (
            TableConfig {
                rows_max: [0; 3],
                ..base()
            },
            "rows_max",
        ),
        (
            TableConfig {
                epsilon: 0.0,
                ..base()
            },
            "accumulator",
        ),
        (
            TableConfig {
                sweep_per_s: f64::NAN,
                ..base()
            },
            "sweep",
        ),
        (
            TableConfig {
                slots: vec![slot; 1025],
                ..base()
            },
            "slots",
        ),
    ]);
}

#[test]
fn slots_out_of_bounds_are_refused() {
    let slot = SlotRule::fixed(RowClass::D24);
    let with_slot = |slot| TableConfig::new(vec![slot]);
    refused([
        (with_slot(SlotRule { admit_at: 0, ..slot }), "slots"),
        (with_slot(SlotRule { admit_at: 17, ..slot }), "slots"),
        (
            with_slot(SlotRule {
                class_max: RowClass::D8,
                ..slot
            }),
            "slots",
        ),
        (
            with_slot(SlotRule {
                learning_rate: f32::NAN,
                ..slot
            }),
            "slots",
        ),
    ]);
}

/// An id without a row reads what was learned for the unknown ids of its slot, and begins there when it gets one.
#[test]
fn unknown_ids_share_the_default_row() {
    let (mut writer, reader) = Table::create(small(mixed_slots())).expect("a table");
    let unknown = keys(1, 0..30);
    writer.apply(&unknown, 56, &vec![1.0; 30 * 56], 5, 1);
    assert_eq!(writer.len(), mixed_slots().len());
    let mut out = vec![0.0; 56];
    reader.read(&[Key::new(1, 999)], 56, &mut out);
    assert!(out.iter().all(|value| *value < -0.04), "{out:?}");
    assert_eq!(reader.counts().defaults, 1);

    writer.admit(&[unknown[0], unknown[0]], 6);
    let row = writer.row(unknown[0]).expect("seen twice");
    assert_eq!(row.class(), RowClass::D8);
    for (ours, default) in row.values().iter().zip(&out) {
        assert!((ours - default).abs() <= 0.0101, "{ours} {default}");
    }
    let (mut other_slot, mut none) = (vec![1.0; 24], vec![1.0; 24]);
    reader.read(&[Key::new(0, 1)], 24, &mut other_slot);
    reader.read(&[Key::new(77, 1)], 24, &mut none);
    assert_eq!((other_slot, none), (vec![0.0; 24], vec![0.0; 24]));
}

/// A promotion changes nothing that was read before.
#[test]
fn promotion_pads_with_zeros() {
    let (mut writer, reader) = Table::create(small(mixed_slots())).expect("a table");
    let key = [Key::new(1, 5)];
    writer.admit(&[key[0], key[0]], 1);
    let mut classes = Vec::new();
    for offset in 0..10 {
        let mut gradient = [0.0; 56];
        gradient[..8].fill(0.5);
        writer.apply(&key, 56, &gradient, 1, offset);
        let row = writer.row(key[0]).expect("it stays");
        assert!(row.values()[8..].iter().all(|value| *value == 0.0));
        let mut out = [1.0; 56];
        reader.read(&key, 56, &mut out);
        assert_eq!(out[..row.class().width()], row.values());
        assert!(out[row.class().width()..].iter().all(|value| *value == 0.0));
        classes.push(row.class().width());
    }
    assert_eq!(classes, [8, 8, 8, 24, 24, 24, 24, 24, 56, 56]);
    assert_eq!(writer.counts().promoted, 2);
    assert_eq!(writer.rows_by_class(), [1, 1, 3]);
}

/// A full slab refuses, says so, and reuses what was released once a second has passed.
#[test]
fn a_full_slab_refuses_and_reuses() {
    let config = TableConfig {
        rows_max: [0, 101, 0],
        ..small(vec![SlotRule::fixed(RowClass::D24)])
    };
    let (mut writer, _) = Table::create(config).expect("a table");
    assert_eq!(writer.admit(&keys(0, 0..150), 10), 100);
    assert_eq!(writer.counts().refused, 50);
    assert!((0..40).all(|id| writer.remove(Key::new(0, id))));
    assert_eq!(writer.admit(&keys(0, 200..300), 10), 0, "within the same second");
    assert_eq!(writer.admit(&keys(0, 200..300), 11), 40);
    assert_eq!(writer.len(), 101);
}

/// Nearly full, the hand takes the rows that were trained least and longest ago.
#[test]
fn pressure_takes_the_least_valuable() {
    let config = TableConfig {
        rows_max: [0, 1001, 0],
        rows_expected: 1000,
        accumulator_half_life_s: 100,
        ..small(vec![SlotRule::fixed(RowClass::D24)])
    };
    let (mut writer, _) = Table::create(config).expect("a table");
    let (busy, idle) = (keys(0, 0..500), keys(0, 1000..1500));
    writer.admit(&[busy.clone(), idle.clone()].concat(), 10);
    for offset in 0..8 {
        writer.apply(&busy, 24, &vec![0.1; 500 * 24], 11, offset);
    }
    for now_s in 12..40 {
        writer.tick(now_s);
    }
    assert!(writer.len() <= 921, "below 92 percent: {}", writer.len());
    let left = |keys: &[Key]| keys.iter().filter(|key| writer.row(**key).is_some()).count();
    assert!(
        left(&busy) > 480 && left(&idle) < 440,
        "{} {}",
        left(&busy),
        left(&idle)
    );
    assert_eq!(writer.counts().evicted as usize, 1001 - writer.len());
}

/// A row that was put into another table is the same row there.
#[test]
fn rows_travel_exactly() {
    let table = || Table::create(small(mixed_slots())).expect("a table");
    let ((mut one, _), (mut two, reader)) = (table(), table());
    let key = Key::new(2, 9);
    one.admit(&[key; 3], 50);
    for offset in 0..5 {
        one.apply(&[key], 56, &[0.3; 56], 60, offset);
        let sent = one.row(key).expect("admitted").to_bytes();
        let row = Row::from_bytes(&sent).expect("whole");
        assert!(two.put(key, &row));
        assert_eq!(two.row(key), one.row(key));
    }
    let mut out = [0.0; 56];
    reader.read(&[key], 56, &mut out);
    let row = one.row(key).expect("admitted");
    assert_eq!(out[..row.class().width()], row.values());
    assert!(
        !two.put(Key::new(3, 9), &Row::new(&[0.0; 24], 0.0, 1).expect("fits")),
        "too wide"
    );
}

/// Keys that differ anywhere have rows of their own.
#[test]
fn no_two_keys_share_a_row() {
    const ROWS: u64 = 20_000;
    let slots = vec![SlotRule::fixed(RowClass::D8); 4];
    let (mut writer, reader) = Table::create(small(slots)).expect("a table");
    let key = |i: u64| {
        Key::new(
            (i % 4) as u16,
            match i / 4 {
                n if n % 2 == 0 => n,
                n => n << 32 | 1 << 50,
            },
        )
    };
    for i in 0..ROWS {
        assert!(writer.insert(key(i), &[(i % 2000) as f32, (i / 2000) as f32], 1));
    }
    let mut distinct: Vec<Key> = (0..ROWS).map(key).collect();
    let mut out = vec![0.0; ROWS as usize * 8];
    reader.read(&distinct, 8, &mut out);
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), ROWS as usize);
    for (i, row) in (0..ROWS).zip(out.chunks(8)) {
        assert_eq!(row[..2], [(i % 2000) as f32, (i / 2000) as f32]);
    }
}
