//! The whole log read once: each segment strictly, and what is not sound again with lenience, to say exactly
//! what is lost. Repairs follow the same survey.

use std::io;
use std::ops::ControlFlow;

use crate::disk::Disk;
use crate::format::{FRAME_HEADER_BYTES, FrameHeader, GROUP_HEADER_BYTES, GroupHeader, SparseIndex};
use crate::inspect::salvage::{Salvage, Sink};
use crate::inspect::{
    Chain, DAMAGES_TOLD_MAX, Damage, InspectError, PartitionRange, Piece, Unreadable, Verified,
};
use crate::recover::file_read;
use crate::scan::{Scan, ScanError, scan};
use crate::segment::index_name;
use crate::slots::Slots;

/// A segment that another process is writing to may look damaged while its end moves; as often it is looked at.
const LOOKS_MAX: u32 = 3;

/// What was found, and where a repair has to work.
pub(crate) struct Survey {
    pub(crate) verified: Verified,
    pub(crate) broken: Vec<Broken>,
    /// Indexes that contradict their segments.
    pub(crate) indexes_wrong: Vec<String>,
    /// What no repair can mend: files that were moved about.
    pub(crate) blocked: Option<Damage>,
}

/// A segment that has to be written anew.
pub(crate) struct Broken {
    /// Which of the chain.
    pub(crate) at: usize,
    /// The number of its first record once it is mended.
    pub(crate) number: u64,
    /// Where every partition stood when it began.
    pub(crate) bases: Vec<u64>,
    pub(crate) owed: u64,
}

impl Broken {
    pub(crate) fn salvage<'a>(&self, chain: &'a Chain) -> Salvage<'a> {
        let (piece, follower) = (&chain.pieces[self.at], chain.pieces.get(self.at + 1));
        Salvage {
            file: &*piece.file,
            slots: chain.slots,
            number: piece.number,
            data_start: piece.header.as_ref().ok().map(|header| header.data_start),
            bases: self.bases.clone(),
            following: follower
                .and_then(|next| next.header.as_ref().ok())
                .map(|next| next.bases.clone()),
            end: follower.map(|next| next.number),
            owed: self.owed,
        }
    }
}

/// Reads all of `chain`.
pub(crate) fn survey(disk: &dyn Disk, chain: &Chain) -> Result<Survey, InspectError> {
    let mut survey = Survey {
        verified: Verified::default(),
        broken: Vec::new(),
        indexes_wrong: Vec::new(),
        blocked: None,
    };
    let mut running: Option<Vec<u64>> = None;
    for at in 0..chain.pieces.len() {
        running = survey.segment(disk, chain, at, running)?;
    }
    merge(&mut survey.verified.lost);
    merge(&mut survey.verified.holes);
    Ok(survey)
}

/// Reads one segment strictly; the inner error is what is wrong with it.
pub(crate) fn look(chain: &Chain, at: usize) -> io::Result<Result<Scan, &'static str>> {
    let looks = if at + 1 == chain.pieces.len() {
        LOOKS_MAX
    } else {
        1
    };
    let mut found = look_once(&chain.pieces[at], chain.slots);
    for _ in 1..looks {
        if matches!(found, Ok(Err(_))) {
            found = look_once(&chain.pieces[at], chain.slots);
        }
    }
    found
}

fn look_once(piece: &Piece, slots: Slots) -> io::Result<Result<Scan, &'static str>> {
    let header = match &piece.header {
        Ok(header) => header,
        Err(unreadable) => return Ok(Err(unreadable.reason())),
    };
    match scan(&*piece.file, header, slots) {
        Ok(scan) => Ok(Ok(scan)),
        Err(ScanError::Damaged { reason, .. }) => Ok(Err(reason)),
        Err(ScanError::UnknownPartition(_)) => Ok(Err("a record of a partition that no header knows")),
        Err(ScanError::Io(error)) => Err(error),
    }
}

/// When the first record of a segment was received, if it can be told at a glance.
pub(crate) fn first_ms(piece: &Piece) -> io::Result<Option<i64>> {
    let Ok(header) = &piece.header else {
        return Ok(None);
    };
    let mut bytes = [0; GROUP_HEADER_BYTES + FRAME_HEADER_BYTES];
    let read = piece.file.read_at(&mut bytes, header.data_start)?;
    let group = GroupHeader::decode(&bytes[..read], piece.number, header.data_start);
    let holds_one = group.is_some_and(|group| group.records > 0) && read == bytes.len();
    let frame = FrameHeader::read(&bytes[GROUP_HEADER_BYTES..]);
    Ok((holds_one && !frame.is_gap()).then_some(frame.at_ms))
}

impl Survey {
    /// Reads the segment at `at`, which begins where `running` says unless it is the first; returns where the
    /// next one has to begin.
    fn segment(
        &mut self,
        disk: &dyn Disk,
        chain: &Chain,
        at: usize,
        running: Option<Vec<u64>>,
    ) -> Result<Option<Vec<u64>>, InspectError> {
        let piece = &chain.pieces[at];
        let failed = || InspectError::io("read", &piece.name);
        if let Ok(found) = look(chain, at).map_err(failed())?
            && is_whole(chain, at, running.as_ref(), &found)
        {
            self.sound(disk, chain, at, &found);
            return Ok(Some(found.next));
        }
        if is_gone(disk, piece)? {
            return Ok(None);
        }
        self.verified.segments += 1;
        if let Some(reason) = misplaced(piece, running.as_ref()) {
            self.damage(&piece.name, 0, reason);
            self.blocked = self.verified.damages.last().cloned();
            return Ok(None);
        }
        let broken = broken(chain, at, running).map_err(failed())?;
        let mut collect = Collect {
            survey: self,
            slots: chain.slots,
            name: &piece.name,
        };
        let salvaged = broken.salvage(chain).walk(&mut collect).map_err(failed())?;
        self.verified.lost_unattributed += salvaged.unattributed;
        self.broken.push(broken);
        Ok(Some(salvaged.next))
    }

    /// Takes in a segment that is as it should be.
    fn sound(&mut self, disk: &dyn Disk, chain: &Chain, at: usize, found: &Scan) {
        let piece = &chain.pieces[at];
        let given_up: u64 = found.gaps.iter().map(|gap| gap.count).sum();
        self.verified.segments += 1;
        self.verified.records += found.index.records - given_up;
        let data_start = piece.header.as_ref().map_or(0, |header| header.data_start);
        self.verified.bytes += found.index.data_end - data_start;
        for gap in &found.gaps {
            let range = PartitionRange {
                of: gap.of,
                start: gap.offset,
                end: gap.offset + gap.count,
            };
            self.verified.holes.push(range);
        }
        if at + 1 == chain.pieces.len() {
            self.verified.unfinished = unfinished(piece, found.index.data_end);
            return;
        }
        let bytes = file_read(disk, &index_name(&piece.name)).unwrap_or_default();
        match SparseIndex::decode_any(&bytes, piece.number) {
            Some(index) if index.agrees_with(&found.index) => {}
            Some(_) => {
                let name = index_name(&piece.name);
                self.damage(&name, 0, "the index contradicts its segment");
                self.indexes_wrong.push(name);
            }
            None => self.verified.indexes_stale.push(index_name(&piece.name)),
        }
    }

    fn damage(&mut self, segment: &str, position: u64, reason: &'static str) {
        if self.verified.damages.len() == DAMAGES_TOLD_MAX {
            self.verified.damages_untold += 1;
            return;
        }
        self.verified.damages.push(Damage {
            segment: segment.to_owned(),
            position,
            reason,
        });
    }
}

/// Why a file cannot be what its place among the others says, if so.
fn misplaced(piece: &Piece, running: Option<&Vec<u64>>) -> Option<&'static str> {
    match (&piece.header, running) {
        (Err(Unreadable::Renamed(reason)), _) => Some(reason),
        (Ok(header), Some(running)) if header.bases.iter().zip(running).any(|(base, due)| base < due) => {
            Some("it begins before the segment before it ends")
        }
        _ => None,
    }
}

/// Whether a segment that is sound in itself begins where the one before it ended, and reaches to the next.
fn is_whole(chain: &Chain, at: usize, running: Option<&Vec<u64>>, found: &Scan) -> bool {
    let Ok(header) = &chain.pieces[at].header else {
        return false;
    };
    let begins = running.is_none_or(|running| *running == header.bases);
    let Some(follower) = chain.pieces.get(at + 1) else {
        return begins;
    };
    let reaches = header.first_record + found.index.records == follower.number
        && found.index.data_end <= chain.pieces[at].bytes;
    let agrees = follower
        .header
        .as_ref()
        .map_or(true, |next| next.bases == found.next);
    begins && reaches && agrees
}

/// Whether retention removed the file since it was listed, and perhaps gave it to another segment.
fn is_gone(disk: &dyn Disk, piece: &Piece) -> Result<bool, InspectError> {
    let names = disk.names().map_err(InspectError::io("list", "the log folder"))?;
    Ok(!names.contains(&piece.name))
}

/// A write at the end that stopped half-way, as far as its group header tells.
fn unfinished(piece: &Piece, position: u64) -> Option<Damage> {
    let mut bytes = [0; GROUP_HEADER_BYTES];
    let read = piece.file.read_at(&mut bytes, position).ok()?;
    GroupHeader::decode(&bytes[..read], piece.number, position).map(|_| Damage {
        segment: piece.name.clone(),
        position,
        reason: "a write that never finished",
    })
}

/// What a repair needs to know of the segment at `at`.
fn broken(chain: &Chain, at: usize, running: Option<Vec<u64>>) -> io::Result<Broken> {
    let piece = &chain.pieces[at];
    if let Ok(header) = &piece.header {
        return Ok(Broken {
            at,
            number: header.first_record,
            bases: header.bases.clone(),
            owed: 0,
        });
    }
    let is_first = running.is_none();
    let bases = match running {
        Some(running) => running,
        None => bases_learn(chain, at)?,
    };
    let number = bases.iter().sum();
    let owed = if is_first {
        0
    } else {
        piece.number.saturating_sub(number)
    };
    Ok(Broken {
        at,
        number,
        bases,
        owed,
    })
}

/// Where every partition stood when a segment began that has neither a header nor one before it: at its first
/// record there, or where the next segment begins, or, for want of both, past all records there ever were.
fn bases_learn(chain: &Chain, at: usize) -> io::Result<Vec<u64>> {
    let zeros = vec![0; chain.slots.count()];
    if chain.pieces[at].number == 0 {
        return Ok(zeros);
    }
    let mut first = First(vec![None; chain.slots.count()]);
    let blank = Broken {
        at,
        number: 0,
        bases: zeros,
        owed: 0,
    };
    let mut job = blank.salvage(chain);
    (job.following, job.end) = (None, None);
    job.walk(&mut first)?;
    let known: u64 = first.0.iter().flatten().sum();
    let rest = chain.pieces[at].number.saturating_sub(known);
    let following = chain
        .pieces
        .get(at + 1)
        .and_then(|next| next.header.as_ref().ok());
    let unseen = |slot: usize| following.map_or(rest, |next| next.bases[slot]);
    let firsts = first.0.iter().enumerate();
    Ok(firsts
        .map(|(slot, first)| first.unwrap_or_else(|| unseen(slot)))
        .collect())
}

/// The first offset of each slot.
struct First(Vec<Option<u64>>);

impl Sink for First {
    fn frame(&mut self, slot: usize, frame: &FrameHeader, _: &[u8]) -> io::Result<ControlFlow<()>> {
        self.0[slot].get_or_insert(frame.offset);
        Ok(ControlFlow::Continue(()))
    }

    fn lost(&mut self, _: usize, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn damage(&mut self, _: u64, _: &'static str) {}

    fn group_end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Adds what a walk finds to the survey.
struct Collect<'a> {
    survey: &'a mut Survey,
    slots: Slots,
    name: &'a str,
}

impl Sink for Collect<'_> {
    fn frame(&mut self, _: usize, frame: &FrameHeader, bytes: &[u8]) -> io::Result<ControlFlow<()>> {
        let verified = &mut self.survey.verified;
        if frame.is_gap() {
            let range = PartitionRange {
                of: frame.of,
                start: frame.offset,
                end: frame.offset + frame.records(),
            };
            verified.holes.push(range);
        } else {
            verified.records += 1;
            verified.bytes += bytes.len() as u64;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn lost(&mut self, slot: usize, offset: u64, count: u64) -> io::Result<()> {
        self.survey.verified.lost.push(PartitionRange {
            of: self.slots.partition(slot),
            start: offset,
            end: offset + count,
        });
        Ok(())
    }

    fn damage(&mut self, position: u64, reason: &'static str) {
        self.survey.damage(self.name, position, reason);
    }

    fn group_end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sorts ranges and joins neighbours.
fn merge(ranges: &mut Vec<PartitionRange>) {
    ranges.sort_unstable_by_key(|range| (range.of, range.start));
    ranges.dedup_by(|later, earlier| {
        let joins = later.of == earlier.of && later.start == earlier.end;
        if joins {
            earlier.end = later.end;
        }
        joins
    });
}
