//! Timers in event time: a set of (when, whose), and what changed in it since the last checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use crate::keyed::contract::{Key, KeyGroup};
use crate::keyed::entries::Entries;

/// The timers of one stage. All of them are in memory, about 60 bytes and a key each.
pub(crate) struct Timers<K> {
    table: u8,
    due: BTreeSet<(i64, K)>,
    /// Since the last checkpoint: set (true) or gone (false).
    changed: BTreeMap<(i64, K), bool>,
}

impl<K: Key> Timers<K> {
    pub(crate) fn new(table: u8) -> Self {
        Self {
            table,
            due: BTreeSet::new(),
            changed: BTreeMap::new(),
        }
    }

    pub(crate) fn set(&mut self, at_ms: i64, key: K) {
        if self.due.insert((at_ms, key.clone())) {
            self.changed.insert((at_ms, key), true);
        }
    }

    pub(crate) fn cancel(&mut self, at_ms: i64, key: K) {
        let timer = (at_ms, key);
        if self.due.remove(&timer) {
            self.changed.insert(timer, false);
        }
    }

    /// Takes the earliest timer at or before `watermark_ms`.
    pub(crate) fn pop(&mut self, watermark_ms: i64) -> Option<(i64, K)> {
        if self.due.first()?.0 > watermark_ms {
            return None;
        }
        let timer = self.due.pop_first()?;
        self.changed.insert(timer.clone(), false);
        Some(timer)
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// Writes what changed since the last call.
    pub(crate) fn drain_changed(&mut self, entries: &mut Entries) {
        for ((at_ms, key), set) in std::mem::take(&mut self.changed) {
            let group = key.group();
            let write_key = |out: &mut Vec<u8>| {
                // Ordered as unsigned bytes, so that a scan of the table is in the order of time.
                out.extend_from_slice(&((at_ms as u64) ^ (1 << 63)).to_be_bytes());
                key.encode(out);
            };
            match set {
                true => entries.put(self.table, group, write_key, |_| {}),
                false => entries.remove(self.table, group, write_key),
            }
        }
    }

    /// Puts back a timer read from a checkpoint; None when the bytes are none.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Option<()> {
        let (at_ms, key) = bytes.split_first_chunk::<8>()?;
        let at_ms = (u64::from_be_bytes(*at_ms) ^ (1 << 63)) as i64;
        self.due.insert((at_ms, K::decode(key)?));
        Some(())
    }

    /// The group a stored timer belongs to.
    pub(crate) fn group_of(bytes: &[u8]) -> Option<KeyGroup> {
        Some(K::decode(bytes.get(8..)?)?.group())
    }
}
