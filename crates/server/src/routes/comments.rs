//! Comments of a video, to read.

use api::CommentPage;
use axum::Json;
use axum::extract::State;
use product::PageRequest;
use serde::Deserialize;
use types::{CommentId, VideoId};

use super::{Asked, Named};
use crate::cards;
use crate::error::ApiError;
use crate::identity::Viewer;
use crate::parts;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommentsQuery {
    /// From the page before; absent for the first.
    cursor: Option<String>,
    /// Items at most.
    count: Option<u32>,
    /// Replies to this comment instead of the top level.
    #[param(value_type = Option<String>)]
    parent_id: Option<CommentId>,
}

/// Top-level comments, newest first; replies, oldest first.
#[utoipa::path(get, path = "/api/v1/videos/{id}/comments", tag = "videos", params(("id" = VideoId, Path), CommentsQuery),
    responses((status = 200, body = CommentPage), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn comments(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(id): Named<VideoId>,
    Asked(asked): Asked<CommentsQuery>,
) -> Result<Json<CommentPage>, ApiError> {
    let page = PageRequest {
        cursor: asked.cursor,
        count: asked.count,
    };
    let page = rooms
        .parts
        .product
        .comments_page(id, viewer, asked.parent_id, &page)
        .await?;
    let items = page.items.into_iter().map(cards::comment).collect();
    Ok(Json(CommentPage {
        items,
        cursor: page.cursor,
    }))
}
