//! Housekeeping behind the commits: spare segments, indexes of sealed segments, retention.
//!
//! A segment past its retention becomes the next spare: overwriting it costs nothing, where zeroing a fresh
//! file took a quarter of the machine at 700 000 records/s. What stands in it is harmless, because a group
//! is valid only in the segment it was written for.
//! It runs on a thread of its own, or, for tests, where it is needed. It never touches a group.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::config::SegmentLogConfig;
use crate::disk::{Disk, DiskFile};
use crate::format::{SegmentHeader, SparseIndex};
use crate::recover::zeros_write;
use crate::retention::Retention;
use crate::segment::{Segment, SharedIndex, index_name, segment_name};
use crate::slots::Slots;
use crate::view::View;

pub(crate) const SPARE_PREFIX: &str = "spare-";
/// A roll takes a spare and seals a segment, so at most one of each is under way, and one more being made.
const HANDOFF_MAX: usize = 2;

/// How often retention is looked at while no segment is sealed.
const RETENTION_EVERY: Duration = Duration::from_secs(30);

/// Retention removes one segment a roll, or two when a roll came while it was at work.
const RECYCLED_FILES_MAX: usize = 2;

/// A file of a segment's size, zeroed or recycled, not yet in the log.
pub(crate) struct Spare {
    name: String,
    file: Arc<dyn DiskFile>,
}

/// What housekeeping needs to know.
pub(crate) struct Keeper {
    disk: Arc<dyn Disk>,
    pub(crate) slots: Slots,
    segment_bytes: u64,
    pub(crate) retention: Retention,
    spares_made: AtomicU64,
    /// Segments that were removed, until they are needed as spares.
    recycled: Mutex<Vec<Spare>>,
}

impl Keeper {
    pub(crate) fn new(disk: Arc<dyn Disk>, config: &SegmentLogConfig) -> Self {
        Self {
            disk,
            slots: config.slots(),
            segment_bytes: config.segment_bytes,
            retention: Retention::new(config),
            spares_made: AtomicU64::new(0),
            recycled: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn spare_prepare(&self) -> io::Result<Spare> {
        if let Some(spare) = self.recycled.lock().pop() {
            return Ok(spare);
        }
        let name = self.spare_name();
        let file = self.disk.create(&name)?;
        zeros_write(&*file, 0, self.segment_bytes)?;
        Ok(Spare { name, file })
    }

    fn spare_name(&self) -> String {
        format!(
            "{SPARE_PREFIX}{}.tmp",
            self.spares_made.fetch_add(1, Ordering::Relaxed)
        )
    }

    /// Makes `spare` the segment that `header` describes; it is durable, name and all, on return.
    pub(crate) fn segment_begin(
        &self,
        spare: Spare,
        header: SegmentHeader,
    ) -> io::Result<(Arc<Segment>, SharedIndex)> {
        spare.file.write_at(&header.encode(self.slots), 0)?;
        spare.file.sync_data()?;
        let name = segment_name(header.first_record);
        self.disk.rename(&spare.name, &name)?;
        self.disk.sync_names()?;
        let index = SparseIndex::new(header.first_record, header.data_start, self.slots);
        let index = Arc::new(RwLock::new(index));
        let segment = Arc::new(Segment {
            name,
            header,
            file: spare.file,
            capacity_bytes: self.segment_bytes,
            newest_ms: AtomicI64::new(i64::MAX),
            index: Mutex::new(Some(index.clone())),
        });
        Ok((segment, index))
    }

    /// Writes the index of a segment that gets no more groups, then applies retention. Failing here costs a
    /// scan at the next start, or space, never a record: it is told and passed over.
    pub(crate) fn seal(&self, segment: Arc<Segment>, view: &View) {
        let index = segment.index.lock().clone();
        let Some(index) = index else { return };
        let newest_ms = self.retention.time_of(index.read().newest_ms);
        segment.newest_ms.store(newest_ms, Ordering::Relaxed);
        let bytes = index.read().encode();
        self.index_write(&segment.name, &bytes);
        view.index_keep(segment);
        self.retain(view);
    }

    /// Removes what is past its retention and not held.
    pub(crate) fn retain(&self, view: &View) {
        self.remove_while(view, |sealed| self.retention.is_due(sealed));
    }

    /// Writes an index file; without it the next start scans the segment.
    pub(crate) fn index_write(&self, segment: &str, bytes: &[u8]) {
        if let Err(error) = self.index_try_write(segment, bytes) {
            metrics::counter!("riffle_event_log_index_write_failed_total").increment(1);
            tracing::warn!(segment, %error, "cannot write the index of a sealed segment");
        }
    }

    fn index_try_write(&self, segment: &str, bytes: &[u8]) -> io::Result<()> {
        let name = index_name(segment);
        // A torn index is found by its checksum, so it needs neither a temporary name nor an order of syncs.
        let file = match self.disk.create(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.disk.remove(&name)?;
                self.disk.create(&name)?
            }
            created => created?,
        };
        file.write_at(bytes, 0)?;
        file.sync_data()?;
        self.disk.sync_names()
    }

    /// Removes the oldest sealed segment for as long as `due` says so of the sealed ones that are left, and no
    /// reader needs it.
    pub(crate) fn remove_while(&self, view: &View, due: impl Fn(&[Arc<Segment>]) -> bool) -> usize {
        let mut removed = 0;
        loop {
            let oldest = {
                let mut segments = view.segments.write();
                let sealed = &segments[..segments.len() - 1];
                if sealed.is_empty() || !due(sealed) {
                    self.retention.held_note(sealed, None);
                    return removed;
                }
                let holder = self.retention.holder(&segments[0].header, &segments[1].header);
                if holder.is_some() {
                    self.retention.held_note(sealed, holder);
                    return removed;
                }
                let oldest = segments.remove(0);
                view.meters.kept(&segments);
                oldest
            };
            view.index_forget(&oldest);
            removed += 1;
            metrics::counter!("riffle_event_log_segments_removed_total").increment(1);
            if let Err(error) = self.segment_remove(&oldest) {
                tracing::warn!(segment = oldest.name, %error, "cannot remove a segment past its retention");
            }
        }
    }

    /// The segment first: an index without its segment is ignored, and one segment less at the front is a
    /// shorter log. Synced at once, so that a crash never leaves a gap. A reader that still holds the file
    /// finds groups of another segment in it, and then that its offset was removed.
    fn segment_remove(&self, segment: &Segment) -> io::Result<()> {
        let mut recycled = self.recycled.lock();
        if recycled.len() < RECYCLED_FILES_MAX && segment.capacity_bytes == self.segment_bytes {
            let name = self.spare_name();
            self.disk.rename(&segment.name, &name)?;
            recycled.push(Spare {
                name,
                file: segment.file.clone(),
            });
        } else {
            self.disk.remove(&segment.name)?;
        }
        drop(recycled);
        self.disk.sync_names()?;
        match self.disk.remove(&index_name(&segment.name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// The keeper as the commit thread calls it.
pub(crate) enum Housekeeping {
    Inline(Arc<Keeper>, Arc<View>),
    Thread {
        /// The keeper thread holds the other halves and ends when these are dropped.
        spares: Receiver<io::Result<Spare>>,
        sealed: SyncSender<Arc<Segment>>,
        /// Joined by [`Housekeeping::finish`].
        thread: JoinHandle<()>,
    },
}

impl Housekeeping {
    /// Starts the keeper's thread, which makes a first spare at once.
    pub(crate) fn spawn(keeper: Arc<Keeper>, view: Arc<View>) -> io::Result<Self> {
        let (spare_sender, spares) = sync_channel(HANDOFF_MAX);
        let (sealed, sealed_receiver) = sync_channel::<Arc<Segment>>(HANDOFF_MAX);
        let thread = thread::Builder::new()
            .name("log-keeper".to_owned())
            .spawn(move || {
                if spare_sender.send(keeper.spare_prepare()).is_err() {
                    return;
                }
                loop {
                    match sealed_receiver.recv_timeout(RETENTION_EVERY) {
                        Ok(segment) => {
                            if spare_sender.send(keeper.spare_prepare()).is_err() {
                                return;
                            }
                            keeper.seal(segment, &view);
                        }
                        Err(RecvTimeoutError::Timeout) => keeper.retain(&view),
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
            })?;
        Ok(Self::Thread {
            spares,
            sealed,
            thread,
        })
    }

    /// A spare, waiting for it when the next segment is needed before it is ready.
    pub(crate) fn spare(&self) -> io::Result<Spare> {
        match self {
            Self::Inline(keeper, _) => keeper.spare_prepare(),
            Self::Thread { spares, .. } => spares
                .recv()
                .map_err(|_| io::Error::other("the housekeeping thread ended"))?,
        }
    }

    /// Hands over a segment that gets no more groups.
    pub(crate) fn seal(&self, segment: Arc<Segment>) {
        match self {
            Self::Inline(keeper, view) => keeper.seal(segment, view),
            // Without the thread the next roll fails and says so; the index is rebuilt at the next start.
            Self::Thread { sealed, .. } => drop(sealed.send(segment)),
        }
    }

    /// Ends the thread, once it has done what it was handed.
    pub(crate) fn finish(self) {
        if let Self::Thread {
            spares,
            sealed,
            thread,
        } = self
        {
            drop(sealed);
            if thread.join().is_err() {
                tracing::error!("the log's housekeeping thread panicked");
            }
            // Only now: the thread must not take a spare without a taker for the end.
            drop(spares);
        }
    }
}
