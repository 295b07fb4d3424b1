//! Gradients against differences of the loss.

use super::fixture::{SEED, config, impression, schema};
use crate::embedding::{EmbeddingRead, Embeddings, PlainRows};
use crate::inputs::Inputs;
use crate::kernels::{COLUMNS, Isa};
use crate::layout::Layout;
use crate::net::{Forward, Scratch, Step, Transposed};
use crate::rng;
use crate::table::Key;
use crate::wide::Wide;

/// Rows that a test can nudge.
struct Rows(std::collections::HashMap<Key, Vec<f32>>);

impl EmbeddingRead for Rows {
    fn read(&self, keys: &[Key], stride: usize, out: &mut [f32]) {
        for (key, out) in keys.iter().zip(out.chunks_mut(stride)) {
            out.fill(0.0);
            let row = &self.0[key];
            out[..row.len()].copy_from_slice(row);
        }
    }
}

struct Setup {
    layout: Layout,
    weights: Vec<f32>,
    inputs: Inputs,
    wide: Wide,
    base: Vec<f32>,
    rows: Rows,
    /// What the loss multiplies the logits with.
    slopes: Vec<f32>,
}

const COUNT: usize = 3;

impl Setup {
    fn new() -> Self {
        let (schema, config) = (schema(), config());
        let layout = Layout::new(&schema, &config);
        let mut weights = layout.start(&schema, 0.5, SEED);
        for (i, weight) in weights.iter_mut().enumerate() {
            *weight += 0.1 * rng::symmetric(1, 1, i as u64);
        }
        let mut table = PlainRows::create(&schema.slots, &config.embedding, SEED).expect("a map");
        let mut inputs = Inputs::new(3, config.inputs, SEED);
        for i in 0..200 {
            inputs.observe(&impression(i).dense);
        }
        let mut rows = std::collections::HashMap::new();
        let mut scratch = Scratch::default();
        let owned: Vec<_> = (0..COUNT as u64).map(impression).collect();
        scratch
            .gathered
            .note(&layout, owned.iter().map(|owned| (owned.row(), true)));
        table.admit(&scratch.gathered.sightings, 0);
        for (i, key) in scratch.gathered.keys.iter().enumerate() {
            let place = layout.slot_place[key.slot()];
            let width = layout.slots[usize::from(place)].width;
            let value = |j: usize| rng::symmetric(2, i as u64, j as u64) * 0.7;
            rows.insert(*key, (0..width).map(value).collect());
        }
        let slopes = (0..COUNT * layout.outputs_padded)
            .map(|i| {
                if i % layout.outputs_padded < 24 {
                    rng::symmetric(3, 3, i as u64)
                } else {
                    0.0
                }
            })
            .collect();
        Self {
            wide: Wide::new(&config.ftrl, layout.outputs_padded, 3 * 17),
            base: vec![0.1; 24],
            weights,
            inputs,
            rows: Rows(rows),
            slopes,
            layout,
        }
    }

    fn forward(&self, scratch: &mut Scratch) -> f64 {
        let owned: Vec<_> = (0..COUNT as u64).map(impression).collect();
        let rows = || owned.iter().map(|owned| owned.row());
        scratch.reserve_gradients(&self.layout, COUNT);
        scratch.gathered.note(&self.layout, rows().map(|row| (row, true)));
        scratch.gathered.read(&self.layout, &self.rows);
        let forward = Forward {
            isa: Isa::best(),
            layout: &self.layout,
            weights: &self.weights,
            quantiles: &self.inputs.quantiles,
            wide: &self.wide.weights,
            buckets: true,
            base: &self.base,
        };
        forward.run(rows(), 0, scratch);
        let width = self.layout.outputs_padded;
        let mut loss = 0.0;
        for row in 0..COUNT {
            let at = row * self.layout.first + self.layout.hidden[0];
            let slopes = &self.slopes[row * width..][..width];
            for (logit, slope) in scratch.y1[at..].iter().zip(slopes) {
                loss += f64::from(*logit) * f64::from(*slope);
            }
            scratch.d1[at..at + width].copy_from_slice(slopes);
        }
        loss
    }

    fn gradients(&self) -> (Vec<Key>, Vec<f32>, Vec<f32>) {
        let mut scratch = Scratch::default();
        self.forward(&mut scratch);
        let transposed = Transposed::new(&self.layout, &self.weights);
        let step = Step {
            isa: Isa::best(),
            layout: &self.layout,
            transposed: &transposed,
            l2: 0.0,
        };
        step.back(0, COUNT, &mut scratch);
        let mut sums = vec![0.0; self.weights.len()];
        step.sums(COUNT, &scratch, &mut sums);
        (
            scratch.gathered.keys.clone(),
            scratch.gathered.gradients.clone(),
            sums,
        )
    }
}

/// The slope of the loss along one number, by a central difference.
fn slope(setup: &mut Setup, mut number: impl FnMut(&mut Setup) -> &mut f32) -> f64 {
    const NUDGE: f32 = 2e-3;
    let start = *number(setup);
    let mut scratch = Scratch::default();
    *number(setup) = start + NUDGE;
    let above = setup.forward(&mut scratch);
    *number(setup) = start - NUDGE;
    let below = setup.forward(&mut scratch);
    *number(setup) = start;
    (above - below) / f64::from(2.0 * NUDGE)
}

#[test]
fn weights_have_the_slope_of_the_loss() {
    let mut setup = Setup::new();
    let (_, _, sums) = setup.gradients();
    let mut compared = 0;
    for at in (0..sums.len()).step_by(37) {
        let expected = slope(&mut setup, |setup| &mut setup.weights[at]);
        let error = (expected - f64::from(sums[at])).abs();
        assert!(
            error < 2e-2 * (1.0 + expected.abs()),
            "weight {at}: {} instead of {expected}",
            sums[at]
        );
        compared += usize::from(expected.abs() > 1e-3);
    }
    assert!(compared > 50, "only {compared} weights mattered");
}

#[test]
fn rows_have_the_slope_of_the_loss() {
    let mut setup = Setup::new();
    let (keys, gradients, _) = setup.gradients();
    let stride = setup.layout.stride;
    let mut compared = 0;
    for (i, key) in keys.iter().enumerate() {
        for value in (0..setup.rows.0[key].len()).step_by(5) {
            let expected = slope(&mut setup, |setup| {
                setup
                    .rows
                    .0
                    .get_mut(key)
                    .map(|row| &mut row[value])
                    .expect("it was read")
            });
            let found = f64::from(gradients[i * stride + value]);
            let error = (expected - found).abs();
            assert!(
                error < 2e-2 * (1.0 + expected.abs()),
                "key {key:?} value {value}: {found}, {expected}"
            );
            compared += usize::from(expected.abs() > 1e-2);
        }
    }
    assert!(compared > 30, "only {compared} values mattered");
    assert_eq!(setup.layout.first % COLUMNS, 0);
}
