//! A map from 64-bit keys whose reads can be asked for ahead: extraction looks up some thirty counters of a candidate, all over memory, and waits for none of
//! them if their lines are on the way already ([`Map::prefetch`]).
//!
//! Open addressing with linear probing over a list of keys and a list of values; a removal moves what stands behind it forward, so there are no
//! tombstones. It grows by doubling above [`LOAD_MAX_PERCENT`]. It iterates in an order of its own: whoever writes it out sorts. Two maps are equal when
//! they hold equal entries.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "a prefetch takes a raw pointer")
)]

/// Share of the places in use at most, in percent: lookups then end after two to six keys, which are mostly one line.
const LOAD_MAX_PERCENT: usize = 70;
const PLACES_MIN: usize = 16;
/// Marks a free place. Keys are kept one higher; the two ids out of 2⁶⁴ at the ends share an entry.
const FREE: u64 = 0;
/// 2⁶⁴ over the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// See the file's header.
#[derive(Debug, Clone)]
pub(crate) struct Map<V> {
    keys: Vec<u64>,
    values: Vec<V>,
    len: usize,
}

/// The place of a key that may be there.
pub(crate) struct Entry<'a, V> {
    map: &'a mut Map<V>,
    key: u64,
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            values: Vec::new(),
            len: 0,
        }
    }
}

impl<V: PartialEq + Default> PartialEq for Map<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().all(|(key, value)| other.get(&key) == Some(value))
    }
}

fn kept(key: u64) -> u64 {
    key.wrapping_add(1).max(1)
}

impl<V> Map<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: &u64) -> Option<&V> {
        self.find(*key).map(|at| &self.values[at])
    }

    pub(crate) fn get_mut(&mut self, key: &u64) -> Option<&mut V> {
        self.find(*key).map(|at| &mut self.values[at])
    }

    #[cfg(test)]
    pub(crate) fn contains_key(&self, key: &u64) -> bool {
        self.find(*key).is_some()
    }

    /// Entries, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        let places = self.keys.iter().zip(&self.values);
        places
            .filter(|(kept, _)| **kept != FREE)
            .map(|(kept, value)| (kept - 1, value))
    }

    /// Starts to fetch what a lookup of `key` will read.
    #[inline(always)]
    pub(crate) fn prefetch(&self, key: u64) {
        if self.keys.is_empty() {
            return;
        }
        let home = self.home(kept(key));
        fetch(&self.keys[home]);
        fetch(&self.values[home]);
    }

    /// Where a key belongs; there must be places.
    #[inline(always)]
    fn home(&self, kept: u64) -> usize {
        // As many high bits as there are places, a power of two.
        let shift = 64 - self.keys.len().trailing_zeros();
        (kept.wrapping_mul(SPREAD) >> shift) as usize
    }

    #[inline(always)]
    fn find(&self, key: u64) -> Option<usize> {
        if self.keys.is_empty() {
            return None;
        }
        let wanted = kept(key);
        let (mask, mut at) = (self.keys.len() - 1, self.home(wanted));
        loop {
            match self.keys[at] {
                found if found == wanted => return Some(at),
                FREE => return None,
                _ => at = (at + 1) & mask,
            }
        }
    }
}

impl<V: Default> Map<V> {
    pub(crate) fn entry(&mut self, key: u64) -> Entry<'_, V> {
        Entry { map: self, key }
    }

    pub(crate) fn insert(&mut self, key: u64, value: V) {
        *self.entry(key).or_default() = value;
    }

    pub(crate) fn remove(&mut self, key: &u64) -> Option<V> {
        let at = self.find(*key)?;
        Some(self.remove_at(at))
    }

    /// Keeps the entries of which `keep` is true. It may be asked twice about one.
    pub(crate) fn retain(&mut self, keep: impl Fn(&u64, &V) -> bool) {
        let mut at = 0;
        while at < self.keys.len() {
            let kept = self.keys[at];
            if kept != FREE && !keep(&(kept - 1), &self.values[at]) {
                // What stood behind it may stand here now, so the place is looked at again.
                self.remove_at(at);
            } else {
                at += 1;
            }
        }
    }

    fn remove_at(&mut self, mut hole: usize) -> V {
        let mask = self.keys.len() - 1;
        let removed = std::mem::take(&mut self.values[hole]);
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let kept = self.keys[at];
            if kept == FREE {
                break;
            }
            // It may move to the hole if that lies between its home and its place.
            let from_home = at.wrapping_sub(self.home(kept)) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.keys[hole] = kept;
                self.values.swap(hole, at);
                hole = at;
            }
        }
        self.keys[hole] = FREE;
        self.len -= 1;
        removed
    }

    fn grow(&mut self) {
        let places = (self.keys.len() * 2).max(PLACES_MIN);
        let keys = std::mem::replace(&mut self.keys, vec![FREE; places]);
        let values = std::mem::take(&mut self.values);
        self.values.resize_with(places, V::default);
        for (kept, value) in keys.into_iter().zip(values) {
            if kept != FREE {
                let at = self.vacancy(kept);
                self.keys[at] = kept;
                self.values[at] = value;
            }
        }
    }

    /// The free place that a key which is not there belongs to.
    fn vacancy(&self, kept: u64) -> usize {
        let (mask, mut at) = (self.keys.len() - 1, self.home(kept));
        while self.keys[at] != FREE {
            at = (at + 1) & mask;
        }
        at
    }
}

impl<'a, V: Default> Entry<'a, V> {
    /// The value, made if it is not there.
    pub(crate) fn or_default(self) -> &'a mut V {
        let Self { map, key } = self;
        if let Some(at) = map.find(key) {
            return &mut map.values[at];
        }
        if (map.len + 1) * 100 > map.keys.len() * LOAD_MAX_PERCENT {
            map.grow();
        }
        let at = map.vacancy(kept(key));
        map.keys[at] = kept(key);
        map.len += 1;
        &mut map.values[at]
    }
}

/// Starts to fetch the lines of a value.
#[inline(always)]
fn fetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..size_of::<T>().div_ceil(64) {
        // SAFETY: a prefetch is a hint; the address lies inside a live value.
        unsafe {
            let first = std::ptr::from_ref(value).cast::<i8>();
            core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(first.add(line * 64));
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn entries(map: &Map<u32>) -> BTreeMap<u64, u32> {
        map.iter().map(|(key, value)| (key, *value)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Few keys and many that belong to one place, so that runs are long, wrap around, and close again.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0_u8..6, 0_u64..60, any::<u32>()), 0..400)) {
            let (mut map, mut plain) = (Map::default(), BTreeMap::new());
            for (what, key, value) in steps {
                let key = if key < 30 { key } else { (key << 40).wrapping_sub(1) };
                match what {
                    0..3 => {
                        map.insert(key, value);
                        plain.insert(key, value);
                    }
                    3 => prop_assert_eq!(map.remove(&key), plain.remove(&key)),
                    4 => *map.entry(key).or_default() = *plain.entry(key).or_insert(0),
                    _ => {
                        map.retain(|key, kept| (key ^ u64::from(*kept)) % 3 != u64::from(value % 3));
                        plain.retain(|key, kept| (*key ^ u64::from(*kept)) % 3 != u64::from(value % 3));
                    }
                }
                prop_assert_eq!(map.len(), plain.len());
                prop_assert_eq!(map.get(&key), plain.get(&key));
            }
            prop_assert_eq!(&entries(&map), &plain);
            let mut turned = Map::default();
            plain.iter().rev().for_each(|(key, value)| turned.insert(*key, *value));
            prop_assert!(turned == map);
            turned.insert(u64::MAX / 2, 7);
            prop_assert!(turned != map);
        }
    }

    #[test]
    fn the_ends_of_the_range_are_keys_too() {
        let mut map = Map::default();
        assert_eq!(map.get(&0), None::<&u32>);
        map.insert(0, 1_u32);
        assert_eq!(map.get(&0), Some(&1));
        *map.get_mut(&0).expect("there") = 2;
        assert_eq!(map.remove(&u64::MAX), Some(2), "they share an entry");
        assert!(!map.contains_key(&0));
    }
}
