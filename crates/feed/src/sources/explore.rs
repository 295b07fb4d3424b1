//! Sources of exploration: what new videos are owed, what is being tried, and a few drawn evenly from the catalog; and, on pages that
//! have an even place, the even sample. Whom to show is decided by [`crate::explore`].
//!
//! 64 candidates, in this order: owed impressions and near to what the viewer likes; the most behind, whatever they are about; in a pool
//! and not decided on; drawn evenly. Nearness is that of hashtags and categories.

use std::collections::HashSet;
use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature_store::{Catalog, FeatureStore, PoolBoard};
use types::VideoId;

use crate::explore::weights::POOL_MAX;
use crate::explore::{
    EVEN_SAMPLE_MAX, EvenSample, Explored, STREAM_FILL, STREAM_SAMPLE, even_place, numbers, sample,
};
use crate::history::Seen;
use crate::model::{Query, VideoCandidate};

/// Hashtags of the viewer that are looked under.
const HASHTAGS_READ: usize = 12;
/// Owed videos looked at under each.
const EACH_READ: usize = 64;
/// Weaker leanings are noise.
const LEANING_MIN: f32 = 0.2;
/// What being near is worth beside being behind, at most.
const NEAR_WORTH: f32 = 0.5;
/// The pool's parts; what one does not fill goes to those after it.
const NEAR_MAX: usize = 24;
const OWED_MAX: usize = 40;
const TRIED_MAX: usize = 52;
/// Steps of a walk.
const STEPS_MAX: usize = 2_000;
/// Draws from the catalog for the rest of the pool.
const FILL_DRAWS_MAX: usize = 256;

pub(crate) struct Explore(pub Arc<FeatureStore>);

impl Stage for Explore {
    fn name(&self) -> &'static str {
        "explore"
    }

    fn about(&self) -> &'static str {
        "new videos that are owed impressions, near ones first; videos being tried; a few drawn evenly"
    }
}

/// The candidates so far, no video twice.
struct Pool<'a> {
    catalog: &'a Catalog,
    seen: &'a Seen<'a>,
    taken: HashSet<VideoId>,
    candidates: Vec<VideoCandidate>,
    /// Those taken because they are owed, and how far behind they are.
    owed: Vec<(VideoId, f32)>,
}

impl Pool<'_> {
    /// Adds a video unless it may not be shown.
    fn add(&mut self, video: VideoId, urgency: f32) {
        let Some(slot) = self.catalog.slot_of(video) else {
            return;
        };
        let Some(facts) = self.catalog.facts_of(slot, video) else {
            return;
        };
        let is_fit = self.seen.may_see(facts.flags) && !self.seen.has(video) && self.taken.insert(video);
        if is_fit {
            let candidate = VideoCandidate::new(slot, video, event::Source::Explore);
            self.candidates.push(candidate);
            if urgency > 0.0 {
                self.owed.push((video, urgency));
            }
        }
    }

    /// Adds from a walk until the pool has `count_max`.
    fn fill(&mut self, walk: impl Iterator<Item = (VideoId, f32)>, count_max: usize) {
        for (video, urgency) in walk.take(STEPS_MAX) {
            if self.candidates.len() >= count_max {
                break;
            }
            self.add(video, urgency);
        }
    }
}

/// Owed videos under what the viewer likes: the more behind and the nearer the better.
fn near(query: &Query, board: &PoolBoard) -> Vec<(VideoId, f32)> {
    let liked = query
        .history
        .hashtags
        .iter()
        .filter(|(_, taste)| *taste >= LEANING_MIN);
    let mut found: Vec<(f32, u32)> = Vec::new();
    for (hashtag, taste) in liked.take(HASHTAGS_READ) {
        let worth = NEAR_WORTH * (taste / 2.0).tanh();
        for &place in board
            .owed_by_hashtag
            .get(hashtag)
            .into_iter()
            .flatten()
            .take(EACH_READ)
        {
            found.push((board.owed[place as usize].urgency + worth, place));
        }
    }
    found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let owed = found.into_iter().map(|(_, place)| board.owed[place as usize]);
    owed.map(|owed| (owed.video, owed.urgency)).collect()
}

impl Source<Query, VideoCandidate> for Explore {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let board = self.0.pool_board();
            let (catalog, seen) = (self.0.catalog(), query.history.seen());
            let mut pool = Pool {
                catalog: &catalog,
                seen: &seen,
                taken: HashSet::with_capacity(POOL_MAX * 2),
                candidates: Vec::with_capacity(POOL_MAX),
                owed: Vec::new(),
            };
            pool.fill(near(query, &board).into_iter(), NEAR_MAX);
            pool.fill(board.owed.iter().map(|owed| (owed.video, owed.urgency)), OWED_MAX);
            pool.fill(board.tried.iter().map(|&video| (video, 0.0)), TRIED_MAX);
            let numbers = numbers(query).with(STREAM_FILL);
            let even = (0..FILL_DRAWS_MAX as u64).filter_map(|draw| {
                let slot = numbers.below(draw, catalog.capacity());
                Some((catalog.facts_at(slot as u32)?.video, 0.0))
            });
            pool.fill(even, POOL_MAX);
            let mut owed = std::mem::take(&mut pool.owed);
            owed.sort_unstable_by_key(|(video, _)| *video);
            // A second answer to one query would be a mistake of the pipeline; the first stands.
            let _ = query.explored.set(Explored { owed });
            Ok(pool.candidates)
        })
    }
}

/// Source: the even sample of the whole catalog, on pages that have an even place.
pub(crate) struct EvenSampled(pub Arc<FeatureStore>);

impl Stage for EvenSampled {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn about(&self) -> &'static str {
        "on a page in twelve, a sample of the whole catalog in which every video is as likely as any other"
    }
}

impl Source<Query, VideoCandidate> for EvenSampled {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            if even_place(query, query.count).is_none() {
                return Ok(Vec::new());
            }
            let catalog = self.0.catalog();
            let bound = catalog.capacity();
            let room = query.ask(event::Source::Uniform).saturating_sub(POOL_MAX);
            let count = EVEN_SAMPLE_MAX.min(room).min(bound);
            let slots = sample(numbers(query).with(STREAM_SAMPLE).word(0), bound, count);
            // What the viewer has seen stays in for the filters to drop, as everything that is not eligible.
            let candidates = slots.into_iter().filter_map(|slot| {
                let video = catalog.facts_at(slot)?.video;
                Some(VideoCandidate::new(slot, video, event::Source::Uniform))
            });
            let candidates: Vec<VideoCandidate> = candidates.collect();
            let part = count as f64 / bound.max(1) as f64;
            let _ = query.even.set(EvenSample { part });
            Ok(candidates)
        })
    }
}
