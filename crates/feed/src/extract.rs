//! Hydrator: what the model reads of the candidates that came through the cut, as a column of the query. It is computed here, once; the
//! scorer after it reads these rows, the served record holds them, and the learner learns from that record.

use candidate_pipeline::{Hydrator, Stage, StageError};
use feature::{Row, VideoFacts};
use feature_store::LiveFeatures;

use crate::facts;
use crate::model::{Query, VideoCandidate};

/// Rows read in one hold of the state's lock: a quarter of a millisecond.
const SLICE: usize = 32;
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
                state.query(&viewer, &context).extract_all(videos, rows);
            });
        }
        rows
    }
}

impl Stage for Extract {
    fn name(&self) -> &'static str {
        "extract"
    }

    fn about(&self) -> &'static str {
        "reads what the model reads of each candidate that went on; logged as read here"
    }
}

impl Hydrator<Query, VideoCandidate> for Extract {
    fn hydrate(&self, query: &Query, _: &mut [VideoCandidate]) -> Result<(), StageError> {
        if !query.is_personal() {
            // Nothing is read of the viewer, so nothing is logged to learn from.
            return Ok(());
        }
        let profiles = query.profiles.get().map_or(&[][..], Vec::as_slice);
        let videos: Vec<VideoFacts> = profiles.iter().map(|profile| facts::video(profile)).collect();
        query
            .rows
            .set(self.rows(query, &videos))
            .map_err(|_| StageError("rows were there already".into()))
    }
}
