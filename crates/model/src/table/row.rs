//! One row outside the table: to look at, to send to another process, to put in as it is.

use super::config::{CLASSES, RowClass, WIDTH_MAX};
use super::half;
use super::optimiser::{halves_into, header_into};
use super::reader::values_into;
use super::slab::{Header, WORDS_MAX};

/// A row's words without its version; those beyond its class are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub(super) class: RowClass,
    pub(super) words: [u64; WORDS_MAX],
}

impl Row {
    /// A row with these values, rounded to nearest, in the narrowest class that holds them.
    /// `None` for more than 56 values.
    pub fn new(values: &[f32], accumulator: f32, last_seen_s: u32) -> Option<Self> {
        let class = RowClass::ALL
            .into_iter()
            .find(|class| class.width() >= values.len())?;
        let header = Header {
            last_seen_s,
            updates: 0,
            tag: 0,
            accumulator,
        };
        Some(Self::of(class, header, values))
    }

    /// Values beyond the class are left out, missing ones are zero.
    pub(super) fn of(class: RowClass, header: Header, values: &[f32]) -> Self {
        let mut halves = [0; WIDTH_MAX];
        for (half, value) in halves[..class.width()].iter_mut().zip(values) {
            *half = half::nearest(*value);
        }
        let mut words = [0; WORDS_MAX];
        header_into(header, &mut words);
        halves_into(&halves, &mut words);
        Self { class, words }
    }

    pub(super) fn header(&self) -> Header {
        Header::of(self.words[0], self.words[1])
    }

    pub(super) fn header_set(&mut self, header: Header) {
        header_into(header, &mut self.words);
    }

    /// How wide it is.
    pub fn class(&self) -> RowClass {
        self.class
    }

    /// Second of event time.
    pub fn last_seen_s(&self) -> u32 {
        self.header().last_seen_s
    }

    /// Examples that trained it, at most 65 535.
    pub fn updates(&self) -> u16 {
        self.header().updates
    }

    /// Of its Adagrad.
    pub fn accumulator(&self) -> f32 {
        self.header().accumulator
    }

    /// As many as its class is wide.
    pub fn values(&self) -> Vec<f32> {
        let mut values = vec![0.0; WIDTH_MAX];
        values_into::<WORDS_MAX, WIDTH_MAX>(&self.words, &mut values);
        values.truncate(self.class.width());
        values
    }

    /// 32, 64 or 128 bytes, little-endian; the length tells the class.
    pub fn to_bytes(&self) -> Vec<u8> {
        let words = &self.words[..self.class.words()];
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// The inverse of [`Row::to_bytes`]; `None` if the length is no class's or a value is not finite.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let classes: [RowClass; CLASSES] = RowClass::ALL;
        let class = classes.into_iter().find(|class| class.bytes() == bytes.len())?;
        let mut words = [0; WORDS_MAX];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().ok()?);
        }
        words[0] &= !0xffff_ffff;
        let row = Self { class, words };
        let finite = |half: u64| half & 0x7c00 != 0x7c00;
        let values_finite = words[2..]
            .iter()
            .all(|word| (0..4).all(|i| finite(word >> (16 * i))));
        (values_finite && row.accumulator().is_finite()).then_some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_lead_back_to_the_row() {
        for width in [1, 8, 9, 24, 30, 56] {
            let values: Vec<f32> = (0..width).map(|i| i as f32 * 0.25 - 2.0).collect();
            let row = Row::new(&values, 0.5, 77).expect("at most 56");
            assert_eq!(Row::from_bytes(&row.to_bytes()), Some(row));
            assert_eq!(row.values()[..width], values);
            assert!(row.values()[width..].iter().all(|value| *value == 0.0));
        }
        assert_eq!(Row::new(&[0.0; 57], 0.0, 0), None);
    }

    #[test]
    fn foreign_bytes_are_refused() {
        let mut bytes = Row::new(&[1.0; 24], 0.5, 77).expect("at most 56").to_bytes();
        assert_eq!(Row::from_bytes(&bytes[..63]), None);
        bytes[17] = 0x7c;
        assert_eq!(Row::from_bytes(&bytes), None, "an infinity");
    }
}
