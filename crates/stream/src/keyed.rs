//! The keyed engine: jobs with state by key, event time, and checkpoints that move between processes.
//!
//! Where [`crate::Driver`] serves a store that keeps its own offsets, this engine keeps the state itself. A [`Job`] has two
//! stages. Stage one runs beside the log's partition and folds what it reads into deltas, one a key; stage two takes the deltas
//! of all partitions and folds them into the state of their key. A key that all the traffic hits costs stage two one delta a
//! worker and epoch, however many records made it.
//!
//! An *epoch* is one pass: read a bounded chunk of each partition, fold, exchange, fold, fire timers, hand rows to the sink. Between
//! epochs nothing is in flight, so a checkpoint there needs no barrier: state, timers, offsets and watermarks agree by construction.
//! Epochs follow the load as a group commit does: the more has come, the more one epoch takes.
//!
//! What makes the outcome independent of workers, chunks and restarts:
//! - deltas merge in any order to the same result, and state holds nothing that depends on their order (no float sums);
//! - whether a record is late is judged by the watermark of its own topic and partition, which only that partition's records move;
//! - state lives in 256 key groups, and a key group lives in one worker.

mod bins;
mod checkpoint;
mod contract;
mod engine;
mod entries;
mod group;
mod hot;
mod local;
pub mod manifest;
mod meters;
mod objects;
mod open;
mod salt;
mod shelf;
mod table;
mod task;
mod time;
mod timers;
mod tools;
mod worker;

pub use bins::Bins;
pub use checkpoint::CheckpointError;
pub use contract::{Delta, Job, KEY_GROUPS, Key, KeyGroup, Sink, SinkError, SinkState, Value};
pub use engine::{Engine, EngineConfig, EngineParts};
pub use group::{GroupTask, Join, SinkOf};
pub use hot::{HOT_KEYS_MAX, HotKeys};
pub use local::{Fate, Folding, Local};
pub use manifest::{Manifest, ManifestObject, ManifestOffset};
pub use meters::{JobControl, JobStatus};
pub use objects::{FolderObjects, MemoryObjects, Objects};
pub use salt::{SALTS_MAX, Salter};
pub use task::EngineTask;
pub use time::{EventTime, Lateness, TimePolicy, WATERMARK_NONE_MS};
pub use tools::{JobTools, ToolError};
