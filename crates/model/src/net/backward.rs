//! From gradients of logits to gradients of embedding rows and of weights.

use super::Scratch;
use crate::kernels::{Gemm, Isa, gemm};
use crate::layout::Layout;

/// Transposed weights, so that going back is the same product as going forward. Refreshed after each step.
#[derive(Debug, Clone)]
pub(crate) struct Transposed {
    /// First-layer columns × front inputs.
    w1: Vec<f32>,
    w2: Vec<f32>,
    w3: Vec<f32>,
}

impl Transposed {
    pub fn new(layout: &Layout, weights: &[f32]) -> Self {
        let [h1, h2] = layout.hidden;
        let mut transposed = Self {
            w1: vec![0.0; layout.first * layout.front],
            w2: vec![0.0; h1 * h2],
            w3: vec![0.0; h2 * layout.outputs_padded],
        };
        transposed.refresh(layout, weights);
        transposed
    }

    pub fn refresh(&mut self, layout: &Layout, weights: &[f32]) {
        let [h1, h2] = layout.hidden;
        turn(&weights[layout.w1..], layout.front, layout.first, &mut self.w1);
        turn(&weights[layout.w2..], h1, h2, &mut self.w2);
        turn(&weights[layout.w3..], h2, layout.outputs_padded, &mut self.w3);
    }
}

/// Transposes rows × columns, in blocks that stay in the first-level cache.
fn turn(from: &[f32], rows: usize, columns: usize, to: &mut [f32]) {
    const BLOCK: usize = 16;
    for row in (0..rows).step_by(BLOCK) {
        for column in (0..columns).step_by(BLOCK) {
            for r in row..(row + BLOCK).min(rows) {
                for c in column..(column + BLOCK).min(columns) {
                    to[c * rows + r] = from[r * columns + c];
                }
            }
        }
    }
}

/// One pass back over rows [at, at + count) of a scratch whose `d1` skip part holds the gradients of the logits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    pub isa: Isa,
    pub layout: &'a Layout,
    pub transposed: &'a Transposed,
    /// Pull of embedding rows towards zero.
    pub l2: f32,
}

impl Step<'_> {
    /// Fills `d1`, `d2` and the gradients of the gathered keys.
    pub fn back(&self, at: usize, count: usize, scratch: &mut Scratch) {
        self.layers(at, count, scratch);
        let layout = self.layout;
        gemm(
            self.isa,
            Gemm {
                m: count,
                n: layout.front,
                k: layout.first,
                a: &scratch.d1[at * layout.first..],
                a_row: layout.first,
                a_column: 1,
                b: &self.transposed.w1,
                b_row: layout.front,
                c: &mut scratch.front,
                c_row: layout.front,
                add: false,
            },
        );
        scratch.gathered.begin_gradients(layout);
        for i in 0..count {
            self.row(i, at + i, scratch);
        }
    }

    fn layers(&self, at: usize, count: usize, scratch: &mut Scratch) {
        let layout = self.layout;
        let [h1, h2] = layout.hidden;
        let d1 = &mut scratch.d1[at * layout.first..][..count * layout.first];
        let d2 = &mut scratch.d2[at * h2..][..count * h2];
        gemm(
            self.isa,
            Gemm {
                m: count,
                n: h2,
                k: layout.outputs_padded,
                a: &d1[h1..],
                a_row: layout.first,
                a_column: 1,
                b: &self.transposed.w3,
                b_row: h2,
                c: d2,
                c_row: h2,
                add: false,
            },
        );
        mask(&scratch.y2[at * h2..][..count * h2], d2);
        gemm(
            self.isa,
            Gemm {
                m: count,
                n: h1,
                k: h2,
                a: d2,
                a_row: h2,
                a_column: 1,
                b: &self.transposed.w2,
                b_row: h1,
                c: d1,
                c_row: layout.first,
                add: false,
            },
        );
        let y1 = &scratch.y1[at * layout.first..][..count * layout.first];
        for (y, d) in y1.chunks(layout.first).zip(d1.chunks_mut(layout.first)) {
            mask(&y[..h1], &mut d[..h1]);
        }
    }

    /// Gradients of one row's vectors: from the products of pairs, and from the vectors themselves.
    fn row(&self, i: usize, at: usize, scratch: &mut Scratch) {
        let layout = self.layout;
        let (padded, stride) = (layout.slots_padded, layout.stride);
        let front = &scratch.front[i * layout.front..][..layout.front];
        let vectors = &scratch.vectors[at * padded * stride..][..padded * stride];
        let gradients = &mut scratch.vector_gradients[..padded * stride];
        gradients.fill(0.0);
        if layout.pair_width > 0 {
            self.pairs(front, vectors, &mut scratch.products, gradients);
        }
        for (place, slot) in layout.slots.iter().enumerate() {
            if let Some(from) = slot.vector {
                let gradient = &mut gradients[place * stride..][..slot.width];
                for (g, d) in gradient.iter_mut().zip(&front[from..]) {
                    *g += d;
                }
            }
        }
        scratch.gathered.scatter(self.l2, layout, i, vectors, gradients);
    }

    /// Gradients of one row's vectors from the products of pairs.
    fn pairs(&self, front: &[f32], vectors: &[f32], products: &mut [f32], gradients: &mut [f32]) {
        let layout = self.layout;
        let (slots, padded, stride) = (layout.slots.len(), layout.slots_padded, layout.stride);
        let mut from = layout.pairs;
        for a in 0..slots {
            let later = slots - a - 1;
            products[a * padded + a] = 0.0;
            products[a * padded + a + 1..][..later].copy_from_slice(&front[from..from + later]);
            for b in a + 1..slots {
                products[b * padded + a] = front[from + b - a - 1];
            }
            from += later;
        }
        gemm(
            self.isa,
            Gemm {
                m: slots,
                n: layout.pair_width,
                k: slots,
                a: products,
                a_row: padded,
                a_column: 1,
                b: vectors,
                b_row: stride,
                c: gradients,
                c_row: stride,
                add: false,
            },
        );
    }

    /// The gradient sums of the first `count` queued rows, in the layout of the weights.
    pub fn sums(&self, count: usize, scratch: &Scratch, sums: &mut [f32]) {
        let layout = self.layout;
        let [h1, h2] = layout.hidden;
        let outer =
            |m: usize, n: usize, a: &[f32], a_column: usize, b: &[f32], b_row: usize, c: &mut [f32]| {
                let operands = Gemm {
                    m,
                    n,
                    k: count,
                    a,
                    a_row: 1,
                    a_column,
                    b,
                    b_row,
                    c,
                    c_row: n,
                    add: false,
                };
                gemm(self.isa, operands);
            };
        let (first, rest) = sums.split_at_mut(layout.w2);
        outer(
            layout.inputs,
            layout.first,
            &scratch.x,
            layout.inputs,
            &scratch.d1,
            layout.first,
            first,
        );
        let (second, rest) = rest.split_at_mut(layout.b2 - layout.w2);
        outer(h1, h2, &scratch.y1, layout.first, &scratch.d2, h2, second);
        let (bias, third) = rest.split_at_mut(layout.w3 - layout.b2);
        bias.fill(0.0);
        for row in scratch.d2[..count * h2].chunks(h2) {
            for (bias, d) in bias.iter_mut().zip(row) {
                *bias += d;
            }
        }
        outer(
            h2,
            layout.outputs_padded,
            &scratch.y2,
            h2,
            &scratch.d1[h1..],
            layout.first,
            third,
        );
    }
}

/// Zero where the rectifier was off.
fn mask(y: &[f32], d: &mut [f32]) {
    for (d, y) in d.iter_mut().zip(y) {
        *d = if *y > 0.0 { *d } else { 0.0 };
    }
}
