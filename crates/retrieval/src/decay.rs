//! Forgetting in event time: weights that halve every half-life.

use serde::{Deserialize, Serialize};
use types::DurationMs;

/// A half-life. Weights are 1 at age 0; a negative age counts as 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decay {
    half_life_ms: f64,
}

impl Decay {
    /// A half-life of so many milliseconds; anything below 1 counts as 1.
    pub fn of_ms(half_life_ms: DurationMs) -> Self {
        Self {
            half_life_ms: half_life_ms.max(1) as f64,
        }
    }

    pub fn of_hours(hours: f64) -> Self {
        Self {
            half_life_ms: (hours * 3_600_000.0).max(1.0),
        }
    }

    /// What is left of a weight of 1 after `age_ms`.
    pub fn weight(self, age_ms: DurationMs) -> f64 {
        (-(age_ms.max(0) as f64) / self.half_life_ms).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_halves_every_half_life() {
        let decay = Decay::of_hours(1.5);
        let hour_ms = 3_600_000;
        for (age_ms, weight) in [
            (0, 1.0),
            (3 * hour_ms / 2, 0.5),
            (3 * hour_ms, 0.25),
            (-hour_ms, 1.0),
            (DurationMs::MAX, 0.0),
        ] {
            assert_eq!(decay.weight(age_ms), weight, "age {age_ms}");
        }
        assert_eq!(Decay::of_ms(0), Decay::of_ms(1));
        assert_eq!(Decay::of_hours(f64::NAN), Decay::of_ms(1));
        assert_eq!(Decay::of_hours(2.0), Decay::of_ms(2 * hour_ms));
    }
}
