//! Source: the newest videos. It reaches the whole catalog in the end, so nothing published stays unseen for ever.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

pub(crate) struct Fresh(pub Arc<FeatureStore>);

impl Stage for Fresh {
    fn name(&self) -> &'static str {
        "fresh"
    }

    fn about(&self) -> &'static str {
        "the newest unseen videos of the whole catalog"
    }
}

impl Source<Query, VideoCandidate> for Fresh {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let walk = unseen(&catalog, &seen, event::Source::Fresh, catalog.newest_slots());
            Ok(walk.take(query.ask(event::Source::Fresh)).collect())
        })
    }
}
