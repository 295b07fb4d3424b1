//! A partitioned, replayable log of opaque records.
//!
//! The port is [`EventLog`]; the embedded backend, [`SegmentLog`], keeps one physical log a disk and many
//! logical partitions in it. This crate knows bytes and headers only: no schema, no job; its clock times commits
//! and retention, never a record. [`inspect`] looks at a log from outside, [`repair()`] mends one.
//!
//! Back of the envelope, for events of 200 bytes:
//!
//! | what | figure |
//! |---|---|
//! | disk, loaded | 228 bytes a record (28 of header) plus 24 a group: 1 M records/s write 228 MB/s |
//! | disk, idle | a group is padded to 512 bytes: 100 lonely records/s write 51 kB/s, 4.4 GB a day |
//! | disk, ahead | one spare segment (64 MiB), zeroed or recycled, so that a commit never changes a file's size |
//! | syncs | one `fdatasync` a group: at 0.14 ms each about 7 000/s, for one record as for thousands |
//! | at risk | acknowledged from memory only: ≤ 4 MiB and 100 ms worth of records, commonly one group |
//! | memory | queue ≤ 32 MiB, tail cache ≤ 16 MiB, loaded indexes ≤ 16 segments of at most 1 MiB each |
//! | CPU | a CRC and two copies of each record: about 0.1 µs, so 1 M records/s cost a tenth of a core |
//! | network | none |
//!
//! Files of a log folder: `%020d.seg` (records, named by the first physical record number), `%020d.idx`
//! (sparse index of a sealed segment, rebuilt when missing), `spare-*.tmp` (the next segment, waiting), `lock`,
//! and after a repair `%020d.seg.damaged` (the segment as it was).

mod block;
mod cache;
mod clock;
mod commit;
mod config;
#[doc(hidden)]
pub mod conformance;
pub mod disk;
mod format;
pub mod inspect;
mod keeper;
mod log;
pub mod membership;
mod meters;
mod port;
mod queue;
mod recover;
mod repair;
mod retention;
mod scan;
mod segment;
mod slots;
mod stepped;
mod view;
mod window;

pub use block::block_on;
pub use clock::{Clock, SimClock, SystemClock};
pub use config::{OpenError, SegmentLogConfig};
pub use log::SegmentLog;
pub use membership::{Change, Membership, MembershipError, OwnAll, Owned};
pub use port::{Append, AppendError, Durable, EventLog, Promise, ReadError, Record, Topic, TopicPartition};
pub use repair::{RepairError, Repaired, repair, repair_on};
#[doc(hidden)]
pub use stepped::Stepper;
