//! Source: videos that are about what the viewer liked, whoever watched them: pictures, sound and words alike.
//!
//! The last positives fall into a few groups, and each group is asked around by its weight: what the viewer is in the mood for. A part of the places
//! goes to groups of older positives, so that an interest that the last hour did not touch is not forgotten (after Trinity, Douyin 2024).
//! A video is found as soon as the catalog has it; it needs no interaction. Who has liked nothing yet gets nothing here.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::{Catalog, FeatureStore};
use retrieval::vq::WIDTH;
use types::VideoId;

use super::found;
use crate::model::{Query, VideoCandidate};
use crate::vectors::{VideoVectors, Wish, grouped};

/// How much less each positive counts than the one after it.
const FADE: f32 = 0.9;
/// Members of a group are about this near to its middle.
const NEAR: f32 = 0.6;
const GROUPS_MAX: usize = 4;
/// The part of the places that older interests have, if there are any.
const OLDER_PART: f32 = 0.2;
const OLDER_GROUPS_MAX: usize = 4;
/// Fewer places than that are not worth a search.
const WISH_MIN: usize = 16;

pub(crate) struct Content {
    pub store: Arc<FeatureStore>,
    pub vectors: Arc<VideoVectors>,
}

impl Stage for Content {
    fn name(&self) -> &'static str {
        "content"
    }

    fn about(&self) -> &'static str {
        "videos about what the viewer liked lately, and some about what they liked long ago, by content vectors"
    }
}

impl Source<Query, VideoCandidate> for Content {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let history = &query.history;
            let (version, recent, older) = {
                let catalog = self.store.catalog();
                let mut all = history.positives.iter().chain(&history.older_positives);
                let Some(version) = all.find_map(|video| version_of(&catalog, *video)) else {
                    return Ok(Vec::new());
                };
                let recent = vectors_of(&catalog, version, &history.positives, FADE);
                (
                    version,
                    recent,
                    vectors_of(&catalog, version, &history.older_positives, 1.0),
                )
            };
            let Some(index) = self.vectors.content(version) else {
                return Ok(Vec::new());
            };
            let wishes = wishes(&recent, &older, query.ask(event::Source::Content));
            let videos = self.vectors.ask(&index, &wishes);
            Ok(found(&self.store, query, event::Source::Content, videos))
        })
    }
}

fn version_of(catalog: &Catalog, video: VideoId) -> Option<u8> {
    Some(catalog.get(video)?.content.as_ref()?.version)
}

/// The vectors of those videos that have one of this encoder, each counting `fade` of the one before.
fn vectors_of(catalog: &Catalog, version: u8, videos: &[VideoId], fade: f32) -> Vec<([f32; WIDTH], f32)> {
    let profiles = videos.iter().filter_map(|video| catalog.get(*video));
    let vectors = profiles.filter_map(|profile| profile.content.as_deref());
    let weights = std::iter::successors(Some(1.0), |weight| Some(weight * fade));
    let own = vectors.filter(|vector| vector.version == version);
    own.map(|vector| vector.unit()).zip(weights).collect()
}

/// Shares `count` places among the groups of both lists.
fn wishes(recent: &[([f32; WIDTH], f32)], older: &[([f32; WIDTH], f32)], count: usize) -> Vec<Wish> {
    let part = match (recent.is_empty(), older.is_empty()) {
        (_, true) => 0.0,
        (true, false) => 1.0,
        (false, false) => OLDER_PART,
    };
    let lists = [(recent, GROUPS_MAX, 1.0 - part), (older, OLDER_GROUPS_MAX, part)];
    let mut wishes = Vec::new();
    for (list, groups_max, part) in lists {
        let groups = grouped(list, NEAR, groups_max);
        let all: f32 = groups.iter().map(|group| group.weight).sum();
        for group in groups {
            let share = (part * count as f32 * group.weight / all.max(f32::MIN_POSITIVE)) as usize;
            if share >= WISH_MIN.min(count) && share > 0 {
                wishes.push(Wish {
                    vector: group.direction(),
                    count: share,
                });
            }
        }
    }
    wishes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(at: usize) -> [f32; WIDTH] {
        std::array::from_fn(|place| f32::from(u8::from(place == at)))
    }

    #[test]
    fn places_are_shared_by_weight_and_the_old_interest_keeps_its_part() {
        let recent = [(axis(0), 1.0), (axis(0), 0.9), (axis(5), 0.81)];
        let found = wishes(&recent, &[(axis(9), 1.0)], 1_000);
        let counts: Vec<usize> = found.iter().map(|wish| wish.count).collect();
        assert_eq!(counts, [560, 239, 200]);
        assert_eq!(found[2].vector, axis(9));
        assert_eq!(
            wishes(&recent, &[], 1_000)
                .iter()
                .map(|wish| wish.count)
                .sum::<usize>(),
            999
        );
        assert_eq!(wishes(&[], &[(axis(1), 1.0)], 300)[0].count, 300);
        assert!(wishes(&[], &[], 300).is_empty());
    }
}
