//! Timers in event time: who is due when, and what changed in it since the last checkpoint.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use crate::keyed::contract::{Key, KeyGroup};
use crate::keyed::entries::Entries;
use crate::keyed::table::FastMap;

/// The timers of one stage. All of them are in memory, about two keys each.
///
/// They fire in the order of time, and at one time in the order of keys. Jobs set their timers for the borders of windows, so few
/// times have many keys each; the keys of a time are put in order when it comes.
pub(crate) struct Timers<K> {
    table: u8,
    due: BTreeMap<i64, Due<K>>,
    len: usize,
    /// Known to the last checkpoint and not due any more.
    gone: Vec<(i64, K)>,
}

/// Who is due at one time.
struct Due<K> {
    /// With each key, whether a checkpoint knows of it.
    keys: FastMap<K, bool>,
    /// Once firing has begun: the same keys, the first to fire at the end.
    order: Vec<K>,
}

impl<K: Key> Due<K> {
    fn new() -> Self {
        Self {
            keys: FastMap::default(),
            order: Vec::new(),
        }
    }

    /// Whether it is new.
    fn set(&mut self, key: K, saved: bool) -> bool {
        let Entry::Vacant(free) = self.keys.entry(key) else {
            return false;
        };
        if !self.order.is_empty() {
            let at = self.order.partition_point(|later| later > free.key());
            self.order.insert(at, free.key().clone());
        }
        free.insert(saved);
        true
    }

    /// The first in the order of keys.
    fn pop(&mut self) -> Option<(K, bool)> {
        if self.order.is_empty() {
            self.order.extend(self.keys.keys().cloned());
            self.order.sort_unstable_by(|one, other| other.cmp(one));
        }
        let key = self.order.pop()?;
        let saved = self.keys.remove(&key)?;
        Some((key, saved))
    }

    fn cancel(&mut self, key: &K) -> Option<bool> {
        let saved = self.keys.remove(key)?;
        if let Ok(at) = self.order.binary_search_by(|later| key.cmp(later)) {
            self.order.remove(at);
        }
        Some(saved)
    }
}

impl<K: Key> Timers<K> {
    pub(crate) fn new(table: u8) -> Self {
        Self {
            table,
            due: BTreeMap::new(),
            len: 0,
            gone: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, at_ms: i64, key: K) {
        let due = self.due.entry(at_ms).or_insert_with(Due::new);
        self.len += usize::from(due.set(key, false));
    }

    pub(crate) fn cancel(&mut self, at_ms: i64, key: K) {
        let cancelled = self.due.get_mut(&at_ms).and_then(|due| due.cancel(&key));
        if let Some(saved) = cancelled {
            self.forget(at_ms, key, saved);
        }
    }

    /// Takes the earliest timer at or before `watermark_ms`.
    pub(crate) fn pop(&mut self, watermark_ms: i64) -> Option<(i64, K)> {
        let mut earliest = self.due.first_entry()?;
        let at_ms = *earliest.key();
        if at_ms > watermark_ms {
            return None;
        }
        let (key, saved) = earliest.get_mut().pop()?;
        self.forget(at_ms, key.clone(), saved);
        Some((at_ms, key))
    }

    /// Takes the next timers at or before `watermark_ms` that are due at one time, at most `count_max` of them; when that is.
    pub(crate) fn pop_batch(
        &mut self,
        watermark_ms: i64,
        count_max: usize,
        keys: &mut Vec<K>,
    ) -> Option<i64> {
        let (at_ms, key) = self.pop(watermark_ms)?;
        keys.push(key);
        while keys.len() < count_max
            && let Some((_, key)) = self.pop_at(at_ms)
        {
            keys.push(key);
        }
        Some(at_ms)
    }

    fn pop_at(&mut self, at_ms: i64) -> Option<(i64, K)> {
        let earliest_ms = *self.due.first_key_value()?.0;
        (earliest_ms == at_ms).then(|| self.pop(at_ms)).flatten()
    }

    fn forget(&mut self, at_ms: i64, key: K, saved: bool) {
        self.len -= 1;
        if self.due.get(&at_ms).is_some_and(|due| due.keys.is_empty()) {
            self.due.remove(&at_ms);
        }
        if saved {
            self.gone.push((at_ms, key));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Writes what changed since the last call.
    pub(crate) fn drain_changed(&mut self, entries: &mut Entries) {
        let table = self.table;
        for (at_ms, key) in self.gone.drain(..) {
            // One that was set again is written below.
            let set = self
                .due
                .get(&at_ms)
                .is_some_and(|due| due.keys.contains_key(&key));
            if !set {
                entries.remove(table, key.group(), |out| write_key(at_ms, &key, out));
            }
        }
        for (&at_ms, due) in &mut self.due {
            for (key, saved) in due.keys.iter_mut().filter(|(_, saved)| !**saved) {
                *saved = true;
                entries.put(table, key.group(), |out| write_key(at_ms, key, out), |_| {});
            }
        }
    }

    /// Puts back a timer read from a checkpoint; None when the bytes are none.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Option<()> {
        let (at_ms, key) = bytes.split_first_chunk::<8>()?;
        let at_ms = (u64::from_be_bytes(*at_ms) ^ (1 << 63)) as i64;
        let due = self.due.entry(at_ms).or_insert_with(Due::new);
        self.len += usize::from(due.set(K::decode(key)?, true));
        Some(())
    }

    /// The group a stored timer belongs to.
    pub(crate) fn group_of(bytes: &[u8]) -> Option<KeyGroup> {
        Some(K::decode(bytes.get(8..)?)?.group())
    }
}

/// Ordered as unsigned bytes, so that a scan of the table is in the order of time.
fn write_key<K: Key>(at_ms: i64, key: &K, out: &mut Vec<u8>) {
    out.extend_from_slice(&((at_ms as u64) ^ (1 << 63)).to_be_bytes());
    key.encode(out);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use event_log::disk::SplitMix;

    use super::*;
    use crate::keyed::entries::TIMERS;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    struct Number(u8);

    impl Key for Number {
        fn group(&self) -> KeyGroup {
            KeyGroup(self.0)
        }

        fn encode(&self, out: &mut Vec<u8>) {
            out.push(self.0);
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            let &[number] = bytes else { return None };
            Some(Self(number))
        }
    }

    /// What the checkpoints together know.
    fn checkpoint(timers: &mut Timers<Number>, known: &mut BTreeSet<Vec<u8>>) {
        let (mut entries, mut written) = (Entries::default(), BTreeSet::new());
        timers.drain_changed(&mut entries);
        for (key, value) in entries.iter() {
            assert!(written.insert(key.to_vec()), "a key is written once");
            match value {
                Some(_) => known.insert(key[2..].to_vec()),
                None => known.remove(&key[2..]),
            };
        }
    }

    #[test]
    fn they_behave_as_an_ordered_set_that_checkpoints_follow() {
        for seed in 0..50 {
            let mut random = SplitMix(seed);
            let (mut timers, mut model) = (Timers::new(TIMERS), BTreeSet::new());
            let mut known = BTreeSet::new();
            for _ in 0..500 {
                let (at_ms, key) = (random.below(5) as i64 - 2, Number(random.below(8) as u8));
                match random.below(8) {
                    0..=3 => {
                        timers.set(at_ms, key);
                        model.insert((at_ms, key));
                    }
                    4 => {
                        timers.cancel(at_ms, key);
                        model.remove(&(at_ms, key));
                    }
                    5 | 6 => {
                        let due = model.first().copied().filter(|(due_ms, _)| *due_ms <= at_ms);
                        model.retain(|timer| Some(*timer) != due);
                        assert_eq!(timers.pop(at_ms), due, "seed {seed}");
                    }
                    _ => checkpoint(&mut timers, &mut known),
                }
                assert_eq!(timers.len(), model.len(), "seed {seed}");
            }
            checkpoint(&mut timers, &mut known);
            let mut restored = Timers::<Number>::new(TIMERS);
            known
                .iter()
                .for_each(|bytes| restored.restore(bytes).expect("reads back"));
            let all = std::iter::from_fn(|| restored.pop(i64::MAX));
            assert!(all.eq(model), "seed {seed}");
        }
    }

    #[test]
    fn a_batch_is_of_one_time() {
        let mut timers = Timers::new(TIMERS);
        for (at_ms, key) in [(2, 9), (1, 5), (1, 3), (1, 4), (3, 1)] {
            timers.set(at_ms, Number(key));
        }
        let mut batch = || {
            let mut keys = Vec::new();
            let at_ms = timers.pop_batch(2, 2, &mut keys)?;
            Some((at_ms, keys.into_iter().map(|key| key.0).collect::<Vec<_>>()))
        };
        assert_eq!(batch(), Some((1, vec![3, 4])));
        assert_eq!(batch(), Some((1, vec![5])));
        assert_eq!(batch(), Some((2, vec![9])));
        assert_eq!(batch(), None);
    }
}
