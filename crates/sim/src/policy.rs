//! What chooses: the trait, what it is given, and the simple policies that bracket every other one.
//!
//! A policy sees what a feed sees. The truth goes in beside it, in a type of its own, and only [`Oracle`] opens it.

mod knowing;
mod lagging;
mod learned;
mod linear;
mod popularity;
mod product;
mod promise;
mod shadow;

use crate::catalogue::{Maker, Shown};
use crate::mind::Known;
use crate::outcome::{Inputs, Outcome};
use crate::random::Draws;

pub use knowing::Knowing;
pub use lagging::{Delay, Learner, Lesson, Prediction, Refresh};
pub use learned::Learned;
pub use linear::Linear;
pub use popularity::Popularity;
pub use product::Product;
pub use shadow::Shadows;

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub now_ms: i64,
    pub viewer: u32,
    pub region: u8,
    pub language: u8,
    /// Creators the viewer follows, sorted.
    pub follows: &'a [u32],
    /// Visits so far, this one included.
    pub session: u32,
    /// Videos shown in this visit so far.
    pub in_session: u32,
}

/// What the simulator knows about the candidates: expected satisfied seconds of each if it were shown now, and what these are made of.
#[derive(Clone, Copy)]
pub struct Truth<'a> {
    pub(crate) value_s: &'a [f64],
    /// What somebody who knows so much would take for what they are made of.
    pub(crate) inputs: &'a dyn Fn(Known) -> Vec<Inputs>,
    /// The part of the interest that is between this viewer and this creator alone.
    pub(crate) chemistry: &'a [f64],
    /// Where hidden things are drawn from.
    pub(crate) makers: &'a [Maker],
}

/// One place of a slate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// Place among the candidates.
    pub candidate: usize,
    /// The probability with which this policy puts this candidate at this place, given the places before.
    pub propensity: f64,
}

/// A video was shown; this came of it.
#[derive(Debug, Clone, Copy)]
pub struct Feedback<'a> {
    pub context: Context<'a>,
    /// When it was shown.
    pub shown_ms: i64,
    /// When the viewer swiped on.
    pub ended_ms: i64,
    pub video: &'a Shown,
    pub outcome: &'a Outcome,
}

/// Chooses what to show, and may learn from what came of it.
pub trait Policy {
    /// For tables.
    fn name(&self) -> String;

    /// A video is there from now on. Called once for each, in order of birth, before any choice that could show it.
    fn publish(&mut self, _video: &Shown) {}

    /// Chooses up to `places` different candidates, best first. `candidates` is not empty.
    fn choose(
        &mut self,
        context: &Context<'_>,
        candidates: &[&Shown],
        truth: Truth<'_>,
        places: usize,
        draws: &mut Draws,
    ) -> Vec<Pick>;

    /// Called once for each video that was shown, in the order of `ended_ms` of each viewer.
    fn observe(&mut self, _feedback: &Feedback<'_>) {}
}

/// Any candidate, all alike.
#[derive(Debug, Default)]
pub struct Uniform;

impl Policy for Uniform {
    fn name(&self) -> String {
        "uniform".to_owned()
    }

    fn choose(
        &mut self,
        _: &Context<'_>,
        candidates: &[&Shown],
        _: Truth<'_>,
        places: usize,
        draws: &mut Draws,
    ) -> Vec<Pick> {
        let mut left: Vec<usize> = (0..candidates.len()).collect();
        let pick = |_| {
            let propensity = 1.0 / left.len() as f64;
            let candidate = left.swap_remove(draws.below(left.len() as u64) as usize);
            Pick {
                candidate,
                propensity,
            }
        };
        (0..places.min(candidates.len())).map(pick).collect()
    }
}

/// Knows the truth: the most expected satisfied seconds first.
#[derive(Debug, Default)]
pub struct Oracle;

impl Policy for Oracle {
    fn name(&self) -> String {
        "oracle".to_owned()
    }

    fn choose(
        &mut self,
        _: &Context<'_>,
        _: &[&Shown],
        truth: Truth<'_>,
        places: usize,
        _: &mut Draws,
    ) -> Vec<Pick> {
        best(truth.value_s, places)
    }
}

/// The places of the largest scores, largest first, equal ones in order; chosen for sure.
pub fn best(scores: &[f64], places: usize) -> Vec<Pick> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order.truncate(places);
    order
        .into_iter()
        .map(|candidate| Pick {
            candidate,
            propensity: 1.0,
        })
        .collect()
}

/// Inverse-gap weighting (SquareCB, Foster and Rakhlin 2020) among the best `width` scores: a candidate with gap `g` to
/// the best has probability `1 / (width + greed · g)`, the best has the rest. Further places repeat it without those
/// already taken. Returns the probabilities of the first place.
pub fn inverse_gap(scores: &[f64], width: usize, greed: f64) -> Vec<f64> {
    let order = best(scores, width.max(1));
    let mut probabilities = vec![0.0; scores.len()];
    let Some(top) = order.first() else {
        return probabilities;
    };
    let mut rest = 1.0;
    for pick in &order[1..] {
        let gap = scores[top.candidate] - scores[pick.candidate];
        let probability = 1.0 / (order.len() as f64 + greed * gap);
        probabilities[pick.candidate] = probability;
        rest -= probability;
    }
    probabilities[top.candidate] = rest;
    probabilities
}

/// How a feed explores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exploring {
    /// The part of the places that explore; the others show the best.
    pub share: f64,
    /// Candidates that an exploring place may reach.
    pub width: usize,
    /// How strongly it prefers the better ones, per unit of score: see [`inverse_gap`].
    pub greed: f64,
}

impl Exploring {
    /// The probabilities of the first place.
    fn probabilities(&self, scores: &[f64], left: usize) -> Vec<f64> {
        let mut probabilities = inverse_gap(scores, self.width.min(left), self.greed);
        probabilities
            .iter_mut()
            .for_each(|probability| *probability *= self.share);
        if let Some(top) = best(scores, 1).first() {
            probabilities[top.candidate] += 1.0 - self.share;
        }
        probabilities
    }
}

/// Draws a slate place by place, exploring as is said.
pub fn draw_exploring(scores: &[f64], exploring: Exploring, places: usize, draws: &mut Draws) -> Vec<Pick> {
    let mut left: Vec<f64> = scores.to_vec();
    let mut picks = Vec::with_capacity(places);
    while picks.len() < places.min(scores.len()) {
        let probabilities = exploring.probabilities(&left, scores.len() - picks.len());
        let mut unit = draws.unit();
        let chosen = probabilities.iter().position(|&probability| {
            unit -= probability;
            probability > 0.0 && unit < 0.0
        });
        // Rounding can leave a crumb of probability: it belongs to the best.
        let candidate = chosen.unwrap_or_else(|| best(&left, 1)[0].candidate);
        picks.push(Pick {
            candidate,
            propensity: probabilities[candidate],
        });
        left[candidate] = f64::NEG_INFINITY;
    }
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;
    use proptest::prelude::*;

    #[test]
    fn inverse_gap_draws_as_often_as_it_says() {
        let scores = [0.2, 0.9, 0.85, -1.0, 0.6];
        let exploring = Exploring {
            share: 0.5,
            width: 4,
            greed: 20.0,
        };
        let probabilities = exploring.probabilities(&scores, 5);
        assert_eq!(probabilities[3], 0.0);
        assert!((probabilities[2] - 0.5 / (4.0 + 20.0 * 0.05)).abs() < 1e-9);
        let mut counts = [0u32; 5];
        for step in 0..100_000 {
            let picks = draw_exploring(&scores, exploring, 1, &mut Key::new(1).with(step).draws());
            counts[picks[0].candidate] += 1;
            assert_eq!(picks[0].propensity, probabilities[picks[0].candidate]);
        }
        for (count, probability) in counts.iter().zip(&probabilities) {
            assert!((f64::from(*count) / 100_000.0 - probability).abs() < 0.006);
        }
    }

    proptest! {
        #[test]
        fn slates_hold_different_candidates_with_honest_propensities(
            scores in proptest::collection::vec(-3.0f64..3.0, 1..20),
            width in 1usize..30,
            greed in 0.0f64..100.0,
            share in 0.0f64..=1.0,
            places in 1usize..25,
            seed: u64,
        ) {
            let exploring = Exploring { share, width, greed };
            let picks = draw_exploring(&scores, exploring, places, &mut Key::new(seed).draws());
            prop_assert_eq!(picks.len(), places.min(scores.len()));
            let mut taken: Vec<usize> = picks.iter().map(|pick| pick.candidate).collect();
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), picks.len());
            prop_assert!(picks.iter().all(|pick| pick.propensity > 0.0 && pick.propensity <= 1.0 + 1e-9));
            let sum: f64 = exploring.probabilities(&scores, scores.len()).iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}
