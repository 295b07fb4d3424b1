//! Runs operators over a log, with state and offsets committed together.
//!
//! An [`Operator`] folds records into state that a [`Checkpoint`] makes durable in one transaction with
//! the offsets read so far; after a crash the [`Driver`] resumes from the committed offsets, so each record counts once.
//! This crate does not know what a video is, and keeps no state of its own.
//!
//! Back of the envelope, a job:
//!
//! | what | figure |
//! |---|---|
//! | disk | none of its own; a checkpoint writes one offset (about 30 bytes) a partition twice a second |
//! | memory | one read: `read_bytes_max` (256 KiB) plus about 80 bytes a record; the state is the operator's |
//! | CPU | one thread; near the log's end records come from its cache at some 50 ns each, before the operator |
//! | network | none |
//! | replay | a second of records at most 0.5 s old, plus whatever came while the process was down |

mod driver;
mod error;
mod job;
pub mod keyed;
mod port;
mod stop;

pub use driver::{Driver, DriverConfig};
pub use error::JobError;
pub use job::{JobHandle, Task, spawn};
pub use port::{Checkpoint, Operator, Poisoned};
pub use stop::StopSignal;
