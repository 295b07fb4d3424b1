//! The feed on the wire.

use serde::{Deserialize, Serialize};
use types::ImpressionId;
use utoipa::ToSchema;

use crate::Video;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedItem {
    pub impression_id: ImpressionId,
    pub video: Video,
    pub reason: Reason,
    pub sponsored: bool,
}

/// Why this video, in plain words.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// `fresh`, `popular`, `interest_hashtag`, `interest_creator`, `following`, `explore`.
    pub code: String,
    pub text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedPage {
    pub items: Vec<FeedItem>,
    /// Null when there is nothing more for now.
    pub cursor: Option<String>,
}
