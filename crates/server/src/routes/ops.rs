//! For operators: is it alive, does it want traffic, what are its numbers.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::parts;

/// Alive: the process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
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
