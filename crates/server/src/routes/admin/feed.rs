//! For admins: the recipe of the feed, one request of it laid open, and which of its stages run for whom.

use std::collections::HashMap;

use api::{
    FeedCandidate, FeedExplained, FeedGone, FeedLeaning, FeedRecipe, FeedRecipeStage, FeedRemoved, FeedSlate,
    FeedStage, FeedSwitch,
};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use feed::{Caller, Explained, ExplainedCandidate, ExplainedStage, SwitchError};
use product::{Fault, Onlooker, VideoCard};
use serde::Deserialize;
use types::{Region, UserId, VideoId, ViewerId};

use super::Admin;
use crate::error::ApiError;
use crate::parts::{self, Rooms};
use crate::routes::{Asked, Body, Named};

/// Items of a page when the caller does not say.
const COUNT_DEFAULT: usize = 20;

/// Whose page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct ExplainQuery {
    /// A username, or the id of an account or a guest.
    pub user: String,
    /// Items of the page, 1 to 50.
    pub count: Option<u32>,
    /// Where they seem to be: two letters, ISO 3166-1.
    pub region: Option<String>,
}

/// The stages of For You, in the order in which they run, and for which share of viewers each does.
#[utoipa::path(get, path = "/api/v1/admin/feed/pipeline", tag = "admin",
    responses((status = 200, body = FeedRecipe), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody)))]
pub(crate) async fn pipeline(State(rooms): parts::State, _admin: Admin) -> Json<FeedRecipe> {
    let stages = rooms.parts.for_you.recipe().into_iter();
    let stages = stages.map(|line| FeedRecipeStage {
        kind: line.kind.code().to_owned(),
        name: line.name.to_owned(),
        about: line.about.to_owned(),
        switchable: line.is_switchable,
        share: line.share,
        fault: line.fault.map(|fault| fault.as_str().to_owned()),
    });
    Json(FeedRecipe {
        stages: stages.collect(),
    })
}

/// Has a stage run for a share of viewers, from the next request on; it outlives the process and goes before the settings. The same viewer
/// keeps the same side.
#[utoipa::path(put, path = "/api/v1/admin/feed/components/{name}", tag = "admin", params(("name" = String, Path)),
    request_body = FeedSwitch,
    responses((status = 204), (status = 400, body = api::ErrorBody), (status = 401, body = api::ErrorBody),
        (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn switch(
    State(rooms): parts::State,
    Admin(admin): Admin,
    Named(name): Named<String>,
    Body(body): Body<FeedSwitch>,
) -> Result<StatusCode, ApiError> {
    let for_you = &rooms.parts.for_you;
    let before = for_you.recipe().into_iter().find(|line| line.name == name);
    for_you.switch(&name, body.share).map_err(|error| match &error {
        SwitchError::Unknown { .. } => ApiError::new(StatusCode::NOT_FOUND, "not_found", error.to_string()),
        _ => ApiError::invalid("share", error.to_string()),
    })?;
    let kept = rooms
        .parts
        .product
        .feed_component_set(&name, body.share.into(), admin)
        .await;
    if let (Err(_), Some(line)) = (&kept, before) {
        // What could not be kept is not done: a restart would undo it silently.
        for_you
            .switch(line.name, line.share)
            .map_err(|error| ApiError::invalid("share", error.to_string()))?;
    }
    kept?;
    Ok(StatusCode::NO_CONTENT)
}

/// One request for a first page laid open. It changes nothing: what it finds is not noted as served.
#[utoipa::path(get, path = "/api/v1/admin/feed/explain", tag = "admin", params(ExplainQuery),
    responses((status = 200, body = FeedExplained), (status = 400, body = api::ErrorBody), (status = 401, body = api::ErrorBody),
        (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn explain(
    State(rooms): parts::State,
    Admin(admin): Admin,
    Asked(asked): Asked<ExplainQuery>,
) -> Result<Json<FeedExplained>, ApiError> {
    let viewer = viewer_of(&rooms, &asked.user).await?;
    let region = asked.region.as_deref().map(str::parse::<Region>).transpose();
    let region = region.map_err(|error| ApiError::invalid("region", error.to_string()))?;
    let now_ms = rooms.now_ms();
    let caller = Caller {
        viewer,
        region,
        is_adult: rooms
            .parts
            .product
            .account_is_adult(UserId::from_raw(viewer.raw()))
            .await?,
    };
    let count = asked.count.map_or(COUNT_DEFAULT, |count| count as usize);
    let told = rooms.parts.for_you.explain(caller, count, now_ms).await;
    tracing::info!(%admin, "a page of somebody was looked into");
    // An admin sees what they see.
    let anybody = Onlooker {
        user: None,
        is_adult: true,
    };
    let videos: Vec<VideoId> = told.top.iter().map(|one| one.video).collect();
    let cards = rooms.parts.product.video_cards(&videos, anybody).await?;
    let cards: HashMap<VideoId, VideoCard> =
        cards.into_iter().map(|card| (card.face.video.id, card)).collect();
    Ok(Json(FeedExplained {
        viewer,
        at_ms: now_ms,
        ..explained(told, &cards)
    }))
}

/// By name where somebody has it, else by id.
async fn viewer_of(rooms: &Rooms, user: &str) -> Result<ViewerId, ApiError> {
    match rooms.parts.product.profile_by_username(user, None).await {
        Ok(profile) => Ok(ViewerId::from(profile.id)),
        Err(error) if matches!(error.fault(), Fault::Missing | Fault::Input) => user
            .parse()
            .map_err(|_| ApiError::not_found("an account of that name, and it is no id either")),
        Err(error) => Err(error.into()),
    }
}

fn explained(told: Explained, cards: &HashMap<VideoId, VideoCard>) -> FeedExplained {
    let leanings = told.leanings.into_iter();
    let gone = told.gone.into_iter().map(|gone| FeedGone {
        video: gone.video,
        stage: gone.stage.to_owned(),
        reason: gone.reason.to_owned(),
        sources: names(&gone.sources),
    });
    FeedExplained {
        viewer: ViewerId::from_raw(0),
        at_ms: 0,
        took_us: told.took.as_micros() as u64,
        watches: told.watches,
        following: told.following as u64,
        leanings: leanings
            .map(|(what, strength)| FeedLeaning { what, strength })
            .collect(),
        stages: told.stages.into_iter().map(stage).collect(),
        slate: told.laid.map(|laid| FeedSlate {
            value: laid.value,
            bound: laid.bound,
            price_regional: laid.price_regional,
            price_exploring: laid.price_exploring,
            relaxed: names(&laid.relaxed),
        }),
        top: told.top.iter().map(|one| candidate(one, cards)).collect(),
        gone: gone.collect(),
    }
}

fn stage(stage: ExplainedStage) -> FeedStage {
    let removed = stage.removed.iter().map(|&(reason, count)| FeedRemoved {
        reason: reason.to_owned(),
        count: count as u64,
    });
    FeedStage {
        kind: stage.kind.code().to_owned(),
        name: stage.name.to_owned(),
        about: stage.about.to_owned(),
        before: stage.before as u64,
        after: stage.after as u64,
        took_us: stage.took.as_micros() as u64,
        end: stage.end.to_owned(),
        error: stage.error,
        removed: removed.collect(),
    }
}

fn candidate(one: &ExplainedCandidate, cards: &HashMap<VideoId, VideoCard>) -> FeedCandidate {
    let card = cards.get(&one.video);
    FeedCandidate {
        video: one.video,
        caption: card.map_or_else(String::new, |card| card.face.video.caption.clone()),
        creator: card.map_or_else(String::new, |card| card.face.creator_username.clone()),
        position: one.position.map(|position| position as u32),
        sources: names(&one.sources),
        light: one.light,
        score: one.score,
        explored: one.explored,
        propensity: one.propensity,
    }
}

fn names(names: &[&'static str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
