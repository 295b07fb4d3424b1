//! Narrow kernels of serving: int8 dot products for the light scorer, bfloat16 products for the full one.

use super::isa::{Isa, Level};

/// Scales `x` to int8 by its largest magnitude; answers the factor that turns an integer back into a value.
pub fn quantize_i8(x: &[f32], out: &mut [i8]) -> f32 {
    let top = x.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
    let scale = if top > 0.0 { 127.0 / top } else { 0.0 };
    for (out, x) in out.iter_mut().zip(x) {
        *out = (x * scale).round_ties_even() as i8;
    }
    top / 127.0
}

/// Exact integer dot product of two int8 vectors of equal length.
pub fn dot_i8(isa: Isa, x: &[i8], y: &[i8]) -> i32 {
    assert_eq!(x.len(), y.len());
    match isa.level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the features were detected; both slices have the same length.
        Level::Avx2 => unsafe { dot_avx2(x, y) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { dot_avx512(x, y) },
        _ => dot_body(x, y),
    }
}

#[inline(always)]
fn dot_body(x: &[i8], y: &[i8]) -> i32 {
    x.iter().zip(y).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(x: &[i8], y: &[i8]) -> i32 {
    dot_body(x, y)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2")]
fn dot_avx512(x: &[i8], y: &[i8]) -> i32 {
    dot_body(x, y)
}
