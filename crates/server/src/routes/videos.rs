//! One video.

use api::Video;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use types::VideoId;

use super::Named;
use crate::cards;
use crate::error::ApiError;
use crate::identity::{Person, Viewer};
use crate::parts;

/// A video with its counts and links; one that is not published, or hidden, is shown to its creator only, and one for
/// adults to people of age.
#[utoipa::path(get, path = "/api/v1/videos/{id}", tag = "videos", params(("id" = VideoId, Path)),
    responses((status = 200, body = Video), (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn video(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(id): Named<VideoId>,
) -> Result<Json<Video>, ApiError> {
    let card = rooms.parts.product.video_card(id, viewer).await?;
    Ok(Json(cards::video(&rooms, &card)))
}

/// Delete one's own video, everywhere.
#[utoipa::path(delete, path = "/api/v1/videos/{id}", tag = "videos", params(("id" = VideoId, Path)),
    responses((status = 204), (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn delete(
    State(rooms): parts::State,
    Person(user): Person,
    Named(id): Named<VideoId>,
) -> Result<StatusCode, ApiError> {
    rooms.parts.product.video_delete(user, id).await?;
    rooms.settle().await;
    Ok(StatusCode::NO_CONTENT)
}
