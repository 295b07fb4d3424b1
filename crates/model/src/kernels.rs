//! Arithmetic of the model, once per instruction set.
//!
//! Each operation has a plain reference and faster twins that are chosen at run time. All floating-point kernels of training
//! add in one fixed order with fused multiply-adds, so every twin gives the reference's bits on every machine, and a row's result does
//! not depend on which rows were computed beside it. The integer and bfloat16 kernels of serving have their own references.
//!
//! | operation | one core with AVX-512 |
//! |---|---|
//! | [`gemm`] | near the multiplier's limit for 8 rows and more; limited by the second-level cache for one row |
//! | element-wise loops | 16 values a step, limited by the cache |
#![expect(
    unsafe_code,
    reason = "instruction sets found at run time are called through unsafe functions"
)]

#[cfg(target_arch = "x86_64")]
mod bf16;
mod gemm;
mod isa;
mod layer;
mod logistic;
mod serving;
mod vector;

pub use gemm::{COLUMNS, Gemm, gemm};
pub use isa::Isa;
pub use layer::{Layer, Precision, Rows};
pub use logistic::{attend_columns, exp, exps, judge, log1p_exp, sigmoid, sigmoids};
pub use serving::{dot_i8, quantize_i8};
pub use vector::{
    AdamStep, SIDE_BY_SIDE, SPREAD, adam, adam_averaged, add_rows, add_to_rows, ftrl, narrow_pairs,
    pair_columns, place_columns, ramps, relu, spread, standardise, standardise_columns, sum_rows,
};

use isa::dispatch;

#[cfg(test)]
mod tests;
