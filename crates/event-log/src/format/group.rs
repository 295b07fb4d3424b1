//! The header of one group: what a single write and sync made durable together.

use crate::format::field;

pub(crate) const GROUP_HEADER_BYTES: usize = 24;
/// Groups start at multiples of this: the unit in which disks write atomically.
pub(crate) const GROUP_ALIGN_BYTES: usize = 512;
const MAGIC: u32 = u32::from_le_bytes(*b"grp1");

/// The fields of a group header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupHeader {
    /// Physical number of its first record.
    pub(crate) first_record: u64,
    /// 0 in the mark of a clean close.
    pub(crate) records: u32,
    /// Bytes of its frames, without this header and the padding.
    pub(crate) bytes: u32,
}

impl GroupHeader {
    /// The header as it stands at `position` of the segment that starts with record `segment`.
    pub(crate) fn encode(&self, segment: u64, position: u64) -> [u8; GROUP_HEADER_BYTES] {
        let mut out = [0; GROUP_HEADER_BYTES];
        out[..4].copy_from_slice(&MAGIC.to_le_bytes());
        out[8..16].copy_from_slice(&self.first_record.to_le_bytes());
        out[16..20].copy_from_slice(&self.records.to_le_bytes());
        out[20..24].copy_from_slice(&self.bytes.to_le_bytes());
        let crc = crc(&out, segment, position);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header at the front of `bytes` if it is intact and was written for this very place.
    pub(crate) fn decode(bytes: &[u8], segment: u64, position: u64) -> Option<Self> {
        let bytes = bytes.get(..GROUP_HEADER_BYTES)?;
        let ours = u32::from_le_bytes(field(bytes, 0)) == MAGIC
            && u32::from_le_bytes(field(bytes, 4)) == crc(bytes, segment, position);
        ours.then(|| Self {
            first_record: u64::from_le_bytes(field(bytes, 8)),
            records: u32::from_le_bytes(field(bytes, 16)),
            bytes: u32::from_le_bytes(field(bytes, 20)),
        })
    }

    /// Bytes the group takes on disk.
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        (GROUP_HEADER_BYTES as u64 + u64::from(self.bytes)).next_multiple_of(GROUP_ALIGN_BYTES as u64)
    }
}

fn crc(header: &[u8], segment: u64, position: u64) -> u32 {
    let place = crc32c::crc32c_append(crc32c::crc32c(&segment.to_le_bytes()), &position.to_le_bytes());
    crc32c::crc32c_append(place, &header[8..GROUP_HEADER_BYTES])
}
