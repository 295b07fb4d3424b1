//! One request of the feed laid open, for admins: stage by stage, what came in, what went and why, how long it took.

use serde::{Deserialize, Serialize};
use types::{TimestampMs, VideoId, ViewerId};
use utoipa::ToSchema;

/// The stages of For You, in the order in which they run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedRecipe {
    pub stages: Vec<FeedRecipeStage>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedRecipeStage {
    /// `query_hydrator`, `source`, `merger`, `hydrator`, `filter`, `scorer`, `cut`, `selector`, `side_effect`.
    pub kind: String,
    pub name: String,
    /// What it does, in one line.
    pub about: String,
    /// Whether it may be left out by an experiment.
    pub switchable: bool,
    /// The share of viewers for whom it runs, 0 to 1.
    pub share: f32,
    /// How it is broken on purpose: `error`, `panic` or `hang`. Absent for what is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Has a stage run for a share of viewers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeedSwitch {
    /// 0 is off, 1 is on for everybody.
    pub share: f32,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedExplained {
    pub viewer: ViewerId,
    pub at_ms: TimestampMs,
    pub took_us: u64,
    /// Watches of all time.
    pub watches: u64,
    /// Creators followed.
    pub following: u64,
    /// Strongest first; below 0 is a leaning away.
    pub leanings: Vec<FeedLeaning>,
    pub stages: Vec<FeedStage>,
    /// Null when the page could not be laid under its rules.
    pub slate: Option<FeedSlate>,
    /// The page in its order, then the best of the others that were looked at closely.
    pub top: Vec<FeedCandidate>,
    /// Examples of what went, some of each stage and reason.
    pub gone: Vec<FeedGone>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedLeaning {
    pub what: String,
    pub strength: f32,
}

/// What one stage did.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedStage {
    pub kind: String,
    pub name: String,
    pub about: String,
    /// Candidates before it and after it; of a source, what it found.
    pub before: u64,
    pub after: u64,
    pub took_us: u64,
    /// `done`, `failed`, `off` (an experiment), `rested` (left alone after too many failures).
    pub end: String,
    pub error: Option<String>,
    pub removed: Vec<FeedRemoved>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedRemoved {
    pub reason: String,
    pub count: u64,
}

/// How the page was laid.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedSlate {
    pub value: f64,
    /// No page of this supply is worth more.
    pub bound: f64,
    /// What the quota of the viewer's region costs the page.
    pub price_regional: f64,
    /// What exploring costs the page.
    pub price_exploring: f64,
    /// Rules that gave way because the supply could not meet them, in their order.
    pub relaxed: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedCandidate {
    pub video: VideoId,
    pub caption: String,
    pub creator: String,
    /// On the page, from 0; null beyond it.
    pub position: Option<u32>,
    pub sources: Vec<String>,
    /// By which it came through the cut.
    pub light: f32,
    /// What it is worth to the viewer.
    pub score: f32,
    pub explored: bool,
    pub propensity: f32,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedGone {
    pub video: VideoId,
    pub stage: String,
    pub reason: String,
    pub sources: Vec<String>,
}
