//! Runs jobs over a log: views with a store of their own, and keyed jobs with state, time and checkpoints of the engine's.
//!
//! A *view* is an [`Operator`] that folds records into a store; the store is its [`Checkpoint`] and makes state and offsets durable in
//! one transaction; the [`Driver`] reads, applies, commits. A *keyed job* ([`keyed::Job`]) leaves all of that to the engine. Either way a record counts
//! once, whatever happens in between. This crate does not know what a video is.
//!
//! Back of the envelope:
//!
//! | what | a view | a keyed job |
//! |---|---|---|
//! | disk | one offset (30 bytes) a partition, twice a second | changed entries every 10 s, once to the local copy, once to object storage |
//! | memory | one read: 256 KiB and 80 bytes a record | the same a partition, and state: key + value + 70 bytes, at most `cache_bytes_max` + what changed |
//! | CPU | one thread, 50 ns a record before the operator | the same, and 50 ns to fold a delta, 100 ns a key and epoch in stage two |
//! | network | none | the checkpoint's objects |
//! | replay | at most 0.5 s of records | at most 10 s: 200 000 records at 20 k/s, a second of work |

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
