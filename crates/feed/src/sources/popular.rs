//! Source: the videos with the most heat, that is recent views.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

const COUNT_MAX: usize = 300;
const HOTTEST_READ: usize = 1_000;

pub(crate) struct Popular(pub Arc<FeatureStore>);

impl Source<Query, VideoCandidate> for Popular {
    fn name(&self) -> &'static str {
        "popular"
    }

    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let hottest = self.0.hottest(query.now_ms, HOTTEST_READ);
            let catalog = self.0.catalog();
            let walk = hottest.iter().filter_map(|video| catalog.get(*video));
            Ok(unseen(query, event::Source::Popular, walk, COUNT_MAX).collect())
        })
    }
}
