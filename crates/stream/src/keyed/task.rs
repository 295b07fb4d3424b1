//! An engine that is opened again when it stumbled, so that a full disk or a slow store costs a pause and not the job.

use std::time::Duration;

use crate::JobError;
use crate::job::Task;
use crate::keyed::contract::Job;
use crate::keyed::engine::{Engine, EngineParts};
use crate::keyed::meters::JobControl;
use crate::stop::StopSignal;

const BACKOFF_MS_FIRST: u64 = 100;
const BACKOFF_MS_MAX: u64 = 10_000;

/// What runs a job until it is stopped; see [`crate::spawn`].
pub struct EngineTask<J: Job> {
    parts: EngineParts<J>,
    control: JobControl,
    /// None between a stumble and the next try.
    engine: Option<Engine<J>>,
}

impl<J: Job> EngineTask<J> {
    /// Opens the job and processes everything that is durable now.
    ///
    /// # Errors
    /// Any [`JobError`].
    pub fn open(parts: EngineParts<J>, control: JobControl) -> Result<Self, JobError> {
        let mut engine = Engine::open(parts.clone(), &control)?;
        engine.catch_up()?;
        Ok(Self {
            parts,
            control,
            engine: Some(engine),
        })
    }

    fn turn(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::open(self.parts.clone(), &self.control)?,
        };
        engine.run(stop)?;
        engine.close()
    }
}

impl<J: Job> Task for EngineTask<J> {
    fn name(&self) -> &'static str {
        self.parts.job.name()
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut backoff_ms = BACKOFF_MS_FIRST;
        loop {
            let error = match self.turn(stop) {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() && !stop.is_stopped() => error,
                Err(error) => return Err(error),
            };
            let job = self.parts.job.name();
            metrics::counter!("riffle_stream_retries_total", "job" => job).increment(1);
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(job, %error, source, backoff_ms, "a job stumbled and goes on from its last checkpoint");
            stop.sleep(Duration::from_millis(backoff_ms));
            if stop.is_stopped() {
                return Err(error);
            }
            backoff_ms = (backoff_ms * 2).min(BACKOFF_MS_MAX);
        }
    }
}
