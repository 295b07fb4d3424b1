//! State by key: a bounded map in memory before the shelf.
//!
//! What changed since the last checkpoint stays in memory until a checkpoint has taken it to the shelf; only then may it leave.

use std::collections::HashMap;
use std::sync::Arc;

use crate::keyed::contract::{Key, KeyGroup, Value};
use crate::keyed::entries::Entries;
use crate::keyed::shelf::Shelf;

/// Keys come from our own ids and the map's order never shows, so a quick hash with a seed per process will do.
pub(crate) type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What a cell costs beside its key and value: hash table slack and flags.
const CELL_BYTES: usize = 32;

/// The state of one stage in one worker.
pub(crate) struct Table<K, V> {
    table: u8,
    cells: FastMap<K, Cell<V>>,
    /// Keys changed since the epoch began, and since the last checkpoint.
    touched: Vec<K>,
    dirty: Vec<K>,
    /// Bytes on the heap of values, as of when they were last looked at.
    heap_bytes: usize,
    bytes_max: usize,
    /// Everything is in memory: a key that is not here is nowhere.
    complete: bool,
    shelf: Arc<Shelf>,
    scratch: Vec<u8>,
    /// The first failure to read the shelf; the epoch it happened in is void.
    fault: Option<StateError>,
}

struct Cell<V> {
    value: V,
    touched: bool,
    dirty: bool,
    /// Looked at since the last sweep.
    used: bool,
    /// The checkpoint that took the value last; it is on the shelf once that one is.
    saved_in: u64,
    heap_bytes: usize,
}

/// Why state could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("the local copy of the state failed")]
    Shelf(#[from] fjall::Error),
    #[error("a stored state does not decode; the job's code reads another format than it wrote")]
    Undecodable,
}

impl<K: Key, V: Value> Table<K, V> {
    pub(crate) fn new(table: u8, shelf: Arc<Shelf>, bytes_max: usize) -> Self {
        Self {
            table,
            cells: FastMap::default(),
            touched: Vec::new(),
            dirty: Vec::new(),
            heap_bytes: 0,
            bytes_max,
            complete: true,
            shelf,
            scratch: Vec::new(),
            fault: None,
        }
    }

    /// The value of `key`, to change.
    pub(crate) fn change(&mut self, key: &K) -> &mut V {
        if !self.cells.contains_key(key) {
            let value = self.load(key);
            self.insert(key.clone(), value, 0);
        }
        // Borrowed apart, so that the lists can grow while the cell is held.
        let (touched, dirty) = (&mut self.touched, &mut self.dirty);
        let cell = self.cells.entry(key.clone()).or_insert_with(Cell::empty);
        cell.used = true;
        if !cell.touched {
            cell.touched = true;
            touched.push(key.clone());
        }
        if !cell.dirty {
            cell.dirty = true;
            dirty.push(key.clone());
        }
        &mut cell.value
    }

    fn insert(&mut self, key: K, value: V, saved_in: u64) {
        let heap_bytes = value.heap_bytes();
        self.heap_bytes += heap_bytes;
        let cell = Cell {
            value,
            saved_in,
            heap_bytes,
            ..Cell::empty()
        };
        self.cells.insert(key, cell);
    }

    fn load(&mut self, key: &K) -> V {
        if self.complete {
            return V::default();
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(&[self.table, key.group().0]);
        key.encode(&mut self.scratch);
        let value = match self.shelf.get(&self.scratch) {
            Ok(Some(bytes)) => V::decode(&bytes).ok_or(StateError::Undecodable),
            Ok(None) => Ok(V::default()),
            Err(error) => Err(error.into()),
        };
        value.unwrap_or_else(|error| {
            self.fault.get_or_insert(error);
            V::default()
        })
    }

    /// The failure that voids what was done since it happened.
    pub(crate) fn fault_take(&mut self) -> Option<StateError> {
        self.fault.take()
    }

    /// Hands every key changed since the last call to `visit`.
    pub(crate) fn drain_touched(&mut self, mut visit: impl FnMut(&K, &V)) {
        for key in self.touched.drain(..) {
            let Some(cell) = self.cells.get_mut(&key) else {
                continue;
            };
            cell.touched = false;
            let heap_bytes = cell.value.heap_bytes();
            self.heap_bytes = self.heap_bytes + heap_bytes - cell.heap_bytes;
            cell.heap_bytes = heap_bytes;
            visit(&key, &cell.value);
        }
    }

    /// Writes what changed since the last checkpoint into the one that will be `version`.
    pub(crate) fn drain_dirty(&mut self, version: u64, entries: &mut Entries) {
        for key in self.dirty.drain(..) {
            let Some(cell) = self.cells.get_mut(&key) else {
                continue;
            };
            cell.dirty = false;
            cell.saved_in = version;
            let group = key.group();
            match cell.value.is_empty() {
                true => entries.remove(self.table, group, |out| key.encode(out)),
                false => entries.put(
                    self.table,
                    group,
                    |out| key.encode(out),
                    |out| cell.value.encode(out),
                ),
            }
        }
    }

    /// Lets go of empty values, and, above the bound, of what was not used since the last sweep. `shelved` is the newest
    /// checkpoint on the shelf: only what it holds may leave.
    pub(crate) fn sweep(&mut self, shelved: u64) {
        let over = self.bytes() > self.bytes_max;
        let (heap_bytes, complete) = (&mut self.heap_bytes, &mut self.complete);
        self.cells.retain(|_, cell| {
            let may_leave = !cell.dirty && !cell.touched && cell.saved_in <= shelved;
            let empty = cell.value.is_empty();
            let leaves = may_leave && (empty || over && !cell.used);
            if leaves {
                *heap_bytes -= cell.heap_bytes;
                *complete &= empty;
            }
            cell.used = false;
            !leaves
        });
    }

    /// Whether a sweep would find something to do about memory.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.bytes_max
    }

    /// Takes in a stored value at the start, as long as there is room.
    pub(crate) fn restore(&mut self, key: K, value: V) {
        if self.bytes() < self.bytes_max {
            self.insert(key, value, 0);
        } else {
            self.complete = false;
        }
    }

    /// About what the table holds in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.cells.capacity() * (size_of::<K>() + size_of::<Cell<V>>() + CELL_BYTES) + self.heap_bytes
    }

    pub(crate) fn dirty_len(&self) -> usize {
        self.dirty.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }
}

impl<V: Value> Cell<V> {
    fn empty() -> Self {
        Self {
            value: V::default(),
            touched: false,
            dirty: false,
            used: true,
            saved_in: 0,
            heap_bytes: 0,
        }
    }
}

/// The group a stored key belongs to.
pub(crate) fn group_of<K: Key>(bytes: &[u8]) -> Option<KeyGroup> {
    K::decode(bytes).map(|key| key.group())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed::contract::tests::Number;
    use crate::keyed::entries::GLOBAL;

    #[derive(Debug, Default, PartialEq, Eq)]
    struct Sum(u64);

    impl Value for Sum {
        fn encode(&self, out: &mut Vec<u8>) {
            out.extend(self.0.to_be_bytes());
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            Some(Self(u64::from_be_bytes(bytes.try_into().ok()?)))
        }

        fn is_empty(&self) -> bool {
            self.0 == 0
        }
    }

    #[test]
    fn what_leaves_memory_comes_back_from_the_shelf() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shelf = Arc::new(Shelf::open(folder.path()).expect("opens"));
        let mut table: Table<Number, Sum> = Table::new(GLOBAL, shelf.clone(), 10_000);
        let rounds: u64 = 5;
        for round in 1..=rounds {
            for key in 0..1_000 {
                table.change(&Number(key)).0 += key;
            }
            table.drain_touched(|_, _| {});
            // Not on the shelf yet: nothing may leave.
            table.sweep(round - 1);
            assert_eq!(table.len(), 1_000);
            let mut entries = Entries::default();
            table.drain_dirty(round, &mut entries);
            shelf.apply(&entries).expect("applies");
            table.sweep(round);
            table.sweep(round);
            assert!(table.len() < 100, "{} left", table.len());
        }
        for key in 0..1_000 {
            assert_eq!(table.change(&Number(key)).0, key * rounds);
        }
        assert!(table.fault_take().is_none());
    }

    #[test]
    fn an_emptied_key_is_gone_for_good() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shelf = Arc::new(Shelf::open(folder.path()).expect("opens"));
        let mut table: Table<Number, Sum> = Table::new(GLOBAL, shelf.clone(), 0);
        for (version, value) in [(1, 5), (2, 0)] {
            table.change(&Number(1)).0 = value;
            table.drain_touched(|_, _| {});
            let mut entries = Entries::default();
            table.drain_dirty(version, &mut entries);
            shelf.apply(&entries).expect("applies");
            table.sweep(version);
            table.sweep(version);
        }
        assert_eq!(table.len(), 0);
        assert_eq!(shelf.scan().count(), 0);
        assert_eq!(table.change(&Number(1)).0, 0);
    }
}
