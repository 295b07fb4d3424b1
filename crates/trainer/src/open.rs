//! Opening the learner: its last checkpoint, the claim that fences whoever had it before, and the takes since.

use std::collections::BTreeMap;
use std::time::Instant;

use event_log::{EventLog, ReadError, TopicPartition};
use stream::JobError;
use stream::keyed::{Manifest, ManifestOffset, WATERMARK_NONE_MS};

use crate::checkpoint::{Checkpoints, Index, UnfitError};
use crate::deltas::Deltas;
use crate::journal::{Begin, Entry, JOURNAL};
use crate::learner::LearnerParts;
use crate::live::Serving;
use crate::meters::Meters;
use crate::reading::examples_of;
use crate::saver::SaverThread;
use crate::state::{ReplayError, State};
use crate::trainer::{Pace, TRAINER, Trainer, TrainerParts, failed};
use crate::writer::JournalWriter;

const READ_BYTES_MAX: usize = 1 << 20;

impl Trainer {
    /// Opens the learner where its last checkpoint and the takes since have brought it, and claims it. A learner whose schema or configuration is not
    /// that of the checkpoint begins anew, with all examples that the log still has.
    ///
    /// # Errors
    /// Any [`JobError`] but those of learning.
    pub fn open(parts: TrainerParts) -> Result<Self, JobError> {
        let checkpoints = Checkpoints {
            objects: parts.objects.clone(),
            name: TRAINER,
        };
        let last = checkpoints
            .newest()
            .map_err(|error| failed(error.into()))?
            .unwrap_or_default();
        let (mut state, index, anew) = found(&parts, &checkpoints, &last)?;
        let claim = claim(&parts, &last, anew.is_some())?;
        checkpoints.publish(&claim).map_err(failed)?;
        // Nothing that this checkpoint needs may go before the next one stands.
        let needed: Vec<_> = claim
            .offsets
            .iter()
            .map(|offset| (offset.from(), offset.next))
            .collect();
        parts.log.retain(TRAINER, &needed);
        let mut journal = JournalWriter::new(parts.log.clone(), TRAINER, claim.epoch);
        let serves = anew.is_none() && !last.objects.is_empty();
        if serves {
            // Answers as of the checkpoint are better than none while the rest is learned again.
            parts.live.set(serving(&state));
        }
        let begin = Entry::Begin(Begin {
            epoch: claim.epoch,
            anew: anew.clone(),
        });
        let began_at = journal.begin(&begin, (parts.clock)())?;
        let from = match anew {
            Some(_) => began_at,
            None => position(&claim, JOURNAL).unwrap_or(began_at),
        };
        let began = Instant::now();
        let replayed = state.replay(&*parts.log, &parts.learner, (from, began_at + 1));
        let takes = replayed.map_err(unreplayed)?;
        check_ends(&parts, &mut state)?;
        let seconds = began.elapsed().as_secs_f64();
        tracing::info!(
            epoch = claim.epoch,
            round = state.standing.round,
            takes,
            seconds,
            "the learner is open"
        );
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
        };
        let (meters, deltas) = (Meters::new(), parts.config.deltas.map(Deltas::new));
        Ok(Self {
            parts,
            state,
            journal,
            saver,
            pace,
            deltas,
            serves,
            meters,
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

/// What the checkpoint holds, or a learner that knows nothing; and where to begin, when that is anew.
type Found = (State, Index, Option<BTreeMap<u16, u64>>);

fn found(parts: &TrainerParts, checkpoints: &Checkpoints, last: &Manifest) -> Result<Found, JobError> {
    let restored = checkpoints.restore(last, &parts.learner).map_err(unfit)?;
    let blank = || State::blank(&parts.learner).map_err(|error| unreplayed(error.into()));
    match restored {
        Some(restored) if fits(&restored.learner, &parts.learner) => {
            let state = State {
                learner: restored.learner,
                standing: restored.standing,
                learned_at_ms: i64::MIN,
            };
            Ok((state, restored.index, None))
        }
        Some(_) => {
            tracing::warn!(
                "the learner's schema or configuration has changed: it learns anew from what the log has"
            );
            Ok((
                blank()?,
                Index::default(),
                Some(starts(parts, &Manifest::default())),
            ))
        }
        // Claimed, and no checkpoint since: the journal tells how it began.
        None if position(last, JOURNAL).is_some() => Ok((blank()?, Index::default(), None)),
        None => Ok((blank()?, Index::default(), Some(starts(parts, last)))),
    }
}

fn fits(learner: &crate::Learner, parts: &LearnerParts) -> bool {
    let model = learner.model();
    *model.schema() == parts.schema && *model.config() == parts.config
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

/// The checkpoint's content under the next version and epoch.
fn claim(parts: &TrainerParts, last: &Manifest, is_anew: bool) -> Result<Manifest, JobError> {
    let epoch = match last.version {
        0 => epoch_in_journal(&*parts.log).map_err(|source| JobError::Read { job: TRAINER, source })?,
        _ => last.epoch,
    };
    let mut offsets = last.offsets.clone();
    if position(last, JOURNAL).is_none() || (is_anew && last.objects.is_empty()) {
        offsets.retain(|offset| offset.from() != JOURNAL);
        offsets.push(ManifestOffset {
            topic: JOURNAL.topic.0,
            partition: JOURNAL.partition,
            next: parts.log.end(JOURNAL),
            watermark_ms: WATERMARK_NONE_MS,
        });
    }
    Ok(Manifest {
        version: last.version + 1,
        epoch: epoch + 1,
        at_ms: (parts.clock)(),
        offsets,
        ..last.clone()
    })
}

/// The last epoch that the journal tells of: what counts when all checkpoints are gone.
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
        let (start, end) = (parts.log.start(of), parts.log.end(of));
        let next = *state.standing.next.entry(partition).or_insert(start);
        if next > end {
            return Err(JobError::Ahead {
                job: TRAINER,
                from: of,
                offset: next,
                end,
            });
        }
    }
    Ok(())
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
