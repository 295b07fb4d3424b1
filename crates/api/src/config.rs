//! What a client must know before it asks: limits.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientConfig {
    pub limits: Limits,
    pub accepted_mime_types: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    pub video_duration_ms_min: i64,
    pub video_duration_ms_max: i64,
    pub file_size_bytes_max: u64,
    pub caption_chars_max: u32,
    pub hashtags_max: u32,
    pub comment_chars_max: u32,
    pub part_size_bytes: u64,
}
