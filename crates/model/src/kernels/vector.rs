//! Element-wise loops. Each body is written once and compiled per instruction set (see `isa::dispatch`).

use super::dispatch;

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

impl AdamStep {
    /// Moves one weight and its moments.
    #[inline(always)]
    fn take(&self, gradient: f32, w: &mut f32, m: &mut f32, v: &mut f32) {
        let g = gradient * self.scale;
        *m = self.beta1.mul_add(*m - g, g);
        *v = self.beta2.mul_add(*v - g * g, g * g);
        *w = *w * (1.0 - self.decay) - self.rate * *m / (v.sqrt() + self.epsilon);
    }
}

dispatch! {
    /// Moves `w` and both moments by one step.
    pub fn adam(step: AdamStep, gradient: &[f32], w: &mut [f32], m: &mut [f32], v: &mut [f32]) {
        for (((w, m), v), g) in w.iter_mut().zip(m.iter_mut()).zip(v.iter_mut()).zip(gradient) {
            step.take(*g, w, m, v);
        }
    }
}

dispatch! {
    /// As [`adam`], and moves `average` by `share` of the way towards the new `w`.
    pub fn adam_averaged(
        step: AdamStep, share: f32, gradient: &[f32], w: &mut [f32], moments: [&mut [f32]; 2], average: &mut [f32],
    ) {
        let [m, v] = moments;
        let states = w.iter_mut().zip(m.iter_mut()).zip(v.iter_mut()).zip(average.iter_mut());
        for ((((w, m), v), average), g) in states.zip(gradient) {
            step.take(*g, w, m, v);
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

dispatch! {
    /// `out[i] = (dense[i] − means[i]) · scales[i]`, cut to ± `clip`; 0 where `dense` is missing.
    pub fn standardise(dense: &[f32], lists: (&[f32], &[f32], f32), out: &mut [f32]) {
        let (means, scales, clip) = lists;
        for (((out, x), mean), scale) in out.iter_mut().zip(dense).zip(means).zip(scales) {
            let input = (x - mean) * scale;
            let input = if input < clip { input } else { clip };
            let input = if input > -clip { input } else { -clip };
            *out = if x.is_nan() { 0.0 } else { input };
        }
    }
}

dispatch! {
    /// `y += Σ factors[i] · rows[i]`, rows of `y.len()` values, in their order; rows whose factor is 0 are passed over.
    pub fn add_rows(factors: &[f32], rows: &[f32], y: &mut [f32]) {
        for (factor, row) in factors.iter().zip(rows.chunks_exact(y.len().max(1))) {
            if *factor != 0.0 {
                for (y, value) in y.iter_mut().zip(row) {
                    *y = factor.mul_add(*value, *y);
                }
            }
        }
    }
}

dispatch! {
    /// Two columns of `height` values each become one of bfloat16 pairs, the first in the lower half; an odd last one is paired with zeros.
    pub fn narrow_pairs(x: &[f32], height: usize, out: &mut [u32]) {
        for (columns, out) in x.chunks(2 * height).zip(out.chunks_exact_mut(height)) {
            let (one, two) = columns.split_at(height);
            let near = |x: f32| x.to_bits().wrapping_add(0x7fff + (x.to_bits() >> 16 & 1));
            match two.len() == height {
                true => {
                    for ((out, a), b) in out.iter_mut().zip(one).zip(two) {
                        *out = near(*a) >> 16 | near(*b) & 0xffff_0000;
                    }
                }
                false => {
                    for (out, a) in out.iter_mut().zip(one) {
                        *out = near(*a) >> 16;
                    }
                }
            }
        }
    }
}

/// Values of one input for so many rows side by side.
pub const SIDE_BY_SIDE: usize = 16;

dispatch! {
    /// The places of one input after the other (see [`ramps`] and [`spread`]), each for sixteen rows side by side: `lists` are edges, slopes and offsets,
    /// `count` values of each for one input, and those of the next. A missing value has place 0.
    pub fn place_columns(
        x: &[[f32; SIDE_BY_SIDE]], count: usize, lists: (&[f32], &[f32], &[f32]), out: &mut [[f32; SIDE_BY_SIDE]],
    ) {
        let share = 1.0 / count as f32;
        let (edges, slopes, offsets) = lists;
        let lists = edges.chunks_exact(count).zip(slopes.chunks_exact(count)).zip(offsets.chunks_exact(count));
        for ((x, out), ((edges, slopes), offsets)) in x.iter().zip(out).zip(lists) {
            let mut sums = [0.0; SIDE_BY_SIDE];
            for ((edge, slope), offset) in edges.iter().zip(slopes).zip(offsets) {
                for (sum, x) in sums.iter_mut().zip(x) {
                    let ramp = (x - edge).mul_add(*slope, *offset);
                    let ramp = if ramp > 0.0 { ramp } else { 0.0 };
                    *sum += if ramp < 1.0 { ramp } else { 1.0 };
                }
            }
            for ((out, x), sum) in out.iter_mut().zip(x).zip(sums) {
                *out = if x.is_nan() { 0.0 } else { (sum * share - 0.5) * SPREAD };
            }
        }
    }
}

dispatch! {
    /// [`standardise`] for sixteen rows side by side: mean and scale of each input.
    pub fn standardise_columns(
        x: &[[f32; SIDE_BY_SIDE]], lists: (&[f32], &[f32], f32), out: &mut [[f32; SIDE_BY_SIDE]],
    ) {
        let (means, scales, clip) = lists;
        for (((x, out), mean), scale) in x.iter().zip(out).zip(means).zip(scales) {
            for (out, x) in out.iter_mut().zip(x) {
                let input = (x - mean) * scale;
                let input = if input < clip { input } else { clip };
                let input = if input > -clip { input } else { -clip };
                *out = if x.is_nan() { 0.0 } else { input };
            }
        }
    }
}

dispatch! {
    /// The product of each pair of vectors for sixteen rows side by side: `pairs` say where the two vectors begin in `x` and how long the shorter one is.
    pub fn pair_columns(x: &[[f32; SIDE_BY_SIDE]], pairs: &[(u16, u16, u16)], out: &mut [[f32; SIDE_BY_SIDE]]) {
        for ((one, two, width), out) in pairs.iter().zip(out) {
            let mut sums = [0.0; SIDE_BY_SIDE];
            let width = usize::from(*width);
            let (one, two) = (&x[usize::from(*one)..][..width], &x[usize::from(*two)..][..width]);
            for (one, two) in one.iter().zip(two) {
                for ((sum, a), b) in sums.iter_mut().zip(one).zip(two) {
                    *sum = a.mul_add(*b, *sum);
                }
            }
            *out = sums;
        }
    }
}
