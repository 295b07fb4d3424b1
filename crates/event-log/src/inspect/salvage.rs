//! Walks a damaged segment and finds what can still be trusted in it.
//!
//! Trust comes from checksums in their place. A group header is bound to its segment and position; within its
//! group each frame has a checksum of its own, and frames stand one behind the other. So one bad frame costs
//! itself where its length still leads to a good one, and the rest of its group where it does not: bytes are
//! never searched for something that looks like a frame, because a payload may hold one. Which offsets are
//! lost follows from those that are there, for the offsets of a partition have no gaps.
//! It changes nothing; [`crate::repair`] writes down what it finds.

use std::io;
use std::ops::ControlFlow;

use crate::disk::DiskFile;
use crate::format::{FRAME_HEADER_BYTES, FrameHeader, GROUP_ALIGN_BYTES, GROUP_HEADER_BYTES, GroupHeader};
use crate::scan::frames_check;
use crate::slots::Slots;
use crate::window::Window;

const CHUNK_BYTES: usize = 1 << 20;

/// A segment to walk, and what its neighbours say of it.
pub(crate) struct Salvage<'a> {
    pub(crate) file: &'a dyn DiskFile,
    pub(crate) slots: Slots,
    /// The number its groups were written under.
    pub(crate) number: u64,
    /// Where its first group stands; `None` when the header that says so is damaged.
    pub(crate) data_start: Option<u64>,
    /// The next offset of every slot when it began.
    pub(crate) bases: Vec<u64>,
    /// The same when the segment after it began, if there is one with a readable header.
    pub(crate) following: Option<Vec<u64>>,
    /// The number of the segment after it. Without one, a bad group with nothing good behind it is a write that
    /// never finished.
    pub(crate) end: Option<u64>,
    /// Records before this segment that are missing from what came before it, and show only here.
    pub(crate) owed: u64,
}

/// Takes what a walk finds, in order.
pub(crate) trait Sink {
    /// An intact frame, a record or the gap of an earlier repair; `Break` ends the walk.
    fn frame(&mut self, slot: usize, frame: &FrameHeader, bytes: &[u8]) -> io::Result<ControlFlow<()>>;

    /// Records `[offset, offset + count)` of `slot` are not there.
    fn lost(&mut self, slot: usize, offset: u64, count: u64) -> io::Result<()>;

    /// Something is wrong at `position`.
    fn damage(&mut self, position: u64, reason: &'static str);

    /// What came since the last call was written together.
    fn group_end(&mut self) -> io::Result<()>;
}

/// Where a walk ended.
#[derive(Debug)]
pub(crate) struct Salvaged {
    /// The next offset of every slot.
    pub(crate) next: Vec<u64>,
    /// Records at the log's end that nothing tells the partition of: every slot has skipped so many.
    pub(crate) unattributed: u64,
}

impl Salvage<'_> {
    /// Walks the segment once.
    pub(crate) fn walk(&self, sink: &mut dyn Sink) -> io::Result<Salvaged> {
        let mut walker = Walker {
            job: self,
            window: Window::new(self.file, CHUNK_BYTES),
            next: self.bases.clone(),
            number: self.number,
            sink,
            is_over: false,
        };
        walker.groups()?;
        let unattributed = if walker.is_over { 0 } else { walker.finish()? };
        Ok(Salvaged {
            next: walker.next,
            unattributed,
        })
    }
}

struct Walker<'a> {
    job: &'a Salvage<'a>,
    window: Window<'a>,
    next: Vec<u64>,
    /// One past the last record that an intact group header speaks of.
    number: u64,
    sink: &'a mut dyn Sink,
    /// The sink wants no more.
    is_over: bool,
}

impl Walker<'_> {
    fn groups(&mut self) -> io::Result<()> {
        let mut position = match self.job.data_start {
            Some(position) => position,
            None => {
                self.sink.damage(0, "its header is unreadable");
                let first = self.group_after(0)?;
                first.unwrap_or(GROUP_ALIGN_BYTES as u64)
            }
        };
        while !self.is_over {
            if let Some(group) = self.group_at(position)? {
                if self.is_unfinished(position, &group)? {
                    break;
                }
                self.group(position, &group)?;
                position += group.bytes_on_disk();
                continue;
            }
            let follows = self.group_after(position)?;
            if follows.is_none() && self.job.end.is_none_or(|end| self.number >= end) {
                break;
            }
            self.ruin(position, follows)?;
            match follows {
                Some(follows) => position = follows,
                None => break,
            }
        }
        Ok(())
    }

    /// Whether this group is where a crash ended the log: not whole, and nothing behind it.
    fn is_unfinished(&mut self, position: u64, group: &GroupHeader) -> io::Result<bool> {
        if self.job.end.is_some() {
            return Ok(false);
        }
        let at = position + GROUP_HEADER_BYTES as u64;
        let frames = self.window.get(at, group.bytes as usize)?;
        Ok(frames_check(frames, group).is_err() && self.group_after(position)?.is_none())
    }

    fn group_at(&mut self, position: u64) -> io::Result<Option<GroupHeader>> {
        let bytes = self.window.get(position, GROUP_HEADER_BYTES)?;
        let group = GroupHeader::decode(bytes, self.job.number, position);
        Ok(group.filter(|group| group.first_record >= self.number))
    }

    /// The next place after `position` where an intact group begins.
    fn group_after(&mut self, position: u64) -> io::Result<Option<u64>> {
        let mut position = position;
        loop {
            position += GROUP_ALIGN_BYTES as u64;
            if self.window.get(position, GROUP_HEADER_BYTES)?.len() < GROUP_HEADER_BYTES {
                return Ok(None);
            }
            if self.group_at(position)?.is_some() {
                return Ok(Some(position));
            }
        }
    }

    /// Takes the frames of a group whose header is intact.
    fn group(&mut self, position: u64, group: &GroupHeader) -> io::Result<()> {
        let at = position + GROUP_HEADER_BYTES as u64;
        let frames = self.window.get(at, group.bytes as usize)?.to_vec();
        self.number = group.first_record + u64::from(group.records);
        let mut rest = &frames[..];
        while !rest.is_empty() && !self.is_over {
            if let Some((frame, bytes)) = self.intact(rest) {
                self.take(&frame, bytes)?;
                rest = &rest[frame.bytes()..];
                continue;
            }
            let position = at + (frames.len() - rest.len()) as u64;
            self.sink.damage(position, "a frame's checksum does not match");
            match self.skip(rest)? {
                Some(after) => rest = after,
                None => break,
            }
        }
        let end = self.job.file.bytes()?;
        if position + group.bytes_on_disk() > end && self.job.end.is_some() {
            self.sink.damage(end, "the file ends inside a group");
        }
        self.sink.group_end()
    }

    /// What stands behind the bad frame at the front of `frames`, if its length can be believed.
    fn skip<'f>(&mut self, frames: &'f [u8]) -> io::Result<Option<&'f [u8]>> {
        if frames.len() < FRAME_HEADER_BYTES {
            return Ok(None);
        }
        let header = FrameHeader::read(frames);
        let after = frames.get(header.bytes()..);
        let Some(after) = after.filter(|after| after.is_empty() || self.intact(after).is_some()) else {
            return Ok(None);
        };
        // Its place among the others, when it says the very one that is due.
        let due = self.job.slots.slot(header.of);
        if let Some(slot) = due.filter(|&slot| self.next[slot] == header.offset && !header.is_gap()) {
            self.lost(slot, 1)?;
        }
        Ok(Some(after))
    }

    /// Takes what it can from where a group header is unreadable, up to the group at `follows`.
    fn ruin(&mut self, position: u64, follows: Option<u64>) -> io::Result<()> {
        let reason = match follows {
            Some(_) => "no group header where one should be",
            None => "its records do not reach to the next segment: it was cut, or a segment is missing",
        };
        self.sink.damage(position, reason);
        let at = position + GROUP_HEADER_BYTES as u64;
        let end = follows.map_or_else(|| self.job.file.bytes(), Ok)?;
        let frames = self.window.get(at, end.saturating_sub(at) as usize)?.to_vec();
        let mut rest = &frames[..];
        // Without a header nothing says that these frames belong here but that each is exactly the next one.
        while let Some((frame, bytes)) = self.intact(rest)
            && !self.is_over
            && self.job.slots.slot(frame.of).map(|slot| self.next[slot]) == Some(frame.offset)
        {
            self.take(&frame, bytes)?;
            rest = &rest[frame.bytes()..];
        }
        self.sink.group_end()
    }

    /// The frame at the front of `bytes` if it is whole, of a known partition, and not behind its time.
    fn intact<'f>(&self, bytes: &'f [u8]) -> Option<(FrameHeader, &'f [u8])> {
        let header = (bytes.len() >= FRAME_HEADER_BYTES).then(|| FrameHeader::read(bytes))?;
        let bytes = bytes.get(..header.bytes())?;
        let slot = self.job.slots.slot(header.of)?;
        (header.offset >= self.next[slot] && header.is_intact(bytes)).then_some((header, bytes))
    }

    fn take(&mut self, frame: &FrameHeader, bytes: &[u8]) -> io::Result<()> {
        let Some(slot) = self.job.slots.slot(frame.of) else {
            return Ok(());
        };
        self.lost(slot, frame.offset - self.next[slot])?;
        self.is_over = self.sink.frame(slot, frame, bytes)?.is_break();
        self.next[slot] = frame.offset + frame.records();
        Ok(())
    }

    fn lost(&mut self, slot: usize, count: u64) -> io::Result<()> {
        if count > 0 {
            self.sink.lost(slot, self.next[slot], count)?;
            self.next[slot] += count;
        }
        Ok(())
    }

    /// Settles what is missing at the end: up to the segment after this one, or, in the last one, up to as many
    /// records as intact group headers counted. Returns those of an unknown partition.
    fn finish(&mut self) -> io::Result<u64> {
        if let Some(following) = &self.job.following {
            for (slot, due) in following.iter().enumerate() {
                self.lost(slot, due.saturating_sub(self.next[slot]))?;
            }
        }
        let there = self.next.iter().sum::<u64>() - self.job.bases.iter().sum::<u64>();
        let counted = self.number - self.job.number + self.job.owed;
        let unattributed = match self.job.end {
            None => counted.saturating_sub(there),
            Some(_) => 0,
        };
        for slot in 0..self.next.len() {
            self.lost(slot, unattributed)?;
        }
        self.sink.group_end()?;
        Ok(unattributed)
    }
}
