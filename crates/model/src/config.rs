//! Every number that shapes learning, with its reason. Defaults suit a stream that starts from nothing and is read once.

use serde::{Deserialize, Serialize};

use crate::schema::SchemaError;

/// Examples in one dense step at most.
pub const DENSE_BATCH_MAX: usize = 1024;

/// Settings of a model. A manifest stores them; settings it does not know yet take their defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Widths of the two shared layers, multiples of 16.
    pub hidden: [usize; 2],
    /// Leading values of each vector that enter the products of pairs; a multiple of 16, 0 for no products.
    pub pair_width: usize,
    /// Starting weight of every pair's product in every head: 1 is a plain factorisation machine.
    pub pair_init: f32,
    /// Whether vectors also enter the layers as they are, beside their products.
    pub vectors_in_trunk: bool,
    /// Examples between two steps of the dense weights. Embeddings and the wide part learn at once.
    pub dense_batch: usize,
    pub adam: AdamConfig,
    pub embedding: EmbeddingConfig,
    pub ftrl: FtrlConfig,
    pub inputs: InputConfig,
    pub balance: BalanceConfig,
    pub calibration: CalibrationConfig,
    pub watch: WatchConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: [64, 32],
            pair_width: 32,
            pair_init: 0.1,
            vectors_in_trunk: true,
            dense_batch: 64,
            adam: AdamConfig::default(),
            embedding: EmbeddingConfig::default(),
            ftrl: FtrlConfig::default(),
            inputs: InputConfig::default(),
            balance: BalanceConfig::default(),
            calibration: CalibrationConfig::default(),
            watch: WatchConfig::default(),
        }
    }
}

/// Adam for the dense layers (Kingma, Ba 2015; decay of Loshchilov, Hutter 2019). The rate falls as a hyperbola of the examples seen: large steps while little is
/// known, and never none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamConfig {
    /// The rate that remains.
    pub rate: f32,
    /// The rate at the first example; less than `rate` counts as `rate`.
    pub rate_start: f32,
    /// Examples after which half of the difference is left, a third after twice as many, and so on.
    pub rate_half: u32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
    /// Share of a weight lost in a step of rate 1.
    pub decay: f32,
    /// Share of the way that the serving copy moves towards the weights in a step; 1 serves the weights themselves.
    pub ema_share: f32,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            rate: 3e-4,
            rate_start: 0.0,
            rate_half: 1 << 15,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-6,
            decay: 1e-2,
            ema_share: 0.02,
        }
    }
}

/// Row-wise Adagrad for embedding rows: one accumulator a row, which forgets, so that learning never freezes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbeddingConfig {
    pub rate: f32,
    /// New rows are uniform in ± this: products of pairs have no gradient at zero.
    pub init_scale: f32,
    /// Pull of a touched row towards zero, per example of its micro-batch.
    pub l2: f32,
    /// Added to the accumulator's start, so that first steps are not wild.
    pub accumulator_initial: f32,
    /// The accumulator halves in so many seconds of event time; 0 never.
    pub half_life_s: u32,
    /// Rows at most, over all slots.
    pub rows_max: u32,
}

impl Default for EmbeddingConfig {
    fn default() -> Self {
        Self {
            rate: 0.05,
            init_scale: 0.05,
            l2: 1e-5,
            accumulator_initial: 0.03,
            half_life_s: 3 * 86_400,
            rows_max: 8 << 20,
        }
    }
}

/// FTRL-proximal for the wide part (McMahan et al. 2013). Every dense value is one active weight of many, hence the small rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FtrlConfig {
    pub alpha: f32,
    pub beta: f32,
    pub l1: f32,
    pub l2: f32,
    /// Ids with exact weights at most; later ones have none, and are counted.
    pub keys_max: u32,
    /// Whether the buckets of dense values have wide weights too (a step function of each value). Off: with hundreds of values it
    /// cost accuracy and as much time as the layers.
    pub buckets: bool,
}

impl Default for FtrlConfig {
    fn default() -> Self {
        Self {
            alpha: 0.005,
            beta: 1.0,
            l1: 0.1,
            l2: 1.0,
            keys_max: 1 << 14,
            buckets: false,
        }
    }
}

/// How dense values become inputs of mean 0 and deviation 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InputConfig {
    pub method: InputMethod,
    /// Inputs of [`InputMethod::Standard`] lie between − and + this.
    pub clip: f32,
    /// Intervals between quantiles, also the wide part's buckets.
    pub buckets: usize,
    /// Rows kept as the sample that quantiles, means and deviations are read from.
    pub sample: usize,
    /// They are found anew at 64, 128, 256 … examples until the distance is this, and then at this distance.
    pub refresh: u64,
}

/// What is done to a dense value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputMethod {
    /// Its place among running quantiles: knows no units, fears no heavy tail.
    Places,
    /// Its distance from the running mean in running deviations, for values that are logarithms or log-odds already.
    Standard,
}

impl Default for InputConfig {
    fn default() -> Self {
        Self {
            method: InputMethod::Places,
            clip: 4.0,
            buckets: 16,
            sample: 1024,
            refresh: 1 << 17,
        }
    }
}

/// Balance of tasks by uncertainty (Kendall, Gal, Cipolla 2018): the weight of a head follows the inverse of its running loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BalanceConfig {
    /// Step of the log-variance for one example; 0 leaves all weights at 1.
    pub rate: f32,
    /// Bounds of a head's weight. Rare heads have small losses; letting them count more than once did not help them.
    pub weight_min: f32,
    pub weight_max: f32,
}

impl Default for BalanceConfig {
    fn default() -> Self {
        Self {
            rate: 1e-4,
            weight_min: 0.25,
            weight_max: 1.0,
        }
    }
}

/// Streaming calibration of each head.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalibrationConfig {
    pub method: CalibrationMethod,
    /// Labels between two fits.
    pub refresh: u32,
    /// Share of the counts kept at each fit.
    pub keep: f32,
    /// Imagined examples that speak for leaving the logit as it is.
    pub prior: f32,
}

/// The map from a head's logit to a probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CalibrationMethod {
    Off,
    /// σ(a·z + b): keeps the order strictly.
    Platt,
    /// Pool-adjacent-violators over the buckets, on top of Platt: more faithful, but may tie neighbours.
    Isotonic,
}

impl Default for CalibrationConfig {
    fn default() -> Self {
        Self {
            method: CalibrationMethod::Platt,
            refresh: 4096,
            keep: 0.95,
            prior: 500.0,
        }
    }
}

/// The scale of watch time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchConfig {
    /// Upper bounds of the duration groups in seconds; one more group lies above.
    pub groups_s: Vec<f32>,
    /// Watches between two readings of a group's quantiles.
    pub refresh: u32,
    /// Share of a group's histogram kept at each reading.
    pub keep: f32,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            groups_s: vec![7.0, 12.0, 18.0, 30.0, 60.0, 120.0, 300.0],
            refresh: 2048,
            keep: 0.9,
        }
    }
}

impl Config {
    /// Refuses settings outside their ranges.
    pub fn check(&self) -> Result<(), SchemaError> {
        let rule = |fine: bool, name: &'static str| {
            if fine {
                Ok(())
            } else {
                Err(SchemaError::Config(name))
            }
        };
        let layer = |width: &usize| (16..=1024).contains(width) && width.is_multiple_of(16);
        rule(self.hidden.iter().all(layer), "hidden")?;
        rule(
            self.pair_width <= 64 && self.pair_width.is_multiple_of(16),
            "pair_width",
        )?;
        rule((1..=DENSE_BATCH_MAX).contains(&self.dense_batch), "dense_batch")?;
        rule((2..=64).contains(&self.inputs.buckets), "inputs.buckets")?;
        rule((64..=1 << 16).contains(&self.inputs.sample), "inputs.sample")?;
        rule(self.inputs.refresh >= 64, "inputs.refresh")?;
        rule(self.inputs.clip > 0.0, "inputs.clip")?;
        let places = self.inputs.method == InputMethod::Places;
        rule(
            places || !self.ftrl.buckets,
            "ftrl.buckets without inputs.method Places",
        )?;
        rule(self.adam.rate_half > 0, "adam.rate_half")?;
        rule(self.calibration.refresh > 0, "calibration.refresh")?;
        rule(self.watch.refresh > 0, "watch.refresh")?;
        rule(self.watch.groups_s.len() < 32, "watch.groups_s")?;
        let ascending = self.watch.groups_s.is_sorted_by(|a, b| a < b);
        rule(ascending, "watch.groups_s")
    }
}
