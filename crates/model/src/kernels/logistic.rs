//! Exponential, logistic function and its loss, written out so that they vectorise and give the same bits on every machine: the
//! system's library does neither.

use super::dispatch;
use super::vector::SIDE_BY_SIDE;

const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// eˣ to about 2 units in the last place, for x in [−87, 88], clamped outside: range reduction by ln 2 and the Cephes polynomial.
/// Written out so that it vectorises and gives the same bits everywhere.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    // Rounds to nearest by adding 1.5·2²³: two exact additions instead of a call.
    const MAGIC: f32 = 12_582_912.0;
    let n = x.mul_add(std::f32::consts::LOG2_E, MAGIC) - MAGIC;
    let r = (-n).mul_add(LN_2_HIGH, x);
    let r = (-n).mul_add(LN_2_LOW, r);
    let mut p = 1.987_569_1e-4_f32;
    p = p.mul_add(r, 1.398_199_9e-3);
    p = p.mul_add(r, 8.333_452e-3);
    p = p.mul_add(r, 4.166_579_6e-2);
    p = p.mul_add(r, 1.666_666_5e-1);
    p = p.mul_add(r, 0.5);
    let e = p.mul_add(r * r, r) + 1.0;
    e * f32::from_bits(((n as i32 + 127) << 23) as u32)
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// ln(1 + eˣ), the logistic loss of a negative example at logit x, to a relative error of 10⁻⁶: with t = e⁻ˡˣˡ and s = t / (2 + t) it is
/// max(x, 0) + 2·artanh s, whose series converges fast for s ≤ ⅓.
#[inline(always)]
pub fn log1p_exp(x: f32) -> f32 {
    let t = exp(-x.abs());
    let s = t / (2.0 + t);
    let square = s * s;
    let mut p = 1.0 / 13.0_f32;
    p = p.mul_add(square, 1.0 / 11.0);
    p = p.mul_add(square, 1.0 / 9.0);
    p = p.mul_add(square, 1.0 / 7.0);
    p = p.mul_add(square, 1.0 / 5.0);
    p = p.mul_add(square, 1.0 / 3.0);
    p = p.mul_add(square, 1.0);
    let positive = if x > 0.0 { x } else { 0.0 };
    positive + 2.0 * s * p
}

dispatch! {
    /// `x[i] = exp(x[i] − less)`.
    pub fn exps(less: f32, x: &mut [f32]) {
        for x in x {
            *x = exp(*x - less);
        }
    }
}

dispatch! {
    /// `x[i] = sigmoid(x[i])`.
    pub fn sigmoids(x: &mut [f32]) {
        for x in x {
            *x = sigmoid(*x);
        }
    }
}

dispatch! {
    /// `p[i] = sigmoid(x[i])` and `loss[i] = ln(1 + exp(x[i]))`, the loss of a no.
    pub fn judge(x: &[f32], p: &mut [f32], loss: &mut [f32]) {
        for ((x, p), loss) in x.iter().zip(p).zip(loss) {
            *p = sigmoid(*x);
            *loss = log1p_exp(*x);
        }
    }
}

dispatch! {
    /// The mean of `rows` (as long as `query` each) by the softmax of their products with it, for sixteen queries side by side. `shares` is a buffer of as
    /// many entries as there are rows. No rows, no change.
    pub fn attend_columns(
        query: &[[f32; SIDE_BY_SIDE]], rows: &[f32], shares: &mut [[f32; SIDE_BY_SIDE]], out: &mut [[f32; SIDE_BY_SIDE]],
    ) {
        let width = query.len();
        let rows = || rows.chunks_exact(width);
        let mut top = [f32::MIN; SIDE_BY_SIDE];
        for (row, share) in rows().zip(shares.iter_mut()) {
            let mut sums = [0.0; SIDE_BY_SIDE];
            for (value, query) in row.iter().zip(query) {
                for (sum, query) in sums.iter_mut().zip(query) {
                    *sum = value.mul_add(*query, *sum);
                }
            }
            *share = sums;
            for (top, sum) in top.iter_mut().zip(sums) {
                *top = if sum > *top { sum } else { *top };
            }
        }
        let mut total = [0.0; SIDE_BY_SIDE];
        for share in shares.iter_mut() {
            for ((share, top), total) in share.iter_mut().zip(top).zip(&mut total) {
                *share = exp(*share - top);
                *total += *share;
            }
        }
        if shares.is_empty() {
            return;
        }
        let total = total.map(|total| 1.0 / total);
        for (value, out) in out[..width].iter_mut().enumerate() {
            let mut sums = [0.0; SIDE_BY_SIDE];
            for (row, share) in rows().zip(shares.iter()) {
                for (sum, share) in sums.iter_mut().zip(share) {
                    *sum = row[value].mul_add(*share, *sum);
                }
            }
            for ((out, sum), total) in out.iter_mut().zip(sums).zip(total) {
                *out = sum * total;
            }
        }
    }
}
