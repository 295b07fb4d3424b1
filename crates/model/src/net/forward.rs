//! From rows to logits.

use super::Scratch;
use crate::inputs::Quantiles;
use crate::kernels::{self, Gemm, Isa, gemm};
use crate::layout::Layout;
use crate::row::RowRef;
use crate::wide::WideWeights;

/// Everything a forward pass reads, borrowed from the model or from a published version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forward<'a> {
    pub isa: Isa,
    pub layout: &'a Layout,
    pub weights: &'a [f32],
    pub quantiles: &'a Quantiles,
    pub wide: &'a WideWeights,
    /// Whether dense buckets have wide weights.
    pub buckets: bool,
    /// One a logit.
    pub base: &'a [f32],
}

impl Forward<'_> {
    /// Fills `scratch` from row `at` on; the ids of `rows` are gathered already. Logits end up in the skip part of `y1`.
    pub fn run<'r>(&self, rows: impl ExactSizeIterator<Item = RowRef<'r>>, at: usize, scratch: &mut Scratch) {
        let count = rows.len();
        scratch.addresses.clear();
        scratch.address_ends.clear();
        for (i, row) in rows.enumerate() {
            self.row_vectors(i, at + i, scratch);
            self.row_dense(row, i, at + i, scratch);
        }
        self.layers(at, count, scratch);
        let layout = self.layout;
        for i in 0..count {
            let skip = (at + i) * layout.first + layout.hidden[0];
            let logits = &mut scratch.y1[skip..skip + layout.outputs_padded];
            for (logit, base) in logits.iter_mut().zip(self.base) {
                *logit += base;
            }
            let from = i
                .checked_sub(1)
                .map_or(0, |before| scratch.address_ends[before] as usize);
            let addresses = &scratch.addresses[from..scratch.address_ends[i] as usize];
            self.wide.add(self.isa, addresses, logits);
        }
    }

    /// The inputs of one row, whose ids are gathered already, and its wide addresses.
    pub fn inputs(&self, row: RowRef<'_>, scratch: &mut Scratch) {
        scratch.addresses.clear();
        scratch.address_ends.clear();
        self.row_vectors(0, 0, scratch);
        self.row_dense(row, 0, 0, scratch);
    }

    /// Vectors and products of pairs of one row.
    fn row_vectors(&self, i: usize, at: usize, scratch: &mut Scratch) {
        let layout = self.layout;
        let size = layout.slots_padded * layout.stride;
        let vectors = &mut scratch.vectors[at * size..][..size];
        scratch.gathered.pool(self.isa, layout, i, vectors);
        let x = &mut scratch.x[at * layout.inputs..][..layout.front];
        for (place, slot) in layout.slots.iter().enumerate() {
            if let Some(from) = slot.vector {
                x[from..from + slot.width].copy_from_slice(&vectors[place * layout.stride..][..slot.width]);
            }
        }
        x[layout.pairs..].fill(0.0);
        let (slots, padded) = (layout.slots.len(), layout.slots_padded);
        let width = layout.pair_width;
        if width == 0 {
            return;
        }
        transpose(
            vectors,
            slots,
            layout.stride,
            width,
            &mut scratch.transposed,
            padded,
        );
        gemm(
            self.isa,
            Gemm {
                m: slots,
                n: padded,
                k: width,
                a: vectors,
                a_row: layout.stride,
                a_column: 1,
                b: &scratch.transposed,
                b_row: padded,
                c: &mut scratch.products,
                c_row: padded,
                add: false,
            },
        );
        let mut to = layout.pairs;
        for i in 0..slots {
            let later = slots - i - 1;
            x[to..to + later].copy_from_slice(&scratch.products[i * padded + i + 1..][..later]);
            to += later;
        }
    }

    /// Dense inputs and wide addresses of one row.
    fn row_dense(&self, row: RowRef<'_>, i: usize, at: usize, scratch: &mut Scratch) {
        let layout = self.layout;
        assert_eq!(row.dense.len(), layout.dense_width, "dense values of a row");
        let x = &mut scratch.x[at * layout.inputs..][..layout.inputs];
        let (dense, rest) = x[layout.dense..].split_at_mut(layout.dense_width);
        self.quantiles
            .place(self.isa, row.dense, dense, &mut scratch.buckets);
        rest.fill(0.0);
        rest[0] = 1.0;
        if self.buckets && self.quantiles.ready() {
            let per_value = self.quantiles.addresses() as u32;
            let addresses = scratch.buckets.iter().zip(0_u32..);
            scratch
                .addresses
                .extend(addresses.map(|(bucket, value)| value * per_value + u32::from(*bucket)));
        }
        for (place, key) in &scratch.gathered.uses[scratch.gathered.uses_of(i)] {
            if layout.slots[usize::from(*place)].wide {
                let key = scratch.gathered.keys[*key as usize];
                scratch.addresses.extend(self.wide.address(key));
            }
        }
        scratch.address_ends.push(scratch.addresses.len() as u32);
    }

    fn layers(&self, at: usize, count: usize, scratch: &mut Scratch) {
        let layout = self.layout;
        let [h1, h2] = layout.hidden;
        let y1 = &mut scratch.y1[at * layout.first..][..count * layout.first];
        gemm(
            self.isa,
            Gemm {
                m: count,
                n: layout.first,
                k: layout.inputs,
                a: &scratch.x[at * layout.inputs..],
                a_row: layout.inputs,
                a_column: 1,
                b: &self.weights[layout.w1..layout.w2],
                b_row: layout.first,
                c: y1,
                c_row: layout.first,
                add: false,
            },
        );
        for row in y1.chunks_mut(layout.first) {
            kernels::relu(self.isa, &mut row[..h1]);
        }
        let y2 = &mut scratch.y2[at * h2..][..count * h2];
        for row in y2.chunks_mut(h2) {
            row.copy_from_slice(&self.weights[layout.b2..layout.w3]);
        }
        gemm(
            self.isa,
            Gemm {
                m: count,
                n: h2,
                k: h1,
                a: y1,
                a_row: layout.first,
                a_column: 1,
                b: &self.weights[layout.w2..layout.b2],
                b_row: h2,
                c: y2,
                c_row: h2,
                add: true,
            },
        );
        kernels::relu(self.isa, y2);
        gemm(
            self.isa,
            Gemm {
                m: count,
                n: layout.outputs_padded,
                k: h2,
                a: y2,
                a_row: h2,
                a_column: 1,
                b: &self.weights[layout.w3..layout.weights],
                b_row: layout.outputs_padded,
                c: &mut y1[h1..],
                c_row: layout.first,
                add: true,
            },
        );
    }
}

/// The leading `width` values of each vector as columns: `out[value × padded + slot]`, zero beyond the last slot.
pub(super) fn transpose(
    vectors: &[f32],
    slots: usize,
    stride: usize,
    width: usize,
    out: &mut [f32],
    padded: usize,
) {
    for value in 0..width {
        let column = &mut out[value * padded..][..padded];
        for (slot, out) in column[..slots].iter_mut().enumerate() {
            *out = vectors[slot * stride + value];
        }
        column[slots..].fill(0.0);
    }
}
