//! The event vocabulary and its versioned codec.
//!
//! Everything that happens becomes one of the records here: what a viewer saw ([`Signal`]), what a viewer did
//! ([`Action`]), what the feed served ([`ServedSlate`]), what became of a video ([`VideoChange`]), what there is to learn from it
//! ([`Example`]), what a viewer asks of the feed ([`Wish`]), and how far a new video has come ([`PoolChange`]). A record is bytes in the event
//! log; this crate turns it into bytes and back. It reads no clock and does no IO.
//!
//! Sizes (for the disk and network arithmetic of the rooms above):
//!
//! | record | bytes |
//! |---|---|
//! | signal | 61 to 74 |
//! | action | 45 |
//! | served slate | 20 + 29 an item + 6 a feature, and about 45 an item for its receipt |
//! | published video | 64 + its hashtags and its caption + 129 with a content vector |
//! | wish | 20 to 40; a list of words as long as it is |
//! | example | 63 to 76 + 6 a feature |
//! | step of the traffic ladder | 31 to 55 |
//!
//! Encoding or decoding a signal takes about 20 ns and allocates nothing.

mod codec;
mod example;
mod pool;
mod receipt;
mod record;
mod wish;

pub use codec::{DecodeError, FEATURES_MAX, HASHTAGS_MAX, SLATE_ITEMS_MAX, WISH_TEXTS_MAX, stamp_outbox_id};
pub use example::{Example, ExampleKind, Label, Labels, WatchOutcome};
pub use pool::{PoolChange, PoolVerdict};
pub use receipt::{PlacedBy, Receipt, Said, Spoke};
pub use record::{
    Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source, VideoChange,
};

pub use wish::{FeedMode, Leaning, Subject, Wish, WishKind};

use types::ViewerId;

/// The topics of the log, by number. A number is never reused.
pub mod topic {
    /// Viewing signals: impression, watch, loop, skip; and wishes, so that their order among a viewer's watches is the log's.
    pub const VIEWS: u8 = 0;
    /// Explicit actions: like, comment, share, save, follow, not interested, report.
    pub const ACTIONS: u8 = 1;
    /// Background context and heartbeats.
    pub const CONTEXT: u8 = 2;
    /// What the feed served, with scores, propensities and features.
    pub const SERVED: u8 = 3;
    /// What became of videos: published, removed.
    pub const VIDEOS: u8 = 4;
    /// What training learns from: served items with their outcomes.
    pub const EXAMPLES: u8 = 5;
    /// What the learner took and what it learned: its journal, and the changes others follow. One partition is used.
    pub const MODEL: u8 = 6;
    /// Decisions of the traffic ladder of new videos, by video.
    pub const POOLS: u8 = 7;
    /// The topics' names, by number.
    pub const NAMES: [&str; 8] = [
        "views", "actions", "context", "served", "videos", "examples", "model", "pools",
    ];
}

/// Parts that a viewer's state can move in; see [`key_group_of`].
pub const KEY_GROUPS: u16 = 256;

/// Which of the [`KEY_GROUPS`] a viewer belongs to, for ever: state of stream jobs is kept and moved by key group.
pub fn key_group_of(viewer: ViewerId) -> u8 {
    // The finaliser of splitmix64: ids are time-ordered, so their low bits alone would be lumpy.
    let mut x = viewer.raw().wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) as u8
}

/// The partition that holds everything about one viewer, so that impressions, watches and likes meet in one place
/// and no superstar video heats one partition.
///
/// A partition holds whole key groups. Counts that divide 256 spread evenly; above 256 the rest stays empty.
pub fn partition_of(viewer: ViewerId, partitions: u16) -> u16 {
    u16::from(key_group_of(viewer)) % partitions.max(1)
}

#[cfg(test)]
mod tests;
