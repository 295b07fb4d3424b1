//! Which videos hold the people who were shown these: a ridge regression from item to item, refitted from recent trails.
//!
//! After EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019), with two changes that a feed needs.
//! The *inputs* are all exposures, because what a recommender chose to show tells taste nearly as well as what was watched; the *targets*
//! are the same exposures, weighted by whether they held the viewer and by a shorter half-life, so that the answer is "what holds
//! such viewers now". With X the viewers × videos matrix of inputs, R that of targets and P = (XᵀX + λI)⁻¹:
//!
//! ```text
//! B = P·(XᵀR) − P·diag(μ),   μⱼ = (P·XᵀR)ⱼⱼ / Pⱼⱼ      (so that no video speaks for itself: Bⱼⱼ = 0)
//! score of video j for a viewer = Σ over the trail, weight of step i · Bᵢⱼ
//! ```
//!
//! The state is the [`Trails`]; a [`Fit`] is a pure function of them, of the settings and of a moment. It covers the head of the
//! catalogue, [`Config::videos_max`] videos; what is newer or rarer is the business of the other generators.

mod solve;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use types::{DurationMs, TimestampMs};

use crate::decay::Decay;
use crate::exposure::{Scored, keep_best};
use crate::trails::{Step, Trails};

use solve::{Square, invert, multiply};

const DAY_MS: DurationMs = 86_400_000;

/// Videos fitted unless said otherwise: the most active of the catalogue.
pub const VIDEOS_DEFAULT: usize = 8_192;
/// Most videos that any setting can have fitted: three matrices of 1.1 GB, 8.8 T multiply-adds.
pub const VIDEOS_CEILING: usize = 16_384;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// How fast an exposure loses its say about the viewer.
    pub input_half_life: Decay,
    /// How fast an exposure loses its say about what is good to show.
    pub target_half_life: Decay,
    /// What a target counts that did not hold its viewer; one that did counts 1.
    pub exposed_weight: f32,
    /// λ: doubts co-exposures seen by fewer than about this many viewers.
    pub ridge: f32,
    /// Most videos fitted, the most active (heaviest decayed targets) first; [`VIDEOS_CEILING`] holds above it. Time grows with the cube,
    /// memory with the square.
    pub videos_max: usize,
    /// A video that nobody was shown for longer than this is no candidate.
    pub idle_max_ms: DurationMs,
    /// Threads of the fit; the result does not depend on it.
    pub threads: usize,
}

impl Default for Config {
    /// Two weeks to know a viewer by, one week of what held them. 8 192 videos take three matrices of 268 MB while fitting.
    fn default() -> Self {
        Self {
            input_half_life: Decay::of_hours(14.0 * 24.0),
            target_half_life: Decay::of_hours(7.0 * 24.0),
            exposed_weight: 0.3,
            ridge: 200.0,
            videos_max: VIDEOS_DEFAULT,
            idle_max_ms: 10 * DAY_MS,
            threads: 2,
        }
    }
}

/// One fitted regression, as of a moment.
#[derive(Debug, Clone)]
pub struct Fit {
    now_ms: TimestampMs,
    input_half_life: Decay,
    /// Ascending; a video's place here is its row and column.
    videos: Vec<u64>,
    places: HashMap<u64, u32>,
    weights: Square,
}

/// One viewer's step in matrix terms.
struct Entry {
    place: usize,
    input: f32,
    target: f32,
}

impl Fit {
    /// Fits the trails as of `now_ms`. No candidates, no fit: it then scores nothing.
    pub fn of(trails: &Trails, config: &Config, now_ms: TimestampMs) -> Self {
        let videos = candidates(trails, config, now_ms);
        let places = videos
            .iter()
            .zip(0..)
            .map(|(&video, place)| (video, place))
            .collect();
        let mut fit = Self {
            now_ms,
            input_half_life: config.input_half_life,
            weights: Square::zeros(videos.len()),
            videos,
            places,
        };
        if !fit.videos.is_empty() {
            fit.weights = fit.solve(trails, config);
        }
        fit
    }

    /// The videos that it scores, ascending.
    pub fn videos(&self) -> &[u64] {
        &self.videos
    }

    /// A score for each of [`Self::videos`], in `scores`; all 0 for a trail without any of them.
    pub fn score(&self, trail: &[Step], scores: &mut Vec<f32>) {
        scores.clear();
        scores.resize(self.videos.len(), 0.0);
        for step in trail {
            let Some(&place) = self.places.get(&step.video) else {
                continue;
            };
            let weight = self
                .input_half_life
                .weight(self.now_ms.saturating_sub(step.at_ms)) as f32;
            for (score, value) in scores.iter_mut().zip(self.weights.row(place as usize)) {
                *score += weight * value;
            }
        }
    }

    /// The `count` best for a trail, best first. Videos of the trail are not left out; only positive scores count.
    pub fn best(&self, trail: &[Step], count: usize) -> Vec<Scored> {
        let mut scores = Vec::new();
        self.score(trail, &mut scores);
        let scored = |(&video, score): (&u64, f32)| Scored { video, score };
        let mut found: Vec<Scored> = self.videos.iter().zip(scores).map(scored).collect();
        found.retain(|scored| scored.score > 0.0);
        keep_best(&mut found, count);
        found
    }

    /// How strongly having been shown `from` speaks for `to`; 0 outside the fit.
    pub fn weight(&self, from: u64, to: u64) -> f32 {
        match (self.places.get(&from), self.places.get(&to)) {
            (Some(&from), Some(&to)) => self.weights.row(from as usize)[to as usize],
            _ => 0.0,
        }
    }

    fn solve(&self, trails: &Trails, config: &Config) -> Square {
        let mut inverse = Square::zeros(self.videos.len());
        let mut cross = Square::zeros(self.videos.len());
        let mut entries = Vec::new();
        for (_, trail) in trails.iter() {
            self.entries(trail, config, &mut entries);
            for from in &entries {
                let gram = inverse.row_mut(from.place);
                for to in &entries {
                    gram[to.place] += from.input * to.input;
                }
                let cross = cross.row_mut(from.place);
                for to in &entries {
                    cross[to.place] += from.input * to.target;
                }
            }
        }
        for place in 0..self.videos.len() {
            inverse.row_mut(place)[place] += config.ridge.max(f32::MIN_POSITIVE);
        }
        invert(&mut inverse, config.threads);
        let mut weights = multiply(&inverse, &cross, config.threads);
        silence_self(&mut weights, &inverse);
        weights
    }

    fn entries(&self, trail: &[Step], config: &Config, entries: &mut Vec<Entry>) {
        entries.clear();
        entries.extend(trail.iter().filter_map(|step| {
            let age_ms = self.now_ms.saturating_sub(step.at_ms);
            Some(Entry {
                place: *self.places.get(&step.video)? as usize,
                input: config.input_half_life.weight(age_ms) as f32,
                target: target(step, config, age_ms),
            })
        }));
    }
}

fn target(step: &Step, config: &Config, age_ms: DurationMs) -> f32 {
    let worth = if step.engaged { 1.0 } else { config.exposed_weight };
    worth * config.target_half_life.weight(age_ms) as f32
}

/// The videos shown lately, the heaviest targets if there are too many; ascending.
fn candidates(trails: &Trails, config: &Config, now_ms: TimestampMs) -> Vec<u64> {
    let mut found: HashMap<u64, (f64, bool)> = HashMap::new();
    for step in trails.iter().flat_map(|(_, trail)| trail) {
        let age_ms = now_ms.saturating_sub(step.at_ms);
        let (mass, fresh) = found.entry(step.video).or_default();
        *mass += f64::from(target(step, config, age_ms));
        *fresh |= age_ms <= config.idle_max_ms;
    }
    let fresh = found.into_iter().filter(|(_, (_, fresh))| *fresh);
    let mut heaviest: Vec<Scored> = fresh
        .map(|(video, (mass, _))| Scored {
            video,
            score: mass as f32,
        })
        .collect();
    keep_best(&mut heaviest, config.videos_max.min(VIDEOS_CEILING));
    let mut videos: Vec<u64> = heaviest.into_iter().map(|scored| scored.video).collect();
    videos.sort_unstable();
    videos
}

/// Takes from each column what its own video would say for itself.
fn silence_self(weights: &mut Square, inverse: &Square) {
    let own: Vec<f32> = (0..weights.order())
        .map(|j| weights.row(j)[j] / inverse.row(j)[j])
        .collect();
    for i in 0..weights.order() {
        let row = weights.row_mut(i);
        for ((weight, inverse), own) in row.iter_mut().zip(inverse.row(i)).zip(&own) {
            *weight -= inverse * own;
        }
        row[i] = 0.0;
    }
}

#[cfg(test)]
mod tests;
