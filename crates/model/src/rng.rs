//! Counter-based randomness: a number is a function of a seed and of what it is drawn for, never of what was drawn before.

/// One round of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits that passes the usual tests.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 64 random bits for the `index`-th draw of `stream` under `seed`.
pub fn bits(seed: u64, stream: u64, index: u64) -> u64 {
    mix(mix(mix(seed) ^ stream) ^ index)
}

/// Uniform in [−1, 1), on a grid of 2⁻²³.
pub fn symmetric(seed: u64, stream: u64, index: u64) -> f32 {
    let mantissa = (bits(seed, stream, index) >> 40) as f32;
    mantissa / (1 << 23) as f32 - 1.0
}
