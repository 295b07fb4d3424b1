//! Online state that jobs write and the feed, the door and the collector read: features of videos, creators, sounds, hashtags and
//! viewers; trending lists; session windows; viewer histories; the catalog of published videos.
//!
//! Reads are answered from memory, and from one redb file for what has left it. All of it is derived: delete the file and the jobs
//! rebuild it from the log. Two kinds of jobs write here. `user_history`, `catalog` and `pools` keep their offsets in the same file, committed
//! with their rows in one transaction. `activity` keeps its state and offsets itself; here are its rows, absolute values that may be
//! taken twice, made durable before each of its checkpoints. [`LiveFeatures`] is apart from the file: what the model reads, written by
//! `feature_state`, which keeps checkpoints of it. No SQL, no HTTP, no clock.
//!
//! | | an entry in memory | on disk | at 100 k videos, 100 k viewers |
//! |---|---|---|---|
//! | features of a video, a creator, a viewer … | ~500 B | ~120 B | 50 MB a kind; bounded by [`StoreConfig`] |
//! | a video's last hour, for trending | up to 800 B | up to 250 B | 40 MB while half of them are watched |
//! | session window | ~150 B | ~30 B | bounded by [`StoreConfig`]; gone after 7 days without use |
//! | a video on the traffic ladder | ~250 B | ~40 B | 25 MB |
//! | catalog entry | ~650 B: a line of facts, profile with its content vector, three indexes | ~250 B | 65 MB |
//! | viewer, 200 seen, 40 tastes | ~9 KB | ~5 KB | 0.9 GB; bounded by [`VIEWERS_IN_MEMORY_MAX`] |
//!
//! CPU: a feature read from memory takes about 0.1 µs, a batch of 1 000 about 0.1 ms; from the file about 5 µs each. Disk: a commit
//! writes only what changed since the last, one fsync for each job every half second, for `activity` every checkpoint.
//!
//! Locks: the catalog's before a viewer's, never the other way round; a shelf's last.

mod activity;
pub mod bytes;
mod catalog;
mod copies;
mod counts;
mod entity;
mod facts;
mod features;
mod format;
mod hashing;
mod hottest;
mod inboxes;
mod live;
mod offsets;
mod outbox;
mod pools;
mod positives;
mod pulse;
mod sequence;
mod sessions;
mod shelf;
mod store;
mod trending;
mod trends;
mod viewers;
mod watch;

#[cfg(test)]
mod tests;

pub use catalog::{Catalog, Slot, VideoProfile};
pub use counts::{Counts, MEASURES, Measure};
pub use entity::Entity;
pub use facts::{FACT_TOPICS, Facts, Fares, Flags, PRIOR_COMPLETION, PRIOR_EARLY_SKIP, TopicNo};
pub use features::{FeatureRow, HEAT_HALF_LIFE_MS, VideoCounters, WINDOWS, Window};
pub use hashing::{IdHasher, IdHashing};
pub use inboxes::{FOLLOWED_MAX, INBOX_MAX, INBOXES_MAX};
pub use live::LiveFeatures;
pub use pools::{
    BOARD_VIDEOS_MAX, CREATOR_OWED_MAX, Debt, HEAD_START, LENGTH_EDGES_MS, LENGTH_GROUPS, Median,
    OWED_IMPRESSIONS, OWED_WITHIN_MS, Owed, POOL_SIZES, PoolBoard, PoolCounts, PoolProfile, PoolRow,
    PoolState, PoolStep, WRITTEN_OFF_MS, due_impressions, length_group,
};
pub use positives::Positives;
pub use pulse::{BEAT_MS, BEATS_KEPT, Beat, PULSES_MAX, PulseRow};
pub use sequence::{STRETCHES_MAX, SequenceWindow};
pub use store::{FeatureStore, StoreConfig, StoreError, ViewerHandle, job};
pub use trending::{RISING_MAX, Ranked, Rising, Scope, TRENDING_MAX, Trending, USED_MAX, Used};
pub use trends::{TREND_BIN_MS, TrendBin, TrendKey, TrendProfile, TrendRow, USAGE_BIN_MS, Usage, UsageRow};
pub use viewers::{
    Deed, LEANINGS_MAX, MUTED_MAX, RECENT_MAX, SEEN_KEPT_MS, SEEN_MAX, SERVED_MAX, SLATES_MAX,
    TASTE_HALF_LIFE_MS, TASTES_MAX, Taste, VIEWERS_IN_MEMORY_MAX, ViewerState, Watched, Wishes, WordFilter,
    fold,
};
pub use watch::CatalogObserver;
