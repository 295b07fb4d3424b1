//! The loop of one job: read, process, tell the checkpoint, commit.
//!
//! The order is the promise: a record is processed, then `applied` says so, then one commit makes state and
//! offsets durable. A crash anywhere in between loses the uncommitted state together with its offsets.
//! The clock here only paces commits; no result depends on it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use event_log::{EventLog, ReadError, Record, TopicPartition};

use crate::error::JobError;
use crate::keyed::JobControl;
use crate::port::{Checkpoint, Operator};
use crate::stop::StopSignal;

/// How a driver reads and commits.
#[derive(Debug, Clone)]
pub struct DriverConfig {
    /// About what one read of one partition brings into memory.
    pub read_bytes_max: usize,
    /// A commit is due this long after the last one, if anything was applied.
    pub commit_interval_ms: u64,
    /// A commit is due after this many records, however soon that is.
    pub commit_records_max: u64,
    /// How long a wait for records lasts at most, and so how late a stop is noticed.
    pub poll_ms_max: u64,
    /// Pause after a pass that found records, so that a busy log is read in hundreds of passes a second, not in thousands that
    /// take the processor from the threads that answer. The first record after a quiet time is not delayed.
    pub linger_us: u64,
    /// The longest pause between two tries after a transient error; the first is 10 ms.
    pub backoff_ms_max: u64,
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self {
            read_bytes_max: 256 << 10,
            commit_interval_ms: 500,
            commit_records_max: 100_000,
            poll_ms_max: 100,
            linger_us: 1_000,
            backoff_ms_max: 5_000,
        }
    }
}

const BACKOFF_MS_FIRST: u64 = 10;

/// Runs one operator over one log.
pub struct Driver<O, C> {
    log: Arc<dyn EventLog>,
    checkpoint: Arc<C>,
    operator: O,
    config: DriverConfig,
    /// Empty until the checkpoint has told where to resume.
    cursors: Vec<Cursor>,
    /// Records applied since the last commit.
    uncommitted: u64,
    committed_at: Instant,
    lag: metrics::Gauge,
    records: metrics::Counter,
    /// Asks for commits from outside.
    control: JobControl,
}

/// How far the job is in one partition.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    of: TopicPartition,
    next: u64,
    committed: u64,
}

impl<O: Operator, C: Checkpoint> Driver<O, C> {
    /// A driver that has not read anything yet.
    pub fn new(log: Arc<dyn EventLog>, checkpoint: Arc<C>, operator: O, config: DriverConfig) -> Self {
        let job = operator.name();
        Self {
            log,
            checkpoint,
            operator,
            config,
            cursors: Vec::new(),
            uncommitted: 0,
            committed_at: Instant::now(),
            lag: metrics::gauge!("riffle_stream_lag_records", "job" => job),
            records: metrics::counter!("riffle_stream_processed_records_total", "job" => job),
            control: JobControl::new(),
        }
    }

    /// Lets `control` ask for commits, for a job whose commits are checkpoints that people see.
    #[must_use]
    pub fn with_control(mut self, control: &JobControl) -> Self {
        control.status.write().job = self.operator.name();
        self.control = control.clone();
        self
    }

    /// Processes everything that is durable now, commits, and returns how many records that were.
    ///
    /// # Errors
    /// Any [`JobError`]; what was committed before stays committed, and calling again goes on from there.
    pub fn catch_up(&mut self) -> Result<u64, JobError> {
        self.resume()?;
        let ends: Vec<u64> = self
            .cursors
            .iter()
            .map(|cursor| self.log.end(cursor.of))
            .collect();
        let mut processed = 0;
        for (at, end) in ends.into_iter().enumerate() {
            while self.cursors[at].next < end {
                processed += self.step(at, end)?;
                self.commit_if_due()?;
            }
        }
        self.commit()?;
        self.lag_measure();
        Ok(processed)
    }

    /// Processes records as they become durable, until `stop`; then commits what is applied. Transient
    /// errors are logged and tried again, each time after a longer pause.
    ///
    /// # Errors
    /// A [`JobError`] that is not transient, or that still stands when `stop` is given.
    pub fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut generation = 0;
        let mut backoff_ms = BACKOFF_MS_FIRST;
        while !stop.is_stopped() {
            match self.round(&mut generation) {
                Ok(processed) => {
                    backoff_ms = BACKOFF_MS_FIRST;
                    if processed > 0 {
                        stop.sleep(Duration::from_micros(self.config.linger_us));
                    }
                }
                Err(error) if error.is_transient() => {
                    self.retry_note(&error, backoff_ms);
                    stop.sleep(Duration::from_millis(backoff_ms));
                    backoff_ms = (backoff_ms * 2).min(self.config.backoff_ms_max);
                }
                Err(error) => return Err(error),
            }
        }
        self.commit()
    }

    /// One pass over all partitions, or one wait when there was nothing; how many records it processed.
    fn round(&mut self, generation: &mut u64) -> Result<u64, JobError> {
        self.resume()?;
        // Taken before the ends are read, so that what comes in between ends the wait at once.
        let now = self.log.wait(*generation, Duration::ZERO);
        let mut processed = 0;
        for at in 0..self.cursors.len() {
            let end = self.log.end(self.cursors[at].of);
            if self.cursors[at].next < end {
                processed += self.step(at, end)?;
            }
            self.commit_if_due()?;
        }
        self.lag_measure();
        *generation = now;
        if processed == 0 {
            self.log.wait(now, self.wait_max());
        }
        Ok(processed)
    }

    /// Until a commit is due, at most the poll interval.
    fn wait_max(&self) -> Duration {
        let poll = Duration::from_millis(self.config.poll_ms_max);
        if self.uncommitted == 0 {
            return poll;
        }
        let interval = Duration::from_millis(self.config.commit_interval_ms);
        poll.min(interval.saturating_sub(self.committed_at.elapsed()))
    }

    /// Learns where to go on, once; a job's name and topics never change.
    fn resume(&mut self) -> Result<(), JobError> {
        if !self.cursors.is_empty() {
            return Ok(());
        }
        let mut cursors = Vec::new();
        for topic in self.operator.topics() {
            for partition in 0..self.log.partitions() {
                let of = TopicPartition {
                    topic: *topic,
                    partition,
                };
                let next = self.resume_in(of)?;
                cursors.push(Cursor {
                    of,
                    next,
                    committed: next,
                });
            }
        }
        self.cursors = cursors;
        self.committed_at = Instant::now();
        self.log.retain(self.operator.name(), &self.positions());
        Ok(())
    }

    fn resume_in(&self, of: TopicPartition) -> Result<u64, JobError> {
        let job = self.operator.name();
        let next = self.checkpoint.resume_at(job, of);
        let next = next.map_err(|error| match C::is_transient(&error) {
            true => JobError::Resume {
                job,
                source: error.into(),
            },
            false => JobError::Ended {
                job,
                source: error.into(),
            },
        })?;
        let (start, end) = (self.log.start(of), self.log.end(of));
        if next > end {
            return Err(JobError::Ahead {
                job,
                from: of,
                offset: next,
                end,
            });
        }
        if next == 0 && start > 0 {
            // A job younger than the log's retention begins with what is left.
            tracing::warn!(job, from = ?of, start, "a new job begins after records that retention removed");
            return Ok(start);
        }
        Ok(next)
    }

    /// Reads once from the partition at `at`, up to `end`, and processes what came.
    fn step(&mut self, at: usize, end: u64) -> Result<u64, JobError> {
        if self.operator.full() {
            // Also after a commit that failed: nothing more is read until one succeeds.
            self.commit()?;
        }
        let Cursor { of, next, .. } = self.cursors[at];
        let job = self.operator.name();
        let records = match self.log.read(of, next, self.config.read_bytes_max) {
            Err(ReadError::Lost { next: after, .. }) => {
                self.cursors[at].next = lost_note(job, of, next, after);
                self.uncommitted += 1;
                self.checkpoint.applied(job, of, after);
                return Ok(0);
            }
            records => records.map_err(|source| JobError::Read { job, source })?,
        };
        let due = records.iter().take_while(|record| record.offset < end);
        let mut processed = 0;
        for record in due {
            self.process(record);
            processed += 1;
        }
        self.cursors[at].next += processed;
        self.uncommitted += processed;
        self.records.increment(processed);
        self.checkpoint.applied(job, of, self.cursors[at].next);
        Ok(processed)
    }

    fn process(&mut self, record: &Record) {
        if let Err(poisoned) = self.operator.process(record) {
            let (job, reason) = (self.operator.name(), poisoned.reason);
            metrics::counter!("riffle_stream_poisoned_records_total", "job" => job, "reason" => reason)
                .increment(1);
            tracing::debug!(job, reason, from = ?record.from, offset = record.offset, "passed over a poisoned record");
        }
    }

    fn commit_if_due(&mut self) -> Result<(), JobError> {
        let interval = Duration::from_millis(self.config.commit_interval_ms);
        let due = self.uncommitted >= self.config.commit_records_max
            || (self.uncommitted > 0 && self.committed_at.elapsed() >= interval);
        if self.control.wanted.swap(false, Ordering::AcqRel) {
            self.commit_of(|_| true)
        } else if due {
            self.commit()
        } else {
            Ok(())
        }
    }

    /// Commits every partition that moved; nothing when none did.
    fn commit(&mut self) -> Result<(), JobError> {
        self.commit_of(|cursor| cursor.next > cursor.committed)
    }

    fn commit_of(&mut self, is_meant: impl Fn(&Cursor) -> bool) -> Result<(), JobError> {
        let moved = self.cursors.iter().filter(|cursor| is_meant(cursor));
        let offsets: Vec<(TopicPartition, u64)> = moved.map(|cursor| (cursor.of, cursor.next)).collect();
        if offsets.is_empty() {
            return Ok(());
        }
        let job = self.operator.name();
        let began = Instant::now();
        let committed = self.checkpoint.commit(job, &offsets);
        committed.map_err(|error| match C::is_transient(&error) {
            true => JobError::Commit {
                job,
                source: error.into(),
            },
            false => JobError::Ended {
                job,
                source: error.into(),
            },
        })?;
        metrics::histogram!("riffle_stream_commit_ms", "job" => job)
            .record(began.elapsed().as_secs_f64() * 1e3);
        for cursor in &mut self.cursors {
            cursor.committed = cursor.next;
        }
        self.uncommitted = 0;
        self.committed_at = Instant::now();
        self.log.retain(job, &self.positions());
        Ok(())
    }

    /// Where the job would go on after a crash: the log keeps what comes from there on.
    fn positions(&self) -> Vec<(TopicPartition, u64)> {
        self.cursors
            .iter()
            .map(|cursor| (cursor.of, cursor.committed))
            .collect()
    }

    fn lag_measure(&self) {
        let behind = self
            .cursors
            .iter()
            .map(|cursor| self.log.end(cursor.of).saturating_sub(cursor.next));
        let behind: u64 = behind.sum();
        self.lag.set(behind as f64);
        self.control.status.write().lag_records = behind;
    }

    fn retry_note(&self, error: &JobError, backoff_ms: u64) {
        let job = self.operator.name();
        metrics::counter!("riffle_stream_retries_total", "job" => job).increment(1);
        let source = std::error::Error::source(error).map(ToString::to_string);
        tracing::warn!(job, %error, source, backoff_ms, "a job stumbled and tries again");
    }

    pub(crate) fn name(&self) -> &'static str {
        self.operator.name()
    }
}

/// Counts the records of a hole that a repair left in the log, and says so; where to go on.
pub(crate) fn lost_note(job: &'static str, from: TopicPartition, next: u64, after: u64) -> u64 {
    metrics::counter!("riffle_stream_lost_records_total", "job" => job).increment(after.saturating_sub(next));
    tracing::error!(
        job,
        ?from,
        next,
        after,
        "passed over records that a repair of the log gave up"
    );
    after
}
