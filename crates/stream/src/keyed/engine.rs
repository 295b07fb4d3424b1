//! The engine of one job: epochs, their order, and when a checkpoint is due.
//!
//! What an epoch does to state is in [`crate::keyed::worker`], what a checkpoint is in [`crate::keyed::checkpoint`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use event_log::EventLog;

use crate::JobError;
use crate::keyed::checkpoint::{Save, SaverThread};
use crate::keyed::contract::{Job, Sink};
use crate::keyed::local::Lane;
use crate::keyed::manifest::ManifestOffset;
use crate::keyed::meters::Meters;
use crate::keyed::objects::Objects;
use crate::keyed::shelf::Shelf;
use crate::keyed::time::WATERMARK_NONE_MS;
use crate::keyed::worker::{Cursor, Reach, Worker};
use crate::stop::StopSignal;

/// How an engine reads, remembers and saves.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Threads of an epoch that has much to do; a small one runs on the engine's own thread.
    pub workers: usize,
    /// About what one read of one partition brings into memory.
    pub read_bytes_max: usize,
    /// A checkpoint is due this long after the last one, if anything changed.
    pub checkpoint_interval_ms: u64,
    /// A checkpoint is due, and waited for, when this many keys changed, however soon that is: changed keys cannot leave memory.
    pub dirty_keys_max: usize,
    /// State held in memory by each worker, changed keys apart.
    pub cache_bytes_max: usize,
    /// Pause after an epoch that found records; see [`crate::DriverConfig::linger_us`].
    pub linger_us: u64,
    /// How long a wait for records lasts at most: how late a stop, and a timer of a quiet partition, is noticed.
    pub poll_ms_max: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            read_bytes_max: 256 << 10,
            checkpoint_interval_ms: 10_000,
            dirty_keys_max: 1_000_000,
            cache_bytes_max: 256 << 20,
            linger_us: 1_000,
            poll_ms_max: 100,
        }
    }
}

/// Records waiting for an epoch, from which on its phases are worth threads of their own.
const PARALLEL_RECORDS_MIN: u64 = 4_000;
/// Hops a delta may take through stage two within an epoch; a job that sends round in circles is broken.
const HOPS_MAX: usize = 8;

/// What an engine is made of.
pub struct EngineParts<J: Job> {
    pub job: Arc<J>,
    pub sink: Arc<dyn Sink<J::Row>>,
    pub log: Arc<dyn EventLog>,
    pub objects: Arc<dyn Objects>,
    /// One partition alone, with state and checkpoints of its own; none: all of them together. A job that runs in several
    /// processes is cut this way, and its sink adds up what the partitions tell.
    pub partition: Option<u16>,
    /// Folder of the local copy of the state; one engine's alone.
    pub dir: PathBuf,
    /// Milliseconds since the Unix epoch: moves the time of partitions that are idle, and dates checkpoints.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub config: EngineConfig,
}

impl<J: Job> Clone for EngineParts<J> {
    fn clone(&self) -> Self {
        Self {
            job: self.job.clone(),
            sink: self.sink.clone(),
            log: self.log.clone(),
            objects: self.objects.clone(),
            partition: self.partition,
            dir: self.dir.clone(),
            clock: self.clock.clone(),
            config: self.config.clone(),
        }
    }
}

impl<J: Job> EngineParts<J> {
    /// What checkpoints are kept under: the job's name, and the partition's number when it has one to itself.
    pub fn scope(&self) -> String {
        let job = self.job.name();
        match self.partition {
            None => job.to_owned(),
            Some(partition) => format!("{job}.p{partition:03}"),
        }
    }

    /// The partitions it reads.
    pub(crate) fn partitions(&self) -> std::ops::Range<u16> {
        match self.partition {
            None => 0..self.log.partitions(),
            Some(partition) => partition..partition + 1,
        }
    }
}

/// A job at work. Dropping it leaves the last checkpoint as the place to go on from; [`Engine::close`] makes a last one.
pub struct Engine<J: Job> {
    pub(crate) parts: EngineParts<J>,
    pub(crate) workers: Vec<Worker<J>>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) saver: SaverThread,
    /// The next checkpoint's version.
    pub(crate) version: u64,
    pub(crate) rows: Vec<J::Row>,
    /// Asked for from outside; see [`crate::keyed::JobControl`].
    pub(crate) wanted: Arc<AtomicBool>,
    pub(crate) meters: Meters,
    /// When the last checkpoint began, and whether anything moved since.
    pub(crate) saved_at: Instant,
    pub(crate) moved: bool,
    /// The watermark of all active partitions; never goes back.
    pub(crate) watermark_ms: i64,
}

impl<J: Job> Engine<J> {
    /// Processes everything that is durable now; how many records that were. Checkpoints when one is due.
    ///
    /// # Errors
    /// Any [`JobError`]; the engine is then of no more use: open another, which goes on from the last checkpoint.
    pub fn catch_up(&mut self) -> Result<u64, JobError> {
        let mut processed = 0;
        loop {
            let epoch = self.turn()?;
            processed += epoch;
            if epoch == 0 && self.lag() == 0 {
                return Ok(processed);
            }
        }
    }

    /// Processes records as they become durable, until `stop`.
    ///
    /// # Errors
    /// See [`Engine::catch_up`].
    pub fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut generation = 0;
        while !stop.is_stopped() {
            // Taken before the ends are read, so that what comes in between ends the wait at once.
            let now = self.parts.log.wait(generation, Duration::ZERO);
            let processed = self.turn()?;
            generation = now;
            if processed == 0 {
                self.parts
                    .log
                    .wait(now, Duration::from_millis(self.parts.config.poll_ms_max));
            } else {
                stop.sleep(Duration::from_micros(self.parts.config.linger_us));
            }
        }
        Ok(())
    }

    /// One epoch, and a checkpoint when one is due; how many records it processed.
    ///
    /// # Errors
    /// See [`Engine::catch_up`].
    pub fn turn(&mut self) -> Result<u64, JobError> {
        let processed = self.epoch()?;
        self.checkpoint_if_due()?;
        Ok(processed)
    }

    /// One pass over all partitions; how many records it processed.
    ///
    /// # Errors
    /// See [`Engine::catch_up`].
    pub fn epoch(&mut self) -> Result<u64, JobError> {
        let reach = Reach {
            bytes_max: self.parts.config.read_bytes_max,
            slowest_ms: self.slowest_ms().unwrap_or(WATERMARK_NONE_MS),
            now_ms: (self.parts.clock)(),
        };
        let began: u64 = self.cursors().map(|cursor| cursor.next).sum();
        let parallel = self.workers.len() > 1 && self.lag() >= PARALLEL_RECORDS_MIN;
        let log = self.parts.log.clone();
        let read = each(&mut self.workers, parallel, |worker| worker.source(&*log, reach));
        let job = self.parts.job.name();
        read.map_err(|source| JobError::Read { job, source })?;
        self.watermark_move(reach.now_ms);
        self.exchange(parallel);
        let watermark_ms = self.watermark_ms;
        each_always(&mut self.workers, parallel, |worker| worker.timers(watermark_ms));
        self.exchange(parallel);
        self.rows_hand_over(parallel)?;
        let processed = self.cursors().map(|cursor| cursor.next).sum::<u64>() - began;
        self.moved |= processed > 0;
        for cursor in self.workers.iter().flat_map(Worker::cursors) {
            self.parts.sink.applied(cursor.of, cursor.next);
        }
        self.parts.sink.epoch_end(watermark_ms, reach.now_ms);
        self.tally(reach.now_ms);
        Ok(processed)
    }

    fn cursors(&self) -> impl Iterator<Item = &Cursor> {
        self.workers.iter().flat_map(Worker::cursors)
    }

    /// The watermark of the slowest cursor that has something to read.
    fn slowest_ms(&self) -> Option<i64> {
        let active = self.cursors().filter(|cursor| !cursor.idle);
        active.map(|cursor| cursor.watermark_ms).min()
    }

    fn watermark_move(&mut self, now_ms: i64) {
        let clock_ms = self.parts.job.time_policy().watermark_ms(now_ms);
        let idle_ms = || {
            self.cursors()
                .map(|cursor| cursor.watermark_ms)
                .max()
                .unwrap_or(WATERMARK_NONE_MS)
                .max(clock_ms)
        };
        let reached_ms = self.slowest_ms().unwrap_or_else(idle_ms);
        self.watermark_ms = self.watermark_ms.max(reached_ms);
    }

    /// Carries deltas to the workers of their keys and folds them, until none are left.
    fn exchange(&mut self, parallel: bool) {
        let watermark_ms = self.watermark_ms;
        for hop in 0.. {
            if self.workers.iter().all(|worker| worker.outbox.is_empty()) {
                return;
            }
            assert!(
                hop < HOPS_MAX,
                "job {} sends deltas round in circles",
                self.parts.job.name()
            );
            let workers = self.workers.len();
            let mut incoming: Vec<Vec<_>> = (0..workers).map(|_| Vec::with_capacity(workers)).collect();
            for worker in &mut self.workers {
                for (to, deltas) in worker.outbox.to.iter_mut().enumerate() {
                    incoming[to].push(std::mem::take(deltas));
                }
            }
            let mut pairs: Vec<_> = self.workers.iter_mut().zip(&mut incoming).collect();
            each_always(&mut pairs, parallel, |(worker, incoming)| {
                for deltas in incoming.iter_mut() {
                    worker.fold(deltas, watermark_ms);
                }
            });
            drop(pairs);
            self.outboxes_return(incoming);
        }
    }

    /// Gives emptied lanes back to whoever filled them, for their capacity.
    fn outboxes_return(&mut self, incoming: Vec<Vec<Lane<J>>>) {
        for (to, lanes) in incoming.into_iter().enumerate() {
            for (worker, lane) in self.workers.iter_mut().zip(lanes) {
                if worker.outbox.to[to].is_empty() {
                    worker.outbox.to[to] = lane;
                }
            }
        }
    }

    fn rows_hand_over(&mut self, parallel: bool) -> Result<(), JobError> {
        let job = self.parts.job.name();
        let made = each(&mut self.workers, parallel, Worker::rows_make);
        made.map_err(|source| JobError::State {
            job,
            source: Box::new(source),
        })?;
        for worker in &mut self.workers {
            self.rows.append(&mut worker.rows);
        }
        if self.rows.is_empty() {
            return Ok(());
        }
        self.meters.rows.increment(self.rows.len() as u64);
        let taken = self.parts.sink.apply(&mut self.rows);
        self.rows.clear();
        taken.map_err(|source| JobError::Sink { job, source })
    }

    /// Records durable and not yet processed.
    pub fn lag(&self) -> u64 {
        let log = &self.parts.log;
        let behind = self
            .cursors()
            .map(|cursor| log.end(cursor.of).saturating_sub(cursor.next));
        behind.sum()
    }

    fn checkpoint_if_due(&mut self) -> Result<(), JobError> {
        if let Some(source) = self.saver.failed_take() {
            return Err(self.checkpoint_error(source));
        }
        let dirty: usize = self.workers.iter().map(Worker::dirty_len).sum();
        let full = dirty >= self.parts.config.dirty_keys_max;
        if full && self.saver.is_busy() {
            self.saver
                .wait()
                .map_err(|source| self.checkpoint_error(source))?;
        }
        self.sweep_if_over();
        let interval = Duration::from_millis(self.parts.config.checkpoint_interval_ms);
        let changed = self.moved || dirty > 0;
        let wanted = self.wanted.load(Ordering::Acquire);
        let due = full || wanted || (changed && self.saved_at.elapsed() >= interval);
        if due && !self.saver.is_busy() {
            self.wanted.store(false, Ordering::Release);
            self.checkpoint_begin()?;
        }
        Ok(())
    }

    fn sweep_if_over(&mut self) {
        if self.workers.iter().any(Worker::is_over) {
            let published = self.saver.published();
            self.workers.iter_mut().for_each(|worker| worker.sweep(published));
        }
    }

    fn checkpoint_begin(&mut self) -> Result<(), JobError> {
        let version = self.version;
        self.version += 1;
        let parallel = self.workers.len() > 1;
        let entries = each_collect(&mut self.workers, parallel, |worker| worker.drain_dirty(version));
        self.parts.sink.boundary(version);
        let offsets = self.cursors().map(|cursor| ManifestOffset {
            topic: cursor.of.topic.0,
            partition: cursor.of.partition,
            next: cursor.next,
            watermark_ms: cursor.watermark_ms,
        });
        let save = Save {
            version,
            at_ms: (self.parts.clock)(),
            offsets: offsets.collect(),
            entries,
        };
        self.saved_at = Instant::now();
        self.moved = false;
        let published = self.saver.published();
        // Empty values that the last checkpoint has taken away need not stay.
        self.workers.iter_mut().for_each(|worker| worker.sweep(published));
        let begun = self.saver.save(save);
        begun.map_err(|source| self.checkpoint_error(source))
    }

    /// Makes a checkpoint now and waits until it is published; its version.
    ///
    /// # Errors
    /// See [`Engine::catch_up`].
    pub fn checkpoint(&mut self) -> Result<u64, JobError> {
        self.saver
            .wait()
            .map_err(|source| self.checkpoint_error(source))?;
        self.checkpoint_begin()?;
        self.saver
            .wait()
            .map_err(|source| self.checkpoint_error(source))?;
        Ok(self.version - 1)
    }

    /// Makes a last checkpoint, if anything changed, and marks the local copy as whole.
    ///
    /// # Errors
    /// See [`Engine::catch_up`].
    pub fn close(mut self) -> Result<(), JobError> {
        self.saver
            .wait()
            .map_err(|source| self.checkpoint_error(source))?;
        if self.moved || self.workers.iter().any(|worker| worker.dirty_len() > 0) {
            self.checkpoint()?;
        }
        let stamped = self.shelf.stamp_put(self.saver.published());
        stamped.map_err(|source| self.checkpoint_error(source.into()))
    }

    fn checkpoint_error(&self, source: crate::keyed::CheckpointError) -> JobError {
        let job = self.parts.job.name();
        JobError::Checkpoint { job, source }
    }

    /// Forgets nothing and fires every timer, as if all partitions had reached the end of time; for finite inputs.
    ///
    /// # Errors
    /// See [`Engine::catch_up`].
    pub fn drain(&mut self) -> Result<u64, JobError> {
        let processed = self.catch_up()?;
        let clock = std::mem::replace(&mut self.parts.clock, Arc::new(|| i64::MAX));
        let drained = self.epoch();
        self.parts.clock = clock;
        drained.map(|more| processed + more)
    }

    /// Bytes of the local copy on disk, and about what is in memory.
    pub fn state_bytes(&self) -> (u64, usize) {
        (
            self.shelf.disk_bytes(),
            self.workers.iter().map(Worker::state_bytes).sum(),
        )
    }

    /// All state and timers in the order of their keys, as one object: equal for equal state, whatever made it.
    ///
    /// # Errors
    /// See [`Engine::catch_up`]; it makes a checkpoint first.
    pub fn snapshot(&mut self) -> Result<Vec<u8>, JobError> {
        self.checkpoint()?;
        let mut entries = crate::keyed::entries::Entries::default();
        for row in self.shelf.scan() {
            let (key, value) = row.map_err(|source| self.checkpoint_error(source.into()))?;
            entries.push_raw(&key, Some(&value));
        }
        Ok(entries.object())
    }

    fn tally(&mut self, now_ms: i64) {
        let lag = self.lag();
        let tallies: Vec<_> = self
            .workers
            .iter_mut()
            .map(|worker| std::mem::take(&mut worker.tally))
            .collect();
        let sizes = self
            .workers
            .iter()
            .map(|worker| (worker.keys_len(), worker.state_bytes(), worker.timers_len()));
        let held = self.cursors().filter(|cursor| cursor.idle).count();
        self.meters
            .epoch(&tallies, sizes, lag, held, self.watermark_ms, now_ms);
    }
}

/// Runs `phase` on every worker, on threads of their own when that pays.
fn each_collect<W: Send, T: Send>(
    workers: &mut [W],
    parallel: bool,
    phase: impl Fn(&mut W) -> T + Sync,
) -> Vec<T> {
    let [first, rest @ ..] = workers else {
        return Vec::new();
    };
    if !parallel {
        let mut done = vec![phase(first)];
        done.extend(rest.iter_mut().map(phase));
        return done;
    }
    std::thread::scope(|scope| {
        let phase = &phase;
        let others: Vec<_> = rest
            .iter_mut()
            .map(|worker| scope.spawn(move || phase(worker)))
            .collect();
        let mut done = vec![phase(first)];
        for other in others {
            match other.join() {
                Ok(result) => done.push(result),
                Err(panicked) => std::panic::resume_unwind(panicked),
            }
        }
        done
    })
}

fn each<W: Send, E: Send>(
    workers: &mut [W],
    parallel: bool,
    phase: impl Fn(&mut W) -> Result<(), E> + Sync,
) -> Result<(), E> {
    each_collect(workers, parallel, phase).into_iter().collect()
}

fn each_always<W: Send>(workers: &mut [W], parallel: bool, phase: impl Fn(&mut W) + Sync) {
    each_collect(workers, parallel, phase);
}
