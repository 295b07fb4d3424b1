//! Every record becomes its rows, once: straight, after a crash at any step, after a lost answer at any step, and with a writer
//! that was thought dead.

mod common;

use common::storage::Failure;
use common::{HOUR_MS, House, Process, Told, append, events, log_of, open_log, persist, rows_expected};
use lake::{LakeError, LakeWriter};
use stream::Checkpoint;

const PARTITIONS: u16 = 3;

#[test]
fn every_record_is_in_the_lake() {
    for seed in 0..5 {
        let told = events::mixed(seed, 200, PARTITIONS);
        let (_disk, log) = log_of(&told, PARTITIONS);
        for records in [1, 7, 50, 1_000] {
            let house = House::new();
            house.catch_up(&log, 1, records);
            assert_eq!(
                house.rows(),
                rows_expected(&told),
                "seed {seed}, a commit every {records} records"
            );
        }
    }
}

/// A process dies at its `n`-th storage operation, for each `n`; the next one finishes its work.
#[test]
fn a_crash_at_any_step_loses_nothing_and_repeats_nothing() {
    let told = events::mixed(11, 36, PARTITIONS);
    let (_disk, log) = log_of(&told, PARTITIONS);
    let expected = rows_expected(&told);
    for failure in [Failure::Before, Failure::After] {
        for at in 0.. {
            let house = House::new();
            let frail = house.frail(at, failure, true);
            let writer = house.writer(frail.clone(), 1);
            let ended = house.driver(&log, &writer, 8).catch_up();
            if !frail.has_failed() {
                assert!(ended.is_ok() && at > 50, "only {at} operations were tried");
                break;
            }
            house.catch_up(&log, 2, 13);
            assert_eq!(house.rows(), expected, "{failure:?} operation {at}");
        }
    }
}

/// One operation fails, or its answer is lost; the same process goes on.
#[test]
fn a_stumble_at_any_step_loses_nothing_and_repeats_nothing() {
    let told = events::mixed(12, 36, PARTITIONS);
    let (_disk, log) = log_of(&told, PARTITIONS);
    let expected = rows_expected(&told);
    for failure in [Failure::Before, Failure::After] {
        for at in 0.. {
            let house = House::new();
            let frail = house.frail(at, failure, false);
            let writer = house.writer(frail.clone(), 1);
            persist(&mut house.driver(&log, &writer, 8), 3).expect("the second try succeeds");
            assert_eq!(house.rows(), expected, "{failure:?} operation {at}");
            if !frail.has_failed() {
                break;
            }
        }
    }
}

/// The keeper dies at any step, too, while the writer goes on beside it.
#[test]
fn a_crash_of_the_keeper_changes_no_row() {
    let told = events::mixed(13, 36, 2);
    let (_disk, begun) = log_of(&told[..24], 2);
    let (_disk_whole, log) = log_of(&told, 2);
    let expected = rows_expected(&told);
    for failure in [Failure::Before, Failure::After] {
        for at in 0.. {
            let house = House::new();
            let writer = house.writer(house.objects.clone(), 1);
            house
                .driver(&begun, &writer, 8)
                .catch_up()
                .expect("the storage is well");
            let frail = house.frail(at, failure, true);
            house.keep(frail.clone(), 100);
            persist(&mut house.driver(&log, &writer, 8), 1).expect("the writer gives way and goes on");
            let kept = house.keep(house.objects.clone(), 101);
            assert!(kept.failures.is_empty(), "{:?}", kept.failures);
            assert_eq!(house.rows(), expected, "{failure:?} operation {at}");
            if !frail.has_failed() {
                assert!(at > 50, "only {at} operations were tried");
                break;
            }
        }
    }
}

#[test]
fn a_writer_that_was_thought_dead_is_fenced() {
    let told = events::mixed(14, 120, PARTITIONS);
    let (_disk, log) = log_of(&told, PARTITIONS);
    let house = House::new();
    let old = house.writer(house.objects.clone(), 1);
    let mut zombie = Process::resume(&old, 0..PARTITIONS);
    zombie.fold(&log, 4);
    // It falls asleep; another process takes its place and goes on.
    house.catch_up(&log, 2, 50);
    for _ in 0..2 {
        let refused = zombie.commit();
        let Err(error @ LakeError::Fenced { expected: 0, .. }) = refused else {
            panic!("a zombie's commit: {refused:?}");
        };
        assert!(!LakeWriter::is_transient(&error), "a fenced job ends");
    }
    assert_eq!(house.rows(), rows_expected(&told));
    // Told to begin again, it goes on from what the other did.
    let mut again = Process::resume(&old, 0..PARTITIONS);
    again.fold(&log, usize::MAX);
    again.commit().expect("nothing to commit");
    assert_eq!(house.rows(), rows_expected(&told));
}

/// Of two that did the same work, the second is told that it is done.
#[test]
fn the_same_work_twice_is_there_once() {
    let told = events::mixed(18, 120, PARTITIONS);
    let (_disk, log) = log_of(&told, PARTITIONS);
    let house = House::new();
    let writers = [
        house.writer(house.objects.clone(), 1),
        house.writer(house.objects.clone(), 2),
    ];
    let processes = writers.map(|writer| {
        let mut process = Process::resume(&writer, 0..PARTITIONS);
        process.fold(&log, usize::MAX);
        process
    });
    for process in processes {
        process.commit().expect("done, by whomever");
    }
    assert_eq!(house.rows(), rows_expected(&told));
}

#[test]
fn a_job_that_begins_again_in_the_same_process_drops_what_it_had_not_committed() {
    let told = events::mixed(15, 120, PARTITIONS);
    let (_disk, log) = log_of(&told, PARTITIONS);
    let house = House::new();
    let writer = house.writer(house.objects.clone(), 1);
    Process::resume(&writer, 0..PARTITIONS).fold(&log, 5);
    let mut again = Process::resume(&writer, 0..PARTITIONS);
    again.fold(&log, usize::MAX);
    again.commit().expect("the storage is well");
    assert_eq!(house.rows(), rows_expected(&told));
}

/// Two processes own different partitions of every topic, and commit in turns into the same tables.
#[test]
fn writers_of_different_partitions_give_way_to_each_other() {
    let told = events::mixed(16, 200, 2);
    let (_disk, log) = log_of(&told, 2);
    let house = House::new();
    let mut processes = [0, 1].map(|partition| {
        let writer = house.writer(house.objects.clone(), u64::from(partition));
        Process::resume(&writer, partition..partition + 1)
    });
    for _round in 0..20 {
        for process in &mut processes {
            process.fold(&log, 5);
            process.commit().expect("there is room for both");
        }
    }
    assert_eq!(house.rows(), rows_expected(&told));
}

/// A careless operator starts every process under one number: no file is written over.
#[test]
fn writers_of_one_number_do_not_meet_in_one_file() {
    let told = events::mixed(19, 200, 1);
    let house = House::new();
    for end in [50, 100, 150, 200] {
        let (_disk, log) = log_of(&told[..end], 1);
        house.catch_up(&log, 7, 20);
    }
    assert_eq!(house.rows(), rows_expected(&told));
}

/// An answer is lost, and hours pass before the process tries again.
#[test]
fn an_old_attempt_is_settled_like_a_young_one() {
    let told = events::mixed(20, 60, 1);
    let (_disk, log) = log_of(&told, 1);
    for failure in [Failure::Before, Failure::After] {
        for at in 0.. {
            let house = House::new();
            let frail = house.frail(at, failure, false);
            let writer = house.writer(frail.clone(), 1);
            let mut driver = house.driver(&log, &writer, 30);
            if driver.catch_up().is_err() {
                house.sleep_ms(2 * HOUR_MS);
                driver.catch_up().expect("the storage is well again");
            }
            assert_eq!(house.rows(), rows_expected(&told), "{failure:?} operation {at}");
            if !frail.has_failed() {
                break;
            }
        }
    }
}

#[test]
fn more_partitions_later() {
    let told = events::mixed(17, 200, 4);
    let (before, after): (Vec<Told>, Vec<Told>) = told.into_iter().partition(|told| told.partition < 2);
    let (disk, log) = log_of(&before, 2);
    let house = House::new();
    house.catch_up(&log, 1, 17);
    drop(log);
    let log = open_log(&disk, 4);
    append(&log, &after);
    house.catch_up(&log, 2, 17);
    let told: Vec<Told> = before.into_iter().chain(after).collect();
    assert_eq!(house.rows(), rows_expected(&told));
}
