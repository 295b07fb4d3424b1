//! Memory is bounded in bytes: what is full commits early, and an outage of the storage stops the reading, not the process.

mod common;

use common::storage::Failure;
use common::{HOUR, HOUR_MS, House, Told, events, log_of, random, rows_expected};
use event::Event;
use lake::Table;
use stream::JobError;

/// `count` signals of one partition in one hour.
fn signals(count: u64) -> Vec<Told> {
    let mut draw = random(51);
    let signal = |number| Event::Signal(events::signal(&mut draw, number, HOUR));
    (0..count)
        .map(signal)
        .map(|event| Told::of(&event, 0, HOUR))
        .collect()
}

#[test]
fn a_full_buffer_commits_before_more_is_read() {
    let told = signals(2_000);
    let (_disk, log) = log_of(&told, 1);
    let mut house = House::new();
    house.config.buffer_bytes_max = 20_000;
    let writer = house.writer(house.objects.clone(), 1);
    // Neither the time nor the number of records makes this driver commit.
    house
        .driver(&log, &writer, u64::MAX)
        .catch_up()
        .expect("the storage is well");
    let views = house.table(Table::Views).summary();
    assert!((5..50).contains(&views.files), "{views:?}");
    assert_eq!(house.rows(), rows_expected(&told));
}

#[test]
fn an_outage_stops_the_reading() {
    let told = signals(2_000);
    let (_disk, log) = log_of(&told, 1);
    let mut house = House::new();
    house.config.buffer_bytes_max = 20_000;
    let frail = house.frail(-1, Failure::Before, true);
    let writer = house.writer(frail.clone(), 1);
    let mut driver = house.driver(&log, &writer, u64::MAX);
    frail.break_after(0);
    assert!(matches!(driver.catch_up(), Err(JobError::Resume { .. })));
    frail.heal();
    for of in [0, 2] {
        // Commits fail from here on, each try reading nothing once memory is full.
        let mut held = Vec::new();
        for _ in 0..20 {
            frail.break_after(of);
            assert!(matches!(
                driver.catch_up(),
                Err(JobError::Commit { .. } | JobError::Resume { .. })
            ));
            held.push(writer.held_bytes());
        }
        assert!(held.iter().all(|&bytes| bytes < 40_000), "{held:?}");
    }
    frail.heal();
    driver.catch_up().expect("the storage is well again");
    assert_eq!(house.rows(), rows_expected(&told));
}

/// Replay of a long log: hour after hour with few rows each would open a file for each of them at once.
#[test]
fn many_hours_at_once_are_committed_in_parts() {
    let mut draw = random(52);
    let signal = |number: u64| {
        let at_ms = HOUR + number as i64 * HOUR_MS;
        Told::of(&Event::Signal(events::signal(&mut draw, number, at_ms)), 0, at_ms)
    };
    let told: Vec<Told> = (0..1_200).map(signal).collect();
    let (_disk, log) = log_of(&told, 1);
    let house = House::new();
    let writer = house.writer(house.objects.clone(), 1);
    house
        .driver(&log, &writer, u64::MAX)
        .catch_up()
        .expect("the storage is well");
    let views = house.table(Table::Views).summary();
    assert!(views.version >= Some(1), "more than one commit: {views:?}");
    assert_eq!(house.rows(), rows_expected(&told));
}
