//! The viewer's say in the feed, on the wire.

use serde::{Deserialize, Serialize};
use types::{ImpressionId, SoundId, UserId, VideoId};
use utoipa::ToSchema;

/// How personal the feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedMode {
    /// It follows what the viewer watches.
    Personal,
    /// It is made from the interests as they are, and learns no more.
    Frozen,
    /// It is the same for everyone in a region, and learns nothing.
    NonPersonal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Leaning {
    Less,
    /// Takes a former wish back.
    Neutral,
    More,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedModeRequest {
    pub mode: FeedMode,
}

/// What a viewer asked for, and what was learned of them. Also for guests.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Interests {
    pub mode: FeedMode,
    /// Chosen, lower case, without `#`.
    pub hashtags: Vec<String>,
    /// Chosen.
    pub categories: Vec<String>,
    /// Learned from what was watched, strongest first.
    pub learned: Vec<LearnedInterest>,
    /// Watches that were learned from.
    pub watches: u64,
    /// What less or more was asked of.
    pub wishes: Vec<Wish>,
    pub muted_words: Vec<String>,
    /// When interests were reset last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_at_ms: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LearnedInterest {
    pub hashtag: String,
    /// −1 (away from it) to 1 (towards it).
    pub strength: f32,
}

/// Replaces what was chosen before.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InterestsRequest {
    /// At most 100.
    #[serde(default)]
    pub hashtags: Vec<String>,
    #[serde(default)]
    pub categories: Vec<String>,
}

/// Less or more of exactly one thing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    pub want: Leaning,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashtag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound_id: Option<SoundId>,
    /// Told in answers: the creator's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MutedWords {
    /// The whole list, at most 100 of at most 50 characters.
    pub words: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MuteRequest {
    pub muted: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockRequest {
    pub blocked: bool,
}

/// Someone muted or blocked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonRef {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonRefs {
    pub items: Vec<PersonRef>,
}

/// What the catalogue has to choose from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Topics {
    pub hashtags: Vec<TopicCount>,
    pub categories: Vec<TopicCount>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicCount {
    pub name: String,
    /// Among the newest videos.
    pub videos: u64,
}

/// Why an impression was shown: the receipt that was written when the page was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    pub impression_id: ImpressionId,
    pub video_id: VideoId,
    pub served_at_ms: i64,
    /// In plain words, the strongest first.
    pub reasons: Vec<WhyReason>,
    /// The candidate sources that found it, the first finder first.
    pub sources: Vec<String>,
    /// Whether it was drawn to explore rather than chosen.
    pub explored: bool,
    /// The probability with which the policy put this video at its place.
    pub probability: f32,
    /// What its first hour multiplied its value by; 1 is nothing.
    pub fresh_boost: f32,
    /// What following its creator multiplied its value by; 1 is nothing.
    pub followed_boost: f32,
    /// How much the learned model counted in its score, 0 to 1; the rest are plain counts and tastes.
    pub model_share: f32,
    pub score: f32,
    /// The rule of the page that gave it its place, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<WhyRule>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhyReason {
    /// `hashtag`, `creator`, `following`, `popular`, `fresh`, `region`, `chosen`, `more` or `less`.
    pub code: String,
    /// Above 0 for the video, below 0 against it.
    pub weight: f32,
    pub text: String,
    /// What it is about: a hashtag or a category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Watched to the end within the day before, of that topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_today: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhyRule {
    /// `exploring` or `regional`.
    pub name: String,
    /// How much value the page gave up for the last place of this rule.
    pub price: f32,
}
