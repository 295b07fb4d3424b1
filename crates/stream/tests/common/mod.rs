//! A checkpoint in memory that can lose its memory, a log that can stumble, and a job to run on them.
//!
//! A crash is an unwinding from wherever the fuse burns out; nothing durable changes on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use event_log::conformance::settle;
use event_log::disk::{SimDisk, SimFaults, SplitMix};
use event_log::{
    Append, AppendError, Durable, EventLog, ReadError, Record, SegmentLog, SegmentLogConfig, Topic,
    TopicPartition,
};
use parking_lot::{Condvar, Mutex};
use stream::{Checkpoint, Operator, Poisoned};

pub const TOPICS: &[Topic] = &[Topic(0), Topic(2)];
pub const PARTITIONS: u16 = 3;

/// Burns out after so many ticks; negative never does.
#[derive(Default)]
pub struct Fuse(pub AtomicI64);

/// What a crash unwinds with.
pub struct PowerCut;

impl Fuse {
    pub fn tick(&self) {
        if self.0.fetch_sub(1, Ordering::Relaxed) == 0 {
            std::panic::resume_unwind(Box::new(PowerCut));
        }
    }
}

/// Sums a key, and for each partition a digest that depends on order and on every record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub sums: BTreeMap<u8, u64>,
    pub digests: BTreeMap<TopicPartition, u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durables {
    pub state: State,
    pub offsets: BTreeMap<TopicPartition, u64>,
}

/// State in memory beside the last committed one.
#[derive(Default)]
pub struct MemoryCheckpoint {
    pub live: Mutex<State>,
    pub durable: Mutex<Durables>,
    pub applied: Mutex<BTreeMap<TopicPartition, u64>>,
    pub fuse: Fuse,
    /// Commits that fail before one succeeds.
    pub commits_to_fail: AtomicU64,
    pub committed: Condvar,
}

#[derive(Debug, thiserror::Error)]
#[error("the store is busy")]
pub struct Busy;

impl MemoryCheckpoint {
    /// The store as the next process finds it.
    pub fn restarted(&self) -> Self {
        let durable = self.durable.lock().clone();
        Self {
            live: Mutex::new(durable.state.clone()),
            durable: Mutex::new(durable),
            fuse: Fuse(AtomicI64::new(-1)),
            ..Self::default()
        }
    }

    pub fn fresh() -> Self {
        Self::default().restarted()
    }

    /// Blocks until so many records are committed in all.
    pub fn committed_wait(&self, records: u64) {
        let mut durable = self.durable.lock();
        let short = |durable: &mut Durables| durable.offsets.values().sum::<u64>() < records;
        let waited = self
            .committed
            .wait_while_for(&mut durable, short, Duration::from_secs(60));
        assert!(!waited.timed_out(), "the job stands still: {:?}", durable.offsets);
    }
}

impl Checkpoint for MemoryCheckpoint {
    type Error = Busy;

    fn resume_at(&self, _job: &str, from: TopicPartition) -> Result<u64, Busy> {
        Ok(self.durable.lock().offsets.get(&from).copied().unwrap_or(0))
    }

    fn applied(&self, _job: &str, from: TopicPartition, next: u64) {
        self.fuse.tick();
        self.applied.lock().insert(from, next);
        self.fuse.tick();
    }

    fn commit(&self, _job: &str, offsets: &[(TopicPartition, u64)]) -> Result<(), Busy> {
        self.fuse.tick();
        let busy = self
            .commits_to_fail
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if busy.is_ok() {
            return Err(Busy);
        }
        for (of, next) in offsets {
            assert_eq!(
                self.applied.lock().get(of),
                Some(next),
                "only what is applied is committed"
            );
        }
        let mut durable = self.durable.lock();
        durable.state = self.live.lock().clone();
        durable.offsets.extend(offsets.iter().copied());
        drop(durable);
        self.committed.notify_all();
        self.fuse.tick();
        Ok(())
    }
}

/// Adds the second byte of each record to the sum of its first; an empty record is poison.
pub struct Sums(pub Arc<MemoryCheckpoint>);

impl Operator for Sums {
    fn name(&self) -> &'static str {
        "sums"
    }

    fn topics(&self) -> &'static [Topic] {
        TOPICS
    }

    fn process(&mut self, record: &Record) -> Result<(), Poisoned> {
        self.0.fuse.tick();
        let mut live = self.0.live.lock();
        let digest = live.digests.entry(record.from).or_default();
        *digest = digest.wrapping_mul(0x0100_0000_01b3) ^ (record.offset + 1);
        let [key, amount] = record.payload[..] else {
            return Err(Poisoned { reason: "empty" });
        };
        *live.sums.entry(key).or_default() += u64::from(amount);
        drop(live);
        self.0.fuse.tick();
        Ok(())
    }
}

/// A small log on a simulated disk.
pub fn log() -> SegmentLog {
    let config = SegmentLogConfig {
        partitions: PARTITIONS,
        topics: 3,
        segment_bytes: 64 << 10,
        record_bytes_max: 1 << 10,
        group_bytes_max: 16 << 10,
        prepare_ahead: false,
        ..SegmentLogConfig::default()
    };
    SegmentLog::open_on(Arc::new(SimDisk::new(SimFaults::default())), config).expect("a simulated disk opens")
}

/// Appends `count` records over all topics and partitions, one in sixteen empty.
pub fn fill(log: &dyn EventLog, random: &mut SplitMix, count: u64) {
    let batch = (0..count).map(|serial| {
        let to = TopicPartition {
            topic: Topic(random.below(3) as u8),
            partition: random.below(u64::from(PARTITIONS)) as u16,
        };
        let payload = match random.below(16) {
            0 => Vec::new(),
            _ => vec![random.below(5) as u8, random.draw() as u8],
        };
        Append {
            to,
            at_ms: serial as i64,
            payload: payload.into(),
        }
    });
    settle(log.append(batch.collect()).expect("it fits")).expect("the disk is well");
}

/// How many records [`Sums`] has to read in all.
pub fn readable(log: &dyn EventLog) -> u64 {
    let of = |topic: Topic| (0..PARTITIONS).map(move |partition| TopicPartition { topic, partition });
    TOPICS
        .iter()
        .flat_map(|topic| of(*topic))
        .map(|of| log.end(of))
        .sum()
}

/// Passes everything on, but fails the first reads.
pub struct StumblingLog<L> {
    pub inner: L,
    pub reads_to_fail: AtomicU64,
    pub error: fn(TopicPartition) -> ReadError,
}

impl<L: EventLog> EventLog for StumblingLog<L> {
    fn partitions(&self) -> u16 {
        self.inner.partitions()
    }

    fn append(&self, batch: Vec<Append>) -> Result<Durable, AppendError> {
        self.inner.append(batch)
    }

    fn read(&self, from: TopicPartition, offset: u64, bytes_max: usize) -> Result<Vec<Record>, ReadError> {
        let left = self
            .reads_to_fail
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if left.is_ok() {
            Err((self.error)(from))
        } else {
            self.inner.read(from, offset, bytes_max)
        }
    }

    fn start(&self, of: TopicPartition) -> u64 {
        self.inner.start(of)
    }

    fn end(&self, of: TopicPartition) -> u64 {
        self.inner.end(of)
    }

    fn wait(&self, generation: u64, timeout: Duration) -> u64 {
        self.inner.wait(generation, timeout)
    }
}
