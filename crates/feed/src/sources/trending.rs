//! Source: the trending lists, the best of each in turn: of the viewer's region, of everybody, and of the hashtags the viewer leans to.

use std::collections::HashSet;
use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::{FeatureStore, Ranked, Scope, TRENDING_MAX, Trending};

use super::unseen;
use crate::model::{Query, VideoCandidate};

/// Hashtags whose lists are read.
const HASHTAGS_READ: usize = 6;
/// Weaker leanings are noise.
const LEANING_MIN: f32 = 0.2;

pub(crate) struct OnLists(pub Arc<FeatureStore>);

impl Stage for OnLists {
    fn name(&self) -> &'static str {
        "trending"
    }

    fn about(&self) -> &'static str {
        "the trending lists of the viewer's region, of everybody, and of the hashtags the viewer leans to, in turn"
    }
}

impl Source<Query, VideoCandidate> for OnLists {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let trending = self.0.trending();
            let ranked = in_turn(&lists(query, &trending));
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let walk = ranked.iter().filter_map(|ranked| catalog.slot_of(ranked.video));
            let found = unseen(&catalog, &seen, event::Source::Trending, walk);
            Ok(found.take(query.ask(event::Source::Trending)).collect())
        })
    }
}

fn lists<'a>(query: &Query, trending: &'a Trending) -> Vec<&'a [Ranked]> {
    let liked = query.history.hashtags.iter();
    let liked = liked
        .filter(|(_, taste)| *taste >= LEANING_MIN)
        .take(HASHTAGS_READ);
    let scopes = query
        .region
        .map(Scope::Region)
        .into_iter()
        .chain([Scope::Global])
        .chain(liked.map(|(hashtag, _)| Scope::Hashtag(hashtag.clone())));
    scopes.map(|scope| trending.top(&scope)).collect()
}

/// The first of each list, then the second of each, and so on; each video once.
fn in_turn<'a>(lists: &[&'a [Ranked]]) -> Vec<&'a Ranked> {
    let mut met = HashSet::new();
    let turns = (0..TRENDING_MAX).flat_map(|place| lists.iter().filter_map(move |list| list.get(place)));
    turns.filter(|ranked| met.insert(ranked.video)).collect()
}

#[cfg(test)]
mod tests {
    use types::VideoId;

    use super::*;

    #[test]
    fn lists_take_turns_and_no_video_comes_twice() {
        let list = |raws: &[u64]| -> Vec<Ranked> {
            let ranked = |&raw: &u64| Ranked {
                video: VideoId::from_raw(raw),
                score: 1.0,
                views: 1,
            };
            raws.iter().map(ranked).collect()
        };
        let (here, everywhere, none) = (list(&[1, 2, 3]), list(&[4, 1, 5]), list(&[]));
        let turns: Vec<u64> = in_turn(&[&here, &none, &everywhere])
            .iter()
            .map(|one| one.video.raw())
            .collect();
        assert_eq!(turns, [1, 4, 2, 3, 5]);
    }
}
