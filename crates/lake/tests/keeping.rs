//! What lies in storage: nothing for an empty commit, few files after packing, none that nobody reads after sweeping; and tables
//! that open quickly however long their log is.

mod common;

use common::storage::Failure;
use common::{HOUR_MS, House, Process, Told, events, log_of, open_log, persist, rows_expected};
use event::{Event, ServedSlate};
use lake::Table;
use types::ViewerId;

const DAY_MS: i64 = 24 * HOUR_MS;

fn files(house: &House, part: &str) -> usize {
    house.stored().iter().filter(|key| key.contains(part)).count()
}

#[test]
fn nothing_new_writes_nothing() {
    let house = House::new();
    let (disk, empty) = log_of(&[], 2);
    house.catch_up(&empty, 1, 1);
    assert_eq!(
        house.stored(),
        Vec::<String>::new(),
        "an empty log makes no table"
    );
    drop(empty);
    let log = open_log(&disk, 2);
    common::append(&log, &events::mixed(31, 50, 2));
    house.catch_up(&log, 2, 1_000);
    let before = house.stored();
    house.catch_up(&log, 3, 1);
    assert_eq!(house.stored(), before, "nothing was new");
}

#[test]
fn a_slate_without_items_moves_the_offset_alone() {
    let slate = Event::Served(ServedSlate {
        viewer: ViewerId::from_raw(1),
        at_ms: 5,
        items: vec![],
        receipts: vec![],
    });
    let (_disk, log) = log_of(&[Told::of(&slate, 0, common::HOUR)], 1);
    let house = House::new();
    house.catch_up(&log, 1, 1);
    let summary = house.table(Table::Served).summary();
    assert_eq!((summary.version, summary.files, summary.rows), (Some(0), 0, 0));
    assert_eq!(summary.offsets, [("riffle-lake-served-0".to_owned(), 1)]);
}

#[test]
fn a_finished_hour_is_packed_into_one_file() {
    let told = events::mixed(32, 300, 2);
    let (_disk, log) = log_of(&told, 2);
    let house = House::new();
    house.catch_up(&log, 1, 5);
    let before = house.table(Table::Views).summary();
    assert!(before.files > 12, "{before:?}");
    let kept = house.keep(house.objects.clone(), 2);
    assert!(kept.failures.is_empty(), "{kept:?}");
    let after = house.table(Table::Views).summary();
    assert_eq!(
        (after.files, after.rows),
        (3, before.rows),
        "three hours, a file each"
    );
    assert_eq!(house.rows(), rows_expected(&told));
    let again = house.keep(house.objects.clone(), 3);
    assert_eq!(
        (again.packed_files, again.written_files),
        (0, 0),
        "there is nothing left to pack"
    );
}

#[test]
fn an_hour_that_is_not_over_is_left_alone() {
    let (_disk, log) = log_of(&events::mixed(33, 100, 1), 1);
    let house = House::new();
    // The last of the three hours ends now; it settles for ten minutes more.
    house.sleep_ms(-7 * HOUR_MS);
    house.catch_up(&log, 1, 5);
    house.keep(house.objects.clone(), 2);
    assert_eq!(files(&house, "views/day=2026-01-31/hour=06/whole"), 1);
    assert_eq!(files(&house, "views/day=2026-01-31/hour=07/whole"), 0);
    house.sleep_ms(11 * HOUR_MS / 60);
    house.keep(house.objects.clone(), 3);
    assert_eq!(files(&house, "views/day=2026-01-31/hour=07/whole"), 1);
}

#[test]
fn files_are_packed_up_to_the_target_and_no_further() {
    let (_disk, log) = log_of(&events::mixed(34, 600, 1), 1);
    let mut house = House::new();
    house.catch_up(&log, 1, 10);
    let before = house.table(Table::Views).summary();
    house.config.target_bytes = before.bytes as usize / 3;
    house.keep(house.objects.clone(), 2);
    let after = house.table(Table::Views).summary();
    assert!(
        after.files > 3 && after.files < before.files,
        "{before:?}, then {after:?}"
    );
    house.config.small_bytes = 0;
    assert_eq!(
        house.keep(house.objects.clone(), 3).packed_files,
        0,
        "no file is that small"
    );
}

#[test]
fn what_nobody_reads_is_swept_in_its_time() {
    let told = events::mixed(35, 200, 1);
    let (_disk, log) = log_of(&told, 1);
    let house = House::new();
    // A process dies between a file and its commit.
    let (_begun_disk, begun) = log_of(&told[..40], 1);
    let frail = house.frail(0, Failure::Before, true);
    frail.heal();
    let writer = house.writer(frail.clone(), 1);
    let mut driver = house.driver(&begun, &writer, 1_000);
    for at in 0.. {
        if files(&house, ".parquet") > 0 || at > 1_000 {
            break;
        }
        let frail = house.frail(at, Failure::Before, true);
        let writer = house.writer(frail, 1);
        persist(&mut house.driver(&begun, &writer, 1_000), 1).expect_err("it dies");
    }
    drop(driver.catch_up());
    house.catch_up(&log, 3, 5);
    let all = files(&house, ".parquet");
    house.keep(house.objects.clone(), 4);
    assert!(
        files(&house, ".parquet") > all,
        "what was replaced is still read, and the orphan is young"
    );
    house.sleep_ms(DAY_MS + 1);
    let reader = house.table(Table::Views);
    let kept = house.keep(house.objects.clone(), 5);
    assert!(kept.failures.is_empty() && kept.swept_files > 20, "{kept:?}");
    let named: usize = Table::ALL
        .iter()
        .map(|&table| house.table(table).summary().files)
        .sum();
    assert_eq!(files(&house, "/day="), named, "only what the tables name is left");
    reader
        .read(&["offset"], |_, _| Ok(()))
        .expect("a reader of now finds everything");
    assert_eq!(house.rows(), rows_expected(&told));
}

/// The keeper comes by while a file is stored and its commit is not made yet.
#[test]
fn a_file_that_waits_for_its_commit_is_not_swept() {
    let told = events::mixed(36, 60, 1);
    let (_disk, log) = log_of(&told, 1);
    for at in 0.. {
        let house = House::new();
        let frail = house.frail(-1, Failure::Before, true);
        let mut process = Process::resume(&house.writer(frail.clone(), 1), 0..1);
        process.fold(&log, usize::MAX);
        frail.break_after(at);
        let waits = process.commit().is_err();
        frail.heal();
        let kept = house.keep(house.objects.clone(), 2);
        assert!(kept.failures.is_empty() && kept.swept_files == 0, "{kept:?}");
        process.commit().expect("the storage is well again");
        assert_eq!(house.rows(), rows_expected(&told), "operation {at}");
        if !waits {
            break;
        }
    }
}
