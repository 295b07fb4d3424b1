//! One matrix product for all layers: C ← A·B or C ← C + A·B in f32.
//!
//! A is read through two strides, so the same loop serves A and its transpose. Every element of C is one chain of fused multiply-adds in the order
//! of the inner index; tiles differ only in how many chains run side by side. Hence the bits are the reference's,
//! whatever the number of rows.

use super::isa::{Isa, Level};

/// Columns of B and C come in multiples of this.
pub const COLUMNS: usize = 16;

/// The operands of a product of an m×k matrix with a k×n matrix.
#[derive(Debug)]
pub struct Gemm<'a> {
    pub m: usize,
    /// A multiple of [`COLUMNS`].
    pub n: usize,
    pub k: usize,
    /// Element (i, p) is `a[i * a_row + p * a_column]`.
    pub a: &'a [f32],
    pub a_row: usize,
    pub a_column: usize,
    /// Row-major, `b_row` values from row to row.
    pub b: &'a [f32],
    pub b_row: usize,
    /// Row-major, `c_row` values from row to row.
    pub c: &'a mut [f32],
    pub c_row: usize,
    /// Adds to C instead of replacing it.
    pub add: bool,
}

impl Gemm<'_> {
    /// The bounds on which the unchecked loops rely.
    fn check(&self) {
        assert!(self.n.is_multiple_of(COLUMNS) && self.n <= self.b_row.max(self.n));
        if self.m == 0 || self.n == 0 {
            return;
        }
        let last = |rows: usize, row: usize, columns: usize| (rows - 1) * row + columns;
        assert!(last(self.m, self.c_row, self.n) <= self.c.len());
        if self.k > 0 {
            assert!(last(self.k, self.b_row, self.n) <= self.b.len());
            assert!((self.m - 1) * self.a_row + (self.k - 1) * self.a_column < self.a.len());
        }
    }
}

/// Computes the product with the twin for `isa`.
///
/// # Panics
/// When an operand is shorter than its shape says.
pub fn gemm(isa: Isa, mut g: Gemm<'_>) {
    g.check();
    match isa.level() {
        Level::Scalar => reference(&mut g),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the features were detected, and `check` proved that all indexes lie inside.
        Level::Avx2 => unsafe { avx2::product(&mut g) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { avx512::product(&mut g) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => reference(&mut g),
    }
}

fn reference(g: &mut Gemm<'_>) {
    for i in 0..g.m {
        let c = &mut g.c[i * g.c_row..i * g.c_row + g.n];
        if !g.add {
            c.fill(0.0);
        }
        for p in 0..g.k {
            let a = g.a[i * g.a_row + p * g.a_column];
            let b = &g.b[p * g.b_row..p * g.b_row + g.n];
            for (c, b) in c.iter_mut().zip(b) {
                *c = a.mul_add(*b, *c);
            }
        }
    }
}

/// Walks C in tiles of `$rows` × `$vectors` registers, narrower at the edges.
#[cfg(target_arch = "x86_64")]
macro_rules! product {
    ($feature:literal, $lanes:literal, $register:ty, $zero:ident, $load:ident, $store:ident, $set:ident, $fma:ident, $rows:literal, $vectors:literal) => {
        #[target_feature(enable = $feature)]
        pub(super) unsafe fn product(g: &mut Gemm<'_>) {
            let mut j = 0;
            while j < g.n {
                let left = (g.n - j) / $lanes;
                // SAFETY: the caller checked the bounds; `stripe` stays inside the columns [j, j + width).
                j += unsafe {
                    if left >= $vectors {
                        stripe::<$vectors>(g, j)
                    } else if left >= 2 {
                        stripe::<2>(g, j)
                    } else {
                        stripe::<1>(g, j)
                    }
                };
            }
        }

        /// All rows of `V` registers of columns from column `j`; answers the width.
        #[target_feature(enable = $feature)]
        unsafe fn stripe<const V: usize>(g: &mut Gemm<'_>, j: usize) -> usize {
            let mut i = 0;
            while i < g.m {
                let left = g.m - i;
                // SAFETY: rows [i, i + answer) exist, because the answer is at most `left`.
                i += unsafe {
                    if left >= $rows {
                        tile::<$rows, V>(g, i, j)
                    } else if left >= 4 {
                        tile::<4, V>(g, i, j)
                    } else if left >= 2 {
                        tile::<2, V>(g, i, j)
                    } else {
                        tile::<1, V>(g, i, j)
                    }
                };
            }
            V * $lanes
        }

        /// `R` rows × `V` registers of C at (i, j), held in registers over the whole inner index; answers `R`.
        #[target_feature(enable = $feature)]
        unsafe fn tile<const R: usize, const V: usize>(g: &mut Gemm<'_>, i: usize, j: usize) -> usize {
            // SAFETY: i + R ≤ m and j + V·lanes ≤ n; `check` proved that these rows and columns lie inside a, b and c.
            unsafe {
                let mut sums: [[$register; V]; R] = [[$zero(); V]; R];
                let c = g.c.as_mut_ptr().add(i * g.c_row + j);
                if g.add {
                    for (r, row) in sums.iter_mut().enumerate() {
                        for (v, sum) in row.iter_mut().enumerate() {
                            *sum = $load(c.add(r * g.c_row + v * $lanes));
                        }
                    }
                }
                let mut a = g.a.as_ptr().wrapping_add(i * g.a_row);
                let mut b = g.b.as_ptr().wrapping_add(j);
                for _ in 0..g.k {
                    let mut line = [$zero(); V];
                    for (v, value) in line.iter_mut().enumerate() {
                        *value = $load(b.add(v * $lanes));
                    }
                    for (r, row) in sums.iter_mut().enumerate() {
                        let factor = $set(*a.add(r * g.a_row));
                        for (v, sum) in row.iter_mut().enumerate() {
                            *sum = $fma(factor, line[v], *sum);
                        }
                    }
                    a = a.wrapping_add(g.a_column);
                    b = b.wrapping_add(g.b_row);
                }
                for (r, row) in sums.iter().enumerate() {
                    for (v, sum) in row.iter().enumerate() {
                        $store(c.add(r * g.c_row + v * $lanes), *sum);
                    }
                }
            }
            R
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::Gemm;
    use std::arch::x86_64::{
        __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };
    product!(
        "avx512f",
        16,
        __m512,
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        8,
        3
    );
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::Gemm;
    use std::arch::x86_64::{
        __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    };
    product!(
        "avx2,fma",
        8,
        __m256,
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        6,
        2
    );
}
