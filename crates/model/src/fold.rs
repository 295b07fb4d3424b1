//! A version with one viewer folded in: what is left is a small network over a single embedding row.
//!
//! Everything about the viewer and the moment is the same for all candidates of a request. With it fixed, the first layer is an affine
//! function of the candidate's own row v: its products with the other slots' vectors are linear in v, and all else is a constant.
//!
//! ```text
//! y₁ = v·A + b      A = W₁[v] + Σ over other slots u of uₖ · W₁[pair of u and v]      b = y₁ of the viewer's row without the candidate
//! ```
//!
//! So a light scorer says exactly what the whole model would say of a row that holds the viewer's part and the candidate's id and nothing else
//! (slots that attend to the candidate stay at the plain mean of their ids, as they are without one). A few of the candidate's dense values can
//! come along ("columns"): their inputs stand behind those of the row. Other dense values that only a video has are unknown, input 0; those of the
//! pair stay what the viewer's row says of them. Folding costs as much as scoring one row.

use crate::embedding::EmbeddingRead;
use crate::inputs::Columns;
use crate::kernels::{self, COLUMNS, Isa};
use crate::layout::UNKNOWN;
use crate::net::Scratch;
use crate::row::RowRef;
use crate::schema::Side;
use crate::version::DenseVersion;

/// The weights that are left. Matrices are row-major, inputs × outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// The slot whose rows the candidates are.
    pub slot: u16,
    /// Values of such a row.
    pub width: usize,
    /// What becomes of the dense values that a candidate brings along.
    pub columns: Columns,
    /// Units of both hidden layers.
    pub hidden: [usize; 2],
    /// Logits, padded to whole registers; those beyond the heads asked for are 0.
    pub outputs: usize,
    /// (Width + columns) × (first hidden + outputs); the second part of each row goes straight to the logits.
    pub w1: Vec<f32>,
    pub b1: Vec<f32>,
    pub w2: Vec<f32>,
    pub b2: Vec<f32>,
    /// Second hidden × outputs.
    pub w3: Vec<f32>,
}

impl DenseVersion {
    /// Folds the ids and dense values of `viewer` in; `heads` are the binary heads to keep, by place, and `columns` the dense values that
    /// each candidate brings along. `None` when the schema has no such slot, head or dense value.
    ///
    /// # Panics
    /// When the row has another number of dense values than the schema.
    pub fn fold(
        &self,
        table: &impl EmbeddingRead,
        viewer: RowRef<'_>,
        slot: u16,
        heads: &[usize],
        columns: &[usize],
    ) -> Option<Folded> {
        let layout = &*self.layout;
        let place = usize::from(
            *layout
                .slot_place
                .get(usize::from(slot))
                .filter(|place| **place != UNKNOWN)?,
        );
        let width = layout.slots[place].width;
        if columns.iter().any(|column| *column >= layout.dense_width) {
            return None;
        }
        let answers = self.answers_of(heads)?;
        let ids: Vec<(u16, u64)> = viewer.ids.iter().copied().filter(|(of, _)| *of != slot).collect();
        let viewer = RowRef { ids: &ids, ..viewer };
        let mut scratch = Scratch::default();
        scratch.reserve(layout, 1);
        scratch.gathered.note(layout, [(viewer, true)].into_iter());
        scratch.gathered.read(layout, table);
        let logits = self.first_layer(viewer, columns, &mut scratch);
        let [h1, h2] = layout.hidden;
        let outputs = answers.len().next_multiple_of(COLUMNS);
        let pick = |row: &[f32]| -> Vec<f32> {
            let kept = answers.iter().map(|answer| row[*answer]);
            let padding = std::iter::repeat_n(0.0, outputs - answers.len());
            kept.chain(padding).collect()
        };
        let split = |row: &[f32]| [&row[..h1], &pick(&row[h1..])].concat();
        let mut w1 = self.candidate_rows(place, &scratch.vectors);
        for column in columns {
            w1.extend_from_slice(self.w1_row(layout.dense + column));
        }
        let w3 = self.weights[layout.w3..layout.weights].chunks_exact(layout.outputs_padded);
        Some(Folded {
            slot: layout.slots[place].key_slot,
            width,
            columns: Columns::new(&self.quantiles, columns),
            hidden: [h1, h2],
            outputs,
            w1: w1.chunks_exact(layout.first).flat_map(split).collect(),
            b1: split(&logits),
            w2: self.weights[layout.w2..layout.b2].to_vec(),
            b2: self.weights[layout.b2..layout.w3].to_vec(),
            w3: w3.flat_map(pick).collect(),
        })
    }

    /// The weights of one input of the first layer.
    pub(crate) fn w1_row(&self, input: usize) -> &[f32] {
        &self.weights[self.layout.w1 + input * self.layout.first..][..self.layout.first]
    }

    /// The first layer before its rectifier, with base rates in the part that goes to the logits.
    fn first_layer(&self, viewer: RowRef<'_>, columns: &[usize], scratch: &mut Scratch) -> Vec<f32> {
        let layout = &*self.layout;
        self.forward().inputs(viewer, scratch);
        let dense = &mut scratch.x[layout.dense..][..layout.dense_width];
        for (input, side) in dense.iter_mut().zip(&layout.dense_sides) {
            if *side == Side::Video {
                *input = 0.0;
            }
        }
        for column in columns {
            dense[*column] = 0.0;
        }
        let mut y1 = vec![0.0; layout.first];
        let inputs = &scratch.x[..layout.inputs];
        kernels::add_rows(Isa::best(), inputs, &self.weights[layout.w1..layout.w2], &mut y1);
        for (logit, base) in y1[layout.hidden[0]..].iter_mut().zip(&self.base) {
            *logit += base;
        }
        self.wide
            .add(Isa::best(), &scratch.addresses, &mut y1[layout.hidden[0]..]);
        y1
    }

    /// The first layer's weights of a candidate's values: its own, and those of its products with the viewer's `vectors`.
    fn candidate_rows(&self, place: usize, vectors: &[f32]) -> Vec<f32> {
        let layout = &*self.layout;
        let slot = layout.slots[place];
        let mut rows = vec![0.0; slot.width * layout.first];
        for (value, row) in rows.chunks_exact_mut(layout.first).enumerate() {
            if let Some(from) = slot.vector {
                row.copy_from_slice(self.w1_row(from + value));
            }
            if value >= layout.pair_width {
                continue;
            }
            for other in (0..layout.slots.len()).filter(|other| *other != place) {
                let factor = [vectors[other * layout.stride + value]];
                let pair = layout.pair(place.min(other), place.max(other));
                kernels::add_rows(Isa::best(), &factor, self.w1_row(pair), row);
            }
        }
        rows
    }

    /// The place of each head's logit.
    fn answers_of(&self, heads: &[usize]) -> Option<Vec<usize>> {
        heads.iter().map(|head| self.answers.logit_of(*head)).collect()
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
