//! A 128-bit fingerprint of the state. It finds accidents, not forgeries: two lanes of folded multiplication.

use std::fmt;

use super::random::fold;

const LANES: [u64; 2] = [0x2d35_8dcc_aa6c_78a5, 0x8ebc_6af0_9c88_c6e3];
const SECRET: [u64; 2] = [0x5899_65cc_7537_4cc3, 0x1d8e_4e27_c47d_124f];

/// Equal states have equal digests; different ones differ except by an accident of 2⁻⁶⁴ or less.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Digest([u64; 2]);

impl Digest {
    /// Little-endian.
    pub fn to_bytes(self) -> [u8; 16] {
        self.value().to_le_bytes()
    }

    /// The inverse of [`Digest::to_bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let value = u128::from_le_bytes(bytes);
        Self([value as u64, (value >> 64) as u64])
    }

    fn value(self) -> u128 {
        u128::from(self.0[0]) | u128::from(self.0[1]) << 64
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.value())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Takes words one by one; their order counts.
#[derive(Debug)]
pub(super) struct Hasher([u64; 2]);

impl Hasher {
    pub(super) fn new(seed: u64) -> Self {
        Self(LANES.map(|lane| fold(seed ^ lane, SECRET[0])))
    }

    /// Each step is one to one in the lane for a given word, so nothing that was added is forgotten.
    #[inline(always)]
    pub(super) fn add(&mut self, word: u64) {
        self.0[0] = (self.0[0] ^ word).wrapping_mul(SECRET[0] | 1).rotate_left(29);
        self.0[1] = (self.0[1].rotate_left(23) ^ word).wrapping_mul(SECRET[1] | 1);
    }

    pub(super) fn add_digest(&mut self, digest: Digest) {
        digest.0.into_iter().for_each(|word| self.add(word));
    }

    pub(super) fn finish(self) -> Digest {
        let [a, b] = self.0;
        Digest([
            fold(a ^ LANES[0], b ^ SECRET[1]),
            fold(b ^ LANES[1], a.rotate_left(32) ^ SECRET[0]),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[u64]) -> Digest {
        let mut hasher = Hasher::new(1);
        words.iter().for_each(|word| hasher.add(*word));
        hasher.finish()
    }

    #[test]
    fn one_bit_anywhere_changes_both_halves() {
        let words = [0; 16];
        let base = of(&words);
        for bit in 0..16 * 64 {
            let mut changed = words;
            changed[bit / 64] = 1 << (bit % 64);
            let changed = of(&changed);
            assert!(
                base.0[0] != changed.0[0] && base.0[1] != changed.0[1],
                "bit {bit}"
            );
        }
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_eq!(Digest::from_bytes(base.to_bytes()), base);
    }
}
