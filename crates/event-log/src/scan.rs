//! Walks a segment from its first group to its last, checking every byte that counts.
//!
//! It tells a torn tail from damage: only one group is ever unsynced, so anything valid after a bad group
//! proves that the bad one had been made durable, and perhaps acknowledged. It changes nothing.

use std::io;

use crate::disk::DiskFile;
use crate::format::{
    FRAME_HEADER_BYTES, FrameHeader, GROUP_ALIGN_BYTES, GROUP_HEADER_BYTES, GroupHeader, Mark, SegmentHeader,
    SparseIndex,
};
use crate::port::TopicPartition;
use crate::slots::Slots;
use crate::window::Window;

const CHUNK_BYTES: usize = 1 << 20;

/// What a segment holds.
pub(crate) struct Scan {
    pub(crate) index: SparseIndex,
    /// The next offset of every slot after the segment.
    pub(crate) next: Vec<u64>,
    /// After the last whole group there is something that is not zeros: a write that never finished.
    pub(crate) torn: bool,
    /// The smallest `at_ms`, when there is any record.
    pub(crate) oldest_ms: Option<i64>,
    /// What repairs took out.
    pub(crate) gaps: Vec<Gap>,
}

/// Records `[offset, offset + count)` of `of` are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) of: TopicPartition,
    pub(crate) offset: u64,
    pub(crate) count: u64,
}

/// Why a scan gave up.
#[derive(Debug)]
pub(crate) enum ScanError {
    Io(io::Error),
    Damaged { position: u64, reason: &'static str },
    UnknownPartition(TopicPartition),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Scans the segment in `file`.
pub(crate) fn scan(file: &dyn DiskFile, header: &SegmentHeader, slots: Slots) -> Result<Scan, ScanError> {
    let mut scanner = Scanner {
        window: Window::new(file, CHUNK_BYTES),
        segment: header.first_record,
        fold: Fold {
            slots,
            index: SparseIndex::new(header.first_record, header.data_start, slots),
            next: header.bases.clone(),
            oldest_ms: None,
            gaps: Vec::new(),
        },
    };
    let reason = loop {
        match scanner.group()? {
            Ok(()) => {}
            Err(reason) => break reason,
        }
    };
    let end = scanner.fold.index.data_end;
    if scanner.group_follows(end)? {
        return Err(ScanError::Damaged {
            position: end,
            reason,
        });
    }
    let torn = !scanner.zeros_from(end)?;
    let Fold {
        index,
        next,
        oldest_ms,
        gaps,
        ..
    } = scanner.fold;
    Ok(Scan {
        index,
        next,
        torn,
        oldest_ms,
        gaps,
    })
}

struct Scanner<'a> {
    window: Window<'a>,
    segment: u64,
    fold: Fold,
}

/// What the checked groups add up to.
struct Fold {
    slots: Slots,
    index: SparseIndex,
    next: Vec<u64>,
    oldest_ms: Option<i64>,
    gaps: Vec<Gap>,
}

impl Scanner<'_> {
    fn next_record(&self) -> u64 {
        self.segment + self.fold.index.records
    }

    /// Takes in the group at the end of what is known; the inner error says why there is none.
    fn group(&mut self) -> Result<Result<(), &'static str>, ScanError> {
        let position = self.fold.index.data_end;
        let bytes = self.window.get(position, GROUP_HEADER_BYTES)?;
        let Some(header) = GroupHeader::decode(bytes, self.segment, position) else {
            return Ok(Err("no group header where one should be"));
        };
        if header.first_record != self.next_record() {
            return Ok(Err("a group with the wrong record number"));
        }
        let frames_at = position + GROUP_HEADER_BYTES as u64;
        let frames = self.window.get(frames_at, header.bytes as usize)?;
        if let Err(reason) = frames_check(frames, &header) {
            return Ok(Err(reason));
        }
        self.fold.frames(frames, position)?;
        self.fold.index.records += u64::from(header.records);
        self.fold.index.data_end = position + header.bytes_on_disk();
        Ok(Ok(()))
    }

    /// Whether any valid group stands after `end` that was written after the one due there.
    fn group_follows(&mut self, end: u64) -> Result<bool, ScanError> {
        let mut position = end + GROUP_ALIGN_BYTES as u64;
        loop {
            let bytes = self.window.get(position, GROUP_HEADER_BYTES)?;
            if bytes.len() < GROUP_HEADER_BYTES {
                return Ok(false);
            }
            let later = GroupHeader::decode(bytes, self.segment, position)
                .is_some_and(|group| group.first_record >= self.next_record());
            if later {
                return Ok(true);
            }
            position += GROUP_ALIGN_BYTES as u64;
        }
    }

    fn zeros_from(&mut self, mut position: u64) -> Result<bool, ScanError> {
        loop {
            let bytes = self.window.get(position, CHUNK_BYTES)?;
            if bytes.is_empty() {
                return Ok(true);
            }
            if bytes.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            position += bytes.len() as u64;
        }
    }
}

/// Every frame intact, and together exactly as many bytes and records as the header says.
pub(crate) fn frames_check(mut frames: &[u8], header: &GroupHeader) -> Result<(), &'static str> {
    if frames.len() < header.bytes as usize {
        return Err("the file ends inside a group");
    }
    let mut records = 0;
    while !frames.is_empty() {
        if frames.len() < FRAME_HEADER_BYTES {
            return Err("a group ends inside a frame");
        }
        let frame = FrameHeader::read(frames);
        let Some((bytes, rest)) = frames.split_at_checked(frame.bytes()) else {
            return Err("a frame is longer than its group");
        };
        if !frame.is_intact(bytes) {
            return Err("a frame's checksum does not match");
        }
        records += frame.records();
        frames = rest;
    }
    if records == u64::from(header.records) {
        Ok(())
    } else {
        Err("a group with the wrong number of records")
    }
}

impl Fold {
    /// Moves every partition's offset past the checked `frames` of the group at `group`, and marks where runs begin.
    fn frames(&mut self, frames: &[u8], group: u64) -> Result<(), ScanError> {
        let (mut at, mut run) = (0, None);
        while at < frames.len() {
            let frame = FrameHeader::read(&frames[at..]);
            let position = group + (GROUP_HEADER_BYTES + at) as u64;
            let slot = self.slots.slot(frame.of);
            let slot = slot.ok_or(ScanError::UnknownPartition(frame.of))?;
            if frame.offset != self.next[slot] {
                return Err(ScanError::Damaged {
                    position,
                    reason: "a record with the wrong offset",
                });
            }
            if run != Some(slot) {
                run = Some(slot);
                let mark = Mark {
                    offset: frame.offset,
                    group: group as u32,
                    frame: position as u32,
                };
                self.index.note(slot, mark);
            }
            self.frame(slot, &frame);
            at += frame.bytes();
        }
        Ok(())
    }

    fn frame(&mut self, slot: usize, frame: &FrameHeader) {
        self.next[slot] += frame.records();
        if frame.is_gap() {
            self.gaps.push(Gap {
                of: frame.of,
                offset: frame.offset,
                count: frame.records(),
            });
            return;
        }
        self.index.newest_ms = self.index.newest_ms.max(frame.at_ms);
        self.oldest_ms = Some(
            self.oldest_ms
                .map_or(frame.at_ms, |oldest| oldest.min(frame.at_ms)),
        );
    }
}
