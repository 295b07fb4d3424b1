//! How often each thing was done, as whole numbers: sums that come out the same in whatever order they are added.

use crate::bytes::{Row, put_signed, put_varint};

/// What is counted. Numbers are stored and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Measure {
    /// It was on screen with a picture.
    Impression = 0,
    /// Accepted watches.
    View = 1,
    /// Watches that reached the end.
    Completion = 2,
    /// Left within two seconds, or early as the player judged.
    EarlySkip = 3,
    Loop = 4,
    /// Likes less unlikes; so with saves and follows.
    Like = 5,
    Comment = 6,
    Share = 7,
    Save = 8,
    Follow = 9,
    NotInterested = 10,
    Report = 11,
    /// Videos published.
    Publish = 12,
    /// Milliseconds watched.
    WatchMs = 13,
}

/// How many measures there are.
pub const MEASURES: usize = 14;

impl Measure {
    /// All of them, by number.
    pub const ALL: [Self; MEASURES] = [
        Self::Impression,
        Self::View,
        Self::Completion,
        Self::EarlySkip,
        Self::Loop,
        Self::Like,
        Self::Comment,
        Self::Share,
        Self::Save,
        Self::Follow,
        Self::NotInterested,
        Self::Report,
        Self::Publish,
        Self::WatchMs,
    ];
}

/// One number for each [`Measure`]. A number may be negative for a while: an unlike can be read before its like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([i64; MEASURES]);

impl Counts {
    /// `amount` of one measure.
    pub fn of(measure: Measure, amount: i64) -> Self {
        let mut counts = Self::default();
        counts.add(measure, amount);
        counts
    }

    pub fn get(&self, measure: Measure) -> i64 {
        self.0[measure as usize]
    }

    /// The number, or 0 while it is negative.
    pub fn shown(&self, measure: Measure) -> u64 {
        self.get(measure).max(0).unsigned_abs()
    }

    pub fn add(&mut self, measure: Measure, amount: i64) {
        let held = &mut self.0[measure as usize];
        // Wrapping keeps additions in any order equal; no real sum gets near.
        *held = held.wrapping_add(amount);
    }

    pub fn merge(&mut self, other: &Self) {
        for (held, more) in self.0.iter_mut().zip(other.0) {
            *held = held.wrapping_add(more);
        }
    }

    /// The same with nothing of one measure.
    #[must_use]
    pub fn without(mut self, measure: Measure) -> Self {
        self.0[measure as usize] = 0;
        self
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// (number of the measure, amount) of those that are not 0.
    pub fn present(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        self.0
            .iter()
            .copied()
            .enumerate()
            .filter(|&(_, amount)| amount != 0)
    }

    /// Appends the counts: a mask of the measures that are not 0, then those, as varints.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(
            out,
            self.present().fold(0, |mask, (number, _)| mask | 1 << number),
        );
        self.present().for_each(|(_, amount)| put_signed(out, amount));
    }

    /// Reads counts from the front of `row`.
    pub fn decode(row: &mut Row<'_>) -> Option<Self> {
        let (mask, mut counts) = (row.varint()?, Self::default());
        if mask >> MEASURES != 0 {
            return None;
        }
        for number in (0..MEASURES).filter(|number| mask >> number & 1 == 1) {
            counts.0[number] = row.signed()?;
        }
        Some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_come_back() {
        for (number, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(number, measure as usize);
        }
        let mut counts = Counts::of(Measure::WatchMs, 15_500);
        counts.add(Measure::Like, -1);
        counts.merge(&Counts::of(Measure::View, 3));
        assert_eq!((counts.get(Measure::Like), counts.shown(Measure::Like)), (-1, 0));
        assert_eq!(counts.shown(Measure::View), 3);
        let mut bytes = Vec::new();
        counts.encode(&mut bytes);
        assert_eq!(bytes.len(), 2 + 1 + 1 + 3, "a mask and three small numbers");
        assert_eq!(Counts::decode(&mut Row(&bytes)), Some(counts));
        assert_eq!(
            Counts::decode(&mut Row(&[0xff, 0xff, 1])),
            None,
            "a measure of tomorrow"
        );
        assert!(Counts::default().is_zero() && !counts.is_zero());
    }
}
