//! For operators: is it alive, does it want traffic, what are its numbers.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use trainer::Learning;

use crate::parts;
use crate::routes::admin::faults;

/// Alive: the process answers. A part that is missing is named in a line of its own: pages are served without it, so it is no reason to
/// end the process.
pub(crate) async fn healthz(State(rooms): parts::State) -> String {
    let mut text = "ok\n".to_owned();
    let learner = rooms.parts.learner.as_ref();
    if learner.is_some_and(|learner| learner.learning() == Learning::Down) {
        text.push_str("degraded: the learner is down, pages go by the light score\n");
    }
    for (part, fault) in faults::broken(&rooms) {
        // Writing to a text does not fail.
        let _ = writeln!(text, "degraded: {part} is broken on purpose ({})", fault.as_str());
    }
    text
}

/// Wants traffic: everything is open and caught up, and it is not draining.
pub(crate) async fn readyz(State(rooms): parts::State) -> (StatusCode, &'static str) {
    match rooms.parts.readiness.get() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

/// Prometheus text.
pub(crate) async fn metrics(State(rooms): parts::State) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        rooms.parts.metrics.render(),
    )
}
