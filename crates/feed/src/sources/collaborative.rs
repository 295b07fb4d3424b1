//! Source: videos that people like this viewer watch to the end, by the vectors of the learner's two towers.
//!
//! Two questions: around the viewer's own vector, which knows all that the model knows and moves slowly, and around the mean of the last
//! positives' vectors, which moves with each swipe. Where no towers are learned, or too little, it gives nothing, and says why in a count.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use feature::{Row, VideoFacts};
use feature_store::{FeatureStore, LiveFeatures};
use model::towers::{TowerScratch, WIDTH};
use parking_lot::Mutex;
use ranking::row_ref;
use trainer::{Live, ServingTowers};
use types::{UserId, VideoId};

use super::found;
use crate::facts;
use crate::model::{Query, VideoCandidate};
use crate::vectors::{VideoVectors, Wish, mean};

/// Steps of the towers before they are asked.
const STEPS_MIN: u64 = 20;
/// The last positives that the fast question is of, and how much less each counts than the one after it.
const LAST: usize = 8;
const FADE: f32 = 0.85;
/// The part of the places that the fast question has.
const FAST_PART: f32 = 0.5;
/// Buffers kept for the next requests, 20 kB each.
const SPARE_MAX: usize = 8;

pub(crate) struct Collaborative {
    pub store: Arc<FeatureStore>,
    pub vectors: Arc<VideoVectors>,
    pub features: LiveFeatures,
    pub live: Option<Live>,
    pub spare: Mutex<Vec<(Row, TowerScratch)>>,
}

impl Stage for Collaborative {
    fn name(&self) -> &'static str {
        "collaborative"
    }

    fn about(&self) -> &'static str {
        "videos whose vector is near the viewer's, and near those of what they liked last, by the learner's towers"
    }
}

impl Source<Query, VideoCandidate> for Collaborative {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            let towers = match self.towers() {
                Ok(towers) => towers,
                Err(reason) => {
                    metrics::counter!("riffle_feed_collaborative_idle_total", "reason" => reason)
                        .increment(1);
                    return Ok(Vec::new());
                }
            };
            let count = query.ask(event::Source::Collaborative);
            let fast = self.of_the_last(query);
            let fast_count = fast.map_or(0, |_| (FAST_PART * count as f32) as usize);
            let slow = Wish {
                vector: self.of_the_viewer(query, &towers),
                count: count - fast_count,
            };
            let mut wishes = vec![slow];
            wishes.extend(fast.map(|vector| Wish {
                vector,
                count: fast_count,
            }));
            let videos = self.vectors.ask(&self.vectors.collaborative, &wishes);
            Ok(found(&self.store, query, event::Source::Collaborative, videos))
        })
    }
}

impl Collaborative {
    fn towers(&self) -> Result<Arc<ServingTowers>, &'static str> {
        let live = self.live.as_ref().ok_or("off")?;
        let towers = live.towers().ok_or("missing")?;
        match towers.version.steps >= STEPS_MIN {
            true => Ok(towers),
            false => Err("untrained"),
        }
    }

    /// The viewer tower's vector as of this request.
    fn of_the_viewer(&self, query: &Query, towers: &ServingTowers) -> [f32; WIDTH] {
        let (mut row, mut scratch) = self.spare.lock().pop().unwrap_or_default();
        let (viewer, context) = (facts::viewer(query), facts::context(query));
        // The viewer's tower reads nothing of the video.
        let nothing = VideoFacts::new(VideoId::from_raw(0), UserId::from_raw(0));
        self.features
            .read(|state| state.query(&viewer, &context).extract(&nothing, &mut row));
        let mut out = Vec::with_capacity(WIDTH);
        towers
            .version
            .viewers(&towers.rows, &[row_ref(&row)], &mut scratch, &mut out);
        let mut spare = self.spare.lock();
        if spare.len() < SPARE_MAX {
            spare.push((row, scratch));
        }
        out.first_chunk().copied().unwrap_or([0.0; WIDTH])
    }

    /// The mean of the last positives' vectors; none when the index knows none of them.
    fn of_the_last(&self, query: &Query) -> Option<[f32; WIDTH]> {
        let last = query.history.positives.iter().take(LAST);
        let vectors: Vec<[f32; WIDTH]> = last
            .filter_map(|video| self.vectors.collaborative_of(*video))
            .collect();
        let weights = std::iter::successors(Some(1.0), |weight| Some(weight * FADE));
        mean(vectors.iter().zip(weights))
    }
}
