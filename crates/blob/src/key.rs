//! The name of a blob: a short, relative, lower-case path that can never leave its store.
//!
//! Does not touch the file system.

use std::fmt;
use std::str::FromStr;

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 512;
/// Most segments between slashes.
pub const KEY_SEGMENTS_MAX: usize = 12;
/// Longest segment, in bytes: what every file system takes.
const SEGMENT_BYTES_MAX: usize = 200;

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, or longer than the bound.
    #[error("a key has 1 to {KEY_BYTES_MAX} bytes and at most {KEY_SEGMENTS_MAX} segments")]
    Length,
    /// A character outside `a-z 0-9 . _ - = /`. Tables partition their folders as `day=2026-01-31`.
    #[error("a key is made of a-z, 0-9, dot, underscore, hyphen, equals sign and slash")]
    Character,
    /// An empty segment (so also a leading or trailing slash), or one that starts with a dot.
    #[error("each segment of a key has 1 to {SEGMENT_BYTES_MAX} bytes and does not start with a dot")]
    Segment,
}

/// A valid key, such as `v/0123456789abc/480p/init.mp4`.
///
/// Segments never start with a dot, so `..` cannot occur and the store keeps names like `.tmp` to itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey(String);

impl BlobKey {
    /// Checks a text from anywhere.
    ///
    /// # Errors
    /// [`KeyError`] names the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() || text.len() > KEY_BYTES_MAX {
            return Err(KeyError::Length);
        }
        if !text.bytes().all(is_key_byte) {
            return Err(KeyError::Character);
        }
        if text.split('/').count() > KEY_SEGMENTS_MAX {
            return Err(KeyError::Length);
        }
        if !text.split('/').all(is_segment) {
            return Err(KeyError::Segment);
        }
        Ok(Self(text.to_owned()))
    }

    /// The key one or more segments below this one.
    ///
    /// # Errors
    /// As [`BlobKey::parse`], for the joined text.
    pub fn join(&self, below: &str) -> Result<Self, KeyError> {
        Self::parse(&format!("{}/{below}", self.0))
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Number of segments, at least 1.
    pub fn depth(&self) -> usize {
        self.0.split('/').count()
    }

    /// The key made of the first `depth` segments, if there are that many.
    pub fn ancestor(&self, depth: usize) -> Option<Self> {
        let own = self.depth();
        if depth == 0 || depth > own {
            return None;
        }
        Some(Self(self.0.split('/').take(depth).collect::<Vec<_>>().join("/")))
    }
}

fn is_key_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'=' | b'/')
}

fn is_segment(segment: &str) -> bool {
    (1..=SEGMENT_BYTES_MAX).contains(&segment.len()) && !segment.starts_with('.')
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BlobKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}
