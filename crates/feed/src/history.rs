//! Query hydrator: reads the viewer's history from the feature store once a request.

use std::hash::Hash;
use std::sync::Arc;

use candidate_pipeline::{BoxFuture, QueryHydrator, StageError};
use feature_store::{FeatureStore, Taste};
use types::TimestampMs;

use crate::model::{History, Query};

/// Tastes of each kind that a request looks at.
const TASTES_READ_MAX: usize = 60;
/// Creators of the previous page that the slate must not continue.
const LAST_CREATORS: usize = 2;

pub(crate) struct ReadHistory(pub Arc<FeatureStore>);

impl QueryHydrator<Query> for ReadHistory {
    fn name(&self) -> &'static str {
        "history"
    }

    fn hydrate<'a>(&'a self, query: &'a mut Query) -> BoxFuture<'a, Result<(), StageError>> {
        Box::pin(async move {
            let handle = self
                .0
                .viewer(query.viewer)
                .map_err(|error| StageError(error.to_string()))?;
            let history = {
                // The catalog's lock comes before a viewer's everywhere; the other way round could deadlock.
                let catalog = self.0.catalog();
                let state = handle.read();
                let last = state.served_latest(query.sitting_ms, LAST_CREATORS);
                let last: Vec<_> = last.into_iter().filter_map(|video| catalog.get(video)).collect();
                History {
                    state: None,
                    served: state.served_since(query.sitting_ms),
                    hashtags: strongest(&state.hashtags, query.now_ms),
                    creators: strongest(&state.creators, query.now_ms),
                    watches: state.watches,
                    following: state.following.keys().copied().collect(),
                    last_creators: last.iter().map(|profile| profile.creator).collect(),
                    last_sound: last.last().and_then(|profile| profile.sound),
                }
            };
            query.history = History {
                state: Some(handle),
                ..history
            };
            Ok(())
        })
    }
}

/// By strength, leanings away included: they lower scores.
fn strongest<K: Clone + Eq + Hash + Ord>(
    tastes: &std::collections::HashMap<K, Taste>,
    now_ms: TimestampMs,
) -> Vec<(K, f32)> {
    let mut all: Vec<(K, f32)> = tastes
        .iter()
        .map(|(key, taste)| (key.clone(), taste.at(now_ms)))
        .collect();
    // The key breaks ties, so that the same state gives the same feed.
    all.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
    all.truncate(TASTES_READ_MAX);
    all
}
