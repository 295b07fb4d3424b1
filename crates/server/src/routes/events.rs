//! Client events. The answer means: durable.

use api::{EventsRequest, EventsResponse, RejectedEvent};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use collector::Receipt;
use serde_json::value::RawValue;
use types::ViewerId;

use crate::error::ApiError;
use crate::identity::Viewer;
use crate::parts;

/// A batch of what the device noticed. Send it again with the same numbers until it is acknowledged; it counts once.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", request_body = EventsRequest,
    responses((status = 202, body = EventsResponse), (status = 400, body = api::ErrorBody), (status = 429, body = api::ErrorBody)))]
pub(crate) async fn events(
    State(rooms): parts::State,
    viewer: Viewer,
    // Bytes, not JSON: a beacon comes as text/plain.
    body: Bytes,
) -> Result<(StatusCode, Json<EventsResponse>), ApiError> {
    let batch: EventsRequest = serde_json::from_slice(&body)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()))?;
    let viewer = match &batch.access_token {
        Some(token) if viewer.user.is_none() => ViewerId::from(rooms.parts.product.access_verify(token)?),
        _ => viewer.viewer,
    };
    let events: Vec<&RawValue> = batch.events.iter().map(|event| &**event).collect();
    let receipt = rooms
        .parts
        .collector
        .collect(viewer, &batch.session_id, &events, rooms.now_ms())
        .await?;
    Ok((StatusCode::ACCEPTED, Json(answer(receipt))))
}

fn answer(receipt: Receipt) -> EventsResponse {
    let rejected = receipt.rejected.into_iter().map(|rejected| RejectedEvent {
        seq: rejected.seq,
        code: rejected.code.to_owned(),
    });
    EventsResponse {
        accepted: receipt.accepted,
        duplicates: receipt.duplicates,
        rejected: rejected.collect(),
        acked_through_seq: receipt.acked_through_seq,
    }
}
