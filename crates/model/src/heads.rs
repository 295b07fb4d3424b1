//! Heads: from logits to answers, and from what happened to gradients of the logits.
//!
//! Every output is one logistic question with loss −y·ln p − (1−y)·ln(1−p), so its gradient is p − y. The watch head asks one such question per bucket
//! that the viewer reached. What nobody knows (a missing target) has no gradient.

use std::sync::Arc;

use crate::calibration::{CalibrationMap, Calibrator};
use crate::config::{BalanceConfig, Config};
use crate::kernels::{self, Isa};
use crate::row::{ExampleKind, ExampleRef, Predictions};
use crate::schema::{HeadKind, Schema};
use crate::snapshot::{Decoder, Encoder, RestoreError};
use crate::watch::{WatchEdges, WatchScale};

/// Labels of an output until its base rate is settled.
const BASE_LABELS: f32 = 1024.0;
/// An example's weight at most.
const WEIGHT_MAX: f32 = 16.0;

/// How answers are read off the logits: what serving needs.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    outputs: usize,
    /// First output of each head.
    starts: Vec<usize>,
    maps: Vec<CalibrationMap>,
    watch: Option<(usize, Arc<WatchEdges>)>,
}

impl Answers {
    /// Empties `out` and gives it this shape.
    pub fn begin(&self, out: &mut Predictions) {
        out.logits.clear();
        out.calibrated.clear();
        out.durations_s.clear();
        out.outputs = self.outputs;
        out.heads = self.starts.len();
        out.starts.clone_from(&self.starts);
        out.watch.clone_from(&self.watch);
    }

    /// The logit of a head that has a single one.
    pub fn logit_of(&self, head: usize) -> Option<usize> {
        let watch = self.watch.as_ref().map(|(start, _)| *start);
        self.starts
            .get(head)
            .copied()
            .filter(|start| Some(*start) != watch)
    }

    pub fn write(&self, out: &mut Encoder) {
        for map in &self.maps {
            map.write(out);
        }
        if let Some((_, edges)) = &self.watch {
            edges.write(out);
        }
    }

    pub fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        for map in &mut self.maps {
            map.read_back(from)?;
        }
        match &mut self.watch {
            Some((_, edges)) => Arc::make_mut(edges).read_back(from),
            None => Ok(()),
        }
    }

    /// Adds rows, each with its logits and the length of its video.
    pub fn push<'a>(&self, isa: Isa, rows: impl Iterator<Item = (&'a [f32], f32)>, out: &mut Predictions) {
        let from = out.len();
        for (logits, duration_s) in rows {
            let heads = self.starts.iter().zip(&self.maps);
            out.calibrated
                .extend(heads.map(|(start, map)| map.line(logits[*start])));
            out.logits.extend_from_slice(&logits[..self.outputs]);
            out.durations_s.push(duration_s);
        }
        let heads = self.starts.len();
        kernels::sigmoids(isa, &mut out.calibrated[from * heads..]);
        for (head, map) in self.maps.iter().enumerate().filter(|(_, map)| map.is_isotonic()) {
            for row in from..out.len() {
                out.calibrated[row * heads + head] = map.apply(out.logit(row, head));
            }
        }
    }
}

/// An example's logits with what follows from them, one value an output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged<'a> {
    pub logits: &'a [f32],
    /// Probabilities.
    pub p: &'a [f32],
    /// Losses in nats if the answer is no.
    pub loss: &'a [f32],
}

/// Loss of one head over the examples of a call, before learning from them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HeadLoss {
    /// Sum over labels, in nats.
    pub sum: f64,
    pub labels: u32,
}

/// All heads with what they learn besides weights.
#[derive(Debug, Clone)]
pub(crate) struct Heads {
    kinds: Vec<HeadKind>,
    weights: Vec<f32>,
    balance: BalanceConfig,
    /// Log-variance of each task.
    variances: Vec<f32>,
    /// Factor of each head on its gradients; follows the variances from part to part.
    factors: Vec<f32>,
    /// Nats and labels of the part in progress, by head.
    part: Vec<(f32, f32)>,
    calibrators: Vec<Calibrator>,
    scale: Option<WatchScale>,
    /// Labels and positives of each output while its base rate is being settled.
    counts: Vec<(f32, f32)>,
    /// Base rate of each output as a logit.
    pub base: Vec<f32>,
    answers: Answers,
}

impl Heads {
    pub fn new(schema: &Schema, config: &Config) -> Self {
        let mut starts = Vec::with_capacity(schema.heads.len());
        let mut outputs = 0;
        let mut scale = None;
        let mut watch = None;
        for head in &schema.heads {
            starts.push(outputs);
            if let HeadKind::Watch { buckets } = head.kind {
                let own = WatchScale::new(&config.watch, usize::from(buckets));
                watch = Some((outputs, own.edges.clone()));
                scale = Some(own);
            }
            outputs += head.kind.outputs();
        }
        let calibrator = Calibrator::new(config.calibration);
        let maps = vec![calibrator.map.clone(); starts.len()];
        let weights: Vec<f32> = schema.heads.iter().map(|head| head.weight).collect();
        Self {
            kinds: schema.heads.iter().map(|head| head.kind).collect(),
            factors: weights.clone(),
            part: vec![(0.0, 0.0); starts.len()],
            weights,
            balance: config.balance,
            variances: vec![0.0; starts.len()],
            calibrators: vec![calibrator; starts.len()],
            scale,
            counts: vec![(0.0, 0.0); outputs],
            base: vec![0.0; outputs],
            answers: Answers {
                outputs,
                starts,
                maps,
                watch,
            },
        }
    }

    /// The state of the moment, for reading answers.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Writes the gradients of an example's logits, and learns base rates, calibration and the scale of watch time.
    pub fn learn(
        &mut self,
        example: &ExampleRef<'_>,
        judged: Judged<'_>,
        gradients: &mut [f32],
        losses: &mut [HeadLoss],
    ) {
        gradients.fill(0.0);
        for (head, loss) in losses.iter_mut().enumerate() {
            match self.kinds[head] {
                HeadKind::Binary => {
                    let target = example.targets.get(head).copied().unwrap_or(f32::NAN);
                    if !target.is_nan() {
                        let gradient = self.binary(head, example, target, judged, loss);
                        gradients[self.answers.starts[head]] = gradient;
                    }
                }
                HeadKind::Watch { .. } => self.watch(head, example, judged, gradients, loss),
            }
        }
    }

    /// Ends a part: the balance of tasks follows its losses.
    ///
    /// One step of Kendall's log-variance for each label, all from the part's start; its fixed point is the running loss.
    pub fn rebalance(&mut self) {
        let bounds = (-self.balance.weight_max.ln(), -self.balance.weight_min.ln());
        for (head, (nats, labels)) in self.part.iter_mut().enumerate() {
            let variance = &mut self.variances[head];
            let step = self.balance.rate * (kernels::exp(-*variance) * *nats - *labels);
            *variance = (*variance + step).clamp(bounds.0, bounds.1);
            (*nats, *labels) = (0.0, 0.0);
        }
        self.refresh_factors();
    }

    fn refresh_factors(&mut self) {
        let heads = self.weights.iter().zip(&self.variances);
        self.factors.clear();
        self.factors
            .extend(heads.map(|(weight, variance)| weight * kernels::exp(-variance)));
    }

    fn note(&mut self, head: usize, nats: f32, loss: &mut HeadLoss) {
        loss.sum += f64::from(nats);
        loss.labels += 1;
        self.part[head].0 += nats;
        self.part[head].1 += 1.0;
    }

    fn binary(
        &mut self,
        head: usize,
        example: &ExampleRef<'_>,
        target: f32,
        judged: Judged<'_>,
        loss: &mut HeadLoss,
    ) -> f32 {
        let weight = example.weight.clamp(0.0, WEIGHT_MAX);
        let factor = self.factors[head] * weight;
        let start = self.answers.starts[head];
        let logit = judged.logits[start];
        if example.kind == ExampleKind::Delta {
            self.calibrate(head, logit, (0.0, target * weight));
            return -target * factor;
        }
        self.note(head, judged.loss[start] - target * logit, loss);
        self.calibrate(head, logit, (weight, target * weight));
        self.settle(start, weight, target);
        (judged.p[start] - target) * factor
    }

    fn watch(
        &mut self,
        head: usize,
        example: &ExampleRef<'_>,
        judged: Judged<'_>,
        gradients: &mut [f32],
        loss: &mut HeadLoss,
    ) {
        let (Some(watch), ExampleKind::Outcome) = (example.watch, example.kind) else {
            return;
        };
        let Some((start, edges)) = self.answers.watch.clone() else {
            return;
        };
        let weight = example.weight.clamp(0.0, WEIGHT_MAX);
        let factor = self.factors[head] * weight;
        let mut nats = 0.0;
        for hazard in edges.targets(watch.watched_s, watch.duration_s, watch.censored) {
            let at = start + hazard.bucket;
            if hazard.bucket + 1 == edges.buckets() {
                continue; // who reaches the last bucket ends in it
            }
            nats += judged.loss[at] - hazard.ended * judged.logits[at];
            gradients[at] = (judged.p[at] - hazard.ended) * factor;
            self.settle(at, weight, hazard.ended);
        }
        self.note(head, nats, loss);
        if let Some(scale) = self.scale.as_mut().filter(|_| !watch.censored) {
            scale.observe(watch.watched_s, watch.duration_s);
            if !Arc::ptr_eq(&scale.edges, &edges) {
                self.answers.watch = Some((start, scale.edges.clone()));
            }
        }
    }

    fn calibrate(&mut self, head: usize, logit: f32, (weight, target): (f32, f32)) {
        if self.calibrators[head].observe(logit, weight, target) {
            self.answers.maps[head] = self.calibrators[head].map.clone();
        }
    }

    /// The base rate follows its first labels exactly, and then stays: a rare event need not be found by small steps.
    fn settle(&mut self, output: usize, weight: f32, target: f32) {
        let (labels, positives) = &mut self.counts[output];
        if *labels >= BASE_LABELS {
            return;
        }
        *labels += weight;
        *positives += weight * target;
        let odds = (*positives + 0.5) / (*labels - *positives + 0.5);
        self.base[output] = odds.ln();
    }

    pub fn write(&self, out: &mut Encoder) {
        out.f32s(&self.variances).f32s(&self.base);
        for (labels, positives) in &self.counts {
            out.f32(*labels).f32(*positives);
        }
        for calibrator in &self.calibrators {
            calibrator.write(out);
        }
        if let Some(scale) = &self.scale {
            scale.write(out);
        }
    }

    pub fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        from.fill(&mut self.variances)?;
        self.refresh_factors();
        from.fill(&mut self.base)?;
        for count in &mut self.counts {
            *count = (from.f32()?, from.f32()?);
        }
        for (calibrator, map) in self.calibrators.iter_mut().zip(&mut self.answers.maps) {
            calibrator.read_back(from)?;
            map.clone_from(&calibrator.map);
        }
        if let Some(scale) = &mut self.scale {
            scale.read_back(from)?;
            if let Some((_, edges)) = &mut self.answers.watch {
                *edges = scale.edges.clone();
            }
        }
        Ok(())
    }
}
