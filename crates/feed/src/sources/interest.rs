//! Source: videos with the hashtags and by the creators that the viewer's own watching leans to.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

const HASHTAGS_READ: usize = 12;
const CREATORS_READ: usize = 12;
/// Weaker leanings are noise.
const LEANING_MIN: f32 = 0.2;

pub(crate) struct Interest(pub Arc<FeatureStore>);

impl Stage for Interest {
    fn name(&self) -> &'static str {
        "interest"
    }

    fn about(&self) -> &'static str {
        "unseen videos with the hashtags and by the creators that the viewer leans to, in turn"
    }
}

impl Source<Query, VideoCandidate> for Interest {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let count_max = query.ask(event::Source::Interest);
            let history = &query.history;
            let hashtags = history.hashtags.iter().filter(|(_, taste)| *taste >= LEANING_MIN);
            let hashtags: Vec<_> = hashtags.take(HASHTAGS_READ).collect();
            let creators = history.creators.iter().filter(|(_, taste)| *taste >= LEANING_MIN);
            let creators: Vec<_> = creators.take(CREATORS_READ).collect();
            let each_max = count_max / (hashtags.len() + creators.len()).max(1);
            let mut found = Vec::new();
            for (hashtag, _) in hashtags {
                let walk = catalog.by_hashtag_slots(hashtag);
                found.extend(unseen(&catalog, &seen, event::Source::Interest, walk).take(each_max));
            }
            for (creator, _) in creators {
                let walk = catalog.by_creator_slots(*creator);
                found.extend(unseen(&catalog, &seen, event::Source::Interest, walk).take(each_max));
            }
            Ok(found)
        })
    }
}
