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

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let (prefix, count) = &*self.0;
        let id = format!("{prefix:08x}-{:x}", count.fetch_add(1, Ordering::Relaxed));
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}

/// The meters of each route, looked up by its pattern: as many as there are routes.
#[derive(Default)]
pub(crate) struct Meters(RwLock<HashMap<String, RouteMeters>>);

struct RouteMeters {
    seconds: Histogram,
    /// By status; a handful.
    answers: HashMap<u16, Counter>,
}

impl Meters {
    fn note(&self, route: &str, status: u16, started: Instant) {
        let note = |meters: &RouteMeters| {
            let answers = meters.answers.get(&status)?;
            meters.seconds.record(started.elapsed());
            answers.increment(1);
            Some(())
        };
        let noted = self.0.read().get(route).and_then(note);
        if noted.is_none() {
            let mut all = self.0.write();
            let meters = all.entry(route.to_owned()).or_insert_with(|| RouteMeters {
                seconds: histogram!("riffle_server_request_seconds", "route" => route.to_owned()),
                answers: HashMap::new(),
            });
            meters.answers.entry(status).or_insert_with(|| {
                let status = status.to_string();
                counter!("riffle_server_requests_total", "route" => route.to_owned(), "status" => status)
            });
            note(meters);
        }
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
