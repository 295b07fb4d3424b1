//! The commit thread: takes a group, writes it, syncs it, lets readers see it, acknowledges it.
//!
//! There is no timer: while one sync runs the next group fills, so groups grow with load by themselves.
//! After a failed write or sync nothing is tried again: the kernel may have dropped the pages and would
//! report the next sync as good.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::cache::Run;
use crate::format::{GROUP_HEADER_BYTES, GroupHeader, Mark, SegmentHeader};
use crate::keeper::{Housekeeping, Keeper};
use crate::port::AppendError;
use crate::queue::{Group, Queue};
use crate::segment::{Segment, SharedIndex};
use crate::view::View;

/// Everything the commit thread owns.
pub(crate) struct Committer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) view: Arc<View>,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) housekeeping: Housekeeping,
    pub(crate) active: Arc<Segment>,
    /// The active segment's, held so that every group does not look it up.
    pub(crate) index: SharedIndex,
    /// Where the next group goes in the active segment.
    pub(crate) position: u64,
    pub(crate) next_record: u64,
    /// The oldest record of the active segment's first group; `None` while it is empty.
    pub(crate) active_since_ms: Option<i64>,
}

/// Stops the queue if the commit thread ends in any way but an orderly one.
struct StopOnPanic(Arc<Queue>);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop("the commit thread panicked");
        }
    }
}

impl Committer {
    /// Runs until the queue is closed and empty, or a write fails.
    pub(crate) fn run(mut self) {
        let _guard = StopOnPanic(self.queue.clone());
        while let Some(group) = self.queue.next_group() {
            if !self.settle(group) {
                return self.housekeeping.finish();
            }
        }
        self.close();
    }

    /// Commits the oldest group if there is one; whether one became durable. For simulations, which take the
    /// place of [`Committer::run`].
    pub(crate) fn step(&mut self) -> bool {
        self.queue
            .next_group_now()
            .is_some_and(|group| self.settle(group))
    }

    /// Ends in good order; everything that was queued is durable.
    pub(crate) fn close(mut self) {
        if let Err(error) = self.mark_clean() {
            tracing::warn!(%error, "cannot mark the log as cleanly closed");
        }
        self.housekeeping.finish();
    }

    /// Makes `group` durable and tells whoever waits for it; false when the log has to stop.
    fn settle(&mut self, mut group: Group) -> bool {
        if let Err(error) = self.commit(&group) {
            self.stop(group, &error);
            return false;
        }
        for ack in group.acks.drain(..) {
            // A caller that stopped waiting has dropped its half.
            let _ = ack.send(Ok(()));
        }
        self.queue.group_done(group);
        true
    }

    fn commit(&mut self, group: &Group) -> io::Result<()> {
        if group.records == 0 {
            return Ok(()); // A barrier alone: everything before it is durable already.
        }
        let header = self.header(group);
        let is_full = self.position + header.bytes_on_disk() > self.active.capacity_bytes;
        let is_old = |since_ms| self.keeper.retention.seals(since_ms);
        if is_full || self.active_since_ms.is_some_and(is_old) {
            self.roll()?;
        }
        let retention = &self.keeper.retention;
        self.active_since_ms
            .get_or_insert_with(|| retention.time_of(group.oldest_ms));
        let began = Instant::now();
        let bytes = self.encode(group, &header);
        self.active.file.write_at(&bytes, self.position)?;
        self.active.file.sync_data()?;
        metrics::histogram!("riffle_event_log_commit_ms").record(began.elapsed().as_secs_f64() * 1e3);
        metrics::histogram!("riffle_event_log_group_bytes").record(f64::from(header.bytes));
        self.publish(group, &header, bytes.into());
        Ok(())
    }

    fn header(&self, group: &Group) -> GroupHeader {
        GroupHeader {
            first_record: self.next_record,
            records: group.records,
            bytes: group.bytes as u32,
        }
    }

    fn encode(&self, group: &Group, header: &GroupHeader) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(header.bytes_on_disk() as usize);
        bytes.extend_from_slice(&header.encode(self.active.header.first_record, self.position));
        for slot in &group.touched {
            bytes.extend_from_slice(&group.parts[usize::from(*slot)].frames);
        }
        bytes.resize(header.bytes_on_disk() as usize, 0);
        bytes
    }

    /// Lets readers see a durable group: first where its records are, then that they are.
    fn publish(&mut self, group: &Group, header: &GroupHeader, bytes: Bytes) {
        let mut runs = Vec::with_capacity(group.touched.len());
        let mut index = self.index.write();
        let mut at = GROUP_HEADER_BYTES;
        for slot in &group.touched {
            let part = &group.parts[usize::from(*slot)];
            let frame = self.position as u32 + at as u32;
            index.note(
                usize::from(*slot),
                Mark {
                    offset: part.first_offset,
                    group: self.position as u32,
                    frame,
                },
            );
            let end = at + part.frames.len();
            runs.push((
                *slot,
                Run {
                    first_offset: part.first_offset,
                    frames: bytes.slice(at..end),
                },
            ));
            at = end;
        }
        self.position += header.bytes_on_disk();
        self.next_record += u64::from(group.records);
        index.records += u64::from(group.records);
        index.data_end = self.position;
        index.newest_ms = index.newest_ms.max(group.newest_ms);
        drop(index);
        self.view.cache.write().push(runs.into_iter());
        for slot in &group.touched {
            let part = &group.parts[usize::from(*slot)];
            self.view
                .end_set(usize::from(*slot), part.first_offset + u64::from(part.records));
            self.view.meters.appended(usize::from(*slot), part.records);
        }
        self.view.generation_advance();
    }

    /// Goes on in a fresh segment, which is durable by name before anything is written to it.
    fn roll(&mut self) -> io::Result<()> {
        let bases = (0..self.view.slots.count())
            .map(|slot| self.view.end(slot))
            .collect();
        let header = SegmentHeader::new(self.next_record, bases);
        let (segment, index) = self.keeper.segment_begin(self.housekeeping.spare()?, header)?;
        let sealed = std::mem::replace(&mut self.active, segment);
        self.index = index;
        self.position = self.active.header.data_start;
        self.active_since_ms = None;
        let mut segments = self.view.segments.write();
        segments.push(self.active.clone());
        self.view.meters.kept(&segments);
        drop(segments);
        tracing::debug!(
            sealed = sealed.name,
            active = self.active.name,
            "began a log segment"
        );
        self.housekeeping.seal(sealed);
        Ok(())
    }

    /// Leaves an empty group behind, so that the next start knows that everything before it was durable and
    /// tells damage from a torn tail even in the last group.
    fn mark_clean(&mut self) -> io::Result<()> {
        let header = GroupHeader {
            first_record: self.next_record,
            records: 0,
            bytes: 0,
        };
        if self.position + header.bytes_on_disk() > self.active.capacity_bytes {
            self.roll()?;
        }
        let mut bytes = header
            .encode(self.active.header.first_record, self.position)
            .to_vec();
        bytes.resize(header.bytes_on_disk() as usize, 0);
        self.active.file.write_at(&bytes, self.position)?;
        self.active.file.sync_data()
    }

    fn stop(&self, group: Group, error: &io::Error) {
        let reason = error.to_string();
        tracing::error!(segment = self.active.name, position = self.position, %error, "the log stops after a failed write");
        metrics::gauge!("riffle_event_log_stopped").set(1.0);
        self.queue.stop(&reason);
        for ack in group.acks {
            let _ = ack.send(Err(AppendError::Stopped(reason.clone())));
        }
    }
}
