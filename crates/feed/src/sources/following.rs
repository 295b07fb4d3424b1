//! Source: what followed creators published, unseen so far.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

const CREATORS_READ: usize = 200;
const EACH_MAX: usize = 10;

pub(crate) struct Followed(pub Arc<FeatureStore>);

impl Source<Query, VideoCandidate> for Followed {
    fn name(&self) -> &'static str {
        "following"
    }

    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let catalog = self.0.catalog();
            let mut creators: Vec<_> = query.history.following.iter().copied().collect();
            creators.sort_unstable();
            let found = creators.into_iter().take(CREATORS_READ).flat_map(|creator| {
                unseen(
                    query,
                    event::Source::Following,
                    catalog.by_creator(creator),
                    EACH_MAX,
                )
            });
            Ok(found.collect())
        })
    }
}
