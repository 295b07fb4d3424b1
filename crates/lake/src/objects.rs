//! The object storage that a table stands on, one blocking call at a time: jobs run on threads, not in the runtime.
//!
//! Knows keys and bytes. Which keys there are is for the table to say.

use blob::{BlobError, BlobKey, BlobStore, Listing};
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;
use types::TimestampMs;

/// The largest object that is read into memory: several times what packing writes.
const OBJECT_BYTES_MAX: u64 = 256 << 20;

/// Object storage as tables see it. Every put is durable when it returns.
pub trait Objects: Send + Sync + 'static {
    /// The object, if there is one.
    ///
    /// # Errors
    /// Any failure of the storage.
    fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, BlobError>;

    /// Stores `bytes` in place of what is there.
    ///
    /// # Errors
    /// Any failure of the storage; whether the object was stored is then unknown.
    fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), BlobError>;

    /// Stores `bytes` unless there is an object already; false when there is.
    ///
    /// # Errors
    /// As for [`Objects::put`].
    fn put_if_absent(&self, key: &BlobKey, bytes: Bytes) -> Result<bool, BlobError>;

    /// Removes the object, if there is one.
    ///
    /// # Errors
    /// Any failure of the storage.
    fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// At most `entries_max` objects below `prefix`, in key order.
    ///
    /// # Errors
    /// Any failure of the storage.
    fn list(&self, prefix: &BlobKey, entries_max: usize) -> Result<Listing, BlobError>;

    /// When the object was stored, if there is one.
    ///
    /// # Errors
    /// Any failure of the storage.
    fn modified_ms(&self, key: &BlobKey) -> Result<Option<TimestampMs>, BlobError>;
}

/// The blob store, called from outside the runtime that it works in.
///
/// Its calls block, so they must not be made from an async task; `spawn_blocking` and plain threads are fine.
#[derive(Debug, Clone)]
pub struct BlobObjects {
    store: BlobStore,
    runtime: Handle,
}

impl BlobObjects {
    /// `runtime` outlives every call.
    pub fn new(store: BlobStore, runtime: Handle) -> Self {
        Self { store, runtime }
    }

    async fn read(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let mut reader = self.store.get_range(key, None).await?;
        let size_bytes = reader.size_bytes();
        if size_bytes > OBJECT_BYTES_MAX {
            let (key, bytes_max) = (key.clone(), OBJECT_BYTES_MAX);
            return Err(BlobError::TooLarge { key, bytes_max });
        }
        let mut bytes = Vec::with_capacity(size_bytes as usize);
        let read = reader.read_to_end(&mut bytes).await;
        read.map_err(|source| BlobError::Io {
            action: "read",
            target: key.to_string(),
            source,
        })?;
        Ok(bytes.into())
    }
}

impl Objects for BlobObjects {
    fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, BlobError> {
        present(self.runtime.block_on(self.read(key)))
    }

    fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        self.runtime.block_on(self.store.put_bytes(key, bytes)).map(drop)
    }

    fn put_if_absent(&self, key: &BlobKey, bytes: Bytes) -> Result<bool, BlobError> {
        self.runtime.block_on(self.store.put_if_absent(key, bytes))
    }

    fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.runtime.block_on(self.store.delete(key)).map(drop)
    }

    fn list(&self, prefix: &BlobKey, entries_max: usize) -> Result<Listing, BlobError> {
        self.runtime.block_on(self.store.list_prefix(prefix, entries_max))
    }

    fn modified_ms(&self, key: &BlobKey) -> Result<Option<TimestampMs>, BlobError> {
        let meta = self.runtime.block_on(self.store.head(key));
        Ok(present(meta)?.map(|meta| meta.modified_ms))
    }
}

fn present<T>(found: Result<T, BlobError>) -> Result<Option<T>, BlobError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(BlobError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
