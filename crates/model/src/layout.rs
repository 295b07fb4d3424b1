//! Where everything lies: places of slots, pairs and dense values in the input, and of each layer in the flat list of weights.
//!
//! ```text
//! input   x  = [ vectors of all slots | products of pairs | pad ][ dense | 1 | pad ]
//! layer 1 y₁ = x·W₁              columns [ hidden 1 | skip: one per output ]
//! layer 2 y₂ = relu(y₁ᵃ)·W₂ + b₂
//! logits  z  = y₁ᵇ + relu(y₂)·W₃ + wide + base rates
//! ```
//! The skip columns make a factorisation machine with learned pair weights (FwFM, Pan et al. 2018) and a linear model
//! part of the first product. The front part of the input is what gradients flow back through to the embedding rows.

use crate::config::Config;
use crate::kernels::COLUMNS;
use crate::rng;
use crate::schema::{Pool, SLOTS_MAX, Schema, Side};

/// Marks a slot number that the schema does not know.
pub(crate) const UNKNOWN: u16 = u16::MAX;

/// See the file's header. All widths in values.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Place in the schema's list by slot number.
    pub slot_place: Vec<u16>,
    pub slots: Vec<SlotLayout>,
    /// Slots, padded.
    pub slots_padded: usize,
    /// Values from one vector to the next, zero beyond a slot's width.
    pub stride: usize,
    pub pair_width: usize,
    /// First product of pairs in the input.
    pub pairs: usize,
    /// Length of the part of the input that has gradients.
    pub front: usize,
    pub dense: usize,
    pub dense_width: usize,
    /// Who knows each dense value.
    pub dense_sides: Vec<Side>,
    /// Place of the constant 1.
    pub one: usize,
    pub inputs: usize,
    pub hidden: [usize; 2],
    pub outputs_padded: usize,
    /// Columns of the first layer.
    pub first: usize,
    pub w1: usize,
    pub w2: usize,
    pub b2: usize,
    pub w3: usize,
    pub weights: usize,
}

/// One slot's place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotLayout {
    pub width: usize,
    /// In the input, if vectors enter it as they are.
    pub vector: Option<usize>,
    /// The slot whose rows it reads.
    pub key_slot: u16,
    /// Place of the slot it attends to.
    pub target: Option<usize>,
    pub wide: bool,
    pub side: Side,
    /// Ids of its rows get a row only after several sightings, so each sighting is told to the table.
    pub counted: bool,
}

fn products(slots: usize, pair_width: usize) -> usize {
    if pair_width == 0 {
        0
    } else {
        slots * slots.saturating_sub(1) / 2
    }
}

fn padded(width: usize) -> usize {
    width.next_multiple_of(COLUMNS)
}

impl Layout {
    pub fn new(schema: &Schema, config: &Config) -> Self {
        let mut slot_place = vec![UNKNOWN; usize::from(SLOTS_MAX)];
        for (place, spec) in schema.slots.iter().enumerate() {
            slot_place[usize::from(spec.slot)] = place as u16;
        }
        let mut pairs = 0;
        let mut slots = Vec::with_capacity(schema.slots.len());
        for spec in &schema.slots {
            let width = spec.class.width();
            let vector = config.vectors_in_trunk.then_some(pairs);
            pairs += vector.map_or(0, |_| width);
            let target = match spec.pool {
                Pool::Mean => None,
                Pool::Attend { target } => Some(target),
            };
            slots.push(SlotLayout {
                width,
                vector,
                key_slot: target.unwrap_or(spec.slot),
                target: target.map(|target| usize::from(slot_place[usize::from(target)])),
                wide: spec.wide,
                side: spec.side,
                // A tower's schema lacks the slot when the rows are of the other tower's side.
                counted: (target.map(|target| usize::from(slot_place[usize::from(target)])))
                    .and_then(|place| schema.slots.get(place))
                    .unwrap_or(spec)
                    .admission
                    > 1,
            });
        }
        let stride = padded(slots.iter().map(|slot| slot.width).max().unwrap_or(COLUMNS));
        let pair_width = config.pair_width.min(stride);
        let front = padded(pairs + products(slots.len(), pair_width));
        let dense_width = schema.dense.len();
        let one = front + dense_width;
        let inputs = padded(one + 1);
        let outputs_padded = padded(schema.outputs());
        let first = config.hidden[0] + outputs_padded;
        let w2 = inputs * first;
        let b2 = w2 + config.hidden[0] * config.hidden[1];
        let w3 = b2 + config.hidden[1];
        Self {
            slot_place,
            slots_padded: padded(slots.len()),
            pair_width,
            stride,
            slots,
            pairs,
            front,
            dense: front,
            dense_width,
            dense_sides: schema.dense.iter().map(|spec| spec.side).collect(),
            one,
            inputs,
            hidden: config.hidden,
            outputs_padded,
            first,
            w1: 0,
            w2,
            b2,
            w3,
            weights: w3 + config.hidden[1] * outputs_padded,
        }
    }

    /// Products of pairs: slot i with each later slot, i ascending. None when no value of a vector enters them.
    pub fn products(&self) -> usize {
        products(self.slots.len(), self.pair_width)
    }

    /// Place in the input of the product of two slots, `one` before `other`.
    pub fn pair(&self, one: usize, other: usize) -> usize {
        debug_assert!(one < other && other < self.slots.len());
        let before = one * (2 * self.slots.len() - one - 1) / 2;
        self.pairs + before + other - one - 1
    }

    /// Starting weights: uniform by He et al. 2015 before a rectifier, pairs as a factorisation machine, other skips at zero.
    pub fn start(&self, schema: &Schema, pair_init: f32, seed: u64) -> Vec<f32> {
        let mut weights = vec![0.0; self.weights];
        let fan_in = (self.pairs + self.products() + self.dense_width + 1) as f32;
        let draw = |at: usize, bound: f32| rng::symmetric(seed, WEIGHTS, at as u64) * bound;
        let used = (0..self.pairs + self.products()).chain(self.dense..self.one);
        for input in used {
            let row = self.w1 + input * self.first;
            for (at, weight) in weights.iter_mut().enumerate().skip(row).take(self.hidden[0]) {
                *weight = draw(at, (6.0 / fan_in).sqrt());
            }
        }
        for (at, weight) in weights.iter_mut().enumerate().take(self.b2).skip(self.w2) {
            *weight = draw(at, (6.0 / self.hidden[0] as f32).sqrt());
        }
        let directions = schema
            .heads
            .iter()
            .flat_map(|head| std::iter::repeat_n(head.direction, head.kind.outputs()));
        let directions: Vec<f32> = directions.collect();
        for pair in self.pairs..self.pairs + self.products() {
            let skip = self.w1 + pair * self.first + self.hidden[0];
            for (weight, direction) in weights[skip..].iter_mut().zip(&directions) {
                *weight = pair_init * direction;
            }
        }
        weights
    }
}

const WEIGHTS: u64 = 0x_3e16_4715;
