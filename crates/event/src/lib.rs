//! The event vocabulary and its versioned codec.
//!
//! Everything that happens becomes one of the records here: what a viewer saw ([`Signal`]), what a viewer did
//! ([`Action`]), what the feed served ([`ServedSlate`]) and what became of a video ([`VideoChange`]). A record is
//! bytes in the event log; this crate turns it into bytes and back. It reads no clock and does no IO.
//!
//! Sizes (for the disk and network arithmetic of the rooms above): a signal takes 53 to 66 bytes, an action 43 to 51,
//! a served slate 19 + 43 an item + 6 a feature, a published video 38 + its hashtags.

mod codec;
mod record;

pub use codec::{DecodeError, HASHTAGS_MAX, SLATE_ITEMS_MAX, stamp_outbox_id};
pub use record::{
    Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source, VideoChange,
};

use types::ViewerId;

/// The topics of the log, by number. A number is never reused.
pub mod topic {
    /// Viewing signals: impression, watch, loop, skip.
    pub const VIEWS: u8 = 0;
    /// Explicit actions: like, comment, share, save, follow, not interested, report.
    pub const ACTIONS: u8 = 1;
    /// Background context and heartbeats.
    pub const CONTEXT: u8 = 2;
    /// What the feed served, with scores, propensities and features.
    pub const SERVED: u8 = 3;
    /// What became of videos: published, removed.
    pub const VIDEOS: u8 = 4;
}

/// The partition that holds everything about one viewer, so that impressions, watches and likes meet in one place
/// and no superstar video heats one partition.
pub fn partition_of(viewer: ViewerId, partitions: u16) -> u16 {
    // The finaliser of splitmix64: ids are time-ordered, so their low bits alone would be lumpy.
    let mut x = viewer.raw().wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) % u64::from(partitions.max(1))) as u16
}

#[cfg(test)]
mod tests;
