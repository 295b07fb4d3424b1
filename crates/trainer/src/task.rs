//! A learner that is opened again when it stumbled or died, so that a full disk, a slow store or a fault costs a pause and not the learner.
//!
//! A stumble (a store that does not answer) leaves the model in service: its memory is whole, and somebody reads it until it is too old. A death
//! (a panic, or a failure that is not likely to pass) takes it out of service at once, for nobody knows what was being written; the feed says so
//! and goes by its light score until the learner has been opened at its last checkpoint and has caught up with the log. Only one thing is final:
//! that another process owns the learner by now.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use stream::{JobError, StopSignal, Task};

use crate::live::Learning;
use crate::trainer::{TRAINER, Trainer, TrainerParts};

const BACKOFF_MS_FIRST: u64 = 100;
const BACKOFF_MS_MAX: u64 = 10_000;
/// A learner that worked for so long has not stumbled over the same thing: it is opened again soon.
const STEADY_MS: u64 = 60_000;

/// What runs a learner until it is stopped; see [`stream::spawn`]. It opens the learner on its own thread, so a long replay keeps nobody
/// else from starting.
pub struct TrainerTask {
    parts: TrainerParts,
}

impl TrainerTask {
    /// A learner that has not been opened.
    pub fn new(parts: TrainerParts) -> Self {
        Self { parts }
    }

    fn turn(&self, stop: &StopSignal) -> Result<(), JobError> {
        let turn = || Trainer::open(self.parts.clone())?.run(stop);
        catch_unwind(AssertUnwindSafe(turn)).unwrap_or(Err(JobError::Panicked { job: TRAINER }))
    }

    /// Notes how the learner ended; a short word for it.
    fn note(&self, error: &JobError) -> &'static str {
        let kind = match error {
            JobError::Panicked { .. } => "panic",
            error if error.is_transient() => "stumble",
            _ => "failure",
        };
        if kind != "stumble" {
            self.parts.control.learning_set(Learning::Down);
            self.parts.live.clear();
        }
        metrics::counter!("riffle_trainer_ended_total", "kind" => kind).increment(1);
        kind
    }
}

impl Task for TrainerTask {
    fn name(&self) -> &'static str {
        TRAINER
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        self.parts.control.learning_set(Learning::Starting);
        let mut backoff_ms = BACKOFF_MS_FIRST;
        loop {
            let began = Instant::now();
            let error = match self.turn(stop) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let kind = self.note(&error);
            if stop.is_stopped() || error.is_fenced() {
                return Err(error);
            }
            if began.elapsed() >= Duration::from_millis(STEADY_MS) {
                backoff_ms = BACKOFF_MS_FIRST;
            }
            metrics::counter!("riffle_trainer_retries_total").increment(1);
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, source, kind, backoff_ms, "the learner ended and goes on from its last checkpoint");
            stop.sleep(Duration::from_millis(backoff_ms));
            if stop.is_stopped() {
                return Err(error);
            }
            backoff_ms = (backoff_ms * 2).min(BACKOFF_MS_MAX);
        }
    }
}
