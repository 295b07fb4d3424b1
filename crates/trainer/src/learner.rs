//! The learner itself: examples in the order of the journal, a better model out.
//!
//! Its state is a function of its parts and of the sequence of calls. It reads no clock and does no IO: whoever calls it takes care that
//! the calls can be made again (see `docs/adr/0013-the-learner.md`).

use std::sync::Arc;

use event::Example;
use model::snapshot::{Decoder, Encoder};
use model::{
    ChunkId, Config, DenseVersion, ExampleKind, ExampleRef, Manifest, Model, Predictions, RestoreError,
    RowRef, Schema, SchemaError, StateHash, Watch,
};

use crate::actors::{ActorLimits, Actors};
use crate::guard::{Guard, GuardConfig};
use crate::labels::{Labelling, Said};
use crate::quality::{HeadFigures, HeadQuality};
use crate::shape::ExampleShape;
use crate::towers::{TowersFigures, TowersSchool, TowersSettings};

/// Examples of a micro-batch at most.
pub const MICRO_BATCH_MAX: usize = 256;
/// A watch that claims to be longer is a broken clock.
const WATCH_MS_MAX: i64 = 86_400_000;

/// What a learner is made of.
#[derive(Debug, Clone)]
pub struct LearnerParts {
    pub schema: Schema,
    pub config: Config,
    pub seed: u64,
    pub shape: ExampleShape,
    pub settings: LearnerSettings,
}

impl LearnerParts {
    /// Names everything that rows and weights mean nothing without: schema, configuration, seed, the defaults of dense features, and the towers if there are any.
    pub fn fingerprint(&self) -> u64 {
        let mut out = Encoder::default();
        for part in [serde_json::to_vec(&self.schema), serde_json::to_vec(&self.config)] {
            // Plain structs of numbers, strings and lists always serialise.
            out.bytes(&part.unwrap_or_default());
        }
        out.u64(self.seed).f32s(&self.shape.dense_defaults);
        if let Some(towers) = &self.settings.towers {
            out.bytes(&serde_json::to_vec(towers).unwrap_or_default());
        }
        StateHash::of(&out.end()).low() as u64
    }
}

/// How examples are weighed and watched.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LearnerSettings {
    pub actors: ActorLimits,
    pub guard: GuardConfig,
    /// None where nobody asks the towers.
    pub towers: Option<TowersSettings>,
}

/// An example and where the log has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub partition: u16,
    pub offset: u64,
    /// The time it is filed under.
    pub at_ms: i64,
    pub example: Example,
}

/// What became of the examples so far: `read = outcomes + deltas + silent + excluded + broken`, where a record with both an outcome and a
/// difference counts as an outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub read: u64,
    /// Learned as outcomes.
    pub outcomes: u64,
    /// Learned as differences to earlier outcomes.
    pub deltas: u64,
    /// Said nothing that a head asks, or was served without a row.
    pub silent: u64,
    /// Of viewers without trust: probes, robots.
    pub excluded: u64,
    /// Could not be true.
    pub broken: u64,
    /// Of the outcomes, those that counted less because their viewer's budget was spent.
    pub capped: u64,
    /// Features that have no place in a row; see [`ExampleShape::dense`].
    pub strange_features: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Learner {
    fingerprint: u64,
    model: Model,
    labelling: Labelling,
    shape: ExampleShape,
    settings: LearnerSettings,
    actors: Actors,
    /// One a head; those that no probability is asked of stay empty.
    quality: Vec<HeadQuality>,
    guard: Guard,
    tally: Tally,
    pub(crate) towers: Option<TowersSchool>,
    batch: Batch,
    predictions: Predictions,
}

/// A micro-batch in the making; reused.
#[derive(Debug, Default)]
struct Batch {
    /// Which example of the input each line is of.
    lines: Vec<Line>,
    dense: Vec<f32>,
    targets: Vec<f32>,
    said: Said,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    example: usize,
    /// Which row of `dense`.
    row: usize,
    watch: Option<Watch>,
    duration_s: f32,
    weight: f32,
    kind: ExampleKind,
    at_s: u32,
}

impl Learner {
    /// A learner that knows nothing.
    ///
    /// # Errors
    /// When the schema or the configuration is refused, or the shape has another width than the schema.
    pub fn new(parts: &LearnerParts) -> Result<Self, SchemaError> {
        let model = Model::new(parts.schema.clone(), parts.config.clone(), parts.seed)?;
        let mut learner = Self::assemble(parts, model)?;
        let towers = parts.settings.towers;
        learner.towers = towers
            .map(|settings| TowersSchool::new(settings, &parts.schema, parts.seed))
            .transpose()?;
        Ok(learner)
    }

    fn assemble(parts: &LearnerParts, model: Model) -> Result<Self, SchemaError> {
        if parts.shape.width() != model.schema().dense.len() {
            return Err(SchemaError::Dense(parts.shape.width()));
        }
        let heads = model.schema().heads.len();
        Ok(Self {
            fingerprint: parts.fingerprint(),
            labelling: Labelling::new(model.schema()),
            shape: parts.shape.clone(),
            settings: parts.settings,
            actors: Actors::new(parts.settings.actors),
            quality: vec![HeadQuality::new(); heads],
            guard: Guard::new(parts.settings.guard),
            tally: Tally::default(),
            towers: None,
            batch: Batch::default(),
            predictions: Predictions::default(),
            model,
        })
    }

    /// See [`LearnerParts::fingerprint`].
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The model, for answers.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model, for rows made by intent. Whoever changes it so changes the state: the change must be in the journal.
    pub fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }

    /// What became of the examples so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How good the answers are: a name and figures for each head that a probability is asked of.
    pub fn figures(&self) -> impl Iterator<Item = (&str, HeadFigures)> {
        let names = self.model.schema().heads.iter().map(|head| head.name.as_str());
        let figures = self.quality.iter().map(HeadQuality::figures);
        names.zip(figures).filter(|(_, figures)| figures.labels > 0)
    }

    /// Whether the brake is on, and how often it was pulled.
    pub fn guard(&self) -> (bool, u64) {
        (self.guard.holds(), self.guard.pulls())
    }

    /// Sets a viewer's trust: 1 is ordinary, 0 excludes. False when there is no room for one more.
    pub fn trust_set(&mut self, viewer: u64, weight: f32) -> bool {
        self.actors.trust_set(viewer, weight)
    }

    /// Answers and then learns `examples`, in order, in micro-batches of at most [`MICRO_BATCH_MAX`].
    pub fn learn(&mut self, examples: &[Placed]) {
        for part in examples.chunks(MICRO_BATCH_MAX) {
            self.micro_batch(part);
        }
    }

    /// Makes what was learned visible to readers, unless the brake is on; whether it did.
    pub fn publish(&mut self) -> bool {
        if self.guard.holds() {
            return false;
        }
        self.model.publish();
        true
    }

    fn micro_batch(&mut self, examples: &[Placed]) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.lines.clear();
        batch.dense.clear();
        batch.targets.clear();
        for (at, placed) in examples.iter().enumerate() {
            self.take(at, placed, &mut batch);
        }
        let (width, heads) = (self.shape.width(), self.quality.len());
        let refs: Vec<ExampleRef<'_>> = batch
            .lines
            .iter()
            .enumerate()
            .map(|(at, line)| ExampleRef {
                row: RowRef {
                    ids: &examples[line.example].example.item.ids,
                    dense: &batch.dense[line.row * width..][..width],
                    duration_s: line.duration_s,
                },
                targets: &batch.targets[at * heads..][..heads],
                watch: line.watch,
                weight: line.weight,
                kind: line.kind,
                at_s: line.at_s,
            })
            .collect();
        if !refs.is_empty() {
            self.model.learn(&refs, &mut self.predictions);
            drop(refs);
            self.judge(&batch);
            self.teach_towers(examples, &batch);
        }
        self.batch = batch;
    }

    /// Makes lines of an example: one for what is new, one for what was said otherwise before.
    fn take(&mut self, at: usize, placed: &Placed, batch: &mut Batch) {
        let example = &placed.example;
        let viewer = example.viewer.raw();
        self.tally.read += 1;
        let trust = self.actors.trust(viewer);
        if trust == 0.0 {
            self.tally.excluded += 1;
            return;
        }
        if example.item.ids.is_empty() {
            // Nobody extracted a row when it was served.
            self.tally.silent += 1;
            return;
        }
        let watch_ms = example.watch.map_or(0, |watch| watch.watch_ms);
        let is_number = |feature: &(u16, f32)| !feature.1.is_infinite();
        if !(0..=WATCH_MS_MAX).contains(&watch_ms) || !example.item.features.iter().all(is_number) {
            self.tally.broken += 1;
            return;
        }
        let width = self.shape.width();
        let row = batch.dense.len().checked_div(width).unwrap_or(0);
        self.tally.strange_features += self.shape.dense(&example.item, &mut batch.dense) as u64;
        let duration_s = example.item.duration_ms.max(0) as f32 / 1_000.0;
        self.labelling.read(example, duration_s, &mut batch.said);
        let said = &batch.said;
        let (has_outcome, has_delta) = (said.has_outcome(), said.has_delta());
        let line = Line {
            example: at,
            row,
            watch: None,
            duration_s,
            weight: trust,
            kind: ExampleKind::Outcome,
            at_s: (placed.at_ms / 1_000).clamp(0, i64::from(u32::MAX)) as u32,
        };
        if has_delta {
            batch.targets.extend_from_slice(&said.delta);
            batch.lines.push(Line {
                weight: trust * self.actors.correction(viewer),
                kind: ExampleKind::Delta,
                ..line
            });
        }
        if has_outcome {
            let share = self.actors.spend(viewer, placed.at_ms);
            self.tally.capped += u64::from(share < 1.0);
            batch.targets.extend_from_slice(&said.outcome);
            batch.lines.push(Line {
                watch: said.watch,
                weight: trust * share,
                ..line
            });
        }
        match (has_outcome, has_delta) {
            (true, _) => self.tally.outcomes += 1,
            (false, true) => self.tally.deltas += 1,
            (false, false) => {
                self.tally.silent += 1;
                batch.dense.truncate(row * width);
            }
        }
    }

    /// Compares the answers that were given before learning with what happened.
    fn judge(&mut self, batch: &Batch) {
        let heads = self.quality.len();
        for (at, line) in batch.lines.iter().enumerate() {
            if line.kind == ExampleKind::Delta {
                continue;
            }
            let (mut loss, mut labels) = (0.0, 0);
            for (head, quality) in self.quality.iter_mut().enumerate() {
                let target = batch.targets[at * heads + head];
                if !target.is_nan() {
                    loss += quality.note(self.predictions.p(at, head), target > 0.5);
                    labels += 1;
                }
            }
            // Records that say it all are comparable with each other; others would make the mean jump.
            if line.weight > 0.0 && labels > 2 {
                self.guard.note(line.at_s, loss);
            }
        }
    }

    /// Shows the towers each example once, though it may have two lines.
    fn teach_towers(&mut self, examples: &[Placed], batch: &Batch) {
        let Some(towers) = &mut self.towers else { return };
        let width = self.shape.width();
        for (at, line) in batch.lines.iter().enumerate() {
            let next = batch.lines.get(at + 1).map(|next| next.example);
            if next != Some(line.example) {
                let dense = &batch.dense[line.row * width..][..width];
                towers.note(&examples[line.example].example, dense, (line.weight, line.at_s));
            }
        }
    }

    /// How the towers do, if there are any.
    pub fn towers_figures(&self) -> Option<TowersFigures> {
        self.towers.as_ref().map(TowersSchool::figures)
    }

    pub(crate) fn towers_mut(&mut self) -> Option<&mut TowersSchool> {
        self.towers.as_mut()
    }

    /// Everything but the model, as bytes.
    fn own_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        for count in self.tally.numbers() {
            out.u64(count);
        }
        self.guard.write(&mut out);
        out.u32(self.quality.len() as u32);
        self.quality.iter().for_each(|quality| quality.write(&mut out));
        self.actors.write(&mut out);
        out.end()
    }

    /// A digest of all state: learners that went through the same calls have the same one.
    pub fn state_hash(&mut self) -> StateHash {
        let mut bytes = self.own_bytes();
        bytes.extend_from_slice(&self.model.state_hash().0);
        if let Some(towers) = &mut self.towers {
            bytes.extend_from_slice(&towers.state_hash().0);
        }
        StateHash::of(&bytes)
    }

    /// Hands every chunk of the model to `put`; answers the model's manifest and the rest of the state, with the version that readers
    /// have: it is older than the weights while the brake is on.
    ///
    /// # Errors
    /// What `put` says.
    pub fn snapshot(
        &mut self,
        mut put: impl FnMut(&ChunkId, &[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<(Manifest, Vec<u8>)> {
        let manifest = self.model.snapshot(&mut put)?;
        let mut own = Encoder::default();
        own.bytes(&self.own_bytes());
        own.bytes(&self.model.published().pin().encode());
        if let Some(towers) = &mut self.towers {
            own.bytes(&towers.snapshot(put)?);
        }
        Ok((manifest, own.end()))
    }

    /// The learner that a snapshot was taken of. It goes on with the snapshot's schema, configuration and seed; `parts` has the rest.
    ///
    /// # Errors
    /// [`RestoreError`] when anything of it does not read, or does not fit the shape.
    pub fn restore(
        parts: &LearnerParts,
        manifest: &Manifest,
        own: &[u8],
        mut get: impl FnMut(&ChunkId) -> std::io::Result<Vec<u8>>,
    ) -> Result<Self, RestoreError> {
        let model = Model::restore(manifest, &mut get)?;
        let mut learner = Self::assemble(parts, model)?;
        let mut all = Decoder::new(own);
        let (own, version) = (all.bytes()?, all.bytes()?);
        if let Some(settings) = parts.settings.towers {
            let of = (&manifest.schema, manifest.seed);
            learner.towers = Some(TowersSchool::restore(settings, of, all.bytes()?, get)?);
        }
        let version = DenseVersion::decode(&manifest.schema, &manifest.config, version)?;
        learner.model.published().replace(Arc::new(version));
        let mut from = Decoder::new(own);
        let mut numbers = [0; Tally::NUMBERS];
        for number in &mut numbers {
            *number = from.u64()?;
        }
        learner.tally = Tally::of(numbers);
        learner.guard.read_back(&mut from)?;
        if from.u32()? as usize != learner.quality.len() {
            return Err(RestoreError::Format("heads of the figures"));
        }
        for quality in &mut learner.quality {
            quality.read_back(&mut from)?;
        }
        learner.actors.read_back(&mut from)?;
        Ok(learner)
    }

    /// The model alone, for somebody who learns no more.
    pub(crate) fn into_model(self) -> Model {
        self.model
    }

    /// How it weighs and watches.
    pub fn settings(&self) -> LearnerSettings {
        self.settings
    }
}

impl Tally {
    const NUMBERS: usize = 8;

    fn numbers(&self) -> [u64; Self::NUMBERS] {
        [
            self.read,
            self.outcomes,
            self.deltas,
            self.silent,
            self.excluded,
            self.broken,
            self.capped,
            self.strange_features,
        ]
    }

    fn of(numbers: [u64; Self::NUMBERS]) -> Self {
        let [
            read,
            outcomes,
            deltas,
            silent,
            excluded,
            broken,
            capped,
            strange_features,
        ] = numbers;
        Self {
            read,
            outcomes,
            deltas,
            silent,
            excluded,
            broken,
            capped,
            strange_features,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
