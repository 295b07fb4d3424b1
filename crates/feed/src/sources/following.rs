//! Source: what followed creators published, unseen so far.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

const CREATORS_READ: usize = 200;
const EACH_MAX: usize = 10;

pub(crate) struct Followed(pub Arc<FeatureStore>);

impl Stage for Followed {
    fn name(&self) -> &'static str {
        "following"
    }

    fn about(&self) -> &'static str {
        "the newest unseen videos of each creator the viewer follows"
    }
}

impl Source<Query, VideoCandidate> for Followed {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let mut creators: Vec<_> = query.history.following.iter().copied().collect();
            creators.sort_unstable();
            let found = creators.into_iter().take(CREATORS_READ).flat_map(|creator| {
                let walk = catalog.by_creator_slots(creator);
                unseen(&catalog, &seen, event::Source::Following, walk).take(EACH_MAX)
            });
            Ok(found.take(query.ask(event::Source::Following)).collect())
        })
    }
}
