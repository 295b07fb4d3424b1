//! The newest records in memory, so that jobs near the end of the log do not touch the disk.
//!
//! It holds runs: the neighbouring frames of one partition in one group, as slices of the very buffer that
//! was written. The oldest group goes when the bound is passed; nothing is ever read back into it.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::format::{FRAME_HEADER_BYTES, FrameHeader};
use crate::port::Record;
use crate::segment::Wanted;

/// What a small group costs beyond its frames: padding of its buffer and the entries here.
const GROUP_OVERHEAD_BYTES: usize = 768;

/// Recent runs of every slot.
pub(crate) struct TailCache {
    bytes_max: usize,
    bytes: usize,
    runs: Vec<VecDeque<Run>>,
    /// What to drop next: the slots of each group, oldest first.
    groups: VecDeque<CachedGroup>,
}

/// Neighbouring frames of one partition.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) first_offset: u64,
    pub(crate) frames: Bytes,
}

struct CachedGroup {
    slots: Vec<u16>,
    bytes: usize,
}

impl TailCache {
    pub(crate) fn new(slots: usize, bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            runs: vec![VecDeque::new(); slots],
            groups: VecDeque::new(),
        }
    }

    /// Takes in the runs of one group, at most one a slot.
    pub(crate) fn push(&mut self, group: impl Iterator<Item = (u16, Run)>) {
        let mut slots = Vec::new();
        let mut bytes = GROUP_OVERHEAD_BYTES;
        for (slot, run) in group {
            bytes += run.frames.len();
            slots.push(slot);
            self.runs[usize::from(slot)].push_back(run);
        }
        self.bytes += bytes;
        self.groups.push_back(CachedGroup { slots, bytes });
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.groups.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes;
            for slot in oldest.slots {
                self.runs[usize::from(slot)].pop_front();
            }
        }
    }

    /// The wanted records, or `None` when the first of them is no longer here.
    pub(crate) fn read(&self, wanted: Wanted) -> Option<Vec<Record>> {
        let runs = self.runs_from(wanted)?;
        let mut records = Vec::new();
        let mut bytes = 0;
        for run in runs {
            let (mut at, mut offset) = (0, run.first_offset);
            while at < run.frames.len() {
                if offset >= wanted.end || (bytes >= wanted.bytes_max && !records.is_empty()) {
                    return Some(records);
                }
                let frame = FrameHeader::read(&run.frames[at..]);
                if offset >= wanted.offset {
                    let payload = run.frames.slice(at + FRAME_HEADER_BYTES..at + frame.bytes());
                    bytes += payload.len();
                    records.push(Record {
                        from: wanted.of,
                        offset,
                        at_ms: frame.at_ms,
                        payload,
                    });
                }
                at += frame.bytes();
                offset += 1;
            }
        }
        Some(records)
    }

    fn runs_from(&self, wanted: Wanted) -> Option<impl Iterator<Item = &Run>> {
        let runs = &self.runs[wanted.slot];
        let after = runs.partition_point(|run| run.first_offset <= wanted.offset);
        Some(runs.range(after.checked_sub(1)?..))
    }
}
