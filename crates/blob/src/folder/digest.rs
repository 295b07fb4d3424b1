//! The etag of a blob: the first half of its SHA-256, in hex.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest;

use super::BUFFER_BYTES;
use crate::store::PutReceipt;

const ETAG_BYTES: usize = 16;

/// SHA-256 and length of what went by.
pub(super) struct Digest {
    context: digest::Context,
    pub(super) bytes: u64,
}

impl Digest {
    pub(super) fn new() -> Self {
        Self {
            context: digest::Context::new(&digest::SHA256),
            bytes: 0,
        }
    }

    pub(super) fn update(&mut self, chunk: &[u8]) {
        self.context.update(chunk);
        self.bytes += chunk.len() as u64;
    }

    pub(super) fn finish(self) -> PutReceipt {
        let hash = self.context.finish();
        let etag = hash.as_ref()[..ETAG_BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        PutReceipt {
            bytes: self.bytes,
            etag,
        }
    }
}

/// Reads a whole file, and makes sure that it is on disk.
pub(super) fn digest_file(path: &Path) -> io::Result<PutReceipt> {
    let mut file = fs::File::open(path)?;
    let mut digest = Digest::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => digest.update(&buffer[..read]),
        }
    }
    file.sync_all()?;
    Ok(digest.finish())
}
