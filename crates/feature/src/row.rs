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
    fn the_log_keeps_what_is_not_at_its_default() {
        let row = Row {
            dense: vec![0.0, 2.0, 1.0],
            ..Row::default()
        };
        assert_eq!(row.logged(&[0.0, 0.0, 1.0]), [(1, 2.0)]);
    }
}
