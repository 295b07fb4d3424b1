//! The port: what every backend of object storage offers. Today a folder stands behind it.

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncRead;

use crate::folder::Folder;
use crate::{BlobError, BlobKey, BlobReader};

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutReceipt {
    /// Size of the blob.
    pub bytes: u64,
    /// Lower-case hex of the first 16 bytes of the SHA-256 of the blob.
    pub etag: String,
}

/// What is known of a blob without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobMeta {
    /// Size of the blob.
    pub size_bytes: u64,
    /// When it was stored, milliseconds since the Unix epoch.
    pub modified_ms: i64,
}

/// One line of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobEntry {
    /// Where it is stored.
    pub key: BlobKey,
    /// Size of the blob.
    pub size_bytes: u64,
}

/// Blobs under a prefix, in key order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// At most as many as were asked for.
    pub entries: Vec<BlobEntry>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
}

/// One part of a blob that [`BlobStore::concat`] assembles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobPart {
    /// Where the part is stored.
    pub key: BlobKey,
    /// The etag its uploader holds; checked against the stored bytes when given.
    pub etag: Option<String>,
}

/// Object storage. Cheap to clone; clones share the backend.
///
/// Every put is durable when it returns, and readers see the old blob or the new one, never half of one.
#[derive(Debug, Clone)]
pub struct BlobStore {
    folder: Arc<Folder>,
}

impl BlobStore {
    /// Opens (and makes) a folder as object storage, and removes what an earlier crash left half written.
    ///
    /// One process owns a folder at a time.
    ///
    /// # Errors
    /// [`BlobError::Io`] when the folder cannot be made or written.
    pub fn folder(root: impl AsRef<Path>) -> Result<Self, BlobError> {
        Ok(Self {
            folder: Arc::new(Folder::open(root.as_ref())?),
        })
    }

    /// Moves a finished local file into the store. Falls back to a copy when it lies on another file system.
    ///
    /// # Errors
    /// [`BlobError::Io`]; the local file is then still there.
    pub async fn put_file(&self, key: &BlobKey, local: &Path) -> Result<PutReceipt, BlobError> {
        self.folder.put_file(key, local).await
    }

    /// Moves every file below a local folder to the same relative place under `prefix`; returns how many.
    ///
    /// # Errors
    /// [`BlobError::TooManyFiles`] or [`BlobError::BadName`] before anything is moved; [`BlobError::Io`] after some may
    /// have been. Calling again finishes the rest.
    pub async fn put_folder(
        &self,
        prefix: &BlobKey,
        local: &Path,
        files_max: usize,
    ) -> Result<usize, BlobError> {
        self.folder.put_folder(prefix, local, files_max).await
    }

    /// Stores bytes held in memory.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub async fn put_bytes(&self, key: &BlobKey, bytes: Bytes) -> Result<PutReceipt, BlobError> {
        let bytes_max = bytes.len() as u64;
        self.folder
            .put_stream(key, &mut bytes.as_ref(), 0..=bytes_max)
            .await
    }

    /// Stores bytes held in memory unless something is stored under the key already; `false` when there is.
    ///
    /// Of all who try, exactly one is told `true`, and what is found there is durable either way: this is what commits and
    /// fences are built on.
    ///
    /// # Errors
    /// [`BlobError::Io`]; whether the blob was stored is then unknown, and reading the key tells.
    pub async fn put_if_absent(&self, key: &BlobKey, bytes: Bytes) -> Result<bool, BlobError> {
        self.folder.put_if_absent(key, bytes).await
    }

    /// Stores a stream of a size within `sizes` (bytes). Dropping the future leaves no trace.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`], [`BlobError::TooShort`], [`BlobError::Source`] or [`BlobError::Io`]; none of them leaves a
    /// trace, and what was stored under the key before still stands.
    pub async fn put_stream<R>(
        &self,
        key: &BlobKey,
        mut source: R,
        sizes: RangeInclusive<u64>,
    ) -> Result<PutReceipt, BlobError>
    where
        R: AsyncRead + Unpin + Send,
    {
        self.folder.put_stream(key, &mut source, sizes).await
    }

    /// Opens a blob, whole or a range of it; a range that ends past the blob is clamped.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::RangeOutside`] or [`BlobError::Io`].
    pub async fn get_range(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<BlobReader, BlobError> {
        self.folder.get_range(key, range).await
    }

    /// Size and time of a blob.
    ///
    /// # Errors
    /// [`BlobError::NotFound`] or [`BlobError::Io`].
    pub async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        self.folder.head(key).await
    }

    /// Reads a whole blob and gives the receipt its put gave.
    ///
    /// # Errors
    /// [`BlobError::NotFound`] or [`BlobError::Io`].
    pub async fn digest(&self, key: &BlobKey) -> Result<PutReceipt, BlobError> {
        self.folder.digest(key).await
    }

    /// Removes a blob; `false` when there was none.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub async fn delete(&self, key: &BlobKey) -> Result<bool, BlobError> {
        self.folder.delete(key).await
    }

    /// Removes everything below `prefix`, which names a folder: readers see all of it vanish at once.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub async fn delete_prefix(&self, prefix: &BlobKey) -> Result<bool, BlobError> {
        self.folder.delete_prefix(prefix).await
    }

    /// Lists at most `entries_max` blobs below `prefix`, in key order. An unknown prefix lists nothing.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub async fn list_prefix(&self, prefix: &BlobKey, entries_max: usize) -> Result<Listing, BlobError> {
        self.folder.list_prefix(prefix, entries_max).await
    }

    /// Assembles parts, in the order given, into one blob of at most `bytes_max` bytes. The parts stay.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::PartMismatch`], [`BlobError::TooLarge`] or [`BlobError::Io`]; none leaves a
    /// trace at `dest`.
    pub async fn concat(
        &self,
        parts: &[BlobPart],
        dest: &BlobKey,
        bytes_max: u64,
    ) -> Result<PutReceipt, BlobError> {
        self.folder.concat(parts, dest, bytes_max).await
    }

    /// Where a blob (or a folder of them) lies on the local disk, for a sandboxed child that needs a file to read.
    ///
    /// The path may not exist; do not write to it.
    pub fn local_path(&self, key: &BlobKey) -> PathBuf {
        self.folder.path_of(key)
    }
}
