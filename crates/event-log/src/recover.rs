//! Opening a log folder: checks the chain of segments, repairs a torn tail, refuses anything worse.
//!
//! The only write is to zero a tail that no sync ever covered.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::config::{OpenError, SegmentLogConfig};
use crate::disk::{Disk, DiskFile};
use crate::format::{HeaderError, SegmentHeader, SparseIndex};
use crate::keeper::{Keeper, SPARE_PREFIX};
use crate::scan::{ScanError, scan};
use crate::segment::{Segment, SharedIndex, header_read, index_name, segment_name};
use crate::slots::Slots;

const SEGMENT_SUFFIX: &str = ".seg";
const INDEX_SUFFIX: &str = ".idx";
/// Between two syncs while zeroing, so that a commit on the same disk never waits for a whole segment.
const ZEROS_BYTES: usize = 1 << 20;

/// An opened folder: its segments, oldest first, the last one ready to be appended to.
pub(crate) struct Recovered {
    pub(crate) segments: Vec<Arc<Segment>>,
    /// The last of them, and its index.
    pub(crate) active: Arc<Segment>,
    pub(crate) index: SharedIndex,
    /// The next offset of every slot.
    pub(crate) next: Vec<u64>,
    pub(crate) next_record: u64,
    /// Where the next group goes in the last segment.
    pub(crate) position: u64,
    /// The oldest record of the last segment.
    pub(crate) oldest_ms: Option<i64>,
}

/// Opens what is on `disk`, beginning a first segment when there is none.
pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    config: &SegmentLogConfig,
    keeper: &Keeper,
) -> Result<Recovered, OpenError> {
    let slots = config.slots();
    let mut names = disk.names().map_err(OpenError::io("list", "the log folder"))?;
    for spare in names.iter().filter(|name| name.starts_with(SPARE_PREFIX)) {
        disk.remove(spare).map_err(OpenError::io("remove", spare))?;
    }
    names.retain(|name| name.ends_with(SEGMENT_SUFFIX) || name.ends_with(INDEX_SUFFIX));
    names.sort_unstable();
    for orphan in names
        .iter()
        .filter(|name| !names.contains(&name.replace(INDEX_SUFFIX, SEGMENT_SUFFIX)))
    {
        disk.remove(orphan).map_err(OpenError::io("remove", orphan))?;
    }
    names.retain(|name| name.ends_with(SEGMENT_SUFFIX));
    let mut segments = Vec::with_capacity(names.len().max(1));
    for name in &names {
        segments.push(segment_open(&**disk, name, slots)?);
    }
    let Some(last) = segments.last().cloned() else {
        return first_segment(config, keeper);
    };
    for pair in segments.windows(2) {
        sealed_check(&**disk, &pair[0], &pair[1], keeper)?;
    }
    tail_recover(segments, &last, config)
}

fn first_segment(config: &SegmentLogConfig, keeper: &Keeper) -> Result<Recovered, OpenError> {
    let next = vec![0; config.slots().count()];
    let spare = keeper
        .spare_prepare()
        .map_err(OpenError::io("prepare", "a first segment"))?;
    let begun = keeper.segment_begin(spare, SegmentHeader::new(0, next.clone()));
    let (active, index) = begun.map_err(OpenError::io("begin", &segment_name(0)))?;
    Ok(Recovered {
        segments: vec![active.clone()],
        position: active.header.data_start,
        active,
        index,
        next,
        next_record: 0,
        oldest_ms: None,
    })
}

fn segment_open(disk: &dyn Disk, name: &str, slots: Slots) -> Result<Arc<Segment>, OpenError> {
    let file = disk.open(name).map_err(OpenError::io("open", name))?;
    let header = header_read(&*file, slots).map_err(OpenError::io("read", name))?;
    let header = header.map_err(|error| match error {
        HeaderError::Damaged(reason) => damaged(name, 0, reason),
        HeaderError::UnknownPartition(of) => OpenError::UnknownPartition(of),
    })?;
    if segment_name(header.first_record) != name {
        return Err(damaged(
            name,
            0,
            "its name and its header differ: the file was renamed",
        ));
    }
    Ok(Arc::new(Segment {
        name: name.to_owned(),
        capacity_bytes: file.bytes().map_err(OpenError::io("measure", name))?,
        header,
        file,
        newest_ms: AtomicI64::new(i64::MAX),
        index: Mutex::new(None),
    }))
}

/// A sealed segment must reach exactly to where the next begins.
fn sealed_check(disk: &dyn Disk, sealed: &Segment, next: &Segment, keeper: &Keeper) -> Result<(), OpenError> {
    let slots = keeper.slots;
    let due = next.header.first_record - sealed.header.first_record;
    let kept = index_read(disk, &sealed.header, slots).filter(|index| index.records == due);
    let index = match kept {
        Some(index) => index,
        None => {
            let index = index_scan(&sealed.header, &*sealed.file, slots).map_err(open_error(&sealed.name))?;
            keeper.index_write(&sealed.name, &index.encode());
            index
        }
    };
    if index.records != due {
        let reason =
            "its records do not reach to the next segment: it was cut, or a segment after it is missing";
        return Err(damaged(&sealed.name, index.data_end, reason));
    }
    if index.data_end > sealed.capacity_bytes {
        return Err(damaged(
            &sealed.name,
            sealed.capacity_bytes,
            "the file is shorter than its records",
        ));
    }
    let newest_ms = keeper.retention.time_of(index.newest_ms);
    sealed.newest_ms.store(newest_ms, Ordering::Relaxed);
    Ok(())
}

fn tail_recover(
    mut segments: Vec<Arc<Segment>>,
    last: &Arc<Segment>,
    config: &SegmentLogConfig,
) -> Result<Recovered, OpenError> {
    let scan = scan(&*last.file, &last.header, config.slots()).map_err(open_error(&last.name))?;
    let position = scan.index.data_end;
    let capacity_bytes = last.capacity_bytes.max(config.segment_bytes);
    if scan.torn || capacity_bytes > last.capacity_bytes {
        tracing::warn!(
            segment = last.name,
            position,
            torn = scan.torn,
            "zeroing the unused end of the last segment"
        );
        zeros_write(&*last.file, position, capacity_bytes)
            .map_err(OpenError::io("zero the end of", &last.name))?;
    }
    let next_record = last.header.first_record + scan.index.records;
    let index = Arc::new(RwLock::new(scan.index));
    let active = Arc::new(Segment {
        name: last.name.clone(),
        header: last.header.clone(),
        file: last.file.clone(),
        capacity_bytes,
        newest_ms: AtomicI64::new(i64::MAX),
        index: Mutex::new(Some(index.clone())),
    });
    segments.pop();
    segments.push(active.clone());
    Ok(Recovered {
        segments,
        active,
        index,
        next: scan.next,
        next_record,
        position,
        oldest_ms: scan.oldest_ms,
    })
}

/// The index of a segment: the one beside it, or a new one from a scan when that is missing or bad.
pub(crate) fn index_load(
    disk: &dyn Disk,
    header: &SegmentHeader,
    file: &dyn DiskFile,
    slots: Slots,
) -> Result<SparseIndex, ScanError> {
    match index_read(disk, header, slots) {
        Some(index) => Ok(index),
        None => index_scan(header, file, slots),
    }
}

fn index_read(disk: &dyn Disk, header: &SegmentHeader, slots: Slots) -> Option<SparseIndex> {
    let bytes = file_read(disk, &index_name(&segment_name(header.first_record))).ok()?;
    SparseIndex::decode(&bytes, header.first_record, slots)
}

fn index_scan(header: &SegmentHeader, file: &dyn DiskFile, slots: Slots) -> Result<SparseIndex, ScanError> {
    tracing::info!(
        segment = segment_name(header.first_record),
        "rebuilding the index of a segment"
    );
    scan(file, header, slots).map(|scan| scan.index)
}

/// All of a file.
pub(crate) fn file_read(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(name)?;
    let mut bytes = vec![0; file.bytes()? as usize];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Writes zeros over `[from, to)`, durably.
pub(crate) fn zeros_write(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES.min(to.saturating_sub(from) as usize)];
    let mut position = from;
    while position < to {
        let bytes = zeros.len().min((to - position) as usize);
        file.write_at(&zeros[..bytes], position)?;
        file.sync_data()?;
        position += bytes as u64;
    }
    Ok(())
}

fn open_error(name: &str) -> impl FnOnce(ScanError) -> OpenError {
    move |error| match error {
        ScanError::Io(source) => OpenError::Io {
            action: "scan",
            name: name.to_owned(),
            source,
        },
        ScanError::Damaged { position, reason } => damaged(name, position, reason),
        ScanError::UnknownPartition(of) => OpenError::UnknownPartition(of),
    }
}

fn damaged(name: &str, position: u64, reason: &'static str) -> OpenError {
    OpenError::Damaged {
        segment: name.to_owned(),
        position,
        reason,
    }
}
