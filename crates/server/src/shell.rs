//! The shell around all endpoints: ids, time and body limits, callers, rate limits, security headers, and the serving loop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, put};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::error::ApiError;
use crate::identity::admit;
use crate::meters::{Meters, RequestIds, measure};
use crate::openapi::{endpoints, events_endpoint, openapi};
use crate::parts::{Rooms, ServerParts};
use crate::routes::events::EventsDoor;
use crate::routes::{media, ops, uploads};
use crate::web;

/// Bounds of a request.
#[derive(Debug, Clone, Copy)]
pub struct Shell {
    /// Of a JSON body.
    pub body_bytes_max: usize,
    /// Of an API request from its first byte to its answer.
    pub request_ms_max: u64,
    /// Of an upload part.
    pub part_bytes_max: usize,
    /// Of sending an upload part.
    pub part_ms_max: u64,
    /// How long requests under way may take to finish once a stop was asked for.
    pub drain_ms_max: u64,
}

/// The whole service. Layers stand in stacks: each `Router::layer` boxes every route once more, and a request clones its boxes.
/// The events door, which takes most of the requests, stands beside them (see [`crate::routes::events`]).
pub fn router(parts: ServerParts, shell: &Shell) -> Router {
    let rooms = Arc::new(Rooms::new(parts));
    let (api, _) = endpoints().split_for_parts();
    let api = api.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(rooms.clone(), admit))
            .layer(time_limit(shell.request_ms_max))
            .layer(DefaultBodyLimit::max(shell.body_bytes_max))
            .layer(CompressionLayer::new()),
    );
    let uploads = Router::new().route("/upload/{*rest}", put(uploads::part)).layer(
        ServiceBuilder::new()
            .layer(time_limit(shell.part_ms_max))
            .layer(DefaultBodyLimit::max(shell.part_bytes_max)),
    );
    let plain = Router::new()
        .route("/media/{*rest}", get(media::media))
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .route(
            "/openapi.json",
            get(|| async { ([(header::CONTENT_TYPE, "application/json")], openapi()) }),
        );
    let web = Router::new()
        .fallback(web::web)
        .layer(CompressionLayer::new())
        .with_state(rooms.clone());
    let id = HeaderName::from_static("x-request-id");
    let ids = RequestIds::new();
    let around = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(id.clone(), ids.clone()))
        .layer(PropagateRequestIdLayer::new(id))
        .layer(fixed(&HEADERS[0]))
        .layer(fixed(&HEADERS[1]))
        .layer(CatchPanicLayer::custom(|_| broken().into_response()))
        .layer(from_fn_with_state(Arc::new(Meters::default()), measure));
    let (events, _) = events_endpoint().split_for_parts();
    let events = events
        .method_not_allowed_fallback(web::method_not_allowed)
        .with_state(Arc::new(EventsDoor::new(rooms.clone(), shell, ids)));
    Router::new()
        .merge(api)
        .merge(uploads)
        .merge(plain)
        .fallback_service(web)
        .method_not_allowed_fallback(web::method_not_allowed)
        .layer(around)
        .with_state(rooms)
        .merge(events)
}

/// What every answer says to browsers.
static HEADERS: [(HeaderName, &str); 2] = [
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Puts the headers of every answer where no layer does.
pub(crate) fn headers_put(headers: &mut HeaderMap) {
    for (name, value) in &HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn time_limit(ms: u64) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(ms))
}

fn fixed((name, value): &(HeaderName, &'static str)) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name.clone(), HeaderValue::from_static(value))
}

/// The answer when a handler panicked.
pub(crate) fn broken() -> ApiError {
    tracing::error!("a handler panicked");
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "something broke on our side; try again",
    )
}

/// Serves until `stop` resolves, then lets requests under way finish within the drain bound.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shell: &Shell,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let stop = async move {
        stop.await;
        // The receiver is gone only when serving has already ended.
        let _ = stopping.send(());
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop);
    let drain = Duration::from_millis(shell.drain_ms_max);
    let too_long = async {
        // Without a stop this never resolves: the sender lives as long as the serving does.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        done = serving => done,
        () = too_long => {
            tracing::warn!(drain_ms = shell.drain_ms_max, "requests under way were cut off");
            Ok(())
        }
    }
}
