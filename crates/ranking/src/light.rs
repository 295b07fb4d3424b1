//! The light scorer: ten thousand candidates to a few hundred.
//!
//! It says what the full model would say of a candidate of which nothing is known but its id: the viewer's side is folded into the weights
//! once a request ([`model::Folded`]), and what is left is a network of three small layers over the video's embedding row. The score is the sum of the
//! heads' probabilities, each by its weight, before calibration; it orders candidates and is no value to be shown.
//!
//! A candidate may bring a few dense values along ([`LIGHT`]): how it did so far tells good from bad before the model's full row is known. The scorer
//! learns nothing of its own: it is the live model, so it is as fresh as that, and what it cannot see it takes to be ordinary.
//!
//! A candidate costs one random row of the table (two to three cache lines) and, for rows of 24 values and eight more, layers of 64 and 32, 5 200
//! multiplications in bfloat16 with sums in single precision. Where the processor has no such instruction, the model's own kernels
//! compute in single precision. Each candidate's numbers are added in one fixed order, so a score does not depend on the batch.
//!
//! | | 10 000 candidates, one core |
//! |---|---|
//! | rows from memory | 10 000 × 50 to 100 ns |
//! | eight values placed among quantiles | 10 000 × 16 ns |
//! | multiplications | 52 million, 32 a step: about 0.5 ms |
//! | memory | 10 KB of weights; 150 KB of buffers |

mod network;

use feature::Registry;
use model::kernels::{Precision, sigmoids};
use model::table::{Key, Reader};
use model::{Columns, DenseVersion, Folded, RowRef};

use network::Network;

/// What a candidate brings along, by name in the registry: what is known of a video and its creator without a look at the viewer.
pub const LIGHT: [&str; feature::LIGHT_WIDTH] = feature::LIGHT;

/// The places of [`LIGHT`] in a registry's rows. Names that it does not have are left out, which [`Light::fold`]'s caller must match.
pub fn light_columns(registry: &Registry) -> Vec<usize> {
    LIGHT.iter().filter_map(|name| registry.slot(name)).collect()
}

/// Candidates whose rows are fetched together: enough that memory is busy, little enough for the second-level cache.
const GATHERED: usize = 512;
/// Candidates computed together.
const BLOCK: usize = 64;
/// Heads that fit into half a register; outputs come in whole ones.
const FEW: usize = 8;

/// One viewer's light scorer.
#[derive(Debug)]
pub struct Light {
    slot: u16,
    width: usize,
    outputs: usize,
    weights: Vec<f32>,
    precision: Precision,
    columns: Columns,
    network: Network,
}

/// Buffers, reused from request to request.
#[derive(Debug, Default)]
pub struct LightScratch {
    rows: Vec<f32>,
    logits: Vec<f32>,
    buffers: network::Buffers,
}

impl Light {
    /// Folds `viewer`, of whom `table` knows the ids, into `version`. Candidates are ids of `slot`; `heads` are places of binary heads
    /// with what each is worth, `columns` the places of the dense values that candidates bring along ([`light_columns`]). `None` when the
    /// schema has no such slot, head or dense value.
    ///
    /// # Panics
    /// When the row has another number of dense values than the schema.
    pub fn fold(
        version: &DenseVersion,
        table: &Reader,
        viewer: RowRef<'_>,
        slot: u16,
        heads: &[(usize, f32)],
        columns: &[usize],
    ) -> Option<Self> {
        let places: Vec<usize> = heads.iter().map(|(head, _)| *head).collect();
        let folded = version.fold(table, viewer, slot, &places, columns)?;
        let weights = heads.iter().map(|(_, weight)| *weight).collect();
        Some(Self::of(folded, weights, Precision::best()))
    }

    /// A scorer of `folded` weights whose heads are worth `weights`, computed in `precision`.
    pub fn of(folded: Folded, mut weights: Vec<f32>, precision: Precision) -> Self {
        weights.truncate(folded.outputs);
        Self {
            slot: folded.slot,
            width: folded.width,
            outputs: folded.outputs,
            weights,
            precision,
            columns: folded.columns.clone(),
            network: Network::new(folded, precision),
        }
    }

    /// The score of each of `ids`, in their order; an id that the table does not know gets the score of the slot's default row. `dense` are the
    /// values that they bring along, one row of columns a candidate, NaN where unknown.
    ///
    /// # Panics
    /// When `dense` has fewer rows than there are ids.
    pub fn score(
        &self,
        table: &Reader,
        ids: &[u64],
        dense: &[f32],
        scratch: &mut LightScratch,
        scores: &mut Vec<f32>,
    ) {
        let (inputs, columns) = (self.network.inputs(), self.columns.width());
        assert!(
            dense.len() >= ids.len() * columns,
            "dense values of the candidates"
        );
        scores.clear();
        scratch.rows.resize(GATHERED * inputs, 0.0);
        for (part, ids) in ids.chunks(GATHERED).enumerate() {
            let mut keys = [Key::new(self.slot, 0); GATHERED];
            for (key, id) in keys.iter_mut().zip(ids) {
                *key = Key::new(self.slot, *id);
            }
            let rows = &mut scratch.rows[..ids.len() * inputs];
            table.read(&keys[..ids.len()], inputs, rows);
            let dense = &dense[part * GATHERED * columns..][..ids.len() * columns];
            self.columns
                .place_rows(self.precision.isa(), dense, rows, (inputs, self.width));
            for rows in rows.chunks(BLOCK * inputs) {
                self.score_rows(rows, &mut scratch.logits, &mut scratch.buffers, scores);
            }
        }
    }

    fn score_rows(
        &self,
        rows: &[f32],
        logits: &mut Vec<f32>,
        buffers: &mut network::Buffers,
        scores: &mut Vec<f32>,
    ) {
        self.network.run(rows, buffers, logits);
        let logits = &mut logits[..rows.len() / self.network.inputs() * self.outputs];
        match self.weights.len() {
            0..=FEW => self.add_up::<FEW>(logits, scores),
            _ => self.add_up_all(logits, scores),
        }
    }

    /// Scores of few heads: their logits are moved together, so that no probability is computed of what is none.
    fn add_up<const HEADS: usize>(&self, logits: &mut [f32], scores: &mut Vec<f32>) {
        let mut weights = [0.0; HEADS];
        for (weight, of) in weights.iter_mut().zip(&self.weights) {
            *weight = *of;
        }
        let count = logits.len() / self.outputs;
        for row in 0..count {
            logits.copy_within(row * self.outputs..row * self.outputs + HEADS, row * HEADS);
        }
        let together = &mut logits[..count * HEADS];
        sigmoids(self.precision.isa(), together);
        let worth = |p: &[f32; HEADS]| p.iter().zip(&weights).map(|(p, weight)| p * weight).sum::<f32>();
        scores.extend(together.as_chunks().0.iter().map(worth));
    }

    fn add_up_all(&self, logits: &mut [f32], scores: &mut Vec<f32>) {
        sigmoids(self.precision.isa(), logits);
        for answers in logits.chunks_exact(self.outputs) {
            let worth = answers.iter().zip(&self.weights).map(|(p, weight)| p * weight);
            scores.push(worth.sum());
        }
    }
}

#[cfg(test)]
mod tests;
