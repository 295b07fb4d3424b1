//! Scorer: the learned value of the candidates that have a row. It takes over from the light score by and by, as the learner gains experience;
//! while there is no learner to rely on, the light score stands and that is counted with its reason.

use std::sync::Arc;

use candidate_pipeline::{Scorer, Stage, StageError};
use feature::{Registry, Row};
use model::{Predictions, RowRef};
use parking_lot::Mutex;
use ranking::{Ranker, Value, row_ref};
use trainer::{Learning, Live, Serving, TrainerControl};
use types::TimestampMs;

use crate::model::{Query, VideoCandidate};

/// Below so many examples the model knows nothing that the light score does not.
const EXAMPLES_MIN: u64 = 200;
/// After so many examples the learned value has half of the say.
const EXAMPLES_HALF: u64 = 20_000;
/// Answers kept for the next requests, 0.6 MB each.
const SPARE_MAX: usize = 8;

/// The learner as the feed sees it.
#[derive(Clone)]
pub struct LearnerParts {
    /// The model in service.
    pub live: Live,
    /// How the learner stands.
    pub control: TrainerControl,
    /// A learner that has not been heard of for so long stands still: what it knows is growing old.
    pub silence_ms_max: i64,
}

/// Why the light score stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unlearned {
    /// Nobody learns here.
    Off,
    /// There is no model yet.
    Missing,
    /// It has seen too little.
    Untrained,
    /// Its learner died, and has not caught up since.
    Down,
    /// Its learner stands still.
    Stale,
    /// It answered with something that is no number.
    Broken,
    /// What it reads could not be read.
    Unread,
    /// The viewer wants a feed that is not personal.
    Unwanted,
}

impl Unlearned {
    /// The reason as a metric's label.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Missing => "missing",
            Self::Untrained => "untrained",
            Self::Down => "down",
            Self::Stale => "stale",
            Self::Broken => "broken",
            Self::Unread => "unread",
            Self::Unwanted => "unwanted",
        }
    }
}

pub(crate) struct Learned {
    learner: Option<LearnerParts>,
    value: Value,
    spare: Mutex<Vec<Predictions>>,
}

impl Learned {
    pub(crate) fn new(learner: Option<LearnerParts>, registry: &Registry) -> Self {
        Self {
            learner,
            value: Value::new(&ranking::schema(registry)),
            spare: Mutex::default(),
        }
    }

    /// The values of `rows`, and how much they count, 0 to 1.
    fn values(&self, serving: &Serving, value: &Value, rows: &[Row]) -> Result<(Vec<f32>, f32), Unlearned> {
        let (version, table) = serving.pin();
        if version.examples < EXAMPLES_MIN {
            return Err(Unlearned::Untrained);
        }
        let mut answers = self.spare.lock().pop().unwrap_or_default();
        let refs: Vec<RowRef<'_>> = rows.iter().map(row_ref).collect();
        Ranker::new(&version, table).score_refs(&refs, &mut answers);
        let values: Vec<f32> = (0..rows.len()).map(|row| value.of(&answers, row)).collect();
        let mut spare = self.spare.lock();
        if spare.len() < SPARE_MAX {
            spare.push(answers);
        }
        drop(spare);
        match values.iter().all(|value| value.is_finite()) {
            true => Ok((values, say(version.examples))),
            false => Err(Unlearned::Broken),
        }
    }

    fn blend(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<f32, Unlearned> {
        if !query.is_personal() {
            return Err(Unlearned::Unwanted);
        }
        let serving = serving(self.learner.as_ref(), query.now_ms)?;
        let rows = query.rows.get().ok_or(Unlearned::Unread)?;
        let value = query
            .steering
            .as_ref()
            .map_or(&self.value, |steering| steering.value());
        let (values, say) = self.values(&serving, value, rows)?;
        for candidate in candidates {
            if let Some(value) = values.get(candidate.place as usize) {
                candidate.score += say * (value - candidate.score);
            }
        }
        let _ = query.learned_share.set(say);
        Ok(say)
    }
}

/// The model to rely on, if there is one.
pub(crate) fn serving(
    learner: Option<&LearnerParts>,
    now_ms: TimestampMs,
) -> Result<Arc<Serving>, Unlearned> {
    let learner = learner.ok_or(Unlearned::Off)?;
    if learner.control.learning() == Learning::Down {
        return Err(Unlearned::Down);
    }
    let serving = learner.live.get().ok_or(Unlearned::Missing)?;
    if learner.control.heard_ms() < now_ms.saturating_sub(learner.silence_ms_max) {
        return Err(Unlearned::Stale);
    }
    Ok(serving)
}

/// How much the learned value counts after so many examples, 0 to 1.
fn say(examples: u64) -> f32 {
    examples as f32 / (examples + EXAMPLES_HALF) as f32
}

impl Stage for Learned {
    fn name(&self) -> &'static str {
        "learned"
    }

    fn about(&self) -> &'static str {
        "asks the model in service about each row and weighs its answers, the more the more it has learned"
    }
}

impl Scorer<Query, VideoCandidate> for Learned {
    fn score(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        match self.blend(query, candidates) {
            Ok(say) => {
                metrics::counter!("riffle_feed_learned_pages_total").increment(1);
                metrics::gauge!("riffle_feed_learned_share").set(f64::from(say));
            }
            Err(unlearned) => {
                metrics::counter!("riffle_feed_light_pages_total", "reason" => unlearned.reason())
                    .increment(1);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "learned_tests.rs"]
mod tests;
