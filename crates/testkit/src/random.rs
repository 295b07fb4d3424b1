//! Seeded randomness for tests: SplitMix64 (Steele, Lea, Flood 2014). Not for secrets.

/// A stream of numbers that depends on nothing but its seed.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// An independent stream for part `index` of the same test, so that threads do not share one.
    pub fn fork(&self, index: u64) -> Self {
        let mut mixer = Self {
            state: self.state ^ index.wrapping_mul(0xa076_1d64_78bd_642f),
        };
        Self { state: mixer.bits() }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; `bound` must not be zero. The bias is below 2⁻³² for small bounds.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `from..to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn forks_differ_and_repeat() {
        let random = Random::new(7);
        assert_ne!(random.fork(0).bits(), random.fork(1).bits());
        assert_eq!(random.fork(3).bits(), Random::new(7).fork(3).bits());
    }

    proptest::proptest! {
        #[test]
        fn between_stays_between(seed: u64, from in 0_u64..1000, width in 1_u64..1000) {
            let drawn = Random::new(seed).between(from, from + width);
            proptest::prop_assert!((from..from + width).contains(&drawn));
        }
    }
}
