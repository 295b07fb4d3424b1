//! A quick hash for ids. Ids are given out by the platform, never chosen by people, so nobody can make them collide.

use std::hash::{BuildHasher, Hasher};

/// For maps and sets of ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdHashing;

/// Of one id: a multiplication, its halves folded together.
#[derive(Debug, Default)]
pub struct IdHasher(u64);

impl BuildHasher for IdHashing {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher(0)
    }
}

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn neighbours_and_multiples_spread_over_all_bits() {
        let hash = |value: u64| IdHashing.hash_one(value);
        for step in [1_u64, 4_096, 1 << 22, 1 << 40] {
            let low: HashSet<u64> = (1..=1_000).map(|n| hash(n * step) & 0xffff).collect();
            let high: HashSet<u64> = (1..=1_000).map(|n| hash(n * step) >> 57).collect();
            assert!(
                low.len() > 950 && high.len() > 100,
                "{step}: {} {}",
                low.len(),
                high.len()
            );
        }
    }
}
