//! Decayed popularity: which videos hold people right now.
//!
//! One counter a video, halved every half-life of event time; an exposure that held its viewer counts 1, one that did not
//! counts [`Config::exposed_weight`]: a recommender that keeps showing a video believes in it. Counters are stored relative to a landmark, so that
//! no pass over all of them is needed as time goes by. It does not know regions or languages: keep one per scope.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::TimestampMs;

use crate::decay::Decay;
use crate::exposure::{Exposure, Scored, keep_best};

/// Counters are rescaled when they have grown by 2 to this power since the landmark, far from the end of `f64`.
const RESCALE_EXPONENT: f64 = 200.0;
/// A counter below this has no say any more and is dropped at the next rescale.
const NEGLIGIBLE: f64 = 1e-9;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub half_life: Decay,
    /// What an exposure counts that did not hold its viewer; 0 to 1.
    pub exposed_weight: f64,
    /// Most videos counted; beyond it the least of them make room.
    pub videos_max: usize,
}

impl Default for Config {
    /// Half a day: long enough to see a night through, short enough to follow an evening.
    fn default() -> Self {
        Self {
            half_life: Decay::of_hours(12.0),
            exposed_weight: 0.3,
            videos_max: 1 << 20,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trending {
    config: Config,
    /// What the stored masses are relative to; moves only forward.
    landmark_ms: Option<TimestampMs>,
    /// Mass of a video as of the landmark; later events count more than 1.
    masses: BTreeMap<u64, f64>,
}

impl Trending {
    pub fn new(config: Config) -> Self {
        Self {
            config,
            landmark_ms: None,
            masses: BTreeMap::new(),
        }
    }

    /// Counts one exposure. Events may come out of order; an old one counts what is left of it.
    pub fn observe(&mut self, exposure: &Exposure) {
        let landmark = *self.landmark_ms.get_or_insert(exposure.at_ms);
        let growth = self.growth(exposure.at_ms, landmark);
        if growth > RESCALE_EXPONENT.exp2() {
            self.rescale(exposure.at_ms);
            return self.observe(exposure);
        }
        let worth = if exposure.engaged {
            1.0
        } else {
            self.config.exposed_weight
        };
        *self.masses.entry(exposure.video).or_default() += worth * growth;
        if self.masses.len() > self.config.videos_max {
            self.drop_least();
        }
    }

    /// Decayed count of a video as of `now_ms`, or as of the landmark if that is later; 0 for one that was never seen.
    pub fn mass(&self, video: u64, now_ms: TimestampMs) -> f64 {
        let (Some(mass), Some(landmark)) = (self.masses.get(&video), self.landmark_ms) else {
            return 0.0;
        };
        mass / self.growth(now_ms.max(landmark), landmark)
    }

    /// The `count` heaviest, heaviest first.
    pub fn top(&self, count: usize, now_ms: TimestampMs) -> Vec<Scored> {
        let Some(landmark) = self.landmark_ms else {
            return Vec::new();
        };
        let growth = self.growth(now_ms.max(landmark), landmark);
        let scored = |(&video, mass): (&u64, &f64)| Scored {
            video,
            score: (mass / growth) as f32,
        };
        let mut all: Vec<Scored> = self.masses.iter().map(scored).collect();
        keep_best(&mut all, count);
        all
    }

    /// Takes a video out, at once and for good.
    pub fn forget_video(&mut self, video: u64) {
        self.masses.remove(&video);
    }

    pub fn len(&self) -> usize {
        self.masses.len()
    }

    pub fn is_empty(&self) -> bool {
        self.masses.is_empty()
    }

    /// How much more an event at `at_ms` counts than one at the landmark.
    fn growth(&self, at_ms: TimestampMs, landmark_ms: TimestampMs) -> f64 {
        match at_ms >= landmark_ms {
            true => {
                1.0 / self
                    .config
                    .half_life
                    .weight(at_ms.saturating_sub(landmark_ms))
                    .max(f64::MIN_POSITIVE)
            }
            false => self.config.half_life.weight(landmark_ms.saturating_sub(at_ms)),
        }
    }

    fn rescale(&mut self, landmark_ms: TimestampMs) {
        let Some(before) = self.landmark_ms.replace(landmark_ms) else {
            return;
        };
        let left = self.config.half_life.weight(landmark_ms.saturating_sub(before));
        self.masses.retain(|_, mass| {
            *mass *= left;
            *mass >= NEGLIGIBLE
        });
    }

    /// Drops an eighth of the counters, the least, so that the search is paid once in many events.
    fn drop_least(&mut self) {
        let mut order: Vec<(f64, u64)> = self.masses.iter().map(|(&video, &mass)| (mass, video)).collect();
        let drop = (order.len() / 8).max(1);
        order.select_nth_unstable_by(drop - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (_, video) in &order[..drop] {
            self.masses.remove(video);
        }
    }
}

#[cfg(test)]
mod tests;
