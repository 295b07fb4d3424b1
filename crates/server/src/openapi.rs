//! The endpoint table, from which both the router and the OpenAPI document are made, so they cannot drift apart.

use std::sync::Arc;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::parts::Rooms;
use crate::routes::events::EventsDoor;
use crate::routes::{
    admin, auth, comments, config, control, distribution, engagement, events, feed, trending, uploads, users,
    videos,
};

#[derive(OpenApi)]
#[openapi(info(
    title = "Riffle",
    description = "Short video with a feed that learns from a swipe before the next video starts."
))]
struct Document;

/// The API's endpoints with their documentation.
pub(crate) fn endpoints() -> OpenApiRouter<Arc<Rooms>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(auth::register))
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(config::config))
        .routes(routes!(users::me, users::update_me))
        .routes(routes!(users::user))
        .routes(routes!(users::user_by_name))
        .routes(routes!(users::videos))
        .routes(routes!(users::followers))
        .routes(routes!(users::following))
        .routes(routes!(users::follow))
        .routes(routes!(uploads::create))
        .routes(routes!(uploads::resume))
        .routes(routes!(uploads::submit))
        .routes(routes!(videos::video, videos::delete))
        .routes(routes!(distribution::distribution))
        .routes(routes!(engagement::engage))
        .routes(routes!(comments::comments))
        .routes(routes!(feed::for_you))
        .routes(routes!(feed::next))
        .routes(routes!(feed::following))
        .routes(routes!(control::interests, control::choose))
        .routes(routes!(control::reset))
        .routes(routes!(control::wish))
        .routes(routes!(control::mode))
        .routes(routes!(control::muted_words))
        .routes(routes!(control::mute))
        .routes(routes!(control::mutes))
        .routes(routes!(control::block))
        .routes(routes!(control::blocks))
        .routes(routes!(control::topics))
        .routes(routes!(control::why))
        .routes(routes!(trending::videos))
        .routes(routes!(trending::hashtags))
        .routes(routes!(trending::sounds))
        .routes(routes!(trending::rising))
        .routes(routes!(admin::flow))
        .routes(routes!(admin::metrics))
        .routes(routes!(admin::checkpoint))
        .routes(routes!(admin::operators::orders, admin::operators::order_make))
        .routes(routes!(admin::operators::order_withdraw))
        .routes(routes!(
            admin::operators::value_weights,
            admin::operators::value_weights_set
        ))
        .routes(routes!(admin::operators::changes))
        .routes(routes!(admin::feed::pipeline))
        .routes(routes!(admin::feed::switch))
        .routes(routes!(admin::feed::explain))
        .routes(routes!(admin::flags::flags, admin::flags::flags_set))
        .routes(routes!(admin::faults::faults))
        .routes(routes!(admin::faults::fault_set))
}

/// The events door, which has a state of its own.
pub(crate) fn events_endpoint() -> OpenApiRouter<Arc<EventsDoor>> {
    OpenApiRouter::new().routes(routes!(events::events))
}

/// The OpenAPI document as pretty JSON, ending with a newline.
pub fn openapi() -> String {
    let mut document = endpoints().into_openapi();
    document.merge(events_endpoint().into_openapi());
    // The document is made of plain values: it always prints.
    document.to_pretty_json().unwrap_or_default() + "\n"
}
