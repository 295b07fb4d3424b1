//! The sparse index of a segment: where to start reading for an offset of a partition.
//!
//! It is only a shortcut. A reader that starts at a mark walks forward; an index that is missing or bad is
//! rebuilt by scanning the segment.

use crate::format::field;
use crate::port::TopicPartition;
use crate::slots::Slots;

/// A partition gets a mark at most every so many bytes of segment.
const MARK_EVERY_BYTES: u32 = 64 << 10;
const MAGIC: [u8; 8] = *b"evtidx01";
const FIXED_BYTES: usize = 44;
const MARK_BYTES: usize = 18;
const CRC_BYTES: usize = 4;

/// The frame of `offset` stands at byte `frame`, in the group at byte `group`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    pub(crate) group: u32,
    pub(crate) frame: u32,
}

/// Marks of every partition, in offset order, and what is known of the segment as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SparseIndex {
    first_record: u64,
    slots: Slots,
    pub(crate) records: u64,
    /// One past the last group.
    pub(crate) data_end: u64,
    /// The largest `at_ms` in the segment; retention by time reads this.
    pub(crate) newest_ms: i64,
    marks: Vec<Vec<Mark>>,
}

impl SparseIndex {
    pub(crate) fn new(first_record: u64, data_start: u64, slots: Slots) -> Self {
        let marks = vec![Vec::new(); slots.count()];
        Self {
            first_record,
            slots,
            records: 0,
            data_end: data_start,
            newest_ms: i64::MIN,
            marks,
        }
    }

    /// Notes that a run of frames of `slot` begins at `mark`, if the last mark is far enough behind.
    pub(crate) fn note(&mut self, slot: usize, mark: Mark) {
        let marks = &mut self.marks[slot];
        if marks
            .last()
            .is_none_or(|last| mark.frame - last.frame >= MARK_EVERY_BYTES)
        {
            marks.push(mark);
        }
    }

    /// The last mark at or before `offset`.
    pub(crate) fn mark_before(&self, slot: usize, offset: u64) -> Option<Mark> {
        let marks = &self.marks[slot];
        let after = marks.partition_point(|mark| mark.offset <= offset);
        after.checked_sub(1).map(|at| marks[at])
    }

    /// Whether both say the same of one segment, however many slots they know.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let whole = |index: &Self| (index.first_record, index.records, index.data_end, index.newest_ms);
        whole(self) == whole(other) && self.marked().eq(other.marked())
    }

    /// The partitions that have marks.
    fn marked(&self) -> impl Iterator<Item = (TopicPartition, &[Mark])> {
        let by_slot = self.marks.iter().enumerate();
        let some = by_slot.filter(|(_, marks)| !marks.is_empty());
        some.map(|(slot, marks)| (self.slots.partition(slot), &marks[..]))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let marks: usize = self.marks.iter().map(Vec::len).sum();
        let mut out = Vec::with_capacity(FIXED_BYTES + marks * MARK_BYTES + CRC_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.first_record.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        out.extend_from_slice(&self.data_end.to_le_bytes());
        out.extend_from_slice(&self.newest_ms.to_le_bytes());
        out.extend_from_slice(&shape(self.slots).to_le_bytes());
        for (slot, marks) in self.marks.iter().enumerate() {
            for mark in marks {
                out.extend_from_slice(&(slot as u16).to_le_bytes());
                out.extend_from_slice(&mark.offset.to_le_bytes());
                out.extend_from_slice(&mark.group.to_le_bytes());
                out.extend_from_slice(&mark.frame.to_le_bytes());
            }
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out
    }

    /// The index in `bytes` if it is intact and was made for this segment with these many slots.
    pub(crate) fn decode(bytes: &[u8], first_record: u64, slots: Slots) -> Option<Self> {
        Self::decode_any(bytes, first_record).filter(|index| index.slots == slots)
    }

    /// As [`SparseIndex::decode`], with as many slots as there were when it was written.
    pub(crate) fn decode_any(bytes: &[u8], first_record: u64) -> Option<Self> {
        let body = bytes
            .len()
            .checked_sub(CRC_BYTES)
            .filter(|body| *body >= FIXED_BYTES)?;
        let intact = crc32c::crc32c(&bytes[..body]) == u32::from_le_bytes(field(bytes, body));
        let ours = intact
            && bytes[..MAGIC.len()] == MAGIC
            && u64::from_le_bytes(field(bytes, 8)) == first_record
            && (body - FIXED_BYTES).is_multiple_of(MARK_BYTES);
        if !ours {
            return None;
        }
        let slots = slots(u32::from_le_bytes(field(bytes, 40)));
        let mut marks = vec![Vec::new(); slots.count()];
        for mark in bytes[FIXED_BYTES..body].chunks_exact(MARK_BYTES) {
            marks
                .get_mut(usize::from(u16::from_le_bytes(field(mark, 0))))?
                .push(Mark {
                    offset: u64::from_le_bytes(field(mark, 2)),
                    group: u32::from_le_bytes(field(mark, 10)),
                    frame: u32::from_le_bytes(field(mark, 14)),
                });
        }
        Some(Self {
            first_record,
            slots,
            records: u64::from_le_bytes(field(bytes, 16)),
            data_end: u64::from_le_bytes(field(bytes, 24)),
            newest_ms: i64::from_le_bytes(field(bytes, 32)),
            marks,
        })
    }
}

/// Marks are kept by slot, and the shape is what decides the slots.
fn shape(slots: Slots) -> u32 {
    u32::from(slots.topics) << 16 | u32::from(slots.partitions)
}

fn slots(shape: u32) -> Slots {
    Slots {
        topics: (shape >> 16) as u8,
        partitions: shape as u16,
    }
}
