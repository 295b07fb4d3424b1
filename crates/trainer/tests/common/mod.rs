//! A log in a folder, examples in it, and learners over both.

use std::path::Path;
use std::sync::Arc;

use event::{Event, topic};
use event_log::conformance::settle;
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use stream::keyed::Objects;
use trainer::{Live, TrainerConfig, TrainerControl, TrainerParts, fixture};

pub const PARTITIONS: u16 = 2;
const BATCH: usize = 256;

/// Small segments, so that opening and retention are quick; a slow disk is waited for, so that a busy machine changes nothing.
pub fn log_config() -> SegmentLogConfig {
    SegmentLogConfig {
        partitions: PARTITIONS,
        segment_bytes: 256 << 10,
        record_bytes_max: 64 << 10,
        group_bytes_max: 128 << 10,
        queue_bytes_max: 1 << 20,
        wait_ms_max: None,
        stall_ms_max: u64::MAX,
        ..SegmentLogConfig::default()
    }
}

pub fn log_at(dir: &Path, config: SegmentLogConfig) -> Arc<SegmentLog> {
    Arc::new(SegmentLog::open(dir, config).expect("the log opens"))
}

pub fn examples_of(partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(topic::EXAMPLES),
        partition,
    }
}

/// The `i`-th example of the small world as a record.
pub fn record(i: u64) -> Append {
    Append {
        to: examples_of((i % u64::from(PARTITIONS)) as u16),
        at_ms: fixture::at_ms(i),
        payload: Event::Example(fixture::example(i)).encode().into(),
    }
}

/// Appends examples in order and waits until they are durable.
pub fn append(log: &dyn EventLog, range: std::ops::Range<u64>) {
    let end = range.end;
    for from in range.step_by(BATCH) {
        let batch = (from..end.min(from + BATCH as u64)).map(record).collect();
        settle(log.append(batch).expect("the log takes it")).expect("durable");
    }
}

/// Waits until everything appended before is durable.
pub fn barrier(log: &dyn EventLog) {
    settle(log.append(Vec::new()).expect("takes it")).expect("durable");
}

/// Rounds are small and every one publishes; checkpoints are made when they are asked for.
pub fn config() -> TrainerConfig {
    TrainerConfig {
        round_ms: 0,
        round_examples_max: 300,
        publish_ms: 0,
        checkpoint_ms: u64::MAX,
        checkpoint_examples_max: u64::MAX,
        ..TrainerConfig::default()
    }
}

pub fn parts(log: Arc<dyn EventLog>, objects: Arc<dyn Objects>) -> TrainerParts {
    TrainerParts {
        log,
        objects,
        learner: fixture::parts(),
        config: config(),
        live: Live::new(),
        control: TrainerControl::new(),
        clock: Arc::new(|| fixture::START_MS),
    }
}

/// The learner that the whole journal describes, uninterrupted.
pub fn twin(parts: &TrainerParts) -> model::StateHash {
    barrier(&*parts.log);
    let mut learner = trainer::replay(&*parts.log, &parts.learner).expect("the journal is whole");
    learner.state_hash()
}
