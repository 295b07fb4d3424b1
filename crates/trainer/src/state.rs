//! The learner and its standing in the journal, moved together: live by takes as they are written, after a start by reading them again.

use event_log::{EventLog, ReadError};
use model::{RestoreError, SchemaError};

use crate::deltas::{DeltaConfig, Deltas};
use crate::journal::{Discontinuity, Entry, JOURNAL, Means, Range, Standing, Take};
use crate::learner::{Learner, LearnerParts, Placed};
use crate::reading::Reading;

const READ_BYTES_MAX: usize = 1 << 20;

/// Why the journal could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    #[error("the journal has a hole before its entry {0}")]
    Hole(u64),
    #[error("the journal from entry {0} on does not say where learning begins")]
    NoBeginning(u64),
    #[error("examples that the journal says were learned are gone: {range:?}")]
    Gone {
        range: Range,
        #[source]
        source: ReadError,
    },
    #[error("entry {offset} of the journal does not read")]
    Entry {
        offset: u64,
        #[source]
        source: RestoreError,
    },
    #[error("the journal contradicts itself")]
    Discontinuity(#[from] Discontinuity),
    #[error("the learner's parts do not fit together")]
    Schema(#[from] SchemaError),
}

impl ReplayError {
    /// Short and of few values, for a metric; none when the log itself, and not what is in it, is in trouble.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Read(_) | Self::Schema(_) => None,
            Self::Hole(_) | Self::NoBeginning(_) => Some("journal_gone"),
            Self::Gone { .. } => Some("examples_gone"),
            Self::Entry { .. } | Self::Discontinuity(_) => Some("journal_damaged"),
        }
    }
}

/// A learner and where in the journal it stands.
pub(crate) struct State {
    pub(crate) learner: Learner,
    pub(crate) standing: Standing,
    /// When the newest example that was learned was written; not part of the state proper.
    pub(crate) learned_at_ms: i64,
    /// What followers have not been told; none when there are none. A replay fills it too: whoever crashed may not have told.
    pub(crate) deltas: Option<Deltas>,
}

impl State {
    /// Knows nothing, and has not begun.
    pub(crate) fn blank(parts: &LearnerParts, deltas: Option<DeltaConfig>) -> Result<Self, SchemaError> {
        let learner = Learner::new(parts)?;
        Ok(Self::new(learner, Standing::default(), parts, deltas))
    }

    /// Out of a checkpoint.
    pub(crate) fn new(
        learner: Learner,
        standing: Standing,
        parts: &LearnerParts,
        deltas: Option<DeltaConfig>,
    ) -> Self {
        let mut learner = learner;
        if deltas.is_some() {
            learner.model_mut().table_mut().removals_record();
        }
        Self {
            learner,
            standing,
            learned_at_ms: i64::MIN,
            deltas: deltas.map(|config| Deltas::new(config, parts.fingerprint())),
        }
    }

    /// Does what a take says, with the examples it names; whether a version was published.
    pub(crate) fn learn(&mut self, take: &Take, examples: &[Placed]) -> bool {
        for &(viewer, weight) in &take.trust {
            self.learner.trust_set(viewer, weight);
        }
        self.learner.learn(examples);
        if let Some(deltas) = &mut self.deltas {
            deltas.note(examples, self.learner.model_mut().table_mut().removals_take());
        }
        let newest = examples.iter().map(|placed| placed.at_ms).max();
        self.learned_at_ms = self.learned_at_ms.max(newest.unwrap_or(i64::MIN));
        take.publish && self.learner.publish()
    }

    /// Follows the journal from `from` to before `to`; the number of takes.
    pub(crate) fn replay(
        &mut self,
        log: &dyn EventLog,
        parts: &LearnerParts,
        (from, to): (u64, u64),
    ) -> Result<u64, ReplayError> {
        let (mut next, mut takes) = (from, 0);
        while next < to {
            let records = match log.read(JOURNAL, next, READ_BYTES_MAX) {
                Ok(records) => records,
                Err(ReadError::Lost { next, .. }) => return Err(ReplayError::Hole(next)),
                Err(ReadError::Trimmed { first, .. }) => return Err(ReplayError::Hole(first)),
                Err(error) => return Err(error.into()),
            };
            if records.is_empty() {
                return Err(ReplayError::Hole(to));
            }
            for record in records.iter().take_while(|record| record.offset < to) {
                next = record.offset + 1;
                let entry = Entry::decode(&record.payload).map_err(|source| ReplayError::Entry {
                    offset: record.offset,
                    source,
                })?;
                match self.standing.follow(entry)? {
                    Means::Anew => self.anew(parts)?,
                    Means::Learn(take) => {
                        self.again(log, &take)?;
                        takes += 1;
                    }
                    Means::Copy(_) | Means::Nothing => {}
                }
            }
        }
        if from < to && !self.standing.has_begun() {
            return Err(ReplayError::NoBeginning(from));
        }
        Ok(takes)
    }

    fn anew(&mut self, parts: &LearnerParts) -> Result<(), SchemaError> {
        let deltas = self.deltas.as_ref().map(Deltas::config);
        let standing = std::mem::take(&mut self.standing);
        *self = Self::new(Learner::new(parts)?, standing, parts, deltas);
        Ok(())
    }

    fn again(&mut self, log: &dyn EventLog, take: &Take) -> Result<(), ReplayError> {
        let mut reading = Reading::default();
        for range in take.ranges.iter().filter(|range| !range.skipped) {
            let read = reading.whole(log, *range, READ_BYTES_MAX);
            read.map_err(|source| match source {
                ReadError::Trimmed { .. } | ReadError::Lost { .. } => ReplayError::Gone {
                    range: *range,
                    source,
                },
                source => source.into(),
            })?;
        }
        passed_over(&reading);
        self.learn(take, &reading.merged());
        Ok(())
    }
}

/// Counts what was read and cannot be learned.
pub(crate) fn passed_over(reading: &Reading) {
    for (reason, count) in [("poisoned", reading.poisoned), ("lost", reading.lost)] {
        if count > 0 {
            metrics::counter!("riffle_trainer_passed_over_total", "reason" => reason).increment(count);
            tracing::error!(reason, count, "records of the examples' topic cannot be learned");
        }
    }
}

/// The learner that the whole journal describes, made without interruption from nothing. It is what a learner that was interrupted, and went on
/// from checkpoints, must be equal to.
///
/// # Errors
/// See [`ReplayError`]; the journal and the examples must be there from their start.
pub fn replay(log: &dyn EventLog, parts: &LearnerParts) -> Result<Learner, ReplayError> {
    let mut state = State::blank(parts, None)?;
    state.replay(log, parts, (log.start(JOURNAL), log.end(JOURNAL)))?;
    Ok(state.learner)
}
