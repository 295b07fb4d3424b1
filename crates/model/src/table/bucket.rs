//! One bucket of the index: a cell of one cache line with five keys and the rows that they lead to.
//!
//! ```text
//! word 0   version u32 | row 4 u32        words 1–5   keys 0–4
//! word 6   row 0 | row 1                  word 7      row 2 | row 3
//! ```
//!
//! A row of zero marks an empty entry, so fresh memory is an empty bucket.

use std::sync::atomic::Ordering;

use super::cell::{self, Word};
use super::key::Key;
use super::slab::RowRef;

/// 64 bytes.
pub(super) const WORDS: usize = 8;
/// Keys in a bucket.
pub(super) const ENTRIES: usize = 5;

/// A bucket's words, outside shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket(pub(super) [u64; WORDS]);

/// What a bucket says of a key, together with its first word at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    Hit { row: RowRef, head: u64 },
    Miss { head: u64 },
    Busy,
}

/// Word and shift of an entry's row number.
const fn row_at(entry: usize) -> (usize, u32) {
    match entry {
        4 => (0, 32),
        _ => (6 + entry / 2, entry as u32 % 2 * 32),
    }
}

impl Bucket {
    #[inline(always)]
    pub(super) fn row(&self, entry: usize) -> Option<RowRef> {
        let (word, shift) = row_at(entry);
        RowRef::from_bits((self.0[word] >> shift) as u32)
    }

    pub(super) fn key(&self, entry: usize) -> Key {
        Key::from_bits(self.0[1 + entry])
    }

    pub(super) fn set(&mut self, entry: usize, key: Key, row: RowRef) {
        self.0[1 + entry] = key.bits();
        self.row_set(entry, row.bits());
    }

    pub(super) fn clear(&mut self, entry: usize) {
        self.0[1 + entry] = 0;
        self.row_set(entry, 0);
    }

    fn row_set(&mut self, entry: usize, bits: u32) {
        let (word, shift) = row_at(entry);
        self.0[word] = self.0[word] & !(0xffff_ffff << shift) | u64::from(bits) << shift;
    }

    #[inline(always)]
    pub(super) fn entry_of(&self, key: Key) -> Option<(usize, RowRef)> {
        (0..ENTRIES)
            .filter(|&entry| self.key(entry) == key)
            .find_map(|entry| Some((entry, self.row(entry)?)))
    }

    pub(super) fn vacancy(&self) -> Option<usize> {
        (0..ENTRIES).find(|&entry| self.row(entry).is_none())
    }

    /// The entries in use.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, Key, RowRef)> + '_ {
        (0..ENTRIES).filter_map(|entry| Some((entry, self.key(entry), self.row(entry)?)))
    }
}

/// Looks for `key` while others may write.
#[inline(always)]
pub(super) fn probe<W: Word>(bucket: &[W; WORDS], key: Key) -> Probe {
    let Some(head) = cell::opened(bucket) else {
        return Probe::Busy;
    };
    let mut found = None;
    for entry in 0..ENTRIES {
        if bucket[1 + entry].load(Ordering::Relaxed) == key.bits() {
            let (word, shift) = row_at(entry);
            let word = if word == 0 {
                head
            } else {
                bucket[word].load(Ordering::Relaxed)
            };
            found = found.or(RowRef::from_bits((word >> shift) as u32));
        }
    }
    if !cell::unchanged(bucket, head) {
        return Probe::Busy;
    }
    match found {
        Some(row) => Probe::Hit { row, head },
        None => Probe::Miss { head },
    }
}

/// What a glance at a bucket saw of a key. It counts for nothing until [`Sought::holds`] confirms it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sought {
    /// Bits of the row that the key leads to, zero if it was not seen.
    pub(super) row: u32,
    /// The first word at that time.
    head: u64,
}

impl Sought {
    /// True if the bucket was in nobody's hands at the glance and no write began since, as far as the words loaded in between can tell:
    /// those of the bucket, and those of the row.
    #[inline(always)]
    pub(super) fn holds<W: Word>(&self, bucket: &[W; WORDS]) -> bool {
        cell::unchanged(bucket, self.head) && self.head & 1 == 0
    }
}

/// A glance: [`probe`] without its verdict, for those who confirm it later. The key zero, which empty entries look like, may be overlooked.
#[inline(always)]
pub(super) fn seek<W: Word>(bucket: &[W; WORDS], key: Key) -> Sought {
    let head = bucket[0].load(Ordering::Acquire);
    let equal = |entry: usize| bucket[1 + entry].load(Ordering::Relaxed) == key.bits();
    let equal = (0..ENTRIES).fold(0, |bits, entry| bits | u32::from(equal(entry)) << entry);
    sought(bucket, head, equal)
}

/// The end of a glance whose comparison was made elsewhere: bit `e` of `equal` says that entry `e` had the key after `head` was loaded.
#[inline(always)]
pub(super) fn sought<W: Word>(bucket: &[W; WORDS], head: u64, equal: u32) -> Sought {
    // One bit more, so that there is a first one; what it leads to does not count.
    let (word, shift) = ROWS_AT[(equal | 1 << ENTRIES).trailing_zeros() as usize % ROWS_AT.len()];
    let row = (bucket[word].load(Ordering::Relaxed) >> shift) as u32;
    let row = std::hint::select_unpredictable(equal != 0, row, 0);
    Sought { row, head }
}

/// [`row_at`] by entry; only the first [`ENTRIES`] exist.
const ROWS_AT: [(usize, u32); 8] = {
    let mut at = [(0, 0); 8];
    let mut entry = 0;
    while entry < ENTRIES {
        at[entry] = row_at(entry);
        entry += 1;
    }
    at
};

/// The writer came between; nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Disturbed;

/// Looks for `key` in all its buckets at once, at most four. A hit says in which one, and its first word; it must be
/// confirmed once its row was read. That the key is in none is believed only if `geometry`, the word that says which
/// buckets those are, and none of the buckets changed: then there was a moment at which it was nowhere.
pub(super) fn find<'a, W: Word + 'a, B: AsRef<[&'a [W; WORDS]]>>(
    geometry: &W,
    geometry_bits: u64,
    buckets: B,
    key: Key,
) -> Result<Option<(usize, RowRef, u64)>, Disturbed> {
    let mut heads = [0; 4];
    for (i, bucket) in buckets.as_ref().iter().enumerate() {
        match probe(bucket, key) {
            Probe::Hit { row, head } => return Ok(Some((i, row, head))),
            Probe::Miss { head } => heads[i] = head,
            Probe::Busy => return Err(Disturbed),
        }
    }
    let mut looked = buckets.as_ref().iter().zip(heads);
    if looked.all(|(bucket, head)| cell::unchanged(*bucket, head))
        && geometry.load(Ordering::Relaxed) == geometry_bits
    {
        Ok(None)
    } else {
        Err(Disturbed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn entries_do_not_disturb_each_other() {
        let row = |number| RowRef::from_bits(number).expect("not zero");
        let mut bucket = Bucket([0x1234_5678, 0, 0, 0, 0, 0, 0, 0]);
        for entry in 0..ENTRIES {
            assert_eq!(bucket.vacancy(), Some(entry));
            bucket.set(
                entry,
                Key::new(1, entry as u64),
                row((3 << 30) - 1 - entry as u32),
            );
        }
        assert_eq!(bucket.vacancy(), None);
        bucket.clear(2);
        let left: Vec<_> = bucket.entries().collect();
        let expected: Vec<_> = [0, 1, 3, 4]
            .map(|entry| {
                (
                    entry,
                    Key::new(1, entry as u64),
                    row((3 << 30) - 1 - entry as u32),
                )
            })
            .into();
        assert_eq!(left, expected);
        assert_eq!(bucket.entry_of(Key::new(1, 2)), None);
        assert_eq!(bucket.entry_of(Key::new(1, 4)), Some((4, row((3 << 30) - 5))));
        assert_eq!(bucket.0[0] as u32, 0x1234_5678);
    }

    #[test]
    fn a_glance_sees_what_a_probe_sees() {
        let row = |number| RowRef::from_bits(number).expect("not zero");
        let mut bucket = Bucket([0; WORDS]);
        for entry in 0..ENTRIES {
            bucket.set(entry, Key::new(1, entry as u64), row(70 + entry as u32));
        }
        let shared = bucket.0.map(AtomicU64::new);
        for id in 0..ENTRIES as u64 + 2 {
            let key = Key::new(1, id);
            let glance = seek(&shared, key);
            assert!(glance.holds(&shared));
            let expected = bucket.entry_of(key).map_or(0, |(_, row)| row.bits());
            assert_eq!(glance.row, expected, "id {id}");
        }
        let before = seek(&shared, Key::new(1, 3));
        shared[0].store(1, Ordering::Relaxed);
        assert!(!before.holds(&shared), "a write began");
        assert!(
            !seek(&shared, Key::new(1, 3)).holds(&shared),
            "a write is under way"
        );
    }

    #[test]
    fn key_zero_is_a_key() {
        let zero = Key::from_bits(0);
        let mut bucket = Bucket([0; WORDS]);
        assert_eq!(bucket.entry_of(zero), None);
        bucket.set(3, zero, RowRef::from_bits(9).expect("not zero"));
        assert_eq!(bucket.entry_of(zero).map(|(entry, _)| entry), Some(3));
    }
}
