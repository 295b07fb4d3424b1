//! The state is a function of the calls: twins are equal, and a table that was written, restored and fed with the rest is
//! equal to one that never stopped.

use super::super::{Key, SnapshotError, Table, TableConfig, Writer};
use super::{Random, mixed_slots, small};

const KEYS: usize = 200;

/// Batch number `offset` of a fixed stream; ids drift, so that rows expire, widen and are reused.
fn batch(writer: &mut Writer, offset: u64) {
    begin(writer, offset);
    end(writer, offset);
}

fn inputs(offset: u64) -> (Vec<Key>, Vec<f32>, u32) {
    let mut random = Random(offset * 7919);
    let now_s = 1000 + offset as u32 * 3;
    let keys: Vec<Key> = (0..KEYS)
        .map(|_| {
            Key::new(
                random.below(4) as u16,
                offset * 5 + random.below(400).min(random.below(400)),
            )
        })
        .collect();
    let gradients: Vec<f32> = (0..KEYS * 56).map(|_| random.symmetric()).collect();
    (keys, gradients, now_s)
}

/// New rows, which is when the index grows.
fn begin(writer: &mut Writer, offset: u64) {
    let (keys, _, now_s) = inputs(offset);
    writer.admit(&keys, now_s);
}

fn end(writer: &mut Writer, offset: u64) {
    let (keys, gradients, now_s) = inputs(offset);
    writer.apply(&keys, 56, &gradients, now_s, offset);
    if offset.is_multiple_of(11) {
        writer.remove(keys[0]);
        writer.touch(&keys[1..9], now_s);
    }
    writer.tick(now_s);
}

fn config() -> TableConfig {
    TableConfig {
        rows_max: [3000, 3000, 3000],
        sketch_lines: 64,
        sketch_age_s: 60,
        sweep_per_s: 0.02,
        ..small(mixed_slots())
    }
}

fn table() -> Writer {
    Table::create(config()).expect("a table").0
}

#[test]
fn twins_are_equal_and_differ_from_others() {
    let (mut one, mut two, mut three) = (table(), table(), table());
    for offset in 0..120 {
        batch(&mut one, offset);
        batch(&mut two, offset);
        batch(&mut three, offset + u64::from(offset == 119));
        if offset % 13 == 0 {
            one.digest();
        }
    }
    assert_eq!(one.digest(), two.digest());
    assert_ne!(one.digest(), three.digest());
    let counts = one.counts();
    assert!(
        counts.expired > 0 && counts.promoted > 0 && counts.created > 1000,
        "{counts:?}"
    );
}

/// Stopped at every place, also in the middle of a growth and an ageing.
#[test]
fn restored_tables_become_equal_to_the_one_that_went_on() {
    const LAST: u64 = 90;
    let mut straight = table();
    let mut images = Vec::new();
    let mut growing = 0;
    for offset in 0..LAST {
        begin(&mut straight, offset);
        if offset % 3 == 0 {
            let mut image = Vec::new();
            let written = straight.write_full(&mut image).expect("a vector takes it");
            assert_eq!(written, straight.digest());
            growing += usize::from(straight.index.growing.is_some());
            images.push((offset, image));
        }
        end(&mut straight, offset);
    }
    assert!(growing > 0, "no image was taken while the index grew");
    for (from, image) in images {
        let (mut restored, reader) = Table::restore(config(), &mut &image[..]).expect("whole");
        end(&mut restored, from);
        for offset in from + 1..LAST {
            batch(&mut restored, offset);
        }
        assert_eq!(restored.digest(), straight.digest(), "from {from}");
        let key = Key::new(0, LAST * 5);
        let mut out = [0.0; 24];
        reader.read(&[key], 24, &mut out);
        assert_eq!(straight.row(key).map(|row| row.values()), Some(out.to_vec()));
    }
}

#[test]
fn changes_chain_to_the_same_state() {
    let mut straight = table();
    let mut full = Vec::new();
    batch(&mut straight, 0);
    straight.write_full(&mut full).expect("a vector takes it");
    let mut chain = Vec::new();
    for offset in 1..100 {
        batch(&mut straight, offset);
        if offset % 9 == 0 {
            let mut changes = Vec::new();
            let digest = straight.write_changed(&mut changes).expect("a vector takes it");
            chain.push((changes, digest));
        }
    }
    let (mut restored, _) = Table::restore(config(), &mut &full[..]).expect("whole");
    for (changes, digest) in &chain {
        restored = restored.restore_changed(&mut &changes[..]).expect("in order");
        assert_eq!(restored.digest(), *digest);
    }
    // The restored one goes on with changes of its own.
    batch(&mut restored, 100);
    batch(&mut straight, 100);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    restored.write_changed(&mut ours).expect("a vector takes it");
    straight.write_changed(&mut theirs).expect("a vector takes it");
    assert_eq!(restored.digest(), straight.digest());

    let (base, _) = Table::restore(config(), &mut &full[..]).expect("whole");
    let skipped = base.restore_changed(&mut &chain[1].0[..]);
    assert!(matches!(skipped, Err(SnapshotError::ParentDiffers { .. })));
}

#[test]
fn only_what_changed_is_written() {
    let config = TableConfig {
        rows_max: [1, 1 << 20, 3],
        ..small(mixed_slots())
    };
    let (mut writer, _) = Table::create(config).expect("a table");
    writer.admit(&super::keys(0, 0..200_000), 1);
    let (mut full, mut none, mut one) = (Vec::new(), Vec::new(), Vec::new());
    writer.write_full(&mut full).expect("a vector takes it");
    writer.write_changed(&mut none).expect("a vector takes it");
    writer.apply(&[Key::new(0, 77)], 24, &[0.1; 24], 2, 2);
    writer.write_changed(&mut one).expect("a vector takes it");
    assert!(full.len() > 200_000 * 64, "{}", full.len());
    assert!(none.len() < 1000, "{}", none.len());
    assert!((65_536..65_536 + 1000).contains(&one.len()), "{}", one.len());
}

#[test]
fn damaged_and_foreign_bytes_are_refused() {
    let mut writer = table();
    assert!(matches!(
        writer.write_changed(&mut Vec::new()),
        Err(SnapshotError::NoParent)
    ));
    (0..20).for_each(|offset| batch(&mut writer, offset));
    let mut full = Vec::new();
    writer.write_full(&mut full).expect("a vector takes it");
    let restore = |bytes: &[u8]| Table::restore(config(), &mut &bytes[..]).map(|_| ());
    let flipped = |at: usize| {
        let mut bytes = full.clone();
        bytes[at] ^= 4;
        bytes
    };
    restore(&full).expect("whole");
    for at in (0..full.len()).step_by(full.len() / 300) {
        assert!(restore(&flipped(at)).is_err(), "a bit at {at}");
        assert!(restore(&full[..at]).is_err(), "cut at {at}");
    }
    let other = TableConfig {
        shards: 8,
        ..config()
    };
    let foreign = Table::restore(other, &mut &full[..]);
    assert!(matches!(foreign, Err(SnapshotError::LayoutDiffers)));
    let as_changes = table().restore_changed(&mut &full[..]);
    assert!(matches!(as_changes, Err(SnapshotError::Malformed(_))));
}
