//! Reads a file forward in chunks, handing out slices by position.

use std::io;

use crate::disk::DiskFile;

/// One chunk of a file in memory; moves when asked for bytes outside it.
pub(crate) struct Window<'a> {
    file: &'a dyn DiskFile,
    chunk_bytes: usize,
    start: u64,
    /// Only the first `filled` bytes mean anything.
    bytes: Vec<u8>,
    filled: usize,
}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a dyn DiskFile, chunk_bytes: usize) -> Self {
        Self {
            file,
            chunk_bytes,
            start: 0,
            bytes: Vec::new(),
            filled: 0,
        }
    }

    /// `len` bytes at `position`, fewer where the file ends.
    pub(crate) fn get(&mut self, position: u64, len: usize) -> io::Result<&[u8]> {
        let inside = position >= self.start && position + len as u64 <= self.start + self.filled as u64;
        if !inside {
            if self.bytes.len() < len.max(self.chunk_bytes) {
                self.bytes = vec![0; len.max(self.chunk_bytes)];
            }
            self.filled = self.file.read_at(&mut self.bytes, position)?;
            self.start = position;
        }
        let from = (position - self.start) as usize;
        Ok(&self.bytes[from..self.filled.min(from + len)])
    }
}
