//! Settings of the embedded log, and why a log folder would not open.

use std::io;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::format::{FRAME_HEADER_BYTES, GROUP_ALIGN_BYTES, GROUP_HEADER_BYTES, header_bytes};
use crate::port::TopicPartition;
use crate::slots::Slots;

/// How the embedded log is cut and bounded. The defaults suit one machine with one disk.
#[derive(Debug, Clone)]
pub struct SegmentLogConfig {
    /// Partitions a topic. May grow between starts, never shrink below what the log holds.
    pub partitions: u16,
    /// Topics, numbered from 0. May grow.
    pub topics: u8,
    /// Size of one segment file, zeroed ahead. Retention removes whole segments.
    pub segment_bytes: u64,
    /// Records waiting for the disk, headers included; beyond it appends are refused as overloaded.
    pub queue_bytes_max: usize,
    /// Time spent in the queue, behind the group being written, beyond which appends are refused as overloaded;
    /// `None` leaves it to the bytes. An answer takes at most about this, a group's commit, and the budget's own.
    pub wait_ms_max: Option<u64>,
    /// A write under way for longer than this is a stall: appends are refused until it ends.
    pub stall_ms_max: u64,
    /// Records acknowledged from memory and not yet on disk, headers included; more wait for the disk.
    pub memory_bytes_max: usize,
    /// No record is acknowledged from memory while an older one has been waiting this long for the disk, so a
    /// crash loses records of at most so many milliseconds.
    pub memory_ms_max: u64,
    /// The largest payload.
    pub record_bytes_max: usize,
    /// The most one write and sync carries: bounds the wait of whoever comes next.
    pub group_bytes_max: usize,
    /// As `group_bytes_max`, in records.
    pub group_records_max: u32,
    /// Recent records kept in memory, so that jobs near the end do not touch the disk.
    pub cache_bytes_max: usize,
    /// Sealed segments kept; the oldest go first, unless a reader holds them ([`EventLog::retain`]). `None`
    /// keeps everything.
    ///
    /// [`EventLog::retain`]: crate::EventLog::retain
    pub retention_bytes: Option<u64>,
    /// A sealed segment goes once its newest record is older than this, unless a reader holds it. A segment
    /// is sealed after an eighth of this time, however little it holds, when the next record comes. `None`
    /// keeps everything.
    pub retention_ms: Option<u64>,
    /// Prepare segments and write indexes on a thread of their own. Off, they are done where they are
    /// needed, on the commit thread: for tests, whose operations then have one order.
    pub prepare_ahead: bool,
    /// How long commits take, and for retention, what day it is.
    pub clock: Arc<dyn Clock>,
}

impl Default for SegmentLogConfig {
    fn default() -> Self {
        Self {
            partitions: 8,
            topics: 8,
            segment_bytes: 64 << 20,
            queue_bytes_max: 32 << 20,
            wait_ms_max: Some(5),
            stall_ms_max: 500,
            memory_bytes_max: 4 << 20,
            memory_ms_max: 100,
            record_bytes_max: 1 << 20,
            group_bytes_max: 4 << 20,
            group_records_max: 8192,
            cache_bytes_max: 16 << 20,
            retention_bytes: None,
            retention_ms: None,
            prepare_ahead: true,
            clock: Arc::new(SystemClock::default()),
        }
    }
}

impl SegmentLogConfig {
    pub(crate) fn slots(&self) -> Slots {
        Slots {
            topics: self.topics,
            partitions: self.partitions,
        }
    }

    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let frame_bytes_max = FRAME_HEADER_BYTES + self.record_bytes_max;
        let group_bytes_max = (GROUP_HEADER_BYTES + self.group_bytes_max).next_multiple_of(GROUP_ALIGN_BYTES);
        let slots = self.slots().count();
        let rules = [
            (slots > 0, "topics and partitions must be at least 1"),
            (
                slots <= usize::from(u16::MAX),
                "topics x partitions must be at most 65535",
            ),
            (self.group_records_max > 0, "group_records_max must be at least 1"),
            (
                frame_bytes_max <= self.group_bytes_max,
                "group_bytes_max must hold one record of record_bytes_max",
            ),
            (
                self.group_bytes_max <= self.queue_bytes_max,
                "queue_bytes_max must hold one group",
            ),
            (
                self.segment_bytes <= u64::from(u32::MAX),
                "segment_bytes must be below 4 GiB",
            ),
            (
                (header_bytes(slots) + group_bytes_max + GROUP_ALIGN_BYTES) as u64 <= self.segment_bytes,
                "segment_bytes must hold a header and one group",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(OpenError::Config(rule)),
            None => Ok(()),
        }
    }
}

/// Why a log did not open. Nothing was changed on the disk except that a torn tail may have been zeroed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the log's settings do not fit together: {0}")]
    Config(&'static str),
    #[error("the log folder {dir} is in use by another process; stop it, or give this one another folder")]
    Locked { dir: String },
    #[error("cannot {action} {name}")]
    Io {
        action: &'static str,
        name: String,
        #[source]
        source: io::Error,
    },
    #[error(
        "segment {segment} is damaged at byte {position}: {reason}. Records that were acknowledged are \
         unreadable, so the log does not start. Restore the file from a copy; or run `riffle log verify` to see \
         what is lost and `riffle log repair` to go on without it: it keeps the damaged file, and every offset"
    )]
    Damaged {
        segment: String,
        position: u64,
        reason: &'static str,
    },
    #[error("the log holds records of {0:?}, which the settings do not have; raise topics or partitions")]
    UnknownPartition(TopicPartition),
}

impl OpenError {
    pub(crate) fn io(action: &'static str, name: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            name: name.to_owned(),
            source,
        }
    }
}
