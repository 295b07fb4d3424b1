//! Where producers leave records for the commit thread: admission, offsets, and groups being filled.
//!
//! Offsets are given under the queue's lock, so that order in the queue, in the file and in every partition
//! are one. Payload checksums are taken before the lock; under it a record costs one copy and 24 bytes of
//! CRC. It knows nothing of files.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::config::SegmentLogConfig;
use crate::format::{FRAME_HEADER_BYTES, payload_crc, push_frame};
use crate::port::{Append, AppendError};
use crate::slots::Slots;

/// Filled groups whose buffers are kept for reuse.
const FREE_GROUPS_MAX: usize = 2;
/// A buffer that grew past this is not kept.
const FREE_PART_BYTES_MAX: usize = 1 << 20;
/// Assumed until the first commit has been timed.
const COMMIT_BYTES_PER_S_FIRST: u64 = 10 << 20;
/// A refused caller is not sent away for longer than this.
const RETRY_AFTER_MS_MAX: u64 = 10_000;

pub(crate) type Ack = oneshot::Sender<Result<(), AppendError>>;
pub(crate) type Acked = oneshot::Receiver<Result<(), AppendError>>;

/// The queue; the commit thread holds the other half.
pub(crate) struct Queue {
    slots: Slots,
    queue_bytes_max: usize,
    record_bytes_max: usize,
    group_bytes_max: usize,
    group_records_max: u32,
    state: Mutex<State>,
    ready: Condvar,
}

struct State {
    /// Oldest first; the last is being filled.
    groups: VecDeque<Group>,
    free: Vec<Group>,
    next: Vec<u64>,
    /// Frames queued or being written.
    bytes: usize,
    commit_bytes_per_s: u64,
    closed: bool,
    stopped: Option<String>,
}

/// What one write and sync will carry, gathered by partition.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) parts: Vec<Part>,
    /// Slots with records, in order of first use.
    pub(crate) touched: Vec<u16>,
    pub(crate) records: u32,
    pub(crate) bytes: usize,
    pub(crate) newest_ms: i64,
    /// Told when the group is durable, or that it never will be.
    pub(crate) acks: Vec<Ack>,
}

/// The frames of one partition in a group.
#[derive(Default)]
pub(crate) struct Part {
    pub(crate) frames: Vec<u8>,
    pub(crate) first_offset: u64,
    pub(crate) records: u32,
}

impl Queue {
    pub(crate) fn new(config: &SegmentLogConfig, next: Vec<u64>) -> Self {
        Self {
            slots: config.slots(),
            queue_bytes_max: config.queue_bytes_max,
            record_bytes_max: config.record_bytes_max,
            group_bytes_max: config.group_bytes_max,
            group_records_max: config.group_records_max,
            state: Mutex::new(State {
                groups: VecDeque::new(),
                free: Vec::new(),
                next,
                bytes: 0,
                commit_bytes_per_s: COMMIT_BYTES_PER_S_FIRST,
                closed: false,
                stopped: None,
            }),
            ready: Condvar::new(),
        }
    }

    /// Queues `batch` and returns its offsets; the receiver is told when the last of it is durable.
    pub(crate) fn push(&self, batch: &[Append]) -> Result<(Vec<u64>, Acked), AppendError> {
        // One allocation serves twice: it holds the payloads' checksums until their offsets take their place.
        let mut numbers = batch
            .iter()
            .map(|record| self.check(record))
            .collect::<Result<Vec<u64>, _>>()?;
        let bytes = batch
            .iter()
            .map(|record| FRAME_HEADER_BYTES + record.payload.len())
            .sum::<usize>();
        if bytes > self.queue_bytes_max {
            return Err(AppendError::TooLarge {
                bytes,
                bytes_max: self.queue_bytes_max,
            });
        }
        let (ack, acked) = oneshot::channel();
        let mut state = self.state.lock();
        state.admit(bytes, self.queue_bytes_max)?;
        for (record, number) in batch.iter().zip(&mut numbers) {
            let slot = self
                .slots
                .slot(record.to)
                .ok_or(AppendError::UnknownPartition(record.to))?;
            *number = self.place(&mut state, slot, record, *number as u32);
        }
        state.bytes += bytes;
        state.filling(self.slots).acks.push(ack);
        drop(state);
        self.ready.notify_one();
        Ok((numbers, acked))
    }

    /// Whether the record may enter; if so, the checksum of its payload.
    fn check(&self, record: &Append) -> Result<u64, AppendError> {
        self.slots
            .slot(record.to)
            .ok_or(AppendError::UnknownPartition(record.to))?;
        let (bytes, bytes_max) = (record.payload.len(), self.record_bytes_max);
        if bytes > bytes_max {
            return Err(AppendError::TooLarge { bytes, bytes_max });
        }
        Ok(u64::from(payload_crc(&record.payload)))
    }

    /// Gives the record its offset and copies it into the group being filled, or a fresh one when it is full.
    fn place(&self, state: &mut State, slot: usize, record: &Append, payload_crc: u32) -> u64 {
        let offset = state.next[slot];
        state.next[slot] += 1;
        let bytes = FRAME_HEADER_BYTES + record.payload.len();
        let group = state.filling(self.slots);
        let full = group.records >= self.group_records_max || group.bytes + bytes > self.group_bytes_max;
        let group = if full { state.begin(self.slots) } else { group };
        let part = &mut group.parts[slot];
        if part.records == 0 {
            part.first_offset = offset;
            group.touched.push(slot as u16);
        }
        part.records += 1;
        group.records += 1;
        group.bytes += bytes;
        group.newest_ms = group.newest_ms.max(record.at_ms);
        push_frame(
            &mut part.frames,
            record.to,
            offset,
            record.at_ms,
            &record.payload,
            payload_crc,
        );
        offset
    }

    /// The oldest group, waiting for one; `None` once the queue is closed and empty.
    pub(crate) fn next_group(&self) -> Option<Group> {
        let mut state = self.state.lock();
        loop {
            if let Some(group) = state.groups.pop_front() {
                return Some(group);
            }
            if state.closed {
                return None;
            }
            self.ready.wait(&mut state);
        }
    }

    /// Takes back a group that is durable and acknowledged, and notes how fast that went.
    pub(crate) fn group_done(&self, mut group: Group, took: Duration) {
        let bytes = group.bytes;
        group.clear();
        let mut state = self.state.lock();
        state.bytes -= bytes;
        if bytes > 0 {
            let now = (bytes as u128 * 1_000_000 / took.as_micros().max(1)) as u64;
            state.commit_bytes_per_s = (state.commit_bytes_per_s * 7 + now) / 8;
        }
        if state.free.len() < FREE_GROUPS_MAX {
            state.free.push(group);
        }
        let queued = state.bytes;
        drop(state);
        metrics::gauge!("riffle_event_log_queue_bytes").set(queued as f64);
    }

    /// Refuses everything from now on, with `reason`, and tells everyone who waits.
    pub(crate) fn stop(&self, reason: &str) {
        let mut state = self.state.lock();
        if state.stopped.is_none() {
            state.stopped = Some(reason.to_owned());
        }
        state.closed = true;
        for ack in state.groups.drain(..).flat_map(|group| group.acks) {
            // A caller that stopped waiting has dropped its half.
            let _ = ack.send(Err(AppendError::Stopped(reason.to_owned())));
        }
    }

    /// Lets the commit thread end once it has written what is queued.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.ready.notify_all();
    }

    pub(crate) fn stop_reason(&self) -> Option<String> {
        self.state.lock().stopped.clone()
    }
}

impl State {
    fn admit(&self, bytes: usize, bytes_max: usize) -> Result<(), AppendError> {
        if let Some(reason) = &self.stopped {
            return Err(AppendError::Stopped(reason.clone()));
        }
        if self.closed {
            return Err(AppendError::Stopped("it is being closed".to_owned()));
        }
        if self.bytes + bytes > bytes_max {
            metrics::counter!("riffle_event_log_overloaded_total").increment(1);
            let wait_ms = self.bytes as u64 * 1000 / self.commit_bytes_per_s.max(1);
            return Err(AppendError::Overloaded {
                retry_after_ms: wait_ms.clamp(1, RETRY_AFTER_MS_MAX),
            });
        }
        Ok(())
    }

    /// The group being filled.
    fn filling(&mut self, slots: Slots) -> &mut Group {
        if self.groups.is_empty() {
            return self.begin(slots);
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn begin(&mut self, slots: Slots) -> &mut Group {
        let group = self.free.pop().unwrap_or_else(|| Group::new(slots.count()));
        self.groups.push_back(group);
        self.filling(slots)
    }
}

impl Group {
    fn new(slots: usize) -> Self {
        let parts = std::iter::repeat_with(Part::default).take(slots).collect();
        Self {
            parts,
            newest_ms: i64::MIN,
            ..Self::default()
        }
    }

    fn clear(&mut self) {
        for slot in self.touched.drain(..) {
            let part = &mut self.parts[usize::from(slot)];
            part.records = 0;
            if part.frames.capacity() > FREE_PART_BYTES_MAX {
                part.frames = Vec::new();
            }
            part.frames.clear();
        }
        self.acks.clear();
        (self.records, self.bytes, self.newest_ms) = (0, 0, i64::MIN);
    }
}

#[cfg(test)]
mod tests;
