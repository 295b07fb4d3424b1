//! The header of a segment: its first record, and where every partition stood when it was begun.
//!
//! The offsets are kept here, not in the index, so that a partition that has no record left after retention
//! still goes on counting where it was.

use crate::format::{GROUP_ALIGN_BYTES, field};
use crate::port::{Topic, TopicPartition};
use crate::slots::Slots;

const MAGIC: [u8; 8] = *b"evtlog01";
const FIXED_BYTES: usize = 20;
const ENTRY_BYTES: usize = 11;
const CRC_BYTES: usize = 4;
const ENTRIES_MAX: usize = u16::MAX as usize;

/// Bytes of a header with `slots` partitions, padding included.
pub(crate) fn header_bytes(slots: usize) -> usize {
    (FIXED_BYTES + slots * ENTRY_BYTES + CRC_BYTES).next_multiple_of(GROUP_ALIGN_BYTES)
}

/// What stands at the front of a segment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) first_record: u64,
    /// The next offset of every slot when the segment began.
    pub(crate) bases: Vec<u64>,
    /// Where the first group stands.
    pub(crate) data_start: u64,
}

/// Why a header could not be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    Damaged(&'static str),
    UnknownPartition(TopicPartition),
}

impl SegmentHeader {
    pub(crate) fn new(first_record: u64, bases: Vec<u64>) -> Self {
        let data_start = header_bytes(bases.len()) as u64;
        Self {
            first_record,
            bases,
            data_start,
        }
    }

    pub(crate) fn encode(&self, slots: Slots) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data_start as usize);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.first_record.to_le_bytes());
        out.extend_from_slice(&(self.bases.len() as u32).to_le_bytes());
        for (slot, next) in self.bases.iter().enumerate() {
            let of = slots.partition(slot);
            out.push(of.topic.0);
            out.extend_from_slice(&of.partition.to_le_bytes());
            out.extend_from_slice(&next.to_le_bytes());
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out.resize(self.data_start as usize, 0);
        out
    }

    /// How many bytes to read for [`SegmentHeader::decode`], told by the first `GROUP_ALIGN_BYTES`.
    pub(crate) fn bytes_needed(start: &[u8]) -> Result<usize, HeaderError> {
        if start.len() < FIXED_BYTES || start[..MAGIC.len()] != MAGIC {
            return Err(HeaderError::Damaged("it does not begin as a segment does"));
        }
        match u32::from_le_bytes(field(start, 16)) as usize {
            entries if entries <= ENTRIES_MAX => Ok(header_bytes(entries)),
            _ => Err(HeaderError::Damaged("its header counts too many partitions")),
        }
    }

    /// How many topics and partitions the header in `bytes` speaks of.
    pub(crate) fn shape(bytes: &[u8]) -> Result<Slots, HeaderError> {
        let mut shape = Slots {
            topics: 0,
            partitions: 0,
        };
        for (of, _) in entries(bytes)? {
            shape.topics = shape.topics.max(of.topic.0.saturating_add(1));
            shape.partitions = shape.partitions.max(of.partition.saturating_add(1));
        }
        Ok(shape)
    }

    pub(crate) fn decode(bytes: &[u8], slots: Slots) -> Result<Self, HeaderError> {
        let needed = Self::bytes_needed(bytes)?;
        let mut bases = vec![0; slots.count()];
        for (of, next) in entries(bytes)? {
            match slots.slot(of) {
                Some(slot) => bases[slot] = next,
                None if next > 0 => return Err(HeaderError::UnknownPartition(of)),
                None => {}
            }
        }
        Ok(Self {
            first_record: u64::from_le_bytes(field(bytes, 8)),
            bases,
            data_start: needed as u64,
        })
    }
}

/// The partitions of an intact header, and where each stood.
fn entries(bytes: &[u8]) -> Result<impl Iterator<Item = (TopicPartition, u64)>, HeaderError> {
    let needed = SegmentHeader::bytes_needed(bytes)?;
    let crc_at = FIXED_BYTES + u32::from_le_bytes(field(bytes, 16)) as usize * ENTRY_BYTES;
    let intact =
        bytes.len() >= needed && crc32c::crc32c(&bytes[..crc_at]) == u32::from_le_bytes(field(bytes, crc_at));
    if !intact {
        return Err(HeaderError::Damaged("its header's checksum does not match"));
    }
    let entries = bytes[FIXED_BYTES..crc_at].chunks_exact(ENTRY_BYTES);
    Ok(entries.map(|entry| {
        let of = TopicPartition {
            topic: Topic(entry[0]),
            partition: u16::from_le_bytes(field(entry, 1)),
        };
        (of, u64::from_le_bytes(field(entry, 3)))
    }))
}
