//! Source: videos with the hashtags and by the creators that the viewer's own watching leans to.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, StageError};
use feature_store::FeatureStore;

use super::unseen;
use crate::model::{Query, VideoCandidate};

const HASHTAGS_READ: usize = 12;
const CREATORS_READ: usize = 12;
const EACH_MAX: usize = 50;
/// Weaker leanings are noise.
const LEANING_MIN: f32 = 0.2;

pub(crate) struct Interest(pub Arc<FeatureStore>);

impl Source<Query, VideoCandidate> for Interest {
    fn name(&self) -> &'static str {
        "interest"
    }

    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let catalog = self.0.catalog();
            let mut found = Vec::new();
            let liked = |taste: &f32| *taste >= LEANING_MIN;
            for (hashtag, _) in query
                .history
                .hashtags
                .iter()
                .filter(|(_, taste)| liked(taste))
                .take(HASHTAGS_READ)
            {
                found.extend(unseen(
                    query,
                    event::Source::Interest,
                    catalog.by_hashtag(hashtag),
                    EACH_MAX,
                ));
            }
            for (creator, _) in query
                .history
                .creators
                .iter()
                .filter(|(_, taste)| liked(taste))
                .take(CREATORS_READ)
            {
                found.extend(unseen(
                    query,
                    event::Source::Interest,
                    catalog.by_creator(*creator),
                    EACH_MAX,
                ));
            }
            Ok(found)
        })
    }
}
