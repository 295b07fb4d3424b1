//! The bounds of upload sessions. Numbers and names only; the checks live beside what they check.

use crate::limits::MediaLimits;

/// What may be uploaded, told to clients before they start. The bytes decide in the end.
pub const MIME_TYPES: [&str; 7] = [
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
    "video/x-msvideo",
    "video/mp2t",
    "video/3gpp",
];

/// The bounds of upload sessions, each with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadLimits {
    /// What a file may be.
    pub media: MediaLimits,
    /// Size of every part but the last: what is sent again after a broken connection.
    pub part_bytes: u64,
    /// How long a session waits for its parts.
    pub session_ms: i64,
    /// Open sessions of one person.
    pub sessions_max: i64,
    /// Characters of a caption.
    pub caption_chars_max: usize,
    /// Hashtags of a video, those in the caption included.
    pub hashtags_max: usize,
    /// Characters of a hashtag.
    pub hashtag_chars_max: usize,
    /// Tries to process a video before it is given up.
    pub attempts_max: u32,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            media: MediaLimits::default(),
            part_bytes: 8 << 20,
            session_ms: 24 * 3_600_000,
            sessions_max: 500,
            caption_chars_max: 2_200,
            hashtags_max: 30,
            hashtag_chars_max: 60,
            attempts_max: 4,
        }
    }
}
