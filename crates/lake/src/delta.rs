//! A table in the open Delta format: data files, and a log of commits that says which of them count.
//!
//! The log is `_delta_log/%020d.json`, one file a commit, each created by a conditional put: of two writers that try the
//! same number one is told so, reads what the other did, and decides again. A commit adds and removes files and moves
//! *transaction identifiers*, here the next offset of each partition, in one step. Every so many commits the state is
//! written down as one Parquet file, so that opening reads that file and a few commits.
//!
//! Only what this crate needs of the
//! [protocol](https://github.com/delta-io/delta/blob/master/PROTOCOL.md) is here: reader version 1, writer version 2,
//! no deletion vectors, no column mapping. A table that asks for more is refused.

mod action;
mod checkpoint;
mod log;
mod schema;
mod snapshot;

pub(crate) use action::{Action, Add, CommitInfo, Txn};
pub(crate) use log::{DeltaLog, Plan};
pub(crate) use schema::TableSchema;
pub(crate) use snapshot::Snapshot;
