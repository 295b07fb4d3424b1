//! For admins: what keeps a video from people. A change is at work when it is answered, and after a restart.

use api::{VideoFlags, VideoFlagsRequest};
use axum::Json;
use axum::extract::State;
use product::FlagsAsked;
use types::VideoId;

use super::Admin;
use crate::error::ApiError;
use crate::parts;
use crate::routes::{Body, Named};

/// What keeps a video from people, in whatever state it is.
#[utoipa::path(get, path = "/api/v1/admin/videos/{id}/flags", tag = "admin", params(("id" = VideoId, Path)),
    responses((status = 200, body = VideoFlags), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody),
        (status = 404, body = api::ErrorBody)))]
pub(crate) async fn flags(
    State(rooms): parts::State,
    _admin: Admin,
    Named(id): Named<VideoId>,
) -> Result<Json<VideoFlags>, ApiError> {
    Ok(Json(shown(rooms.parts.product.video_flags(id).await?)))
}

/// Hides a video from everybody but its creator, or keeps it from whoever is not of age, or lets it be seen again. It leaves feeds, lists and
/// pages at once; with a reason, which stands in the trail.
#[utoipa::path(put, path = "/api/v1/admin/videos/{id}/flags", tag = "admin", params(("id" = VideoId, Path)),
    request_body = VideoFlagsRequest,
    responses((status = 200, body = VideoFlags), (status = 400, body = api::ErrorBody), (status = 401, body = api::ErrorBody),
        (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn flags_set(
    State(rooms): parts::State,
    Admin(admin): Admin,
    Named(id): Named<VideoId>,
    Body(body): Body<VideoFlagsRequest>,
) -> Result<Json<VideoFlags>, ApiError> {
    let asked = FlagsAsked {
        flags: product::VideoFlags {
            hidden: body.hidden,
            adults_only: body.adults_only,
        },
        reason: body.reason,
    };
    let set = rooms.parts.product.video_flags_set(id, asked, admin).await?;
    rooms.settle().await;
    Ok(Json(shown(set)))
}

const fn shown(flags: product::VideoFlags) -> VideoFlags {
    VideoFlags {
        hidden: flags.hidden,
        adults_only: flags.adults_only,
    }
}
