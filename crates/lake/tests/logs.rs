//! The log of a table: opens quickly however long it is, survives what others do to it, and is refused when it is damaged.

mod common;

use blob::BlobKey;
use bytes::Bytes;
use common::storage::Failure;
use common::{HOUR_MS, House, Process, events, log_of, rows_expected};
use lake::{LakeError, LakeTable, Table};
use stream::JobError;

const DAY_MS: i64 = 24 * HOUR_MS;
const POINTER: &str = "lake/views/_delta_log/_last_checkpoint";

fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).expect("the test writes valid keys")
}

fn commit(version: u64) -> BlobKey {
    key(&format!("lake/views/_delta_log/{version:020}.json"))
}

/// A house whose `views` has many commits.
fn house_with_commits() -> House {
    let house = House::new();
    let (_disk, log) = log_of(&events::mixed(41, 400, 1), 1);
    house.catch_up(&log, 1, 1);
    assert!(house.table(Table::Views).summary().version > Some(12));
    house
}

#[test]
fn opening_reads_a_checkpoint_and_a_few_commits() {
    let house = house_with_commits();
    let frail = house.frail(-1, Failure::Before, false);
    let table = LakeTable::open(frail.clone(), &house.config, Table::Views).expect("opens");
    // The pointer, the checkpoint, at most two commits after it, and the one that is not there.
    assert!(
        frail.ops() <= 5,
        "{} operations for {:?}",
        frail.ops(),
        table.summary().version
    );
}

/// A process sleeps for a day with an old view of the tables. Meanwhile packing commits, and the commits that the sleeper would
/// read next are swept: their numbers are free, but nobody would ever read what it put there.
#[test]
fn a_commit_into_a_swept_number_is_made_again_where_it_counts() {
    let told = events::mixed(42, 400, 1);
    let (_begun_disk, begun) = log_of(&told[..300], 1);
    let (_disk, log) = log_of(&told, 1);
    let mut house = House::new();
    house.config.checkpoint_commits = 1;
    let mut sleeper = Process::resume(&house.writer(house.objects.clone(), 1), 0..1);
    for _ in 0..8 {
        sleeper.fold(&begun, 20);
        sleeper.commit().expect("the storage is well");
    }
    let seen = house.table(Table::Views).summary().version.expect("a table");
    house.keep(house.objects.clone(), 2);
    house.sleep_ms(DAY_MS + 1);
    house.keep(house.objects.clone(), 3);
    assert!(
        house.objects.get(&commit(seen + 1)).expect("reads").is_none(),
        "the number is free again"
    );
    sleeper.fold(&log, usize::MAX);
    sleeper.commit().expect("it finds its place");
    assert!(
        house.objects.get(&commit(seen + 1)).expect("reads").is_some(),
        "it tried the free number first"
    );
    assert_eq!(house.rows(), rows_expected(&told));
}

#[test]
fn a_damaged_log_is_refused_with_a_reason() {
    let last = |house: &House| house.table(Table::Views).summary().version.expect("a table");
    let check = |damage: &dyn Fn(&House), expect: &str| {
        let house = house_with_commits();
        damage(&house);
        let error = match LakeTable::open(house.objects.clone(), &house.config, Table::Views) {
            Ok(table) => panic!("{expect}: opened with {:?}", table.summary()),
            Err(error) => error,
        };
        assert!(error.to_string().contains(expect), "{error}");
        assert!(!error.is_transient(), "{error}: trying again does not help");
        // The writer refuses as well, rather than begin a second table over the first.
        let (_disk, log) = log_of(&events::mixed(43, 500, 1), 1);
        let writer = house.writer(house.objects.clone(), 2);
        let refused = house.driver(&log, &writer, 10).catch_up();
        assert!(matches!(&refused, Err(JobError::Ended { .. })), "{refused:?}");
    };
    let put = |house: &House, at: &BlobKey, text: &str| {
        house
            .objects
            .put(at, Bytes::from(text.to_owned()))
            .expect("the storage is well");
    };
    let delete = |house: &House, at: &BlobKey| house.objects.delete(at).expect("the storage is well");
    check(&|house| put(house, &key(POINTER), "{"), "_last_checkpoint");
    check(
        &|house| put(house, &key(POINTER), "{\"version\":3,\"size\":1,\"parts\":2}"),
        "several parts",
    );
    check(
        &|house| put(house, &key(POINTER), "{\"version\":1000,\"size\":1}"),
        "is missing",
    );
    check(
        &|house| put(house, &commit(last(house) + 1), "{\"add\":{}}"),
        "missing field",
    );
    check(
        &|house| {
            delete(house, &key(POINTER));
            delete(house, &commit(0));
        },
        "has no `_last_checkpoint`",
    );
    check(
        &|house| {
            put(
                house,
                &commit(last(house) + 1),
                r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}"#,
            )
        },
        "asks for reader version 3 and writer version 7",
    );
}

/// Another engine may add columns of its own, comments, or lines this program does not know.
#[test]
fn what_another_engine_adds_is_left_alone() {
    let house = house_with_commits();
    let version = house.table(Table::Views).summary().version.expect("a table") + 1;
    let lines = concat!(
        r#"{"commitInfo":{"timestamp":1,"operation":"WRITE","operationParameters":{"mode":7}}}"#,
        "\n",
        r#"{"domainMetadata":{"domain":"x","configuration":"","removed":false}}"#,
        "\n\n",
        r#"{"txn":{"appId":"somebody","version":5,"more":true}}"#,
        "\n",
    );
    assert!(
        house
            .objects
            .put_if_absent(&commit(version), Bytes::from_static(lines.as_bytes()))
            .expect("puts")
    );
    let told = events::mixed(41, 500, 1);
    let (_disk, log) = log_of(&told, 1);
    house.catch_up(&log, 2, 20);
    let summary = house.table(Table::Views).summary();
    assert!(
        summary.offsets.contains(&("somebody".to_owned(), 5)),
        "{summary:?}"
    );
    assert!(summary.version > Some(version));
}

#[test]
fn a_missing_file_is_named() {
    let house = house_with_commits();
    let file = house
        .stored()
        .into_iter()
        .find(|path| path.contains("views/day="))
        .expect("a file");
    house.objects.delete(&key(&file)).expect("the storage is well");
    let read = house.table(Table::Views).read(&["offset"], |_, _| Ok(()));
    assert!(
        matches!(&read, Err(LakeError::Damaged { object, .. }) if *object == file),
        "{read:?}"
    );
}
