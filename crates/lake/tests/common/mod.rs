//! A lake in a temporary folder, a log with events of all kinds, storage that fails where a test wants it, and the
//! rows that must be there, counted from the events themselves.

// Each test file is a crate of its own and uses a part of this.
#![expect(dead_code, reason = "no test file uses all of it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use blob::BlobKey;
use event::{Event, topic};
use event_log::conformance::{read_all, settle};
use event_log::disk::{SimDisk, SimFaults, SplitMix};
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use lake::{
    Clock, KeptRound, LakeConfig, LakeError, LakeJob, LakeKeeper, LakeTable, LakeWriter, Objects, Table,
};
use storage::{Failure, Frail, Memory};
use stream::{Checkpoint, Driver, DriverConfig, JobError, Operator};

pub mod dump;
pub mod events;
pub mod storage;

/// 2026-01-31T05:00:00Z, the beginning of an hour.
pub const HOUR: i64 = 1_769_835_600_000;
pub const HOUR_MS: i64 = 3_600_000;

/// A lake with a storage of its own, and a clock that stands still until it is moved.
pub struct House {
    pub objects: Arc<dyn Objects>,
    pub config: LakeConfig,
    pub now_ms: Arc<AtomicI64>,
}

impl House {
    pub fn new() -> Self {
        // Long after the events, so that their hours are over.
        let now_ms = Arc::new(AtomicI64::new(HOUR + 10 * HOUR_MS));
        Self {
            objects: Arc::new(Memory::new(clock_of(&now_ms))),
            config: LakeConfig {
                checkpoint_commits: 3,
                ..LakeConfig::default()
            },
            now_ms,
        }
    }

    pub fn sleep_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn clock(&self) -> Clock {
        clock_of(&self.now_ms)
    }

    /// The same storage, failing at an operation, unless that is negative.
    pub fn frail(&self, fails_at: i64, failure: Failure, for_good: bool) -> Arc<Frail> {
        Arc::new(Frail::new(self.objects.clone(), fails_at, failure, for_good))
    }

    /// The keeper of one process.
    pub fn keep(&self, objects: Arc<dyn Objects>, number: u64) -> KeptRound {
        let config = self.config_of(number);
        LakeKeeper::new(objects, self.clock(), config)
            .expect("the prefix is a key")
            .round()
    }

    fn config_of(&self, number: u64) -> LakeConfig {
        LakeConfig {
            writer: number,
            ..self.config.clone()
        }
    }

    /// The writer of one process.
    pub fn writer(&self, objects: Arc<dyn Objects>, number: u64) -> Arc<LakeWriter> {
        let writer = LakeWriter::new(objects, self.clock(), &self.config_of(number));
        Arc::new(writer.expect("the prefix is a key"))
    }

    /// Its job, committing every few records.
    pub fn driver(
        &self,
        log: &Arc<SegmentLog>,
        writer: &Arc<LakeWriter>,
        records: u64,
    ) -> Driver<LakeJob, LakeWriter> {
        let config = DriverConfig {
            read_bytes_max: 512,
            commit_records_max: records,
            commit_interval_ms: u64::MAX,
            ..DriverConfig::default()
        };
        Driver::new(log.clone(), writer.clone(), LakeJob::new(writer.clone()), config)
    }

    /// Everything the log holds, by a process that does not fail.
    pub fn catch_up(&self, log: &Arc<SegmentLog>, number: u64, records: u64) {
        let writer = self.writer(self.objects.clone(), number);
        self.driver(log, &writer, records)
            .catch_up()
            .expect("the storage is well");
    }

    pub fn table(&self, table: Table) -> LakeTable {
        LakeTable::open(self.objects.clone(), &self.config, table).expect("the table opens")
    }

    /// The identity of every row of every table, sorted.
    pub fn rows(&self) -> Vec<RowId> {
        let mut rows: Vec<RowId> = Table::ALL
            .into_iter()
            .flat_map(|table| self.rows_of(table))
            .collect();
        rows.sort_unstable();
        rows
    }

    fn rows_of(&self, table: Table) -> Vec<RowId> {
        let mut rows = Vec::new();
        let columns = ["partition", "offset", "item", "topic"];
        let read = self.table(table).read(&columns, |_, batch| {
            let int = |column: &str, row: usize| {
                batch
                    .column_by_name(column)
                    .map_or(0, |cells| cells.as_primitive::<Int32Type>().value(row))
            };
            let offsets = batch
                .column_by_name("offset")
                .expect("an offset")
                .as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let topic = if table == Table::Poisoned {
                    int("topic", row)
                } else {
                    0
                };
                rows.push((
                    table,
                    topic as u8,
                    int("partition", row) as u16,
                    offsets.value(row) as u64,
                    int("item", row),
                ));
            }
            Ok(())
        });
        read.expect("the table is whole");
        rows
    }

    /// Every object of the lake, by key.
    pub fn stored(&self) -> Vec<String> {
        let prefix = BlobKey::parse(&self.config.prefix).expect("a key");
        let listed = self.objects.list(&prefix, usize::MAX).expect("lists");
        listed
            .entries
            .into_iter()
            .map(|entry| entry.key.to_string())
            .collect()
    }
}

fn clock_of(now_ms: &Arc<AtomicI64>) -> Clock {
    let now_ms = now_ms.clone();
    Arc::new(move || now_ms.load(Ordering::Relaxed))
}

/// Table, topic (of poisoned rows), partition, offset, item.
pub type RowId = (Table, u8, u16, u64, i32);

/// One record of a test, with the payload as it was appended.
pub struct Told {
    pub topic: u8,
    pub partition: u16,
    pub at_ms: i64,
    pub payload: Vec<u8>,
}

impl Told {
    pub fn of(event: &Event, partition: u16, at_ms: i64) -> Self {
        Self {
            topic: event.topic(),
            partition,
            at_ms,
            payload: event.encode(),
        }
    }
}

/// A log in memory that holds these records.
pub fn log_of(told: &[Told], partitions: u16) -> (SimDisk, Arc<SegmentLog>) {
    let disk = SimDisk::new(SimFaults::default());
    let log = open_log(&disk, partitions);
    append(&log, told);
    (disk, log)
}

pub fn open_log(disk: &SimDisk, partitions: u16) -> Arc<SegmentLog> {
    let config = SegmentLogConfig {
        partitions,
        segment_bytes: 1 << 20,
        record_bytes_max: 64 << 10,
        group_bytes_max: 256 << 10,
        prepare_ahead: false,
        ..SegmentLogConfig::default()
    };
    Arc::new(SegmentLog::open_on(Arc::new(disk.clone()), config).expect("the log opens"))
}

pub fn append(log: &SegmentLog, told: &[Told]) {
    let batch = told.iter().map(|told| Append {
        to: TopicPartition {
            topic: Topic(told.topic),
            partition: told.partition,
        },
        at_ms: told.at_ms,
        payload: told.payload.clone().into(),
    });
    let durable = log.append(batch.collect()).expect("the log takes it");
    settle(durable).expect("the log keeps it");
}

/// The rows that these records, appended in this order to an empty log, must become.
pub fn rows_expected(told: &[Told]) -> Vec<RowId> {
    let mut next: BTreeMap<(u8, u16), u64> = Default::default();
    let mut rows = Vec::new();
    for told in told {
        let offset = next.entry((told.topic, told.partition)).or_default();
        let (table, items) = fate(told);
        let topic = if table == Table::Poisoned { told.topic } else { 0 };
        rows.extend((0..items).map(|item| (table, topic, told.partition, *offset, item)));
        *offset += 1;
    }
    rows.sort_unstable();
    rows
}

/// Where a record ends up, and as how many rows.
fn fate(told: &Told) -> (Table, i32) {
    match (told.topic, Event::decode(&told.payload)) {
        (topic::VIEWS, Ok(Event::Signal(_))) => (Table::Views, 1),
        (topic::CONTEXT, Ok(Event::Signal(_))) => (Table::Context, 1),
        (topic::ACTIONS, Ok(Event::Action(_))) => (Table::Actions, 1),
        (topic::VIDEOS, Ok(Event::Video(_))) => (Table::Videos, 1),
        (topic::SERVED, Ok(Event::Served(slate))) => (Table::Served, slate.items.len() as i32),
        _ => (Table::Poisoned, 1),
    }
}

/// Runs `driver` to the end, calling again after every stumble, at most `tries` times.
pub fn persist(driver: &mut Driver<LakeJob, LakeWriter>, tries: usize) -> Result<(), JobError> {
    let mut outcome = driver.catch_up();
    for _ in 1..tries {
        match &outcome {
            Err(error) if error.is_transient() => outcome = driver.catch_up(),
            _ => break,
        }
    }
    outcome.map(drop)
}

/// A process that a test moves by hand, where a driver would not stop.
pub struct Process {
    pub writer: Arc<LakeWriter>,
    job: LakeJob,
    next: BTreeMap<TopicPartition, u64>,
}

impl Process {
    /// Resumes in these partitions of every topic.
    pub fn resume(writer: &Arc<LakeWriter>, partitions: std::ops::Range<u16>) -> Self {
        let job = LakeJob::new(writer.clone());
        let of = |partition| {
            job.topics()
                .iter()
                .map(move |&topic| TopicPartition { topic, partition })
        };
        let resumed = |of| (of, writer.resume_at("lake", of).expect("the storage is well"));
        let next = partitions.flat_map(of).map(resumed).collect();
        Self {
            writer: writer.clone(),
            job,
            next,
        }
    }

    /// Folds up to `records_max` records of each partition.
    pub fn fold(&mut self, log: &SegmentLog, records_max: usize) {
        for (&of, next) in &mut self.next {
            for record in read_all(log, of).iter().skip(*next as usize).take(records_max) {
                // A poisoned record becomes a row too; a driver only counts it.
                let _ = self.job.process(record);
                *next = record.offset + 1;
            }
        }
    }

    pub fn commit(&self) -> Result<(), LakeError> {
        let offsets: Vec<_> = self.next.iter().map(|(&of, &next)| (of, next)).collect();
        self.writer.commit("lake", &offsets)
    }
}

/// A seeded generator.
pub fn random(seed: u64) -> SplitMix {
    SplitMix(seed)
}
