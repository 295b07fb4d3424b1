//! Source: the videos with the most heat, that is recent views.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

const HOTTEST_READ: usize = 1_000;

pub(crate) struct Popular(pub Arc<FeatureStore>);

impl Stage for Popular {
    fn name(&self) -> &'static str {
        "popular"
    }

    fn about(&self) -> &'static str {
        "unseen ones of the thousand videos with the most recent views"
    }
}

impl Source<Query, VideoCandidate> for Popular {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let hottest = self.0.hottest(query.now_ms, HOTTEST_READ);
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let walk = hottest.iter().filter_map(|video| catalog.slot_of(*video));
            let found = unseen(&catalog, &seen, event::Source::Popular, walk);
            Ok(found.take(query.ask(event::Source::Popular)).collect())
        })
    }
}
