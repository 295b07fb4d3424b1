//! Streaming calibration: probabilities that may be added and multiplied, because of a hundred things said to happen with 3 %, three do.
//!
//! Labels are counted in buckets of the logit, counts fade, and at fixed numbers of labels a map is fitted: Platt's two parameters
//! (Platt 1999) by Newton's method, or pool-adjacent-violators (Zadrozny, Elkan 2002) on top. Few labels leave the logit as it is.

use crate::config::{CalibrationConfig, CalibrationMethod};
use crate::kernels::sigmoid;
use crate::snapshot::{Decoder, Encoder, RestoreError};

/// Buckets of the logit.
pub const BUCKETS: usize = 1024;
const LOGIT_MAX: f32 = 12.0;
const PER_LOGIT: f32 = BUCKETS as f32 / (2.0 * LOGIT_MAX);
const NEWTON_STEPS: usize = 12;
/// A Newton step shorter than this is the last.
const SETTLED: f64 = 1e-6;
const SLOPE_MIN: f64 = 0.2;
const SLOPE_MAX: f64 = 5.0;

fn bucket(logit: f32) -> usize {
    (((logit + LOGIT_MAX) * PER_LOGIT).max(0.0) as usize).min(BUCKETS - 1)
}

fn centre(bucket: usize) -> f32 {
    (bucket as f32 + 0.5) / PER_LOGIT - LOGIT_MAX
}

/// The fitted map: what serving needs.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationMap {
    slope: f32,
    shift: f32,
    /// Isotonic values at bucket centres; empty for Platt.
    steps: Vec<f32>,
}

impl CalibrationMap {
    fn identity() -> Self {
        Self {
            slope: 1.0,
            shift: 0.0,
            steps: Vec::new(),
        }
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.f32(self.slope).f32(self.shift).f32s(&self.steps);
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.slope = from.f32()?;
        self.shift = from.f32()?;
        self.steps = from.f32s()?;
        if !self.steps.is_empty() && self.steps.len() != BUCKETS {
            return Err(RestoreError::Format("calibration"));
        }
        Ok(())
    }

    /// Platt's line: the logit of [`Self::apply`] unless [`Self::is_isotonic`].
    pub(crate) fn line(&self, logit: f32) -> f32 {
        self.slope * logit + self.shift
    }

    /// Whether values at bucket centres overrule the line.
    pub(crate) fn is_isotonic(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The calibrated probability at a logit.
    pub fn apply(&self, logit: f32) -> f32 {
        if self.steps.is_empty() {
            return sigmoid(self.line(logit));
        }
        let place = ((logit + LOGIT_MAX) * PER_LOGIT - 0.5).clamp(0.0, (BUCKETS - 1) as f32);
        let low = (place as usize).min(BUCKETS - 2);
        let share = place - low as f32;
        share.mul_add(self.steps[low + 1] - self.steps[low], self.steps[low])
    }
}

/// Counts and map of one head.
#[derive(Debug, Clone)]
pub struct Calibrator {
    config: CalibrationConfig,
    pub(crate) map: CalibrationMap,
    labels: Vec<f32>,
    positives: Vec<f32>,
    since: u32,
}

impl Calibrator {
    pub(crate) fn new(config: CalibrationConfig) -> Self {
        Self {
            config,
            map: CalibrationMap::identity(),
            labels: vec![0.0; BUCKETS],
            positives: vec![0.0; BUCKETS],
            since: 0,
        }
    }

    /// Counts one label; `weight` 0 with a nonzero `target` corrects an earlier one. Answers whether the map moved.
    pub(crate) fn observe(&mut self, logit: f32, weight: f32, target: f32) -> bool {
        if self.config.method == CalibrationMethod::Off {
            return false;
        }
        let bucket = bucket(logit);
        self.labels[bucket] += weight;
        self.positives[bucket] += target;
        self.since += 1;
        if self.since < self.config.refresh {
            return false;
        }
        self.since = 0;
        self.fit();
        for count in self.labels.iter_mut().chain(&mut self.positives) {
            *count *= self.config.keep;
        }
        true
    }

    fn fit(&mut self) {
        let total: f32 = self.labels.iter().sum();
        // Imagined examples lie where the real ones do and say what the logit says.
        let imagined = self.config.prior / total.max(1.0);
        let points: Vec<Point> = (0..BUCKETS)
            .filter(|bucket| self.labels[*bucket] > 0.0)
            .map(|bucket| {
                let count = self.labels[bucket];
                let said = sigmoid(centre(bucket));
                let positives = self.positives[bucket].clamp(0.0, count) + imagined * count * said;
                Point {
                    bucket,
                    weight: f64::from(count * (1.0 + imagined)),
                    target: f64::from(positives / (count * (1.0 + imagined))),
                }
            })
            .collect();
        (self.map.slope, self.map.shift) = platt(&points);
        if self.config.method == CalibrationMethod::Isotonic {
            self.map.steps = isotonic(&points);
        }
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.u32(self.since);
        self.map.write(out);
        out.f32s(&self.labels).f32s(&self.positives);
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.since = from.u32()?;
        self.map.read_back(from)?;
        from.fill(&mut self.labels)?;
        from.fill(&mut self.positives)
    }
}

/// What a bucket says.
struct Point {
    bucket: usize,
    weight: f64,
    target: f64,
}

/// Slope and shift of least logistic loss.
fn platt(points: &[Point]) -> (f32, f32) {
    let (mut slope, mut shift) = (1.0_f64, 0.0_f64);
    for _ in 0..NEWTON_STEPS {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 1e-6, 0.0, 1e-6);
        for point in points {
            let z = f64::from(centre(point.bucket));
            let p = f64::from(sigmoid((slope * z + shift) as f32));
            let error = point.weight * (p - point.target);
            let curve = point.weight * (p * (1.0 - p)).max(1e-9);
            g0 += error * z;
            g1 += error;
            h00 += curve * z * z;
            h01 += curve * z;
            h11 += curve;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant.abs() < 1e-12 {
            break;
        }
        let steeper = ((h11 * g0 - h01 * g1) / determinant).clamp(-0.5, 0.5);
        let higher = ((h00 * g1 - h01 * g0) / determinant).clamp(-1.0, 1.0);
        slope = (slope - steeper).clamp(SLOPE_MIN, SLOPE_MAX);
        shift -= higher;
        if steeper.abs() + higher.abs() < SETTLED {
            break;
        }
    }
    (slope as f32, shift as f32)
}

/// Pool-adjacent-violators over the points, straight lines between them, level outside.
fn isotonic(points: &[Point]) -> Vec<f32> {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for point in points {
        let mut block = (point.weight, point.target, 1);
        while let Some(last) = blocks.pop_if(|last| last.1 >= block.1) {
            let weight = last.0 + block.0;
            block = (
                weight,
                (last.0 * last.1 + block.0 * block.1) / weight,
                last.2 + block.2,
            );
        }
        blocks.push(block);
    }
    let values = blocks
        .iter()
        .flat_map(|block| std::iter::repeat_n(block.1 as f32, block.2));
    let known: Vec<(usize, f32)> = points.iter().map(|point| point.bucket).zip(values).collect();
    (0..BUCKETS)
        .map(|bucket| {
            let after = known.partition_point(|known| known.0 < bucket);
            match (after.checked_sub(1).map(|i| known[i]), known.get(after).copied()) {
                (Some((from, low)), Some((to, high))) => {
                    low + (high - low) * (bucket - from) as f32 / (to - from) as f32
                }
                (Some((_, value)), None) | (None, Some((_, value))) => value,
                (None, None) => sigmoid(centre(bucket)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    /// Feeds logits that are `slope` times too steep and `shift` too high; answers the calibrator.
    fn fed(method: CalibrationMethod, labels: u64) -> Calibrator {
        let mut calibrator = Calibrator::new(CalibrationConfig {
            method,
            ..CalibrationConfig::default()
        });
        for i in 0..labels {
            let truth = rng::symmetric(1, 1, i) * 3.0 - 2.0;
            let label = rng::symmetric(1, 2, i) * 0.5 + 0.5 < sigmoid(truth);
            calibrator.observe(truth * 2.0 + 1.0, 1.0, f32::from(u8::from(label)));
        }
        calibrator
    }

    #[test]
    fn a_wrong_scale_is_found_and_undone() {
        for method in [CalibrationMethod::Platt, CalibrationMethod::Isotonic] {
            let calibrator = fed(method, 200_000);
            for truth in [-4.0_f32, -2.0, 0.0, 0.8] {
                let told = calibrator.map.apply(truth * 2.0 + 1.0);
                let error = (told - sigmoid(truth)).abs();
                assert!(error < 0.02, "{method:?}: {told} instead of {}", sigmoid(truth));
            }
        }
    }

    #[test]
    fn few_labels_change_little_and_off_changes_nothing() {
        let few = fed(CalibrationMethod::Platt, 4095);
        assert_eq!(few.map, CalibrationMap::identity());
        let off = fed(CalibrationMethod::Off, 50_000);
        assert_eq!(off.map, CalibrationMap::identity());
    }

    #[test]
    fn both_maps_never_fall() {
        for method in [CalibrationMethod::Platt, CalibrationMethod::Isotonic] {
            let map = fed(method, 50_000).map;
            let values: Vec<f32> = (-130..130).map(|i| map.apply(i as f32 / 10.0)).collect();
            assert!(values.is_sorted(), "{method:?}");
        }
    }
}
