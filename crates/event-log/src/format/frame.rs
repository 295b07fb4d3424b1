//! One record on disk, or a gap: what a repair leaves where records were lost.
//!
//! A gap has no payload; it stands for `count` records of its partition, so that all others keep their offsets.
//! The CRC runs over the payload first and the header last: producers take the payload's part on their own
//! threads, and what is left under the queue's lock is 24 bytes.

use crate::format::field;
use crate::port::{Topic, TopicPartition};

pub(crate) const FRAME_HEADER_BYTES: usize = 28;
const CRC_BYTES: usize = 4;
/// The byte that says what a frame is.
const KIND_AT: usize = 9;
const KIND_RECORD: u8 = 0;
const KIND_GAP: u8 = 1;

/// The fields before a frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    crc: u32,
    kind: u8,
    /// Of a record the payload's bytes; of a gap how many records it stands for.
    length: u32,
    pub(crate) of: TopicPartition,
    pub(crate) offset: u64,
    pub(crate) at_ms: i64,
}

/// The part of a frame's CRC that its payload decides.
pub(crate) fn payload_crc(payload: &[u8]) -> u32 {
    crc32c::crc32c(payload)
}

/// Appends a record's frame to `out`.
pub(crate) fn push_frame(
    out: &mut Vec<u8>,
    of: TopicPartition,
    offset: u64,
    at_ms: i64,
    payload: &[u8],
    payload_crc: u32,
) {
    let header = FrameHeader {
        crc: 0,
        kind: KIND_RECORD,
        length: payload.len() as u32,
        of,
        offset,
        at_ms,
    };
    out.extend_from_slice(&header.encode(payload_crc));
    out.extend_from_slice(payload);
}

/// Appends a gap to `out`: the `count` records of `of` from `offset` on are lost.
pub(crate) fn push_gap(out: &mut Vec<u8>, of: TopicPartition, offset: u64, count: u32) {
    let header = FrameHeader {
        crc: 0,
        kind: KIND_GAP,
        length: count,
        of,
        offset,
        at_ms: 0,
    };
    out.extend_from_slice(&header.encode(payload_crc(&[])));
}

impl FrameHeader {
    /// Reads the fields of the `FRAME_HEADER_BYTES` at the front of `bytes`; nothing is checked yet.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self {
            crc: u32::from_le_bytes(field(bytes, 0)),
            kind: bytes[KIND_AT],
            length: u32::from_le_bytes(field(bytes, 4)),
            of: TopicPartition {
                topic: Topic(bytes[8]),
                partition: u16::from_le_bytes(field(bytes, 10)),
            },
            offset: u64::from_le_bytes(field(bytes, 12)),
            at_ms: i64::from_le_bytes(field(bytes, 20)),
        }
    }

    fn encode(&self, payload_crc: u32) -> [u8; FRAME_HEADER_BYTES] {
        let mut header = [0; FRAME_HEADER_BYTES];
        header[4..8].copy_from_slice(&self.length.to_le_bytes());
        header[8] = self.of.topic.0;
        header[KIND_AT] = self.kind;
        header[10..12].copy_from_slice(&self.of.partition.to_le_bytes());
        header[12..20].copy_from_slice(&self.offset.to_le_bytes());
        header[20..28].copy_from_slice(&self.at_ms.to_le_bytes());
        let crc = crc32c::crc32c_append(payload_crc, &header[CRC_BYTES..]);
        header[..CRC_BYTES].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// Length of the whole frame.
    pub(crate) fn bytes(&self) -> usize {
        match self.kind {
            KIND_GAP => FRAME_HEADER_BYTES,
            _ => FRAME_HEADER_BYTES + self.length as usize,
        }
    }

    /// How many records it is, or stands for.
    pub(crate) fn records(&self) -> u64 {
        match self.kind {
            KIND_GAP => u64::from(self.length),
            _ => 1,
        }
    }

    pub(crate) fn is_gap(&self) -> bool {
        self.kind == KIND_GAP
    }

    /// Whether `frame`, which is [`FrameHeader::bytes`] long, is as it was written.
    pub(crate) fn is_intact(&self, frame: &[u8]) -> bool {
        let payload = payload_crc(&frame[FRAME_HEADER_BYTES..]);
        self.kind <= KIND_GAP
            && crc32c::crc32c_append(payload, &frame[CRC_BYTES..FRAME_HEADER_BYTES]) == self.crc
    }
}
