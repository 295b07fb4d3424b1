//! A bounded map of rows in memory before a table of the state file. Rows may be taken while others are being written.
//!
//! A row that changed stays in memory until a commit has it; only then may it leave. While nothing ever left, a row that is not in
//! memory does not exist, and nobody asks the file.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::RwLock;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use types::TimestampMs;

use crate::store::StoreError;

/// Locks of one shelf, so that a writer stops few readers.
const SHARDS: usize = 16;

/// A row as the file keeps it.
pub(crate) trait Stored: Clone + Default {
    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Option<Self>;
    /// When it was last of use; rows longest unused leave memory first.
    fn used_ms(&self) -> TimestampMs;
    /// The row is to be removed.
    fn is_gone(&self) -> bool;
}

/// The key of a row.
pub(crate) trait RowKey: Clone + Eq + Hash {
    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// See the module.
pub(crate) struct Shelf<K, V> {
    table: &'static str,
    rows_max: usize,
    hasher: RandomState,
    shards: Vec<RwLock<Shard<K, V>>>,
}

struct Shard<K, V> {
    rows: HashMap<K, V>,
    /// Changed since the last commit.
    dirty: HashSet<K>,
    /// Everything the file has is in memory.
    complete: bool,
}

impl<K: RowKey, V: Stored> Shelf<K, V> {
    /// A shelf with the first `rows_max` rows of its table; makes the table when there is none.
    pub(crate) fn load(
        txn: &WriteTransaction,
        table: &'static str,
        rows_max: usize,
    ) -> Result<Self, StoreError> {
        let shard = || Shard {
            rows: HashMap::new(),
            dirty: HashSet::new(),
            complete: true,
        };
        let shelf = Self {
            table,
            rows_max,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| RwLock::new(shard())).collect(),
        };
        for (at, row) in txn.open_table(definition(table))?.iter()?.enumerate() {
            if at >= rows_max {
                shelf
                    .shards
                    .iter()
                    .for_each(|shard| shard.write().complete = false);
                break;
            }
            let (key, value) = row?;
            let (key, value) = (K::decode(key.value()), V::decode(value.value()));
            let (key, value) = key.zip(value).ok_or(StoreError::Row(table))?;
            shelf.shard(&key).write().rows.insert(key, value);
        }
        Ok(shelf)
    }

    fn shard(&self, key: &K) -> &RwLock<Shard<K, V>> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }

    /// Takes a row; readers see it at once.
    pub(crate) fn put(&self, key: K, row: V) {
        let mut shard = self.shard(&key).write();
        if !shard.dirty.contains(&key) {
            shard.dirty.insert(key.clone());
        }
        shard.rows.insert(key, row);
    }

    /// Reads a row; a key that has none reads as the default.
    pub(crate) fn read<T>(
        &self,
        db: &Database,
        key: &K,
        read: impl FnOnce(&V) -> T,
    ) -> Result<T, StoreError> {
        {
            let shard = self.shard(key).read();
            if let Some(row) = shard.rows.get(key) {
                return Ok(read(row));
            }
            if shard.complete {
                return Ok(read(&V::default()));
            }
        }
        // The file is asked under the lock, so that a row which leaves meanwhile cannot come back as it was before.
        let mut shard = self.shard(key).write();
        if !shard.rows.contains_key(key) {
            let row = self.find(db, key)?;
            // Also that there is none is remembered.
            shard.rows.insert(key.clone(), row);
        }
        let none = V::default();
        Ok(read(shard.rows.get(key).unwrap_or(&none)))
    }

    /// The row in memory, if there is one.
    pub(crate) fn held(&self, key: &K) -> Option<V> {
        self.shard(key).read().rows.get(key).cloned()
    }

    fn find(&self, db: &Database, key: &K) -> Result<V, StoreError> {
        let txn = db.begin_read()?;
        let table = txn.open_table(definition(self.table))?;
        match table.get(key.encode().as_slice())? {
            Some(bytes) => V::decode(bytes.value()).ok_or(StoreError::Row(self.table)),
            None => Ok(V::default()),
        }
    }

    /// Visits every row in memory; writers of a shard wait meanwhile.
    pub(crate) fn each(&self, mut visit: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            shard.read().rows.iter().for_each(|(key, row)| visit(key, row));
        }
    }

    /// Visits every row of the table, in memory or not.
    pub(crate) fn scan(
        &self,
        txn: &WriteTransaction,
        mut visit: impl FnMut(&K, &V),
    ) -> Result<(), StoreError> {
        for row in txn.open_table(definition(self.table))?.iter()? {
            let (key, value) = row?;
            let (key, value) = (K::decode(key.value()), V::decode(value.value()));
            let (key, value) = key.zip(value).ok_or(StoreError::Row(self.table))?;
            visit(&key, &value);
        }
        Ok(())
    }

    /// Takes the keys that changed since the last call, for a commit.
    pub(crate) fn take(&self) -> Taken<K> {
        let dirty = |shard: &RwLock<Shard<K, V>>| std::mem::take(&mut shard.write().dirty);
        Taken {
            keys: self.shards.iter().flat_map(dirty).collect(),
            held_back: Vec::new(),
        }
    }

    /// Writes what was taken, but for rows that `holds_back` names: they wait for a later commit.
    pub(crate) fn write(
        &self,
        txn: &WriteTransaction,
        taken: &mut Taken<K>,
        mut holds_back: impl FnMut(&K, &V) -> bool,
    ) -> Result<(), StoreError> {
        let mut table = txn.open_table(definition(self.table))?;
        for key in &taken.keys {
            let Some(row) = self.held(key) else { continue };
            if row.is_gone() {
                table.remove(key.encode().as_slice())?;
            } else if holds_back(key, &row) {
                taken.held_back.push(key.clone());
            } else {
                table.insert(key.encode().as_slice(), row.encode().as_slice())?;
            }
        }
        Ok(())
    }

    /// After the commit: what it did not write is still to be written.
    pub(crate) fn settle(&self, taken: Taken<K>, committed: bool) {
        let left = if committed { taken.held_back } else { taken.keys };
        for key in left {
            self.shard(&key).write().dirty.insert(key);
        }
        if committed {
            self.shrink();
        }
    }

    /// Removed rows leave, and clean ones longest unused above the bound.
    fn shrink(&self) {
        for shard in &self.shards {
            let mut shard = shard.write();
            let Shard {
                rows,
                dirty,
                complete,
            } = &mut *shard;
            rows.retain(|key, row| !row.is_gone() || dirty.contains(key));
            let rows_max = (self.rows_max / SHARDS).max(1);
            if rows.len() <= rows_max {
                continue;
            }
            let mut used: Vec<TimestampMs> = rows.values().map(V::used_ms).collect();
            let keep_from = used.len() - rows_max * 3 / 4;
            let (_, &mut oldest_kept, _) = used.select_nth_unstable(keep_from);
            rows.retain(|key, row| row.used_ms() >= oldest_kept || dirty.contains(key));
            *complete = false;
        }
    }

    /// Forgets everything, in memory and in the file.
    pub(crate) fn clear(&self, txn: &WriteTransaction) -> Result<(), StoreError> {
        txn.delete_table(definition(self.table))?;
        txn.open_table(definition(self.table))?;
        for shard in &self.shards {
            let mut shard = shard.write();
            shard.rows.clear();
            shard.dirty.clear();
            shard.complete = true;
        }
        Ok(())
    }

    /// Rows in memory.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().rows.len()).sum()
    }
}

/// The keys of a commit under way.
#[must_use = "they are still to be written until they are settled"]
pub(crate) struct Taken<K> {
    keys: Vec<K>,
    held_back: Vec<K>,
}

impl<K> Taken<K> {
    pub(crate) fn written_len(&self) -> usize {
        self.keys.len() - self.held_back.len()
    }

    pub(crate) fn held_back(&self) -> &[K] {
        &self.held_back
    }
}

fn definition(table: &'static str) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table)
}
