//! Two towers for retrieval: a viewer and a video become unit vectors of 128 values whose dot product says how well they fit.
//!
//! A batch of positives is its own set of negatives: each viewer should pick its video among all videos of the batch. Popular videos are
//! in more batches, so ln q, with q a video's share of the stream, is taken from each score (Bengio, Senécal 2008; Yi et al. 2019),
//! where q comes from a streaming estimate of the distance between two sightings. Videos given beside the batch are
//! further negatives. Each tower reads only the slots and dense values of its own side.
//!
//! A retrieval index keeps [`Towers::videos`] of its catalogue and asks with [`Towers::viewers`] of one row: both are lists of unit vectors, rows ×
//! [`WIDTH`], so the nearest by dot product are the nearest by cosine and by distance. A row may hold both sides; each tower reads
//! its own, so one extraction serves both. The vectors of a video change with every [`Towers::learn`]: an index is built
//! anew, or its rows are overwritten, at the pace that it can afford, and both sides should be of one state.
//!
//! | what | figure, for 8 slots of 24 values and 40 dense a side |
//! |---|---|
//! | dense weights | (240 × 256 + 128 × 128) a tower ≈ 78 k, 0.3 MB |
//! | a vector | 37 µs alone, 4 µs in a batch; 512 B, or 128 B as int8 with one factor |
//! | a step of 256 pairs | 2 towers × 0.12 GFLOP + 2 × 256² × 128 × 3 ≈ 0.3 GFLOP: about 5 ms |
//! | frequency estimate | 2 × 4 B × 65 536 cells = 512 KiB |

mod frequency;
mod tower;

use std::io;

use serde::{Deserialize, Serialize};

use crate::config::{AdamConfig, EmbeddingConfig};
use crate::embedding::{EmbeddingRead, Embeddings};
use crate::kernels::{Gemm, Isa, exp, gemm};
use crate::row::RowRef;
use crate::schema::{Schema, SchemaError, Side};
use crate::snapshot::{ChunkId, Decoder, Encoder, RestoreError, StateHash};
use crate::table::{Key, Writer};

use frequency::Frequency;
use tower::Tower;
pub use tower::TowerScratch;

/// Values of a vector.
pub const WIDTH: usize = 128;
/// Pairs and further negatives of one call at most.
pub const BATCH_MAX: usize = 1024;

/// Settings of both towers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TowersConfig {
    /// Width of the hidden layer, a multiple of 16.
    pub hidden: usize,
    /// Scores are cosines divided by this before the softmax.
    pub temperature: f32,
    pub adam: AdamConfig,
    pub embedding: EmbeddingConfig,
    /// The slot whose id tells videos apart.
    pub identity: u16,
    /// Cells of the frequency estimate, a power of two.
    pub frequency_cells: usize,
}

impl Default for TowersConfig {
    fn default() -> Self {
        Self {
            hidden: 128,
            temperature: 0.1,
            adam: AdamConfig {
                ema_share: 1.0,
                ..AdamConfig::default()
            },
            embedding: EmbeddingConfig::default(),
            identity: 2,
            frequency_cells: 1 << 16,
        }
    }
}

/// A viewer and a video that went well together.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Its viewer side is read.
    pub viewer: RowRef<'a>,
    /// Its video side is read.
    pub video: RowRef<'a>,
    pub weight: f32,
    pub at_s: u32,
}

/// What a call of [`Towers::learn`] saw, before learning from it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TowersLearned {
    /// Mean cross-entropy of picking the own video, in nats.
    pub loss: f32,
    /// Share of viewers whose own video had the best corrected score.
    pub hits: f32,
}

/// See the module's header.
#[derive(Debug)]
pub struct Towers<E = Writer> {
    schema: Schema,
    config: TowersConfig,
    seed: u64,
    isa: Isa,
    table: E,
    viewer: Tower,
    video: Tower,
    frequency: Frequency,
    steps: u64,
    scratch: [TowerScratch; 2],
}

/// The weights of both towers at one moment, for whoever embeds while others learn. Embedding rows are not copied: a version
/// is used together with a reader of the same table.
#[derive(Debug, Clone)]
pub struct TowersVersion {
    /// Steps before it.
    pub steps: u64,
    isa: Isa,
    viewer: Tower,
    video: Tower,
}

impl TowersVersion {
    /// As [`Towers::viewers`], with the rows of `table`.
    pub fn viewers(
        &self,
        table: &impl EmbeddingRead,
        rows: &[RowRef<'_>],
        scratch: &mut TowerScratch,
        out: &mut Vec<f32>,
    ) {
        embed((self.isa, &self.viewer), table, rows, scratch, out);
    }

    /// As [`Towers::videos`], with the rows of `table`.
    pub fn videos(
        &self,
        table: &impl EmbeddingRead,
        rows: &[RowRef<'_>],
        scratch: &mut TowerScratch,
        out: &mut Vec<f32>,
    ) {
        embed((self.isa, &self.video), table, rows, scratch, out);
    }
}

fn embed(
    (isa, tower): (Isa, &Tower),
    table: &impl EmbeddingRead,
    rows: &[RowRef<'_>],
    scratch: &mut TowerScratch,
    out: &mut Vec<f32>,
) {
    out.clear();
    for block in rows.chunks(BATCH_MAX) {
        tower.forward(isa, table, block, scratch);
        out.extend_from_slice(scratch.units(block.len()));
    }
}

impl Towers {
    /// Towers that know nothing, with the default table.
    pub fn new(schema: Schema, config: TowersConfig, seed: u64) -> Result<Self, SchemaError> {
        Self::with_table(schema, config, seed)
    }
}

impl<E: Embeddings> Towers<E> {
    /// Towers that know nothing.
    pub fn with_table(schema: Schema, config: TowersConfig, seed: u64) -> Result<Self, SchemaError> {
        schema.check()?;
        let layer = (16..=1024).contains(&config.hidden) && config.hidden.is_multiple_of(16);
        if !layer || !config.frequency_cells.is_power_of_two() || config.temperature <= 0.0 {
            return Err(SchemaError::Config("towers"));
        }
        let table = E::create(&schema.slots, &config.embedding, seed)?;
        Ok(Self {
            viewer: Tower::new(&schema, &config, Side::Viewer, seed),
            video: Tower::new(&schema, &config, Side::Video, seed),
            frequency: Frequency::new(config.frequency_cells),
            isa: Isa::best(),
            table,
            schema,
            config,
            seed,
            steps: 0,
            scratch: Default::default(),
        })
    }

    /// The embedding rows of both towers.
    pub fn table(&self) -> &E {
        &self.table
    }

    /// Unit vectors of the viewer side of `rows`, rows × [`WIDTH`].
    pub fn viewers(&self, rows: &[RowRef<'_>], scratch: &mut TowerScratch, out: &mut Vec<f32>) {
        embed((self.isa, &self.viewer), &self.table, rows, scratch, out);
    }

    /// Unit vectors of the video side of `rows`, rows × [`WIDTH`].
    pub fn videos(&self, rows: &[RowRef<'_>], scratch: &mut TowerScratch, out: &mut Vec<f32>) {
        embed((self.isa, &self.video), &self.table, rows, scratch, out);
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The weights as they are, without what only learning needs.
    pub fn version(&self) -> TowersVersion {
        TowersVersion {
            steps: self.steps,
            isa: self.isa,
            viewer: self.viewer.serving(),
            video: self.video.serving(),
        }
    }

    /// One step on a batch of positives; `others` are further videos that count as negatives of everyone, taken evenly from `catalogue` videos.
    ///
    /// # Panics
    /// When there are more than [`BATCH_MAX`] pairs and others together.
    pub fn learn(&mut self, pairs: &[Pair<'_>], others: &[RowRef<'_>], catalogue: u64) -> TowersLearned {
        let count = pairs.len() + others.len();
        assert!(count <= BATCH_MAX, "{count} rows are more than {BATCH_MAX}");
        if pairs.is_empty() {
            return TowersLearned::default();
        }
        let at_s = pairs.iter().map(|pair| pair.at_s).max().unwrap_or(0);
        let viewers: Vec<RowRef<'_>> = pairs.iter().map(|pair| pair.viewer).collect();
        let own = pairs.iter().map(|pair| pair.video);
        let videos: Vec<RowRef<'_>> = own.chain(others.iter().copied()).collect();
        let identities: Vec<u64> = videos.iter().map(|row| self.identity(row)).collect();
        let corrections = self.corrections(pairs.len(), &identities, catalogue);
        let [mut first, mut second] = std::mem::take(&mut self.scratch);
        self.viewer.observe(&viewers);
        self.video.observe(&videos[..pairs.len()]);
        self.viewer.admit(&viewers, &mut self.table, at_s, &mut first);
        self.video
            .admit(&videos[..pairs.len()], &mut self.table, at_s, &mut second);
        self.viewer.forward(self.isa, &self.table, &viewers, &mut first);
        self.video.forward(self.isa, &self.table, &videos, &mut second);
        let weights: Vec<f32> = pairs.iter().map(|pair| pair.weight).collect();
        let learned = self.softmax(&weights, &identities, &corrections, (&mut first, &mut second));
        self.steps += 1;
        let clock = (at_s, self.steps);
        self.viewer.step(
            self.isa,
            &self.config,
            pairs.len(),
            &mut self.table,
            clock,
            &mut first,
        );
        self.video
            .step(self.isa, &self.config, count, &mut self.table, clock, &mut second);
        self.table.tick(at_s);
        self.scratch = [first, second];
        learned
    }

    fn identity(&self, row: &RowRef<'_>) -> u64 {
        let slot = self.config.identity;
        let found = row.ids.iter().find(|(other, _)| *other == slot);
        found.map_or(0, |(slot, id)| Key::new(*slot, *id).bits())
    }

    /// ln of each video's chance to be in the batch: its share of the stream, or for videos drawn evenly one in the catalogue.
    fn corrections(&mut self, own: usize, identities: &[u64], catalogue: u64) -> Vec<f32> {
        let drawn = (identities.len() - own) as f32 / catalogue.max(1) as f32;
        let mut corrections = Vec::with_capacity(identities.len());
        for identity in &identities[..own] {
            corrections.push(self.frequency.see(*identity));
        }
        let share = |rate: f32| (rate * own as f32 + drawn).clamp(1e-9, 1.0).ln();
        let mut corrections: Vec<f32> = corrections.into_iter().map(share).collect();
        let later = identities[own..].iter();
        corrections.extend(later.map(|identity| share(self.frequency.share(*identity))));
        corrections
    }

    /// Cross-entropy over all videos of the batch, and its gradients with respect to both sides' unit vectors.
    /// A video that is the viewer's own under another row is no negative.
    fn softmax(
        &self,
        weights: &[f32],
        identities: &[u64],
        corrections: &[f32],
        (viewers, videos): (&mut TowerScratch, &mut TowerScratch),
    ) -> TowersLearned {
        let (rows, columns) = (weights.len(), identities.len());
        let padded = columns.next_multiple_of(crate::kernels::COLUMNS);
        let mut scores = vec![0.0; rows * padded];
        let turned = transposed(videos.units(columns), columns, padded);
        product(
            self.isa,
            (rows, padded, WIDTH),
            viewers.units(rows),
            (WIDTH, 1),
            &turned,
            &mut scores,
        );
        let warmth = 1.0 / self.config.temperature;
        let mut learned = TowersLearned::default();
        for (i, row) in scores.chunks_mut(padded).enumerate() {
            for (j, score) in row[..columns].iter_mut().enumerate() {
                let other = j != i && identities[j] == identities[i];
                *score = if other {
                    -1e9
                } else {
                    *score * warmth - corrections[j]
                };
            }
            row[columns..].fill(-1e9);
            let top = row.iter().copied().fold(f32::MIN, f32::max);
            learned.hits += f32::from(u8::from(row[i] >= top)) / rows as f32;
            let own = row[i] - top;
            let mut sum = 0.0;
            for score in row.iter_mut() {
                *score = exp(*score - top);
                sum += *score;
            }
            learned.loss += (sum.ln() - own) / rows as f32;
            // From here on the gradient of the cosine.
            for score in row.iter_mut() {
                *score *= warmth * weights[i] / sum;
            }
            row[i] -= warmth * weights[i];
        }
        let units = videos.units(columns).to_vec();
        let into = viewers.unit_gradients(rows);
        product(
            self.isa,
            (rows, WIDTH, columns),
            &scores,
            (padded, 1),
            &units,
            into,
        );
        let units = viewers.units(rows).to_vec();
        let into = videos.unit_gradients(columns);
        product(
            self.isa,
            (columns, WIDTH, rows),
            &scores,
            (1, padded),
            &units,
            into,
        );
        learned
    }

    /// All state but the rows, in one chunk, and the rows after it.
    pub fn snapshot(
        &mut self,
        mut put: impl FnMut(&ChunkId, &[u8]) -> io::Result<()>,
    ) -> io::Result<Vec<ChunkId>> {
        let bytes = self.dense_bytes();
        let mut chunks = vec![StateHash::of(&bytes)];
        put(&chunks[0], &bytes)?;
        self.table.write(&mut |bytes| {
            let chunk = StateHash::of(bytes);
            chunks.push(chunk);
            put(&chunk, bytes)
        })?;
        Ok(chunks)
    }

    /// The towers of a snapshot, with the schema, settings and seed that they were made with.
    pub fn restore(
        (schema, config, seed): (Schema, TowersConfig, u64),
        chunks: &[ChunkId],
        mut get: impl FnMut(&ChunkId) -> io::Result<Vec<u8>>,
    ) -> Result<Self, RestoreError> {
        let (dense, rows) = chunks.split_first().ok_or(RestoreError::Format("no chunk"))?;
        let mut towers = Self::with_table(schema, config, seed)?;
        let slots = &towers.schema.slots;
        towers.table = E::read_back(slots, &towers.config.embedding, seed, rows, &mut get)?;
        let bytes = dense.fetch(&mut get)?;
        let mut from = Decoder::new(&bytes);
        towers.steps = from.u64()?;
        towers.frequency.read_back(&mut from)?;
        towers.viewer.read_back(&mut from)?;
        towers.video.read_back(&mut from)?;
        Ok(towers)
    }

    /// A digest of all state.
    pub fn state_hash(&mut self) -> StateHash {
        let mut hash = StateHash::begin();
        hash.update(&self.seed.to_le_bytes());
        hash.update(&self.dense_bytes());
        hash.update(&self.table.digest().to_le_bytes());
        hash.end()
    }

    fn dense_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u64(self.steps);
        self.frequency.write(&mut out);
        self.viewer.write(&mut out);
        self.video.write(&mut out);
        out.end()
    }
}

/// C = A·B with A read through strides and B, C dense.
fn product(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    a: &[f32],
    (a_row, a_column): (usize, usize),
    b: &[f32],
    c: &mut [f32],
) {
    let operands = Gemm {
        m,
        n,
        k,
        a,
        a_row,
        a_column,
        b,
        b_row: n,
        c,
        c_row: n,
        add: false,
    };
    gemm(isa, operands);
}

/// Rows × [`WIDTH`] as [`WIDTH`] × `padded`.
fn transposed(units: &[f32], rows: usize, padded: usize) -> Vec<f32> {
    let mut out = vec![0.0; WIDTH * padded];
    for (row, unit) in units.chunks(WIDTH).take(rows).enumerate() {
        for (value, x) in unit.iter().enumerate() {
            out[value * padded + row] = *x;
        }
    }
    out
}

#[cfg(test)]
mod tests;
