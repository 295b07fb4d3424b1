//! The wide part: exact weights per (address, output), learned by FTRL-proximal.
//!
//! Addresses are the quantile buckets of every dense value, so that each value acts as a step function of any shape, and the ids of
//! the slots marked `wide`. Ids get addresses in order of arrival up to a named bound; later ones are counted and have none.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::config::{Config, FtrlConfig};
use crate::inputs::Inputs;
use crate::kernels::{self, Isa};
use crate::layout::Layout;
use crate::snapshot::{Decoder, Encoder, RestoreError};
use crate::table::Key;

/// The weights: what serving needs.
#[derive(Debug, Clone)]
pub struct WideWeights {
    /// Values of a row: outputs, padded.
    stride: usize,
    /// Addresses of dense buckets come first.
    first_key: u32,
    index: HashMap<Key, u32, FixedState>,
    weights: Vec<f32>,
}

impl WideWeights {
    fn new(stride: usize, dense_addresses: usize) -> Self {
        Self {
            stride,
            first_key: dense_addresses as u32,
            index: HashMap::default(),
            weights: vec![0.0; dense_addresses * stride],
        }
    }

    /// Address of an id of a wide slot.
    pub fn address(&self, key: Key) -> Option<u32> {
        self.index.get(&key).copied()
    }

    /// Ids with an address, in the order of their addresses.
    fn keys(&self) -> Vec<u64> {
        let mut keys = vec![0; self.index.len()];
        for (key, address) in &self.index {
            keys[(address - self.first_key) as usize] = key.bits();
        }
        keys
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.u64s(&self.keys()).f32s(&self.weights);
    }

    /// Into weights without ids.
    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        for (key, address) in from.u64s()?.into_iter().zip(self.first_key..) {
            self.index.insert(Key::from_bits(key), address);
        }
        let addresses = self.first_key as usize + self.index.len();
        self.weights.resize(addresses * self.stride, 0.0);
        from.fill(&mut self.weights)
    }

    /// Adds the weights at `addresses` to the logits of a row.
    pub fn add(&self, isa: Isa, addresses: &[u32], logits: &mut [f32]) {
        kernels::sum_rows(isa, &self.weights, addresses, &mut logits[..self.stride]);
    }
}

/// Weights with FTRL's two sums beside each, and the gradients of the micro-batch in progress.
#[derive(Debug, Clone)]
pub struct Wide {
    pub(crate) weights: WideWeights,
    rule: [f32; 4],
    keys_max: usize,
    z: Vec<f32>,
    n: Vec<f32>,
    gradients: Vec<f32>,
    touched: Vec<u32>,
    is_touched: Vec<bool>,
    /// Sightings of ids that came after the bound was reached.
    pub(crate) refused: u64,
}

impl Wide {
    pub(crate) fn new(config: &FtrlConfig, stride: usize, dense_addresses: usize) -> Self {
        let size = dense_addresses * stride;
        Self {
            weights: WideWeights::new(stride, dense_addresses),
            rule: [
                1.0 / config.alpha,
                config.beta / config.alpha,
                config.l1,
                config.l2,
            ],
            keys_max: config.keys_max as usize,
            z: vec![0.0; size],
            n: vec![0.0; size],
            gradients: vec![0.0; size],
            touched: Vec::new(),
            is_touched: vec![false; dense_addresses],
            refused: 0,
        }
    }

    /// Without ids, and with addresses for the buckets of all dense values where they have weights.
    pub(crate) fn for_inputs(config: &Config, layout: &Layout, inputs: &Inputs) -> Self {
        let addresses = layout.dense_width * inputs.quantiles.addresses();
        let used = if config.ftrl.buckets { addresses } else { 0 };
        Self::new(&config.ftrl, layout.outputs_padded, used)
    }

    /// Gives an id an address, if there is room.
    pub(crate) fn admit(&mut self, key: Key) {
        if self.weights.index.contains_key(&key) {
            return;
        }
        if self.weights.index.len() >= self.keys_max {
            self.refused += 1;
            return;
        }
        let address = self.is_touched.len();
        self.weights.index.insert(key, address as u32);
        self.grow(address + 1);
    }

    fn grow(&mut self, addresses: usize) {
        let size = addresses * self.weights.stride;
        for values in [
            &mut self.weights.weights,
            &mut self.z,
            &mut self.n,
            &mut self.gradients,
        ] {
            values.resize(size, 0.0);
        }
        self.is_touched.resize(addresses, false);
    }

    /// Notes the gradient of one example's logits for all its addresses.
    pub(crate) fn note(&mut self, isa: Isa, addresses: &[u32], gradient: &[f32]) {
        for address in addresses {
            if !std::mem::replace(&mut self.is_touched[*address as usize], true) {
                self.touched.push(*address);
            }
        }
        kernels::add_to_rows(
            isa,
            &gradient[..self.weights.stride],
            addresses,
            &mut self.gradients,
        );
    }

    /// Takes one step with the noted gradients.
    pub(crate) fn step(&mut self, isa: Isa) {
        let stride = self.weights.stride;
        for address in self.touched.drain(..) {
            let at = address as usize * stride..(address as usize + 1) * stride;
            kernels::ftrl(
                isa,
                self.rule,
                &self.gradients[at.clone()],
                &mut self.weights.weights[at.clone()],
                &mut self.z[at.clone()],
                &mut self.n[at.clone()],
            );
            self.gradients[at].fill(0.0);
            self.is_touched[address as usize] = false;
        }
    }

    /// Between micro-batches; noted gradients are not part of it.
    pub(crate) fn write(&self, out: &mut Encoder) {
        out.u64(self.refused);
        self.weights.write(out);
        out.f32s(&self.z).f32s(&self.n);
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.refused = from.u64()?;
        self.weights.read_back(from)?;
        self.grow(self.weights.first_key as usize + self.weights.index.len());
        from.fill(&mut self.z)?;
        from.fill(&mut self.n)
    }
}
