//! What one write and one sync will carry, gathered by partition while the last one runs.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::format::{FRAME_HEADER_BYTES, push_frame};
use crate::port::{Append, AppendError};

/// A part's buffer that grew past this is not kept for the next group.
const FREE_PART_BYTES_MAX: usize = 1 << 20;

pub(crate) type Ack = oneshot::Sender<Result<(), AppendError>>;
pub(crate) type Acked = oneshot::Receiver<Result<(), AppendError>>;

/// Records that become durable together.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) parts: Vec<Part>,
    /// Slots with records, in order of first use.
    pub(crate) touched: Vec<u16>,
    pub(crate) records: u32,
    pub(crate) bytes: usize,
    pub(crate) newest_ms: i64,
    pub(crate) oldest_ms: i64,
    /// Told when the group is durable, or that it never will be.
    pub(crate) acks: Vec<Ack>,
    /// Those of its records that were acknowledged before they are durable.
    pub(crate) at_risk: AtRisk,
}

/// The frames of one partition in a group.
#[derive(Default)]
pub(crate) struct Part {
    pub(crate) frames: Vec<u8>,
    pub(crate) first_offset: u64,
    pub(crate) records: u32,
}

/// Records acknowledged on the promise of memory alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AtRisk {
    pub(crate) records: u64,
    pub(crate) bytes: usize,
    /// When the first of them was acknowledged.
    pub(crate) since: Option<Duration>,
}

impl Group {
    pub(crate) fn new(slots: usize) -> Self {
        let mut group = Self {
            parts: std::iter::repeat_with(Part::default).take(slots).collect(),
            ..Self::default()
        };
        group.clear();
        group
    }

    /// Takes in `record` as the one at `offset` of `slot`.
    pub(crate) fn place(&mut self, slot: usize, offset: u64, record: &Append, payload_crc: u32) {
        let part = &mut self.parts[slot];
        if part.records == 0 {
            part.first_offset = offset;
            self.touched.push(slot as u16);
        }
        part.records += 1;
        self.records += 1;
        self.bytes += FRAME_HEADER_BYTES + record.payload.len();
        self.newest_ms = self.newest_ms.max(record.at_ms);
        self.oldest_ms = self.oldest_ms.min(record.at_ms);
        let Append { to, at_ms, payload } = record;
        push_frame(&mut part.frames, *to, offset, *at_ms, payload, payload_crc);
    }

    /// Empties the group, keeping what its buffers may keep.
    pub(crate) fn clear(&mut self) {
        for slot in self.touched.drain(..) {
            let part = &mut self.parts[usize::from(slot)];
            part.records = 0;
            if part.frames.capacity() > FREE_PART_BYTES_MAX {
                part.frames = Vec::new();
            }
            part.frames.clear();
        }
        self.acks.clear();
        (self.records, self.bytes, self.at_risk) = (0, 0, AtRisk::default());
        (self.newest_ms, self.oldest_ms) = (i64::MIN, i64::MAX);
    }
}
