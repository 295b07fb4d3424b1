//! Counter-based randomness: a number is a function of what it is for, so a replay draws the same ones in any order.

const STREAM: [u64; 3] = [
    0x2d35_8dcc_aa6c_78a5,
    0x8bb8_4b93_962e_acc9,
    0x4b33_a62e_d433_d4a3,
];
/// 2³² divided by the golden ratio: consecutive counters lie far apart.
const GOLDEN: u32 = 0x9e37_79b9;

/// High half of the 128-bit product folded into the low half.
pub(super) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    product as u64 ^ (product >> 64) as u64
}

/// A stream of 32-bit numbers, named by three words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    low: u32,
    high: u32,
}

impl Stream {
    pub(super) fn new(seed: u64, key: u64, offset: u64) -> Self {
        let name = fold(
            fold(seed ^ STREAM[0], key ^ STREAM[1]) ^ STREAM[2],
            offset ^ STREAM[0],
        );
        Self {
            low: name as u32,
            high: (name >> 32) as u32,
        }
    }

    /// The number at place `counter`.
    #[inline(always)]
    pub(super) fn at(self, counter: u32) -> u32 {
        self.high ^ finished(self.low.wrapping_add(counter.wrapping_mul(GOLDEN)))
    }

    /// Uniform in [−1, 1), to 24 bits.
    pub(super) fn symmetric_at(self, counter: u32) -> f32 {
        (self.at(counter) >> 8) as f32 * (2.0 / (1 << 24) as f32) - 1.0
    }
}

/// Mixes 32 bits one to one (C. Wellons' "lowbias32").
#[inline(always)]
fn finished(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ x >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_depends_on_all_parts_of_its_name() {
        let base = Stream::new(1, 2, 3).at(4);
        let others = [
            Stream::new(9, 2, 3).at(4),
            Stream::new(1, 9, 3).at(4),
            Stream::new(1, 2, 9).at(4),
            Stream::new(1, 2, 3).at(5),
        ];
        assert!(others.iter().all(|other| *other != base));
        assert_eq!(base, Stream::new(1, 2, 3).at(4));
    }

    #[test]
    fn numbers_are_even_over_their_range() {
        const DRAWS: u32 = 1 << 16;
        let mean = |number: &dyn Fn(u32) -> f32| (0..DRAWS).map(number).sum::<f32>() / DRAWS as f32;
        let along = mean(&|i| Stream::new(7, 7, 7).symmetric_at(i));
        let across = mean(&|i| Stream::new(7, u64::from(i), 7).symmetric_at(0));
        let time = mean(&|i| Stream::new(7, 7, u64::from(i)).symmetric_at(0));
        for mean in [along, across, time] {
            assert!(mean.abs() < 0.01, "{mean}");
        }
    }
}
