//! Source: unseen videos drawn evenly from the recent part of the catalog, whoever made them and however few watched them.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};
use crate::seeded::Seeded;

const POOL_MAX: usize = 2_000;
const COUNT_MAX: usize = 50;

pub(crate) struct Explore(pub Arc<FeatureStore>);

impl Source<Query, VideoCandidate> for Explore {
    fn name(&self) -> &'static str {
        "explore"
    }

    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let catalog = self.0.catalog();
            let mut pool: Vec<_> =
                unseen(query, event::Source::Explore, catalog.newest(), POOL_MAX).collect();
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
