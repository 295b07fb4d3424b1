//! Published dense weights: immutable versions behind one atomic pointer.
//!
//! The learner publishes; readers pin a version for as long as they score and never wait. Embedding rows are not copied: a version
//! is used together with a reader of the same table.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;

use crate::config::Config;
use crate::embedding::EmbeddingRead;
use crate::heads::{Answers, Heads};
use crate::inputs::{Inputs, Quantiles};
use crate::kernels::Isa;
use crate::layout::Layout;
use crate::net::Forward;
use crate::row::{Predictions, RowRef};
use crate::schema::{Schema, SchemaError};
use crate::serve::Served;
use crate::snapshot::{Decoder, Encoder, RestoreError};
use crate::wide::{Wide, WideWeights};

/// Layout of an encoded version.
const FORMAT: u32 = 1;
/// Rows computed together; a bound of memory, without influence on any answer.
const BLOCK: usize = 128;

/// All dense weights of one moment, with everything that turns rows into answers.
#[derive(Debug, Clone)]
pub struct DenseVersion {
    /// Counts from 1 in the order of publishing.
    pub number: u64,
    /// Examples learned before it.
    pub examples: u64,
    pub(crate) layout: Arc<Layout>,
    pub(crate) weights: Vec<f32>,
    pub(crate) quantiles: Quantiles,
    pub(crate) wide: WideWeights,
    pub(crate) buckets: bool,
    pub(crate) base: Vec<f32>,
    pub(crate) answers: Answers,
    /// What [`DenseVersion::serve`] needs, made when it is first asked; `None` inside where it cannot be.
    pub(crate) served: OnceLock<Option<Arc<Served>>>,
}

impl DenseVersion {
    /// A version that knows nothing, number 0.
    pub fn untrained(schema: &Schema, config: &Config, seed: u64) -> Result<Self, SchemaError> {
        schema.check()?;
        config.check()?;
        let layout = Arc::new(Layout::new(schema, config));
        let inputs = Inputs::new(layout.dense_width, config.inputs, seed);
        let heads = Heads::new(schema, config);
        Ok(Self {
            number: 0,
            examples: 0,
            weights: layout.start(schema, config.pair_init, seed),
            wide: Wide::for_inputs(config, &layout, &inputs).weights,
            quantiles: inputs.quantiles,
            buckets: config.ftrl.buckets,
            base: heads.base.clone(),
            answers: heads.answers().clone(),
            served: OnceLock::new(),
            layout,
        })
    }

    /// As bytes, for a reader in another process that has the same schema and settings.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u32(FORMAT).u64(self.number).u64(self.examples);
        out.f32s(&self.weights).f32s(&self.base);
        self.quantiles.write(&mut out);
        self.wide.write(&mut out);
        self.answers.write(&mut out);
        out.end()
    }

    /// The version that [`Self::encode`] wrote.
    pub fn decode(schema: &Schema, config: &Config, bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut version = Self::untrained(schema, config, 0)?;
        let mut from = Decoder::new(bytes);
        match from.u32()? {
            FORMAT => {}
            other => return Err(RestoreError::Version(other)),
        }
        version.number = from.u64()?;
        version.examples = from.u64()?;
        from.fill(&mut version.weights)?;
        from.fill(&mut version.base)?;
        version.quantiles.read_back(&mut from)?;
        version.wide.read_back(&mut from)?;
        version.answers.read_back(&mut from)?;
        Ok(version)
    }

    /// Answers for `rows` with embedding rows of `table`. The answer to a row does not depend on the other rows.
    ///
    /// # Panics
    /// When a row has another number of dense values than the schema.
    pub fn predict(&self, table: &impl EmbeddingRead, rows: &[RowRef<'_>], out: &mut Predictions) {
        predict(&self.forward(), &self.answers, table, rows, out);
    }

    pub(crate) fn forward(&self) -> Forward<'_> {
        Forward {
            isa: Isa::best(),
            layout: &self.layout,
            weights: &self.weights,
            quantiles: &self.quantiles,
            wide: &self.wide,
            buckets: self.buckets,
            base: &self.base,
        }
    }
}

/// The body of all predictions.
pub(crate) fn predict(
    forward: &Forward<'_>,
    answers: &Answers,
    table: &impl EmbeddingRead,
    rows: &[RowRef<'_>],
    out: &mut Predictions,
) {
    answers.begin(out);
    predict_rows(forward, answers, table, rows, out);
}

/// The same, behind what `out` holds already.
pub(crate) fn predict_rows(
    forward: &Forward<'_>,
    answers: &Answers,
    table: &impl EmbeddingRead,
    rows: &[RowRef<'_>],
    out: &mut Predictions,
) {
    let layout = forward.layout;
    let mut scratch = std::mem::take(&mut out.scratch);
    scratch.reserve(layout, rows.len().min(BLOCK));
    for block in rows.chunks(BLOCK) {
        scratch
            .gathered
            .note(layout, block.iter().map(|row| (*row, false)));
        scratch.gathered.read(layout, table);
        forward.run(block.iter().copied(), 0, &mut scratch);
        let logits = scratch.y1.chunks(layout.first).map(|y| &y[layout.hidden[0]..]);
        let rows = logits.zip(block.iter().map(|row| row.duration_s));
        answers.push(forward.isa, rows, out);
    }
    out.scratch = scratch;
}

/// Where the newest version is found; clones share it.
#[derive(Debug, Clone)]
pub struct Published(Arc<ArcSwap<DenseVersion>>);

impl Published {
    /// Starts with `version`.
    pub fn new(version: Arc<DenseVersion>) -> Self {
        Self(Arc::new(ArcSwap::new(version)))
    }

    /// The newest version, kept alive while it is held. Wait-free for practical purposes: one pointer load and one reference.
    pub fn pin(&self) -> Arc<DenseVersion> {
        self.0.load_full()
    }

    /// Shows another version to everybody who pins from now on.
    pub fn replace(&self, version: Arc<DenseVersion>) {
        self.0.store(version);
    }
}
