//! The port: what rooms and jobs see of a log, and the reasons it gives when it cannot serve.
//!
//! No backend lives here.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

/// A named stream of records, numbered by whoever owns the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(pub u8);

/// One ordered part of a topic; offsets grow by one in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    pub topic: Topic,
    pub partition: u16,
}

/// A record to append.
#[derive(Debug, Clone)]
pub struct Append {
    pub to: TopicPartition,
    /// When the caller received it, milliseconds since the epoch; retention by time reads this.
    pub at_ms: i64,
    pub payload: Bytes,
}

/// A record as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub from: TopicPartition,
    pub offset: u64,
    pub at_ms: i64,
    pub payload: Bytes,
}

/// What an acknowledgement says; the two are named so that neither is ever taken for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Promise {
    /// The records are on disk: they survive the end of the process and of the machine's power.
    Disk,
    /// The records are queued, numbered and will be written; a crash before that loses them. A backend bounds
    /// how much it holds on this promise, and keeps the stronger one where it has reached that bound.
    /// After a crash the number of a lost record is given again, so keep no state by it.
    Memory,
}

/// Resolves once the batch is as safe as was promised, with the offset of each record in the batch's order.
pub type Durable = Pin<Box<dyn Future<Output = Result<Vec<u64>, AppendError>> + Send>>;

/// Why a batch was not accepted, or not made durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    #[error("the log's queue is full; retry in {retry_after_ms} ms")]
    Overloaded { retry_after_ms: u64 },
    #[error("a record of {bytes} bytes is over the limit of {bytes_max}")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("partition {0:?} does not exist")]
    UnknownPartition(TopicPartition),
    #[error("the log stopped after a failed write: {0}; restart the process once the disk is well")]
    Stopped(String),
    #[error(
        "no broker confirmed the records in time ({0}): they may or may not be kept; send them again under the same ids"
    )]
    Unconfirmed(String),
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("offset {offset} of {from:?} was removed by retention; the first kept is {first}")]
    Trimmed {
        from: TopicPartition,
        offset: u64,
        first: u64,
    },
    #[error(
        "offsets {offset} to {last} of {from:?} were lost to damage and taken out by a repair; count them as lost \
         and go on at {next}", last = next - 1
    )]
    Lost {
        from: TopicPartition,
        offset: u64,
        /// The first offset after the hole.
        next: u64,
    },
    #[error("partition {0:?} does not exist")]
    UnknownPartition(TopicPartition),
    #[error(
        "segment {segment} is damaged at byte {position}: {reason}. Stop the process and run `riffle log verify`, \
         then `riffle log repair`"
    )]
    Damaged {
        segment: String,
        position: u64,
        reason: &'static str,
    },
    #[error("cannot read the log")]
    Io(#[from] std::io::Error),
}

/// The log as rooms and jobs see it. All methods may be called from any thread.
pub trait EventLog: Send + Sync + 'static {
    /// How many partitions each topic has; a record's partition is chosen by the caller.
    fn partitions(&self) -> u16;

    /// Queues a batch under [`Promise::Disk`]. It becomes durable as a whole or, after a crash, not at all from
    /// some record on. An empty batch is a barrier: it resolves when everything queued before it is durable,
    /// whatever was promised about it.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing of a refused batch is queued.
    fn append(&self, batch: Vec<Append>) -> Result<Durable, AppendError>;

    /// Queues a batch under the given promise. Records of both promises share one order in each partition.
    /// A backend that knows only the stronger promise keeps that one.
    ///
    /// # Errors
    /// As [`EventLog::append`].
    fn append_promised(&self, batch: Vec<Append>, promise: Promise) -> Result<Durable, AppendError> {
        let _weaker_is_allowed = promise;
        self.append(batch)
    }

    /// Durable records of one partition from `offset` on, at least one when there is one, at most about `bytes_max`.
    /// They have neighbouring offsets; where a repair left a hole the records before it come first, and the hole
    /// itself is [`ReadError::Lost`].
    ///
    /// # Errors
    /// See [`ReadError`].
    fn read(&self, from: TopicPartition, offset: u64, bytes_max: usize) -> Result<Vec<Record>, ReadError>;

    /// The first offset kept.
    fn start(&self, of: TopicPartition) -> u64;

    /// One past the last durable offset.
    fn end(&self, of: TopicPartition) -> u64;

    /// Blocks until something became durable after `generation`, or until `timeout`; returns the generation now.
    fn wait(&self, generation: u64, timeout: Duration) -> u64;

    /// `reader` still needs every record from these offsets on: retention removes none of them. Pass the offsets
    /// of the last checkpoint but one, at every checkpoint and once before the first read. It replaces what the
    /// same reader said before; no offsets at all let go of everything. It is not kept over a restart, and a
    /// reader that never said anything holds nothing. Backends whose retention is set elsewhere ignore it.
    fn retain(&self, reader: &str, offsets: &[(TopicPartition, u64)]) {
        let _ = (reader, offsets);
    }
}
