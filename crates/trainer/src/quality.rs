//! How good the answers are that are given just before learning: log loss, calibration and AUC of each head, over the last labels.
//!
//! Two windows of fixed length in labels, the one being filled and the one before it; nothing grows and no clock is read.

use model::snapshot::{Decoder, Encoder, RestoreError};

/// Labels of a window; figures are over one to two windows.
const WINDOW_LABELS: u64 = 16_384;
/// Buckets of the predicted logit, an eighth of a unit each: ties within one cost the AUC less than 1e-3.
const BUCKETS: usize = 256;
const LOGIT_MAX: f64 = 16.0;
/// Predictions nearer to 0 or 1 are judged as if they were this far.
const P_MIN: f64 = 1e-6;

/// What the last labels say about a head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadFigures {
    /// Labels since the beginning.
    pub labels: u64,
    /// Labels that the figures are of.
    pub window: u64,
    /// Mean loss, nats.
    pub logloss: f64,
    /// Predicted events by those that happened: 1 is right; NaN when none happened.
    pub calibration: f64,
    /// Probability that a positive was given more than a negative; NaN with labels of one kind alone.
    pub auc: f64,
    /// Share of positives.
    pub base_rate: f64,
}

#[derive(Debug, Clone, PartialEq)]
struct Window {
    labels: u64,
    loss: f64,
    predicted: f64,
    positives: u64,
    /// Negatives and positives by predicted logit.
    counts: [Vec<u32>; 2],
}

impl Window {
    fn new() -> Self {
        Self {
            labels: 0,
            loss: 0.0,
            predicted: 0.0,
            positives: 0,
            counts: [vec![0; BUCKETS], vec![0; BUCKETS]],
        }
    }

    fn write(&self, out: &mut Encoder) {
        out.u64(self.labels).u64(self.loss.to_bits());
        out.u64(self.predicted.to_bits()).u64(self.positives);
        for counts in &self.counts {
            counts.iter().for_each(|count| {
                out.u32(*count);
            });
        }
    }

    fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.labels = from.u64()?;
        self.loss = f64::from_bits(from.u64()?);
        self.predicted = f64::from_bits(from.u64()?);
        self.positives = from.u64()?;
        for count in self.counts.iter_mut().flatten() {
            *count = from.u32()?;
        }
        Ok(())
    }
}

/// The record of one binary head.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeadQuality {
    labels: u64,
    windows: [Window; 2],
}

impl HeadQuality {
    pub(crate) fn new() -> Self {
        Self {
            labels: 0,
            windows: [Window::new(), Window::new()],
        }
    }

    /// Notes a prediction and what happened; the loss in nats. A prediction that is no number has an infinite loss.
    pub(crate) fn note(&mut self, p: f32, happened: bool) -> f64 {
        if !p.is_finite() {
            return f64::INFINITY;
        }
        let p = f64::from(p).clamp(P_MIN, 1.0 - P_MIN);
        let loss = -if happened { p.ln() } else { (1.0 - p).ln() };
        if self.windows[0].labels >= WINDOW_LABELS {
            self.windows.swap(0, 1);
            self.windows[0] = Window::new();
        }
        let logit = (p / (1.0 - p)).ln();
        let bucket = ((logit + LOGIT_MAX) / (2.0 * LOGIT_MAX) * BUCKETS as f64) as usize;
        let window = &mut self.windows[0];
        window.labels += 1;
        window.loss += loss;
        window.predicted += p;
        window.positives += u64::from(happened);
        window.counts[usize::from(happened)][bucket.min(BUCKETS - 1)] += 1;
        self.labels += 1;
        loss
    }

    /// Over the last one to two windows.
    pub(crate) fn figures(&self) -> HeadFigures {
        let sum = |of: fn(&Window) -> f64| self.windows.iter().map(of).sum::<f64>();
        let window = sum(|window| window.labels as f64);
        let positives = sum(|window| window.positives as f64);
        let predicted = sum(|window| window.predicted);
        let known = |value: f64, over: f64| if over > 0.0 { value / over } else { f64::NAN };
        HeadFigures {
            labels: self.labels,
            window: window as u64,
            logloss: known(sum(|window| window.loss), window),
            calibration: known(predicted, positives),
            auc: self.auc(),
            base_rate: known(positives, window),
        }
    }

    fn auc(&self) -> f64 {
        let count = |kind: usize, bucket: usize| {
            let both = self.windows.iter().map(|window| window.counts[kind][bucket]);
            f64::from(both.sum::<u32>())
        };
        let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
        for bucket in 0..BUCKETS {
            let (negative, positive) = (count(0, bucket), count(1, bucket));
            wins += positive * (below + negative / 2.0);
            below += negative;
            positives += positive;
        }
        if below * positives > 0.0 {
            wins / (below * positives)
        } else {
            f64::NAN
        }
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.u64(self.labels);
        self.windows.iter().for_each(|window| window.write(out));
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.labels = from.u64()?;
        self.windows
            .iter_mut()
            .try_for_each(|window| window.read_back(from))
    }
}

#[cfg(test)]
mod tests {
    use model::rng;
    use proptest::prelude::*;

    use super::*;

    /// Every pair compared.
    fn auc_plain(noted: &[(f32, bool)]) -> f64 {
        let (mut wins, mut pairs) = (0.0, 0.0);
        for positive in noted.iter().filter(|noted| noted.1) {
            for negative in noted.iter().filter(|noted| !noted.1) {
                pairs += 1.0;
                wins += match positive.0.total_cmp(&negative.0) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        wins / pairs
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn figures_are_those_of_plain_arithmetic(seed in any::<u64>(), slope in 0.5f32..4.0) {
            let draw = |salt, i| rng::symmetric(seed, salt, i);
            let noted: Vec<(f32, bool)> = (0..600).map(|i| {
                let p = 1.0 / (1.0 + (-slope * draw(1, i) * 2.0).exp());
                (p, draw(2, i) * 0.5 + 0.5 < p)
            }).collect();
            let mut quality = HeadQuality::new();
            let loss: f64 = noted.iter().map(|&(p, happened)| quality.note(p, happened)).sum();
            let figures = quality.figures();
            let positives = noted.iter().filter(|noted| noted.1).count() as f64;
            let predicted: f64 = noted.iter().map(|noted| f64::from(noted.0)).sum();
            prop_assert!((figures.logloss - loss / 600.0).abs() < 1e-12);
            prop_assert!((figures.calibration - predicted / positives).abs() < 1e-9);
            prop_assert!((figures.auc - auc_plain(&noted)).abs() < 5e-3);
        }
    }

    #[test]
    fn old_labels_are_forgotten_and_the_state_comes_back() {
        let mut quality = HeadQuality::new();
        (0..2 * WINDOW_LABELS).for_each(|_| {
            quality.note(0.9, false);
        });
        (0..2 * WINDOW_LABELS + 1).for_each(|i| {
            quality.note(0.25, i % 4 == 0);
        });
        let figures = quality.figures();
        assert!((figures.calibration - 1.0).abs() < 1e-3, "{figures:?}");
        assert_eq!(figures.labels, 4 * WINDOW_LABELS + 1);
        assert!(quality.note(f32::NAN, true).is_infinite());
        let mut out = Encoder::default();
        quality.write(&mut out);
        let mut back = HeadQuality::new();
        back.read_back(&mut Decoder::new(&out.end())).expect("reads");
        assert_eq!(back, quality);
    }
}
