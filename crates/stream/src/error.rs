//! Why a job could not go on, and whether trying again may help.
//!
//! Poisoned records are not errors of the job: see [`crate::Poisoned`].

use event_log::membership::MembershipError;
use event_log::{ReadError, TopicPartition};

use crate::keyed::{CheckpointError, SinkError};

/// Why a job stumbled or failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("job {job} cannot read the log")]
    Read {
        job: &'static str,
        #[source]
        source: ReadError,
    },
    #[error("job {job} cannot learn where it left off")]
    Resume {
        job: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("job {job} cannot commit its state")]
    Commit {
        job: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("job {job} must not go on")]
    Ended {
        job: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(
        "job {job} has committed offset {offset} of {from:?}, past the log's end at {end}: the log lost records; \
         restore it, or rebuild the job's state from the start"
    )]
    Ahead {
        job: &'static str,
        from: TopicPartition,
        offset: u64,
        end: u64,
    },
    #[error("job {job} has key groups for at most 256 partitions; the log has {partitions}")]
    Partitions { job: &'static str, partitions: u16 },
    #[error("job {job} cannot keep its checkpoint")]
    Checkpoint {
        job: &'static str,
        #[source]
        source: CheckpointError,
    },
    #[error("job {job} cannot read its state")]
    State {
        job: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(
        "job {job} finds state it cannot decode; go back with `riffle jobs restore`, or read the log anew with `riffle jobs replay`"
    )]
    Undecodable { job: &'static str },
    #[error("job {job} cannot hand over its rows")]
    Sink {
        job: &'static str,
        #[source]
        source: SinkError,
    },
    #[error("job {job} cannot learn which partitions it owns")]
    Membership {
        job: &'static str,
        #[source]
        source: MembershipError,
    },
    #[error("job {job} could not start its thread")]
    Thread {
        job: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("job {job} panicked")]
    Panicked { job: &'static str },
}

impl JobError {
    /// Whether the same call may succeed later, with nothing repaired by hand.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Read { source, .. } => matches!(source, ReadError::Io(_)),
            Self::Resume { .. } | Self::Commit { .. } | Self::Sink { .. } => true,
            Self::Checkpoint { source, .. } => !matches!(
                source,
                CheckpointError::Fenced { .. } | CheckpointError::Damaged { .. }
            ),
            Self::Membership { source, .. } => matches!(source, MembershipError::Unreachable(_)),
            Self::Ended { .. }
            | Self::State { .. }
            | Self::Undecodable { .. }
            | Self::Partitions { .. }
            | Self::Ahead { .. }
            | Self::Thread { .. }
            | Self::Panicked { .. } => false,
        }
    }

    /// Whether another process owns the job, or the partition, by now.
    pub fn is_fenced(&self) -> bool {
        let Self::Checkpoint { source, .. } = self else {
            return false;
        };
        matches!(source, CheckpointError::Fenced { .. })
    }
}
