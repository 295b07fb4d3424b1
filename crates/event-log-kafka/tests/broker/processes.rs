//! Two processes append to the same partitions; one of them is killed in the middle.
//!
//! The processes are this test binary, started again for the one test called `child`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use event_log::EventLog;
use event_log::conformance::settle;
use event_log_kafka::{KafkaConfig, KafkaLog};

use crate::broker::{Broker, PARTITIONS, TOPICS};
use crate::ledger;

const RECORDS: u32 = 4000;
const BATCH: u32 = 5;
/// How many acknowledgements the one that is killed may tell of.
const KILLED_AFTER: usize = 500;
/// Which brokers, and which producer to be; only a child has it.
const CHILD: &str = "RIFFLE_TEST_CHILD";
const PREFIX: &str = "processes";

fn start(broker: &Broker, producer: u32) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this binary"));
    child.args(["--exact", "processes::child", "--nocapture"]);
    child.env(CHILD, format!("{} {producer}", broker.address));
    child
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child starts")
}

/// The acknowledgements that a child tells of, each as producer, serial and offset.
fn told(child: &mut Child) -> impl Iterator<Item = (u32, u32, u64)> {
    let stdout = child.stdout.take().expect("piped");
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    lines.filter_map(|line| {
        let mut words = line.strip_prefix("acknowledged ")?.split(' ');
        let mut word = || words.next()?.parse::<u64>().ok();
        Some((word()? as u32, word()? as u32, word()?))
    })
}

#[test]
fn producers_of_two_processes_do_not_disturb_each_other() {
    let broker = Broker::shared();
    let log = broker.open(PREFIX);
    let (mut killed, mut lives) = (start(broker, 1), start(broker, 2));
    let mut acknowledged: Vec<_> = told(&mut killed).take(KILLED_AFTER).collect();
    killed.kill().expect("it runs");
    killed.wait().expect("it ended");
    acknowledged.extend(told(&mut lives));
    assert!(lives.wait().expect("it ended").success());
    assert_eq!(acknowledged.len(), KILLED_AFTER + RECORDS as usize);
    let records = ledger::check(&log, &acknowledged);
    let all = 2 * RECORDS as usize;
    assert!((acknowledged.len()..all).contains(&records), "{records} records");
}

/// Not a test by itself: the life of a child process.
#[test]
fn child() {
    let Ok(orders) = std::env::var(CHILD) else {
        return;
    };
    let (address, producer) = orders.split_once(' ').expect("an address and a number");
    let producer = producer.parse().expect("a number");
    let config = KafkaConfig {
        partitions: PARTITIONS,
        ..KafkaConfig::new(address, PREFIX)
    };
    let log = KafkaLog::open(&config, &TOPICS).expect("the log opens");
    for first in (0..RECORDS).step_by(BATCH as usize) {
        let serials = first..first + BATCH;
        let records = serials.clone().map(|serial| ledger::record(producer, serial));
        let offsets = settle(log.append(records.collect()).expect("accepted")).expect("acknowledged");
        for (serial, offset) in serials.zip(offsets) {
            println!("acknowledged {producer} {serial} {offset}");
        }
    }
}
