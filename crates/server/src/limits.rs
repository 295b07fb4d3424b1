//! Rate limits: cells for each address and each caller, by class of request. A refusal says when to come back.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics::counter;
use types::ViewerId;

use crate::error::ApiError;
use crate::identity::Viewer;
use crate::parts::Rooms;

/// Requests a second and bursts; 0 a second switches a limit off.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    pub address_per_s: u32,
    pub address_burst: u32,
    pub viewer_per_s: u32,
    pub viewer_burst: u32,
    /// Sign-up and login, by address.
    pub auth_per_s: u32,
    pub auth_burst: u32,
    /// New upload sessions, by account.
    pub upload_per_s: u32,
    pub upload_burst: u32,
}

/// Cells are swept when a limiter holds more than this.
const CELLS_MAX: usize = 200_000;

/// Checks between two looks at how many cells there are: counting them locks every shard.
const CHECKS_BETWEEN_SWEEPS: u32 = 4_096;

struct Cells<K: std::hash::Hash + Eq + Clone> {
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    checks: AtomicU32,
}

impl<K: std::hash::Hash + Eq + Clone> Cells<K> {
    fn new(per_s: u32, burst: u32) -> Self {
        let quota = NonZeroU32::new(per_s)
            .map(|per_s| Quota::per_second(per_s).allow_burst(NonZeroU32::new(burst).unwrap_or(per_s)));
        Self {
            limiter: quota.map(RateLimiter::keyed),
            checks: AtomicU32::new(0),
        }
    }

    fn check(&self, key: &K) -> Result<(), u64> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        let due = self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(CHECKS_BETWEEN_SWEEPS);
        if due && limiter.len() > CELLS_MAX {
            limiter.retain_recent();
        }
        limiter
            .check_key(key)
            .map_err(|until| until.wait_time_from(DefaultClock::default().now()).as_millis() as u64)
    }
}

/// The cells of every class.
pub(crate) struct Limiter {
    address: Cells<IpAddr>,
    viewer: Cells<ViewerId>,
    auth: Cells<IpAddr>,
    upload: Cells<ViewerId>,
}

impl Limiter {
    pub(crate) fn new(limits: &RateLimits) -> Self {
        Self {
            address: Cells::new(limits.address_per_s, limits.address_burst),
            viewer: Cells::new(limits.viewer_per_s, limits.viewer_burst),
            auth: Cells::new(limits.auth_per_s, limits.auth_burst),
            upload: Cells::new(limits.upload_per_s, limits.upload_burst),
        }
    }

    fn check(&self, request: &Request, address: IpAddr) -> Result<(), (&'static str, u64)> {
        let viewer = request.extensions().get::<Viewer>();
        let path = request.uri().path();
        self.address.check(&address).map_err(|wait| ("address", wait))?;
        if let Some(viewer) = viewer {
            self.viewer
                .check(&viewer.viewer)
                .map_err(|wait| ("viewer", wait))?;
        }
        let post = request.method() == Method::POST;
        if post && (path.ends_with("/auth/register") || path.ends_with("/auth/login")) {
            self.auth.check(&address).map_err(|wait| ("auth", wait))?;
        }
        if let Some(viewer) = viewer.filter(|_| post && path.ends_with("/videos/upload-url")) {
            self.upload
                .check(&viewer.viewer)
                .map_err(|wait| ("upload", wait))?;
        }
        Ok(())
    }
}

/// Middleware; runs after the caller is known.
pub(crate) async fn limit(State(rooms): State<Arc<Rooms>>, request: Request, next: Next) -> Response {
    let address = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip());
    match rooms.limiter.check(&request, address) {
        Ok(()) => next.run(request).await,
        Err((class, retry_after_ms)) => {
            counter!("riffle_server_rate_limited_total", "class" => class).increment(1);
            ApiError::rate_limited(retry_after_ms).into_response()
        }
    }
}
