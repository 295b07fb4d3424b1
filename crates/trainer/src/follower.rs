//! Follows a learner of another process through the journal: rows as they moved and dense weights by version, in a table of its own.
//!
//! It begins with the newest checkpoint and reads on behind it; entries are absolute, so nothing is hurt by reading one twice. What it has lost sight
//! of, because retention was quicker, it fetches from a newer checkpoint. It learns nothing and writes nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::{EventLog, ReadError};
use model::table::{Key, Row};
use model::{DenseVersion, Model};
use stream::keyed::Objects;
use stream::{JobError, StopSignal, Task};

use crate::checkpoint::{Checkpoints, UnfitError};
use crate::journal::{Begin, Dense, Entry, JOURNAL, Rows};
use crate::learner::LearnerParts;
use crate::live::{Live, Serving};
use crate::trainer::TRAINER;

/// The follower's name among jobs.
pub const FOLLOWER: &str = "model_follower";

const READ_BYTES_MAX: usize = 1 << 20;
/// How long a wait for entries lasts at most, and so how late a stop is noticed.
const POLL_MAX: Duration = Duration::from_millis(100);
/// How often a checkpoint is looked for while one is needed.
const JOIN_EVERY: Duration = Duration::from_millis(500);
const BACKOFF_MS_FIRST: u64 = 100;
const BACKOFF_MS_MAX: u64 = 10_000;
/// Parts of one version; a version of 64 MiB is none of ours.
const PARTS_MAX: u16 = 256;

/// What a follower works with. Cheap to clone.
#[derive(Clone)]
pub struct FollowerParts {
    pub log: Arc<dyn EventLog>,
    /// Where the learner's checkpoints are.
    pub objects: Arc<dyn Objects>,
    /// The same as the learner's, or nothing it says is believed.
    pub learner: LearnerParts,
    /// Where readers find the model.
    pub live: Live,
}

/// How a follower stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FollowerStatus {
    /// Of the learner that is followed.
    pub epoch: u64,
    /// The last version shown, and when its newest example was written, milliseconds since the Unix epoch.
    pub version: u64,
    pub learned_at_ms: i64,
    /// Entries of the journal not read yet.
    pub lag_records: u64,
    /// Rows taken over, rows taken out, and rows that found no room.
    pub rows_put: u64,
    pub rows_removed: u64,
    pub rows_refused: u64,
    /// Entries or versions that do not read, or are of another model.
    pub refused: u64,
    /// Checkpoints begun from.
    pub joins: u64,
}

/// See the module.
pub struct Follower {
    parts: FollowerParts,
    fingerprint: u64,
    /// None until a checkpoint or the journal says where learning begins.
    model: Option<Model>,
    /// Whether readers have this model.
    serves: bool,
    /// The next entry to read.
    next: u64,
    /// Entries before this one were not seen: only a checkpoint behind them helps.
    missed: Option<u64>,
    joined: Option<Instant>,
    /// The parts of a version heard so far.
    assembly: Vec<Dense>,
    status: FollowerStatus,
}

impl Follower {
    /// Begins with the newest checkpoint, or where the journal begins.
    ///
    /// # Errors
    /// When object storage or the log cannot be read.
    pub fn open(parts: FollowerParts) -> Result<Self, JobError> {
        let mut follower = Self {
            fingerprint: parts.learner.fingerprint(),
            next: parts.log.start(JOURNAL),
            parts,
            model: None,
            serves: false,
            missed: None,
            joined: None,
            assembly: Vec::new(),
            status: FollowerStatus::default(),
        };
        follower.join()?;
        Ok(follower)
    }

    /// How it stands.
    pub fn status(&self) -> FollowerStatus {
        FollowerStatus {
            lag_records: self.parts.log.end(JOURNAL).saturating_sub(self.next),
            ..self.status
        }
    }

    /// The model as it has been followed so far; none before there is one.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// Reads everything that is durable now; how many entries.
    ///
    /// # Errors
    /// When object storage or the log cannot be read.
    pub fn catch_up(&mut self) -> Result<u64, JobError> {
        let mut entries = 0;
        loop {
            if self.model.is_none() || self.missed.is_some() {
                self.join_again()?;
            }
            match self.read_some()? {
                0 => break,
                some => entries += some,
            }
        }
        self.meter(entries);
        Ok(entries)
    }

    /// Follows until `stop`.
    ///
    /// # Errors
    /// As [`Follower::catch_up`].
    pub fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut generation = 0;
        while !stop.is_stopped() {
            let now = self.parts.log.wait(generation, Duration::ZERO);
            self.catch_up()?;
            generation = self.parts.log.wait(now, POLL_MAX);
        }
        Ok(())
    }

    fn read_some(&mut self) -> Result<u64, JobError> {
        let records = match self.parts.log.read(JOURNAL, self.next, READ_BYTES_MAX) {
            Ok(records) => records,
            Err(ReadError::Trimmed { first: next, .. } | ReadError::Lost { next, .. }) => {
                tracing::warn!(next, "the follower missed entries of the learner's journal");
                self.next = next;
                self.missed = Some(next);
                self.joined = None;
                return Ok(1);
            }
            Err(source) => {
                return Err(JobError::Read {
                    job: FOLLOWER,
                    source,
                });
            }
        };
        for record in &records {
            self.next = record.offset + 1;
            match Entry::decode(&record.payload) {
                Ok(entry) => self.follow(entry)?,
                Err(error) => self.refuse("entry", &error),
            }
        }
        Ok(records.len() as u64)
    }

    fn follow(&mut self, entry: Entry) -> Result<(), JobError> {
        if entry.epoch() < self.status.epoch {
            return Ok(());
        }
        self.status.epoch = entry.epoch();
        match entry {
            Entry::Begin(Begin { anew, .. }) => {
                self.assembly.clear();
                if anew.is_some() {
                    // Readers keep the old model until this one has something to say.
                    let parts = &self.parts.learner;
                    let blank = Model::new(parts.schema.clone(), parts.config.clone(), parts.seed);
                    self.model = Some(blank.map_err(|error| state(error.into()))?);
                    (self.serves, self.missed) = (false, None);
                }
            }
            Entry::Take(_) => {}
            Entry::Rows(rows) => self.rows(rows),
            Entry::Dense(dense) => self.dense(dense),
        }
        Ok(())
    }

    fn rows(&mut self, rows: Rows) {
        let Some(model) = &mut self.model else { return };
        let table = model.table_mut();
        for (bits, bytes) in rows.rows {
            let key = Key::from_bits(bits);
            let Some(bytes) = bytes else {
                self.status.rows_removed += u64::from(table.remove(key));
                continue;
            };
            match Row::from_bytes(&bytes).is_some_and(|row| table.put(key, &row)) {
                true => self.status.rows_put += 1,
                false => self.status.rows_refused += 1,
            }
        }
        // Lets the index grow; time stands still for it, so nothing expires by itself.
        table.tick(table.now_s());
    }

    fn dense(&mut self, dense: Dense) {
        if dense.fingerprint != self.fingerprint || dense.parts > PARTS_MAX {
            self.refuse("version", &"it is of another model");
            return;
        }
        if dense.part == 0 {
            self.assembly.clear();
        }
        let follows = usize::from(dense.part) == self.assembly.len()
            && self
                .assembly
                .iter()
                .all(|part| (part.round, part.parts) == (dense.round, dense.parts));
        if !follows {
            // Joined in the middle of it.
            self.assembly.clear();
            return;
        }
        let (is_last, at_ms) = (dense.part + 1 == dense.parts, dense.at_ms);
        self.assembly.push(dense);
        if is_last {
            let bytes: Vec<u8> = self.assembly.drain(..).flat_map(|part| part.bytes).collect();
            self.show(&bytes, at_ms);
        }
    }

    fn show(&mut self, bytes: &[u8], at_ms: i64) {
        let parts = &self.parts.learner;
        let version = match DenseVersion::decode(&parts.schema, &parts.config, bytes) {
            Ok(version) => version,
            Err(error) => return self.refuse("version", &error),
        };
        let Some(model) = self.model.as_ref().filter(|_| self.missed.is_none()) else {
            return;
        };
        (self.status.version, self.status.learned_at_ms) = (version.number, at_ms);
        model.published().replace(Arc::new(version));
        self.serve();
    }

    fn serve(&mut self) {
        if let Some(model) = self.model.as_ref().filter(|_| !self.serves) {
            self.serves = true;
            self.parts.live.set(Serving {
                published: model.published(),
                rows: model.table().reader().clone(),
            });
        }
    }

    fn refuse(&mut self, what: &'static str, why: &dyn std::fmt::Display) {
        self.status.refused += 1;
        metrics::counter!("riffle_follower_refused_total", "what" => what).increment(1);
        tracing::error!(what, why = %why, "the follower cannot use what the learner wrote");
    }

    fn join_again(&mut self) -> Result<(), JobError> {
        if self.joined.is_some_and(|at| at.elapsed() < JOIN_EVERY) {
            return Ok(());
        }
        self.join()
    }

    /// Begins with the newest checkpoint that fits and whose journal is still there.
    fn join(&mut self) -> Result<(), JobError> {
        self.joined = Some(Instant::now());
        let checkpoints = Checkpoints {
            objects: self.parts.objects.clone(),
            name: TRAINER,
        };
        let unfit = |error: UnfitError| match error {
            UnfitError::Fetch(source) => JobError::Checkpoint {
                job: FOLLOWER,
                source,
            },
            error => state(error.into()),
        };
        let versions = checkpoints
            .versions()
            .map_err(|error| unfit(UnfitError::Fetch(error.into())))?;
        for &version in versions.iter().rev() {
            let found = checkpoints.manifest(version).map_err(UnfitError::from);
            let found = found.and_then(|manifest| {
                let from = manifest.next(JOURNAL).map(|offset| offset.next);
                let reads_on =
                    |from: &u64| *from >= self.parts.log.start(JOURNAL).max(self.missed.unwrap_or(0));
                match from.filter(reads_on) {
                    Some(from) => Ok(checkpoints
                        .restore(&manifest, &self.parts.learner)?
                        .map(|it| (it, from))),
                    None => Ok(None),
                }
            });
            match found {
                Ok(Some((restored, from))) => {
                    self.status.epoch = restored.standing.epoch;
                    self.model = Some(restored.learner.into_model());
                    (self.next, self.missed, self.serves) = (from, None, false);
                    self.assembly.clear();
                    self.status.joins += 1;
                    self.status.version = self
                        .model
                        .as_ref()
                        .map_or(0, |model| model.published().pin().number);
                    metrics::counter!("riffle_follower_joins_total").increment(1);
                    tracing::info!(
                        version,
                        from,
                        "the follower begins with a checkpoint of the learner"
                    );
                    self.serve();
                    return Ok(());
                }
                Ok(None) => {}
                Err(error) if error.reason().is_none() => return Err(unfit(error)),
                Err(error) => self.refuse("checkpoint", &error),
            }
        }
        Ok(())
    }

    fn meter(&self, entries: u64) {
        let status = self.status();
        metrics::counter!("riffle_follower_entries_total").increment(entries);
        metrics::gauge!("riffle_follower_lag_records").set(status.lag_records as f64);
        if status.learned_at_ms > 0 {
            metrics::gauge!("riffle_follower_learned_at_ms").set(status.learned_at_ms as f64);
        }
        metrics::gauge!("riffle_follower_rows_refused").set(status.rows_refused as f64);
    }
}

fn state(source: Box<dyn std::error::Error + Send + Sync>) -> JobError {
    JobError::State {
        job: FOLLOWER,
        source,
    }
}

/// What runs a follower until it is stopped, and opens it again when it stumbled; see [`stream::spawn`].
pub struct FollowerTask {
    parts: FollowerParts,
}

impl FollowerTask {
    /// A follower that has not been opened.
    pub fn new(parts: FollowerParts) -> Self {
        Self { parts }
    }
}

impl Task for FollowerTask {
    fn name(&self) -> &'static str {
        FOLLOWER
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut backoff_ms = BACKOFF_MS_FIRST;
        loop {
            let turn = Follower::open(self.parts.clone()).and_then(|mut follower| follower.run(stop));
            let error = match turn {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() && !stop.is_stopped() => error,
                Err(error) => return Err(error),
            };
            metrics::counter!("riffle_follower_retries_total").increment(1);
            tracing::warn!(%error, backoff_ms, "the follower stumbled and begins again with a checkpoint");
            if stop.sleep(Duration::from_millis(backoff_ms)) {
                return Err(error);
            }
            backoff_ms = (backoff_ms * 2).min(BACKOFF_MS_MAX);
        }
    }
}
