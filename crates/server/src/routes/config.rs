//! What a client should know before it asks.

use api::ClientConfig;
use axum::Json;
use axum::extract::State;

use crate::parts;

/// Limits and accepted types.
#[utoipa::path(get, path = "/api/v1/config", tag = "config", responses((status = 200, body = ClientConfig)))]
pub(crate) async fn config(State(rooms): parts::State) -> Json<ClientConfig> {
    Json(rooms.parts.client_config.clone())
}
