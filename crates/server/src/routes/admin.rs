//! For admins: how events flow, every figure of the process, and a checkpoint when one is wanted.
//!
//! Who is an admin is asked of the metastore at every request: an access token outlives a role that was taken back.

mod drops;
mod exposition;
pub(crate) mod faults;
pub(crate) mod feed;
pub(crate) mod flags;
mod flow;
mod learner;
pub(crate) mod operators;

use std::sync::Arc;

use api::{CheckpointAsked, Flow, Metrics};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use stream::keyed::JobControl;
use trainer::TRAINER;
use types::UserId;

use self::exposition::Exposition;
use self::flow::House;
use super::Named;
use crate::error::ApiError;
use crate::identity::Person;
use crate::parts::{self, Rooms};

/// Someone who may look after the house: 401 for guests, 403 for other accounts.
pub(crate) struct Admin(UserId);

impl FromRequestParts<Arc<Rooms>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, rooms: &Arc<Rooms>) -> Result<Self, ApiError> {
        let Person(user) = Person::from_request_parts(parts, rooms).await?;
        rooms.parts.product.admins().check(user).await?;
        Ok(Self(user))
    }
}

/// How events flow at this moment: door, log, jobs, stores, and what did not go on. Take two to get rates.
#[utoipa::path(get, path = "/api/v1/admin/flow", tag = "admin",
    responses((status = 200, body = Flow), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody)))]
pub(crate) async fn flow(State(rooms): parts::State, _admin: Admin) -> Json<Flow> {
    let figures = Exposition::parse(&rooms.parts.metrics.render());
    let controllable: Vec<&'static str> = rooms.parts.jobs.iter().map(name_of).collect();
    let house = House {
        at_ms: rooms.now_ms(),
        started_at_ms: rooms.started_at_ms,
        ready: rooms.parts.readiness.get(),
        controllable: &controllable,
        learner: rooms
            .parts
            .learner
            .as_ref()
            .map(|learner| (learner.status(), learner.learning())),
    };
    Json(flow::flow(&figures, &house))
}

/// Every figure the process keeps, as Prometheus would read it, in JSON.
#[utoipa::path(get, path = "/api/v1/admin/metrics", tag = "admin",
    responses((status = 200, body = Metrics), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody)))]
pub(crate) async fn metrics(State(rooms): parts::State, _admin: Admin) -> Json<Metrics> {
    let figures = Exposition::parse(&rooms.parts.metrics.render());
    Json(Metrics {
        at_ms: rooms.now_ms(),
        left_out: figures.left_out,
        families: figures.into_families(),
    })
}

/// Asks a running job for a checkpoint; it follows within an epoch or two, and `flow` shows its version.
#[utoipa::path(post, path = "/api/v1/admin/jobs/{job}/checkpoint", tag = "admin", params(("job" = String, Path)),
    responses((status = 202, body = CheckpointAsked), (status = 401, body = api::ErrorBody),
        (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn checkpoint(
    State(rooms): parts::State,
    Admin(admin): Admin,
    Named(job): Named<String>,
) -> Result<(StatusCode, Json<CheckpointAsked>), ApiError> {
    match (
        rooms.parts.jobs.iter().find(|control| name_of(control) == job),
        &rooms.parts.learner,
    ) {
        (Some(control), _) => control.checkpoint_request(),
        (None, Some(learner)) if job == TRAINER => learner.checkpoint_request(),
        _ => return Err(ApiError::not_found("a job with checkpoints of that name")),
    }
    tracing::info!(%admin, job, "a checkpoint was asked for");
    Ok((StatusCode::ACCEPTED, Json(CheckpointAsked { job })))
}

fn name_of(control: &JobControl) -> &'static str {
    control.status().job
}
