//! Rate limits: cells for each address and each caller, by class of request. A refusal says when to come back.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{ConnectInfo, Request};
use axum::http::{Extensions, Method};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics::counter;
use serde::{Deserialize, Serialize};
use types::ViewerId;

use crate::error::ApiError;

/// Requests a second and bursts; 0 a second switches a limit off.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
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
        let due = self
            .checks
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(CHECKS_BETWEEN_SWEEPS);
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

    /// Takes one request of `viewer` from the cells it counts in, or says when to come back.
    pub(crate) fn check(&self, request: &Request, viewer: ViewerId) -> Result<(), ApiError> {
        answer(self.refusal(request, viewer))
    }

    /// The same for a request that counts in no other class.
    pub(crate) fn check_plain(&self, address: IpAddr, viewer: ViewerId) -> Result<(), ApiError> {
        answer(self.plain_refusal(address, viewer))
    }

    fn plain_refusal(&self, address: IpAddr, viewer: ViewerId) -> Option<(&'static str, u64)> {
        refused("address", self.address.check(&address))
            .or_else(|| refused("viewer", self.viewer.check(&viewer)))
    }

    fn refusal(&self, request: &Request, viewer: ViewerId) -> Option<(&'static str, u64)> {
        let address = address_of(request.extensions());
        let path = request.uri().path();
        let post = request.method() == Method::POST;
        let signing_in = post && (path.ends_with("/auth/register") || path.ends_with("/auth/login"));
        let uploading = post && path.ends_with("/videos/upload-url");
        self.plain_refusal(address, viewer)
            .or_else(|| {
                signing_in
                    .then(|| refused("auth", self.auth.check(&address)))
                    .flatten()
            })
            .or_else(|| {
                uploading
                    .then(|| refused("upload", self.upload.check(&viewer)))
                    .flatten()
            })
    }
}

fn refused(class: &'static str, check: Result<(), u64>) -> Option<(&'static str, u64)> {
    check.err().map(|wait_ms| (class, wait_ms))
}

fn answer(refusal: Option<(&'static str, u64)>) -> Result<(), ApiError> {
    refusal.map_or(Ok(()), |(class, retry_after_ms)| {
        counter!("riffle_server_rate_limited_total", "class" => class).increment(1);
        Err(ApiError::rate_limited(retry_after_ms))
    })
}

/// Where a request comes from; the door notes it with every connection.
pub(crate) fn address_of(extensions: &Extensions) -> IpAddr {
    let info = extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip())
}
