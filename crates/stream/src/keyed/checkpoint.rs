//! The saver: takes what changed since the last checkpoint, puts it where it lasts, and publishes it.
//!
//! It works on a thread of its own while epochs go on. The order is the promise: state objects, then the sink's rows, then the manifest.
//! A crash before the manifest leaves the last checkpoint standing; rows that went out early are absolute and are made again.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use event_log::{EventLog, TopicPartition};
use parking_lot::{Condvar, Mutex};

use crate::keyed::contract::{Sink, SinkError};
use crate::keyed::entries::Entries;
use crate::keyed::manifest::{self, Manifest, ManifestObject, ManifestOffset};
use crate::keyed::objects::Objects;
use crate::keyed::shelf::Shelf;

/// Checkpoints kept in object storage.
pub(crate) const MANIFESTS_KEPT: usize = 3;
/// Objects of changes on top of a whole copy, before a new whole copy is made.
const DELTA_OBJECTS_MAX: usize = 24;
/// Changes may outgrow the whole copy by this much before a new one is made.
const DELTA_BYTES_FREE: u64 = 8 << 20;
/// One object; larger states become several.
const OBJECT_BYTES_MAX: usize = 32 << 20;

/// Why a checkpoint was not published.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("object storage failed")]
    Objects(#[from] io::Error),
    #[error("the local copy of the state failed")]
    Shelf(#[from] fjall::Error),
    #[error("the sink failed")]
    Sink(#[from] SinkError),
    #[error(
        "another process published version {version} of this job: it owns the job now, and this one stops"
    )]
    Fenced { version: u64 },
    #[error(
        "state object {key} is missing or damaged; go back to an older checkpoint with `riffle jobs restore`, or read the \
         log anew with `riffle jobs replay`"
    )]
    Damaged { key: String },
    #[error("the checkpoint thread ended")]
    Gone,
}

/// What an epoch boundary hands to the saver.
pub(crate) struct Save {
    pub(crate) version: u64,
    pub(crate) at_ms: i64,
    pub(crate) offsets: Vec<ManifestOffset>,
    /// What changed, one piece a worker.
    pub(crate) entries: Vec<Entries>,
}

/// Where checkpoints go.
pub(crate) struct Saver {
    pub(crate) job: &'static str,
    /// What checkpoints are kept under; see [`crate::keyed::EngineParts::scope`].
    pub(crate) scope: String,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) flush: Box<dyn Fn(u64) -> Result<Vec<u8>, SinkError> + Send>,
    /// The last one published, by this process or by the one before it.
    pub(crate) last: Manifest,
}

/// What a sink's flush is to the saver.
pub(crate) fn flusher<R: 'static>(
    sink: Arc<dyn Sink<R>>,
) -> Box<dyn Fn(u64) -> Result<Vec<u8>, SinkError> + Send> {
    Box::new(move |version| sink.flush(version))
}

impl Saver {
    /// Publishes the last checkpoint's content under the next version, so that whoever owned the job before is fenced.
    pub(crate) fn claim(&mut self, at_ms: i64) -> Result<(), CheckpointError> {
        let claim = Manifest {
            version: self.last.version + 1,
            epoch: self.last.epoch + 1,
            at_ms,
            ..self.last.clone()
        };
        self.publish(claim)
    }

    fn save(&mut self, save: Save) -> Result<(), CheckpointError> {
        let began = Instant::now();
        for entries in &save.entries {
            self.shelf.apply(entries)?;
        }
        let mut objects = self.last.objects.clone();
        let changed: u64 = save.entries.iter().map(Entries::count).sum();
        if self.wants_base(&objects) {
            objects = self.base_put(save.version)?;
        } else {
            let pieces = save
                .entries
                .into_iter()
                .flat_map(|entries| entries.pieces(OBJECT_BYTES_MAX));
            for (part, entries) in pieces.enumerate() {
                objects.push(self.object_put(save.version, part, &entries, false)?);
            }
        }
        let sink_mark = (self.flush)(save.version)?;
        let before = self.last.offsets.clone();
        self.publish(Manifest {
            version: save.version,
            epoch: self.last.epoch,
            at_ms: save.at_ms,
            offsets: save.offsets,
            objects,
            sink_version: save.version,
            sink_mark,
        })?;
        let before: Vec<(TopicPartition, u64)> =
            before.iter().map(|offset| (offset.from(), offset.next)).collect();
        self.log.retain(&self.scope, &before);
        manifest::sweep(&*self.objects, &self.scope, MANIFESTS_KEPT)?;
        self.meter(began, changed);
        Ok(())
    }

    /// Whether the changes weigh more than a whole copy would.
    fn wants_base(&self, objects: &[ManifestObject]) -> bool {
        let bytes = |base: bool| {
            objects
                .iter()
                .filter(|object| object.base == base)
                .map(|object| object.bytes)
                .sum::<u64>()
        };
        let deltas = objects.iter().filter(|object| !object.base).count();
        deltas >= DELTA_OBJECTS_MAX || bytes(false) > bytes(true) + DELTA_BYTES_FREE
    }

    fn base_put(&self, version: u64) -> Result<Vec<ManifestObject>, CheckpointError> {
        let (mut objects, mut entries) = (Vec::new(), Entries::default());
        for row in self.shelf.scan() {
            let (key, value) = row?;
            entries.push_raw(&key, Some(&value));
            if entries.bytes() >= OBJECT_BYTES_MAX {
                objects.push(self.object_put(version, objects.len(), &std::mem::take(&mut entries), true)?);
            }
        }
        if entries.count() > 0 {
            objects.push(self.object_put(version, objects.len(), &entries, true)?);
        }
        Ok(objects)
    }

    fn object_put(
        &self,
        version: u64,
        part: usize,
        entries: &Entries,
        base: bool,
    ) -> Result<ManifestObject, CheckpointError> {
        let key = manifest::object_key(&self.scope, self.last.epoch, version, part);
        let bytes = entries.object();
        if !self.objects.put_if_absent(&key, &bytes)? {
            return Err(CheckpointError::Fenced { version });
        }
        Ok(ManifestObject {
            key,
            bytes: bytes.len() as u64,
            entries: entries.count(),
            base,
        })
    }

    fn publish(&mut self, manifest: Manifest) -> Result<(), CheckpointError> {
        if !manifest::publish(&*self.objects, &self.scope, &manifest)? {
            return Err(CheckpointError::Fenced {
                version: manifest.version,
            });
        }
        self.last = manifest;
        Ok(())
    }

    fn meter(&self, began: Instant, changed: u64) {
        let job = self.job;
        metrics::histogram!("riffle_stream_checkpoint_ms", "job" => job)
            .record(began.elapsed().as_secs_f64() * 1e3);
        metrics::counter!("riffle_stream_checkpoints_total", "job" => job).increment(1);
        metrics::counter!("riffle_stream_checkpoint_entries_total", "job" => job).increment(changed);
        metrics::gauge!("riffle_stream_checkpoint_version", "job" => job).set(self.last.version as f64);
        metrics::gauge!("riffle_stream_checkpoint_at_ms", "job" => job).set(self.last.at_ms as f64);
        metrics::gauge!("riffle_stream_checkpoint_bytes", "job" => job).set(self.last.bytes() as f64);
    }
}

/// The saver on its thread, as the engine sees it. One checkpoint is under way at a time.
pub(crate) struct SaverThread {
    /// None once closed.
    saves: Option<SyncSender<Save>>,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Progress {
    state: Mutex<ProgressState>,
    changed: Condvar,
}

#[derive(Default)]
struct ProgressState {
    busy: bool,
    /// The newest version that is published and on the shelf.
    published: u64,
    failed: Option<CheckpointError>,
    gone: bool,
}

impl SaverThread {
    pub(crate) fn spawn(saver: Saver) -> io::Result<Self> {
        let (saves, receiver) = sync_channel(1);
        let progress = Arc::new(Progress::default());
        progress.state.lock().published = saver.last.version;
        let theirs = progress.clone();
        let thread = std::thread::Builder::new()
            .name(format!("save-{}", saver.job))
            .spawn(move || save_loop(saver, &receiver, &theirs))?;
        Ok(Self {
            saves: Some(saves),
            progress,
            thread: Some(thread),
        })
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.progress.state.lock().busy
    }

    pub(crate) fn published(&self) -> u64 {
        self.progress.state.lock().published
    }

    /// The failure that ended the saver, once.
    pub(crate) fn failed_take(&self) -> Option<CheckpointError> {
        let mut state = self.progress.state.lock();
        let gone = state.gone.then_some(CheckpointError::Gone);
        state.failed.take().or(gone)
    }

    /// Hands a checkpoint over; the caller has seen that the saver is not busy.
    pub(crate) fn save(&self, save: Save) -> Result<(), CheckpointError> {
        self.progress.state.lock().busy = true;
        let saves = self.saves.as_ref().ok_or(CheckpointError::Gone)?;
        saves.send(save).map_err(|_| CheckpointError::Gone)
    }

    /// Waits until nothing is under way.
    pub(crate) fn wait(&self) -> Result<(), CheckpointError> {
        let mut state = self.progress.state.lock();
        while state.busy && !state.gone {
            self.progress.changed.wait(&mut state);
        }
        drop(state);
        self.failed_take().map_or(Ok(()), Err)
    }
}

impl Drop for SaverThread {
    fn drop(&mut self) {
        self.saves = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a checkpoint thread panicked");
        }
    }
}

/// Tells the engine that the thread is gone, also when it panics.
struct Leaving<'p>(&'p Progress);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.state.lock().gone = true;
        self.0.changed.notify_all();
    }
}

fn save_loop(mut saver: Saver, saves: &Receiver<Save>, progress: &Progress) {
    let _leaving = Leaving(progress);
    while let Ok(save) = saves.recv() {
        let version = save.version;
        let saved = saver.save(save);
        let mut state = progress.state.lock();
        state.busy = false;
        let failed = saved.is_err();
        match saved {
            Ok(()) => state.published = version,
            Err(error) => state.failed = Some(error),
        }
        drop(state);
        progress.changed.notify_all();
        if failed {
            return;
        }
    }
}
