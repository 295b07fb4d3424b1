//! The collaborative generator: what holds people who were shown the same, lifted by what holds people now, held back by what most
//! have seen already.
//!
//! ```text
//! score of video j = affinityⱼ · (momentumⱼ + m₀)^a / (spreadⱼ + s₀)^(b · ln(1 + t))
//! ```
//!
//! Affinity comes from the [`regression`](crate::regression); momentum is the decayed count of the last hours, spread the decayed count of all
//! exposures of the last weeks. A video that is shown much but no more than it used to be has momentum and spread; one on the rise
//! has momentum alone. Spread counts the more the longer the viewer's trail, of t steps: who has watched much has met what is everywhere, and
//! what of it is not in the trail was most likely passed over. Everything but the fit is learnt at once from each exposure; the fit is as old as its last [`Collaborative::refit`].
//!
//! Cost, with n videos fitted and trails of t steps: a request takes t · n multiply-adds; a refit as in
//! [`regression`](crate::regression). It filters nothing but by the caller's predicate.

use serde::{Deserialize, Serialize};
use types::TimestampMs;

use crate::decay::Decay;
use crate::exposure::{Exposure, Scored, keep_best};
use crate::regression::{self, Fit};
use crate::trails::{Limits, Step, Trails};
use crate::trending::{self, Trending};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub trails: Limits,
    pub regression: regression::Config,
    pub momentum: trending::Config,
    pub spread: trending::Config,
    /// a; 0 leaves momentum out.
    pub momentum_exponent: f64,
    /// m₀: counts below about this are noise.
    pub momentum_prior: f64,
    /// b, for each natural logarithm of one more than the steps of the trail; 0 leaves spread out.
    pub spread_exponent: f64,
    /// s₀.
    pub spread_prior: f64,
}

impl Default for Config {
    fn default() -> Self {
        let spread = trending::Config {
            half_life: Decay::of_hours(240.0),
            exposed_weight: 1.0,
            ..Default::default()
        };
        Self {
            trails: Limits::default(),
            regression: regression::Config::default(),
            momentum: trending::Config::default(),
            spread,
            momentum_exponent: 0.45,
            momentum_prior: 1.0,
            spread_exponent: 0.14,
            spread_prior: 10.0,
        }
    }
}

/// What the generator remembers; the fit is derived from it and is not part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    config: Config,
    trails: Trails,
    momentum: Trending,
    spread: Trending,
}

#[derive(Debug, Clone)]
pub struct Collaborative {
    state: State,
    fit: Option<Fit>,
}

impl Collaborative {
    pub fn new(config: Config) -> Self {
        let state = State {
            trails: Trails::new(config.trails),
            momentum: Trending::new(config.momentum),
            spread: Trending::new(config.spread),
            config,
        };
        Self { state, fit: None }
    }

    /// Goes on from a stored state; answers nothing before the first [`Self::refit`].
    pub fn from_state(state: State) -> Self {
        Self { state, fit: None }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Learns from one exposure. In event time: give them in the order of the log.
    pub fn observe(&mut self, exposure: &Exposure) {
        self.state.trails.observe(exposure);
        self.state.momentum.observe(exposure);
        self.state.spread.observe(exposure);
    }

    /// Fits the regression anew, as of `now_ms`. Takes seconds for thousands of videos: run it beside the serving copy and swap.
    pub fn refit(&mut self, now_ms: TimestampMs) {
        self.fit = Some(Fit::of(&self.state.trails, &self.state.config.regression, now_ms));
    }

    /// The `count` best videos for a viewer that `eligible` lets through, best first; only those that something speaks for.
    pub fn best(
        &self,
        viewer: u64,
        now_ms: TimestampMs,
        count: usize,
        eligible: impl Fn(u64) -> bool,
    ) -> Vec<Scored> {
        let Some(fit) = &self.fit else { return Vec::new() };
        let trail = self.trail(viewer);
        let mut affinities = Vec::new();
        fit.score(trail, &mut affinities);
        let mut found: Vec<Scored> = fit
            .videos()
            .iter()
            .zip(affinities)
            .filter(|&(&video, affinity)| affinity > 0.0 && eligible(video))
            .map(|(&video, affinity)| Scored {
                video,
                score: affinity * self.lift(video, now_ms, trail.len()),
            })
            .collect();
        keep_best(&mut found, count);
        found
    }

    /// The `count` videos with most momentum, for viewers of whom nothing is known.
    pub fn trending(&self, count: usize, now_ms: TimestampMs) -> Vec<Scored> {
        self.state.momentum.top(count, now_ms)
    }

    pub fn trail(&self, viewer: u64) -> &[Step] {
        self.state.trails.of(viewer)
    }

    /// Erases a viewer from the memory; the next refit knows nothing of them. Counts of videos name nobody and stay.
    pub fn forget_viewer(&mut self, viewer: u64) {
        self.state.trails.forget_viewer(viewer);
    }

    /// Erases a video from the memory; the present fit still scores it until the next refit, so filter it out.
    pub fn forget_video(&mut self, video: u64) {
        self.state.trails.forget_video(video);
        self.state.momentum.forget_video(video);
        self.state.spread.forget_video(video);
    }

    /// What momentum and spread make of an affinity of 1, for a trail of `steps`.
    fn lift(&self, video: u64, now_ms: TimestampMs, steps: usize) -> f32 {
        let config = &self.state.config;
        let momentum = self.state.momentum.mass(video, now_ms) + config.momentum_prior;
        let spread = self.state.spread.mass(video, now_ms) + config.spread_prior;
        let doubt = config.spread_exponent * (steps as f64).ln_1p();
        (momentum.powf(config.momentum_exponent) / spread.powf(doubt)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: TimestampMs = 3_600_000;

    /// Ten viewers are shown video 1 and then a crowd favourite each: 2 long ago, 3 just now.
    fn learnt() -> Collaborative {
        let mut generator = Collaborative::new(Config::default());
        for viewer in 0..10 {
            generator.observe(&Exposure {
                viewer,
                video: 1,
                at_ms: 0,
                engaged: true,
            });
            generator.observe(&Exposure {
                viewer,
                video: 2,
                at_ms: HOUR_MS,
                engaged: true,
            });
            generator.observe(&Exposure {
                viewer,
                video: 3,
                at_ms: 48 * HOUR_MS,
                engaged: true,
            });
        }
        generator.observe(&Exposure {
            viewer: 77,
            video: 1,
            at_ms: 48 * HOUR_MS,
            engaged: false,
        });
        generator.refit(48 * HOUR_MS);
        generator
    }

    #[test]
    fn what_is_on_the_rise_comes_first() {
        let generator = learnt();
        let found = generator.best(77, 48 * HOUR_MS, 5, |video| video != 1);
        let order: Vec<u64> = found.iter().map(|scored| scored.video).collect();
        assert_eq!(order, [3, 2]);
        assert_eq!(
            generator.best(77, 48 * HOUR_MS, 1, |video| video == 2)[0].video,
            2
        );
        assert!(generator.best(1_000, 48 * HOUR_MS, 5, |_| true).is_empty());
        assert_eq!(generator.trending(1, 48 * HOUR_MS)[0].video, 3);
    }

    /// The header's formula from its parts, and the order by brute force.
    #[test]
    fn a_score_is_affinity_times_lift() {
        let generator = learnt();
        let (now_ms, config) = (48 * HOUR_MS, Config::default());
        let fit = generator.fit.as_ref().expect("fitted");
        let mut expected: Vec<(u64, f64)> = [1, 2, 3]
            .into_iter()
            .map(|video| {
                let affinity: f64 = generator
                    .trail(77)
                    .iter()
                    .map(|step| f64::from(fit.weight(step.video, video)))
                    .sum();
                let momentum = generator.state.momentum.mass(video, now_ms) + config.momentum_prior;
                let spread = generator.state.spread.mass(video, now_ms) + config.spread_prior;
                // A trail of one step.
                let doubt = config.spread_exponent * 2.0_f64.ln();
                let lift = momentum.powf(config.momentum_exponent) / spread.powf(doubt);
                (video, affinity * lift)
            })
            .filter(|(_, score)| *score > 0.0)
            .collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1));
        let found = generator.best(77, now_ms, 9, |_| true);
        assert_eq!(found.len(), expected.len());
        for (found, (video, score)) in found.iter().zip(expected) {
            assert_eq!(found.video, video);
            assert!((f64::from(found.score) / score - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn a_refit_of_the_same_state_is_the_same() {
        let first = learnt();
        let mut second = Collaborative::from_state(first.state().clone());
        assert!(second.best(77, 48 * HOUR_MS, 5, |_| true).is_empty());
        second.refit(48 * HOUR_MS);
        assert_eq!(
            first.best(77, 48 * HOUR_MS, 5, |_| true),
            second.best(77, 48 * HOUR_MS, 5, |_| true)
        );
    }

    #[test]
    fn the_erased_leave_no_trace() {
        let mut generator = learnt();
        generator.forget_video(3);
        generator.forget_viewer(77);
        generator.refit(48 * HOUR_MS);
        assert!(generator.best(77, 48 * HOUR_MS, 5, |_| true).is_empty());
        assert!(
            generator
                .best(0, 48 * HOUR_MS, 5, |_| true)
                .iter()
                .all(|scored| scored.video != 3)
        );
        assert!(
            generator
                .trending(5, 48 * HOUR_MS)
                .iter()
                .all(|scored| scored.video != 3)
        );
    }
}
