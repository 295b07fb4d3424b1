//! Counter-based randomness: every number is a function of a key, never of what was drawn before. It keeps no global
//! state, so two policies that face the same choice get the same luck (common random numbers). Not for secrets.

use std::f64::consts::TAU;

/// SplitMix64's increment and finaliser (Steele, Lea, Flood 2014).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The name of a stream of numbers: a seed, and words that say what the numbers are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The key of everything under `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(mix(seed.wrapping_add(GOLDEN)))
    }

    /// The key of part `word`: a purpose, a viewer, a video, a step.
    pub const fn with(self, word: u64) -> Self {
        Self(mix(
            self.0.rotate_left(23) ^ word.wrapping_add(GOLDEN).wrapping_mul(0xa076_1d64_78bd_642f)
        ))
    }

    /// The numbers of this key, from the first.
    pub const fn draws(self) -> Draws {
        Draws {
            key: self.0,
            drawn: 0,
        }
    }
}

/// The numbers of one [`Key`], in order.
#[derive(Debug, Clone)]
pub struct Draws {
    key: u64,
    drawn: u64,
}

impl Draws {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.drawn += 1;
        mix(self.key.wrapping_add(self.drawn.wrapping_mul(GOLDEN)))
    }

    /// A number in `[0, 1)`, 53 bits fine.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number in `0..bound`; `bound` must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `[from, to)`.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// Mean 0, variance 1 (Box and Muller 1958; the second number of the pair is not used).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// Mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// A rank in `0..count`, where rank `r` comes in proportion to about `1 / (r + flat)`: the larger `flat`, the
    /// flatter the head. `count` must not be zero.
    pub fn zipf(&mut self, count: u64, flat: f64) -> u64 {
        let ratio = (count as f64 + flat) / flat;
        let rank = flat * ratio.powf(self.unit()) - flat;
        (rank as u64).min(count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_their_order_matter() {
        let key = Key::new(7);
        assert_eq!(key.with(1).with(2), Key::new(7).with(1).with(2));
        assert_ne!(key.with(1).with(2), key.with(2).with(1));
        assert_ne!(key.with(1), Key::new(8).with(1));
        assert_ne!(key.with(0), key);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut draws = Key::new(1).draws();
        let count = 200_000;
        let (mut normal, mut square, mut exponential, mut unit) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..count {
            let x = draws.normal();
            normal += x;
            square += x * x;
            exponential += draws.exponential();
            unit += draws.unit();
        }
        let mean = |sum: f64| sum / f64::from(count);
        assert!(mean(normal).abs() < 0.01, "{}", mean(normal));
        assert!((mean(square) - 1.0).abs() < 0.02, "{}", mean(square));
        assert!((mean(exponential) - 1.0).abs() < 0.01, "{}", mean(exponential));
        assert!((mean(unit) - 0.5).abs() < 0.005, "{}", mean(unit));
    }

    #[test]
    fn ranks_follow_zipf() {
        let mut draws = Key::new(2).draws();
        let mut counts = [0u32; 100];
        for _ in 0..200_000 {
            counts[draws.zipf(100, 1.0) as usize] += 1;
        }
        // P(rank) = ln((r + 2) / (r + 1)) / ln 101.
        let share = |rank: usize| f64::from(counts[rank]) / 200_000.0;
        assert!((share(0) - 2f64.ln() / 101f64.ln()).abs() < 0.01);
        assert!((share(9) - (11f64 / 10.0).ln() / 101f64.ln()).abs() < 0.005);
    }

    proptest::proptest! {
        #[test]
        fn draws_stay_in_bounds(seed: u64, bound in 1u64.., flat in 0.1f64..20.0) {
            let mut draws = Key::new(seed).draws();
            proptest::prop_assert!(draws.below(bound) < bound);
            proptest::prop_assert!((0.0..1.0).contains(&draws.unit()));
            proptest::prop_assert!(draws.normal().is_finite());
            proptest::prop_assert!(draws.zipf(bound, flat) < bound);
        }
    }
}
