//! Writes checkpoints on a thread of its own while learning goes on. One is under way at a time.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use event_log::{EventLog, TopicPartition};
use parking_lot::{Condvar, Mutex};
use stream::keyed::{CheckpointError, Manifest, ManifestOffset};

use crate::checkpoint::{Captured, Checkpoints, Index};

/// A checkpoint to be written.
pub(crate) struct Save {
    pub(crate) at_ms: i64,
    pub(crate) offsets: Vec<ManifestOffset>,
    pub(crate) captured: Captured,
}

/// What the thread works on.
struct Saver {
    checkpoints: Checkpoints,
    log: Arc<dyn EventLog>,
    last: Manifest,
    index: Arc<Index>,
    /// Tries of the next version that failed.
    tries: usize,
    cost: Cost,
}

/// What a checkpoint cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) ms: f64,
    /// Bytes that were new.
    pub(crate) bytes: u64,
}

impl Saver {
    fn save(&mut self, save: Save) -> Result<(), CheckpointError> {
        if self.tries > 0 {
            self.adopt();
        }
        let began = Instant::now();
        let fresh_bytes = save.captured.fresh_bytes();
        let at = (save.at_ms, save.offsets);
        let saved = self
            .checkpoints
            .save(&self.last, at, save.captured, (&self.index, self.tries))?;
        self.tries = 0;
        // Retention may have what lies before the last checkpoint but one.
        let before: Vec<(TopicPartition, u64)> = self
            .last
            .offsets
            .iter()
            .map(|offset| (offset.from(), offset.next))
            .collect();
        (self.last, self.index) = (saved.0, Arc::new(saved.1));
        self.log.retain(self.checkpoints.name, &before);
        if let Err(error) = self.checkpoints.sweep() {
            // What is left over costs room and is found again next time.
            tracing::warn!(%error, "old checkpoints of the learner could not be removed");
        }
        self.cost = Cost {
            ms: began.elapsed().as_secs_f64() * 1e3,
            bytes: fresh_bytes,
        };
        metrics::histogram!("riffle_trainer_checkpoint_ms").record(self.cost.ms);
        metrics::counter!("riffle_trainer_checkpoints_total").increment(1);
        metrics::counter!("riffle_trainer_checkpoint_bytes_total").increment(fresh_bytes);
        metrics::gauge!("riffle_trainer_checkpoint_version").set(self.last.version as f64);
        metrics::gauge!("riffle_trainer_checkpoint_at_ms").set(self.last.at_ms as f64);
        Ok(())
    }
}

impl Saver {
    /// A try whose end was not heard of may have succeeded: what stands under the next version with our epoch is ours.
    fn adopt(&mut self) {
        let standing = self.checkpoints.manifest(self.last.version + 1);
        if let Some(ours) = standing.ok().filter(|ours| ours.epoch == self.last.epoch) {
            self.last = ours;
        }
    }
}

#[derive(Default)]
struct Progress {
    busy: bool,
    version: u64,
    index: Arc<Index>,
    cost: Cost,
    failures: u32,
    failed: Option<CheckpointError>,
    gone: bool,
}

/// The thread as the learner's task sees it.
pub(crate) struct SaverThread {
    /// None once closed.
    saves: Option<SyncSender<Save>>,
    progress: Arc<(Mutex<Progress>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl SaverThread {
    pub(crate) fn spawn(
        checkpoints: Checkpoints,
        log: Arc<dyn EventLog>,
        last: Manifest,
        index: Index,
    ) -> io::Result<Self> {
        let (saves, receiver) = sync_channel(1);
        let index = Arc::new(index);
        let progress = Progress {
            version: last.version,
            index: index.clone(),
            ..Progress::default()
        };
        let progress = Arc::new((Mutex::new(progress), Condvar::new()));
        let theirs = progress.clone();
        let saver = Saver {
            checkpoints,
            log,
            last,
            index,
            tries: 0,
            cost: Cost::default(),
        };
        let thread = std::thread::Builder::new()
            .name("save-trainer".to_owned())
            .spawn(move || run(saver, &receiver, &theirs))?;
        Ok(Self {
            saves: Some(saves),
            progress,
            thread: Some(thread),
        })
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.progress.0.lock().busy
    }

    /// The newest version written, and the chunks it has.
    pub(crate) fn written(&self) -> (u64, Arc<Index>) {
        let progress = self.progress.0.lock();
        (progress.version, progress.index.clone())
    }

    /// What the newest version cost.
    pub(crate) fn cost(&self) -> Cost {
        self.progress.0.lock().cost
    }

    /// Checkpoints that failed since one succeeded, and may succeed later.
    pub(crate) fn failures(&self) -> u32 {
        self.progress.0.lock().failures
    }

    /// The failure that ended the thread, once.
    pub(crate) fn failed(&self) -> Result<(), CheckpointError> {
        let mut progress = self.progress.0.lock();
        let gone = progress.gone.then_some(CheckpointError::Gone);
        progress.failed.take().or(gone).map_or(Ok(()), Err)
    }

    /// Hands a checkpoint over; the caller has seen that nothing is under way.
    pub(crate) fn save(&self, save: Save) -> Result<(), CheckpointError> {
        self.progress.0.lock().busy = true;
        let saves = self.saves.as_ref().ok_or(CheckpointError::Gone)?;
        saves.send(save).map_err(|_| CheckpointError::Gone)
    }

    /// Waits until nothing is under way.
    pub(crate) fn wait(&self) -> Result<(), CheckpointError> {
        let (lock, changed) = &*self.progress;
        let mut progress = lock.lock();
        while progress.busy && !progress.gone {
            changed.wait(&mut progress);
        }
        drop(progress);
        self.failed()
    }
}

impl Drop for SaverThread {
    fn drop(&mut self) {
        self.saves = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the learner's checkpoint thread panicked");
        }
    }
}

/// Tells the learner that the thread is gone, also when it panics.
struct Leaving<'p>(&'p (Mutex<Progress>, Condvar));

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.0.lock().gone = true;
        self.0.1.notify_all();
    }
}

fn run(mut saver: Saver, saves: &Receiver<Save>, progress: &(Mutex<Progress>, Condvar)) {
    let _leaving = Leaving(progress);
    while let Ok(save) = saves.recv() {
        let saved = saver.save(save);
        let mut state = progress.0.lock();
        state.busy = false;
        state.version = saver.last.version;
        state.index = saver.index.clone();
        state.cost = saver.cost;
        match saved {
            Ok(()) => state.failures = 0,
            Err(CheckpointError::Objects(error)) => {
                // Everything it would have held is in the journal; learning goes on, and the next one is tried later.
                saver.tries += 1;
                state.failures = state.failures.saturating_add(1);
                metrics::counter!("riffle_trainer_checkpoint_failures_total").increment(1);
                let failures = state.failures;
                tracing::error!(%error, failures, "the learner's checkpoint could not be written");
            }
            Err(error) => state.failed = Some(error),
        }
        let failed = state.failed.is_some();
        drop(state);
        progress.1.notify_all();
        if failed {
            return;
        }
    }
}
