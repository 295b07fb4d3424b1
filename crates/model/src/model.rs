//! The model: predicts, then learns from what happened, one micro-batch after the other.
//!
//! State is a function of schema, configuration, seed and the sequence of `learn`, `flush` and `publish` calls. Nothing reads a clock
//! or draws from a shared generator.

mod state;

use std::sync::Arc;

use crate::config::Config;
use crate::embedding::Embeddings;
use crate::heads::{HeadLoss, Heads, Judged};
use crate::inputs::Inputs;
use crate::kernels::{self, AdamStep, Isa};
use crate::layout::Layout;
use crate::net::{Forward, Scratch, Step, Transposed};
use crate::row::{ExampleKind, ExampleRef, Predictions, RowRef};
use crate::schema::{Schema, SchemaError};
use crate::table::Writer;
use crate::version::{DenseVersion, Published, predict};
use crate::wide::Wide;

/// See the file's header. `E` is the embedding table.
#[derive(Debug)]
pub struct Model<E = Writer> {
    schema: Schema,
    config: Config,
    seed: u64,
    isa: Isa,
    layout: Arc<Layout>,
    table: E,
    weights: Vec<f32>,
    moments: [Vec<f32>; 2],
    /// The serving copy: a moving average of the weights.
    average: Vec<f32>,
    sums: Vec<f32>,
    transposed: Transposed,
    inputs: Inputs,
    wide: Wide,
    heads: Heads,
    /// Rows of the step in progress.
    queue: Scratch,
    queued: usize,
    examples: u64,
    micro_batches: u64,
    dense_steps: u64,
    versions: u64,
    published: Published,
}

/// What a call of `learn` saw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Learned {
    /// One a head, in the schema's order.
    pub losses: Vec<HeadLoss>,
}

impl Model {
    /// A model that knows nothing, with the default table.
    pub fn new(schema: Schema, config: Config, seed: u64) -> Result<Self, SchemaError> {
        Self::with_table(schema, config, seed)
    }
}

impl<E: Embeddings> Model<E> {
    /// A model that knows nothing.
    pub fn with_table(schema: Schema, config: Config, seed: u64) -> Result<Self, SchemaError> {
        schema.check()?;
        config.check()?;
        let table = E::create(&schema.slots, &config.embedding, seed)?;
        Self::assemble(schema, config, seed, table)
    }

    fn assemble(schema: Schema, config: Config, seed: u64, table: E) -> Result<Self, SchemaError> {
        let layout = Arc::new(Layout::new(&schema, &config));
        let inputs = Inputs::new(layout.dense_width, config.inputs, seed);
        let first = DenseVersion::untrained(&schema, &config, seed)?;
        let weights = first.weights.clone();
        let wide = Wide::for_inputs(&config, &layout, &inputs);
        let heads = Heads::new(&schema, &config);
        Ok(Self {
            isa: Isa::best(),
            transposed: Transposed::new(&layout, &weights),
            moments: [vec![0.0; weights.len()], vec![0.0; weights.len()]],
            average: weights.clone(),
            sums: vec![0.0; weights.len()],
            weights,
            inputs,
            wide,
            heads,
            queue: Scratch::default(),
            queued: 0,
            examples: 0,
            micro_batches: 0,
            dense_steps: 0,
            versions: 0,
            published: Published::new(Arc::new(first)),
            table,
            layout,
            schema,
            config,
            seed,
        })
    }

    /// What it reads and answers.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Examples learned so far.
    pub fn examples(&self) -> u64 {
        self.examples
    }

    /// The embedding table.
    pub fn table(&self) -> &E {
        &self.table
    }

    /// The embedding table, for rows made by intent and for erasure.
    pub fn table_mut(&mut self) -> &mut E {
        &mut self.table
    }

    /// Computes with another instruction set from now on; answers and state stay the same to the bit.
    pub fn set_isa(&mut self, isa: Isa) {
        self.isa = isa;
    }

    fn forward<'a>(&'a self, weights: &'a [f32]) -> Forward<'a> {
        Forward {
            isa: self.isa,
            layout: &self.layout,
            weights,
            quantiles: &self.inputs.quantiles,
            wide: &self.wide.weights,
            buckets: self.config.ftrl.buckets,
            base: &self.heads.base,
        }
    }

    /// Answers with the averaged weights, the ones that serving gets. A row's answer does not depend on the other rows.
    ///
    /// # Panics
    /// When a row has another number of dense values than the schema.
    pub fn predict(&self, rows: &[RowRef<'_>], out: &mut Predictions) {
        let forward = self.forward(&self.average);
        predict(&forward, self.heads.answers(), &self.table, rows, out);
    }

    /// Answers each example with the newest weights, and only then learns from it. Embedding rows and the wide part learn at the end of the call (or
    /// of a part of `dense_batch` examples), dense weights after every `dense_batch` examples.
    ///
    /// # Panics
    /// When a row has another number of dense values than the schema.
    pub fn learn(&mut self, examples: &[ExampleRef<'_>], out: &mut Predictions) -> Learned {
        self.heads.answers().begin(out);
        let mut learned = Learned {
            losses: vec![HeadLoss::default(); self.schema.heads.len()],
        };
        let mut rest = examples;
        while !rest.is_empty() {
            let room = (self.config.dense_batch - self.queued).min(rest.len());
            let (part, later) = rest.split_at(room);
            self.learn_part(part, out, &mut learned);
            rest = later;
        }
        learned
    }

    fn learn_part(&mut self, part: &[ExampleRef<'_>], out: &mut Predictions, learned: &mut Learned) {
        let layout = self.layout.clone();
        let mut queue = std::mem::take(&mut self.queue);
        queue.reserve_gradients(&layout, self.config.dense_batch);
        let at_s = part.iter().map(|example| example.at_s).max().unwrap_or(0);
        let rows = || part.iter().map(|example| example.row);
        let fresh = part.iter().map(|example| example.kind == ExampleKind::Outcome);
        queue.gathered.note(&layout, rows().zip(fresh));
        self.admit(at_s, &queue);
        queue.gathered.read(&layout, &self.table);
        self.forward(&self.weights).run(rows(), self.queued, &mut queue);
        self.judge(part, &mut queue, out, learned);
        self.wide.step(self.isa);
        let step = Step {
            isa: self.isa,
            layout: &layout,
            transposed: &self.transposed,
            l2: self.config.embedding.l2,
        };
        step.back(self.queued, part.len(), &mut queue);
        let gathered = &queue.gathered;
        self.table.apply(
            &gathered.keys,
            layout.stride,
            &gathered.gradients,
            at_s,
            self.micro_batches,
        );
        self.table.tick(at_s);
        self.queue = queue;
        self.queued += part.len();
        self.examples += part.len() as u64;
        self.micro_batches += 1;
        if self.queued == self.config.dense_batch {
            self.flush();
        }
    }

    /// Makes rows and wide addresses for ids that are due. Corrections of earlier examples are no new sightings.
    fn admit(&mut self, at_s: u32, queue: &Scratch) {
        let gathered = &queue.gathered;
        self.table.admit(&gathered.sightings, at_s);
        for (place, key) in &gathered.uses {
            if self.layout.slots[usize::from(*place)].wide {
                self.wide.admit(gathered.keys[*key as usize]);
            }
        }
    }

    /// Answers, then gradients of the logits, example by example.
    fn judge(
        &mut self,
        part: &[ExampleRef<'_>],
        queue: &mut Scratch,
        out: &mut Predictions,
        learned: &mut Learned,
    ) {
        let layout = &self.layout;
        let (skip, outputs) = (layout.hidden[0], self.schema.outputs());
        let logits = queue.y1[self.queued * layout.first..].chunks(layout.first);
        let durations = part.iter().map(|example| example.row.duration_s);
        let first = out.len();
        self.heads
            .answers()
            .push(self.isa, logits.map(|y| &y[skip..]).zip(durations), out);
        let logits = &out.logits[first * outputs..];
        queue.p.resize(logits.len(), 0.0);
        queue.loss.resize(logits.len(), 0.0);
        kernels::judge(self.isa, logits, &mut queue.p, &mut queue.loss);
        for (i, example) in part.iter().enumerate() {
            let at = (self.queued + i) * layout.first + skip;
            let gradients = &mut queue.d1[at..at + layout.outputs_padded];
            let own = i * outputs..(i + 1) * outputs;
            let judged = Judged {
                logits: &logits[own.clone()],
                p: &queue.p[own.clone()],
                loss: &queue.loss[own],
            };
            self.heads.learn(example, judged, gradients, &mut learned.losses);
            let from = i
                .checked_sub(1)
                .map_or(0, |before| queue.address_ends[before] as usize);
            let addresses = &queue.addresses[from..queue.address_ends[i] as usize];
            self.wide.note(self.isa, addresses, gradients);
            if example.kind == ExampleKind::Outcome {
                self.inputs.observe(example.row.dense);
            }
        }
        self.heads.rebalance();
    }

    /// Takes the step of the dense weights now that is otherwise taken after `dense_batch` examples.
    pub fn flush(&mut self) {
        if self.queued == 0 {
            return;
        }
        let step = Step {
            isa: self.isa,
            layout: &self.layout,
            transposed: &self.transposed,
            l2: 0.0,
        };
        step.sums(self.queued, &self.queue, &mut self.sums);
        self.dense_steps += 1;
        let adam = self
            .config
            .adam
            .step(self.dense_steps, self.examples, self.queued);
        let share = self
            .config
            .adam
            .ema_share
            .max(1.0 / (self.dense_steps + 1) as f32);
        let [first, second] = &mut self.moments;
        kernels::adam_averaged(
            self.isa,
            adam,
            share,
            &self.sums,
            &mut self.weights,
            [first, second],
            &mut self.average,
        );
        self.transposed.refresh(&self.layout, &self.weights);
        self.queued = 0;
    }

    /// Makes the averaged weights of the moment visible to all readers.
    pub fn publish(&mut self) -> Arc<DenseVersion> {
        self.versions += 1;
        let version = Arc::new(DenseVersion {
            number: self.versions,
            examples: self.examples,
            layout: self.layout.clone(),
            weights: self.average.clone(),
            quantiles: self.inputs.quantiles.clone(),
            wide: self.wide.weights.clone(),
            buckets: self.config.ftrl.buckets,
            base: self.heads.base.clone(),
            answers: self.heads.answers().clone(),
            served: std::sync::OnceLock::new(),
        });
        self.published.replace(version.clone());
        version
    }

    /// Where readers find the newest version.
    pub fn published(&self) -> Published {
        self.published.clone()
    }
}

impl crate::config::AdamConfig {
    /// The rate after so many examples.
    fn rate_at(&self, examples: u64) -> f32 {
        let half = f64::from(self.rate_half.max(1));
        let left = half / (half + examples as f64);
        self.rate + ((self.rate_start - self.rate).max(0.0) as f64 * left) as f32
    }

    /// The `step`-th step over a mean of `queued` gradients when `seen` examples have been seen, bias corrections folded in.
    pub(crate) fn step(&self, step: u64, seen: u64, queued: usize) -> AdamStep {
        let rate = self.rate_at(seen);
        let power = |beta: f32| f64::from(beta).powi(step.min(1 << 20) as i32);
        let first = 1.0 - power(self.beta1);
        let second = (1.0 - power(self.beta2)).sqrt();
        AdamStep {
            rate: (f64::from(rate) * second / first) as f32,
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: (f64::from(self.epsilon) * second) as f32,
            decay: rate * self.decay,
            scale: 1.0 / queued as f32,
        }
    }
}
