//! Upload sessions on the wire.

use serde::{Deserialize, Serialize};
use types::{SoundId, VideoId};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadUrlRequest {
    /// Seconds, as the client believes; absent when it cannot tell. The file itself is measured later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Bytes.
    pub file_size: u64,
    pub mime_type: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    pub video_id: VideoId,
    /// Bytes of every part but the last.
    pub part_size: u64,
    pub expires_at_ms: i64,
    pub parts: Vec<UploadPart>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadPart {
    /// From 1.
    pub number: u32,
    /// Where to PUT the bytes; relative to the origin, signed, expiring.
    pub url: String,
    pub size_bytes: u64,
    /// Already stored: resume with the others.
    pub received: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubmitVideoRequest {
    pub video_id: VideoId,
    #[serde(default)]
    pub caption: String,
    #[serde(default)]
    pub hashtags: Vec<String>,
    /// One of `comedy`, `dance`, `music`, `food`, `beauty`, `fashion`, `sports`, `gaming`, `animals`, `travel`, `education`,
    /// `science`, `art`, `home`, `life`, `news`; or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default)]
    pub parts: Vec<SubmittedPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound_id: Option<SoundId>,
    /// For people of age only, says its creator.
    #[serde(default)]
    pub adults_only: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubmittedPart {
    pub number: u32,
    pub etag: String,
}
