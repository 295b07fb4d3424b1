//! A broker that dies without a word, twice, under producers who wait for every acknowledgement.

use std::sync::mpsc;
use std::thread;

use event_log::EventLog;
use event_log::conformance::settle;
use event_log_kafka::{KafkaConfig, KafkaLog};

use crate::broker::{Broker, TOPICS};
use crate::ledger;

const PRODUCERS: u32 = 3;
const BATCHES: u32 = 300;
const BATCH: u32 = 10;
/// Acknowledged batches after which the broker is killed.
const KILLS_AT: [u32; 2] = [200, 500];

#[test]
fn a_killed_broker_loses_nothing_acknowledged_and_doubles_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut broker = Broker::start(dir.path().to_owned(), false);
    let config = KafkaConfig {
        delivery_ms_max: 120_000,
        ..broker.config("crash")
    };
    let log = KafkaLog::open(&config, &TOPICS).expect("the log opens");
    let (acknowledge, hear) = mpsc::channel();
    let acknowledged = thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let (log, acknowledge) = (&log, acknowledge.clone());
            scope.spawn(move || produce(log, producer, &acknowledge));
        }
        drop(acknowledge);
        let broker = &mut broker;
        let mut acknowledged: Vec<(u32, u32, u64)> = Vec::new();
        let mut batches = 0;
        for batch in hear {
            acknowledged.extend(batch);
            batches += 1;
            if KILLS_AT.contains(&batches) {
                broker.kill_and_restart();
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
        ledger::check(&broker.open("crash"), &acknowledged),
        acknowledged.len(),
        "seen by a new process"
    );
}

/// Two batches on their way at any time; each acknowledgement is told.
fn produce(log: &dyn EventLog, producer: u32, acknowledge: &mpsc::Sender<Vec<(u32, u32, u64)>>) {
    let mut on_their_way = std::collections::VecDeque::new();
    for batch in 0..=BATCHES {
        let serials = batch * BATCH..(batch + 1) * BATCH;
        if batch < BATCHES {
            let records = serials.clone().map(|serial| ledger::record(producer, serial));
            on_their_way.push_back((serials, log.append(records.collect()).expect("accepted")));
        }
        while on_their_way.len() > usize::from(batch < BATCHES) {
            let (serials, durable) = on_their_way.pop_front().expect("not empty");
            let offsets = settle(durable).expect("acknowledged");
            let told = serials
                .zip(offsets)
                .map(|(serial, offset)| (producer, serial, offset));
            acknowledge.send(told.collect()).expect("the test listens");
        }
    }
}
