//! Opening a job: its last checkpoint, its state, its workers, and the claim that fences whoever had it before.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use event_log::TopicPartition;

use crate::JobError;
use crate::keyed::checkpoint::{CheckpointError, Saver, SaverThread, flusher};
use crate::keyed::contract::{Job, KEY_GROUPS, SinkState};
use crate::keyed::engine::{Engine, EngineParts};
use crate::keyed::entries::{Entries, LOCAL_TIMERS};
use crate::keyed::manifest::{self, Manifest, ManifestObject};
use crate::keyed::meters::{JobControl, Meters};
use crate::keyed::objects::Objects;
use crate::keyed::shelf::Shelf;
use crate::keyed::time::WATERMARK_NONE_MS;
use crate::keyed::timers::Timers;
use crate::keyed::worker::{Cursor, Partition, Worker, owner};

/// Rows handed to a sink that lost its content, at a time.
const ROWS_MAX: usize = 10_000;

impl<J: Job> Engine<J> {
    /// Opens the job at its last checkpoint, or at the beginning when it has none.
    ///
    /// # Errors
    /// Any [`JobError`] but those of processing.
    pub fn open(parts: EngineParts<J>, control: &JobControl) -> Result<Self, JobError> {
        let job = parts.job.name();
        let failed = |source: CheckpointError| JobError::Checkpoint { job, source };
        if usize::from(parts.log.partitions()) > KEY_GROUPS {
            return Err(JobError::Partitions {
                job,
                partitions: parts.log.partitions(),
            });
        }
        let scope = parts.scope();
        let last = manifest::newest(&*parts.objects, &scope).map_err(|error| failed(error.into()))?;
        let last = last.unwrap_or_default();
        let shelf = Arc::new(shelf_filled(&*parts.objects, &parts.dir, &last).map_err(failed)?);
        let mut workers = workers(&parts, &shelf, &last)?;
        let mut saver = Saver {
            job,
            scope: scope.clone(),
            objects: parts.objects.clone(),
            shelf: shelf.clone(),
            log: parts.log.clone(),
            flush: flusher(parts.sink.clone()),
            last,
        };
        let moved = restore(&parts, &mut workers, &shelf, &saver.last)? == SinkState::Lost;
        saver.claim((parts.clock)()).map_err(failed)?;
        // Nothing that this checkpoint needs may go before the next one stands.
        let needed: Vec<_> = workers
            .iter()
            .flat_map(Worker::cursors)
            .map(|cursor| (cursor.of, cursor.next))
            .collect();
        parts.log.retain(&scope, &needed);
        let (version, meters) = (saver.last.version + 1, Meters::new(job, control));
        let saver = SaverThread::spawn(saver).map_err(|source| JobError::Thread { job, source })?;
        Ok(Self {
            workers,
            shelf,
            saver,
            version,
            rows: Vec::new(),
            wanted: control.wanted.clone(),
            meters,
            saved_at: Instant::now(),
            moved,
            watermark_ms: WATERMARK_NONE_MS,
            parts,
        })
    }
}

/// A shelf that holds the checkpoint's state: it does already after an orderly close, else the state is fetched.
fn shelf_filled(objects: &dyn Objects, dir: &Path, last: &Manifest) -> Result<Shelf, CheckpointError> {
    let (shelf, is_current) = Shelf::open(dir, last.version)?;
    if !is_current {
        for object in &last.objects {
            shelf.apply(&object_get(objects, object)?)?;
        }
    }
    Ok(shelf)
}

fn object_get(objects: &dyn Objects, object: &ManifestObject) -> Result<Entries, CheckpointError> {
    let bytes = objects.get(&object.key)?;
    let entries = bytes.and_then(Entries::from_object);
    entries.ok_or_else(|| CheckpointError::Damaged {
        key: object.key.clone(),
    })
}

fn workers<J: Job>(
    parts: &EngineParts<J>,
    shelf: &Arc<Shelf>,
    last: &Manifest,
) -> Result<Vec<Worker<J>>, JobError> {
    let count = parts.config.workers.clamp(1, KEY_GROUPS);
    let mut owned: Vec<Vec<Partition<J>>> = (0..count).map(|_| Vec::new()).collect();
    for number in parts.partitions() {
        let cursors = parts.job.topics().iter().map(|&topic| {
            let of = TopicPartition {
                topic,
                partition: number,
            };
            cursor(parts, last, of)
        });
        owned[usize::from(number) % count].push(Partition {
            number,
            cursors: cursors.collect::<Result<_, _>>()?,
            timers: Timers::new(LOCAL_TIMERS),
        });
    }
    let worker = |partitions| {
        Worker::new(
            parts.job.clone(),
            partitions,
            count,
            shelf,
            parts.config.cache_bytes_max / count,
        )
    };
    Ok(owned.into_iter().map(worker).collect())
}

fn cursor<J: Job>(parts: &EngineParts<J>, last: &Manifest, of: TopicPartition) -> Result<Cursor, JobError> {
    let (job, log) = (parts.job.name(), &parts.log);
    let (start, end) = (log.start(of), log.end(of));
    let known = last.next(of);
    let offset = known.map_or(0, |known| known.next);
    if offset > end {
        return Err(JobError::Ahead {
            job,
            from: of,
            offset,
            end,
        });
    }
    if known.is_none() && start > 0 {
        tracing::warn!(job, from = ?of, start, "a new job begins after records that retention removed");
    }
    Ok(Cursor {
        of,
        next: if known.is_none() { start } else { offset },
        watermark_ms: known.map_or(WATERMARK_NONE_MS, |known| known.watermark_ms),
        idle: false,
    })
}

/// Hands the shelf's content to the workers; all of it as rows too when the sink lost some.
fn restore<J: Job>(
    parts: &EngineParts<J>,
    workers: &mut [Worker<J>],
    shelf: &Shelf,
    last: &Manifest,
) -> Result<SinkState, JobError> {
    let job = parts.job.name();
    let sink_failed = |source| JobError::Sink { job, source };
    let found = parts
        .sink
        .restore(last.sink_version, &last.sink_mark)
        .map_err(sink_failed)?;
    let (partitions, all_rows) = (parts.log.partitions(), found == SinkState::Lost);
    if all_rows {
        tracing::warn!(
            job,
            version = last.version,
            "the sink lost rows; all rows of the state are handed over again"
        );
    }
    let mut rows = Vec::new();
    for entry in shelf.scan() {
        let (key, value) = entry.map_err(|source| JobError::Checkpoint {
            job,
            source: source.into(),
        })?;
        let owner = owner::<J>(&key, workers.len(), partitions).and_then(|owner| workers.get_mut(owner));
        let taken = owner.and_then(|worker| {
            worker.restore(&key, &value, partitions, all_rows)?;
            rows.append(&mut worker.rows);
            Some(())
        });
        taken.ok_or(JobError::Undecodable { job })?;
        if rows.len() >= ROWS_MAX {
            parts.sink.apply(&mut rows).map_err(sink_failed)?;
            rows.clear();
        }
    }
    parts.sink.apply(&mut rows).map_err(sink_failed)?;
    Ok(found)
}
