//! Online state that jobs write and the feed reads: counters, sessions, viewers, the catalog of published videos.
//!
//! Everything is answered from memory. Behind it one redb file holds the same state together with the offsets of the jobs
//! that made it, committed in one transaction, so a restart resumes without losing or repeating a record. All of it is
//! derived: delete the file and the jobs rebuild it from the log. No SQL, no HTTP, no clock.
//!
//! | | an entry in memory | on disk | at 100 k videos, 100 k viewers |
//! |---|---|---|---|
//! | video counters | 80 B | 72 B | 8 MB |
//! | catalog entry | ~350 B with its three indexes | ~100 B | 35 MB |
//! | viewer, 200 seen, 40 tastes | ~9 KB | ~5 KB | 0.9 GB; bounded by [`VIEWERS_IN_MEMORY_MAX`] |
//! | session window | ~100 B | 40 B | bounded by [`SESSIONS_IN_MEMORY_MAX`] |
//!
//! Locks: the catalog's before a viewer's, never the other way round; the counters' last.
//!
//! A commit writes only what changed since the last, one fsync for each job every half second.

mod bytes;
mod catalog;
mod counters;
mod offsets;
mod outbox;
mod sequence;
mod sessions;
mod store;
mod viewers;

#[cfg(test)]
mod tests;

pub use catalog::{Catalog, VideoProfile};
pub use counters::{HEAT_HALF_LIFE_MS, VideoCounters};
pub use sequence::{AHEAD_MAX, SequenceWindow};
pub use sessions::SESSIONS_IN_MEMORY_MAX;
pub use store::{FeatureStore, StoreError, ViewerHandle, job};
pub use viewers::{
    SEEN_MAX, SERVED_MAX, TASTE_HALF_LIFE_MS, TASTES_MAX, Taste, VIEWERS_IN_MEMORY_MAX, ViewerState,
};
