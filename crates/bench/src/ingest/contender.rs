//! Who is measured: an address, the clients that speak to it, and what one request carries.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use testkit::{Caller, Server};

use crate::BenchError;
use crate::load::{Outcome, Pace, Span, closed_loop, open_loop};
use crate::wire::{HttpClient, HttpRequest, PostgresClient, RespClient, Template};

pub(super) const CATCH_UP_MAX: Duration = Duration::from_secs(300);
const LAG: &str = "riffle_stream_lag_records";

/// How requests come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    Closed(Span),
    Open { requests_per_s: f64, span: Span },
}

/// See the file's header.
pub(crate) struct Contender {
    pub(crate) who: &'static str,
    address: SocketAddr,
    clients: Clients,
    pub(crate) events_per_request: usize,
}

enum Clients {
    Http(Vec<HttpClient>),
    Redis(Vec<RespClient>),
    Postgres(Vec<PostgresClient>),
}

impl Contender {
    pub(crate) fn door(
        who: &'static str,
        address: SocketAddr,
        (clients, events_per_request): (Vec<HttpClient>, usize),
    ) -> Self {
        Self {
            who,
            address,
            clients: Clients::Http(clients),
            events_per_request,
        }
    }

    pub(crate) fn redis(
        address: SocketAddr,
        event: &Template,
        (connections, pipeline): (usize, usize),
    ) -> Self {
        let client = |_| RespClient::new(event, pipeline as u64);
        Self {
            who: "redis_always",
            address,
            clients: Clients::Redis((0..connections).map(client).collect()),
            events_per_request: pipeline,
        }
    }

    pub(crate) fn postgres(address: SocketAddr, event: &Template, connections: usize) -> Self {
        let clients = (0..connections).map(|_| PostgresClient::new(event)).collect();
        Self {
            who: "postgres",
            address,
            clients: Clients::Postgres(clients),
            events_per_request: 1,
        }
    }

    /// One round.
    pub(crate) fn run(&mut self, load: Load) -> Result<Outcome, BenchError> {
        match &mut self.clients {
            Clients::Http(clients) => drive(self.address, clients, load),
            Clients::Redis(clients) => drive(self.address, clients, load),
            Clients::Postgres(clients) => drive(self.address, clients, load),
        }
    }
}

fn drive<C: crate::wire::Client>(
    address: SocketAddr,
    clients: &mut [C],
    load: Load,
) -> Result<Outcome, BenchError> {
    match load {
        Load::Closed(span) => closed_loop(address, clients, span),
        Load::Open { requests_per_s, span } => open_loop(address, clients, Pace { requests_per_s, span }),
    }
}

/// A client of the door for each caller, with a session of its own, because a session's numbers start at 1.
pub(crate) fn door_clients(
    callers: &[String],
    session: &str,
    event: &Template,
    events: usize,
) -> (Vec<HttpClient>, usize) {
    let client = |(number, headers): (usize, &String)| {
        let body = batch(&format!("{session}-{number}"), event, events);
        HttpClient::new(&HttpRequest {
            method: "POST",
            path: "/api/v1/events",
            headers,
            body: &body,
        })
    };
    (callers.iter().enumerate().map(client).collect(), events)
}

/// The body of one request: `count` events of one session.
pub(crate) fn batch(session: &str, event: &Template, count: usize) -> Template {
    let mut body = Template::default();
    body.text(&format!(r#"{{"sessionId":"{session}","events":["#));
    for number in 0..count {
        if number > 0 {
            body.text(",");
        }
        body.append(event);
    }
    body.text("]}");
    body
}

/// The header line of connection `number`: a guest's cookie or an account's token.
pub(crate) fn caller(server: &Server, number: usize) -> String {
    if number.is_multiple_of(2) {
        let guest = server.anon();
        guest.feed(1, None);
        let cookie = guest.cookie("riffle_guest");
        return format!(
            "cookie: riffle_guest={}\r\n",
            cookie.expect("the server gives a guest a cookie")
        );
    }
    let person = server.person(&format!("load_{number}"));
    format!("authorization: Bearer {}\r\n", token(&person))
}

fn token(person: &Caller) -> &str {
    person.token.as_deref().expect("an account has a token")
}

/// Waits until no job is behind; how long that took.
pub(crate) fn caught_up(server: &Server, patience: Duration) -> Result<Duration, BenchError> {
    let (begun, caller) = (Instant::now(), server.anon());
    while begun.elapsed() < patience {
        let page = String::from_utf8_lossy(&caller.get("/metrics").body).into_owned();
        let lags = page.lines().filter(|line| line.starts_with(LAG));
        let behind: f64 = lags
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum();
        if behind == 0.0 {
            return Ok(begun.elapsed());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(BenchError::Peer(
        "the jobs",
        format!("still behind after {patience:?}"),
    ))
}

/// The wall clock, for events.
pub(crate) fn now_ms() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis())
}
