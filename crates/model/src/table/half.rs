//! Half-precision numbers (IEEE 754 binary16): read exactly, written by stochastic rounding.
//!
//! Rounded up with the probability of the part that is cut off, a value keeps its expectation, so that many updates
//! below one unit in the last place still move it. Values beyond ±65 504 are clamped; infinities and NaN never occur.
//! The code has no intrinsics: it is written so that it becomes vector instructions where the caller enables them, and
//! gives the same bits where not.

/// The largest finite half.
pub(super) const MAX: f32 = 65_504.0;
const MAX_BITS: u32 = 0x7bff;
/// 2⁻¹⁴, the smallest normal half.
const NORMAL_MIN: f32 = 6.103_515_6e-5;
/// 2²⁴: one over the smallest half.
const TINY_PER_ONE: f32 = 16_777_216.0;
/// Mantissa bits that a half lacks.
const CUT_BITS: u32 = 13;
/// Between the exponents of the two formats.
const BIAS: u32 = 112;

/// Exact.
#[inline(always)]
pub(super) fn to_f32(half: u16) -> f32 {
    let rescale = f32::from_bits((127 + BIAS) << 23);
    let magnitude = f32::from_bits(u32::from(half & 0x7fff) << CUT_BITS) * rescale;
    f32::from_bits(magnitude.to_bits() | u32::from(half & 0x8000) << 16)
}

/// One of the two neighbours of `value`, which must not be NaN; the upper one when `random` is below the cut-off part.
#[inline(always)]
pub(super) fn rounded(value: f32, random: u32) -> u16 {
    let sign = value.to_bits() >> 16 & 0x8000;
    let magnitude = value.abs().min(MAX);
    let cut = random >> (32 - CUT_BITS);
    let normal = (magnitude.to_bits().wrapping_add(cut) >> CUT_BITS)
        .wrapping_sub(BIAS << 10)
        .min(MAX_BITS);
    let scaled = magnitude.min(NORMAL_MIN) * TINY_PER_ONE;
    let whole = scaled as i32;
    let up = (scaled - whole as f32) * TINY_PER_ONE > (random >> 8) as i32 as f32;
    let tiny = whole as u32 + u32::from(up);
    let half = if magnitude < NORMAL_MIN { tiny } else { normal };
    (sign | half) as u16
}

/// To nearest, for values that a caller gives rather than learns.
pub(super) fn nearest(value: f32) -> u16 {
    let [one, other] = [rounded(value, 0), rounded(value, u32::MAX)];
    let distance = |half: u16| (to_f32(half) - value).abs();
    if distance(other) < distance(one) {
        other
    } else {
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_half_survives() {
        for half in (0..=0xffff).filter(|half| half & 0x7c00 != 0x7c00) {
            for random in [0, 1 << 31, u32::MAX] {
                assert_eq!(rounded(to_f32(half), random), half);
            }
            assert_eq!(nearest(to_f32(half)), half);
        }
    }

    #[test]
    fn halves_are_what_the_standard_says() {
        for (half, value) in [
            (0x0000, 0.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, NORMAL_MIN),
            (0x3555, 0.333_251_95),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, MAX),
        ] {
            assert_eq!(to_f32(half), value, "{half:#06x}");
        }
    }

    #[test]
    fn beyond_the_range_is_clamped() {
        for random in [0, u32::MAX] {
            assert_eq!(to_f32(rounded(1e9, random)), MAX);
            assert_eq!(to_f32(rounded(f32::NEG_INFINITY, random)), -MAX);
            assert_eq!(to_f32(rounded(65_519.9, random)), MAX);
        }
    }

    #[test]
    fn rounding_keeps_the_expectation() {
        const DRAWS: u32 = 1 << 16;
        for value in [
            1.000_3_f32,
            -0.100_017,
            0.002_345_6,
            3.3e-5,
            -4.1e-8,
            1e-9,
            6.101e-5,
        ] {
            let stream = crate::table::random::Stream::new(1, u64::from(value.to_bits()), 3);
            let neighbours = [to_f32(rounded(value, 0)), to_f32(rounded(value, u32::MAX))];
            let ulp = f64::from((neighbours[0] - neighbours[1]).abs());
            let draw = |i| f64::from(to_f32(rounded(value, stream.at(i))));
            let mean = (0..DRAWS).map(draw).sum::<f64>() / f64::from(DRAWS);
            // Four standard deviations of a mean of 65 536 coins.
            assert!(
                (mean - f64::from(value)).abs() <= ulp * 4.0 * 0.5 / 256.0,
                "{value}: {mean}"
            );
            assert!(ulp > 0.0 && neighbours.iter().any(|n| n.abs() <= value.abs()));
        }
    }
}
