//! For admins of a test installation: break a part of the house on purpose, and see that it goes on without. Refused unless the process was
//! started with `[faults] allowed = true`. What is broken is held in memory only: a restart mends it.

use std::sync::Arc;

use api::{BrokenPart, FaultRequest, Faults};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use feed::SwitchError;
use trainer::TRAINER;
use types::Fault;

use super::Admin;
use crate::error::ApiError;
use crate::parts::{self, Rooms};
use crate::routes::{Body, Named};

const MEND: &str = "none";

/// What is broken on purpose.
#[utoipa::path(get, path = "/api/v1/admin/faults", tag = "admin",
    responses((status = 200, body = Faults), (status = 401, body = api::ErrorBody), (status = 403, body = api::ErrorBody)))]
pub(crate) async fn faults(State(rooms): parts::State, _admin: Admin) -> Json<Faults> {
    let items = broken(&rooms).into_iter().map(|(part, fault)| BrokenPart {
        part: part.to_owned(),
        fault: fault.as_str().to_owned(),
    });
    Json(Faults {
        allowed: rooms.parts.faults_allowed,
        items: items.collect(),
    })
}

/// Breaks a stage of For You or the `trainer`, from the next request or round on and until it is mended with `none`. 403 in a process that
/// was not started for it.
#[utoipa::path(put, path = "/api/v1/admin/faults/{part}", tag = "admin", params(("part" = String, Path)),
    request_body = FaultRequest,
    responses((status = 204), (status = 400, body = api::ErrorBody), (status = 401, body = api::ErrorBody),
        (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn fault_set(
    State(rooms): parts::State,
    Admin(admin): Admin,
    Named(part): Named<String>,
    Body(body): Body<FaultRequest>,
) -> Result<StatusCode, ApiError> {
    if !rooms.parts.faults_allowed {
        let message =
            "this process was not started with `[faults] allowed = true`, so nothing can be broken in it";
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "faults_not_allowed",
            message,
        ));
    }
    let fault = match body.fault.as_str() {
        MEND => None,
        word => Some(Fault::parse(word).ok_or_else(|| {
            ApiError::invalid(
                "fault",
                "fault must be error, panic, hang, or none to mend the part",
            )
        })?),
    };
    match &rooms.parts.learner {
        Some(learner) if part == TRAINER => learner.break_learner(fault),
        _ => break_stage(&rooms, &part, fault)?,
    }
    metrics::counter!("riffle_server_faults_set_total", "fault" => fault.map_or(MEND, Fault::as_str))
        .increment(1);
    tracing::warn!(%admin, part, fault = body.fault, "a part was broken or mended on purpose");
    Ok(StatusCode::NO_CONTENT)
}

fn break_stage(rooms: &Rooms, part: &str, fault: Option<Fault>) -> Result<(), ApiError> {
    let broken = rooms.parts.for_you.break_stage(part, fault);
    broken.map_err(|error| match &error {
        SwitchError::Unknown { known, .. } => ApiError::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("there is no part `{part}` that can be broken; there are: {TRAINER} (where one learns), {known}"),
        ),
        _ => ApiError::invalid("fault", error.to_string()),
    })
}

/// Every part that is broken on purpose.
pub(crate) fn broken(rooms: &Arc<Rooms>) -> Vec<(&'static str, Fault)> {
    let stages = rooms.parts.for_you.recipe().into_iter();
    let stages = stages.filter_map(|line| Some((line.name, line.fault?)));
    let learner = rooms.parts.learner.as_ref().and_then(|learner| learner.fault());
    stages.chain(learner.map(|fault| (TRAINER, fault))).collect()
}
