//! Why an upload is refused, in words for the creator, and whose fault it is.

use blob::{BlobError, SignatureError};
use metastore::MetastoreError;

/// Who has to change something. The door maps each to one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadFault {
    /// The request is not acceptable as it is.
    Input,
    /// The file is over the limit.
    TooLarge,
    /// The type of file is not one we take.
    Unsupported,
    /// The link does not allow it.
    Forbidden,
    /// There is no such session for this person.
    Missing,
    /// The session is not in a state for this.
    Conflict,
    /// Too much at once; a little later it may pass.
    Busy,
    /// Ours. The text is for the log.
    House,
}

/// Why an upload did not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("The file is empty. Choose the video again.")]
    Empty,
    #[error("The file is too large: at most {bytes_max} bytes are accepted. Export it smaller or shorter.")]
    TooLarge { bytes_max: u64 },
    #[error("`{mime}` is not a type of video we accept. Upload an MP4, MOV, WebM or MKV file.")]
    MimeUnknown { mime: String },
    #[error("A video lasts {} to {} seconds.", ms_min / 1_000, ms_max / 1_000)]
    Duration { ms_min: u64, ms_max: u64 },
    #[error("At most {sessions_max} uploads may be open at once. Finish or abandon one first.")]
    TooManySessions { sessions_max: i64 },
    #[error("There is no open upload session for this video.")]
    NoSession,
    #[error("{0}")]
    Link(#[from] SignatureError),
    #[error("The part does not have the {expected_bytes} bytes it should. Send it again.")]
    PartSize { expected_bytes: u64 },
    #[error("Not all parts have arrived yet; missing: {numbers:?}.")]
    PartsMissing { numbers: Vec<i64> },
    #[error("Part {number} holds other bytes than its etag says. Send it again.")]
    PartMismatch { number: i64 },
    #[error("The connection broke off. Send the part again.")]
    Broken(#[source] BlobError),
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    #[error("the parts could not be stored")]
    Blob(#[source] BlobError),
    #[error("the metastore failed")]
    Store(#[from] MetastoreError),
}

impl UploadError {
    /// A word for programs; stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "file_empty",
            Self::TooLarge { .. } => "file_too_large",
            Self::MimeUnknown { .. } => "mime_unsupported",
            Self::Duration { .. } => "duration_out_of_range",
            Self::TooManySessions { .. } => "too_many_uploads",
            Self::NoSession => "upload_not_found",
            Self::Link(SignatureError::Expired) => "link_expired",
            Self::Link(_) => "link_invalid",
            Self::PartSize { .. } => "part_size",
            Self::PartsMissing { .. } => "parts_missing",
            Self::PartMismatch { .. } => "part_mismatch",
            Self::Broken(_) => "connection_broken",
            Self::Invalid { .. } => "invalid",
            Self::Store(error) if error.is_retryable() => "busy",
            Self::Blob(_) | Self::Store(_) => "internal",
        }
    }

    pub fn fault(&self) -> UploadFault {
        match self {
            Self::Empty | Self::Duration { .. } | Self::Invalid { .. } => UploadFault::Input,
            Self::PartSize { .. } | Self::Broken(_) => UploadFault::Input,
            Self::TooLarge { .. } => UploadFault::TooLarge,
            Self::MimeUnknown { .. } => UploadFault::Unsupported,
            Self::Link(_) => UploadFault::Forbidden,
            Self::NoSession => UploadFault::Missing,
            Self::PartsMissing { .. } | Self::PartMismatch { .. } => UploadFault::Conflict,
            Self::TooManySessions { .. } => UploadFault::Busy,
            Self::Store(error) if error.is_retryable() => UploadFault::Busy,
            Self::Blob(_) | Self::Store(_) => UploadFault::House,
        }
    }

    /// Which field of the request is at fault, in the wire's spelling.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Empty | Self::TooLarge { .. } => Some("fileSize"),
            Self::MimeUnknown { .. } => Some("mimeType"),
            Self::Duration { .. } => Some("duration"),
            Self::PartsMissing { .. } | Self::PartMismatch { .. } => Some("parts"),
            Self::Invalid { field, .. } => Some(field),
            _ => None,
        }
    }
}

impl From<BlobError> for UploadError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::TooLarge {
                bytes_max: expected_bytes,
                ..
            }
            | BlobError::TooShort {
                bytes_min: expected_bytes,
                ..
            } => Self::PartSize { expected_bytes },
            broken @ BlobError::Source { .. } => Self::Broken(broken),
            other => Self::Blob(other),
        }
    }
}
