//! What predicted outcomes promise, in satisfied seconds: the same for every learner, so that learners are compared and not promises.
//!
//! Nobody observes whether a view was worth it, so a promise has to guess that from what is observed. Two guesses are made, both rough and neither fitted: most who see
//! the end found it worth their time and a third of those who leave in between did; and a video that holds those who stayed better than others of its length do is worth more to them,
//! in log-odds by as much. The second is what tells a promise that is kept from one that is not: clickbait makes people stay, and then leave.

use crate::catalogue::Shown;
use crate::outcome::VALUE_S_MAX;
use crate::policy::lagging::Prediction;

/// Log-odds that it was worth it for those who finish an average video (0.8), and for those who leave in between (0.35).
const WORTH_COMPLETE: f64 = 1.4;
const WORTH_PARTIAL: f64 = -0.6;
/// How far the latter get.
const PARTIAL_REACH: f64 = 0.5;
/// Lengths are grouped by the logarithm of their seconds to base 2: 4 s, 8 s … 256 s and more.
const LENGTHS: usize = 9;
/// Share of the way that the mean of a group moves at each look.
const MOVE: f64 = 1e-3;
/// No chance is taken to be smaller or surer.
const SURE: f64 = 0.005;

/// How well videos of each length hold those who stayed: running means, in log-odds. Starts from the first look.
#[derive(Debug, Clone, Default)]
pub(super) struct Promise {
    held: [Option<f64>; LENGTHS],
}

impl Promise {
    /// Predictions of `candidates` of which the probabilities of completion and of an early skip are given.
    pub(super) fn of(&mut self, said: &[[f64; 2]], candidates: &[&Shown]) -> Vec<Prediction> {
        let predict = |(&[complete, skip], video): (&[f64; 2], &&Shown)| Prediction {
            complete,
            value_s: self.seconds(complete, skip, video.duration_ms as f64 / 1000.0),
        };
        said.iter().zip(candidates).map(predict).collect()
    }

    fn seconds(&mut self, complete: f64, skip: f64, duration_s: f64) -> f64 {
        let stay = (1.0 - skip).max(complete).max(SURE);
        let holds = (complete / stay).clamp(SURE, 1.0 - SURE);
        let holds = (holds / (1.0 - holds)).ln();
        let group = (duration_s.max(1.0).log2() as usize).min(LENGTHS - 1);
        let mean = self.held[group].get_or_insert(holds);
        *mean += MOVE * (holds - *mean);
        let better = holds - *mean;
        let worth = |usual: f64| 1.0 / (1.0 + (-usual - better).exp());
        complete * worth(WORTH_COMPLETE) * duration_s.min(VALUE_S_MAX)
            + (stay - complete) * worth(WORTH_PARTIAL) * (PARTIAL_REACH * duration_s).min(VALUE_S_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stays_and_leaves_was_promised_too_much() {
        let mut promise = Promise::default();
        for _ in 0..5_000 {
            promise.seconds(0.25, 0.4, 15.0);
        }
        let mut seconds = |complete, skip| promise.seconds(complete, skip, 15.0);
        let (usual, bait, liked) = (seconds(0.25, 0.4), seconds(0.2, 0.1), seconds(0.5, 0.3));
        assert!(bait < usual && usual < liked, "{bait} {usual} {liked}");
        assert!(
            (usual - (0.25 * 0.8 * 15.0 + 0.35 * 0.35 * 7.5)).abs() < 0.1,
            "{usual}"
        );
    }

    #[test]
    fn no_prediction_breaks_it() {
        let mut promise = Promise::default();
        for complete in [0.0, 0.3, 1.0] {
            for skip in [0.0, 0.7, 1.0] {
                for duration_s in [0.0, 0.5, 20.0, 1e6] {
                    let seconds = promise.seconds(complete, skip, duration_s);
                    assert!(
                        (0.0..=VALUE_S_MAX).contains(&seconds),
                        "{complete} {skip} {duration_s}: {seconds}"
                    );
                }
            }
        }
    }
}
