//! A log in a folder, examples in it, and learners over both.

#![expect(dead_code, reason = "each test uses its own part of it")]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event::{Event, topic};
use event_log::conformance::settle;
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use stream::keyed::{MemoryObjects, Objects};
use trainer::{Live, Trainer, TrainerConfig, TrainerControl, TrainerParts, fixture};

pub const PARTITIONS: u16 = 2;

/// Small segments, so that opening and retention are quick.
pub fn log_config() -> SegmentLogConfig {
    SegmentLogConfig {
        partitions: PARTITIONS,
        segment_bytes: 256 << 10,
        record_bytes_max: 64 << 10,
        group_bytes_max: 128 << 10,
        queue_bytes_max: 1 << 20,
        ..SegmentLogConfig::default()
    }
}

pub fn log_at(dir: &Path) -> Arc<SegmentLog> {
    Arc::new(SegmentLog::open(dir, log_config()).expect("the log opens"))
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

/// Appends examples and waits until they are durable.
pub fn append(log: &dyn EventLog, range: std::ops::Range<u64>) {
    let end = range.end;
    for from in range.step_by(256) {
        append_some(log, from..end.min(from + 256));
    }
}

/// As [`append`], in one batch.
pub fn append_some(log: &dyn EventLog, range: std::ops::Range<u64>) {
    let durable = log.append(range.map(record).collect()).expect("the log takes it");
    settle(durable).expect("durable");
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

/// Learns what is durable and makes a checkpoint; the state's hash.
pub fn learned(parts: &TrainerParts) -> model::StateHash {
    let mut trainer = Trainer::open(parts.clone()).expect("opens");
    trainer.catch_up().expect("learns");
    trainer.close().expect("makes a checkpoint");
    trainer.state_hash()
}

/// The learner that the whole journal describes, uninterrupted.
pub fn twin(parts: &TrainerParts) -> model::StateHash {
    barrier(&*parts.log);
    let mut learner = trainer::replay(&*parts.log, &parts.learner).expect("the journal is whole");
    learner.state_hash()
}

/// Objects in memory that refuse to be written to when told so.
#[derive(Default)]
pub struct Fickle {
    pub inner: MemoryObjects,
    pub full: AtomicBool,
}

impl Fickle {
    pub fn full_set(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Flips a bit in the middle of an object.
    pub fn tamper(&self, key: &str) {
        let mut bytes = self.inner.get(key).expect("gets").expect("is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        self.inner.delete(key).expect("deletes");
        self.inner.put_if_absent(key, &bytes).expect("puts");
    }

    /// The keys of one kind, ascending.
    pub fn keys(&self, kind: &str) -> Vec<String> {
        self.inner.list(&format!("jobs/trainer/{kind}/")).expect("lists")
    }
}

impl Objects for Fickle {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        if self.full.load(Ordering::SeqCst) {
            // What a full disk leaves behind.
            self.inner
                .put_if_absent(&format!("{key}.tmp"), &bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.put_if_absent(key, bytes)
    }

    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        self.inner.get(key)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let keys = self.inner.list(prefix)?;
        Ok(keys.into_iter().filter(|key| !key.ends_with(".tmp")).collect())
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        self.inner.delete(key)
    }
}
