//! One row of features, and the rounding that the log applies to it.

use half::f16;
use types::DurationMs;

/// What a scorer reads and a learner learns from, equal to the bit. Reused from row to row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Slot and id (its low 54 bits count). A slot may be absent or repeated.
    pub ids: Vec<(u16, u64)>,
    /// One value for each dense feature, by slot, each exactly representable in half precision.
    pub dense: Vec<f32>,
    /// Length of the video; 0 is unknown.
    pub duration_ms: DurationMs,
}

impl Row {
    /// The dense values that differ from the registry's defaults, by slot: what the log keeps.
    pub fn logged(&self, defaults: &[f32]) -> Vec<(u16, f32)> {
        let slots = (0..=u16::MAX).zip(self.dense.iter().zip(defaults));
        slots
            .filter(|(_, (value, default))| value.to_bits() != default.to_bits())
            .map(|(slot, (value, _))| (slot, *value))
            .collect()
    }
}

/// The nearest value that half precision holds; what is too large becomes the largest, what is not a number 0.
pub fn rounded(value: f32) -> f32 {
    const LARGEST: f32 = 65_504.0;
    match value.is_nan() {
        true => 0.0,
        // Adding 0 turns −0 into 0, so that a default is equal to the bit.
        false => f16::from_f32(value.clamp(-LARGEST, LARGEST)).to_f32() + 0.0,
    }
}

/// [`rounded`] for a whole list, to the bit: written without branches, so that it becomes vector instructions on any machine.
pub(crate) fn round(values: &mut [f32]) {
    const LARGEST: f32 = 65_504.0;
    /// 2⁻¹⁴, the smallest number that half precision holds with all its digits.
    const NORMAL_MIN: f32 = 6.103_515_6e-5;
    /// Digits that half precision lacks.
    const CUT: u32 = 13;
    for value in values {
        let sign = value.to_bits() & 0x8000_0000;
        // What is not a number compares as not larger and becomes the largest here; it is sorted out below.
        let size = f32::from_bits(value.to_bits() & 0x7fff_ffff);
        let size = if size < LARGEST { size } else { LARGEST };
        let bits = size.to_bits();
        let normal = bits.wrapping_add((1 << (CUT - 1)) - 1 + (bits >> CUT & 1)) & !((1 << CUT) - 1);
        // Near ½ a single has the digits that a tiny half has near 0, so adding it rounds.
        let tiny = (size + 0.5) - 0.5;
        let near = if size < NORMAL_MIN {
            tiny
        } else {
            f32::from_bits(normal)
        };
        let signed = f32::from_bits(near.to_bits() | sign) + 0.0;
        *value = if value.is_nan() { 0.0 } else { signed };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_stable() {
        for value in [0.1, -3.999_9, 1e-9, 1e9, f32::NAN, -0.0, f32::NEG_INFINITY] {
            let once = rounded(value);
            assert_eq!(once.to_bits(), rounded(once).to_bits(), "{value}");
            assert!(once.is_finite(), "{value}");
        }
        assert_eq!(rounded(1e9), 65_504.0);
        assert_eq!(rounded(-0.0).to_bits(), 0);
    }

    #[test]
    fn a_list_is_rounded_as_its_values_are() {
        let ends = [
            0.0,
            -0.0,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            65_519.9,
            65_520.0,
            1e38,
            6.103_515_6e-5,
        ];
        let halves = (0..=u16::MAX).map(|bits| f16::from_bits(bits).to_f32());
        let near = |half: f32| {
            let bits = half.to_bits();
            [0, 1, 0xfff, 0x1000, 0x1001, 0x1fff].map(|more| f32::from_bits(bits.wrapping_add(more)))
        };
        let spread = (0..1 << 20).map(|i: u32| f32::from_bits(i.wrapping_mul(0x9e37_79b1)));
        let values: Vec<f32> = ends
            .into_iter()
            .chain(halves.flat_map(near))
            .chain(spread)
            .collect();
        let mut list = values.clone();
        round(&mut list);
        for (value, listed) in values.iter().zip(list) {
            assert_eq!(rounded(*value).to_bits(), listed.to_bits(), "{value:e}");
        }
    }

    #[test]
    fn the_log_keeps_what_is_not_at_its_default() {
        let row = Row {
            dense: vec![0.0, 2.0, 1.0],
            ..Row::default()
        };
        assert_eq!(row.logged(&[0.0, 0.0, 1.0]), [(1, 2.0)]);
    }
}
