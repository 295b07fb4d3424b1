//! A broker that dies without a word, again and again, under producers who keep it busy.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use event_log::EventLog;
use event_log::conformance::settle;
use event_log_kafka::{KafkaConfig, KafkaLog};

use crate::broker::{Broker, TOPICS};
use crate::ledger;

const PRODUCERS: u32 = 3;
const BATCHES: u32 = 1500;
const BATCH: u32 = 10;
/// Batches of one producer on their way: so many that a kill finds some written and not answered.
const ON_THEIR_WAY_MAX: usize = 100;
/// Acknowledged batches after which the broker is killed.
const KILLS_AT: [u32; 3] = [700, 1900, 3100];

#[test]
fn a_killed_broker_loses_nothing_acknowledged_and_doubles_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut broker = Some(Broker::start(dir.path(), false));
    let config = KafkaConfig {
        delivery_ms_max: 120_000,
        ..broker.as_ref().expect("it runs").config("crash")
    };
    let log = KafkaLog::open(&config, &TOPICS).expect("the log opens");
    let (acknowledge, hear) = mpsc::channel();
    let acknowledged = thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let (log, acknowledge) = (&log, acknowledge.clone());
            scope.spawn(move || produce(log, producer, &acknowledge));
        }
        drop(acknowledge);
        let (broker, dir) = (&mut broker, &dir);
        let mut acknowledged: Vec<(u32, u32, u64)> = Vec::new();
        let mut batches = 0;
        for batch in hear {
            acknowledged.extend(batch);
            batches += 1;
            if KILLS_AT.contains(&batches) {
                kill(dir.path());
                // The old one has to be cleared away before the new one writes its files.
                drop(broker.take());
                *broker = Some(Broker::start(dir.path(), false));
            }
        }
        acknowledged
    });
    assert_eq!(
        acknowledged.len() as u32,
        PRODUCERS * BATCHES * BATCH,
        "every append was acknowledged in the end"
    );
    assert_eq!(ledger::check(&log, &acknowledged), acknowledged.len());
    drop(log);
    assert_eq!(
        ledger::check(&broker.expect("it runs").open("crash"), &acknowledged),
        acknowledged.len(),
        "seen by a new process"
    );
}

/// Ends the broker of `dir`, which has no time to say anything.
fn kill(dir: &Path) {
    let pid = std::fs::read_to_string(dir.join("pid")).expect("the broker's pid");
    let killed = Command::new("kill").args(["-KILL", pid.trim()]).status();
    assert!(killed.expect("kill runs").success());
}

/// Each acknowledgement is told.
fn produce(log: &dyn EventLog, producer: u32, acknowledge: &mpsc::Sender<Vec<(u32, u32, u64)>>) {
    let mut on_their_way = std::collections::VecDeque::new();
    for batch in 0..=BATCHES {
        let serials = batch * BATCH..(batch + 1) * BATCH;
        if batch < BATCHES {
            let records = serials.clone().map(|serial| ledger::record(producer, serial));
            on_their_way.push_back((serials, log.append(records.collect()).expect("accepted")));
        }
        while on_their_way.len() > if batch < BATCHES { ON_THEIR_WAY_MAX } else { 0 } {
            let (serials, durable) = on_their_way.pop_front().expect("not empty");
            let offsets = settle(durable).expect("acknowledged");
            let told = serials
                .zip(offsets)
                .map(|(serial, offset)| (producer, serial, offset));
            acknowledge.send(told.collect()).expect("the test listens");
        }
    }
}
