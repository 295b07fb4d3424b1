//! Products of bfloat16 pairs with sums in single precision (AVX-512 BF16), and the packing they read. For serving alone: learning stays exact.
//!
//! A pair of neighbouring inputs lies in one 32-bit word, the first in its lower half; one instruction multiplies sixteen outputs' pairs by one
//! row's pair and adds both products. Rows are taken eight at a time, or fewer at the end, always with the same order of additions, so a row's
//! sums do not depend on its neighbours.

use core::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_storeu_ps,
    _mm512_storeu_si512,
};
use std::mem::transmute;

/// Outputs of one register.
const LANES: usize = 16;
/// Rows computed together.
const ROWS: usize = 8;
/// Registers of outputs computed together.
const REGISTERS: usize = 3;

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
pub(super) fn pack(weights: &[f32], outputs: usize, packed: &mut Vec<u32>) {
    packed.clear();
    for pair in weights.chunks(2 * outputs) {
        let (one, two) = pair.split_at(outputs);
        match two.is_empty() {
            true => packed.extend(one.iter().map(|first| rounded(*first))),
            false => packed.extend(one.iter().zip(two).map(|(a, b)| rounded(*a) | rounded(*b) << 16)),
        }
    }
}

/// The first `width` values of each of `count` rows as pairs; rows begin every `x_row` values. Where `RECTIFIED`, what is below zero is zero.
pub(super) fn narrow<const RECTIFIED: bool>(
    _: Found,
    (x, x_row): (&[f32], usize),
    width: usize,
    count: usize,
    out: &mut Vec<u32>,
) {
    let pairs = width.div_ceil(2);
    // The last store of a row may reach beyond it, into what the next one overwrites.
    let size = count * pairs;
    if out.len() < size + LANES {
        out.resize(size + LANES, 0);
    }
    if count == 0 || width == 0 {
        return;
    }
    assert!(x_row >= width && x.len() >= (count - 1) * x_row + width);
    // SAFETY: the processor has the instructions; the bounds were checked, and the loads are masked to the row.
    unsafe { narrow_rows::<RECTIFIED>((x, x_row), width, count, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn narrow_rows<const RECTIFIED: bool>(
    (x, x_row): (&[f32], usize),
    width: usize,
    count: usize,
    out: &mut [u32],
) {
    let (pairs, zeros) = (width.div_ceil(2), _mm512_setzero_ps());
    for row in 0..count {
        let mut at = 0;
        while at < width {
            let left = width - at;
            // SAFETY: masked loads touch only the `left` values that the row still has; `out` has a register of room behind its last row.
            unsafe {
                let from = x.as_ptr().add(row * x_row + at);
                let first = _mm512_maskz_loadu_ps(mask(left), from);
                let second = match left > LANES {
                    true => _mm512_maskz_loadu_ps(mask(left - LANES), from.add(LANES)),
                    false => _mm512_setzero_ps(),
                };
                let (first, second) = match RECTIFIED {
                    // The second operand stands where the first is no number.
                    true => (_mm512_max_ps(first, zeros), _mm512_max_ps(second, zeros)),
                    false => (first, second),
                };
                let both = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first));
                _mm512_storeu_si512(out.as_mut_ptr().add(row * pairs + at / 2).cast(), both);
            }
            at += 2 * LANES;
        }
    }
}

/// The first `count` lanes, at most all.
#[inline(always)]
fn mask(count: usize) -> u16 {
    match count {
        0..LANES => (1 << count) - 1,
        _ => u16::MAX,
    }
}

/// Rows of input pairs: pair `p` of row `r` is `words[r * row + p * column]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) words: &'a [u32],
    pub(super) row: usize,
    pub(super) column: usize,
}

/// `y = from + x · packed`, or without `from` `y += x · packed`, for as many rows as `y` has; `outputs` is a multiple of 16, a row of `y` begins every
/// `y_row` values, one of `from` every so many as stand beside it.
pub(super) fn add(
    _: Found,
    x: Words<'_>,
    packed: &[u32],
    outputs: usize,
    from: Option<(&[f32], usize)>,
    (y, y_row): (&mut [f32], usize),
    rows: usize,
) {
    assert!(outputs.is_multiple_of(LANES) && packed.len().is_multiple_of(outputs.max(1)));
    let pairs = packed.len() / outputs.max(1);
    if rows == 0 || pairs == 0 {
        return;
    }
    assert!((rows - 1) * x.row + (pairs - 1) * x.column < x.words.len());
    assert!(y_row >= outputs && (rows - 1) * y_row + outputs <= y.len());
    assert!(from.is_none_or(|(from, row)| (rows - 1) * row + outputs <= from.len()));
    let operands = Operands {
        x,
        from,
        pairs,
        packed,
        outputs,
        y_row,
    };
    // SAFETY: a value of `Found` exists, so the processor has the instructions; the bounds were checked.
    unsafe { add_rows(operands, y, rows) }
}

#[derive(Clone, Copy)]
struct Operands<'a> {
    x: Words<'a>,
    from: Option<(&'a [f32], usize)>,
    pairs: usize,
    packed: &'a [u32],
    outputs: usize,
    y_row: usize,
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn add_rows(of: Operands<'_>, y: &mut [f32], rows: usize) {
    let mut column = 0;
    while column < of.outputs {
        let left = (of.outputs - column) / LANES;
        // SAFETY: the columns exist, the caller checked the rest.
        column += LANES
            * unsafe {
                match left {
                    1 => stripe::<1>(of, y, rows, column),
                    // Two and two are better than three and one.
                    2 | 4 => stripe::<2>(of, y, rows, column),
                    _ => stripe::<REGISTERS>(of, y, rows, column),
                }
            };
    }
}

/// All rows of `C` registers of columns; answers `C`.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn stripe<const C: usize>(of: Operands<'_>, y: &mut [f32], rows: usize, column: usize) -> usize {
    let mut row = 0;
    while row < rows {
        let left = rows - row;
        // SAFETY: rows [row, row + answer) exist, because the answer is at most `left`.
        row += unsafe {
            match left {
                1 => tile::<1, C>(of, y, row, column),
                2 | 3 => tile::<2, C>(of, y, row, column),
                4..ROWS => tile::<4, C>(of, y, row, column),
                _ => tile::<ROWS, C>(of, y, row, column),
            }
        };
    }
    C
}

/// `R` rows by `C` registers of outputs, held in registers over all pairs; answers `R`.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn tile<const R: usize, const C: usize>(
    of: Operands<'_>,
    y: &mut [f32],
    row: usize,
    column: usize,
) -> usize {
    // SAFETY: rows [row, row + R) and columns [column, column + 16·C) lie inside x, from, packed and y, as the caller checked.
    unsafe {
        let y = y.as_mut_ptr().add(row * of.y_row + column);
        let (from, from_row) = match of.from {
            Some((from, from_row)) => (from.as_ptr().add(row * from_row + column), from_row),
            None => (y.cast_const(), of.y_row),
        };
        let mut sums = [[_mm512_setzero_ps(); C]; R];
        for (r, sums) in sums.iter_mut().enumerate() {
            for (c, sum) in sums.iter_mut().enumerate() {
                *sum = _mm512_loadu_ps(from.add(r * from_row + c * LANES));
            }
        }
        let mut x = of.x.words.as_ptr().add(row * of.x.row);
        let mut weights = of.packed.as_ptr().add(column);
        for _ in 0..of.pairs {
            let mut registers = [_mm512_set1_epi32(0); C];
            for (c, register) in registers.iter_mut().enumerate() {
                *register = _mm512_loadu_si512(weights.add(c * LANES).cast());
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let factor = _mm512_set1_epi32(*x.add(r * of.x.row) as i32);
                for (sum, register) in sums.iter_mut().zip(registers) {
                    *sum = dot(*sum, factor, register);
                }
            }
            x = x.wrapping_add(of.x.column);
            weights = weights.wrapping_add(of.outputs);
        }
        for (r, sums) in sums.iter().enumerate() {
            for (c, sum) in sums.iter().enumerate() {
                _mm512_storeu_ps(y.add(r * of.y_row + c * LANES), *sum);
            }
        }
    }
    R
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
