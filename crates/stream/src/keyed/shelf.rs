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
/// From so many on, entries go around the write path; below, a table each time would be more to merge than it saves.
const INGEST_ENTRIES_MIN: u64 = 20_000;
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
    /// Opens the shelf below `dir`, and whether it holds checkpoint `version`; one that does not, or does not open, is thrown away
    /// and begun anew.
    pub(crate) fn open(dir: &Path, version: u64) -> Result<(Self, bool), fjall::Error> {
        match Self::open_stamped(dir) {
            Ok((shelf, Some(closed_at))) if closed_at == version => return Ok((shelf, true)),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "the local copy of a job's state does not open and is made anew");
            }
        }
        // Not emptied: the database would note that in its journal, and at the next open empty itself again, after tables that
        // went around the journal.
        if dir.exists() {
            std::fs::remove_dir_all(dir)?;
        }
        Ok((Self::open_as_is(dir)?, false))
    }

    fn open_stamped(dir: &Path) -> Result<(Self, Option<u64>), fjall::Error> {
        let shelf = Self::open_as_is(dir)?;
        let stamp = shelf.stamp_take()?;
        Ok((shelf, stamp))
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
    fn stamp_take(&self) -> Result<Option<u64>, fjall::Error> {
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

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<fjall::Slice>, fjall::Error> {
        self.state.get(key)
    }

    /// Takes changed entries: few as writes, many as a table of their own, which costs a tenth.
    pub(crate) fn apply(&self, entries: &Entries) -> Result<(), fjall::Error> {
        if entries.count() >= INGEST_ENTRIES_MIN {
            return self.ingest(entries);
        }
        let mut batch = self.db.batch();
        for (key, value) in entries.sorted() {
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

    fn ingest(&self, entries: &Entries) -> Result<(), fjall::Error> {
        let mut ingestion = self.state.start_ingestion()?;
        for (key, value) in entries.sorted() {
            match value {
                Some(value) => ingestion.write(key, value)?,
                None => ingestion.write_tombstone(key)?,
            }
        }
        ingestion.finish()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed::contract::KeyGroup;
    use crate::keyed::entries::GLOBAL;

    /// Entry `number` is put with this text, or removed without one.
    fn entries(numbers: impl Iterator<Item = u64>, text: Option<&[u8]>) -> Entries {
        let mut entries = Entries::default();
        for number in numbers {
            // Not in the order of keys, as entries of a job are not.
            let number = number.swap_bytes().to_be_bytes();
            let key = |out: &mut Vec<u8>| out.extend_from_slice(&number);
            match text {
                Some(text) => entries.put(GLOBAL, KeyGroup(1), key, |out| out.extend_from_slice(text)),
                None => entries.remove(GLOBAL, KeyGroup(1), key),
            }
        }
        entries
    }

    fn texts(shelf: &Shelf) -> Vec<Vec<u8>> {
        let rows: Result<Vec<_>, _> = shelf.scan().collect();
        let rows = rows.expect("scans");
        assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order");
        rows.into_iter().map(|(_, value)| value.to_vec()).collect()
    }

    #[test]
    fn many_and_few_entries_land_in_the_same_place() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (many, few) = (2 * INGEST_ENTRIES_MIN, INGEST_ENTRIES_MIN / 10);
        let steps = [
            (0..many, Some(&b"many"[..])),
            (0..few, Some(&b"few"[..])),
            (0..few / 2, None),
            (0..few / 4, Some(&b"again"[..])),
            (many / 2..many, None),
        ];
        let open = |version| Shelf::open(folder.path(), version).expect("opens");
        let (shelf, _) = open(1);
        shelf.apply(&entries(0..many, Some(b"before"))).expect("applies");
        drop(shelf);
        let (shelf, is_current) = open(1);
        assert!(!is_current && texts(&shelf).is_empty(), "it was not closed");
        for (numbers, text) in steps {
            shelf.apply(&entries(numbers, text)).expect("applies");
        }
        let check = |shelf: &Shelf| {
            let texts = texts(shelf);
            let count = |text: &[u8]| texts.iter().filter(|found| *found == text).count() as u64;
            assert_eq!(count(b"again"), few / 4);
            assert_eq!(count(b"few"), few / 2);
            assert_eq!(count(b"many"), many / 2 - few);
            assert_eq!(texts.len() as u64, many / 2 - few / 4);
        };
        check(&shelf);
        shelf.stamp_put(7).expect("stamps");
        drop(shelf);
        let (shelf, is_current) = open(7);
        assert!(is_current);
        check(&shelf);
        drop(shelf);
        assert!(!open(7).1, "a stamp is good for one open");
    }
}
