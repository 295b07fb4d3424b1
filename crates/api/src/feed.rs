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
    /// `fresh`, `popular`, `interest_hashtag`, `interest_creator`, `chosen`, `following`, `explore`.
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

/// What a client asks that settles its order at every swipe.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NextRequest {
    /// The newest cursor the client has.
    pub cursor: String,
    /// What it holds and never showed, in the order it would show them; at most 12.
    pub unseen: Vec<ImpressionId>,
    /// How many to append, 0 to 10; 2 when absent.
    pub count: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextResponse {
    /// The new order of what is unseen. An item that the client held keeps its impression; another one may stand in its place.
    pub unseen: Vec<FeedItem>,
    /// Goes behind it.
    pub append: Vec<FeedItem>,
    /// Of what was asked about, what must not be shown any more. As it was never shown, its video may come again, with another impression.
    /// Who does not take the answer asks again with what they hold.
    pub dropped: Vec<ImpressionId>,
    /// For the next request; null when there is nothing more for now.
    pub cursor: Option<String>,
}
