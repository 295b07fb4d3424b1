//! The segment files of a log as they lie there, with whatever their headers still say.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::format::{HeaderError, SegmentHeader};
use crate::inspect::InspectError;
use crate::segment::{header_bytes_read, segment_name};
use crate::slots::Slots;

const SEGMENT_SUFFIX: &str = ".seg";

/// All segments, oldest first.
pub(crate) struct Chain {
    pub(crate) slots: Slots,
    pub(crate) pieces: Vec<Piece>,
}

/// One segment file.
pub(crate) struct Piece {
    pub(crate) name: String,
    /// Of its first record, as its name says.
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) bytes: u64,
    pub(crate) header: Result<SegmentHeader, Unreadable>,
}

/// Why a file cannot be taken for the segment that its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Its bytes are bad; they may be salvaged.
    Damaged(&'static str),
    /// Somebody moved files about: only they can tell what it is.
    Renamed(&'static str),
}

impl Unreadable {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Damaged(reason) | Self::Renamed(reason) => reason,
        }
    }
}

impl Chain {
    /// Reads the headers of all segments on `disk`; where none is readable there are `slots_else`.
    pub(crate) fn load(disk: &dyn Disk, slots_else: Slots) -> Result<Self, InspectError> {
        let mut names = disk.names().map_err(InspectError::io("list", "the log folder"))?;
        names.retain(|name| name.ends_with(SEGMENT_SUFFIX));
        names.sort_unstable();
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            match disk.open(&name) {
                Ok(file) => files.push((name, file)),
                // Retention took it since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(InspectError::io("open", &name)(error)),
            }
        }
        let mut headers = Vec::with_capacity(files.len());
        for (name, file) in &files {
            headers.push(header_bytes_read(&**file).map_err(InspectError::io("read", name))?);
        }
        let slots = slots(headers.iter().flatten()).unwrap_or(slots_else);
        let pieces = files.into_iter().zip(headers);
        let pieces = pieces.map(|((name, file), header)| Piece::new(name, file, header, slots));
        Ok(Self {
            slots,
            pieces: pieces.collect::<Result<_, _>>()?,
        })
    }
}

impl Piece {
    fn new(
        name: String,
        file: Arc<dyn DiskFile>,
        header: Result<Vec<u8>, HeaderError>,
        slots: Slots,
    ) -> Result<Self, InspectError> {
        let digits = name.trim_end_matches(SEGMENT_SUFFIX);
        let number = digits.parse().ok().filter(|number| segment_name(*number) == name);
        let header = header.and_then(|bytes| SegmentHeader::decode(&bytes, slots));
        let header = match (header, number) {
            (_, None) => Err(Unreadable::Renamed("its name is not a segment's")),
            (Ok(header), Some(number)) if header.first_record != number => Err(Unreadable::Renamed(
                "its name and its header differ: the file was renamed",
            )),
            (Ok(header), _) => Ok(header),
            (Err(HeaderError::Damaged(reason)), _) => Err(Unreadable::Damaged(reason)),
            (Err(HeaderError::UnknownPartition(_)), _) => {
                Err(Unreadable::Damaged("its header names a partition of no segment"))
            }
        };
        Ok(Self {
            bytes: file.bytes().map_err(InspectError::io("measure", &name))?,
            number: number.unwrap_or_default(),
            name,
            file,
            header,
        })
    }
}

/// Topics and partitions enough for every header; a log's settings may have grown on the way.
fn slots<'a>(headers: impl Iterator<Item = &'a Vec<u8>>) -> Option<Slots> {
    let shapes = headers.filter_map(|bytes| SegmentHeader::shape(bytes).ok());
    shapes.reduce(|a, b| Slots {
        topics: a.topics.max(b.topics),
        partitions: a.partitions.max(b.partitions),
    })
}
