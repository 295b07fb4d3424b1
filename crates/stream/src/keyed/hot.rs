//! Keys that take more than their share, found in a stream in bounded memory.
//!
//! The sketch is Space-Saving (Metwally, Agrawal, El Abbadi: "Efficient computation of frequent and top-k elements in data streams",
//! 2005): it holds the `KEYS_MAX` keys that may be frequent; every key above `1 / KEYS_MAX` of the traffic is among them, and a
//! count is too high by at most what its cell inherited. It is deterministic: the same sequence gives the same sketch.

use std::collections::BTreeMap;

use crate::keyed::contract::Key;

/// Keys followed at a time.
pub const HOT_KEYS_MAX: usize = 32;

/// The frequent keys of a stream since it was last cleared.
#[derive(Debug, Clone)]
pub struct HotKeys<K> {
    /// For each key its count, and how much of it was inherited.
    cells: BTreeMap<K, Count>,
    total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    count: u64,
    inherited: u64,
}

impl<K> Default for HotKeys<K> {
    fn default() -> Self {
        Self {
            cells: BTreeMap::new(),
            total: 0,
        }
    }
}

impl<K: Key> HotKeys<K> {
    /// Notes one occurrence.
    pub fn note(&mut self, key: &K) {
        self.total += 1;
        if let Some(cell) = self.cells.get_mut(key) {
            cell.count += 1;
            return;
        }
        let inherited = if self.cells.len() < HOT_KEYS_MAX {
            0
        } else {
            self.evict()
        };
        let cell = Count {
            count: inherited + 1,
            inherited,
        };
        self.cells.insert(key.clone(), cell);
    }

    /// Makes room; the count of what left.
    fn evict(&mut self) -> u64 {
        let least = self.cells.iter().min_by_key(|(_, cell)| cell.count);
        let Some((key, count)) = least.map(|(key, cell)| (key.clone(), cell.count)) else {
            return 0;
        };
        self.cells.remove(&key);
        count
    }

    /// Keys that surely have at least `share` of all occurrences, with their least possible count.
    pub fn above(&self, share: f64) -> impl Iterator<Item = (&K, u64)> {
        let least = (self.total as f64 * share).max(1.0);
        let sure = self
            .cells
            .iter()
            .map(|(key, cell)| (key, cell.count - cell.inherited));
        sure.filter(move |(_, count)| *count as f64 >= least)
    }

    /// Occurrences since the last clear.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.total = 0;
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.total.to_le_bytes());
        for (key, cell) in &self.cells {
            let at = out.len();
            out.extend_from_slice(&[0; 2]);
            key.encode(out);
            let length = (out.len() - at - 2) as u16;
            out[at..at + 2].copy_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&cell.count.to_le_bytes());
            out.extend_from_slice(&cell.inherited.to_le_bytes());
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (total, mut rest) = bytes.split_first_chunk::<8>()?;
        let mut cells = BTreeMap::new();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (key, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            let (count, after) = after.split_first_chunk::<8>()?;
            let (inherited, after) = after.split_first_chunk::<8>()?;
            let cell = Count {
                count: u64::from_le_bytes(*count),
                inherited: u64::from_le_bytes(*inherited),
            };
            cells.insert(K::decode(key)?, cell);
            rest = after;
        }
        rest.is_empty().then_some(Self {
            cells,
            total: u64::from_le_bytes(*total),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed::contract::tests::Number;

    fn noted(keys: impl Iterator<Item = u64>) -> HotKeys<Number> {
        let mut hot = HotKeys::default();
        keys.for_each(|key| hot.note(&Number(key)));
        hot
    }

    #[test]
    fn a_frequent_key_is_found_among_many_rare_ones() {
        // One in ten is key 7, the rest never come twice.
        let hot = noted((0..10_000).map(|n| if n % 10 == 0 { 7 } else { 1_000 + n }));
        let found: Vec<u64> = hot.above(0.05).map(|(key, _)| key.0).collect();
        assert_eq!(found, [7]);
        assert_eq!(hot.total(), 10_000);
    }

    #[test]
    fn even_traffic_has_no_hot_key() {
        assert_eq!(noted((0..10_000).map(|n| n % 500)).above(0.05).count(), 0);
    }

    #[test]
    fn it_reads_back() {
        let hot = noted((0..500).map(|n| n % 70));
        let mut bytes = Vec::new();
        hot.encode(&mut bytes);
        let back: HotKeys<Number> = HotKeys::decode(&bytes).expect("reads");
        assert_eq!((back.total, &back.cells), (hot.total, &hot.cells));
        for cut in [1, 9, bytes.len() - 1] {
            assert!(HotKeys::<Number>::decode(&bytes[..cut]).is_none(), "cut at {cut}");
        }
    }
}
