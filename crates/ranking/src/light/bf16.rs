//! Products of bfloat16 pairs with sums in single precision (AVX-512 BF16), and the packing they read.
//!
//! A pair of neighbouring inputs lies in one 32-bit word, the first in its lower half; one instruction multiplies sixteen outputs' pairs by one
//! row's pair and adds both products. Rows are taken eight at a time, or one at a time at the end, in the same order of additions.

#![expect(
    unsafe_code,
    reason = "instructions found at run time are called through unsafe functions"
)]

use core::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32,
    _mm512_setzero_ps, _mm512_storeu_ps,
};
use std::mem::transmute;

/// Outputs of one register.
const LANES: usize = 16;
/// Rows computed together.
const ROWS: usize = 8;

/// A value of it exists only where the instructions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found(());

impl Found {
    /// Asks the processor.
    pub fn look() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512bf16");
        found.then_some(Self(()))
    }
}

/// The nearest bfloat16, ties to even; `x` must not be NaN.
#[inline(always)]
pub(super) fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    (bits + 0x7fff + (bits >> 16 & 1)) >> 16
}

/// Weights, inputs × `outputs`, as pairs of inputs × outputs. An odd last input is paired with zeros.
pub(super) fn pack(weights: &[f32], outputs: usize) -> Vec<u32> {
    let pairs = weights.chunks(2 * outputs);
    let packed = pairs.flat_map(|pair| {
        let (one, two) = pair.split_at(outputs);
        let second = |i: usize| two.get(i).copied().unwrap_or(0.0);
        let words = one.iter().enumerate();
        words
            .map(|(i, first)| rounded(*first) | rounded(second(i)) << 16)
            .collect::<Vec<_>>()
    });
    packed.collect()
}

/// The first `width` values of each of `count` rows as pairs.
pub(super) fn narrow(_: Found, (x, x_row): (&[f32], usize), width: usize, count: usize, out: &mut Vec<u32>) {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn wide((x, x_row): (&[f32], usize), width: usize, out: &mut [u32]) {
        for (x, out) in x.chunks(x_row).zip(out.chunks_exact_mut(width.div_ceil(2))) {
            let (pairs, last) = x[..width].as_chunks::<2>();
            for (out, [first, second]) in out.iter_mut().zip(pairs) {
                *out = rounded(*first) | rounded(*second) << 16;
            }
            if let (Some(out), [last]) = (out.last_mut(), last) {
                *out = rounded(*last);
            }
        }
    }
    out.resize(count * width.div_ceil(2), 0);
    // SAFETY: a value of `Found` exists, so the processor has both.
    unsafe { wide((x, x_row), width, out) }
}

/// `y += x · packed`; `outputs` is a multiple of 16.
pub(super) fn add(_: Found, x: &[u32], packed: &[u32], outputs: usize, y: &mut [f32]) {
    assert!(outputs.is_multiple_of(LANES) && packed.len().is_multiple_of(outputs));
    let (pairs, rows) = (packed.len() / outputs, y.len() / outputs);
    assert!(x.len() >= rows * pairs && y.len() == rows * outputs);
    // SAFETY: a value of `Found` exists, so the processor has the instructions.
    unsafe { add_rows(x, pairs, packed, outputs, y) }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn add_rows(x: &[u32], pairs: usize, packed: &[u32], outputs: usize, y: &mut [f32]) {
    let whole = y.len() / outputs / ROWS * ROWS;
    let (y_blocks, y_rest) = y.split_at_mut(whole * outputs);
    let (x_blocks, x_rest) = x.split_at(whole * pairs);
    let blocks = x_blocks.chunks_exact(ROWS * pairs);
    for (x, y) in blocks.zip(y_blocks.chunks_exact_mut(ROWS * outputs)) {
        columns::<ROWS>(x, pairs, packed, outputs, y);
    }
    for (x, y) in x_rest.chunks_exact(pairs).zip(y_rest.chunks_exact_mut(outputs)) {
        columns::<1>(x, pairs, packed, outputs, y);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn columns<const R: usize>(x: &[u32], pairs: usize, packed: &[u32], outputs: usize, y: &mut [f32]) {
    let mut column = 0;
    while column + 2 * LANES <= outputs {
        tile::<R, 2>(x, pairs, packed, (outputs, column), y);
        column += 2 * LANES;
    }
    if column < outputs {
        tile::<R, 1>(x, pairs, packed, (outputs, column), y);
    }
}

/// R rows by C registers of outputs from `column` on.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn tile<const R: usize, const C: usize>(
    x: &[u32],
    pairs: usize,
    packed: &[u32],
    (outputs, column): (usize, usize),
    y: &mut [f32],
) {
    let rows: [&[u32]; R] = std::array::from_fn(|r| &x[r * pairs..][..pairs]);
    let at = |r: usize, c: usize| r * outputs + column + c * LANES;
    let mut sums = [[_mm512_setzero_ps(); C]; R];
    for (r, sums) in sums.iter_mut().enumerate() {
        for (c, sum) in sums.iter_mut().enumerate() {
            let from = &y[at(r, c)..][..LANES];
            // SAFETY: the slice has sixteen values.
            *sum = unsafe { _mm512_loadu_ps(from.as_ptr()) };
        }
    }
    for pair in 0..pairs {
        let weights = &packed[pair * outputs + column..][..C * LANES];
        let mut registers = [_mm512_set1_epi32(0); C];
        for (c, register) in registers.iter_mut().enumerate() {
            // SAFETY: the slice has C registers of sixteen words.
            *register = unsafe { _mm512_loadu_si512(weights.as_ptr().add(c * LANES).cast()) };
        }
        for (row, sums) in rows.iter().zip(sums.iter_mut()) {
            let factor = _mm512_set1_epi32(row[pair] as i32);
            for (sum, register) in sums.iter_mut().zip(registers) {
                *sum = dot(*sum, factor, register);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (c, sum) in sums.iter().enumerate() {
            let to = &mut y[at(r, c)..][..LANES];
            // SAFETY: the slice has sixteen values.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), *sum) };
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn dot(sum: __m512, x: __m512i, weights: __m512i) -> __m512 {
    // SAFETY: both types are 64 bytes without a meaning of their own.
    let (x, weights) = unsafe {
        (
            transmute::<__m512i, __m512bh>(x),
            transmute::<__m512i, __m512bh>(weights),
        )
    };
    _mm512_dpbf16_ps(sum, x, weights)
}
