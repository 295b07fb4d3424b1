//! How a step of a media job ends badly.

use std::path::PathBuf;

use blob::BlobError;
use metastore::MetastoreError;

use crate::error::{MediaError, ProcessError, Rejection};

/// Why a step did not finish.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error("the file was rejected")]
    Rejected(#[source] Rejection),
    #[error("processing failed")]
    Media(#[source] MediaError),
    #[error("the files could not be stored")]
    Blob(#[from] BlobError),
    #[error("the metastore failed")]
    Store(#[from] MetastoreError),
    #[error("a scratch folder could not be cleared: {path}")]
    Scratch {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("what the job before left is not readable")]
    Payload(#[source] serde_json::Error),
    #[error("the job panicked")]
    Panicked(#[source] tokio::task::JoinError),
    #[error("the job was tried {attempts} times and never answered")]
    Exhausted { attempts: i64 },
    #[error("somebody else has the job, or it was cancelled")]
    LeaseLost,
}

impl StepError {
    /// Trying again cannot help.
    pub(super) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Rejected(_) | Self::Payload(_) | Self::Exhausted { .. }
        )
    }

    /// The error with its causes, for the job's row.
    pub(super) fn chain(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

impl From<ProcessError> for StepError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Rejected(why) => Self::Rejected(why),
            ProcessError::Failed(error) => Self::Media(error),
        }
    }
}
