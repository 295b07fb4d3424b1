//! Dense values on any scale become inputs of mean 0 and deviation 1: their place among running quantiles, between −√3 and √3, or
//! their distance from the running mean in running deviations, cut off on both sides.
//!
//! A place is robust against heavy tails and needs no knowledge of units; for a value with a continuous distribution it has mean 0 and
//! variance 1. Quantiles, means and deviations come from a seeded sample of the stream, and are found anew at fixed counts of
//! examples, so they are a function of the examples alone. The bucket a value falls into is also an address of the wide part.

mod columns;

pub use columns::{Column, Columns};

use crate::config::{InputConfig, InputMethod};
use crate::kernels::{self, Isa};
use crate::rng;
use crate::snapshot::{Decoder, Encoder, RestoreError};

/// Examples before the first quantiles; until then every dense input is 0.
const FIRST: u64 = 64;
/// Slope of an interval without length: a step, with ½ on the edge itself.
const STEEP: f32 = 1e30;
/// A variance below this is none.
const CONSTANT: f64 = 1e-6;
const STREAM: u64 = 0x1_4e50;

/// What serving needs: edges, or means and deviations.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantiles {
    pub(crate) width: usize,
    pub(crate) buckets: usize,
    method: InputMethod,
    clip: f32,
    /// (Buckets + 1) × width, ascending down a column; or the means, then one over the deviations. Empty before the first are known.
    edges: Vec<f32>,
    /// Buckets × width: 1 / the interval's length, and its offset (see [`kernels::ramps`]).
    slopes: Vec<f32>,
    offsets: Vec<f32>,
}

impl Quantiles {
    fn new(width: usize, config: &InputConfig) -> Self {
        Self {
            width,
            buckets: config.buckets,
            method: config.method,
            clip: config.clip,
            edges: Vec::new(),
            slopes: Vec::new(),
            offsets: Vec::new(),
        }
    }

    fn set(&mut self, edges: Vec<f32>) {
        if self.method == InputMethod::Standard {
            self.edges = edges;
            return;
        }
        let intervals = edges.iter().zip(edges.iter().skip(self.width));
        let of = |(low, high): (&f32, &f32)| {
            if high > low {
                (1.0 / (high - low), 0.0)
            } else {
                (STEEP, 0.5)
            }
        };
        (self.slopes, self.offsets) = intervals.map(of).unzip();
        self.edges = edges;
    }

    /// Addresses of one value: its buckets, and one for "missing".
    pub fn addresses(&self) -> usize {
        self.buckets + 1
    }

    /// Whether any quantile is known yet.
    pub fn ready(&self) -> bool {
        !self.edges.is_empty()
    }

    /// Inputs and buckets of a row; all three have the schema's dense width. A missing value is input 0, bucket `buckets`.
    /// Without places there are no buckets, and `buckets` stays as it is.
    pub fn place(&self, isa: Isa, dense: &[f32], inputs: &mut [f32], buckets: &mut [u16]) {
        inputs.fill(0.0);
        if self.edges.is_empty() {
            buckets.fill(self.buckets as u16);
            return;
        }
        assert!(dense.len() == self.width && inputs.len() == self.width && buckets.len() == self.width);
        if self.method == InputMethod::Standard {
            let (means, scales) = self.edges.split_at(self.width);
            return kernels::standardise(isa, dense, (means, scales, self.clip), inputs);
        }
        let lists = (&self.edges[..], &self.slopes[..], &self.offsets[..]);
        kernels::ramps(isa, dense, lists, inputs);
        kernels::spread(isa, dense, self.buckets, inputs, buckets);
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.f32s(&self.edges);
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        let edges = from.f32s()?;
        let lists = match self.method {
            InputMethod::Places => self.buckets + 1,
            InputMethod::Standard => 2,
        };
        if !edges.is_empty() && edges.len() != self.width * lists {
            return Err(RestoreError::Format("quantiles"));
        }
        self.set(edges);
        Ok(())
    }
}

/// The edges and the sample they are read from: what learning needs.
#[derive(Debug, Clone)]
pub struct Inputs {
    pub(crate) quantiles: Quantiles,
    config: InputConfig,
    seed: u64,
    /// Rows of the sample, dense width each.
    sample: Vec<f32>,
    seen: u64,
    due: u64,
}

impl Inputs {
    pub(crate) fn new(width: usize, config: InputConfig, seed: u64) -> Self {
        Self {
            quantiles: Quantiles::new(width, &config),
            config,
            seed,
            sample: Vec::new(),
            seen: 0,
            due: FIRST,
        }
    }

    /// Adds a row to the sample; answers whether the edges moved.
    ///
    /// Reservoir sampling (Vitter 1985) whose memory is bounded to the last refresh distance, so that old days fade.
    pub(crate) fn observe(&mut self, dense: &[f32]) -> bool {
        let width = self.quantiles.width;
        if width == 0 {
            return false;
        }
        let window = self.seen.min(self.config.refresh.max(self.config.sample as u64)) + 1;
        let rows = self.sample.len() / width;
        if rows < self.config.sample {
            self.sample.extend_from_slice(dense);
        } else {
            let drawn = rng::bits(self.seed, STREAM, self.seen) % window;
            if drawn < rows as u64 {
                let at = drawn as usize * width;
                self.sample[at..at + width].copy_from_slice(dense);
            }
        }
        self.seen += 1;
        if self.seen < self.due {
            return false;
        }
        self.due = self.seen + self.seen.min(self.config.refresh);
        self.refresh();
        true
    }

    fn refresh(&mut self) {
        match self.config.method {
            InputMethod::Places => self.refresh_places(),
            InputMethod::Standard => self.refresh_standard(),
        }
    }

    fn refresh_standard(&mut self) {
        let width = self.quantiles.width;
        let mut moments = vec![(0.0_f64, 0.0_f64, 0.0_f64); width];
        for row in self.sample.chunks_exact(width) {
            for ((count, sum, squares), value) in moments.iter_mut().zip(row) {
                let value = f64::from(*value);
                if !value.is_nan() {
                    *count += 1.0;
                    *sum += value;
                    *squares += value * value;
                }
            }
        }
        let mean = |(count, sum, _): &(f64, f64, f64)| sum / count.max(1.0);
        let scale = |moments: &(f64, f64, f64)| {
            let variance = moments.2 / moments.0.max(1.0) - mean(moments).powi(2);
            // A value that never changed in the sample keeps its own scale.
            if variance > CONSTANT {
                1.0 / variance.sqrt()
            } else {
                1.0
            }
        };
        let means = moments.iter().map(|moments| mean(moments) as f32);
        let scales = moments.iter().map(|moments| scale(moments) as f32);
        self.quantiles.set(means.chain(scales).collect());
    }

    fn refresh_places(&mut self) {
        let width = self.quantiles.width;
        let steps = self.quantiles.buckets;
        let mut edges = vec![0.0; width * (steps + 1)];
        let mut column = Vec::with_capacity(self.config.sample);
        for feature in 0..width {
            column.clear();
            let values = self.sample.iter().skip(feature).step_by(width);
            column.extend(values.copied().filter(|value| !value.is_nan()));
            column.sort_unstable_by(f32::total_cmp);
            let top = column.len().saturating_sub(1);
            let edge = |step: usize| {
                column
                    .get((step * top + steps / 2) / steps)
                    .copied()
                    .unwrap_or(0.0)
            };
            for step in 0..=steps {
                edges[step * width + feature] = edge(step);
            }
        }
        self.quantiles.set(edges);
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.u64(self.seen).u64(self.due).f32s(&self.sample);
        self.quantiles.write(out);
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.seen = from.u64()?;
        self.due = from.u64()?;
        self.sample = from.f32s()?;
        self.quantiles.read_back(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::SPREAD;

    fn filled(values: impl Iterator<Item = f32>) -> Inputs {
        filled_by(InputMethod::Places, values)
    }

    fn filled_by(method: InputMethod, values: impl Iterator<Item = f32>) -> Inputs {
        let config = InputConfig {
            method,
            ..InputConfig::default()
        };
        let mut inputs = Inputs::new(1, config, 7);
        for value in values {
            inputs.observe(&[value]);
        }
        inputs
    }

    fn place(inputs: &Inputs, value: f32) -> (f32, u16) {
        let (mut input, mut bucket) = ([9.0], [9]);
        inputs
            .quantiles
            .place(Isa::best(), &[value], &mut input, &mut bucket);
        (input[0], bucket[0])
    }

    #[test]
    fn uniform_values_keep_their_place_on_any_scale() {
        for scale in [1e-3, 1.0, 1e6] {
            let inputs = filled((0..1024).map(|i| (i * 389 % 1024) as f32 / 1024.0 * scale));
            for share in [0.1, 0.33, 0.5, 0.9] {
                let (input, bucket) = place(&inputs, share * scale);
                assert!(
                    (input / SPREAD + 0.5 - share).abs() < 0.02,
                    "{share} became {input}"
                );
                assert_eq!(bucket, (share * 16.0) as u16);
            }
            assert_eq!(place(&inputs, -scale), (-0.5 * SPREAD, 0));
            let (top, bucket) = place(&inputs, 2.0 * scale);
            assert!((top - 0.5 * SPREAD).abs() < 1e-6 && bucket == 15);
        }
    }

    #[test]
    fn a_missing_value_has_a_bucket_of_its_own() {
        let inputs = filled((0..100).map(|i| i as f32));
        assert_eq!(place(&inputs, f32::NAN), (0.0, 16));
    }

    #[test]
    fn a_value_that_half_the_stream_has_lies_in_its_middle() {
        let inputs = filled((0..1024).map(|i| if i % 2 == 0 { 0.0 } else { i as f32 }));
        let (input, _) = place(&inputs, 0.0);
        assert!((input / SPREAD + 0.5 - 0.25).abs() < 0.04, "{input}");
    }

    #[test]
    fn standard_inputs_count_deviations() {
        let inputs = filled_by(InputMethod::Standard, (0..1024).map(|i| (i % 2) as f32 * 6.0));
        for (value, input) in [(3.0, 0.0), (6.0, 1.0), (-3.0, -2.0), (1e9, 4.0), (f32::NAN, 0.0)] {
            let (found, _) = place(&inputs, value);
            assert!((found - input).abs() < 1e-2, "{value} became {found}");
        }
        let constant = filled_by(InputMethod::Standard, (0..100).map(|_| 5.0));
        assert_eq!(place(&constant, 6.0).0, 1.0);
    }

    #[test]
    fn before_any_quantile_everything_is_zero() {
        let inputs = filled((0..10).map(|i| i as f32));
        assert_eq!(place(&inputs, 3.0).0, 0.0);
    }
}
