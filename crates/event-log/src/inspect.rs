//! Looking at a log from outside, beside the process that runs it or without one: what there is, whether it is
//! sound, the records themselves. It takes no lock and changes nothing; [`crate::repair()`] does.

mod chain;
pub(crate) mod salvage;
pub(crate) mod survey;

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::config::SegmentLogConfig;
use crate::disk::{Disk, FolderView};
use crate::format::{FRAME_HEADER_BYTES, FrameHeader, SparseIndex};
use crate::port::{Record, TopicPartition};
use crate::recover::file_read;
use crate::segment::index_name;
use crate::slots::Slots;

pub(crate) use chain::{Chain, Piece, Unreadable};
use salvage::{Salvage, Sink};
use survey::survey;

/// Looks at the log in one folder.
pub struct Inspector {
    disk: Arc<dyn Disk>,
    /// For a log without one readable header.
    slots_else: Slots,
}

/// One segment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    pub name: String,
    /// Length of the file, unused space included.
    pub bytes: u64,
    /// Up to the end of its last group; `None` when that takes a scan that failed.
    pub bytes_used: Option<u64>,
    pub records: u64,
    /// Received at, of its first and its newest record.
    pub first_ms: Option<i64>,
    pub newest_ms: Option<i64>,
    /// Gets no more records.
    pub is_sealed: bool,
    /// Partitions with records in it, or with offsets before it.
    pub partitions: Vec<PartitionRange>,
    /// Why the rest could not be told.
    pub problem: Option<&'static str>,
}

/// Offsets `[start, end)` of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionRange {
    pub of: TopicPartition,
    pub start: u64,
    pub end: u64,
}

/// What [`Inspector::verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    pub segments: u64,
    /// Intact records, and the bytes of their frames.
    pub records: u64,
    pub bytes: u64,
    /// What is wrong, and where; the first [`DAMAGES_TOLD_MAX`] of them.
    pub damages: Vec<Damage>,
    pub damages_untold: u64,
    /// Offsets that no intact record stands at: a repair gives these up.
    pub lost: Vec<PartitionRange>,
    /// Records among the lost of which only the number is known: that many offsets of every partition are
    /// given up in `lost`, so that none is used twice.
    pub lost_unattributed: u64,
    /// Offsets that earlier repairs gave up.
    pub holes: Vec<PartitionRange>,
    /// Where a write ended half-way that nobody was told about; the next start cuts it off.
    pub unfinished: Option<Damage>,
    /// Indexes that are missing or out of date; the next start writes them anew.
    pub indexes_stale: Vec<String>,
}

/// Something wrong in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub segment: String,
    pub position: u64,
    pub reason: &'static str,
}

/// A thousand places tell as much as a million.
pub const DAMAGES_TOLD_MAX: usize = 1000;

/// What [`Inspector::cat`] hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Record(Record),
    /// No intact record stands at these offsets.
    Lost(PartitionRange),
}

/// Why a log could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("cannot {action} {name}")]
    Io {
        action: &'static str,
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("there is no log in {0}")]
    NoLog(String),
    #[error("no segment holds partition {0:?}")]
    UnknownPartition(TopicPartition),
}

impl InspectError {
    pub(crate) fn io(action: &'static str, name: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            name: name.to_owned(),
            source,
        }
    }
}

impl Verified {
    /// Whether nothing is wrong; an unfinished write and a stale index are not.
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty() && self.lost.is_empty()
    }
}

/// [`Inspector::ends`] of the log in `dir`.
///
/// # Errors
/// As there.
pub fn ends(dir: &Path) -> Result<Vec<(TopicPartition, u64)>, InspectError> {
    Inspector::open(dir)?.ends()
}

impl Inspector {
    /// Looks at the log in `dir`.
    ///
    /// # Errors
    /// When there is none, or the folder cannot be listed.
    pub fn open(dir: &Path) -> Result<Self, InspectError> {
        let name = dir.display().to_string();
        match FolderView::open(dir) {
            Ok(folder) => Ok(Self::on(Arc::new(folder))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(InspectError::NoLog(name)),
            Err(error) => Err(InspectError::io("list", &name)(error)),
        }
    }

    /// As [`Inspector::open`], on any disk.
    pub fn on(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            slots_else: SegmentLogConfig::default().slots(),
        }
    }

    /// The segments, oldest first.
    ///
    /// # Errors
    /// When a file cannot be read; damage is told in the answer.
    pub fn segments(&self) -> Result<Vec<SegmentInfo>, InspectError> {
        let chain = Chain::load(&*self.disk, self.slots_else)?;
        let infos = chain.pieces.iter().enumerate();
        infos.map(|(at, _)| self.segment_info(&chain, at)).collect()
    }

    /// One past the last durable offset of every partition that has one.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn ends(&self) -> Result<Vec<(TopicPartition, u64)>, InspectError> {
        let chain = Chain::load(&*self.disk, self.slots_else)?;
        let Some(last) = chain.pieces.len().checked_sub(1) else {
            return Ok(Vec::new());
        };
        let info = self.segment_info(&chain, last)?;
        Ok(info
            .partitions
            .iter()
            .map(|range| (range.of, range.end))
            .collect())
    }

    /// Reads everything and checks it: checksums, offsets without a gap, indexes.
    ///
    /// # Errors
    /// When a file cannot be read; damage is told in the answer.
    pub fn verify(&self) -> Result<Verified, InspectError> {
        let chain = Chain::load(&*self.disk, self.slots_else)?;
        Ok(survey(&*self.disk, &chain)?.verified)
    }

    /// Hands out what stands in one partition from `offset` on, damaged segments included, until `each` says
    /// `Break` or the log ends.
    ///
    /// # Errors
    /// When a file cannot be read, or no segment knows the partition.
    pub fn cat(
        &self,
        of: TopicPartition,
        offset: u64,
        each: &mut dyn FnMut(Seen) -> ControlFlow<()>,
    ) -> Result<(), InspectError> {
        let chain = Chain::load(&*self.disk, self.slots_else)?;
        let slot = chain.slots.slot(of).ok_or(InspectError::UnknownPartition(of))?;
        let mut cat = Cat {
            of,
            slot,
            next: offset,
            each,
            is_over: false,
        };
        for (at, piece) in chain.pieces.iter().enumerate() {
            let follower = chain.pieces.get(at + 1);
            let following = follower.and_then(|next| next.header.as_ref().ok());
            let Ok(header) = &piece.header else { continue };
            if following.is_some_and(|next| next.bases[slot] <= cat.next) {
                continue;
            }
            let job = Salvage {
                file: &*piece.file,
                slots: chain.slots,
                number: piece.number,
                data_start: Some(header.data_start),
                bases: header.bases.clone(),
                following: following.map(|next| next.bases.clone()),
                end: follower.map(|next| next.number),
                owed: 0,
            };
            job.walk(&mut cat)
                .map_err(InspectError::io("read", &piece.name))?;
            if cat.is_over {
                break;
            }
        }
        Ok(())
    }

    fn segment_info(&self, chain: &Chain, at: usize) -> Result<SegmentInfo, InspectError> {
        let piece = &chain.pieces[at];
        let follower = chain.pieces.get(at + 1);
        let mut info = SegmentInfo {
            name: piece.name.clone(),
            bytes: piece.bytes,
            bytes_used: None,
            records: 0,
            first_ms: None,
            newest_ms: None,
            is_sealed: follower.is_some(),
            partitions: Vec::new(),
            problem: None,
        };
        let header = match &piece.header {
            Ok(header) => header,
            Err(unreadable) => {
                info.problem = Some(unreadable.reason());
                return Ok(info);
            }
        };
        let following = follower.and_then(|next| next.header.as_ref().ok());
        let (index, next) = match (following, self.index(piece)) {
            (Some(following), Some(index)) => (Ok(index), following.bases.clone()),
            _ => survey::look(chain, at)
                .map_err(InspectError::io("read", &piece.name))?
                .map_or_else(
                    |reason| (Err(reason), header.bases.clone()),
                    |scan| (Ok(scan.index), scan.next),
                ),
        };
        match index {
            Ok(index) => {
                info.bytes_used = Some(index.data_end);
                info.records = index.records;
                info.newest_ms = (index.newest_ms != i64::MIN).then_some(index.newest_ms);
            }
            Err(reason) => info.problem = Some(reason),
        }
        info.first_ms = survey::first_ms(piece).map_err(InspectError::io("read", &piece.name))?;
        let ranges = header.bases.iter().zip(&next).enumerate();
        let ranges = ranges.map(|(slot, (&start, &end))| PartitionRange {
            of: chain.slots.partition(slot),
            start,
            end,
        });
        info.partitions = ranges.filter(|range| range.end > 0).collect();
        Ok(info)
    }

    /// The index file beside `piece`, if it is intact.
    fn index(&self, piece: &Piece) -> Option<SparseIndex> {
        let bytes = file_read(&*self.disk, &index_name(&piece.name)).ok()?;
        SparseIndex::decode_any(&bytes, piece.number)
    }
}

/// Picks one partition out of a walk.
struct Cat<'a> {
    of: TopicPartition,
    slot: usize,
    next: u64,
    each: &'a mut dyn FnMut(Seen) -> ControlFlow<()>,
    is_over: bool,
}

impl Cat<'_> {
    fn hand(&mut self, seen: Seen, next: u64) -> ControlFlow<()> {
        self.next = next;
        let went = (self.each)(seen);
        self.is_over = went.is_break();
        went
    }

    /// Offsets `[start, end)` are not there; tells of those that are wanted.
    fn hole(&mut self, start: u64, end: u64) -> ControlFlow<()> {
        if end <= self.next || self.is_over {
            return ControlFlow::Continue(());
        }
        let range = PartitionRange {
            of: self.of,
            start: start.max(self.next),
            end,
        };
        self.hand(Seen::Lost(range), end)
    }
}

impl Sink for Cat<'_> {
    fn frame(&mut self, slot: usize, frame: &FrameHeader, bytes: &[u8]) -> io::Result<ControlFlow<()>> {
        if self.is_over {
            return Ok(ControlFlow::Break(()));
        }
        let end = frame.offset + frame.records();
        if slot != self.slot || end <= self.next {
            return Ok(ControlFlow::Continue(()));
        }
        if frame.is_gap() {
            return Ok(self.hole(frame.offset, end));
        }
        let record = Record {
            from: self.of,
            offset: frame.offset,
            at_ms: frame.at_ms,
            payload: Bytes::copy_from_slice(&bytes[FRAME_HEADER_BYTES..]),
        };
        Ok(self.hand(Seen::Record(record), end))
    }

    fn lost(&mut self, slot: usize, offset: u64, count: u64) -> io::Result<()> {
        if slot == self.slot {
            // A break is noted, and ends the walk at the next frame.
            let _ = self.hole(offset, offset + count);
        }
        Ok(())
    }

    fn damage(&mut self, _: u64, _: &'static str) {}

    fn group_end(&mut self) -> io::Result<()> {
        Ok(())
    }
}
