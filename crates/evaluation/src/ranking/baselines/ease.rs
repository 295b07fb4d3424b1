//! EASE (Steck, WWW 2019) on long views: the regression of `retrieval` without forgetting, on positives alone. Input and target are then
//! the same 0/1 matrix, and its weights are EASE's.

use retrieval::regression::{Config, Fit};
use retrieval::trails::{Limits, Trails};
use retrieval::{Decay, Exposure};
use types::TimestampMs;

use super::{Scorer, Watched};
use crate::dataset::Dataset;

/// λ, the best of 100, 300 and 1 000 on the validation period.
const RIDGE: f32 = 300.0;
/// A half-life that forgets nothing.
const NEVER_HOURS: f64 = 1e12;

pub(super) struct Ease<'a> {
    data: &'a Dataset,
    trails: Trails,
    fit: Fit,
}

impl<'a> Ease<'a> {
    pub(super) fn learn(watched: &Watched, data: &'a Dataset, until_ms: TimestampMs) -> Self {
        let longest = watched.of_user.values().map(Vec::len).max().unwrap_or(0);
        let mut trails = Trails::new(Limits {
            viewers_max: watched.of_user.len(),
            length_max: longest,
        });
        for (&viewer, places) in &watched.of_user {
            for &place in places {
                trails.observe(&Exposure {
                    viewer,
                    video: data.items[place as usize].video,
                    at_ms: until_ms,
                    engaged: true,
                });
            }
        }
        let config = Config {
            input_half_life: Decay::of_hours(NEVER_HOURS),
            target_half_life: Decay::of_hours(NEVER_HOURS),
            ridge: RIDGE,
            ..Config::default()
        };
        let fit = Fit::of(&trails, &config, until_ms);
        Self { data, trails, fit }
    }
}

impl Scorer for Ease<'_> {
    fn score(&self, user: u64) -> Vec<f64> {
        let mut found = Vec::new();
        self.fit.score(self.trails.of(user), &mut found);
        let mut scores = vec![0.0; self.data.items.len()];
        for (video, score) in self.fit.videos().iter().zip(found) {
            if let Ok(place) = self.data.items.binary_search_by_key(video, |item| item.video) {
                scores[place] = f64::from(score);
            }
        }
        scores
    }
}
