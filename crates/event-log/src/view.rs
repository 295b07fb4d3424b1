//! What readers share with the commit thread: segments, the tail cache, how far each partition is durable.
//!
//! The commit thread alone moves it forward, after a sync; the keeper drops what retention removes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use crate::cache::TailCache;
use crate::config::SegmentLogConfig;
use crate::disk::Disk;
use crate::meters::Meters;
use crate::port::{ReadError, Record};
use crate::recover;
use crate::scan::ScanError;
use crate::segment::{Segment, SharedIndex, Wanted};
use crate::slots::Slots;

/// Sealed segments whose index stays in memory after a read.
const INDEXES_LOADED_MAX: usize = 16;

/// The readable log.
pub(crate) struct View {
    pub(crate) slots: Slots,
    pub(crate) disk: Arc<dyn Disk>,
    /// Oldest first; the last is the active one. Never empty.
    pub(crate) segments: RwLock<Vec<Arc<Segment>>>,
    pub(crate) cache: RwLock<TailCache>,
    pub(crate) meters: Meters,
    ends: Vec<AtomicU64>,
    generation: Mutex<u64>,
    moved: Condvar,
    indexes_loaded: Mutex<VecDeque<Arc<Segment>>>,
}

impl View {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        slots: Slots,
        segments: Vec<Arc<Segment>>,
        next: &[u64],
        config: &SegmentLogConfig,
    ) -> Self {
        let meters = Meters::new(slots);
        meters.kept(&segments);
        Self {
            slots,
            meters,
            disk,
            segments: RwLock::new(segments),
            cache: RwLock::new(TailCache::new(slots.count(), config.cache_bytes_max)),
            ends: next.iter().map(|next| AtomicU64::new(*next)).collect(),
            generation: Mutex::new(0),
            moved: Condvar::new(),
            indexes_loaded: Mutex::new(VecDeque::new()),
        }
    }

    pub(crate) fn start(&self, slot: usize) -> u64 {
        self.segments.read()[0].header.bases[slot]
    }

    pub(crate) fn end(&self, slot: usize) -> u64 {
        self.ends[slot].load(Ordering::Acquire)
    }

    /// Lets readers see `slot` up to `end`; called once its records are in the cache and the index.
    pub(crate) fn end_set(&self, slot: usize, end: u64) {
        self.ends[slot].store(end, Ordering::Release);
    }

    /// Wakes whoever waits for new records.
    pub(crate) fn generation_advance(&self) {
        *self.generation.lock() += 1;
        self.moved.notify_all();
    }

    pub(crate) fn wait(&self, generation: u64, timeout: Duration) -> u64 {
        let mut now = self.generation.lock();
        self.moved
            .wait_while_for(&mut now, |now| *now <= generation, timeout);
        *now
    }

    pub(crate) fn read(&self, wanted: Wanted) -> Result<Vec<Record>, ReadError> {
        if wanted.offset >= wanted.end {
            return Ok(Vec::new());
        }
        if let Some(records) = self.cache.read().read(wanted) {
            return Ok(records);
        }
        let read = self.segment_of(wanted).map(|segment| {
            let index = self.index(&segment)?;
            let end = segment_end(&self.segments.read(), &segment, wanted);
            segment.read(&index, Wanted { end, ..wanted })
        });
        let (from, offset, first) = (wanted.of, wanted.offset, self.start(wanted.slot));
        match read {
            Some(Ok(records)) => Ok(records),
            Some(Err(ReadError::Lost { from, offset, next })) => {
                metrics::counter!("riffle_event_log_lost_offsets_met_total").increment(next - offset);
                Err(ReadError::Lost { from, offset, next })
            }
            // Retention may take the segment, and give its file to another, while it is being read.
            _ if offset < first => Err(ReadError::Trimmed { from, offset, first }),
            Some(Err(error)) => Err(error),
            None => Err(ReadError::UnknownPartition(from)),
        }
    }

    fn segment_of(&self, wanted: Wanted) -> Option<Arc<Segment>> {
        let segments = self.segments.read();
        let after = segments.partition_point(|segment| segment.header.bases[wanted.slot] <= wanted.offset);
        after.checked_sub(1).map(|at| segments[at].clone())
    }

    fn index(&self, segment: &Arc<Segment>) -> Result<SharedIndex, ReadError> {
        if let Some(index) = segment.index.lock().clone() {
            return Ok(index);
        }
        let loaded = recover::index_load(&*self.disk, &segment.header, &*segment.file, self.slots);
        let loaded = loaded.map_err(|error| match error {
            ScanError::Io(source) => ReadError::Io(source),
            ScanError::UnknownPartition(of) => ReadError::UnknownPartition(of),
            ScanError::Damaged { position, reason } => ReadError::Damaged {
                segment: segment.name.clone(),
                position,
                reason,
            },
        })?;
        let index = Arc::new(RwLock::new(loaded));
        *segment.index.lock() = Some(index.clone());
        self.index_keep(segment.clone());
        Ok(index)
    }

    /// Counts the loaded index of a sealed segment, dropping that of the one loaded longest ago.
    pub(crate) fn index_keep(&self, segment: Arc<Segment>) {
        let mut loaded = self.indexes_loaded.lock();
        loaded.push_back(segment);
        if loaded.len() > INDEXES_LOADED_MAX
            && let Some(oldest) = loaded.pop_front()
        {
            *oldest.index.lock() = None;
        }
    }

    /// Forgets a segment that retention removed.
    pub(crate) fn index_forget(&self, segment: &Arc<Segment>) {
        self.indexes_loaded
            .lock()
            .retain(|other| !Arc::ptr_eq(other, segment));
    }
}

/// One past the last wanted record that is in `segment`.
fn segment_end(segments: &[Arc<Segment>], segment: &Arc<Segment>, wanted: Wanted) -> u64 {
    let next = segments
        .iter()
        .find(|other| other.header.first_record > segment.header.first_record);
    next.map_or(wanted.end, |next| wanted.end.min(next.header.bases[wanted.slot]))
}
