//! A job in several processes: an engine for each partition this process owns, opened and closed as ownership moves.
//!
//! The membership says what is owned; the checkpoints' conditional put is what keeps two owners apart. On a good day a partition is
//! closed with a last checkpoint before it is released; on any other its new owner goes on from the last one there is, and the
//! old one is fenced, forgets everything and joins again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event_log::membership::{Change, Membership, MembershipError};

use crate::JobError;
use crate::job::Task;
use crate::keyed::contract::{Job, Sink};
use crate::keyed::engine::{Engine, EngineParts};
use crate::keyed::meters::JobControl;
use crate::stop::StopSignal;

const BACKOFF_MS_FIRST: u64 = 100;
const BACKOFF_MS_MAX: u64 = 10_000;

/// Joins the group, anew after a stumble.
pub type Join = Box<dyn FnMut() -> Result<Box<dyn Membership>, MembershipError> + Send>;
/// The sink of one partition. Its rows are partial: readers add the partitions up.
pub type SinkOf<J> = Arc<dyn Fn(u16) -> Arc<dyn Sink<<J as Job>::Row>> + Send + Sync>;

/// What runs the partitions of a job that this process owns; see [`crate::spawn`].
pub struct GroupTask<J: Job> {
    /// For every partition alike, but for its number, its sink and its folder.
    parts: EngineParts<J>,
    sink_of: SinkOf<J>,
    join: Join,
    control: JobControl,
}

/// The partitions at hand, between joining and leaving.
struct Owning<J: Job> {
    membership: Box<dyn Membership>,
    engines: BTreeMap<u16, Engine<J>>,
}

impl<J: Job> GroupTask<J> {
    /// Nothing happens before it runs. The sink and the partition in `parts` are not used.
    pub fn new(parts: EngineParts<J>, sink_of: SinkOf<J>, join: Join, control: JobControl) -> Self {
        Self {
            parts,
            sink_of,
            join,
            control,
        }
    }

    fn member(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let job = self.parts.job.name();
        let membership = (self.join)().map_err(|source| JobError::Membership { job, source })?;
        let mut owning = Owning {
            membership,
            engines: BTreeMap::new(),
        };
        let mut quiet = true;
        while !stop.is_stopped() {
            let patience = if quiet { self.parts.config.poll_ms_max } else { 0 };
            let patience = if owning.engines.is_empty() {
                Duration::from_millis(patience)
            } else {
                Duration::ZERO
            };
            match owning.membership.poll(patience) {
                Ok(Some(change)) => self.change(&mut owning, change)?,
                // What is owned stays owned.
                Ok(None) | Err(MembershipError::Unreachable(_)) => {}
                Err(source) => return Err(JobError::Membership { job, source }),
            }
            let mut processed = 0;
            for engine in owning.engines.values_mut() {
                processed += engine.turn()?;
            }
            quiet = processed == 0;
            let pause = match quiet {
                true => Duration::from_millis(self.parts.config.poll_ms_max),
                false => Duration::from_micros(self.parts.config.linger_us),
            };
            if !owning.engines.is_empty() {
                stop.sleep(pause);
            }
        }
        self.leave(owning)
    }

    fn change(&self, owning: &mut Owning<J>, change: Change) -> Result<(), JobError> {
        let job = self.parts.job.name();
        match change {
            Change::Assigned(owned) => {
                for owned in owned {
                    let engine = Engine::open(self.parts_of(owned.partition), &self.control)?;
                    tracing::info!(
                        job,
                        partition = owned.partition,
                        epoch = owned.epoch,
                        "took a partition over"
                    );
                    owning.engines.insert(owned.partition, engine);
                }
            }
            Change::Revoked(partitions) => {
                for partition in partitions {
                    if let Some(engine) = owning.engines.remove(&partition) {
                        engine.close()?;
                        tracing::info!(job, partition, "gave a partition away");
                    }
                }
                owning
                    .membership
                    .release()
                    .map_err(|source| JobError::Membership { job, source })?;
            }
            Change::Lost(partitions) => partitions.iter().for_each(|partition| {
                tracing::warn!(
                    job,
                    partition,
                    "lost a partition: this process was not heard of in time"
                );
                owning.engines.remove(partition);
            }),
        }
        Ok(())
    }

    fn parts_of(&self, partition: u16) -> EngineParts<J> {
        EngineParts {
            sink: (self.sink_of)(partition),
            dir: self.parts.dir.join(format!("p{partition:03}")),
            partition: Some(partition),
            ..self.parts.clone()
        }
    }

    fn leave(&self, mut owning: Owning<J>) -> Result<(), JobError> {
        for (_, engine) in std::mem::take(&mut owning.engines) {
            engine.close()?;
        }
        Ok(())
    }
}

impl<J: Job> Task for GroupTask<J> {
    fn name(&self) -> &'static str {
        self.parts.job.name()
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut backoff_ms = BACKOFF_MS_FIRST;
        loop {
            let error = match self.member(stop) {
                Ok(()) => return Ok(()),
                // Fenced means that somebody owned the partition in between: join again and see.
                Err(error) if (error.is_transient() || error.is_fenced()) && !stop.is_stopped() => error,
                Err(error) => return Err(error),
            };
            let job = self.parts.job.name();
            metrics::counter!("riffle_stream_retries_total", "job" => job).increment(1);
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(job, %error, source, backoff_ms, "a member of a job's group stumbled and joins again");
            stop.sleep(Duration::from_millis(backoff_ms));
            if stop.is_stopped() {
                return Err(error);
            }
            backoff_ms = (backoff_ms * 2).min(BACKOFF_MS_MAX);
        }
    }
}
