//! Videos and what people do with them, on the wire.

use serde::{Deserialize, Serialize};
use types::{CommentId, SoundId, UserId, VideoId};
use utoipa::ToSchema;

use crate::{Comment, Written};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VideoStatus {
    Uploading,
    Processing,
    /// Plays; better renditions may still come.
    Published,
    /// Refused, with a reason the creator can act on.
    Rejected,
    /// Our fault; retries are used up.
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Video {
    pub id: VideoId,
    pub status: VideoStatus,
    /// 0 to 1; reaches 1 when all renditions are there.
    pub progress: f32,
    pub caption: String,
    pub hashtags: Vec<String>,
    /// As its creator chose, if they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    pub duration_ms: i64,
    pub width: u32,
    pub height: u32,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at_ms: Option<i64>,
    pub creator: Creator,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<Sound>,
    pub counts: VideoCounts,
    pub viewer: VideoViewer,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Playback>)]
    pub playback: Option<Written<Playback>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// For people of age only; absent for everybody's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adults_only: bool,
    /// Taken out of feeds, lists and pages by an admin: only its creator still sees it. Absent for all others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// What keeps a video from people, for admins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VideoFlags {
    /// Out of every feed, list and page but its creator's.
    pub hidden: bool,
    /// For people of age only.
    pub adults_only: bool,
}

/// Sets both flags of a video.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VideoFlagsRequest {
    pub hidden: bool,
    pub adults_only: bool,
    /// Why, in 1 to 200 characters; it stands in the trail.
    pub reason: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Creator {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    /// By the caller.
    pub following: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sound {
    pub id: SoundId,
    /// Absent: sounds have no names yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VideoCounts {
    pub views: u64,
    pub likes: u64,
    pub comments: u64,
    pub shares: u64,
    pub saves: u64,
}

/// How the caller stands to this video.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VideoViewer {
    pub liked: bool,
    pub saved: bool,
}

/// Where the picture and sound are. All links are root-relative, signed in the path, and need no token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Playback {
    pub hls: String,
    pub dash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mp4: Option<String>,
    pub poster: String,
    pub thumbnails: Vec<String>,
    /// Base64 of a thumbhash, for a placeholder before the poster.
    pub thumbhash: String,
    /// Initialisation segment of the default rendition.
    pub init: String,
    /// First media segment of the default rendition.
    pub first_segment: String,
    pub segment_ms: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioTrack>,
    pub renditions: Vec<Rendition>,
}

/// The one sound track that all renditions share.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AudioTrack {
    pub codecs: String,
    pub bitrate_bps: u64,
    pub playlist: String,
    pub init: String,
    pub first_segment: String,
    pub segments: Vec<String>,
}

/// A picture-only CMAF track of one size.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rendition {
    /// By the short side: `480p`.
    pub name: String,
    pub width: u32,
    pub height: u32,
    pub bitrate_bps: u64,
    pub codecs: String,
    pub playlist: String,
    pub init: String,
    pub segments: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    pub code: String,
    pub message: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VideoPage {
    pub items: Vec<Video>,
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EngagementRequest {
    /// `like`, `unlike`, `comment`, `share`, `save`, `unsave`, `not_interested`, `not_interested_undo` or `report`.
    pub action: String,
    /// For `comment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment_text: Option<String>,
    /// For `comment`: the comment to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<CommentId>,
    /// For `report`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EngagementResponse {
    pub action: String,
    pub viewer: VideoViewer,
    pub counts: VideoCounts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Comment>,
}
