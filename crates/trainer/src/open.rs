//! Opening the learner: its last checkpoint, the claim that fences whoever had it before, and the takes since.

use std::collections::BTreeMap;
use std::time::Instant;

use event_log::{EventLog, ReadError, TopicPartition};
use stream::JobError;
use stream::keyed::{Manifest, ManifestOffset, WATERMARK_NONE_MS};

use crate::checkpoint::{Checkpoints, Index, UnfitError};
use crate::journal::{Begin, Entry, JOURNAL};
use crate::live::Serving;
use crate::meters::Meters;
use crate::reading::examples_of;
use crate::saver::SaverThread;
use crate::state::{ReplayError, State};
use crate::trainer::{Pace, TRAINER, Trainer, TrainerParts, failed};
use crate::writer::JournalWriter;

const READ_BYTES_MAX: usize = 1 << 20;

impl Trainer {
    /// Opens the learner where its last checkpoint and the takes since have brought it, and claims it.
    ///
    /// A checkpoint that is damaged, or whose takes cannot be followed any more, is passed over for the one before it; when none is left, or when
    /// schema or configuration have changed, learning begins anew with all examples that the log still has. Each is logged and counted.
    ///
    /// # Errors
    /// Any [`JobError`] but those of learning.
    pub fn open(parts: TrainerParts) -> Result<Self, JobError> {
        let checkpoints = Checkpoints {
            objects: parts.objects.clone(),
            name: TRAINER,
        };
        let began = Instant::now();
        let found = found(&parts, &checkpoints)?;
        let Found {
            mut state,
            index,
            claim,
            serves,
        } = found;
        checkpoints.publish(&claim).map_err(failed)?;
        let mut journal = JournalWriter::new(parts.log.clone(), TRAINER, claim.epoch);
        let begin = Entry::Begin(Begin {
            epoch: claim.epoch,
            anew: state.anew,
        });
        let began_at = journal.begin(&begin, (parts.clock)())?;
        // What whoever had it before wrote until we began, and the beginning itself.
        let rest = (state.followed, began_at + 1);
        let replayed = state.state.replay(&*parts.log, &parts.learner, rest);
        let takes = state.takes + replayed.map_err(unreplayed)?;
        let mut state = state.state;
        check_ends(&parts, &mut state)?;
        tracing::info!(
            epoch = claim.epoch,
            round = state.standing.round,
            takes,
            seconds = began.elapsed().as_secs_f64(),
            "the learner is open"
        );
        metrics::histogram!("riffle_trainer_open_ms").record(began.elapsed().as_secs_f64() * 1e3);
        let saver = SaverThread::spawn(checkpoints, parts.log.clone(), claim, index);
        let saver = saver.map_err(|source| JobError::Thread { job: TRAINER, source })?;
        let now = Instant::now();
        let pace = Pace {
            published: now,
            // Readers in this process have the last version that the journal tells of; one more does no harm.
            unpublished: takes > 0,
            published_at_ms: state.learned_at_ms,
            saved: now,
            saved_round: if takes > 0 { 0 } else { state.standing.round },
            saved_examples: state.learner.tally().read,
            failures: 0,
            towers: (0, Instant::now()),
        };
        Ok(Self {
            parts,
            state,
            journal,
            saver,
            pace,
            serves,
            meters: Meters::new(),
        })
    }
}

fn serving(state: &State) -> Serving {
    let model = state.learner.model();
    Serving {
        published: model.published(),
        rows: model.table().reader().clone(),
    }
}

/// A learner as far as the journal goes, and the claim that makes it ours.
struct Found {
    state: Followed,
    index: Index,
    claim: Manifest,
    /// Whether readers have it.
    serves: bool,
}

/// A state that has followed the journal for a while.
struct Followed {
    state: State,
    /// The entry to go on with.
    followed: u64,
    takes: u64,
    /// Where to begin, for a learner that knows nothing.
    anew: Option<BTreeMap<u16, u64>>,
}

/// Why a checkpoint is passed over.
enum Passed {
    Unfit(UnfitError),
    Unreplayed(ReplayError),
    /// The log is not the one that it was taken beside.
    Log(JobError),
}

impl Passed {
    /// None when it is not the checkpoint's fault.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Unfit(error) => error.reason(),
            Self::Unreplayed(error) => error.reason(),
            Self::Log(_) => None,
        }
    }

    fn told(self, version: u64) -> Result<(), JobError> {
        let Some(reason) = self.reason() else {
            return Err(match self {
                Self::Unfit(error) => unfit(error),
                Self::Unreplayed(error) => unreplayed(error),
                Self::Log(error) => error,
            });
        };
        metrics::counter!("riffle_trainer_fallbacks_total", "reason" => reason).increment(1);
        let error = match &self {
            Self::Unfit(error) => Some(error as &dyn std::error::Error),
            Self::Unreplayed(error) => Some(error as &dyn std::error::Error),
            Self::Log(_) => None,
        };
        tracing::error!(
            version,
            reason,
            error,
            "a checkpoint of the learner is passed over"
        );
        Ok(())
    }
}

/// Goes through the checkpoints, newest first, until one can be gone on from.
fn found(parts: &TrainerParts, checkpoints: &Checkpoints) -> Result<Found, JobError> {
    let versions = checkpoints.versions().map_err(|error| failed(error.into()))?;
    let newest = versions.last().copied().unwrap_or(0);
    let (mut epoch, mut unread, mut tried) = (0, versions.is_empty(), Vec::new());
    let mut choice = None;
    for &version in versions.iter().rev() {
        let manifest = match checkpoints.manifest(version) {
            Ok(manifest) => manifest,
            Err(error) => {
                unread = true;
                Passed::Unfit(error.into()).told(version)?;
                continue;
            }
        };
        epoch = epoch.max(manifest.epoch);
        let content = (manifest.objects.clone(), position(&manifest, JOURNAL));
        if choice.is_some() || tried.contains(&content) {
            continue;
        }
        tried.push(content);
        match followed(parts, checkpoints, &manifest) {
            Ok(found) => choice = Some((manifest, found)),
            Err(passed) => passed.told(version)?,
        }
    }
    if unread {
        let in_journal = epoch_in_journal(&*parts.log);
        epoch = epoch.max(in_journal.map_err(|source| JobError::Read { job: TRAINER, source })?);
    }
    let (manifest, (state, index)) = match choice {
        Some(choice) => choice,
        None => {
            let begun = anew(parts, &Manifest::default()).map_err(unreplayed)?;
            (Manifest::default(), begun)
        }
    };
    let serves = state.anew.is_none() && !manifest.objects.is_empty();
    let mut claim = Manifest {
        version: newest + 1,
        epoch: epoch + 1,
        at_ms: (parts.clock)(),
        ..manifest
    };
    if state.anew.is_some() {
        claim.objects.clear();
        claim.offsets = vec![ManifestOffset {
            topic: JOURNAL.topic.0,
            partition: JOURNAL.partition,
            next: state.followed,
            watermark_ms: WATERMARK_NONE_MS,
        }];
    }
    Ok(Found {
        state,
        index,
        claim,
        serves,
    })
}

/// The learner that a checkpoint and the journal since make.
fn followed(
    parts: &TrainerParts,
    checkpoints: &Checkpoints,
    manifest: &Manifest,
) -> Result<(Followed, Index), Passed> {
    // Nothing that this checkpoint needs may go before the next one stands.
    let needed: Vec<_> = manifest
        .offsets
        .iter()
        .map(|offset| (offset.from(), offset.next))
        .collect();
    parts.log.retain(TRAINER, &needed);
    let deltas = parts.config.deltas;
    let restored = checkpoints
        .restore(manifest, &parts.learner)
        .map_err(Passed::Unfit)?;
    let Some(from) = position(manifest, JOURNAL) else {
        // Nothing was ever learned, or somebody asked for everything to be learned anew.
        return anew(parts, manifest).map_err(Passed::Unreplayed);
    };
    let (mut state, index) = match restored {
        Some(restored) => {
            let state = State::new(restored.learner, restored.standing, &parts.learner, deltas);
            // Answers as of the checkpoint are better than none while the rest is learned again.
            parts.live.set(serving(&state));
            (state, restored.index)
        }
        // Claimed, and no checkpoint since: the journal tells how it began.
        None => {
            let state = State::blank(&parts.learner, deltas);
            (
                state.map_err(|error| Passed::Unreplayed(error.into()))?,
                Index::default(),
            )
        }
    };
    let to = parts.log.end(JOURNAL);
    check_end(parts, JOURNAL, from).map_err(Passed::Log)?;
    let takes = state.replay(&*parts.log, &parts.learner, (from, to));
    let takes = takes.map_err(Passed::Unreplayed)?;
    check_ends(parts, &mut state).map_err(Passed::Log)?;
    Ok((
        Followed {
            takes,
            state,
            followed: to,
            anew: None,
        },
        index,
    ))
}

/// A learner that knows nothing and begins with the examples that `manifest` says, else with the first that the log has.
fn anew(parts: &TrainerParts, manifest: &Manifest) -> Result<(Followed, Index), ReplayError> {
    let followed = Followed {
        state: State::blank(&parts.learner, parts.config.deltas)?,
        followed: parts.log.end(JOURNAL),
        takes: 0,
        anew: Some(starts(parts, manifest)),
    };
    Ok((followed, Index::default()))
}

/// Where each partition's examples begin: where the manifest says, else at the start of the log.
fn starts(parts: &TrainerParts, manifest: &Manifest) -> BTreeMap<u16, u64> {
    let start = |partition| {
        let of = examples_of(partition);
        let first = parts.log.start(of);
        (
            partition,
            position(manifest, of).map_or(first, |next| next.max(first)),
        )
    };
    (0..parts.log.partitions()).map(start).collect()
}

fn position(manifest: &Manifest, of: TopicPartition) -> Option<u64> {
    manifest.next(of).map(|offset| offset.next)
}

/// The last epoch that the journal tells of: what counts when checkpoints are gone.
fn epoch_in_journal(log: &dyn EventLog) -> Result<u64, ReadError> {
    let (mut next, end) = (log.start(JOURNAL), log.end(JOURNAL));
    let mut epoch = 0;
    while next < end {
        let records = match log.read(JOURNAL, next, READ_BYTES_MAX) {
            Ok(records) => records,
            Err(ReadError::Lost { next: after, .. }) => {
                next = after;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(last) = records.last() else { break };
        next = last.offset + 1;
        let entries = records
            .iter()
            .filter_map(|record| Entry::decode(&record.payload).ok());
        epoch = entries.map(|entry| entry.epoch()).fold(epoch, u64::max);
    }
    Ok(epoch)
}

/// Knows every partition, and finds none shorter than what was learned of it.
fn check_ends(parts: &TrainerParts, state: &mut State) -> Result<(), JobError> {
    for partition in 0..parts.log.partitions() {
        let of = examples_of(partition);
        let next = state.standing.next.entry(partition);
        check_end(parts, of, *next.or_insert(parts.log.start(of)))?;
    }
    Ok(())
}

fn check_end(parts: &TrainerParts, of: TopicPartition, next: u64) -> Result<(), JobError> {
    let end = parts.log.end(of);
    if next <= end {
        return Ok(());
    }
    Err(JobError::Ahead {
        job: TRAINER,
        from: of,
        offset: next,
        end,
    })
}

fn unfit(error: UnfitError) -> JobError {
    match error {
        UnfitError::Fetch(source) => failed(source),
        error => JobError::State {
            job: TRAINER,
            source: Box::new(error),
        },
    }
}

fn unreplayed(error: ReplayError) -> JobError {
    match error {
        ReplayError::Read(source) => JobError::Read { job: TRAINER, source },
        error => JobError::State {
            job: TRAINER,
            source: Box::new(error),
        },
    }
}
