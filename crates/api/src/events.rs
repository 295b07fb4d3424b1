//! Client events on the wire.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsRequest {
    /// Minted by the device, one for each playing session; 1–64 characters.
    pub session_id: String,
    /// At most 500. Each is checked on its own, so one bad event does not lose the others:
    /// `{seq, atMs, type, videoId?, impressionId?, watchMs?, ended?, loops?, positionMs?}`.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Box<RawValue>>,
    /// Only for `sendBeacon`, which cannot set headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsResponse {
    /// New, as safe as `promise` says, and to be counted once.
    pub accepted: u64,
    /// Seen before; nothing to do.
    pub duplicates: u64,
    pub rejected: Vec<RejectedEvent>,
    /// Every sequence number of this session up to here is settled.
    pub acked_through_seq: u64,
    pub promise: Promise,
}

/// How safe the events of an answer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Promise {
    /// On disk: they survive the end of the process and of the machine's power.
    Disk,
    /// Queued: a crash in the next moments may lose them. Only for batches of nothing but heartbeats and context.
    Memory,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedEvent {
    /// Absent when the event had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    pub code: String,
}
