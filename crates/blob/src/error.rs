//! What can go wrong with a blob, and whose fault it is.

use std::io;

use crate::BlobKey;

/// Why a blob could not be stored, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Nothing is stored under the key.
    #[error("no blob is stored at {key}")]
    NotFound {
        /// The key that was asked for.
        key: BlobKey,
    },
    /// The stream went on past its bound; nothing of it was kept.
    #[error("the bytes for {key} go past the bound of {bytes_max} bytes")]
    TooLarge {
        /// Where the bytes were meant to go.
        key: BlobKey,
        /// The bound they went past.
        bytes_max: u64,
    },
    /// The stream ended before its least size; nothing of it was kept.
    #[error("the {bytes} bytes for {key} are fewer than the {bytes_min} expected")]
    TooShort {
        /// Where the bytes were meant to go.
        key: BlobKey,
        /// How many came.
        bytes: u64,
        /// How many were expected at least.
        bytes_min: u64,
    },
    /// The range starts at or after the end of the blob, or is empty.
    #[error("bytes {start}..{end} are not inside the {size_bytes} bytes of {key}")]
    RangeOutside {
        /// The blob.
        key: BlobKey,
        /// First byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
        /// The size of the whole blob.
        size_bytes: u64,
    },
    /// A part holds other bytes than the uploader said; nothing was assembled.
    #[error("part {key} has etag {found}, the uploader said {expected}")]
    PartMismatch {
        /// The part.
        key: BlobKey,
        /// What the uploader said.
        expected: String,
        /// What the stored bytes give.
        found: String,
    },
    /// A folder holds more files than one call may store.
    #[error("{folder} holds more than {files_max} files")]
    TooManyFiles {
        /// The local folder.
        folder: String,
        /// The bound.
        files_max: usize,
    },
    /// A file's name does not make a key.
    #[error("a file of the folder has a name that makes no key")]
    BadName(#[from] crate::KeyError),
    /// The stream that was to be stored broke off: the sender's side.
    #[error("the stream for {key} broke off")]
    Source {
        /// Where the bytes were meant to go.
        key: BlobKey,
        /// How it broke.
        #[source]
        source: io::Error,
    },
    /// The storage itself failed: our side.
    #[error("could not {action} {target}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Key or folder it was tried on.
        target: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl BlobError {
    /// Whether the same call may succeed later without the caller changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Source { .. })
    }
}
