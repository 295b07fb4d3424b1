//! A driver on a thread of its own, and the handle that ends it.

use std::thread::{self, JoinHandle};

use crate::driver::Driver;
use crate::error::JobError;
use crate::port::{Checkpoint, Operator};
use crate::stop::StopSignal;

/// What a thread of its own runs: a [`Driver`] or a [`crate::keyed::EngineTask`].
pub trait Task: Send + 'static {
    /// The job's name.
    fn name(&self) -> &'static str;

    /// Works until `stop`, then makes durable what it has done.
    ///
    /// # Errors
    /// Why the job failed for good.
    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError>;
}

impl<O: Operator, C: Checkpoint> Task for Driver<O, C> {
    fn name(&self) -> &'static str {
        Driver::name(self)
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        Driver::run(self, stop)
    }
}

/// A running job. Dropping the handle asks the job to stop and waits until it has committed.
#[derive(Debug)]
pub struct JobHandle {
    job: &'static str,
    stop: StopSignal,
    /// Taken by [`JobHandle::join`] or by drop.
    thread: Option<JoinHandle<Result<(), JobError>>>,
}

/// What a job's thread yields to the threads that take requests and commit them, and to a player's first picture: a job that is a
/// moment late costs nothing, an acknowledgement does. Encoders for later pictures yield more.
const NICENESS: i32 = 5;

/// Lowers this thread's priority where priorities are those of threads.
fn yield_to_requests() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "a job runs at the priority of requests");
    }
}

/// Runs `task` on a thread of its own until [`JobHandle::stop`], or until it fails for good.
///
/// # Errors
/// [`JobError::Thread`] when there is no thread to be had.
pub fn spawn(mut task: impl Task) -> Result<JobHandle, JobError> {
    let job = task.name();
    let stop = StopSignal::new();
    let theirs = stop.clone();
    let thread = thread::Builder::new().name(format!("job-{job}")).spawn(move || {
        let state = JobState::begin(job);
        yield_to_requests();
        let ended = task.run(&theirs);
        if let Err(error) = &ended {
            state.failed.set(1.0);
            let source = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(job, %error, source, "a job failed and stays down until the process restarts");
        }
        ended
    });
    let thread = thread.map_err(|source| JobError::Thread { job, source })?;
    Ok(JobHandle {
        job,
        stop,
        thread: Some(thread),
    })
}

/// The gauges that tell whether a job is up, also when it panics.
struct JobState {
    running: metrics::Gauge,
    failed: metrics::Gauge,
}

impl JobState {
    fn begin(job: &'static str) -> Self {
        let running = metrics::gauge!("riffle_stream_job_running", "job" => job);
        let failed = metrics::gauge!("riffle_stream_job_failed", "job" => job);
        running.set(1.0);
        failed.set(0.0);
        Self { running, failed }
    }
}

impl Drop for JobState {
    fn drop(&mut self) {
        self.running.set(0.0);
        if thread::panicking() {
            self.failed.set(1.0);
        }
    }
}

impl JobHandle {
    /// The job's name.
    pub fn name(&self) -> &'static str {
        self.job
    }

    /// Asks the job to commit and end; returns at once.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Whether the job's thread has ended, by failure or because it was stopped.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the job to end.
    ///
    /// # Errors
    /// Why it failed; [`JobError::Panicked`] when it panicked.
    pub fn join(mut self) -> Result<(), JobError> {
        self.ended()
    }

    fn ended(&mut self) -> Result<(), JobError> {
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or(Err(JobError::Panicked { job: self.job })),
            None => Ok(()),
        }
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        self.stop.stop();
        if let Err(error @ JobError::Panicked { .. }) = self.ended() {
            tracing::error!(job = self.job, %error, "a job ended badly");
        }
    }
}
