//! Source: fresh videos of topics that rise at this moment, so that what happens in the world reaches those who care within minutes. Whether
//! a viewer cares is judged by the stages behind it.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::{Catalog, Entity, FeatureStore, Scope, Slot, Trending};

use super::unseen;
use crate::model::{Query, VideoCandidate};

/// Topics looked at, the strongest rise first.
const TOPICS_MAX: usize = 20;
/// Videos of each.
const EACH_MAX: usize = 50;

pub(crate) struct Rising(pub Arc<FeatureStore>);

impl Stage for Rising {
    fn name(&self) -> &'static str {
        "rising"
    }

    fn about(&self) -> &'static str {
        "fresh videos of topics that suddenly draw many people"
    }
}

impl Source<Query, VideoCandidate> for Rising {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let trending = &query.trending;
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let mut found = Vec::new();
            for topic in trending.rising.iter().take(TOPICS_MAX) {
                let walk = slots(&catalog, trending, &topic.what).into_iter();
                found.extend(unseen(&catalog, &seen, event::Source::Trending, walk).take(EACH_MAX));
            }
            Ok(found)
        })
    }
}

/// The newest of a hashtag; of what the catalog does not list, those that do best.
fn slots(catalog: &Catalog, trending: &Trending, topic: &Entity) -> Vec<Slot> {
    let scope = match topic {
        Entity::Hashtag(tag) => return catalog.by_hashtag_slots(tag).take(EACH_MAX * 4).collect(),
        Entity::Sound(sound) => Scope::Sound(*sound),
        Entity::Category(category) => Scope::Category(*category),
        Entity::Video(_) | Entity::Creator(_) | Entity::Region(_) | Entity::Viewer(_) => return Vec::new(),
    };
    let best = trending.top(&scope).iter();
    best.filter_map(|ranked| catalog.slot_of(ranked.video)).collect()
}
