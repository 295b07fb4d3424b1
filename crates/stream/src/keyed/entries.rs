//! Changed state as bytes: what a checkpoint object holds and what the shelf takes.
//!
//! An entry is `key length u32, key, value length u32 (all ones: removed), value`, where the key starts with its table and its key
//! group. An object is `RSO1`, entries, their count (u64) and a CRC32C of all before it; integers are little-endian.

use crate::keyed::contract::KeyGroup;

/// State of stage one, of stage two, and their timers.
pub(crate) const LOCAL: u8 = 0;
pub(crate) const GLOBAL: u8 = 1;
pub(crate) const LOCAL_TIMERS: u8 = 2;
pub(crate) const TIMERS: u8 = 3;

const MAGIC: &[u8; 4] = b"RSO1";
const REMOVED: u32 = u32::MAX;
/// Table and key group.
pub(crate) const PREFIX_BYTES: usize = 2;
const TRAILER_BYTES: usize = 12;

/// Entries being written.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    bytes: Vec<u8>,
    count: u64,
}

/// One entry: its key with the prefix, and its value, or None when it was removed.
pub(crate) type Entry<'b> = (&'b [u8], Option<&'b [u8]>);

impl Entries {
    pub(crate) fn put(
        &mut self,
        table: u8,
        group: KeyGroup,
        key: impl FnOnce(&mut Vec<u8>),
        value: impl FnOnce(&mut Vec<u8>),
    ) {
        self.key(table, group, key);
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        value(&mut self.bytes);
        self.length_set(at);
    }

    pub(crate) fn remove(&mut self, table: u8, group: KeyGroup, key: impl FnOnce(&mut Vec<u8>)) {
        self.key(table, group, key);
        self.bytes.extend_from_slice(&REMOVED.to_le_bytes());
    }

    /// An entry whose key has its prefix already.
    pub(crate) fn push_raw(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(key);
        let length = value.map_or(REMOVED, |value| value.len() as u32);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.count += 1;
    }

    fn key(&mut self, table: u8, group: KeyGroup, key: impl FnOnce(&mut Vec<u8>)) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&[table, group.0]);
        key(&mut self.bytes);
        self.length_set(at);
        self.count += 1;
    }

    fn length_set(&mut self, at: usize) {
        let length = (self.bytes.len() - at - 4) as u32;
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// The same entries in pieces of about `bytes_max`.
    pub(crate) fn pieces(self, bytes_max: usize) -> Vec<Self> {
        if self.bytes.len() <= bytes_max {
            return if self.count == 0 { Vec::new() } else { vec![self] };
        }
        let mut pieces = vec![Self::default()];
        for (key, value) in self.iter() {
            if pieces.last().is_none_or(|last| last.bytes.len() >= bytes_max) {
                pieces.push(Self::default());
            }
            if let Some(piece) = pieces.last_mut() {
                piece.push_raw(key, value);
            }
        }
        pieces
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn iter(&self) -> EntryIter<'_> {
        EntryIter(&self.bytes)
    }

    /// In the order of keys, which are all different.
    pub(crate) fn sorted(&self) -> Vec<Entry<'_>> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted
    }

    /// The object that holds these entries.
    pub(crate) fn object(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + MAGIC.len() + TRAILER_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(&self.count.to_le_bytes());
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads an object back; None when it is damaged.
    pub(crate) fn from_object(mut object: Vec<u8>) -> Option<Self> {
        let body = object.len().checked_sub(TRAILER_BYTES + MAGIC.len())?;
        let (checked, crc) = object.split_last_chunk::<4>()?;
        if !checked.starts_with(MAGIC) || crc32c::crc32c(checked) != u32::from_le_bytes(*crc) {
            return None;
        }
        let count = u64::from_le_bytes(*checked.last_chunk::<8>()?);
        object.truncate(MAGIC.len() + body);
        object.drain(..MAGIC.len());
        let entries = Self { bytes: object, count };
        (entries.iter().count() as u64 == count).then_some(entries)
    }
}

/// Entries in the order they were written; ends early at bytes that are none.
pub(crate) struct EntryIter<'b>(&'b [u8]);

impl<'b> EntryIter<'b> {
    fn field(&mut self) -> Option<Option<&'b [u8]>> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length);
        if length == REMOVED {
            self.0 = rest;
            return Some(None);
        }
        let (field, rest) = rest.split_at_checked(length as usize)?;
        self.0 = rest;
        Some(Some(field))
    }
}

impl<'b> Iterator for EntryIter<'b> {
    type Item = Entry<'b>;

    fn next(&mut self) -> Option<Entry<'b>> {
        let key = self.field()??;
        let value = self.field()?;
        (key.len() >= PREFIX_BYTES).then_some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Entries {
        let mut entries = Entries::default();
        entries.put(GLOBAL, KeyGroup(7), |out| out.push(1), |out| out.extend([2, 3]));
        entries.put(LOCAL, KeyGroup(0), |_| {}, |_| {});
        entries.remove(TIMERS, KeyGroup(255), |out| out.push(9));
        entries
    }

    #[test]
    fn an_object_reads_back() {
        let read = Entries::from_object(some().object()).expect("reads");
        let expect: [Entry<'_>; 3] = [
            (&[1, 7, 1], Some(&[2, 3])),
            (&[0, 0], Some(&[])),
            (&[3, 255, 9], None),
        ];
        assert!(read.iter().eq(expect));
    }

    #[test]
    fn a_damaged_object_is_refused() {
        let object = some().object();
        for at in 0..object.len() {
            let mut damaged = object.clone();
            damaged[at] ^= 0x10;
            assert!(Entries::from_object(damaged).is_none(), "byte {at}");
            assert!(
                Entries::from_object(object[..at].to_vec()).is_none(),
                "cut at {at}"
            );
        }
    }
}
