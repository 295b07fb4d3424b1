//! The two ways a video fails: the file's fault, told to its creator, and ours, tried again.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::boxes::BoxError;
use crate::sandbox::SandboxError;

/// The file's fault: final, with a code for programs and plain words that say what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// Stable, in `snake_case`.
    pub code: &'static str,
    /// For the creator.
    pub message: String,
}

impl Rejection {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn unsupported_codec(codec: &str) -> Self {
        let codec = if codec.is_empty() { "unknown" } else { codec };
        let message = format!(
            "The picture or the sound is coded in a way that is not supported ({codec}). Export the video as H.264 with AAC sound."
        );
        Self::new("unsupported_codec", message)
    }

    pub(crate) fn too_large_picture() -> Self {
        Self::new(
            "too_large_picture",
            "The picture is larger than 8K. Export it at 4K or below and upload it again.",
        )
    }

    pub(crate) fn damaged() -> Self {
        Self::new(
            "damaged",
            "The file is damaged or incomplete: it could not be decoded to its end. Export it again and upload the new file.",
        )
    }
}

/// Our fault: the same work may succeed later or elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The sandbox could not be used.
    #[error("the sandbox failed")]
    Sandbox(#[from] SandboxError),
    /// A child failed in a way that does not speak against the file.
    #[error("{tool} failed with {status}: {stderr}")]
    Tool {
        /// Which program.
        tool: &'static str,
        /// How it ended.
        status: String,
        /// The end of what it said.
        stderr: String,
    },
    /// A local file could not be read or written.
    #[error("could not {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Our own encoder wrote something our packager does not understand.
    #[error("the encoded file cannot be packaged")]
    Package(#[from] BoxError),
    /// A tool printed something else than it should.
    #[error("{tool} printed something unexpected")]
    Unexpected {
        /// Which program.
        tool: &'static str,
        /// Where reading it stopped.
        #[source]
        source: serde_json::Error,
    },
}

impl MediaError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// Why a step did not finish.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The file's fault; do not try again.
    #[error("the file was rejected")]
    Rejected(#[from] Rejection),
    /// Our fault; try again, within bounds.
    #[error("processing failed")]
    Failed(#[from] MediaError),
}

impl From<SandboxError> for ProcessError {
    fn from(error: SandboxError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<BoxError> for ProcessError {
    fn from(error: BoxError) -> Self {
        Self::Failed(error.into())
    }
}
