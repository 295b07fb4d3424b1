//! One learner at work: takes what is new, writes down that it does, learns it, shows it, and keeps checkpoints.
//!
//! The order is the promise. A take is appended before it is learned and not waited for; whatever leaves the process by the log comes after the
//! take in the same partition; a checkpoint waits until all its takes are durable. So whatever anybody outlives us with is a state that the
//! journal describes. The clock paces rounds and checkpoints; what it decides is written into the takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::EventLog;
use stream::keyed::{ManifestOffset, Objects, WATERMARK_NONE_MS};
use stream::{JobError, StopSignal};
use types::Fault;

use crate::checkpoint::Captured;
use crate::deltas::{DeltaConfig, Deltas};
use crate::journal::{Entry, JOURNAL, Range, Take};
use crate::learner::{LearnerParts, MICRO_BATCH_MAX};
use crate::live::{Learning, Live, Serving, ServingTowers, TrainerControl};
use crate::meters::Meters;
use crate::reading::{Reading, examples_of};
use crate::saver::{Save, SaverThread};
use crate::state::{State, passed_over};
use crate::writer::JournalWriter;

/// The learner's name among jobs: in metrics, in object storage, in the log's retention.
pub const TRAINER: &str = "trainer";

/// How the learner paces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainerConfig {
    /// A round begins so long after the one before it, milliseconds, sooner when a micro-batch is full.
    pub round_ms: u64,
    /// Examples of a round at most.
    pub round_examples_max: usize,
    /// About what one read of one partition brings into memory.
    pub read_bytes_max: usize,
    /// Versions are published so often, milliseconds.
    pub publish_ms: u64,
    /// The towers are shown so often at most, milliseconds: a copy of their weights each time, about a megabyte.
    pub towers_ms: u64,
    /// A checkpoint is due this long after the last one, milliseconds, if anything was learned.
    pub checkpoint_ms: u64,
    /// A checkpoint is due after this many examples, however soon that is: it bounds what a restart learns again.
    pub checkpoint_examples_max: u64,
    /// How long a wait for examples lasts at most, and so how late a stop is noticed, milliseconds.
    pub poll_ms_max: u64,
    /// None where nobody follows in another process.
    pub deltas: Option<DeltaConfig>,
}

impl Default for TrainerConfig {
    fn default() -> Self {
        Self {
            round_ms: 20,
            round_examples_max: 4_096,
            read_bytes_max: 1 << 20,
            publish_ms: 20,
            towers_ms: 1_000,
            checkpoint_ms: 60_000,
            checkpoint_examples_max: 1_000_000,
            poll_ms_max: 100,
            deltas: None,
        }
    }
}

/// What a trainer works with. Cheap to clone.
#[derive(Clone)]
pub struct TrainerParts {
    pub log: Arc<dyn EventLog>,
    /// Where checkpoints go.
    pub objects: Arc<dyn Objects>,
    pub learner: LearnerParts,
    pub config: TrainerConfig,
    /// Where readers find the model.
    pub live: Live,
    pub control: TrainerControl,
    /// Milliseconds since the Unix epoch: files entries of the journal and names checkpoints, decides nothing.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// See the module.
pub struct Trainer {
    pub(crate) parts: TrainerParts,
    pub(crate) state: State,
    pub(crate) journal: JournalWriter,
    pub(crate) saver: SaverThread,
    pub(crate) pace: Pace,
    /// Whether readers have this model already.
    pub(crate) serves: bool,
    pub(crate) meters: Meters,
}

/// When things were done last, by the process's own clock.
pub(crate) struct Pace {
    /// When the round began whose version readers have.
    pub(crate) published: Instant,
    /// Something was learned since.
    pub(crate) unpublished: bool,
    pub(crate) published_at_ms: i64,
    pub(crate) saved: Instant,
    pub(crate) saved_round: u64,
    pub(crate) saved_examples: u64,
    /// Failures of the saver that have been taken note of.
    pub(crate) failures: u32,
    /// Steps of the towers that readers have, and since when.
    pub(crate) towers: (u64, Instant),
}

impl Trainer {
    /// Learns everything that is durable now and publishes it; how many examples that were.
    ///
    /// # Errors
    /// Any [`JobError`].
    pub fn catch_up(&mut self) -> Result<u64, JobError> {
        let mut taken = 0;
        loop {
            match self.round()? {
                0 => break,
                more => taken += more,
            }
            self.upkeep()?;
        }
        if self.pace.unpublished {
            self.take(Reading::default(), Vec::new(), true)?;
        }
        self.upkeep()?;
        Ok(taken)
    }

    /// Learns examples as they become durable, until `stop`; then makes a checkpoint.
    ///
    /// # Errors
    /// Any [`JobError`].
    pub fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let round = Duration::from_millis(self.parts.config.round_ms);
        let mut generation = 0;
        while !stop.is_stopped() {
            self.strike(stop)?;
            // Taken before the ends are read, so that what comes in between ends the wait at once.
            let now = self.parts.log.wait(generation, Duration::ZERO);
            let began = Instant::now();
            let taken = self.round()?;
            self.upkeep()?;
            self.tell_up();
            generation = now;
            if taken >= MICRO_BATCH_MAX as u64 {
                continue;
            }
            if taken > 0 || self.pace.unpublished {
                stop.sleep(round.saturating_sub(began.elapsed()));
            } else {
                self.parts.log.wait(now, self.wait_max());
            }
        }
        self.close()
    }

    /// Does what somebody broke on purpose.
    fn strike(&self, stop: &StopSignal) -> Result<(), JobError> {
        match self.parts.control.fault() {
            None => Ok(()),
            Some(Fault::Panic) => panic!("the learner is broken on purpose"),
            Some(Fault::Error) => Err(JobError::State {
                job: TRAINER,
                source: "broken on purpose".into(),
            }),
            Some(Fault::Hang) => {
                let poll = Duration::from_millis(self.parts.config.poll_ms_max);
                while self.parts.control.fault() == Some(Fault::Hang) && !stop.sleep(poll) {}
                Ok(())
            }
        }
    }

    /// Others may rely on it once it is about as new as the log.
    fn tell_up(&self) {
        let control = &self.parts.control;
        if control.learning() != Learning::Up && self.lag() <= self.parts.config.round_examples_max as u64 {
            control.learning_set(Learning::Up);
        }
    }

    /// Makes a checkpoint of everything and waits for it.
    ///
    /// # Errors
    /// Any [`JobError`].
    pub fn close(&mut self) -> Result<(), JobError> {
        self.tell_followers(true)?;
        self.saver.wait().map_err(failed)?;
        self.note_failures();
        if self.state.standing.round != self.pace.saved_round {
            self.checkpoint()?;
        }
        self.saver.wait().map_err(failed)?;
        self.meters.due();
        self.meters
            .round(&self.parts, &self.state, &self.pace, &self.saver);
        match self.saver.failures() {
            0 => Ok(()),
            _ => Err(failed(
                std::io::Error::other("the last checkpoint could not be written").into(),
            )),
        }
    }

    /// A digest of the learner's state.
    pub fn state_hash(&mut self) -> model::StateHash {
        self.state.learner.state_hash()
    }

    /// The learner as it is.
    pub fn learner(&self) -> &crate::Learner {
        &self.state.learner
    }

    fn wait_max(&self) -> Duration {
        let poll = Duration::from_millis(self.parts.config.poll_ms_max);
        let deltas = self.state.deltas.as_ref().and_then(Deltas::due_in);
        deltas.map_or(poll, |due| due.clamp(Duration::from_millis(1), poll))
    }

    /// One round: what is new in each partition, bounded; how many examples' offsets it took.
    fn round(&mut self) -> Result<u64, JobError> {
        let began = Instant::now();
        let (reading, ranges) = self.read_on()?;
        let taken: u64 = ranges.iter().map(|range| range.to - range.from).sum();
        let publish =
            began.duration_since(self.pace.published) >= Duration::from_millis(self.parts.config.publish_ms);
        let has_news = taken > 0 || self.parts.control.trust_waits();
        if !(has_news || self.pace.unpublished && publish) {
            self.meters
                .round(&self.parts, &self.state, &self.pace, &self.saver);
            return Ok(0);
        }
        self.take(reading, ranges, publish)?;
        if publish {
            self.pace.published = began;
        }
        self.meters.took(taken, began);
        // Also while there is no end of news: a learner that is only busy must not look dead.
        self.meters
            .round(&self.parts, &self.state, &self.pace, &self.saver);
        Ok(taken)
    }

    fn read_on(&mut self) -> Result<(Reading, Vec<Range>), JobError> {
        let (log, config) = (&*self.parts.log, &self.parts.config);
        let next = |partition: u16| self.state.standing.next.get(&partition).copied().unwrap_or(0);
        let open =
            (0..log.partitions()).filter(|&partition| next(partition) < log.end(examples_of(partition)));
        let open: Vec<u16> = open.collect();
        let count_max = (config.round_examples_max / open.len().max(1)).max(1);
        let (mut reading, mut ranges) = (Reading::default(), Vec::with_capacity(open.len()));
        for partition in open {
            let from = next(partition);
            let range = reading.some(log, (partition, from), (config.read_bytes_max, count_max));
            let range = range.map_err(|source| JobError::Read { job: TRAINER, source })?;
            ranges.push(range);
        }
        passed_over(&reading);
        Ok((reading, ranges))
    }

    /// Writes a take down, and does what it says.
    fn take(&mut self, reading: Reading, ranges: Vec<Range>, publish: bool) -> Result<(), JobError> {
        let standing = &self.state.standing;
        let take = Take {
            epoch: standing.epoch,
            round: standing.round + 1,
            publish,
            trust: self.parts.control.trust_take(),
            ranges,
        };
        let entry = Entry::Take(take.clone());
        if let Err(error) = self.journal.append(&[entry], (self.parts.clock)()) {
            self.parts.control.trust_return(take.trust);
            return Err(error);
        }
        self.state.standing.took(&take);
        let examples = reading.merged();
        let published = self.state.learn(&take, &examples);
        self.pace.unpublished = !publish;
        if published {
            self.pace.published_at_ms = self.state.learned_at_ms;
            self.serve();
            self.serve_towers();
        }
        Ok(())
    }

    /// Shows the towers as they are, at most so often as copying them is cheap.
    fn serve_towers(&mut self) {
        let every = Duration::from_millis(self.parts.config.towers_ms);
        let (shown, since) = self.pace.towers;
        let Some(towers) = self.state.learner.towers_mut().filter(|_| self.serves) else {
            return;
        };
        if towers.steps() == 0 || towers.steps() == shown || shown > 0 && since.elapsed() < every {
            return;
        }
        self.pace.towers = (towers.steps(), Instant::now());
        let moved = towers.moved_take();
        self.parts.live.set_towers(ServingTowers {
            version: towers.version(),
            rows: towers.reader().clone(),
            moved: moved.into_iter().map(types::VideoId::from_raw).collect(),
        });
    }

    /// Puts the model in service, once it is about as new as the log.
    fn serve(&mut self) {
        if self.serves || self.lag() > self.parts.config.round_examples_max as u64 {
            return;
        }
        self.serves = true;
        let model = self.state.learner.model();
        self.parts.live.set(Serving {
            published: model.published(),
            rows: model.table().reader().clone(),
        });
    }

    /// Examples durable and not taken.
    fn lag(&self) -> u64 {
        lag(&self.parts, &self.state)
    }

    fn upkeep(&mut self) -> Result<(), JobError> {
        self.saver.failed().map_err(failed)?;
        self.tell_followers(false)?;
        self.note_failures();
        let config = &self.parts.config;
        let examples = self.state.learner.tally().read - self.pace.saved_examples;
        let is_due = self.state.standing.round != self.pace.saved_round
            && self.pace.saved.elapsed() >= Duration::from_millis(config.checkpoint_ms);
        let is_wanted = self.parts.control.is_checkpoint_wanted();
        if (is_due || is_wanted || examples >= config.checkpoint_examples_max) && !self.saver.is_busy() {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// After a checkpoint that failed another is due, though nothing may be new.
    fn note_failures(&mut self) {
        let failures = self.saver.failures();
        if failures > self.pace.failures {
            self.pace.saved_round = 0;
        }
        self.pace.failures = failures;
    }

    fn tell_followers(&mut self, all: bool) -> Result<(), JobError> {
        // What is learned again from far back is nobody's news before it has caught up.
        let Some(deltas) = self.state.deltas.as_mut().filter(|_| self.serves) else {
            return Ok(());
        };
        let standing = &self.state.standing;
        let at = (standing.epoch, standing.round, self.pace.published_at_ms);
        let entries = deltas.take(&self.state.learner, at, all);
        for entry in entries {
            self.journal.append(&[entry], (self.parts.clock)())?;
        }
        Ok(())
    }

    /// Hands a checkpoint to the saver, which is not busy.
    fn checkpoint(&mut self) -> Result<(), JobError> {
        let began = Instant::now();
        self.parts.control.checkpoint_begun();
        // Who follows from before the checkpoint does not read it, and who comes later reads on behind it.
        self.tell_followers(true)?;
        let journal_next = self.journal.settle()?;
        let offset = |of: event_log::TopicPartition, next| ManifestOffset {
            topic: of.topic.0,
            partition: of.partition,
            next,
            watermark_ms: WATERMARK_NONE_MS,
        };
        let standing = &self.state.standing;
        let examples = standing
            .next
            .iter()
            .map(|(&partition, &next)| offset(examples_of(partition), next));
        let offsets = examples.chain([offset(JOURNAL, journal_next)]).collect();
        let (_, index) = self.saver.written();
        let captured = Captured::of(&mut self.state.learner, &self.state.standing, &index);
        let captured = captured.map_err(|error| failed(error.into()))?;
        self.meters.captured(began);
        self.pace.saved = Instant::now();
        self.pace.saved_round = self.state.standing.round;
        self.pace.saved_examples = self.state.learner.tally().read;
        let save = Save {
            at_ms: (self.parts.clock)(),
            offsets,
            captured,
        };
        self.saver.save(save).map_err(failed)
    }
}

/// Examples durable and not taken.
pub(crate) fn lag(parts: &TrainerParts, state: &State) -> u64 {
    let behind = |partition: u16| {
        let next = state.standing.next.get(&partition).copied().unwrap_or(0);
        parts.log.end(examples_of(partition)).saturating_sub(next)
    };
    (0..parts.log.partitions()).map(behind).sum()
}

pub(crate) fn failed(source: stream::keyed::CheckpointError) -> JobError {
    JobError::Checkpoint { job: TRAINER, source }
}
