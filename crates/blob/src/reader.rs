//! An open blob: its size, the range asked for, and the bytes of that range as an async reader.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf, Take};

/// Bytes of one range of one blob.
///
/// The file stays open while the reader lives, so a blob that is replaced or deleted meanwhile is still read whole.
#[derive(Debug)]
pub struct BlobReader {
    pub(crate) size_bytes: u64,
    pub(crate) range: Range<u64>,
    pub(crate) file: Take<tokio::fs::File>,
}

impl BlobReader {
    /// Size of the whole blob, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The range this reader gives, clamped to the blob.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// How many bytes this reader gives in all.
    pub fn range_bytes(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl AsyncRead for BlobReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_read(cx, buf)
    }
}
