//! State by key: a bounded slab of cells in memory before the shelf.
//!
//! What changed since the last checkpoint stays in memory until a checkpoint has taken it to the shelf; only then may it leave.
//!
//! An index finds a key's cell; lists of what changed hold cell numbers, so that nothing is looked for twice. Finding, marking and
//! changing are apart for the sake of a batch: each of the three goes over many keys whose places in memory are known beforehand, and
//! the processor fetches them side by side instead of one after the other.

use std::collections::HashMap;
use std::sync::Arc;

use crate::keyed::contract::{Key, KeyGroup, Value};
use crate::keyed::entries::Entries;
use crate::keyed::shelf::Shelf;

/// Keys come from our own ids and the map's order never shows, so a quick hash with a seed per process will do.
pub(crate) type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What a key costs beside its cell: its number in the index, and the index's slack.
const INDEX_BYTES: usize = 16;
/// Rounds that a key changed again and again outlives the last change.
const USES_MAX: u8 = 3;

/// The state of one stage in one worker.
pub(crate) struct Table<K, V> {
    table: u8,
    index: FastMap<K, Slot>,
    cells: Vec<Cell<K, V>>,
    /// Cells that hold no key.
    free: Vec<Slot>,
    /// What changed since the epoch began, and since the last checkpoint.
    touched: Vec<Slot>,
    dirty: Vec<Slot>,
    /// Empty when a checkpoint took them; they leave once it is on the shelf.
    emptied: Vec<Slot>,
    /// Bytes on the heap of values, as of when they were last looked at.
    heap_bytes: usize,
    bytes_max: usize,
    /// Everything is in memory: a key that is not here is nowhere.
    complete: bool,
    /// Where the next eviction goes on.
    hand: usize,
    /// The checkpoint with which an eviction found too little that may leave: the next one has to come first.
    stuck_at: Option<u64>,
    shelf: Arc<Shelf>,
    scratch: Vec<u8>,
    /// The first failure to read the shelf; the epoch it happened in is void.
    fault: Option<StateError>,
}

/// The number of a cell. It is its key's until the next [`Table::sweep`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot(u32);

impl Slot {
    fn at(self) -> usize {
        self.0 as usize
    }
}

struct Cell<K, V> {
    key: K,
    value: V,
    /// The checkpoint that took the value last; it is on the shelf once that one is.
    saved_in: u64,
    heap_bytes: usize,
    /// False: the cell is free.
    held: bool,
    touched: bool,
    dirty: bool,
    /// Rounds of the hand that it has earned: one each time it was changed, within [`USES_MAX`].
    uses: u8,
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
            index: FastMap::default(),
            cells: Vec::new(),
            free: Vec::new(),
            touched: Vec::new(),
            dirty: Vec::new(),
            emptied: Vec::new(),
            heap_bytes: 0,
            bytes_max,
            complete: true,
            hand: 0,
            stuck_at: None,
            shelf,
            scratch: Vec::new(),
            fault: None,
        }
    }

    /// The value of `key`, to change.
    pub(crate) fn change(&mut self, key: &K) -> &mut V {
        let slot = self.find(key);
        self.mark(slot);
        self.value(slot)
    }

    /// Where `key` is; reads it from the shelf when that is where it is.
    pub(crate) fn find(&mut self, key: &K) -> Slot {
        match self.index.get(key) {
            Some(&slot) => slot,
            None => {
                let value = self.load(key);
                self.insert(key.clone(), value)
            }
        }
    }

    /// Notes that a value is about to change.
    pub(crate) fn mark(&mut self, slot: Slot) {
        let cell = &mut self.cells[slot.at()];
        cell.uses = (cell.uses + 1).min(USES_MAX);
        if !cell.touched {
            cell.touched = true;
            self.touched.push(slot);
        }
        if !cell.dirty {
            cell.dirty = true;
            self.dirty.push(slot);
        }
    }

    /// The value of a marked slot, to change.
    pub(crate) fn value(&mut self, slot: Slot) -> &mut V {
        &mut self.cells[slot.at()].value
    }

    fn insert(&mut self, key: K, value: V) -> Slot {
        let heap_bytes = value.heap_bytes();
        self.heap_bytes += heap_bytes;
        let cell = Cell {
            key: key.clone(),
            value,
            saved_in: 0,
            heap_bytes,
            held: true,
            touched: false,
            dirty: false,
            uses: 0,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.cells[slot.at()] = cell;
                slot
            }
            None => {
                self.cells.push(cell);
                Slot((self.cells.len() - 1) as u32)
            }
        };
        self.index.insert(key, slot);
        slot
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
        for slot in self.touched.drain(..) {
            let cell = &mut self.cells[slot.at()];
            cell.touched = false;
            let heap_bytes = cell.value.heap_bytes();
            self.heap_bytes = self.heap_bytes + heap_bytes - cell.heap_bytes;
            cell.heap_bytes = heap_bytes;
            visit(&cell.key, &cell.value);
        }
    }

    /// Writes what changed since the last checkpoint into the one that will be `version`.
    pub(crate) fn drain_dirty(&mut self, version: u64, entries: &mut Entries) {
        for slot in self.dirty.drain(..) {
            let cell = &mut self.cells[slot.at()];
            cell.dirty = false;
            cell.saved_in = version;
            let (key, value) = (&cell.key, &cell.value);
            match value.is_empty() {
                true => {
                    entries.remove(self.table, key.group(), |out| key.encode(out));
                    self.emptied.push(slot);
                }
                false => entries.put(
                    self.table,
                    key.group(),
                    |out| key.encode(out),
                    |out| value.encode(out),
                ),
            }
        }
    }

    /// Lets go of empty values and, above the bound, makes room. `shelved` is the newest checkpoint on the shelf: only what it
    /// holds may leave.
    pub(crate) fn sweep(&mut self, shelved: u64) {
        let mut emptied = std::mem::take(&mut self.emptied);
        emptied.retain(|&slot| {
            let cell = &self.cells[slot.at()];
            // One that changed since is told again when a checkpoint takes it.
            let waits = cell.held && !cell.dirty && cell.value.is_empty();
            if waits && cell.may_leave(shelved) {
                self.leave(slot);
                return false;
            }
            waits
        });
        self.emptied = emptied;
        if self.is_over() {
            self.evict(shelved);
        }
    }

    /// A hand goes round; what has used up its rounds leaves, until an eighth is free.
    fn evict(&mut self, shelved: u64) {
        if self.stuck_at == Some(shelved) {
            return;
        }
        let enough = self.bytes_max - self.bytes_max / 8;
        for _ in 0..(usize::from(USES_MAX) + 1) * self.cells.len() {
            if self.bytes() <= enough {
                break;
            }
            self.hand = (self.hand + 1) % self.cells.len();
            let cell = &mut self.cells[self.hand];
            if !cell.may_leave(shelved) {
                continue;
            }
            match cell.uses > 0 && !cell.value.is_empty() {
                true => cell.uses -= 1,
                false => self.leave(Slot(self.hand as u32)),
            }
        }
        self.stuck_at = self.is_over().then_some(shelved);
    }

    fn leave(&mut self, slot: Slot) {
        let cell = &mut self.cells[slot.at()];
        self.complete &= cell.value.is_empty();
        self.heap_bytes -= cell.heap_bytes;
        (cell.held, cell.heap_bytes, cell.value) = (false, 0, V::default());
        self.index.remove(&cell.key);
        self.free.push(slot);
    }

    /// Whether a sweep would find something to do about memory.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.bytes_max
    }

    /// Takes in a stored value at the start, as long as there is room.
    pub(crate) fn restore(&mut self, key: K, value: V) {
        if self.bytes() < self.bytes_max {
            self.insert(key, value);
        } else {
            self.complete = false;
        }
    }

    /// About what the table's keys hold in memory.
    pub(crate) fn bytes(&self) -> usize {
        let each = size_of::<Cell<K, V>>() + size_of::<K>() + INDEX_BYTES;
        self.len() * each + self.heap_bytes
    }

    pub(crate) fn dirty_len(&self) -> usize {
        self.dirty.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }
}

impl<K, V> Cell<K, V> {
    fn may_leave(&self, shelved: u64) -> bool {
        self.held && !self.dirty && !self.touched && self.saved_in <= shelved
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
        let shelf = Arc::new(Shelf::open(folder.path(), 0).expect("opens").0);
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
            assert!(!table.is_over() && table.len() < 200, "{} left", table.len());
        }
        for key in 0..1_000 {
            assert_eq!(table.change(&Number(key)).0, key * rounds);
        }
        assert!(table.fault_take().is_none());
    }

    #[test]
    fn what_is_used_again_and_again_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shelf = Arc::new(Shelf::open(folder.path(), 0).expect("opens").0);
        let mut table: Table<Number, Sum> = Table::new(GLOBAL, shelf, 10_000);
        for version in 1..=100 {
            // One key that always comes, a hundred that come once.
            for key in (version * 100..version * 100 + 100).chain([7]) {
                table.change(&Number(key)).0 += 1;
            }
            table.drain_touched(|_, _| {});
            table.drain_dirty(version, &mut Entries::default());
            table.sweep(version);
            assert!(!table.is_over(), "version {version}");
        }
        // The shelf was given nothing, so it is still here or nowhere.
        assert_eq!(table.change(&Number(7)).0, 100);
    }

    #[test]
    fn an_emptied_key_is_gone_for_good() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shelf = Arc::new(Shelf::open(folder.path(), 0).expect("opens").0);
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
