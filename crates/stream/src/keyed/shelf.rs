//! The local copy of a job's state, in an LSM tree: what does not fit in memory is read from here.
//!
//! Only the saver writes to it, after a checkpoint is published, so its content is always that of a checkpoint. It is a cache: the
//! truth is in object storage. It is believed at a start only when it was closed in order; after a crash it is made anew.

use std::path::{Path, PathBuf};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::keyed::entries::Entries;

/// Block cache of one job.
const CACHE_BYTES: u64 = 16 << 20;
/// Journal of one job.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;
/// A memtable that is larger is written out.
const MEMTABLE_BYTES_MAX: u64 = 16 << 20;
/// Entries of one write batch.
const BATCH_ENTRIES_MAX: usize = 10_000;
const STAMP: &str = "closed_at";

/// See the module.
pub(crate) struct Shelf {
    dir: PathBuf,
    db: Database,
    state: Keyspace,
    /// Holds the checkpoint's version, from an orderly close until the next open.
    stamp: Keyspace,
}

impl Shelf {
    /// Opens the shelf below `dir`; one that does not open is thrown away.
    pub(crate) fn open(dir: &Path) -> Result<Self, fjall::Error> {
        Self::open_as_is(dir).or_else(|error| {
            tracing::warn!(dir = %dir.display(), %error, "the local copy of a job's state does not open and is made anew");
            if dir.exists() {
                std::fs::remove_dir_all(dir)?;
            }
            Self::open_as_is(dir)
        })
    }

    fn open_as_is(dir: &Path) -> Result<Self, fjall::Error> {
        std::fs::create_dir_all(dir)?;
        let db = Database::builder(dir)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .worker_threads(1)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES_MAX);
        let state = db.keyspace("state", options)?;
        let stamp = db.keyspace("stamp", options)?;
        Ok(Self {
            dir: dir.to_owned(),
            db,
            state,
            stamp,
        })
    }

    /// The checkpoint whose content this is, if the last close was in order; forgets it, so that only another close can say so.
    pub(crate) fn stamp_take(&self) -> Result<Option<u64>, fjall::Error> {
        let stamp = self.stamp.get(STAMP)?;
        self.stamp.remove(STAMP)?;
        self.db.persist(PersistMode::SyncAll)?;
        Ok(stamp.and_then(|bytes| Some(u64::from_le_bytes(*bytes.first_chunk::<8>()?))))
    }

    /// Marks an orderly close at checkpoint `version`.
    pub(crate) fn stamp_put(&self, version: u64) -> Result<(), fjall::Error> {
        // State first: a stamp must never be newer than what it vouches for.
        self.db.persist(PersistMode::SyncAll)?;
        self.stamp.insert(STAMP, version.to_le_bytes())?;
        self.db.persist(PersistMode::SyncAll)
    }

    /// Empties the shelf.
    pub(crate) fn clear(&self) -> Result<(), fjall::Error> {
        self.state.clear()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<fjall::Slice>, fjall::Error> {
        self.state.get(key)
    }

    /// Takes changed entries, in their order.
    pub(crate) fn apply(&self, entries: &Entries) -> Result<(), fjall::Error> {
        let mut batch = self.db.batch();
        for (key, value) in entries.iter() {
            match value {
                Some(value) => batch.insert(&self.state, key, value),
                None => batch.remove(&self.state, key),
            }
            if batch.len() >= BATCH_ENTRIES_MAX {
                std::mem::replace(&mut batch, self.db.batch()).commit()?;
            }
        }
        batch.commit()
    }

    /// Everything, in the order of keys.
    pub(crate) fn scan(
        &self,
    ) -> impl Iterator<Item = Result<(fjall::Slice, fjall::Slice), fjall::Error>> + use<> {
        self.state.iter().map(fjall::Guard::into_inner)
    }

    /// Bytes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.state.disk_space()
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}
