//! One segment file as readers see it: where it starts, its index, and a forward walk to a record.
//!
//! It never writes; the commit thread holds the same file to append.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::disk::DiskFile;
use crate::format::{
    FRAME_HEADER_BYTES, FrameHeader, GROUP_ALIGN_BYTES, GROUP_HEADER_BYTES, GroupHeader, HeaderError,
    SegmentHeader, SparseIndex,
};
use crate::port::{ReadError, Record, TopicPartition};
use crate::slots::Slots;
use crate::window::Window;

const READ_CHUNK_BYTES: usize = 64 << 10;

/// A segment that holds records or is about to.
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) header: SegmentHeader,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Length of the file; groups end before it.
    pub(crate) capacity_bytes: u64,
    /// Largest `at_ms`; `i64::MAX` until the segment is sealed.
    pub(crate) newest_ms: AtomicI64,
    /// Grown by the commit thread while active; dropped when sealed and long unread.
    pub(crate) index: Mutex<Option<SharedIndex>>,
}

/// An index that a reader may hold while the commit thread adds to it.
pub(crate) type SharedIndex = Arc<RwLock<SparseIndex>>;

/// What a reader wants: records `[offset, end)` of one partition, about `bytes_max` of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) of: TopicPartition,
    pub(crate) slot: usize,
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) bytes_max: usize,
}

pub(crate) fn segment_name(first_record: u64) -> String {
    format!("{first_record:020}.seg")
}

/// The name of the index beside segment `name`.
pub(crate) fn index_name(name: &str) -> String {
    name.replace(".seg", ".idx")
}

/// Reads and checks the header in `file`; the inner error is the header's.
pub(crate) fn header_read(
    file: &dyn DiskFile,
    slots: Slots,
) -> io::Result<Result<SegmentHeader, HeaderError>> {
    let bytes = header_bytes_read(file)?;
    Ok(bytes.and_then(|bytes| SegmentHeader::decode(&bytes, slots)))
}

/// The bytes of the header in `file`, as many as its first ones say; nothing else is checked.
pub(crate) fn header_bytes_read(file: &dyn DiskFile) -> io::Result<Result<Vec<u8>, HeaderError>> {
    let mut bytes = vec![0; GROUP_ALIGN_BYTES];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    let needed = match SegmentHeader::bytes_needed(&bytes) {
        Ok(needed) => needed,
        Err(error) => return Ok(Err(error)),
    };
    bytes.resize(needed, 0);
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Ok(bytes))
}

impl Segment {
    /// Reads forward from the mark before the wanted offset.
    pub(crate) fn read(&self, index: &RwLock<SparseIndex>, wanted: Wanted) -> Result<Vec<Record>, ReadError> {
        let mark = index.read().mark_before(wanted.slot, wanted.offset);
        let mark = mark.ok_or_else(|| self.damaged(0, "its index does not know a record it should hold"))?;
        let mut walk = Walk {
            segment: self,
            index,
            window: Window::new(&*self.file, READ_CHUNK_BYTES),
            group_end: 0,
            next_group: u64::from(mark.group),
            position: 0,
        };
        walk.group_enter(u64::from(mark.frame))?;
        let mut records = Vec::new();
        let mut bytes = 0;
        let mut due = mark.offset;
        while due < wanted.end && (records.is_empty() || bytes < wanted.bytes_max) {
            let Some(found) = walk.next(wanted.of, due >= wanted.offset)? else {
                walk.run_seek(wanted.slot, due)?;
                continue;
            };
            if found.offset != due {
                return Err(self.damaged(walk.position, "a record with the wrong offset"));
            }
            due = found.offset + found.records;
            match found.payload {
                None if due > wanted.offset => return lost_or(records, wanted, due),
                Some(payload) if due > wanted.offset => {
                    bytes += payload.len();
                    records.push(Record {
                        from: wanted.of,
                        offset: found.offset,
                        at_ms: found.at_ms,
                        payload,
                    });
                }
                _ => {}
            }
        }
        Ok(records)
    }

    fn damaged(&self, position: u64, reason: &'static str) -> ReadError {
        ReadError::Damaged {
            segment: self.name.clone(),
            position,
            reason,
        }
    }
}

/// What stood before a hole that reaches to `next`, or, when that is nothing, the hole.
fn lost_or(records: Vec<Record>, wanted: Wanted, next: u64) -> Result<Vec<Record>, ReadError> {
    if !records.is_empty() {
        return Ok(records);
    }
    let (from, offset) = (wanted.of, wanted.offset);
    Err(ReadError::Lost { from, offset, next })
}

/// A frame of the partition that is read.
struct Found {
    offset: u64,
    records: u64,
    at_ms: i64,
    /// `None` is a gap; empty when the record is only passed over.
    payload: Option<Bytes>,
}

/// A position among the frames of a segment.
struct Walk<'a> {
    segment: &'a Segment,
    index: &'a RwLock<SparseIndex>,
    window: Window<'a>,
    position: u64,
    /// End of the frames of the group that `position` is in.
    group_end: u64,
    next_group: u64,
}

impl Walk<'_> {
    /// The next frame of `of` in this group, skipping others; `None` at the group's end. Payloads of
    /// records that are only passed over (`keep` is false) are neither checked nor copied.
    fn next(&mut self, of: TopicPartition, keep: bool) -> Result<Option<Found>, ReadError> {
        while self.position < self.group_end {
            let at = self.position;
            let bytes = self.window.get(at, FRAME_HEADER_BYTES)?;
            if bytes.len() < FRAME_HEADER_BYTES {
                return Err(self.segment.damaged(at, "the file ends inside a frame"));
            }
            let frame = FrameHeader::read(bytes);
            self.position += frame.bytes() as u64;
            if self.position > self.group_end {
                return Err(self.segment.damaged(at, "a frame is longer than its group"));
            }
            if frame.of != of {
                continue;
            }
            let payload = match keep || frame.is_gap() {
                true => self.payload(at, &frame)?,
                false => Bytes::new(),
            };
            return Ok(Some(Found {
                offset: frame.offset,
                records: frame.records(),
                at_ms: frame.at_ms,
                payload: (!frame.is_gap()).then_some(payload),
            }));
        }
        Ok(None)
    }

    fn payload(&mut self, at: u64, frame: &FrameHeader) -> Result<Bytes, ReadError> {
        let bytes = self.window.get(at, frame.bytes())?;
        if bytes.len() < frame.bytes() || !frame.is_intact(bytes) {
            return Err(self.segment.damaged(at, "a frame's checksum does not match"));
        }
        Ok(Bytes::copy_from_slice(&bytes[FRAME_HEADER_BYTES..]))
    }

    /// Goes on in the group where `slot`'s record `due` is marked, or else in the one that follows.
    fn run_seek(&mut self, slot: usize, due: u64) -> Result<(), ReadError> {
        let mark = self
            .index
            .read()
            .mark_before(slot, due)
            .filter(|mark| mark.offset == due);
        match mark.filter(|mark| u64::from(mark.group) >= self.next_group) {
            Some(mark) => {
                self.next_group = u64::from(mark.group);
                self.group_enter(u64::from(mark.frame))
            }
            None => self.group_enter(self.next_group + GROUP_HEADER_BYTES as u64),
        }
    }

    /// Reads the header of the next group and stands at `frame` in it.
    fn group_enter(&mut self, frame: u64) -> Result<(), ReadError> {
        let at = self.next_group;
        let bytes = self.window.get(at, GROUP_HEADER_BYTES)?;
        let group = GroupHeader::decode(bytes, self.segment.header.first_record, at);
        let group = group.ok_or_else(|| self.segment.damaged(at, "no group header where one should be"))?;
        self.group_end = at + GROUP_HEADER_BYTES as u64 + u64::from(group.bytes);
        self.next_group = at + group.bytes_on_disk();
        self.position = frame;
        Ok(())
    }
}
