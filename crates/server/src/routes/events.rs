//! Client events: the door with the most traffic, made to cost little more than the HTTP around it. The answer means: safe, as
//! its promise says.
//!
//! The route stands beside the shell's layers instead of behind them and does in one function what they do: caller, rate
//! limit, time and body limit, id, headers, meters, and a panic's answer. What it must never do is promise
//! something else than they.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{EventsResponse, RejectedEvent};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use collector::{Batch, Receipt, Sender};
use event_log::Promise;
use futures_util::{FutureExt as _, StreamExt as _};

use crate::error::ApiError;
use crate::identity::{Viewer, account, hand_out, settle};
use crate::limits::address_of;
use crate::meters::{RequestIds, RouteMeters};
use crate::parts::Rooms;
use crate::region::region_of;
use crate::shell::{self, Shell};

const PATH: &str = "/api/v1/events";
/// Statuses whose counters are at hand.
const USUAL: [u16; 3] = [202, 400, 429];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The first piece of a body that comes in several.
const BODY_BYTES_FIRST: usize = 16 << 10;

/// What the route needs.
pub(crate) struct EventsDoor {
    rooms: Arc<Rooms>,
    body_bytes_max: usize,
    request_max: Duration,
    ids: RequestIds,
    meters: RouteMeters,
}

/// A batch of what the device noticed. Send it again with the same numbers until it is acknowledged; it counts once.
#[utoipa::path(post, path = PATH, tag = "events", request_body = api::EventsRequest,
    responses((status = 202, body = EventsResponse), (status = 400, body = api::ErrorBody), (status = 413, body = api::ErrorBody),
        (status = 415, body = api::ErrorBody), (status = 429, body = api::ErrorBody)))]
pub(crate) async fn events(State(door): State<Arc<EventsDoor>>, request: Request) -> Response {
    let started = Instant::now();
    let given = request.headers().get(REQUEST_ID).cloned();
    let id = given.or_else(|| door.ids.next());
    let answering = AssertUnwindSafe(door.take(request)).catch_unwind();
    let mut response = match tokio::time::timeout(door.request_max, answering).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Ok(Err(error))) => refused(error),
        Ok(Err(_)) => refused(shell::broken()),
        Err(_) => refused(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "this took too long; send the same batch again",
        )),
    };
    shell::headers_put(response.headers_mut());
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    door.meters.note(response.status().as_u16(), started);
    response
}

fn refused(error: ApiError) -> Response {
    metrics::counter!("riffle_server_events_refused_total", "reason" => error.reason().to_owned())
        .increment(1);
    error.into_response()
}

impl EventsDoor {
    pub(crate) fn new(rooms: Arc<Rooms>, shell: &Shell, ids: RequestIds) -> Self {
        Self {
            rooms,
            body_bytes_max: shell.body_bytes_max,
            request_max: Duration::from_millis(shell.request_ms_max),
            ids,
            meters: RouteMeters::new(PATH, &USUAL),
        }
    }

    /// Admits a request, takes its batch, answers.
    async fn take(&self, request: Request) -> Result<Response, ApiError> {
        let (parts, body) = request.into_parts();
        let (viewer, is_new) = settle(&self.rooms, &parts.headers)?;
        self.rooms
            .limiter
            .check_plain(address_of(&parts.extensions), viewer.viewer)?;
        let receipt = self.receipt(&parts, viewer, body).await?;
        let mut response = answer(&receipt)?;
        if is_new {
            hand_out(&self.rooms, viewer.viewer, &mut response);
        }
        Ok(response)
    }

    async fn receipt(&self, parts: &Parts, viewer: Viewer, body: Body) -> Result<Receipt, ApiError> {
        check_kind(&parts.headers)?;
        let body = read(&parts.headers, body, self.body_bytes_max).await?;
        let batch = Batch::read(&body)
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()))?;
        let viewer = match &batch.access_token {
            Some(token) if viewer.user.is_none() => account(&self.rooms, token)?.viewer,
            _ => viewer.viewer,
        };
        let region = region_of(&parts.headers, self.rooms.parts.region_header.as_ref());
        let sender = Sender { viewer, region };
        let collector = &self.rooms.parts.collector;
        Ok(collector.collect(sender, batch, self.rooms.now_ms()).await?)
    }
}

/// JSON, or a beacon's plain text; a client that names nothing means JSON.
fn check_kind(headers: &HeaderMap) -> Result<(), ApiError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map_or(&b"application/json"[..], HeaderValue::as_bytes);
    let starts = |with: &str| {
        kind.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    let plain = headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|coding| coding == "identity");
    if plain && (starts("application/json") || starts("text/plain")) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "send application/json, or text/plain from a beacon, without a content encoding",
    ))
}

/// The whole body; one that came in a piece, as nearly all do, is not copied.
async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let mut pieces = body.into_data_stream();
    let mut next = async || pieces.next().await.transpose().map_err(|_| cut_short());
    let Some(first) = next().await? else {
        return Ok(Bytes::new());
    };
    let Some(mut piece) = next().await? else {
        return if first.len() > bytes_max {
            Err(too_large(bytes_max))
        } else {
            Ok(first)
        };
    };
    let mut whole = BytesMut::with_capacity(announced.unwrap_or(BODY_BYTES_FIRST).min(bytes_max));
    whole.extend_from_slice(&first);
    loop {
        if whole.len() + piece.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        whole.extend_from_slice(&piece);
        match next().await? {
            Some(more) => piece = more,
            None => return Ok(whole.freeze()),
        }
    }
}

fn too_large(bytes_max: usize) -> ApiError {
    let message = format!("a batch has at most {bytes_max} bytes; send fewer events at once");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_body", message)
}

fn cut_short() -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_body", "the body ended early")
}

fn answer(receipt: &Receipt) -> Result<Response, ApiError> {
    let rejected = receipt.rejected.iter().map(|rejected| RejectedEvent {
        seq: rejected.seq,
        code: rejected.code.to_owned(),
    });
    let body = EventsResponse {
        accepted: receipt.accepted,
        duplicates: receipt.duplicates,
        rejected: rejected.collect(),
        acked_through_seq: receipt.acked_through_seq,
        promise: match receipt.promise {
            Promise::Disk => api::Promise::Disk,
            Promise::Memory => api::Promise::Memory,
        },
    };
    let json = serde_json::to_vec(&body).map_err(|_| shell::broken())?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((StatusCode::ACCEPTED, kind, json).into_response())
}
