//! A learner that is opened again when it stumbled, so that a full disk or a slow store costs a pause and not the learner.

use std::time::Duration;

use stream::{JobError, StopSignal, Task};

use crate::trainer::{TRAINER, Trainer, TrainerParts};

const BACKOFF_MS_FIRST: u64 = 100;
const BACKOFF_MS_MAX: u64 = 10_000;

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
        Trainer::open(self.parts.clone())?.run(stop)
    }
}

impl Task for TrainerTask {
    fn name(&self) -> &'static str {
        TRAINER
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut backoff_ms = BACKOFF_MS_FIRST;
        loop {
            let error = match self.turn(stop) {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() && !stop.is_stopped() => error,
                Err(error) => return Err(error),
            };
            metrics::counter!("riffle_trainer_retries_total").increment(1);
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, source, backoff_ms, "the learner stumbled and goes on from its last checkpoint");
            stop.sleep(Duration::from_millis(backoff_ms));
            if stop.is_stopped() {
                return Err(error);
            }
            backoff_ms = (backoff_ms * 2).min(BACKOFF_MS_MAX);
        }
    }
}
