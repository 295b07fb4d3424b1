//! Reading further back than the tail in memory: a lane for each partition that somebody catches up in.
//!
//! A lane stays where its last read ended, and the client fetches ahead of it, so that reading on costs no question.
//! A read anywhere else moves the lane. Lanes are few and each is bounded in bytes; idle ones are taken down.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::{ReadError, Record};
use parking_lot::Mutex;
use rdkafka::Offset;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::client::{Voice, reader_settings};
use crate::config::KafkaConfig;
use crate::error::OpenError;
use crate::fetched::Gathered;
use crate::table::Table;

/// Lanes that are up at once; one more takes down the one that was used the longest ago.
const LANES_MAX: usize = 16;
/// What the client fetches ahead in each lane.
const AHEAD_KBYTES_MAX: u32 = 2048;
/// A broker holds an empty fetch back no longer, because a lane that moves waits for it.
const FETCH_WAIT_MS_MAX: u32 = 10;
/// A lane that nobody read in for so long is taken down.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// All lanes, and the client that they share.
pub(crate) struct Replay {
    consumer: Arc<BaseConsumer<Voice>>,
    table: Arc<Table>,
    lanes: Vec<Mutex<Lane>>,
    /// Slots whose lanes are up, the longest unused first.
    up: Mutex<Vec<usize>>,
    read_max: Duration,
}

#[derive(Default)]
struct Lane {
    /// Kept once made: the client forwards a partition's messages here from then on.
    queue: Option<PartitionQueue<Voice>>,
    /// What the next message will be, while the lane is up.
    next: Option<u64>,
    used: Option<Instant>,
}

/// What a lane found.
pub(crate) enum Replayed {
    Records(Vec<Record>),
    /// The wanted offset is not there; the brokers went on with this one, or did not say.
    Missing(Option<u64>),
}

impl Replay {
    pub(crate) fn new(config: &KafkaConfig, table: Arc<Table>) -> Result<Self, OpenError> {
        let mut settings = reader_settings(config, FETCH_WAIT_MS_MAX);
        settings
            .set("queued.max.messages.kbytes", AHEAD_KBYTES_MAX.to_string())
            .set("fetch.message.max.bytes", "1048576")
            .set("fetch.max.bytes", "16777216")
            .set("fetch.queue.backoff.ms", "1");
        let consumer = settings
            .create_with_context(Voice("replay"))
            .map_err(OpenError::Client)?;
        Ok(Self {
            consumer: Arc::new(consumer),
            lanes: std::iter::repeat_with(Mutex::default)
                .take(table.slots())
                .collect(),
            table,
            up: Mutex::new(Vec::new()),
            read_max: Duration::from_millis(u64::from(config.read_ms_max)),
        })
    }

    /// Records of `slot` from `offset` on, at least one; the caller knows that there is one.
    pub(crate) fn read(&self, slot: usize, offset: u64, bytes_max: usize) -> Result<Replayed, ReadError> {
        let mut lane = self.lanes[slot].lock();
        if lane.next != Some(offset) {
            self.move_to(&mut lane, slot, offset).map_err(fault)?;
        }
        lane.used = Some(Instant::now());
        let result = self.take(&mut lane, offset, bytes_max);
        if lane.next.is_none() || !matches!(result, Ok(Replayed::Records(_))) {
            self.take_down(&mut lane, slot);
            self.up.lock().retain(|up| *up != slot);
        }
        result
    }

    /// Takes down what is idle, and lets the client serve its events.
    pub(crate) fn tidy(&self) {
        // Lanes have queues of their own; only faults come this way, and a read meets those by itself.
        drop(self.consumer.poll(Duration::ZERO));
        self.up.lock().retain(|slot| {
            let Some(mut lane) = self.lanes[*slot].try_lock() else {
                return true;
            };
            let idle = lane.used.is_none_or(|used| used.elapsed() > IDLE_MAX);
            if idle {
                self.take_down(&mut lane, *slot);
            }
            !idle
        });
    }

    fn take(&self, lane: &mut Lane, offset: u64, bytes_max: usize) -> Result<Replayed, ReadError> {
        let Some(queue) = &lane.queue else {
            return Err(ReadError::Io(io::Error::other("a lane without a queue")));
        };
        let mut gathered = Gathered::new(&self.table);
        let mut patience = self.read_max;
        while gathered.records() == 0 || gathered.bytes() < bytes_max {
            match queue.poll(patience) {
                Some(Ok(message)) => gathered.add(&message),
                Some(Err(error)) if gathered.records() == 0 => return missing(error),
                // It will be met again by the next read.
                Some(Err(_)) | None => break,
            }
            patience = Duration::ZERO;
        }
        let mut runs = gathered.finish();
        match runs.next().map(|(_, records)| records) {
            Some(records) if records[0].offset == offset => {
                // A hole ends the run, and what was fetched beyond it is let fall: the next read moves the lane.
                lane.next = match runs.next() {
                    None => Some(offset + records.len() as u64),
                    Some(_) => None,
                };
                Ok(Replayed::Records(records))
            }
            Some(records) => Ok(Replayed::Missing(Some(records[0].offset))),
            None => Err(no_answer()),
        }
    }

    fn move_to(&self, lane: &mut Lane, slot: usize, offset: u64) -> KafkaResult<()> {
        let (name, partition) = self.table.name(slot);
        if lane.next.is_some() {
            self.take_down(lane, slot);
        }
        self.make_room(slot);
        if lane.queue.is_none() {
            lane.queue = self.consumer.split_partition_queue(name, partition);
        }
        let mut list = self.table.list(slot);
        list.set_all_offsets(Offset::Offset(offset as i64))?;
        self.consumer.incremental_assign(&list)?;
        lane.next = Some(offset);
        metrics::counter!("riffle_event_log_kafka_replay_moves_total").increment(1);
        Ok(())
    }

    /// Puts `slot` at the end of the lanes that are up, and takes down the first if those are too many. The caller holds
    /// the lane of `slot`; a lane that is being read in stays.
    fn make_room(&self, slot: usize) {
        let mut up = self.up.lock();
        up.retain(|other| *other != slot);
        let mut surplus = (up.len() + 1).saturating_sub(LANES_MAX);
        up.retain(|other| {
            let lane = if surplus > 0 {
                self.lanes[*other].try_lock()
            } else {
                None
            };
            lane.is_none_or(|mut lane| {
                self.take_down(&mut lane, *other);
                surplus -= 1;
                false
            })
        });
        up.push(slot);
    }

    fn take_down(&self, lane: &mut Lane, slot: usize) {
        lane.next = None;
        if let Err(error) = self.consumer.incremental_unassign(&self.table.list(slot)) {
            tracing::warn!(of = ?self.table.of(slot), %error, "a lane could not be taken down");
        }
        // What was fetched ahead is outdated now; the client frees it when it is asked for.
        if let Some(queue) = &lane.queue {
            drop(queue.poll(Duration::ZERO));
        }
    }
}

/// An offset that the brokers do not have is an answer; anything else is a fault.
fn missing(error: KafkaError) -> Result<Replayed, ReadError> {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
            Ok(Replayed::Missing(None))
        }
        _ => Err(fault(error)),
    }
}

fn fault(error: KafkaError) -> ReadError {
    ReadError::Io(io::Error::other(error))
}

/// The brokers stayed silent.
pub(crate) fn no_answer() -> ReadError {
    ReadError::Io(io::Error::new(
        io::ErrorKind::TimedOut,
        "no broker sent the records in time",
    ))
}
