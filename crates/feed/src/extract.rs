//! Scorer that scores nothing: gives the best candidates, by the light score, what the model reads. It is computed here, once; the scorer after
//! it reads these rows, the served record holds them, and the learner learns from that record.
//!
//! What exploration may draw gets a row too, whatever its light score: what is served without one teaches nothing. All others fall
//! behind those with a row.

use std::sync::Arc;

use candidate_pipeline::{Scorer, StageError};
use event::Source;
use feature::{Row, VideoFacts};
use feature_store::LiveFeatures;

use crate::facts;
use crate::model::{Query, VideoCandidate};

/// Candidates that are looked at as the model does, beside those of exploration: ten pages, 20 µs each.
pub(crate) const RANKED_MAX: usize = 200;
/// Rows read in one hold of the state's lock: a quarter of a millisecond.
const SLICE: usize = 32;
/// By how much the score of a candidate without a row is lowered: more than any value is below any light score.
const UNRANKED_BELOW: f32 = 4.0;
/// Ids of a row, about.
const IDS_ABOUT: usize = 48;

pub(crate) struct Extract {
    live: LiveFeatures,
    /// Values of a row.
    width: usize,
}

impl Extract {
    pub(crate) fn new(live: LiveFeatures, width: usize) -> Self {
        Self { live, width }
    }

    /// The rows of `videos`, in their order.
    fn rows(&self, query: &Query, videos: &[VideoFacts]) -> Vec<Row> {
        let (viewer, context) = (facts::viewer(query), facts::context(query));
        let mut rows: Vec<Row> = videos
            .iter()
            .map(|_| Row {
                ids: Vec::with_capacity(IDS_ABOUT),
                dense: Vec::with_capacity(self.width),
                duration_ms: 0,
            })
            .collect();
        for (videos, rows) in videos.chunks(SLICE).zip(rows.chunks_mut(SLICE)) {
            self.live.read(|state| {
                let viewer_side = state.query(&viewer, &context);
                for (video, row) in videos.iter().zip(rows) {
                    viewer_side.extract(video, row);
                }
            });
        }
        rows
    }
}

impl Scorer<Query, VideoCandidate> for Extract {
    fn name(&self) -> &'static str {
        "extract"
    }

    fn score(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        let chosen = best(candidates);
        let videos: Vec<VideoFacts> = chosen
            .iter()
            .map(|&at| facts::video(&candidates[at].profile))
            .collect();
        for (&at, row) in chosen.iter().zip(self.rows(query, &videos)) {
            candidates[at].row = Some(Arc::new(row));
        }
        let unranked = candidates.iter_mut().filter(|candidate| candidate.row.is_none());
        unranked.for_each(|candidate| candidate.score -= UNRANKED_BELOW);
        Ok(())
    }
}

/// Places of the candidates worth a row, ascending.
fn best(candidates: &[VideoCandidate]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..candidates.len()).collect();
    if places.len() <= RANKED_MAX {
        return places;
    }
    places.select_nth_unstable_by(RANKED_MAX, |&a, &b| {
        let (a, b) = (&candidates[a], &candidates[b]);
        let by_score = b.score.total_cmp(&a.score);
        by_score.then_with(|| b.profile.video.cmp(&a.profile.video))
    });
    let explored = places.split_off(RANKED_MAX);
    let may_explore = |at: &usize| candidates[*at].sources.contains(&Source::Explore);
    places.extend(explored.into_iter().filter(may_explore));
    places.sort_unstable();
    places
}
