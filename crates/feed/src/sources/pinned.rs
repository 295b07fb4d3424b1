//! Source: the videos that operators pinned for where the viewer is. They come first until they were seen.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

/// Pins on one page at most: whoever comes has come for more than announcements.
const PINS_MAX: usize = 2;

pub(crate) struct Pinned(pub Arc<FeatureStore>);

impl Stage for Pinned {
    fn name(&self) -> &'static str {
        "pinned"
    }

    fn about(&self) -> &'static str {
        "what operators pinned here, until it was seen"
    }
}

impl Source<Query, VideoCandidate> for Pinned {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let Some(steering) = &query.steering else {
                return Ok(Vec::new());
            };
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let pins = steering.pins(query.region, query.now_ms);
            let walk = pins.filter_map(|pin| catalog.slot_of(pin.video));
            let found = unseen(&catalog, &seen, event::Source::Pinned, walk);
            Ok(found.take(PINS_MAX).collect())
        })
    }
}
