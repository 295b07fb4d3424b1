//! One tower: vectors of its slots and places of its dense values, one hidden layer beside a straight way, a unit vector out.

use super::{TowersConfig, WIDTH};
use crate::config::{Config, InputConfig};
use crate::embedding::{EmbeddingRead, Embeddings};
use crate::gather::Gathered;
use crate::inputs::Inputs;
use crate::kernels::{self, COLUMNS, Gemm, Isa, gemm};
use crate::layout::Layout;
use crate::rng;
use crate::row::RowRef;
use crate::schema::{Schema, Side};
use crate::snapshot::{Decoder, Encoder, RestoreError};

/// Shortest length a vector is divided by.
const LENGTH_MIN: f32 = 1e-6;

/// Buffers of one tower, reused. Rows × width each.
#[derive(Debug, Clone, Default)]
pub struct TowerScratch {
    gathered: Gathered,
    vectors: Vec<f32>,
    dense: Vec<f32>,
    buckets: Vec<u16>,
    x: Vec<f32>,
    /// Hidden part after its rectifier, then the straight part, which becomes the output.
    y: Vec<f32>,
    lengths: Vec<f32>,
    units: Vec<f32>,
    unit_gradients: Vec<f32>,
    d: Vec<f32>,
    front: Vec<f32>,
}

impl TowerScratch {
    /// Unit vectors of the last pass.
    pub(super) fn units(&self, rows: usize) -> &[f32] {
        &self.units[..rows * WIDTH]
    }

    /// Where gradients with respect to the unit vectors go.
    pub(super) fn unit_gradients(&mut self, rows: usize) -> &mut [f32] {
        self.unit_gradients.resize(rows * WIDTH, 0.0);
        &mut self.unit_gradients
    }
}

#[derive(Debug, Clone)]
pub(super) struct Tower {
    layout: Layout,
    /// Columns of the schema's dense values.
    columns: Vec<usize>,
    inputs: Inputs,
    vectors: usize,
    width: usize,
    hidden: usize,
    /// Input × (hidden + output), then hidden × output.
    weights: Vec<f32>,
    moments: [Vec<f32>; 2],
}

impl Tower {
    pub fn new(schema: &Schema, config: &TowersConfig, side: Side, seed: u64) -> Self {
        let own = Schema {
            slots: schema
                .slots
                .iter()
                .filter(|slot| slot.side == side)
                .cloned()
                .collect(),
            dense: Vec::new(),
            heads: Vec::new(),
        };
        // Only the places of slots are used; attending slots are pooled evenly here.
        let mut layout = Layout::new(&own, &Config::default());
        for slot in &mut layout.slots {
            slot.target = None;
        }
        let columns: Vec<usize> = (0..schema.dense.len())
            .filter(|column| schema.dense[*column].side == side)
            .collect();
        let vectors: usize = layout.slots.iter().map(|slot| slot.width).sum();
        let width = (vectors + columns.len() + 1).next_multiple_of(COLUMNS);
        let first = width * (config.hidden + WIDTH);
        let stream = 0x70_3e4 + side as u64;
        let draw = |at: usize, bound: f32| rng::symmetric(seed, stream, at as u64) * bound;
        let fan_in = (vectors + columns.len() + 1) as f32;
        let start = |at: usize| {
            let fan_in = if at < first { fan_in } else { config.hidden as f32 };
            draw(at, (3.0 / fan_in).sqrt())
        };
        let weights: Vec<f32> = (0..first + config.hidden * WIDTH).map(start).collect();
        Self {
            inputs: Inputs::new(columns.len(), InputConfig::default(), seed ^ stream),
            moments: [vec![0.0; weights.len()], vec![0.0; weights.len()]],
            hidden: config.hidden,
            layout,
            columns,
            vectors,
            width,
            weights,
        }
    }

    /// A copy that embeds and cannot learn.
    pub fn serving(&self) -> Self {
        Self {
            layout: self.layout.clone(),
            columns: self.columns.clone(),
            inputs: self.inputs.clone(),
            weights: self.weights.clone(),
            moments: [Vec::new(), Vec::new()],
            ..*self
        }
    }

    fn first(&self) -> usize {
        self.hidden + WIDTH
    }

    /// Weights of the first and of the second layer.
    fn layers(&self) -> (&[f32], &[f32]) {
        self.weights.split_at(self.width * self.first())
    }

    /// Takes part in the running quantiles.
    pub fn observe(&mut self, rows: &[RowRef<'_>]) {
        let mut dense = vec![0.0; self.columns.len()];
        for row in rows {
            for (value, column) in dense.iter_mut().zip(&self.columns) {
                *value = row.dense[*column];
            }
            self.inputs.observe(&dense);
        }
    }

    /// Notes sightings of this side's ids.
    pub fn admit(
        &self,
        rows: &[RowRef<'_>],
        table: &mut impl Embeddings,
        at_s: u32,
        scratch: &mut TowerScratch,
    ) {
        scratch
            .gathered
            .note(&self.layout, rows.iter().map(|row| (*row, true)));
        table.admit(&scratch.gathered.sightings, at_s);
    }

    /// Unit vectors of `rows` into the scratch.
    pub fn forward(
        &self,
        isa: Isa,
        table: &impl EmbeddingRead,
        rows: &[RowRef<'_>],
        scratch: &mut TowerScratch,
    ) {
        let count = rows.len();
        scratch
            .gathered
            .note(&self.layout, rows.iter().map(|row| (*row, false)));
        scratch.gathered.read(&self.layout, table);
        scratch.x.clear();
        scratch.x.resize(count * self.width, 0.0);
        for (i, row) in rows.iter().enumerate() {
            self.input(isa, i, row, scratch);
        }
        let first = self.first();
        scratch.y.resize(count * first, 0.0);
        let (w1, w2) = self.layers();
        let shape = |m, n, k| (m, n, k);
        run(
            isa,
            shape(count, first, self.width),
            (&scratch.x, self.width, 1),
            (w1, first),
            (&mut scratch.y, first),
            false,
        );
        for row in scratch.y.chunks_mut(first) {
            kernels::relu(isa, &mut row[..self.hidden]);
        }
        for row in scratch.y.chunks_mut(first) {
            let (hidden, out) = row.split_at_mut(self.hidden);
            run(
                isa,
                shape(1, WIDTH, self.hidden),
                (hidden, self.hidden, 1),
                (w2, WIDTH),
                (out, WIDTH),
                true,
            );
        }
        scratch.units.resize(count * WIDTH, 0.0);
        scratch.lengths.clear();
        for (row, unit) in scratch.y.chunks(first).zip(scratch.units.chunks_mut(WIDTH)) {
            let out = &row[self.hidden..];
            let length = out.iter().map(|x| x * x).sum::<f32>().sqrt().max(LENGTH_MIN);
            for (unit, x) in unit.iter_mut().zip(out) {
                *unit = x / length;
            }
            scratch.lengths.push(length);
        }
    }

    fn input(&self, isa: Isa, i: usize, row: &RowRef<'_>, scratch: &mut TowerScratch) {
        let stride = self.layout.stride;
        scratch
            .vectors
            .resize(self.layout.slots_padded.max(1) * stride, 0.0);
        scratch.gathered.pool(isa, &self.layout, i, &mut scratch.vectors);
        let x = &mut scratch.x[i * self.width..][..self.width];
        let mut to = 0;
        for (place, slot) in self.layout.slots.iter().enumerate() {
            x[to..to + slot.width].copy_from_slice(&scratch.vectors[place * stride..][..slot.width]);
            to += slot.width;
        }
        scratch.dense.clear();
        scratch
            .dense
            .extend(self.columns.iter().map(|column| row.dense[*column]));
        scratch.buckets.resize(self.columns.len(), 0);
        let (dense, rest) = x[to..].split_at_mut(self.columns.len());
        self.inputs
            .quantiles
            .place(isa, &scratch.dense, dense, &mut scratch.buckets);
        rest[0] = 1.0;
    }

    /// Learns from the gradients of the unit vectors: a step of the weights and of the rows.
    pub fn step(
        &mut self,
        isa: Isa,
        config: &TowersConfig,
        count: usize,
        table: &mut impl Embeddings,
        (at_s, step): (u32, u64),
        scratch: &mut TowerScratch,
    ) {
        self.back(isa, count, scratch);
        scratch.gathered.begin_gradients(&self.layout);
        let stride = self.layout.stride;
        for i in 0..count {
            scratch.vectors.fill(0.0);
            let mut from = i * self.front();
            for (place, slot) in self.layout.slots.iter().enumerate() {
                let front = &scratch.front[from..from + slot.width];
                scratch.vectors[place * stride..][..slot.width].copy_from_slice(front);
                from += slot.width;
            }
            let mut gradients = std::mem::take(&mut scratch.vectors);
            scratch
                .gathered
                .scatter(config.embedding.l2, &self.layout, i, &[], &mut gradients);
            scratch.vectors = gradients;
        }
        let gathered = &scratch.gathered;
        // The two towers' rows have different slots, so one offset serves both.
        table.apply(&gathered.keys, stride, &gathered.gradients, at_s, step);
        let sums = self.sums(isa, count, scratch);
        let adam = config.adam.step(step, step * count as u64, count);
        let [first, second] = &mut self.moments;
        kernels::adam(isa, adam, &sums, &mut self.weights, first, second);
    }

    /// Vector inputs, padded.
    fn front(&self) -> usize {
        self.vectors.next_multiple_of(COLUMNS)
    }

    /// Gradients of the layers' outputs and of the vector inputs.
    fn back(&self, isa: Isa, count: usize, scratch: &mut TowerScratch) {
        let (first, hidden) = (self.first(), self.hidden);
        scratch.d.resize(count * first, 0.0);
        let rows = scratch
            .units
            .chunks(WIDTH)
            .zip(scratch.unit_gradients.chunks(WIDTH));
        for (((unit, gradient), length), d) in rows.zip(&scratch.lengths).zip(scratch.d.chunks_mut(first)) {
            let along: f32 = unit.iter().zip(gradient).map(|(unit, g)| unit * g).sum();
            for ((d, unit), g) in d[hidden..].iter_mut().zip(unit).zip(gradient) {
                *d = (g - unit * along) / length;
            }
        }
        let (w1, w2) = self.layers();
        let w2 = turned(w2, hidden, WIDTH, hidden);
        for (y, d) in scratch.y.chunks(first).zip(scratch.d.chunks_mut(first)) {
            let (to, out) = d.split_at_mut(hidden);
            run(
                isa,
                (1, hidden, WIDTH),
                (out, WIDTH, 1),
                (&w2, hidden),
                (to, hidden),
                false,
            );
            for (d, y) in to.iter_mut().zip(y) {
                *d = if *y > 0.0 { *d } else { 0.0 };
            }
        }
        let front = self.front();
        let w1 = turned(w1, self.vectors, first, front);
        scratch.front.resize(count * front, 0.0);
        run(
            isa,
            (count, front, first),
            (&scratch.d, first, 1),
            (&w1, front),
            (&mut scratch.front, front),
            false,
        );
    }

    fn sums(&self, isa: Isa, count: usize, scratch: &TowerScratch) -> Vec<f32> {
        let (first, hidden) = (self.first(), self.hidden);
        let mut sums = vec![0.0; self.weights.len()];
        let (one, two) = sums.split_at_mut(self.width * first);
        run(
            isa,
            (self.width, first, count),
            (&scratch.x, 1, self.width),
            (&scratch.d, first),
            (one, first),
            false,
        );
        run(
            isa,
            (hidden, WIDTH, count),
            (&scratch.y, 1, first),
            (&scratch.d[hidden..], first),
            (two, WIDTH),
            false,
        );
        sums
    }

    pub fn write(&self, out: &mut Encoder) {
        out.f32s(&self.weights)
            .f32s(&self.moments[0])
            .f32s(&self.moments[1]);
        self.inputs.write(out);
    }

    pub fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        from.fill(&mut self.weights)?;
        from.fill(&mut self.moments[0])?;
        from.fill(&mut self.moments[1])?;
        self.inputs.read_back(from)
    }
}

#[cfg(test)]
impl Tower {
    pub fn test_weights(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    pub fn test_moment(&mut self) -> &[f32] {
        &self.moments[0]
    }
}

/// The first `rows` rows of a list of `columns` values each, transposed, `padded` values from row to row.
fn turned(from: &[f32], rows: usize, columns: usize, padded: usize) -> Vec<f32> {
    let mut to = vec![0.0; columns * padded];
    for (r, row) in from.chunks(columns).take(rows).enumerate() {
        for (c, x) in row.iter().enumerate() {
            to[c * padded + r] = *x;
        }
    }
    to
}

fn run(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    (a, a_row, a_column): (&[f32], usize, usize),
    (b, b_row): (&[f32], usize),
    (c, c_row): (&mut [f32], usize),
    add: bool,
) {
    let operands = Gemm {
        m,
        n,
        k,
        a,
        a_row,
        a_column,
        b,
        b_row,
        c,
        c_row,
        add,
    };
    gemm(isa, operands);
}
