//! Where examples go: a topic of the log, each once.
//!
//! A log only grows, so a row cannot overwrite itself as one in a table does. The sink notes in each checkpoint how far its rows
//! reach in the topic. After a crash it reads what lies beyond that: those rows are about to be made again, byte for byte, and are
//! left out. A row that comes out otherwise is written: nothing is lost for the sake of a repeat.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use event::{Event, partition_of, topic};
use event_log::{Append, AppendError, Durable, EventLog, Topic, TopicPartition, block_on};
use feature_store::bytes::{Row, put_varint};
use parking_lot::Mutex;
use stream::keyed::{Sink, SinkError, SinkState};

use super::ExampleRow;

/// Tries of one batch while the log says that it is full.
const TRIES_MAX: u32 = 20;
const WAIT_MS_MAX: u64 = 1_000;
/// Batches appended and not yet looked after; the oldest are durable long before.
const PENDING_MAX: usize = 1_024;
/// Records beyond the last checkpoint's that are compared with what is made again: 16 B each.
const TAIL_RECORDS_MAX: usize = 20_000_000;
const READ_BYTES_MAX: usize = 1 << 20;

/// See the file's header.
pub struct ExamplesSink {
    log: Arc<dyn EventLog>,
    state: Mutex<State>,
    hashers: [RandomState; 2],
}

#[derive(Default)]
struct State {
    /// Batches since the last flush, oldest first: their number, partitions in order, and the way to their offsets.
    pending: VecDeque<Batch>,
    batches: u64,
    /// The last batch of the checkpoint whose flush is under way.
    boundary: Option<u64>,
    /// By partition, one past the last durable row up to the boundary, and after it.
    ends: BTreeMap<u16, u64>,
    ends_after: BTreeMap<u16, u64>,
    /// Digests of rows in the log that will be made again.
    written: HashSet<[u64; 2]>,
}

/// Rows on their way: the number of their batch, the partition of each, and their offsets to come.
type Batch = (u64, Vec<u16>, Durable);

impl ExamplesSink {
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            state: Mutex::default(),
            hashers: [RandomState::new(), RandomState::new()],
        }
    }

    /// Two seeded hashes: rows that differ are never taken for the same, but once in 10^20.
    fn digest(&self, payload: &[u8]) -> [u64; 2] {
        [0, 1].map(|at| self.hashers[at].hash_one(payload))
    }

    fn append(&self, batch: Vec<Append>) -> Result<Durable, SinkError> {
        for _ in 0..TRIES_MAX {
            match self.log.append(batch.clone()) {
                // The engine waits with us: that is the way back pressure takes.
                Err(AppendError::Overloaded { retry_after_ms }) => {
                    std::thread::sleep(Duration::from_millis(retry_after_ms.clamp(1, WAIT_MS_MAX)));
                }
                answer => return answer.map_err(failed("examples could not be appended")),
            }
        }
        Err(failed("the log stayed full")(AppendError::Overloaded {
            retry_after_ms: WAIT_MS_MAX,
        }))
    }

    /// Notes the offsets of a batch once it is durable.
    fn settle(&self, (number, partitions, durable): Batch) -> Result<(), SinkError> {
        let offsets = block_on(durable).map_err(failed("examples could not be made durable"))?;
        let mut state = self.state.lock();
        let after = state.boundary.is_some_and(|last| number > last);
        let ends = if after {
            &mut state.ends_after
        } else {
            &mut state.ends
        };
        for (partition, offset) in partitions.into_iter().zip(offsets) {
            reach(ends, partition, offset + 1);
        }
        Ok(())
    }

    fn tail_read(
        &self,
        of: TopicPartition,
        from: u64,
        written: &mut HashSet<[u64; 2]>,
    ) -> Result<(), SinkError> {
        let (mut next, end) = (from.max(self.log.start(of)), self.log.end(of));
        while next < end {
            let records = match self.log.read(of, next, READ_BYTES_MAX) {
                Ok(records) => records,
                Err(event_log::ReadError::Lost { next: after, .. }) => {
                    next = after;
                    continue;
                }
                Err(error) => return Err(failed("examples could not be read back")(error)),
            };
            for record in &records {
                written.insert(self.digest(&record.payload));
                next = record.offset + 1;
            }
            if written.len() > TAIL_RECORDS_MAX || records.is_empty() {
                let tail = TailTooLong {
                    records: written.len(),
                };
                return Err(failed("examples could not be compared")(tail));
            }
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "{records} examples lie beyond the last checkpoint, more than can be compared; set the job to a newer checkpoint, or let \
     retention remove old examples"
)]
struct TailTooLong {
    records: usize,
}

fn failed<E: std::error::Error + Send + Sync + 'static>(what: &'static str) -> impl FnOnce(E) -> SinkError {
    move |source| SinkError {
        what,
        source: Box::new(source),
    }
}

impl Sink<ExampleRow> for ExamplesSink {
    fn apply(&self, rows: &mut Vec<ExampleRow>) -> Result<(), SinkError> {
        let (mut batch, mut partitions) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        let mut repeats = 0;
        for row in rows.drain(..) {
            let partition = partition_of(row.example.viewer, self.log.partitions());
            let payload = Event::Example(row.example).encode();
            let mut state = self.state.lock();
            if !state.written.is_empty() && state.written.remove(&self.digest(&payload)) {
                repeats += 1;
                continue;
            }
            partitions.push(partition);
            batch.push(Append {
                to: of(partition),
                at_ms: row.at_ms,
                payload: payload.into(),
            });
        }
        metrics::counter!("riffle_jobs_examples_repeated_total").increment(repeats);
        metrics::counter!("riffle_jobs_examples_total").increment(batch.len() as u64);
        if batch.is_empty() {
            return Ok(());
        }
        let durable = self.append(batch)?;
        let mut state = self.state.lock();
        state.batches += 1;
        let number = state.batches;
        state.pending.push_back((number, partitions, durable));
        let oldest = (state.pending.len() > PENDING_MAX)
            .then(|| state.pending.pop_front())
            .flatten();
        drop(state);
        oldest.map_or(Ok(()), |batch| self.settle(batch))
    }

    fn boundary(&self, _: u64) {
        let mut state = self.state.lock();
        state.boundary = Some(state.batches);
    }

    fn flush(&self, _: u64) -> Result<Vec<u8>, SinkError> {
        let due: Vec<Batch> = {
            let mut state = self.state.lock();
            let last = state.boundary.unwrap_or(state.batches);
            let count = state.pending.partition_point(|(number, ..)| *number <= last);
            state.pending.drain(..count).collect()
        };
        due.into_iter().try_for_each(|batch| self.settle(batch))?;
        let mut state = self.state.lock();
        let mut mark = Vec::new();
        for (&partition, &end) in &state.ends {
            put_varint(&mut mark, u64::from(partition));
            put_varint(&mut mark, end);
        }
        state.boundary = None;
        for (partition, end) in std::mem::take(&mut state.ends_after) {
            reach(&mut state.ends, partition, end);
        }
        Ok(mark)
    }

    fn restore(&self, _: u64, mark: &[u8]) -> Result<SinkState, SinkError> {
        let (mut row, mut ends) = (Row(mark), BTreeMap::new());
        while let (false, Some(partition), Some(end)) = (row.is_done(), row.varint(), row.varint()) {
            ends.insert(partition as u16, end);
        }
        // What this process has queued before it stumbled is in the log soon.
        let queued = self
            .log
            .append(Vec::new())
            .map_err(failed("the log takes no barrier"))?;
        block_on(queued).map_err(failed("examples could not be made durable"))?;
        let mut written = HashSet::new();
        for partition in 0..self.log.partitions() {
            let from = ends.get(&partition).copied().unwrap_or(0);
            self.tail_read(of(partition), from, &mut written)?;
        }
        *self.state.lock() = State {
            ends,
            written,
            ..State::default()
        };
        Ok(SinkState::Intact)
    }
}

fn reach(ends: &mut BTreeMap<u16, u64>, partition: u16, end: u64) {
    let held = ends.entry(partition).or_default();
    *held = end.max(*held);
}

fn of(partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(topic::EXAMPLES),
        partition,
    }
}
