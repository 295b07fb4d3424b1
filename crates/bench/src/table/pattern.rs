//! Rows that check themselves: values that half precision holds exactly, all of them said by the key and by the first two.

use super::WIDTH;

/// Below this, sums with a place in the row are exact in half precision.
const NAMES: u64 = 1 << 10;

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

/// What the even values of a key's row say.
fn name(id: u64) -> f32 {
    (1 + id.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (NAMES - 1)) as f32
}

/// The row of a key as write number `write` leaves it.
pub(super) fn write(id: u64, write: u64, values: &mut [f32; WIDTH]) {
    let pair = [name(id), (1 + write % (NAMES - 1)) as f32];
    for (i, value) in values.iter_mut().enumerate() {
        *value = pair[i % 2] + i as f32;
    }
}

/// What a read row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Of this key, of one write.
    Whole,
    /// The default of ids without a row.
    Absent,
    Torn,
}

/// Looks at every value.
pub(super) fn check(id: u64, values: &[f32; WIDTH]) -> Seen {
    let pair = [name(id), values[1] - 1.0];
    let mut off = 0.0_f32;
    for (i, value) in values.iter().enumerate() {
        off += (value - pair[i % 2] - i as f32).abs();
    }
    match off {
        0.0 if values[1] > 1.0 => Seen::Whole,
        _ if values.iter().all(|value| *value == 0.0) => Seen::Absent,
        _ => Seen::Torn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_foreign_value_is_seen() {
        let (mut row, mut other, mut foreign) = ([0.0; WIDTH], [0.0; WIDTH], [0.0; WIDTH]);
        write(5, 1, &mut row);
        write(5, 2, &mut other);
        write(6, 1, &mut foreign);
        assert_eq!(check(5, &row), Seen::Whole);
        assert_eq!(check(5, &foreign), Seen::Torn);
        assert_eq!(check(5, &[0.0; WIDTH]), Seen::Absent);
        for i in 0..WIDTH {
            let mut torn = row;
            torn[i] = if i % 2 == 0 { foreign[i] } else { other[i] };
            assert_eq!(check(5, &torn), Seen::Torn, "value {i}");
        }
    }
}
