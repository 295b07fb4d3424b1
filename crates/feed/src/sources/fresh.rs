//! Source: the newest videos. It reaches the whole catalog in the end, so nothing published stays unseen for ever.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

const COUNT_MAX: usize = 500;

pub(crate) struct Fresh(pub Arc<FeatureStore>);

impl Source<Query, VideoCandidate> for Fresh {
    fn name(&self) -> &'static str {
        "fresh"
    }

    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let catalog = self.0.catalog();
            Ok(unseen(query, event::Source::Fresh, catalog.newest(), COUNT_MAX).collect())
        })
    }
}
