//! Object storage as the stream engine wants it: its four calls, over the blob store.
//!
//! The engine's threads are not of the runtime, so a call may block on it.

use std::io;

use blob::{BlobError, BlobKey, BlobStore};
use stream::keyed::Objects;
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;

/// Objects listed in one call; a job keeps some dozens.
const LIST_MAX: usize = 100_000;

/// See the module. To be used outside of the runtime's own threads.
pub struct Checkpoints {
    blobs: BlobStore,
    runtime: Handle,
}

impl Checkpoints {
    /// Over `blobs`, on the runtime at hand.
    pub fn new(blobs: BlobStore) -> Self {
        Self {
            blobs,
            runtime: Handle::current(),
        }
    }
}

fn key(text: &str) -> io::Result<BlobKey> {
    BlobKey::parse(text).map_err(io::Error::other)
}

impl Objects for Checkpoints {
    fn put_if_absent(&self, object: &str, bytes: &[u8]) -> io::Result<bool> {
        let (key, bytes) = (key(object)?, bytes.to_vec().into());
        let put = self.runtime.block_on(self.blobs.put_if_absent(&key, bytes));
        put.map_err(io::Error::other)
    }

    fn get(&self, object: &str) -> io::Result<Option<Vec<u8>>> {
        let key = key(object)?;
        self.runtime.block_on(async {
            let mut reader = match self.blobs.get_range(&key, None).await {
                Err(BlobError::NotFound { .. }) => return Ok(None),
                reader => reader.map_err(io::Error::other)?,
            };
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).await?;
            Ok(Some(bytes))
        })
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let prefix = key(prefix.trim_end_matches('/'))?;
        let listing = self.runtime.block_on(self.blobs.list_prefix(&prefix, LIST_MAX));
        let listing = listing.map_err(io::Error::other)?;
        if listing.truncated {
            return Err(io::Error::other(format!(
                "more than {LIST_MAX} objects below {prefix}"
            )));
        }
        Ok(listing
            .entries
            .into_iter()
            .map(|entry| entry.key.as_str().to_owned())
            .collect())
    }

    fn delete(&self, object: &str) -> io::Result<()> {
        let key = key(object)?;
        let deleted = self.runtime.block_on(self.blobs.delete(&key));
        deleted.map(drop).map_err(io::Error::other)
    }
}
