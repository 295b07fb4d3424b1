//! The light scorer: ten thousand candidates to a few hundred.
//!
//! It says what the full model would say of a candidate of which nothing is known but its id: the viewer's side is folded into the weights
//! once a request ([`model::Folded`]), and what is left is a network of three small layers over the video's embedding row. The score is the sum of the
//! heads' probabilities, each by its weight, before calibration; it orders candidates and is no value to be shown.
//!
//! A candidate costs one random row of the table (two to three cache lines) and, for rows of 24 values and layers of 64 and 32, 4 500
//! multiplications in bfloat16 with sums in single precision. Where the processor has no such instruction, the model's own kernels
//! compute in single precision. Each candidate's numbers are added in one fixed order, so a score does not depend on the batch.
//!
//! | | 10 000 candidates, one core |
//! |---|---|
//! | rows from memory | 10 000 × 50 to 100 ns |
//! | multiplications | 45 million, two a lane and step: about 0.5 ms |
//! | memory | 8 KB of weights; 120 KB of buffers |

#[cfg(target_arch = "x86_64")]
mod bf16;
mod network;

use model::kernels::{Isa, sigmoids};
use model::table::{Key, Reader};
use model::{DenseVersion, Folded, RowRef};

use network::Network;
pub use network::Precision;

/// Candidates whose rows are fetched together: enough that memory is busy, little enough for the second-level cache.
const GATHERED: usize = 512;
/// Candidates computed together.
const BLOCK: usize = 64;

/// One viewer's light scorer.
#[derive(Debug)]
pub struct Light {
    slot: u16,
    width: usize,
    outputs: usize,
    weights: Vec<f32>,
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
    /// with what each is worth. `None` when the schema has no such slot or head.
    ///
    /// # Panics
    /// When the row has another number of dense values than the schema.
    pub fn fold(
        version: &DenseVersion,
        table: &Reader,
        viewer: RowRef<'_>,
        slot: u16,
        heads: &[(usize, f32)],
    ) -> Option<Self> {
        let places: Vec<usize> = heads.iter().map(|(head, _)| *head).collect();
        let folded = version.fold(table, viewer, slot, &places)?;
        let weights = heads.iter().map(|(_, weight)| *weight).collect();
        Some(Self::of(folded, weights, Precision::best()))
    }

    /// A scorer of `folded` weights whose heads are worth `weights`, computed in `precision`.
    pub fn of(folded: Folded, mut weights: Vec<f32>, precision: Precision) -> Self {
        weights.resize(folded.outputs, 0.0);
        Self {
            slot: folded.slot,
            width: folded.width,
            outputs: folded.outputs,
            weights,
            network: Network::new(folded, precision),
        }
    }

    /// The score of each of `ids`, in their order; an id that the table does not know gets the score of the slot's default row.
    pub fn score(&self, table: &Reader, ids: &[u64], scratch: &mut LightScratch, scores: &mut Vec<f32>) {
        scores.clear();
        scratch.rows.resize(GATHERED * self.width, 0.0);
        for ids in ids.chunks(GATHERED) {
            let mut keys = [Key::new(self.slot, 0); GATHERED];
            for (key, id) in keys.iter_mut().zip(ids) {
                *key = Key::new(self.slot, *id);
            }
            table.read(&keys[..ids.len()], self.width, &mut scratch.rows);
            for rows in scratch.rows[..ids.len() * self.width].chunks(BLOCK * self.width) {
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
        sigmoids(Isa::best(), logits);
        for answers in logits.chunks_exact(self.outputs) {
            let worth = answers.iter().zip(&self.weights).map(|(p, weight)| p * weight);
            scores.push(worth.sum());
        }
    }
}

#[cfg(test)]
mod tests;
