//! The backend: the port's methods, each handed to the part that knows.
//!
//! [`crate::produce`] takes records in, [`crate::follow`] brings what is new, [`crate::replay`] what is old.

use std::sync::Arc;
use std::time::Duration;

use event_log::{Append, AppendError, Durable, EventLog, ReadError, Record, TopicPartition};

use rdkafka::consumer::BaseConsumer;

use crate::ask::{self, Edge};
use crate::client::Voice;
use crate::config::KafkaConfig;
use crate::error::OpenError;
use crate::follow::{self, Follower};
use crate::marks::Marks;
use crate::produce::Producer;
use crate::replay::{Replay, Replayed, no_answer};
use crate::table::Table;
use crate::tail::{Found, Tail};
use crate::topics::{self, Wanted};

/// A log on Kafka. Dropping it waits until what is queued is acknowledged, and ends its threads.
///
/// All copies of it in all processes are equal: each may append to and read from every partition. Who *should* read which
/// is the business of [`crate::KafkaMembership`].
pub struct KafkaLog {
    // Fields are dropped in this order: nothing is acknowledged any more when the readers end.
    producer: Producer,
    follower: Follower,
    replay: Arc<Replay>,
    tail: Arc<Tail>,
    marks: Arc<Marks>,
    table: Arc<Table>,
    read_max: Duration,
}

impl KafkaLog {
    /// Connects, creates the topics that are missing, and asks where they begin and end. `topics` are names by number:
    /// topic 0 is `PREFIX-` and the first of them.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: &KafkaConfig, topics: &[&str]) -> Result<Self, OpenError> {
        let table = Arc::new(Table::new(config, topics)?);
        let marks = Arc::new(Marks::new(table.slots()));
        // First, so that it gets its identity from the brokers while the rest is prepared.
        let producer = Producer::new(config, table.clone(), marks.clone())?;
        let consumer = follow::consumer(config)?;
        let wanted = Wanted {
            names: table.names(),
            partitions: config.partitions,
        };
        topics::ensure(config, &consumer, &wanted)?;
        marks_ask(config, &consumer, &table, &marks)?;
        producer.warm();
        let tail = Arc::new(Tail::new(table.slots(), config.cache_bytes_max));
        let replay = Arc::new(Replay::new(config, table.clone())?);
        Ok(Self {
            producer,
            follower: Follower::spawn(
                consumer,
                table.clone(),
                marks.clone(),
                tail.clone(),
                replay.clone(),
            )?,
            replay,
            tail,
            marks,
            table,
            read_max: Duration::from_millis(u64::from(config.read_ms_max)),
        })
    }

    /// Why the log takes nothing more, if it does not; readiness checks ask this. A restart makes a new producer.
    pub fn stop_reason(&self) -> Option<String> {
        self.producer.stop_reason()
    }

    /// Records that the tail does not hold any more.
    fn read_back(&self, slot: usize, offset: u64, bytes_max: usize) -> Result<Vec<Record>, ReadError> {
        let next = match self.replay.read(slot, offset, bytes_max)? {
            Replayed::Records(records) => return Ok(records),
            Replayed::Missing(next) => next,
        };
        self.follower.start_refresh(slot);
        let (from, first) = (self.table.of(slot), self.marks.start(slot));
        match next {
            _ if offset < first => Err(ReadError::Trimmed { from, offset, first }),
            Some(next) => Err(ReadError::Lost { from, offset, next }),
            None => Err(no_answer()),
        }
    }
}

/// Where every partition begins and ends now.
fn marks_ask(
    config: &KafkaConfig,
    asker: &BaseConsumer<Voice>,
    table: &Table,
    marks: &Marks,
) -> Result<(), OpenError> {
    let slots: Vec<usize> = (0..table.slots()).collect();
    let patience = Duration::from_millis(u64::from(config.open_ms_max));
    let ask = |edge| {
        ask::offsets(asker, table, &slots, edge, patience).map_err(|source| OpenError::Unreachable {
            brokers: config.brokers.clone(),
            waited_ms: config.open_ms_max,
            source,
        })
    };
    let (starts, ends) = (ask(Edge::Start)?, ask(Edge::End)?);
    for slot in slots {
        marks.start_raise(slot, starts[slot]);
        marks.end_raise(slot, ends[slot]);
    }
    Ok(())
}

impl EventLog for KafkaLog {
    fn partitions(&self) -> u16 {
        self.table.partitions
    }

    /// As the port says, but for two things. A batch over several partitions travels in several requests: when it fails,
    /// some of its records may have been kept. And a record has no number before its leader gave it one, so
    /// [`event_log::Promise::Memory`] is kept as the stronger promise.
    fn append(&self, batch: Vec<Append>) -> Result<Durable, AppendError> {
        self.producer.append(&batch)
    }

    fn read(&self, from: TopicPartition, offset: u64, bytes_max: usize) -> Result<Vec<Record>, ReadError> {
        let slot = self.table.slot(from).ok_or(ReadError::UnknownPartition(from))?;
        self.follower.ask(slot);
        let first = self.marks.start(slot);
        if offset < first {
            return Err(ReadError::Trimmed { from, offset, first });
        }
        if offset >= self.marks.end(slot) {
            return Ok(Vec::new());
        }
        match self.tail.read_within(slot, offset, bytes_max, self.read_max) {
            Found::Records(records) => Ok(records),
            Found::Gone => self.read_back(slot, offset, bytes_max),
            Found::Soon => Err(no_answer()),
        }
    }

    fn start(&self, of: TopicPartition) -> u64 {
        self.table.slot(of).map_or(0, |slot| {
            self.follower.ask(slot);
            self.marks.start(slot)
        })
    }

    /// Exact for what this process appended. What others appended shows when it is fetched, milliseconds later; the
    /// first question about a partition asks the brokers, so that an owner who takes it over starts with the truth.
    fn end(&self, of: TopicPartition) -> u64 {
        self.table.slot(of).map_or(0, |slot| {
            self.follower.ask(slot);
            self.marks.end(slot)
        })
    }

    /// Wakes for records of this process, and for others in the partitions that somebody lately asked about.
    fn wait(&self, generation: u64, timeout: Duration) -> u64 {
        self.marks.wait(generation, timeout)
    }
}
