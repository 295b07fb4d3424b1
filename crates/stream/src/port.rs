//! What a job's author writes: the operator, and the store its state is kept in.
//!
//! Nothing here runs anything.

use event_log::{Record, Topic, TopicPartition};

/// A record an operator cannot use. It is counted with its reason and passed over; it never stops the job.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Poisoned {
    /// Short and of few values: it becomes a metric label.
    pub reason: &'static str,
}

/// One job: what it reads and how one record changes its state.
pub trait Operator: Send + 'static {
    /// The job's name; stable, because its committed offsets are kept under it.
    fn name(&self) -> &'static str;

    /// The topics it reads.
    fn topics(&self) -> &'static [Topic];

    /// Folds one record into the state. Called once for each record in offset order within a partition.
    fn process(&mut self, record: &Record) -> Result<(), Poisoned>;

    /// Whether the state in memory has reached its bound: the driver then commits before it reads more.
    fn full(&self) -> bool {
        false
    }
}

/// Where a job's state and offsets are kept together.
pub trait Checkpoint: Send + Sync + 'static {
    type Error: std::error::Error + Send + Sync + 'static;

    /// The next offset `job` has to read of `from`; 0 when it never committed.
    fn resume_at(&self, job: &str, from: TopicPartition) -> Result<u64, Self::Error>;

    /// Everything up to `next` (exclusive) of `from` is folded into the state in memory, not yet durable.
    fn applied(&self, job: &str, from: TopicPartition, next: u64);

    /// Makes the job's state and `offsets` (next to read) durable in one transaction.
    fn commit(&self, job: &str, offsets: &[(TopicPartition, u64)]) -> Result<(), Self::Error>;

    /// Whether the call that failed so may succeed later, with nothing repaired by hand. When not, because another process
    /// has taken over for example, the job ends.
    fn is_transient(_error: &Self::Error) -> bool {
        true
    }
}
