//! Each request's id, time and outcome. Made for the hot path: a request costs one short lock and no allocation beyond its id.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Counter, Histogram, counter, histogram};
use parking_lot::RwLock;
use tower_http::request_id::{MakeRequestId, RequestId};

/// Ids of requests: a prefix of this process, then a count. Unique enough to find one request in the logs.
#[derive(Clone)]
pub(crate) struct RequestIds(Arc<(u32, AtomicU64)>);

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The standard hasher is seeded by the system, which is all the randomness a prefix needs.
        Self(Arc::new((
            RandomState::new().hash_one(0) as u32,
            AtomicU64::new(0),
        )))
    }
}

impl RequestIds {
    /// The next one.
    pub(crate) fn next(&self) -> Option<HeaderValue> {
        let (prefix, count) = &*self.0;
        let count = count.fetch_add(1, Ordering::Relaxed);
        let mut id = [b'-'; ID_BYTES];
        let (head, tail) = id.split_at_mut(8);
        put_hex(head, u64::from(*prefix));
        put_hex(&mut tail[1..], count);
        HeaderValue::from_bytes(&id).ok()
    }
}

/// Eight digits, a dash, sixteen digits.
const ID_BYTES: usize = 25;

/// Fills `digits` with the lowest hexadecimal digits of `value`.
fn put_hex(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        self.next().map(RequestId::new)
    }
}

/// The meters of each route, looked up by its pattern: as many as there are routes.
#[derive(Default)]
pub(crate) struct Meters(RwLock<HashMap<String, RouteMeters>>);

/// The meters of one route.
pub(crate) struct RouteMeters {
    route: String,
    seconds: Histogram,
    /// By status; a handful.
    answers: HashMap<u16, Counter>,
}

impl RouteMeters {
    /// Meters that know the given statuses; others are looked up when they come.
    pub(crate) fn new(route: &str, statuses: &[u16]) -> Self {
        let counters = statuses.iter().map(|&status| (status, answers(route, status)));
        Self {
            route: route.to_owned(),
            seconds: histogram!("riffle_server_request_seconds", "route" => route.to_owned()),
            answers: counters.collect(),
        }
    }

    /// Counts and times one answer.
    pub(crate) fn note(&self, status: u16, started: Instant) {
        self.seconds.record(started.elapsed());
        match self.answers.get(&status) {
            Some(counter) => counter.increment(1),
            None => answers(&self.route, status).increment(1),
        }
    }
}

fn answers(route: &str, status: u16) -> Counter {
    counter!("riffle_server_requests_total", "route" => route.to_owned(), "status" => status.to_string())
}

impl Meters {
    fn note(&self, route: &str, status: u16, started: Instant) {
        let known = |meters: &&RouteMeters| meters.answers.contains_key(&status);
        if let Some(meters) = self.0.read().get(route).filter(known) {
            return meters.note(status, started);
        }
        let mut all = self.0.write();
        let meters = all
            .entry(route.to_owned())
            .or_insert_with(|| RouteMeters::new(route, &[]));
        meters
            .answers
            .entry(status)
            .or_insert_with(|| answers(route, status));
        meters.note(status, started);
    }
}

/// Middleware: counts and times each request by its route, never by its full path.
pub(crate) async fn measure(State(meters): State<Arc<Meters>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();
    let response = next.run(request).await;
    let route = path.as_ref().map_or("web", MatchedPath::as_str);
    meters.note(route, response.status().as_u16(), started);
    response
}
