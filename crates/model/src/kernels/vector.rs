//! Element-wise loops. Each body is written once and compiled per instruction set (see `isa::dispatch`).

use super::dispatch;

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

/// ln(1 + eˣ), the logistic loss of a negative example at logit x; exact enough for reports, not used in gradients.
pub fn log1p_exp(x: f32) -> f32 {
    let tail = f64::from(exp(-x.abs())).ln_1p() as f32;
    x.max(0.0) + tail
}

dispatch! {
    /// `out[i] = sigmoid(x[i])`.
    pub fn sigmoids(x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = sigmoid(*x);
        }
    }
}

dispatch! {
    /// `y[i] += a · x[i]`.
    pub fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = a.mul_add(*x, *y);
        }
    }
}

dispatch! {
    /// `x[i] = max(x[i], 0)`.
    pub fn relu(x: &mut [f32]) {
        for x in x {
            *x = if *x > 0.0 { *x } else { 0.0 };
        }
    }
}

/// One step of Adam (Kingma, Ba 2015) with decoupled weight decay; the bias corrections are already inside `rate` and `epsilon`.
#[derive(Debug, Clone, Copy)]
pub struct AdamStep {
    pub rate: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
    /// Share of a weight that is taken away in this step.
    pub decay: f32,
    /// Factor on the gradients, for a mean over examples.
    pub scale: f32,
}

dispatch! {
    /// Moves `w` and both moments by one step.
    pub fn adam(step: AdamStep, gradient: &[f32], w: &mut [f32], m: &mut [f32], v: &mut [f32]) {
        let keep = 1.0 - step.decay;
        for (((w, m), v), g) in w.iter_mut().zip(m.iter_mut()).zip(v.iter_mut()).zip(gradient) {
            let g = g * step.scale;
            *m = step.beta1.mul_add(*m - g, g);
            *v = step.beta2.mul_add(*v - g * g, g * g);
            *w = *w * keep - step.rate * *m / (v.sqrt() + step.epsilon);
        }
    }
}

dispatch! {
    /// `average[i] += share · (w[i] − average[i])`.
    pub fn ema(share: f32, w: &[f32], average: &mut [f32]) {
        for (average, w) in average.iter_mut().zip(w) {
            *average = share.mul_add(*w - *average, *average);
        }
    }
}

dispatch! {
    /// One step of FTRL-proximal (McMahan et al. 2013) for a row of weights with gradients `g`; `rule` is 1/α, β/α, λ₁, λ₂.
    pub fn ftrl(rule: [f32; 4], g: &[f32], w: &mut [f32], z: &mut [f32], n: &mut [f32]) {
        let [inverse, base, l1, l2] = rule;
        for (((w, z), n), g) in w.iter_mut().zip(z.iter_mut()).zip(n.iter_mut()).zip(g) {
            let next = *n + g * g;
            let root = next.sqrt();
            let sigma = (root - n.sqrt()) * inverse;
            *z = *z + g - sigma * *w;
            *n = next;
            let beyond = z.abs() - l1;
            let size = beyond / (base + root * inverse + l2);
            *w = if beyond > 0.0 { -size.copysign(*z) } else { 0.0 };
        }
    }
}

dispatch! {
    /// `out += Σ rows[address]`, rows of `out.len()` values, in the order of the addresses.
    pub fn sum_rows(rows: &[f32], addresses: &[u32], out: &mut [f32]) {
        let width = out.len();
        for address in addresses {
            let row = &rows[*address as usize * width..][..width];
            for (out, value) in out.iter_mut().zip(row) {
                *out += value;
            }
        }
    }
}

dispatch! {
    /// `rows[address] += values` for each address, rows of `values.len()` values.
    pub fn add_to_rows(values: &[f32], addresses: &[u32], rows: &mut [f32]) {
        let width = values.len();
        for address in addresses {
            let row = &mut rows[*address as usize * width..][..width];
            for (row, value) in row.iter_mut().zip(values) {
                *row += value;
            }
        }
    }
}

/// √12: the deviation of a place that is even between 0 and 1 becomes 1.
pub const SPREAD: f32 = 3.464_101_6;

dispatch! {
    /// Adds up, for every value x of `dense`, how much of each interval lies below it: Σ clamp((x − edge)·slope + offset, 0, 1) into `out`.
    /// Edges, slopes and offsets lie interval by interval, `dense.len()` values each.
    pub fn ramps(dense: &[f32], lists: (&[f32], &[f32], &[f32]), out: &mut [f32]) {
        let width = dense.len();
        let (edges, slopes, offsets) = lists;
        let intervals = edges.chunks_exact(width).zip(slopes.chunks_exact(width)).zip(offsets.chunks_exact(width));
        for ((edges, slopes), offsets) in intervals {
            for ((((out, x), edge), slope), offset) in out.iter_mut().zip(dense).zip(edges).zip(slopes).zip(offsets) {
                let ramp = (x - edge).mul_add(*slope, *offset);
                let ramp = if ramp > 0.0 { ramp } else { 0.0 };
                *out += if ramp < 1.0 { ramp } else { 1.0 };
            }
        }
    }
}

dispatch! {
    /// Turns places between 0 and `count` into inputs of mean 0 and deviation 1 and into bucket numbers; where `dense` is missing, into 0 and `count`.
    pub fn spread(dense: &[f32], count: usize, places: &mut [f32], buckets: &mut [u16]) {
        let share = 1.0 / count as f32;
        let last = count as f32 - 1.0;
        for ((place, bucket), x) in places.iter_mut().zip(buckets.iter_mut()).zip(dense) {
            let missing = x.is_nan();
            let floor = if *place < last { *place } else { last };
            *bucket = if missing { count as u16 } else { floor as i32 as u16 };
            *place = if missing { 0.0 } else { (*place * share - 0.5) * SPREAD };
        }
    }
}
