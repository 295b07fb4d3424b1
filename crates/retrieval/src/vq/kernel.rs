//! Dot products of one int8 query with many int8 rows that lie one after the other: the arithmetic of scan and assignment.
//!
//! A row stores value + 128 as an unsigned byte, which is what the processor's byte products want; the query's sum takes the offset out again.
//! The sums are of integers, so every twin gives the reference's result exactly. No floats, no scales, no selection here.
//!
//! | twin | instructions for the 128 products of a row, beside the sum at the end |
//! |---|---|
//! | scalar | 128 products |
//! | AVX2 | 8 widenings and 8 products of 16 |
//! | AVX-512 with byte products (VNNI) | 2 products of 64 |
#![expect(
    unsafe_code,
    reason = "instruction sets found at run time are called through unsafe functions"
)]

use std::sync::OnceLock;

use super::row::{Row, WIDTH};

/// How to multiply. A value above the scalar one is a proof that the instructions were found on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Kernel {
    /// The reference: present everywhere.
    pub const SCALAR: Self = Self(Level::Scalar);

    /// The widest of this machine, looked up once.
    pub fn best() -> Self {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| *Self::available().last().unwrap_or(&Self::SCALAR))
    }

    /// All of this machine, the reference first.
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                found.push(Self(Level::Avx2));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                found.push(Self(Level::Avx512Vnni));
            }
        }
        found
    }

    /// Its name, for figures.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Level::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => "avx512vnni",
        }
    }

    /// `out[i]` = the sum over all components of row `i`'s value times the query's.
    ///
    /// # Panics
    /// When `out` is not as long as `rows`.
    pub(super) fn dots(self, rows: &[Row], query: &[i8; WIDTH], out: &mut [i32]) {
        assert_eq!(rows.len(), out.len());
        let sum: i32 = query.iter().map(|value| i32::from(*value)).sum();
        let offset = sum * i32::from(Row::OFFSET);
        match self.0 {
            Level::Scalar => dots_scalar(rows, query, offset, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this level exists only where AVX2 was detected.
            Level::Avx2 => unsafe { dots_avx2(rows, query, offset, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this level exists only where AVX-512 F, BW and VNNI were detected.
            Level::Avx512Vnni => unsafe { dots_vnni(rows, query, offset, out) },
        }
    }
}

fn dots_scalar(rows: &[Row], query: &[i8; WIDTH], offset: i32, out: &mut [i32]) {
    for (row, out) in rows.iter().zip(out) {
        let products = row.0.iter().zip(query);
        let sum: i32 = products
            .map(|(value, query)| i32::from(*value) * i32::from(*query))
            .sum();
        *out = sum - offset;
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dots_avx2(rows: &[Row], query: &[i8; WIDTH], offset: i32, out: &mut [i32]) {
    use std::arch::x86_64::*;
    const STEP: usize = 16;
    let mut wide = [_mm256_setzero_si256(); WIDTH / STEP];
    for (wide, query) in wide.iter_mut().zip(query.as_chunks::<STEP>().0) {
        // SAFETY: the chunk has 16 bytes; the load needs no alignment.
        *wide = _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(query.as_ptr().cast()) });
    }
    for (row, out) in rows.iter().zip(out) {
        let mut sum = _mm256_setzero_si256();
        for (query, row) in wide.iter().zip(row.0.as_chunks::<STEP>().0) {
            // SAFETY: the chunk has 16 bytes; the load needs no alignment.
            let row = _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(row.as_ptr().cast()) });
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(row, *query));
        }
        let half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
        let pair = _mm_add_epi32(half, _mm_shuffle_epi32::<0b00_00_11_10>(half));
        let one = _mm_add_epi32(pair, _mm_shuffle_epi32::<0b00_00_00_01>(pair));
        *out = _mm_cvtsi128_si32(one) - offset;
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dots_vnni(rows: &[Row], query: &[i8; WIDTH], offset: i32, out: &mut [i32]) {
    use std::arch::x86_64::*;
    const STEP: usize = 64;
    // SAFETY: both halves of the query have 64 bytes; the loads need no alignment.
    let (first, second) = unsafe {
        let from = query.as_ptr();
        (
            _mm512_loadu_si512(from.cast()),
            _mm512_loadu_si512(from.add(STEP).cast()),
        )
    };
    for (row, out) in rows.iter().zip(out) {
        // SAFETY: a row has two halves of 64 bytes, each on a boundary of 64 bytes.
        let (one, two) = unsafe {
            let from = row.0.as_ptr();
            (
                _mm512_load_si512(from.cast()),
                _mm512_load_si512(from.add(STEP).cast()),
            )
        };
        let sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), one, first);
        let sum = _mm512_dpbusd_epi32(sum, two, second);
        *out = _mm512_reduce_add_epi32(sum) - offset;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(values: &[[u8; 4]]) -> Vec<Row> {
        let of = |seed: &[u8; 4]| {
            Row(std::array::from_fn(|at| {
                seed[at % 4].wrapping_mul(at as u8 | 1).max(1)
            }))
        };
        values.iter().map(of).collect()
    }

    proptest! {
        #[test]
        fn every_twin_gives_the_reference_exactly(
            values in prop::collection::vec(any::<[u8; 4]>(), 0..40),
            query in prop::collection::vec(-127_i8..=127, WIDTH),
        ) {
            let (rows, query) = (rows(&values), <[i8; WIDTH]>::try_from(query).expect("as wide"));
            let mut expected = vec![0; rows.len()];
            Kernel::SCALAR.dots(&rows, &query, &mut expected);
            for kernel in Kernel::available() {
                let mut found = vec![0; rows.len()];
                kernel.dots(&rows, &query, &mut found);
                prop_assert_eq!(&found, &expected, "{}", kernel.name());
            }
        }
    }

    /// The largest sums there are stay within 32 bits in every twin.
    #[test]
    fn extremes_do_not_overflow() {
        for (value, query, expected) in [
            (255, 127, 127 * 127),
            (1, 127, -127 * 127),
            (255, -127, -127 * 127),
        ] {
            for kernel in Kernel::available() {
                let mut found = [0];
                kernel.dots(&[Row([value; WIDTH])], &[query; WIDTH], &mut found);
                assert_eq!(found[0], expected * WIDTH as i32, "{}", kernel.name());
            }
        }
    }
}
