//! Upload sessions: signed part links out, bytes in, then the submission.

use api::{SubmitVideoRequest, Upload, UploadPart, UploadUrlRequest, Video};
use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, Uri, header};
use futures_util::TryStreamExt;
use media::{SessionPart, Submission, UploadRequest, UploadSession};
use tokio::io::AsyncReadExt;
use tokio_util::io::StreamReader;
use types::VideoId;

use super::{Body, Named};
use crate::cards;
use crate::error::ApiError;
use crate::identity::Person;
use crate::parts;
use crate::region::Place;

/// How much of a refused part is read and thrown away, so that the client hears the answer.
const REFUSED_BYTES_MAX: u64 = 1 << 20;

/// Begin an upload: checks the limits and answers where to PUT the parts.
#[utoipa::path(post, path = "/api/v1/videos/upload-url", tag = "uploads", request_body = UploadUrlRequest,
    responses((status = 201, body = Upload), (status = 400, body = api::ErrorBody), (status = 401, body = api::ErrorBody)))]
pub(crate) async fn create(
    State(rooms): parts::State,
    Person(user): Person,
    Body(body): Body<UploadUrlRequest>,
) -> Result<(StatusCode, Json<Upload>), ApiError> {
    let request = UploadRequest {
        duration_s: body.duration,
        file_bytes: body.file_size,
        mime: body.mime_type,
    };
    let session = rooms.parts.uploads.session_create(user, request).await?;
    Ok((StatusCode::CREATED, Json(upload(session))))
}

/// An upload under way, with fresh links and what has arrived: resume with the rest.
#[utoipa::path(get, path = "/api/v1/videos/{id}/upload", tag = "uploads", params(("id" = VideoId, Path)),
    responses((status = 200, body = Upload), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn resume(
    State(rooms): parts::State,
    Person(user): Person,
    Named(id): Named<VideoId>,
) -> Result<Json<Upload>, ApiError> {
    Ok(Json(upload(rooms.parts.uploads.session_get(user, id).await?)))
}

/// Submit an uploaded video for processing. Repeating it changes nothing.
#[utoipa::path(post, path = "/api/v1/videos", tag = "uploads", request_body = SubmitVideoRequest,
    responses((status = 202, body = Video), (status = 400, body = api::ErrorBody), (status = 409, body = api::ErrorBody)))]
pub(crate) async fn submit(
    State(rooms): parts::State,
    Person(user): Person,
    Place(region): Place,
    Body(body): Body<SubmitVideoRequest>,
) -> Result<(StatusCode, Json<Video>), ApiError> {
    let video = body.video_id;
    let parts = body
        .parts
        .into_iter()
        .map(|part| (part.number, part.etag))
        .collect();
    let submission = Submission {
        caption: body.caption,
        hashtags: body.hashtags,
        category: body.category,
        sound: body.sound_id,
        adults_only: body.adults_only,
        region,
        parts,
    };
    rooms.parts.uploads.submit(user, video, &submission).await?;
    let card = rooms.parts.product.video_card(video, Some(user)).await?;
    Ok((StatusCode::ACCEPTED, Json(cards::video(&rooms, &card))))
}

/// One part, to its signed link. Not in the OpenAPI document: clients follow the links they were given.
pub(crate) async fn part(
    State(rooms): parts::State,
    uri: Uri,
    body: Bytes,
) -> Result<(StatusCode, [(HeaderName, String); 1]), ApiError> {
    let signed = uri.path_and_query().map_or("", |signed| signed.as_str());
    let mut bytes = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    let put = rooms.parts.uploads.part_put(signed, &mut bytes).await;
    if put.is_err() {
        // Closing on bytes that nobody read resets the connection, and the client may never see why.
        let _ = tokio::io::copy(&mut bytes.take(REFUSED_BYTES_MAX), &mut tokio::io::sink()).await;
    }
    Ok((StatusCode::OK, [(header::ETAG, format!("\"{}\"", put?))]))
}

fn upload(session: UploadSession) -> Upload {
    let part = |part: SessionPart| UploadPart {
        number: part.number,
        url: part.url,
        size_bytes: part.size_bytes,
        received: part.etag.is_some(),
        etag: part.etag,
    };
    Upload {
        video_id: session.video,
        part_size: session.part_bytes,
        expires_at_ms: session.expires_at_ms,
        parts: session.parts.into_iter().map(part).collect(),
    }
}
