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
//! (slots that attend to the candidate stay at the plain mean of their ids, as they are without one). Folding costs as much as scoring one row.

use crate::embedding::EmbeddingRead;
use crate::kernels::{COLUMNS, Isa};
use crate::layout::UNKNOWN;
use crate::net::{Forward, Scratch};
use crate::row::RowRef;
use crate::version::DenseVersion;

/// The weights that are left. Matrices are row-major, inputs × outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// The slot whose rows the candidates are.
    pub slot: u16,
    /// Values of such a row.
    pub width: usize,
    /// Units of both hidden layers.
    pub hidden: [usize; 2],
    /// Logits, padded to whole registers; those beyond the heads asked for are 0.
    pub outputs: usize,
    /// Width × (first hidden + outputs); the second part goes straight to the logits.
    pub w1: Vec<f32>,
    pub b1: Vec<f32>,
    pub w2: Vec<f32>,
    pub b2: Vec<f32>,
    /// Second hidden × outputs.
    pub w3: Vec<f32>,
}

impl DenseVersion {
    /// Folds the ids and dense values of `viewer` in; `heads` are the binary heads to keep, by place. `None` when the schema has no
    /// such slot or head, or rows of the slot do not enter the network.
    ///
    /// # Panics
    /// When the row has another number of dense values than the schema.
    pub fn fold(
        &self,
        table: &impl EmbeddingRead,
        viewer: RowRef<'_>,
        slot: u16,
        heads: &[usize],
    ) -> Option<Folded> {
        let layout = &*self.layout;
        let place = usize::from(
            *layout
                .slot_place
                .get(usize::from(slot))
                .filter(|place| **place != UNKNOWN)?,
        );
        let width = layout.slots[place].width;
        let columns = self.columns(heads)?;
        let ids: Vec<(u16, u64)> = viewer.ids.iter().copied().filter(|(of, _)| *of != slot).collect();
        let viewer = RowRef { ids: &ids, ..viewer };
        let mut scratch = Scratch::default();
        scratch.reserve(layout, 1);
        scratch.gathered.note(layout, [(viewer, true)].into_iter());
        scratch.gathered.read(layout, table);
        let logits = self.first_layer(viewer, &mut scratch);
        let [h1, h2] = layout.hidden;
        let outputs = columns.len().next_multiple_of(COLUMNS);
        let pick = |row: &[f32]| -> Vec<f32> {
            let kept = columns.iter().map(|column| row[*column]);
            let padding = std::iter::repeat_n(0.0, outputs - columns.len());
            kept.chain(padding).collect()
        };
        let split = |row: &[f32]| [&row[..h1], &pick(&row[h1..])].concat();
        let w1 = self.candidate_rows(place, &scratch.vectors);
        let w3 = self.weights[layout.w3..layout.weights].chunks_exact(layout.outputs_padded);
        Some(Folded {
            slot: layout.slots[place].key_slot,
            width,
            hidden: [h1, h2],
            outputs,
            w1: w1.chunks_exact(layout.first).flat_map(split).collect(),
            b1: split(&logits),
            w2: self.weights[layout.w2..layout.b2].to_vec(),
            b2: self.weights[layout.b2..layout.w3].to_vec(),
            w3: w3.flat_map(pick).collect(),
        })
    }

    /// The first layer before its rectifier, with base rates in the part that goes to the logits.
    fn first_layer(&self, viewer: RowRef<'_>, scratch: &mut Scratch) -> Vec<f32> {
        let layout = &*self.layout;
        let forward = Forward {
            isa: Isa::best(),
            layout,
            weights: &self.weights,
            quantiles: &self.quantiles,
            wide: &self.wide,
            buckets: self.buckets,
            base: &self.base,
        };
        forward.inputs(viewer, scratch);
        let mut y1 = vec![0.0; layout.first];
        for (x, weights) in scratch
            .x
            .iter()
            .zip(self.weights[layout.w1..layout.w2].chunks_exact(layout.first))
        {
            for (y, weight) in y1.iter_mut().zip(weights) {
                *y = x.mul_add(*weight, *y);
            }
        }
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
        let w1 = |input: usize| &self.weights[layout.w1 + input * layout.first..][..layout.first];
        let mut rows = vec![0.0; slot.width * layout.first];
        for (value, row) in rows.chunks_exact_mut(layout.first).enumerate() {
            if let Some(from) = slot.vector {
                row.copy_from_slice(w1(from + value));
            }
            if value >= layout.pair_width {
                continue;
            }
            for other in (0..layout.slots.len()).filter(|other| *other != place) {
                let factor = vectors[other * layout.stride + value];
                for (row, weight) in row
                    .iter_mut()
                    .zip(w1(layout.pair(place.min(other), place.max(other))))
                {
                    *row = factor.mul_add(*weight, *row);
                }
            }
        }
        rows
    }

    /// The logit of each head.
    fn columns(&self, heads: &[usize]) -> Option<Vec<usize>> {
        heads.iter().map(|head| self.answers.logit_of(*head)).collect()
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
