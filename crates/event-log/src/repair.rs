//! Mending a log that was damaged in the middle, so that it starts again and every record that is left keeps
//! its offset.
//!
//! A damaged segment is copied beside itself (`….seg.damaged`), then written anew with what
//! [`crate::inspect::salvage`] trusts and a gap for what is lost. Nothing is replaced before its copy and its
//! successor are on disk. Readers meet a gap as [`crate::ReadError::Lost`].

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::config::SegmentLogConfig;
use crate::disk::{Disk, DiskFile, Folder};
use crate::format::{FrameHeader, GroupHeader, SegmentHeader, push_gap};
use crate::inspect::salvage::Sink;
use crate::inspect::survey::{Broken, Survey, survey};
use crate::inspect::{Chain, InspectError, Piece, Verified};
use crate::keeper::SPARE_PREFIX;
use crate::recover::zeros_write;
use crate::segment::{index_name, segment_name};
use crate::slots::Slots;

const DAMAGED_SUFFIX: &str = "damaged";
/// Copies kept of one segment, from one repair after the other.
const COPIES_MAX: u32 = 100;
const COPY_BYTES: usize = 1 << 20;

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The log as it was; `lost` in it is what was given up.
    pub found: Verified,
    /// Segments that were written anew.
    pub rewritten: Vec<String>,
    /// The damaged files as they were.
    pub kept: Vec<String>,
    /// Indexes that contradicted their segments and were removed.
    pub indexes_removed: Vec<String>,
}

/// Why a log could not be mended.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    #[error("the log folder {dir} is in use by another process; stop it first")]
    Locked { dir: String },
    #[error(
        "{segment}: {reason}. Files were moved about; move them back, or take this one out of the folder"
    )]
    Misplaced { segment: String, reason: &'static str },
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error("cannot {action} {name}")]
    Io {
        action: &'static str,
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("the log is still damaged after its repair, first in {segment}; the disk itself may be failing")]
    StillDamaged { segment: String },
}

impl RepairError {
    fn io(action: &'static str, name: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            name: name.to_owned(),
            source,
        }
    }
}

/// Mends the log in `dir`, which no process may have open. A sound log is left as it is. `config` tells the
/// partitions of a log none of whose headers is readable.
///
/// # Errors
/// See [`RepairError`]. What was mended before an error stays mended; run it again.
pub fn repair(dir: &Path, config: &SegmentLogConfig) -> Result<Repaired, RepairError> {
    let name = dir.display().to_string();
    if !dir.is_dir() {
        return Err(InspectError::NoLog(name).into());
    }
    match Folder::open(dir) {
        Ok(folder) => repair_on(Arc::new(folder), config),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(RepairError::Locked { dir: name }),
        Err(error) => Err(RepairError::io("open", &name)(error)),
    }
}

/// As [`repair`], on any disk.
///
/// # Errors
/// See [`RepairError`].
pub fn repair_on(disk: Arc<dyn Disk>, config: &SegmentLogConfig) -> Result<Repaired, RepairError> {
    let chain = Chain::load(&*disk, config.slots())?;
    let Survey {
        verified,
        broken,
        indexes_wrong,
        blocked,
    } = survey(&*disk, &chain)?;
    if let Some(damage) = blocked {
        return Err(RepairError::Misplaced {
            segment: damage.segment,
            reason: damage.reason,
        });
    }
    let mut repaired = Repaired {
        found: verified,
        rewritten: Vec::new(),
        kept: Vec::new(),
        indexes_removed: indexes_wrong,
    };
    for name in &repaired.indexes_removed {
        disk.remove(name).map_err(RepairError::io("remove", name))?;
    }
    for broken in &broken {
        let piece = &chain.pieces[broken.at];
        repaired.kept.push(keep(&*disk, piece)?);
        repaired.rewritten.push(rewrite(&*disk, &chain, broken)?);
        tracing::warn!(segment = piece.name, "wrote a damaged segment anew");
    }
    let left = survey(&*disk, &Chain::load(&*disk, config.slots())?)?.verified;
    match left.damages.first() {
        Some(damage) => Err(RepairError::StillDamaged {
            segment: damage.segment.clone(),
        }),
        None => Ok(repaired),
    }
}

/// Copies the file beside itself, durably, and returns the copy's name.
fn keep(disk: &dyn Disk, piece: &Piece) -> Result<String, RepairError> {
    let (name, copy) = copy_create(disk, &piece.name).map_err(RepairError::io("copy", &piece.name))?;
    let copied = || {
        let mut bytes = vec![0; COPY_BYTES];
        let mut position = 0;
        loop {
            let read = piece.file.read_at(&mut bytes, position)?;
            if read == 0 {
                break;
            }
            copy.write_at(&bytes[..read], position)?;
            position += read as u64;
        }
        copy.sync_data()?;
        disk.sync_names()
    };
    copied().map_err(RepairError::io("copy", &piece.name))?;
    Ok(name)
}

fn copy_create(disk: &dyn Disk, segment: &str) -> io::Result<(String, Arc<dyn DiskFile>)> {
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for copy in 0..COPIES_MAX {
        let name = match copy {
            0 => format!("{segment}.{DAMAGED_SUFFIX}"),
            copy => format!("{segment}.{DAMAGED_SUFFIX}-{copy}"),
        };
        match disk.create(&name) {
            Ok(file) => return Ok((name, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

/// Writes what is left of a segment into a fresh file and puts that in its place; returns its name.
fn rewrite(disk: &dyn Disk, chain: &Chain, broken: &Broken) -> Result<String, RepairError> {
    let piece = &chain.pieces[broken.at];
    let spare = format!("{SPARE_PREFIX}repair.tmp");
    write_anew(disk, chain, broken, &spare).map_err(RepairError::io("write anew", &piece.name))?;
    let name = segment_name(broken.number);
    let replaced = || {
        // The index first: one of the damaged file would lead into the middle of nowhere in the new one.
        for index in [index_name(&piece.name), index_name(&name)] {
            match disk.remove(&index) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        disk.sync_names()?;
        disk.rename(&spare, &name)?;
        if name != piece.name {
            disk.remove(&piece.name)?;
        }
        disk.sync_names()
    };
    replaced().map_err(RepairError::io("replace", &piece.name))?;
    Ok(name)
}

fn write_anew(disk: &dyn Disk, chain: &Chain, broken: &Broken, name: &str) -> io::Result<()> {
    if disk.names()?.iter().any(|other| other == name) {
        disk.remove(name)?;
    }
    let file = disk.create(name)?;
    let header = SegmentHeader::new(broken.number, broken.bases.clone());
    file.write_at(&header.encode(chain.slots), 0)?;
    let mut writer = Writer {
        file: &*file,
        slots: chain.slots,
        segment: broken.number,
        position: header.data_start,
        next_record: broken.number,
        frames: Vec::new(),
        records: 0,
    };
    broken.salvage(chain).walk(&mut writer)?;
    if broken.at + 1 == chain.pieces.len() {
        writer.group_write()?; // Empty: all before it is durable, as after a clean close.
    }
    let end = writer.position;
    if end > u64::from(u32::MAX) {
        return Err(io::Error::other("what is left does not fit a segment"));
    }
    zeros_write(&*file, end, chain.pieces[broken.at].bytes)?;
    file.sync_data()
}

/// Writes groups one behind the other.
struct Writer<'a> {
    file: &'a dyn DiskFile,
    slots: Slots,
    segment: u64,
    position: u64,
    next_record: u64,
    /// Of the group being gathered, and how many records they are or stand for.
    frames: Vec<u8>,
    records: u32,
}

impl Writer<'_> {
    fn group_write(&mut self) -> io::Result<()> {
        let header = GroupHeader {
            first_record: self.next_record,
            records: self.records,
            bytes: self.frames.len() as u32,
        };
        let mut bytes = header.encode(self.segment, self.position).to_vec();
        bytes.append(&mut self.frames);
        bytes.resize(header.bytes_on_disk() as usize, 0);
        self.file.write_at(&bytes, self.position)?;
        self.position += header.bytes_on_disk();
        self.next_record += u64::from(self.records);
        self.records = 0;
        Ok(())
    }
}

impl Sink for Writer<'_> {
    fn frame(&mut self, _: usize, frame: &FrameHeader, bytes: &[u8]) -> io::Result<ControlFlow<()>> {
        if u64::from(self.records) + frame.records() > u64::from(u32::MAX) {
            self.group_end()?;
        }
        self.frames.extend_from_slice(bytes);
        self.records += frame.records() as u32;
        Ok(ControlFlow::Continue(()))
    }

    fn lost(&mut self, slot: usize, offset: u64, count: u64) -> io::Result<()> {
        let (mut offset, end) = (offset, offset + count);
        while offset < end {
            if self.records == u32::MAX {
                self.group_end()?;
            }
            let fits = (end - offset).min(u64::from(u32::MAX - self.records)) as u32;
            push_gap(&mut self.frames, self.slots.partition(slot), offset, fits);
            self.records += fits;
            offset += u64::from(fits);
        }
        Ok(())
    }

    fn damage(&mut self, _: u64, _: &'static str) {}

    fn group_end(&mut self) -> io::Result<()> {
        match self.frames.is_empty() {
            true => Ok(()),
            false => self.group_write(),
        }
    }
}
