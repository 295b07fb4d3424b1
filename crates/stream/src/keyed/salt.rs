//! Salting: a key too hot for one worker is split over several, for work that cannot be combined before the exchange.
//!
//! Sums need none of this: stage one folds them, and a hot key costs one delta a worker and epoch. Salt is for state that grows
//! with every record of a key, such as a set, an order or a join.
//!
//! Each partition salts on its own, by its own records in their order, so a replay salts alike; nobody has to agree with anybody,
//! because a reader merges all the salts there can be. The number of salts of a key only grows within a window; a new window begins
//! with what the one before it has seen.

use std::collections::BTreeMap;

use crate::keyed::contract::{Key, Value};
use crate::keyed::hot::HotKeys;

/// A key is hot from this share of a partition's records on.
const HOT_SHARE: f64 = 0.1;
/// Records of a window before anything is called hot.
const RECORDS_MIN: u64 = 256;
/// How often, in records, a window looks for hot keys.
const LOOK_RECORDS: u64 = 256;

/// The salts a reader merges.
pub const SALTS_MAX: u8 = 16;

/// What one partition knows of hot keys: state of stage one, under a key of its own.
#[derive(Debug, Clone)]
pub struct Salter<K> {
    /// The window at hand: event time by the caller's window width.
    window: i64,
    hot: HotKeys<K>,
    /// Salts of keys that are split, this window; powers of two.
    split: BTreeMap<K, u8>,
}

impl<K> Default for Salter<K> {
    fn default() -> Self {
        Self {
            window: i64::MIN,
            hot: HotKeys::default(),
            split: BTreeMap::new(),
        }
    }
}

impl<K: Key> Salter<K> {
    /// The salt of a record of `key` in `window`, below [`SALTS_MAX`]: 0 unless the key is hot. `spread` tells records of a
    /// key apart, such as a hash of the viewer; equal ones get equal salts as long as the key is not split further.
    pub fn salt(&mut self, key: &K, window: i64, spread: u64) -> u8 {
        if window > self.window {
            self.window_begin(window);
        }
        self.hot.note(key);
        if self.hot.total() >= RECORDS_MIN && self.hot.total().is_multiple_of(LOOK_RECORDS) {
            self.look();
        }
        let salts = self.split.get(key).copied().unwrap_or(1);
        (spread % u64::from(salts)) as u8
    }

    fn window_begin(&mut self, window: i64) {
        self.split.clear();
        if self.hot.total() >= RECORDS_MIN {
            self.look();
        }
        self.hot.clear();
        self.window = window;
    }

    /// A key with `n` times the hot share gets about `n` salts.
    fn look(&mut self) {
        let least = (self.hot.total() as f64 * HOT_SHARE).max(1.0);
        for (key, count) in self.hot.above(HOT_SHARE) {
            let wanted = (2.0 * count as f64 / least) as u64;
            let salts = wanted.next_power_of_two().min(u64::from(SALTS_MAX)) as u8;
            let held = self.split.entry(key.clone()).or_insert(1);
            *held = salts.max(*held);
        }
    }

    /// Keys that are split at the moment, with their salts.
    pub fn split(&self) -> impl Iterator<Item = (&K, u8)> {
        self.split.iter().map(|(key, salts)| (key, *salts))
    }
}

impl<K: Key> Value for Salter<K> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.window.to_le_bytes());
        out.extend_from_slice(&(self.split.len() as u16).to_le_bytes());
        for (key, salts) in &self.split {
            let at = out.len();
            out.extend_from_slice(&[0; 2]);
            key.encode(out);
            let length = (out.len() - at - 2) as u16;
            out[at..at + 2].copy_from_slice(&length.to_le_bytes());
            out.push(*salts);
        }
        self.hot.encode(out);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (window, rest) = bytes.split_first_chunk::<8>()?;
        let (count, mut rest) = rest.split_first_chunk::<2>()?;
        let mut split = BTreeMap::new();
        for _ in 0..u16::from_le_bytes(*count) {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (key, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            let (salts, after) = after.split_first()?;
            split.insert(K::decode(key)?, *salts);
            rest = after;
        }
        Some(Self {
            window: i64::from_le_bytes(*window),
            hot: HotKeys::decode(rest)?,
            split,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed::contract::tests::Number;

    fn spread_of(salter: &mut Salter<Number>, key: u64, window: i64, records: u64) -> Vec<u64> {
        let mut counts = vec![0; usize::from(SALTS_MAX)];
        for record in 0..records {
            counts[usize::from(salter.salt(&Number(key), window, record))] += 1;
        }
        counts
    }

    #[test]
    fn a_superstar_is_spread_and_others_are_not() {
        let mut salter = Salter::default();
        let counts = spread_of(&mut salter, 1, 0, 10_000);
        let hottest = counts.iter().max().copied().unwrap_or_default();
        assert!(hottest < 1_200, "{counts:?}");
        let cold: Vec<u8> = (0..64).map(|n| salter.salt(&Number(1_000 + n), 0, n)).collect();
        assert!(cold.iter().all(|&salt| salt == 0));
    }

    #[test]
    fn salts_only_grow_within_a_window_and_the_next_begins_with_them() {
        let mut salter = Salter::default();
        let mut held = 1;
        for _ in 0..40 {
            spread_of(&mut salter, 1, 0, 100);
            spread_of(&mut salter, 2, 0, 300);
            let now = salter
                .split()
                .find(|(key, _)| key.0 == 1)
                .map_or(1, |(_, salts)| salts);
            assert!(now >= held, "{now} after {held}");
            held = now;
        }
        assert!(held > 1);
        assert!(
            salter.salt(&Number(1), 1, u64::from(held) - 1) > 0,
            "the next window knows"
        );
        spread_of(&mut salter, 3, 1, 10_000);
        salter.salt(&Number(3), 2, 0);
        assert!(
            salter.split().all(|(key, _)| key.0 == 3),
            "what cooled down is whole again"
        );
    }

    #[test]
    fn a_replay_from_anywhere_salts_alike() {
        let keys = |n: u64| if n.is_multiple_of(3) { 1 } else { n % 40 };
        let mut straight = Salter::default();
        let mut cut = Salter::default();
        for n in 0..5_000 {
            let window = (n / 1_500) as i64;
            let expect = straight.salt(&Number(keys(n)), window, n);
            if n.is_multiple_of(777) {
                let mut bytes = Vec::new();
                cut.encode(&mut bytes);
                cut = Salter::decode(&bytes).expect("reads back");
            }
            assert_eq!(cut.salt(&Number(keys(n)), window, n), expect, "record {n}");
        }
    }
}
