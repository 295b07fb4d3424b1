//! Object storage in a folder: temporary file, sync, rename, sync of the folder.
//!
//! A key is a path below the root. Half-written files live in `.tmp`, which no key can name, and are removed on open.
//! Blocking file calls run on the runtime's blocking pool; nothing here holds a lock.

use std::fs;
use std::io::{self, Read, Write};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::store::{BlobMeta, BlobPart, Listing, PutReceipt};
use crate::{BlobError, BlobKey, BlobReader};
use digest::{Digest, digest_file};

mod digest;
mod tree;

const TEMPORARY: &str = ".tmp";
const BUFFER_BYTES: usize = 256 * 1024;

/// The folder backend; holds no open file.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(crate) fn open(root: &Path) -> Result<Self, BlobError> {
        let temporary = root.join(TEMPORARY);
        let failed = |source| io_error("open the folder", root.display(), source);
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        fs::create_dir_all(&temporary).map_err(failed)?;
        let root = root.canonicalize().map_err(failed)?;
        Ok(Self { root })
    }

    pub(crate) fn path_of(&self, key: &BlobKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn temporary(&self) -> PathBuf {
        self.root.join(TEMPORARY)
    }

    pub(crate) async fn put_file(&self, key: &BlobKey, local: &Path) -> Result<PutReceipt, BlobError> {
        let (root, key, local) = (self.root.clone(), key.clone(), local.to_owned());
        blocking(move || {
            let failed = |source| io_error("store a file as", &key, source);
            let receipt = digest_file(&local).map_err(failed)?;
            move_in(&root, &key, &local).map_err(failed)?;
            sync_folders(&root, &key).map_err(failed)?;
            count_written(receipt.bytes);
            Ok(receipt)
        })
        .await
    }

    pub(crate) async fn put_stream<R>(
        &self,
        key: &BlobKey,
        source: &mut R,
        sizes: RangeInclusive<u64>,
    ) -> Result<PutReceipt, BlobError>
    where
        R: AsyncRead + Unpin + Send,
    {
        let failed = |source| io_error("store", key, source);
        let temporary = self.temporary();
        let (file, path) = blocking(move || NamedTempFile::new_in(temporary).map(NamedTempFile::into_parts))
            .await
            .map_err(failed)?;
        let receipt = copy_bounded(key, source, tokio::fs::File::from_std(file), *sizes.end()).await?;
        if receipt.bytes < *sizes.start() {
            return Err(BlobError::TooShort {
                key: key.clone(),
                bytes: receipt.bytes,
                bytes_min: *sizes.start(),
            });
        }
        let (root, dest) = (self.root.clone(), key.clone());
        blocking(move || {
            make_parents(&root, &dest)?;
            path.persist(root.join(dest.as_str()))
                .map_err(|error| error.error)?;
            sync_folders(&root, &dest)
        })
        .await
        .map_err(failed)?;
        count_written(receipt.bytes);
        Ok(receipt)
    }

    pub(crate) async fn put_if_absent(&self, key: &BlobKey, bytes: Bytes) -> Result<bool, BlobError> {
        let (root, key, temporary) = (self.root.clone(), key.clone(), self.temporary());
        blocking(move || {
            let failed = |source| io_error("store", &key, source);
            let mut file = NamedTempFile::new_in(temporary).map_err(failed)?;
            file.write_all(&bytes).map_err(failed)?;
            file.as_file().sync_all().map_err(failed)?;
            make_parents(&root, &key).map_err(failed)?;
            let created = match file.persist_noclobber(root.join(key.as_str())) {
                Ok(_) => true,
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(failed(error.error)),
            };
            // Also for whoever came second: they go on from what they find, so it must survive as well.
            sync_folders(&root, &key).map_err(failed)?;
            if created {
                count_written(bytes.len() as u64);
            }
            Ok(created)
        })
        .await
    }

    pub(crate) async fn get_range(
        &self,
        key: &BlobKey,
        range: Option<Range<u64>>,
    ) -> Result<BlobReader, BlobError> {
        let failed = |source| read_error("read", key, source);
        let mut file = tokio::fs::File::open(self.path_of(key)).await.map_err(failed)?;
        let metadata = file.metadata().await.map_err(failed)?;
        if !metadata.is_file() {
            return Err(BlobError::NotFound { key: key.clone() });
        }
        let size_bytes = metadata.len();
        let asked = range.unwrap_or(0..size_bytes);
        let range = asked.start..asked.end.min(size_bytes);
        let whole_of_nothing = size_bytes == 0 && asked == (0..0);
        if range.start >= range.end && !whole_of_nothing {
            let (start, end) = (asked.start, asked.end);
            return Err(BlobError::RangeOutside {
                key: key.clone(),
                start,
                end,
                size_bytes,
            });
        }
        file.seek(io::SeekFrom::Start(range.start))
            .await
            .map_err(failed)?;
        let file = file.take(range.end - range.start);
        Ok(BlobReader {
            size_bytes,
            range,
            file,
        })
    }

    pub(crate) async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        let metadata = tokio::fs::metadata(self.path_of(key))
            .await
            .map_err(|source| read_error("look at", key, source))?;
        if !metadata.is_file() {
            return Err(BlobError::NotFound { key: key.clone() });
        }
        let modified = metadata
            .modified()
            .map_err(|source| io_error("look at", key, source))?;
        let since_epoch = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Ok(BlobMeta {
            size_bytes: metadata.len(),
            modified_ms,
        })
    }

    pub(crate) async fn digest(&self, key: &BlobKey) -> Result<PutReceipt, BlobError> {
        let (path, key) = (self.path_of(key), key.clone());
        blocking(move || digest_file(&path).map_err(|source| read_error("digest", &key, source))).await
    }

    pub(crate) async fn delete(&self, key: &BlobKey) -> Result<bool, BlobError> {
        let (root, key) = (self.root.clone(), key.clone());
        blocking(move || {
            let failed = |source| io_error("delete", &key, source);
            match fs::remove_file(root.join(key.as_str())) {
                Ok(()) => sync_parent(&root, &key).map(|()| true).map_err(failed),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(failed(error)),
            }
        })
        .await
    }

    pub(crate) async fn delete_prefix(&self, prefix: &BlobKey) -> Result<bool, BlobError> {
        let (root, key, temporary) = (self.root.clone(), prefix.clone(), self.temporary());
        blocking(move || {
            tree::remove(&root, &key, &temporary).map_err(|source| io_error("delete", &key, source))
        })
        .await
    }

    pub(crate) async fn list_prefix(
        &self,
        prefix: &BlobKey,
        entries_max: usize,
    ) -> Result<Listing, BlobError> {
        let (root, key) = (self.root.clone(), prefix.clone());
        blocking(move || {
            tree::list(&root, &key, entries_max).map_err(|source| io_error("list", &key, source))
        })
        .await
    }

    pub(crate) async fn put_folder(
        &self,
        prefix: &BlobKey,
        local: &Path,
        files_max: usize,
    ) -> Result<usize, BlobError> {
        let (root, prefix, local) = (self.root.clone(), prefix.clone(), local.to_owned());
        blocking(move || {
            let files = tree::plan(&prefix, &local, files_max)?;
            for (path, key) in &files {
                let failed = |source| io_error("store a file as", key, source);
                fs::File::open(path)
                    .and_then(|file| file.sync_all())
                    .map_err(failed)?;
                count_written(path.metadata().map_err(failed)?.len());
                move_in(&root, key, path).map_err(failed)?;
            }
            let folders: std::collections::BTreeSet<_> =
                files.iter().map(|(_, key)| parent_of(&root, key)).collect();
            for folder in folders {
                sync_up_to(&root, &folder).map_err(|source| io_error("sync", &prefix, source))?;
            }
            Ok(files.len())
        })
        .await
    }

    pub(crate) async fn concat(
        &self,
        parts: &[BlobPart],
        dest: &BlobKey,
        bytes_max: u64,
    ) -> Result<PutReceipt, BlobError> {
        let (root, parts, dest, temporary) =
            (self.root.clone(), parts.to_vec(), dest.clone(), self.temporary());
        blocking(move || {
            let failed = |source| io_error("assemble", &dest, source);
            let mut out = NamedTempFile::new_in(temporary).map_err(failed)?;
            let mut whole = Digest::new();
            for part in &parts {
                append_part(&root, part, &mut out, &mut whole, &dest, bytes_max)?;
            }
            out.as_file().sync_all().map_err(failed)?;
            make_parents(&root, &dest).map_err(failed)?;
            out.persist(root.join(dest.as_str()))
                .map_err(|error| failed(error.error))?;
            sync_folders(&root, &dest).map_err(failed)?;
            let receipt = whole.finish();
            count_written(receipt.bytes);
            Ok(receipt)
        })
        .await
    }
}

async fn copy_bounded<R>(
    key: &BlobKey,
    source: &mut R,
    mut file: tokio::fs::File,
    bytes_max: u64,
) -> Result<PutReceipt, BlobError>
where
    R: AsyncRead + Unpin + Send,
{
    let failed = |source| io_error("store", key, source);
    let mut digest = Digest::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = source
            .read(&mut buffer)
            .await
            .map_err(|source| BlobError::Source {
                key: key.clone(),
                source,
            })?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        if digest.bytes > bytes_max {
            return Err(too_large(key, bytes_max));
        }
        file.write_all(&buffer[..read]).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    Ok(digest.finish())
}

fn append_part(
    root: &Path,
    part: &BlobPart,
    out: &mut NamedTempFile,
    whole: &mut Digest,
    dest: &BlobKey,
    bytes_max: u64,
) -> Result<(), BlobError> {
    let mut file = fs::File::open(root.join(part.key.as_str()))
        .map_err(|source| read_error("read", &part.key, source))?;
    let mut own = Digest::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = file
            .read(&mut buffer)
            .map_err(|source| io_error("read", &part.key, source))?;
        if read == 0 {
            break;
        }
        own.update(&buffer[..read]);
        whole.update(&buffer[..read]);
        if whole.bytes > bytes_max {
            return Err(too_large(dest, bytes_max));
        }
        out.write_all(&buffer[..read])
            .map_err(|source| io_error("assemble", dest, source))?;
    }
    let found = own.finish().etag;
    match &part.etag {
        Some(expected) if *expected != found => {
            let (key, expected) = (part.key.clone(), expected.clone());
            Err(BlobError::PartMismatch { key, expected, found })
        }
        _ => Ok(()),
    }
}

fn too_large(key: &BlobKey, bytes_max: u64) -> BlobError {
    metrics::counter!("riffle_blob_too_large_total").increment(1);
    BlobError::TooLarge {
        key: key.clone(),
        bytes_max,
    }
}

fn move_in(root: &Path, key: &BlobKey, local: &Path) -> io::Result<()> {
    make_parents(root, key)?;
    let dest = root.join(key.as_str());
    match fs::rename(local, &dest) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let mut copy = NamedTempFile::new_in(root.join(TEMPORARY))?;
            io::copy(&mut fs::File::open(local)?, &mut copy)?;
            copy.as_file().sync_all()?;
            copy.persist(dest).map_err(|error| error.error)?;
            fs::remove_file(local)
        }
        other => other,
    }
}

fn parent_of(root: &Path, key: &BlobKey) -> PathBuf {
    let mut path = root.join(key.as_str());
    path.pop();
    path
}

fn make_parents(root: &Path, key: &BlobKey) -> io::Result<()> {
    fs::create_dir_all(parent_of(root, key))
}

fn sync_parent(root: &Path, key: &BlobKey) -> io::Result<()> {
    fs::File::open(parent_of(root, key))?.sync_all()
}

fn sync_folders(root: &Path, key: &BlobKey) -> io::Result<()> {
    sync_up_to(root, &parent_of(root, key))
}

/// Syncs a folder and those above it: any of them may have just been made, and a sync of a clean one costs nothing.
fn sync_up_to(root: &Path, folder: &Path) -> io::Result<()> {
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(root)) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn count_written(bytes: u64) {
    metrics::counter!("riffle_blob_written_bytes_total").increment(bytes);
}

fn io_error(action: &'static str, target: impl ToString, source: io::Error) -> BlobError {
    metrics::counter!("riffle_blob_failures_total", "action" => action).increment(1);
    BlobError::Io {
        action,
        target: target.to_string(),
        source,
    }
}

fn read_error(action: &'static str, key: &BlobKey, source: io::Error) -> BlobError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            BlobError::NotFound { key: key.clone() }
        }
        _ => io_error(action, key, source),
    }
}

/// Runs blocking work on the pool; a panic in it goes on in the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The pool cancels work only while the runtime shuts down; then nobody polls this future again.
            Err(_) => std::future::pending().await,
        },
    }
}
