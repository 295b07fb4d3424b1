//! The bytes on disk, all little-endian: segment header, groups, frames, and the index file beside a segment.
//!
//! ```text
//! segment = header (padded to 512) · group · group · … · zeros
//! group   = magic u32 · crc u32 · first record u64 · records u32 · bytes u32 · frame … · padding to 512
//! frame   = crc u32 · length u32 · topic u8 · 0 u8 · partition u16 · offset u64 · at_ms i64 · payload
//! gap     = crc u32 · count u32  · topic u8 · 1 u8 · partition u16 · offset u64 · 0 i64
//! ```
//!
//! A group is what one write and one sync carry. It starts on a sector of its own, so a torn write cannot
//! touch what an earlier sync made safe, and its header's CRC covers where it stands, so neither a stale
//! group nor bytes of a payload pass for one. Within a group the frames of a partition are neighbours.
//! An empty group marks a clean close. A gap stands where `count` records were lost and only a repair writes
//! one. A group's records, and so the physical record numbers, count gaps by what they stand for: the number of
//! a segment's first record is always the sum of the offsets in its header. Nothing here does IO.

mod frame;
mod group;
mod header;
mod index;

pub(crate) use frame::{FRAME_HEADER_BYTES, FrameHeader, payload_crc, push_frame, push_gap};
pub(crate) use group::{GROUP_ALIGN_BYTES, GROUP_HEADER_BYTES, GroupHeader};
pub(crate) use header::{HeaderError, SegmentHeader, header_bytes};
pub(crate) use index::{Mark, SparseIndex};

/// A little-endian field of `bytes`; the caller has checked the length.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

#[cfg(test)]
mod tests;
