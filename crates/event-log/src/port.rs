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

/// Resolves once the whole batch is durable, with the offset of each record in the batch's order.
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
    #[error("partition {0:?} does not exist")]
    UnknownPartition(TopicPartition),
    #[error("segment {segment} is damaged at byte {position}: {reason}")]
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

    /// Queues a batch. The batch becomes durable as a whole or, after a crash, not at all from some record on.
    /// An empty batch is a barrier: it resolves when everything queued before it is durable.
    fn append(&self, batch: Vec<Append>) -> Result<Durable, AppendError>;

    /// Durable records of one partition from `offset` on, at least one when there is one, at most about `bytes_max`.
    fn read(&self, from: TopicPartition, offset: u64, bytes_max: usize) -> Result<Vec<Record>, ReadError>;

    /// The first offset kept.
    fn start(&self, of: TopicPartition) -> u64;

    /// One past the last durable offset.
    fn end(&self, of: TopicPartition) -> u64;

    /// Blocks until something became durable after `generation`, or until `timeout`; returns the generation now.
    fn wait(&self, generation: u64, timeout: Duration) -> u64;
}
