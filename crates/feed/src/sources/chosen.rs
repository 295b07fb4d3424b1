//! Source: new videos of the categories that the viewer chose. Chosen hashtags are tastes, and found as those are.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

/// The newest videos looked through for them.
const LOOKED_AT_MAX: usize = 2_000;

pub(crate) struct Chosen(pub Arc<FeatureStore>);

impl Stage for Chosen {
    fn name(&self) -> &'static str {
        "chosen"
    }

    fn about(&self) -> &'static str {
        "unseen new videos of the categories that the viewer chose"
    }
}

impl Source<Query, VideoCandidate> for Chosen {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let wished = &query.history.wishes.categories;
            if wished.is_empty() {
                return Ok(Vec::new());
            }
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let walk = catalog.newest_slots().take(LOOKED_AT_MAX).filter(|slot| {
                let category = catalog.profile_at(*slot).and_then(|profile| profile.category);
                category.is_some_and(|category| wished.contains(&category))
            });
            let count_max = query.ask(event::Source::Interest);
            let found = unseen(&catalog, &seen, event::Source::Interest, walk).take(count_max);
            Ok(found.collect())
        })
    }
}
