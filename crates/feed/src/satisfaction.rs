//! Scorer: how likely this viewer is to be satisfied by a video, from few honest signals. The light stage: it finds the candidates that are
//! worth a closer look, and it is the score while the learned one is missing or knows little.

use std::sync::Arc;

use candidate_pipeline::{Hydrator, Scorer, StageError};
use feature_store::{FeatureStore, VideoCounters};

use crate::model::{Query, VideoCandidate};

/// Number of signals.
const SIGNALS: usize = 8;

/// (name, weight). Values are within about ±1, so a weight is the log-odds the signal can move.
const WEIGHTS: [(&str, f32); SIGNALS] = [
    ("completion_rate", 1.2),
    ("early_skip_rate", -1.2),
    ("hashtag_taste", 2.6),
    ("creator_taste", 1.2),
    ("follows_creator", 0.5),
    ("freshness", 0.5),
    ("heat", 0.4),
    ("hashtag_aversion", -2.6),
];

/// Pseudo-watches: a new video is judged like an average one until this many have watched it.
const PRIOR_WATCHES: f32 = 8.0;
const PRIOR_COMPLETION: f32 = 0.35;
const PRIOR_EARLY_SKIP: f32 = 0.25;
const FRESH_FADES_MS: f32 = 24.0 * 3_600_000.0;
/// Heat of this many recent views counts as half of the most.
const HEAT_HALF: f32 = 50.0;

/// Hydrator: brings each candidate's counters.
pub(crate) struct ReadCounters(pub Arc<FeatureStore>);

impl Hydrator<Query, VideoCandidate> for ReadCounters {
    fn name(&self) -> &'static str {
        "counters"
    }

    fn hydrate(&self, _: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        let videos: Vec<_> = candidates
            .iter()
            .map(|candidate| candidate.profile.video)
            .collect();
        for (candidate, counters) in candidates.iter_mut().zip(self.0.video_counters_many(&videos)) {
            candidate.counters = counters;
        }
        Ok(())
    }
}

pub(crate) struct Satisfaction;

impl Scorer<Query, VideoCandidate> for Satisfaction {
    fn name(&self) -> &'static str {
        "satisfaction"
    }

    fn score(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        for candidate in candidates {
            let sum: f32 = signals(query, candidate)
                .iter()
                .zip(WEIGHTS)
                .map(|(value, (_, weight))| value * weight)
                .sum();
            candidate.score = 1.0 / (1.0 + (-sum).exp());
        }
        Ok(())
    }
}

fn signals(query: &Query, candidate: &VideoCandidate) -> [f32; SIGNALS] {
    let (profile, counters, history) = (&candidate.profile, &candidate.counters, &query.history);
    let tastes = profile
        .hashtags
        .iter()
        .map(|hashtag| history.hashtag_taste(hashtag));
    let (liked, disliked) = tastes.fold((0.0f32, 0.0f32), |(up, down), taste| {
        (up.max(taste), down.max(-taste))
    });
    let age_ms = (query.now_ms - profile.published_ms).max(0) as f32;
    let heat = counters.heat(query.now_ms);
    [
        shrunk(counters.completions, counters, PRIOR_COMPLETION),
        shrunk(counters.early_skips, counters, PRIOR_EARLY_SKIP),
        (liked / 2.0).tanh(),
        (history.creator_taste(profile.creator) / 2.0).tanh(),
        f32::from(u8::from(history.following.contains(&profile.creator))),
        (-age_ms / FRESH_FADES_MS).exp2(),
        heat / (heat + HEAT_HALF),
        (disliked / 2.0).tanh(),
    ]
}

/// A rate drawn towards the prior while few have watched.
fn shrunk(times: u64, counters: &VideoCounters, prior: f32) -> f32 {
    (times as f32 + prior * PRIOR_WATCHES) / (counters.views as f32 + PRIOR_WATCHES)
}
