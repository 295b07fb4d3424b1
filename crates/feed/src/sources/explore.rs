//! Source: unseen videos drawn evenly from the recent part of the catalog, whoever made them and however few watched them.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};
use crate::seeded::Seeded;

const POOL_MAX: usize = 2_000;
const COUNT_MAX: usize = 50;

pub(crate) struct Explore(pub Arc<FeatureStore>);

impl Stage for Explore {
    fn name(&self) -> &'static str {
        "explore"
    }

    fn about(&self) -> &'static str {
        "draws evenly from the newest two thousand unseen videos"
    }
}

impl Source<Query, VideoCandidate> for Explore {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let walk = unseen(&catalog, &seen, event::Source::Explore, catalog.newest_slots());
            let mut pool: Vec<_> = walk.take(POOL_MAX).collect();
            let mut draw = Seeded::new(query.seed);
            for place in 0..pool.len().min(COUNT_MAX) {
                let other = place + draw.below(pool.len() - place);
                pool.swap(place, other);
            }
            pool.truncate(COUNT_MAX);
            Ok(pool)
        })
    }
}
