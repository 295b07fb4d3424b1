//! Dense square matrices: product and inverse of symmetric positive definite ones, in blocks on the model's matrix kernel.
//!
//! The inverse is Gauss–Jordan elimination in place, a block at a time, without pivoting: safe for positive definite matrices and only
//! for them. The result does not depend on the number of threads, which share rows, nor on the instruction set.
//!
//! Cost: n³ multiply-adds each; 6 000 × 6 000 is 216 G of them and 144 MB a matrix.

use model::kernels::{Gemm, Isa, gemm};

/// Rows and columns of a block. A multiple of 16 (the kernel's unit); small enough for its own inverse to cost nothing.
const BLOCK: usize = 128;

/// A square matrix, row-major. Rows are padded to whole blocks; the padding is the unit matrix while inverting, else 0.
#[derive(Debug, Clone)]
pub(super) struct Square {
    order: usize,
    /// Values from row to row; also the number of rows held.
    stride: usize,
    values: Vec<f32>,
}

impl Square {
    pub(super) fn zeros(order: usize) -> Self {
        let stride = order.next_multiple_of(BLOCK);
        Self {
            order,
            stride,
            values: vec![0.0; stride * stride],
        }
    }

    pub(super) fn order(&self) -> usize {
        self.order
    }

    pub(super) fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.stride..][..self.order]
    }

    pub(super) fn row_mut(&mut self, at: usize) -> &mut [f32] {
        &mut self.values[at * self.stride..][..self.order]
    }

    fn set_padding(&mut self, value: f32) {
        for at in self.order..self.stride {
            self.values[at * self.stride + at] = value;
        }
    }
}

/// `a · b`.
pub(super) fn multiply(a: &Square, b: &Square, threads: usize) -> Square {
    assert_eq!(a.order, b.order);
    let n = a.stride;
    let mut out = Square::zeros(a.order);
    share_rows(&mut out.values, n, threads, |first, rows| {
        gemm(
            Isa::best(),
            Gemm {
                m: rows.len() / n,
                n,
                k: n,
                a: &a.values[first * n..],
                a_row: n,
                a_column: 1,
                b: &b.values,
                b_row: n,
                c: rows,
                c_row: n,
                add: false,
            },
        );
    });
    out
}

/// Replaces a symmetric positive definite matrix by its inverse.
pub(super) fn invert(matrix: &mut Square, threads: usize) {
    let n = matrix.stride;
    matrix.set_padding(1.0);
    let mut panel = vec![0.0; n * BLOCK];
    let mut pivot_rows = vec![0.0; BLOCK * n];
    for first in (0..n).step_by(BLOCK) {
        let pivot = inverse_of_block(&matrix.values, n, first);
        take_panel(&mut matrix.values, n, first, &mut panel);
        solve_pivot_rows(&matrix.values, n, first, &pivot, &mut pivot_rows);
        share_rows(&mut matrix.values, n, threads, |from, rows| {
            gemm(
                Isa::best(),
                Gemm {
                    m: rows.len() / n,
                    n,
                    k: BLOCK,
                    a: &panel[from * BLOCK..],
                    a_row: BLOCK,
                    a_column: 1,
                    b: &pivot_rows,
                    b_row: n,
                    c: rows,
                    c_row: n,
                    add: true,
                },
            );
        });
        matrix.values[first * n..][..BLOCK * n].copy_from_slice(&pivot_rows);
    }
    matrix.set_padding(0.0);
}

/// Moves the block column, negated, into `panel` (n × BLOCK) and leaves zeros; the pivot's own rows take no part.
fn take_panel(values: &mut [f32], n: usize, first: usize, panel: &mut [f32]) {
    for (row, out) in panel.chunks_exact_mut(BLOCK).enumerate() {
        let block = &mut values[row * n + first..][..BLOCK];
        match (first..first + BLOCK).contains(&row) {
            true => out.fill(0.0),
            false => out
                .iter_mut()
                .zip(block.iter())
                .for_each(|(out, value)| *out = -value),
        }
        block.fill(0.0);
    }
}

/// `pivot · rows of the pivot`, with the pivot itself in its own columns (which [`take_panel`] cleared).
fn solve_pivot_rows(values: &[f32], n: usize, first: usize, pivot: &[f32], out: &mut [f32]) {
    gemm(
        Isa::best(),
        Gemm {
            m: BLOCK,
            n,
            k: BLOCK,
            a: pivot,
            a_row: BLOCK,
            a_column: 1,
            b: &values[first * n..][..BLOCK * n],
            b_row: n,
            c: out,
            c_row: n,
            add: false,
        },
    );
    for (out, pivot) in out.chunks_exact_mut(n).zip(pivot.chunks_exact(BLOCK)) {
        out[first..first + BLOCK].copy_from_slice(pivot);
    }
}

/// The inverse of one diagonal block, by plain Gauss–Jordan in f64.
fn inverse_of_block(values: &[f32], n: usize, first: usize) -> Vec<f32> {
    let mut block = vec![0.0_f64; BLOCK * BLOCK];
    for (row, out) in block.chunks_exact_mut(BLOCK).enumerate() {
        let from = &values[(first + row) * n + first..][..BLOCK];
        out.iter_mut()
            .zip(from)
            .for_each(|(out, value)| *out = f64::from(*value));
    }
    for pivot in 0..BLOCK {
        let scale = 1.0 / block[pivot * BLOCK + pivot];
        block[pivot * BLOCK + pivot] = 1.0;
        block[pivot * BLOCK..][..BLOCK]
            .iter_mut()
            .for_each(|value| *value *= scale);
        let pivot_row: Vec<f64> = block[pivot * BLOCK..][..BLOCK].to_vec();
        for (row, out) in block.chunks_exact_mut(BLOCK).enumerate() {
            if row == pivot {
                continue;
            }
            let factor = std::mem::take(&mut out[pivot]);
            out.iter_mut()
                .zip(&pivot_row)
                .for_each(|(out, value)| *out -= factor * value);
        }
    }
    block.into_iter().map(|value| value as f32).collect()
}

/// Gives each thread whole rows of `values`: `work(first row, its rows)`.
fn share_rows(values: &mut [f32], n: usize, threads: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    let rows = values.len() / n.max(1);
    let each = rows.div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        for (at, part) in values.chunks_mut(each * n).enumerate() {
            let work = &work;
            scope.spawn(move || work(at * each, part));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic values in (−1, 1).
    fn noise(seed: &mut u64) -> f32 {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn positive_definite(order: usize, seed: u64) -> Square {
        let mut seed = seed;
        let factor: Vec<f32> = (0..order * order).map(|_| noise(&mut seed)).collect();
        let mut square = Square::zeros(order);
        for i in 0..order {
            for j in 0..order {
                let dot: f32 = (0..order)
                    .map(|k| factor[i * order + k] * factor[j * order + k])
                    .sum();
                square.row_mut(i)[j] = dot + if i == j { 1.0 } else { 0.0 };
            }
        }
        square
    }

    #[test]
    fn a_matrix_times_its_inverse_is_the_unit_matrix() {
        for order in [1, 7, BLOCK, 2 * BLOCK + 45] {
            let matrix = positive_definite(order, order as u64);
            let mut inverse = matrix.clone();
            invert(&mut inverse, 2);
            let unit = multiply(&matrix, &inverse, 3);
            for i in 0..order {
                for (j, value) in unit.row(i).iter().enumerate() {
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!(
                        (value - expected).abs() < 2e-3,
                        "order {order}, ({i}, {j}): {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let matrix = positive_definite(300, 5);
        let inverted = |threads| {
            let mut inverse = matrix.clone();
            invert(&mut inverse, threads);
            multiply(&inverse, &matrix, threads).values
        };
        assert!(inverted(1) == inverted(3));
    }

    #[test]
    fn a_product_is_the_sum_of_products() {
        let (a, b) = (positive_definite(37, 1), positive_definite(37, 2));
        let product = multiply(&a, &b, 2);
        for i in 0..37 {
            for j in 0..37 {
                let plain: f32 = (0..37).map(|k| a.row(i)[k] * b.row(k)[j]).sum();
                assert!((product.row(i)[j] - plain).abs() < 1e-3 * plain.abs().max(1.0));
            }
        }
    }
}
