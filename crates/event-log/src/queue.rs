//! Where producers leave records for the commit thread: admission, offsets, and groups being filled.
//!
//! Offsets are given under the queue's lock, so that order in the queue, in the file and in every partition
//! are one. Payload checksums are taken before the lock; under it a record costs one copy and 24 bytes of
//! CRC. It knows nothing of files.

mod admission;
mod group;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::config::SegmentLogConfig;
use crate::format::{FRAME_HEADER_BYTES, payload_crc};
use crate::port::{Append, AppendError, Promise};
use crate::slots::Slots;

use admission::{Admission, Refusal};
use group::AtRisk;
pub(crate) use group::{Acked, Group};

/// Filled groups whose buffers are kept for reuse.
const FREE_GROUPS_MAX: usize = 2;

/// The queue; the commit thread holds the other half.
pub(crate) struct Queue {
    slots: Slots,
    queue_bytes_max: usize,
    record_bytes_max: usize,
    group_bytes_max: usize,
    group_records_max: u32,
    memory_bytes_max: usize,
    memory_age_max: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    ready: Condvar,
}

struct State {
    /// Oldest first; the last is being filled.
    groups: VecDeque<Group>,
    free: Vec<Group>,
    next: Vec<u64>,
    admission: Admission,
    /// Over all groups, the one being written included; `since` is that one's alone.
    at_risk: AtRisk,
    closed: bool,
    stopped: Option<String>,
}

/// A batch that was taken in.
#[derive(Debug)]
pub(crate) struct Queued {
    /// Of each record, in the batch's order.
    pub(crate) offsets: Vec<u64>,
    /// Told when the last record is durable; `None` when nobody has to wait for that.
    pub(crate) acked: Option<Acked>,
}

impl Queue {
    pub(crate) fn new(config: &SegmentLogConfig, next: Vec<u64>) -> Self {
        Self {
            slots: config.slots(),
            queue_bytes_max: config.queue_bytes_max,
            record_bytes_max: config.record_bytes_max,
            group_bytes_max: config.group_bytes_max,
            group_records_max: config.group_records_max,
            memory_bytes_max: config.memory_bytes_max,
            memory_age_max: Duration::from_millis(config.memory_ms_max),
            clock: config.clock.clone(),
            state: Mutex::new(State {
                groups: VecDeque::new(),
                free: Vec::new(),
                next,
                admission: Admission::new(config),
                at_risk: AtRisk::default(),
                closed: false,
                stopped: None,
            }),
            ready: Condvar::new(),
        }
    }

    /// Queues `batch`; see [`Queued`] for what the caller gets to know when.
    pub(crate) fn push(&self, batch: &[Append], promise: Promise) -> Result<Queued, AppendError> {
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
        let mut state = self.state.lock();
        state.admit(bytes, &*self.clock)?;
        let at_risk = (promise == Promise::Memory && !batch.is_empty())
            .then(|| self.risk(&mut state, batch.len(), bytes))
            .flatten();
        for (record, number) in batch.iter().zip(&mut numbers) {
            let slot = self
                .slots
                .slot(record.to)
                .ok_or(AppendError::UnknownPartition(record.to))?;
            *number = self.place(&mut state, slot, record, *number as u32, at_risk);
        }
        let acked = at_risk.is_none().then(|| {
            let (ack, acked) = oneshot::channel();
            state.filling(self.slots).acks.push(ack);
            acked
        });
        drop(state);
        self.ready.notify_one();
        Ok(Queued {
            offsets: numbers,
            acked,
        })
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

    /// When it may be: takes `records` on the promise of memory and says since when that holds. Past either
    /// bound they wait for the disk like all others, which is the stronger promise.
    fn risk(&self, state: &mut State, records: usize, bytes: usize) -> Option<Duration> {
        let now = self.clock.elapsed();
        let oldest = state.at_risk_since().unwrap_or(now);
        let held = state.at_risk.bytes + bytes > self.memory_bytes_max
            || now.saturating_sub(oldest) > self.memory_age_max;
        if held {
            metrics::counter!("riffle_event_log_memory_deferred_total").increment(records as u64);
            return None;
        }
        state.at_risk.records += records as u64;
        state.at_risk.bytes += bytes;
        Some(now)
    }

    /// Gives the record its offset and copies it into the group being filled, or a fresh one when it is full.
    fn place(
        &self,
        state: &mut State,
        slot: usize,
        record: &Append,
        payload_crc: u32,
        at_risk: Option<Duration>,
    ) -> u64 {
        let offset = state.next[slot];
        state.next[slot] += 1;
        let bytes = FRAME_HEADER_BYTES + record.payload.len();
        let group = state.filling(self.slots);
        let full = group.records >= self.group_records_max || group.bytes + bytes > self.group_bytes_max;
        let group = if full { state.begin(self.slots) } else { group };
        group.place(slot, offset, record, payload_crc);
        if let Some(now) = at_risk {
            group.at_risk.records += 1;
            group.at_risk.bytes += bytes;
            group.at_risk.since.get_or_insert(now);
        }
        offset
    }

    /// The oldest group, waiting for one; `None` once the queue is closed and empty.
    pub(crate) fn next_group(&self) -> Option<Group> {
        let mut state = self.state.lock();
        loop {
            if let Some(group) = state.take(&*self.clock) {
                return Some(group);
            }
            if state.closed {
                return None;
            }
            self.ready.wait(&mut state);
        }
    }

    /// The oldest group, if there is one.
    pub(crate) fn next_group_now(&self) -> Option<Group> {
        self.state.lock().take(&*self.clock)
    }

    /// Takes back a group that is durable and acknowledged, and notes how fast that went.
    pub(crate) fn group_done(&self, mut group: Group) {
        let at_risk = group.at_risk;
        group.clear();
        let mut state = self.state.lock();
        state.admission.done(self.clock.elapsed());
        state.at_risk.records -= at_risk.records;
        state.at_risk.bytes -= at_risk.bytes;
        state.at_risk.since = None;
        if state.free.len() < FREE_GROUPS_MAX {
            state.free.push(group);
        }
        let (queued, wait_us) = (state.admission.queued_bytes(), state.admission.wait_us());
        let (rate, memory) = (state.admission.rate_bytes_per_s(), state.at_risk.bytes);
        drop(state);
        metrics::gauge!("riffle_event_log_queue_bytes").set(queued as f64);
        metrics::gauge!("riffle_event_log_wait_estimate_ms").set(wait_us as f64 / 1e3);
        metrics::gauge!("riffle_event_log_commit_rate_bytes_per_s").set(rate as f64);
        metrics::gauge!("riffle_event_log_memory_at_risk_bytes").set(memory as f64);
        if at_risk.records > 0 {
            metrics::counter!("riffle_event_log_memory_promised_records_total").increment(at_risk.records);
        }
    }

    /// Refuses everything from now on, with `reason`, tells everyone who waits, and counts the records that
    /// were acknowledged from memory and are now not known to be anywhere.
    pub(crate) fn stop(&self, reason: &str) {
        let mut state = self.state.lock();
        if state.stopped.is_none() {
            state.stopped = Some(reason.to_owned());
        }
        state.closed = true;
        let lost = std::mem::take(&mut state.at_risk).records;
        if lost > 0 {
            metrics::counter!("riffle_event_log_memory_lost_records_total").increment(lost);
            tracing::error!(
                records = lost,
                "records acknowledged from memory did not reach the disk"
            );
        }
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
    fn admit(&mut self, bytes: usize, clock: &dyn Clock) -> Result<(), AppendError> {
        if let Some(reason) = &self.stopped {
            return Err(AppendError::Stopped(reason.clone()));
        }
        if self.closed {
            return Err(AppendError::Stopped("it is being closed".to_owned()));
        }
        let admitted = self.admission.admit(bytes, || clock.elapsed());
        admitted.map_err(
            |Refusal {
                 reason,
                 retry_after_ms,
             }| {
                metrics::counter!("riffle_event_log_overloaded_total", "reason" => reason).increment(1);
                AppendError::Overloaded { retry_after_ms }
            },
        )
    }

    fn take(&mut self, clock: &dyn Clock) -> Option<Group> {
        let group = self.groups.pop_front()?;
        self.admission.taken(group.bytes, clock.elapsed());
        self.at_risk.since = group.at_risk.since;
        Some(group)
    }

    /// When the oldest record was acknowledged that is still only in memory.
    fn at_risk_since(&self) -> Option<Duration> {
        let queued = || self.groups.iter().find_map(|group| group.at_risk.since);
        self.at_risk.since.or_else(queued)
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

#[cfg(test)]
mod tests;
