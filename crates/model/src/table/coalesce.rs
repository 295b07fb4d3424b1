//! Gradients of one batch, summed by key, so that a row that many examples share is written once.
//!
//! Sums are taken in the order of the batch and groups kept in the order of first occurrence: the same batch gives the
//! same bits.

use super::key::Key;
use super::random::fold;

/// Places of the lookup table at the start; a power of two.
const PLACES_MIN: usize = 1 << 10;
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A key of the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) key: Key,
    /// Examples that named it.
    pub(super) seen: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    batch: u32,
    group: u32,
    key: u64,
}

/// Reused from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Coalesced {
    width: usize,
    groups: Vec<Group>,
    sums: Vec<f32>,
    places: Vec<Place>,
    batch: u32,
}

impl Coalesced {
    /// Forgets the last batch; sums get `width` values.
    pub(super) fn begin(&mut self, width: usize, keys: usize) {
        self.width = width;
        self.groups.clear();
        self.sums.clear();
        let wanted = (keys * 2).next_power_of_two().max(PLACES_MIN);
        self.batch = self.batch.wrapping_add(1);
        if self.places.len() < wanted || self.batch == 0 {
            self.places.clear();
            self.places.resize(wanted, Place::default());
            self.batch = 1;
        }
    }

    /// Adds a gradient of at most the width, seen in `seen` examples.
    pub(super) fn add(&mut self, key: Key, gradient: &[f32], seen: u32) {
        let group = self.group_of(key);
        self.groups[group].seen += seen;
        let first = group * self.width;
        for (sum, value) in self.sums[first..first + self.width].iter_mut().zip(gradient) {
            *sum += value;
        }
    }

    /// Adds one group's sum to that of another key, as for ids without a row.
    pub(super) fn lend(&mut self, from: usize, to: Key) {
        let Group { seen, .. } = self.groups[from];
        let group = self.group_of(to);
        self.groups[group].seen += seen;
        for i in 0..self.width {
            self.sums[group * self.width + i] += self.sums[from * self.width + i];
        }
    }

    fn group_of(&mut self, key: Key) -> usize {
        let mask = self.places.len() - 1;
        let mut at = fold(key.bits() ^ SPREAD, SPREAD) as usize & mask;
        loop {
            let place = self.places[at];
            if place.batch != self.batch {
                break;
            }
            if place.key == key.bits() {
                return place.group as usize;
            }
            at = (at + 1) & mask;
        }
        self.places[at] = Place {
            batch: self.batch,
            group: self.groups.len() as u32,
            key: key.bits(),
        };
        self.groups.push(Group { key, seen: 0 });
        self.sums.resize(self.sums.len() + self.width, 0.0);
        self.groups.len() - 1
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn group(&self, group: usize) -> Group {
        self.groups[group]
    }

    pub(super) fn sum(&self, group: usize) -> &[f32] {
        &self.sums[group * self.width..][..self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_the_batch() {
        let mut coalesced = Coalesced::default();
        for round in 0..3 {
            coalesced.begin(2, 5000);
            for i in 0..5000_u64 {
                coalesced.add(Key::new(1, i % 1250), &[1.0, round as f32], 1);
            }
            assert_eq!(coalesced.len(), 1250);
            for group in 0..1250 {
                assert_eq!(coalesced.group(group).key, Key::new(1, group as u64));
                assert_eq!(coalesced.group(group).seen, 4);
                assert_eq!(coalesced.sum(group), [4.0, 4.0 * round as f32]);
            }
        }
        coalesced.lend(3, Key::new(1, 9_999));
        coalesced.lend(4, Key::new(1, 9_999));
        assert_eq!(coalesced.sum(1250), [8.0, 16.0]);
        assert_eq!(coalesced.group(1250).seen, 8);
    }
}
