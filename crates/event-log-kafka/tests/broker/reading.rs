//! Reads at every distance from the end, by the process that appended and by others.

use std::time::{Duration, Instant};

use event_log::conformance::settle;
use event_log::disk::SplitMix;
use event_log::{Append, EventLog, ReadError, Topic, TopicPartition};
use event_log_kafka::{KafkaConfig, KafkaLog};
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::{Broker, PARTITIONS, TOPICS};
use crate::shapes::{admin, block_on};

const SEED: u64 = 8;
const PATIENCE: Duration = Duration::from_secs(60);

fn of(partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(0),
        partition,
    }
}

fn payload(partition: u16, offset: u64) -> Vec<u8> {
    let mut payload = format!("{partition}/{offset}/").into_bytes();
    payload.resize(payload.len() + (offset % 400) as usize, b'.');
    payload
}

/// Appends until each partition holds `records` records, whose payloads tell their offsets.
fn fill(log: &dyn EventLog, records: u64) {
    for first in (0..records).step_by(100) {
        let batch = (first..first + 100).flat_map(|offset| {
            (0..PARTITIONS).map(move |partition| Append {
                to: of(partition),
                at_ms: offset as i64,
                payload: payload(partition, offset).into(),
            })
        });
        settle(log.append(batch.collect()).expect("accepted")).expect("acknowledged");
    }
}

/// A log whose tail holds a few hundred records, so that most reads go to the broker.
fn forgetful(prefix: &str) -> KafkaLog {
    let config = KafkaConfig {
        cache_bytes_max: 64 << 10,
        ..Broker::shared().config(prefix)
    };
    KafkaLog::open(&config, &TOPICS).expect("the log opens")
}

#[test]
fn every_distance_from_the_end_reads_the_same() {
    const RECORDS: u64 = 2000;
    let log = forgetful("distances");
    fill(&log, RECORDS);
    let mut random = SplitMix(SEED);
    let mut next = vec![0; usize::from(PARTITIONS)];
    for _ in 0..300 {
        let partition = random.below(u64::from(PARTITIONS)) as u16;
        let on = &mut next[usize::from(partition)];
        // Half of the reads go on where the last one ended; the others go anywhere.
        let offset = if random.below(2) == 0 {
            *on % RECORDS
        } else {
            random.below(RECORDS)
        };
        let bytes_max = 1 + random.below(50_000) as usize;
        let records = log.read(of(partition), offset, bytes_max).expect("readable");
        assert!(!records.is_empty(), "{partition} {offset}");
        for (record, due) in records.iter().zip(offset..) {
            assert_eq!(
                (record.from, record.offset, record.at_ms),
                (of(partition), due, due as i64)
            );
            assert_eq!(record.payload, payload(partition, due));
        }
        let bytes: usize = records.iter().map(|record| record.payload.len()).sum();
        assert!(bytes < bytes_max + 1000, "{bytes} for {bytes_max}");
        *on = offset + records.len() as u64;
    }
}

#[test]
fn other_processes_see_what_is_appended() {
    let (ours, theirs) = (forgetful("others"), forgetful("others"));
    fill(&theirs, 100);
    assert_eq!(
        ours.end(of(1)),
        100,
        "the first question is answered by the brokers"
    );
    let before = ours.wait(0, Duration::ZERO);
    let late = Append {
        to: of(1),
        at_ms: 1,
        payload: "late".into(),
    };
    settle(theirs.append(vec![late]).expect("accepted")).expect("acknowledged");
    assert!(ours.wait(before, PATIENCE) > before);
    assert_eq!(ours.end(of(1)), 101);
    assert_eq!(ours.read(of(1), 100, 1000).expect("readable")[0].payload, "late");
}

#[test]
fn our_own_records_count_as_soon_as_they_are_acknowledged() {
    let log = forgetful("own");
    let mut end = log.end(of(0));
    assert_eq!(end, 0, "it is followed from here on");
    for _ in 0..100 {
        let record = Append {
            to: of(0),
            at_ms: 1,
            payload: "x".into(),
        };
        settle(log.append(vec![record]).expect("accepted")).expect("acknowledged");
        end += 1;
        assert_eq!(log.end(of(0)), end);
        assert_eq!(log.read(of(0), end - 1, 1).expect("readable").len(), 1);
    }
}

#[test]
fn holes_that_others_made_are_told() {
    let log = forgetful("holes");
    let views = of(3);
    let mut settings = rdkafka::ClientConfig::new();
    settings
        .set("bootstrap.servers", &Broker::shared().address)
        .set("transactional.id", "somebody");
    let somebody: BaseProducer = settings.create().expect("a producer");
    somebody.init_transactions(PATIENCE).expect("a transaction");
    somebody.begin_transaction().expect("begun");
    let theirs = BaseRecord::<(), str>::to("holes-views")
        .partition(3)
        .payload("theirs");
    somebody.send(theirs).expect("sent");
    somebody.commit_transaction(PATIENCE).expect("committed");
    // The mark of its end takes an offset of its own, a moment later.
    let asker: BaseConsumer = settings.remove("transactional.id").create().expect("a consumer");
    let deadline = Instant::now() + PATIENCE;
    while asker
        .fetch_watermarks("holes-views", 3, PATIENCE)
        .expect("offsets")
        .1
        < 2
    {
        assert!(Instant::now() < deadline, "the transaction does not end");
    }
    let ours = Append {
        to: views,
        at_ms: 1,
        payload: "ours".into(),
    };
    assert_eq!(
        settle(log.append(vec![ours]).expect("accepted")).expect("acknowledged"),
        [2]
    );
    let read = |offset| log.read(views, offset, 1 << 20);
    let payloads = |offset| -> Vec<_> {
        read(offset)
            .expect("readable")
            .into_iter()
            .map(|record| record.payload)
            .collect()
    };
    for _ in 0..2 {
        assert_eq!(payloads(0), ["theirs"]);
        let lost = read(1).expect_err("a hole");
        assert!(
            matches!(lost, ReadError::Lost { from, offset: 1, next: 2 } if from == views),
            "{lost}"
        );
        assert_eq!(payloads(2), ["ours"]);
    }
}

#[test]
fn what_retention_removed_is_told() {
    const KEPT_FROM: u64 = 150;
    let log = forgetful("trimmed");
    fill(&log, 1000);
    assert_eq!(log.read(of(2), 3, 1).expect("readable")[0].payload, payload(2, 3));
    let mut cut = TopicPartitionList::new();
    cut.add_partition_offset("trimmed-views", 2, Offset::Offset(KEPT_FROM as i64))
        .expect("an offset");
    block_on(admin(Broker::shared()).delete_records(&cut, &AdminOptions::new())).expect("removed");
    for offset in [0, KEPT_FROM - 1] {
        let trimmed = log.read(of(2), offset, 1).expect_err("gone");
        assert!(
            matches!(trimmed, ReadError::Trimmed { from, offset: at, first: KEPT_FROM } if from == of(2) && at == offset),
            "{trimmed}"
        );
    }
    assert_eq!(log.start(of(2)), KEPT_FROM);
    assert_eq!(
        log.read(of(2), KEPT_FROM, 1).expect("readable")[0].offset,
        KEPT_FROM
    );
    assert_eq!(forgetful("trimmed").start(of(2)), KEPT_FROM);
}
