//! The lake: every record of the event log as rows of open-format tables on object storage, exactly once.
//!
//! One Delta table a topic, Parquet files by day and hour of receipt. [`LakeJob`] folds records into columns in memory, and
//! [`LakeWriter`], the checkpoint of the same stream job, commits rows and offsets in one step: the commit of a table *is* the
//! checkpoint. [`LakeKeeper`] packs finished hours and sweeps what nobody reads; [`LakeTable`] and [`recount`] read back.
//! It computes nothing from the rows, never changes one, and knows no SQL.
//!
//! Back of the envelope, measured by `examples/lake_bench.rs` (release build, processor time of one thread, shared machine):
//!
//! | what | figure |
//! |---|---|
//! | CPU, fold | 0.6 µs an event (a slate of ten items included): 1.7 M events/s |
//! | CPU, commit | 0.65 µs an event: 1.5 M events/s; both together 0.8 M events/s a core, so 20 k events/s take 2.5 % of one |
//! | disk, in commits of minutes | 15 bytes a signal or action, 21 a heartbeat or video, 35 a served item with 12 features |
//! | disk, one small commit | 4 kB of footer a file: 27 bytes a signal at 1 500 rows a file, until the hour is packed |
//! | disk, log of a table | 1 kB a commit: 1.5 MB a day at one a minute, swept after `history_ms`; a checkpoint: 0.1 kB a file |
//! | memory | rows ≤ `buffer_bytes_max` (64 MiB), as much again while arrays grow; packing 2 × `target_bytes` (64 MiB) |
//! | network | a commit: one put a file, one conditional put, one get; an idle topic does nothing |
//! | packing | 1.5 M rows/s |
//! | reading back | 1.4 M rows/s in [`recount`] |
//! | freshness | `commit_interval_ms` (60 s): rows are safe in the event log meanwhile, and a crash reads them again from there |
//!
//! Files of a table, below `lake/NAME/`: `day=2026-01-31/hour=05/part-*.parquet` (as committed), `whole-*.parquet` (packed), and
//! `_delta_log/` (`%020d.json` a commit, `%020d.checkpoint.parquet`, `_last_checkpoint`).

mod append;
mod buffer;
mod column;
mod config;
mod data_file;
mod delta;
mod error;
mod hour;
mod job;
mod keeper;
mod names;
mod objects;
mod recount;
mod scan;
mod tables;
mod writer;

use std::sync::Arc;

pub use config::LakeConfig;
pub use error::LakeError;
pub use hour::Hour;
pub use job::LakeJob;
pub use keeper::{KeptRound, LakeKeeper};
pub use objects::{BlobObjects, Objects};
pub use recount::{Recount, VideoRecount, recount};
pub use scan::{LakeTable, TableSummary};
pub use tables::Table;
pub use writer::LakeWriter;

/// The time now, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> types::TimestampMs + Send + Sync>;
