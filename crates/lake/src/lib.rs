//! Every event as a row of an open-format table on object storage, exactly once.

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
