//! What people do with a video on purpose.

use api::{EngagementRequest, EngagementResponse, VideoViewer};
use axum::Json;
use axum::extract::State;
use product::{Actor, Engagement};
use types::VideoId;

use super::{Body, Named};
use crate::cards;
use crate::error::ApiError;
use crate::identity::{Person, Viewer};
use crate::parts;
use crate::region::Place;

/// Like, unlike, comment, share, save, unsave, not interested, report. Repeating one changes nothing (comments excepted).
#[utoipa::path(post, path = "/api/v1/videos/{id}/engagement", tag = "videos", params(("id" = VideoId, Path)),
    request_body = EngagementRequest,
    responses((status = 200, body = EngagementResponse), (status = 400, body = api::ErrorBody), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn engage(
    State(rooms): parts::State,
    Person(user): Person,
    viewer: Viewer,
    Place(region): Place,
    Named(id): Named<VideoId>,
    Body(body): Body<EngagementRequest>,
) -> Result<Json<EngagementResponse>, ApiError> {
    let product = &rooms.parts.product;
    let actor = Actor {
        user,
        region,
        watching: Some(id),
        is_adult: viewer.is_adult,
    };
    let (comment, state) = match parse(&body)? {
        Some(engagement) => (None, product.engage(actor, id, engagement).await?),
        None => {
            let text = body.comment_text.as_deref().unwrap_or_default();
            let (comment, state) = product.comment_add(actor, id, text, body.parent_id).await?;
            (Some(cards::comment(comment)), state)
        }
    };
    rooms.settle().await;
    rooms.parts.for_you.invalidate(user.into());
    Ok(Json(EngagementResponse {
        action: body.action,
        viewer: VideoViewer {
            liked: state.liked,
            saved: state.saved,
        },
        counts: cards::video_counts(&rooms, id, state.counts),
        comment,
    }))
}

/// None is a comment.
fn parse(body: &EngagementRequest) -> Result<Option<Engagement>, ApiError> {
    Ok(Some(match body.action.as_str() {
        "comment" => return Ok(None),
        "like" => Engagement::Like,
        "unlike" => Engagement::Unlike,
        "share" => Engagement::Share,
        "save" => Engagement::Save,
        "unsave" => Engagement::Unsave,
        "not_interested" => Engagement::NotInterested,
        "not_interested_undo" => Engagement::NotInterestedUndo,
        "report" => Engagement::Report {
            reason: body.reason.clone().unwrap_or_default(),
        },
        _ => {
            return Err(ApiError::invalid(
                "action",
                "action must be like, unlike, comment, share, save, unsave, not_interested, not_interested_undo or report",
            ));
        }
    }))
}
