//! What is trending, on the wire.

use serde::{Deserialize, Serialize};
use types::SoundId;
use utoipa::ToSchema;

use crate::Video;

/// The videos of a scope that do best within the last hour.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendingVideos {
    /// When the list was made; at most 5 s ago.
    pub as_of_ms: i64,
    pub items: Vec<TrendingVideo>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendingVideo {
    /// From 1.
    pub rank: u32,
    /// (views + 5 likes + 10 comments + 20 shares) × 50 × share watched ÷ (1 + age in hours ÷ 2), of the last hour.
    pub score: f64,
    /// Within the last hour, in the list's scope.
    pub views_last_hour: u64,
    pub video: Video,
}

/// The hashtags used most, this hour and the hour before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendingHashtags {
    /// When the list was made; at most 5 s ago.
    pub as_of_ms: i64,
    pub items: Vec<TrendingHashtag>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendingHashtag {
    /// Without `#`.
    pub hashtag: String,
    pub this_hour: HourlyUse,
    pub hour_before: HourlyUse,
}

/// The sounds used most, this hour and the hour before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendingSounds {
    /// When the list was made; at most 5 s ago.
    pub as_of_ms: i64,
    pub items: Vec<TrendingSound>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendingSound {
    pub sound_id: SoundId,
    pub this_hour: HourlyUse,
    pub hour_before: HourlyUse,
}

/// Topics that draw far more interest than they did, the strongest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RisingTopics {
    /// When the list was made; at most 5 s ago.
    pub as_of_ms: i64,
    pub items: Vec<RisingTopic>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RisingTopic {
    /// As `trending` takes it: `hashtag:sea`, `sound:` and an id, `category:music`.
    pub scope: String,
    /// When it was found to rise.
    pub since_ms: i64,
    /// Its interest by what was to be expected of it.
    pub lift: f32,
    /// Completions, likes, comments, shares and saves of the last minute.
    pub interest_per_minute: u32,
    /// By how many viewers, about.
    pub viewers: u32,
}

/// Use within one clock hour, UTC.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HourlyUse {
    /// Videos published with it.
    pub videos: u64,
    /// Watches of videos that have it.
    pub views: u64,
}
