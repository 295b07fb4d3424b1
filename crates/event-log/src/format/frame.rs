//! One record on disk.
//!
//! The CRC runs over the payload first and the header last: producers take the payload's part on their own
//! threads, and what is left under the queue's lock is 24 bytes.

use crate::format::field;
use crate::port::{Topic, TopicPartition};

pub(crate) const FRAME_HEADER_BYTES: usize = 28;
const CRC_BYTES: usize = 4;

/// The fields before a frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    crc: u32,
    pub(crate) payload_bytes: u32,
    pub(crate) of: TopicPartition,
    pub(crate) offset: u64,
    pub(crate) at_ms: i64,
}

/// The part of a frame's CRC that its payload decides.
pub(crate) fn payload_crc(payload: &[u8]) -> u32 {
    crc32c::crc32c(payload)
}

/// Appends a whole frame to `out`.
pub(crate) fn push_frame(
    out: &mut Vec<u8>,
    of: TopicPartition,
    offset: u64,
    at_ms: i64,
    payload: &[u8],
    payload_crc: u32,
) {
    let mut header = [0; FRAME_HEADER_BYTES];
    header[4..8].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[8] = of.topic.0;
    header[10..12].copy_from_slice(&of.partition.to_le_bytes());
    header[12..20].copy_from_slice(&offset.to_le_bytes());
    header[20..28].copy_from_slice(&at_ms.to_le_bytes());
    let crc = crc32c::crc32c_append(payload_crc, &header[CRC_BYTES..]);
    header[..CRC_BYTES].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
}

impl FrameHeader {
    /// Reads the fields of the `FRAME_HEADER_BYTES` at the front of `bytes`; nothing is checked yet.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self {
            crc: u32::from_le_bytes(field(bytes, 0)),
            payload_bytes: u32::from_le_bytes(field(bytes, 4)),
            of: TopicPartition {
                topic: Topic(bytes[8]),
                partition: u16::from_le_bytes(field(bytes, 10)),
            },
            offset: u64::from_le_bytes(field(bytes, 12)),
            at_ms: i64::from_le_bytes(field(bytes, 20)),
        }
    }

    /// Length of the whole frame.
    pub(crate) fn bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.payload_bytes as usize
    }

    /// Whether `frame`, which is [`FrameHeader::bytes`] long, is as it was written.
    pub(crate) fn is_intact(&self, frame: &[u8]) -> bool {
        let payload = payload_crc(&frame[FRAME_HEADER_BYTES..]);
        crc32c::crc32c_append(payload, &frame[CRC_BYTES..FRAME_HEADER_BYTES]) == self.crc
    }
}
