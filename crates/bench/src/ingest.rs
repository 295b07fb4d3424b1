//! Durable intake through the HTTP door, beside its floor, Redis and PostgreSQL.
//!
//! At each point the contenders take turns in short rounds on the same disk under the same generator, and the median
//! round counts, so that a drift of the machine meets all of them alike. Every connection is a viewer with a session
//! of its own, half of them guests and half with accounts, so that the events spread over the log's partitions and over the
//! two ways of telling who sends, as they do in life. After each of our rounds the jobs catch up before anybody
//! else is measured; how long that takes is a figure too.

mod contender;
mod rounds;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use testkit::{Clip, Server};

use crate::figures::Figures;
use crate::floor::Floor;
use crate::load::Span;
use crate::peers::{Postgres, Redis};
use crate::wire::Template;
use crate::{BenchError, Setup};
use contender::{CATCH_UP_MAX, Contender, Load};
pub(crate) use contender::{caller, caught_up, door_clients, now_ms};
use rounds::{Median, measure};

const CONNECTIONS_MAX: usize = 256;
const OPEN_PER_S: f64 = 5_000.0;
const CLOSED: Span = Span {
    warm_up: Duration::from_millis(300),
    measured: Duration::from_millis(1_000),
};
const OPEN: Span = Span {
    warm_up: Duration::from_millis(300),
    measured: Duration::from_millis(3_000),
};

/// One place of the measurement.
struct Point {
    /// In the figures' names, after `ingest.`.
    name: &'static str,
    connections: usize,
    /// Events of one request; Redis takes as many in a pipeline, PostgreSQL always one.
    events: usize,
    load: Load,
    peers: &'static [Peer],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Floor,
    Redis,
    Postgres,
}

const POINTS: [Point; 6] = [
    Point::closed("c1", 1, 1, &[Peer::Floor, Peer::Redis, Peer::Postgres]),
    Point::closed("c64", 64, 1, &[Peer::Floor, Peer::Redis, Peer::Postgres]),
    Point::closed("c256", 256, 1, &[Peer::Floor, Peer::Redis, Peer::Postgres]),
    Point::closed("batch10", 64, 10, &[Peer::Floor, Peer::Redis]),
    Point::closed("batch100", 64, 100, &[Peer::Floor, Peer::Redis]),
    Point {
        name: "open5k",
        connections: 64,
        events: 1,
        load: Load::Open {
            requests_per_s: OPEN_PER_S,
            span: OPEN,
        },
        peers: &[Peer::Floor, Peer::Redis],
    },
];

impl Point {
    const fn closed(name: &'static str, connections: usize, events: usize, peers: &'static [Peer]) -> Self {
        Self {
            name,
            connections,
            events,
            load: Load::Closed(CLOSED),
            peers,
        }
    }
}

/// A running server, with a video and somebody for each connection: a cookie or a token.
struct Riffle {
    server: Server,
    callers: Vec<String>,
    video: String,
}

/// Everybody who is measured, running.
struct Field {
    ours: Riffle,
    other: Option<Riffle>,
    floor: Floor,
    redis: Redis,
    postgres: Postgres,
}

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let field = Field::open(setup)?;
    let mut table = Vec::new();
    let wanted = |point: &&Point| setup.only.as_deref().is_none_or(|only| only == point.name);
    for point in POINTS.iter().filter(wanted) {
        let mut contenders = field.contenders(point);
        let medians = measure(&mut contenders, point.load, || field.settle())?;
        report(figures, point, &medians);
        table.extend(medians.into_iter().map(|median| (point.name, median)));
    }
    print_table(&table);
    Ok(())
}

impl Riffle {
    fn start(binary: &Path) -> Self {
        let server = Server::start_with(binary, crate::UNLIMITED);
        let video = server.creator().publish(&Clip::small(1).bytes(), "load", &[]);
        let callers = (0..CONNECTIONS_MAX).map(|number| caller(&server, number));
        Self {
            callers: callers.collect(),
            video: video["id"]
                .as_str()
                .expect("a published video has an id")
                .to_owned(),
            server,
        }
    }

    /// Clients of this server, speaking to `address`.
    fn contender(&self, who: &'static str, address: SocketAddr, point: &Point) -> Contender {
        let callers = &self.callers[..point.connections];
        let clients = door_clients(callers, point.name, &watch_event(&self.video), point.events);
        Contender::door(who, address, clients)
    }
}

impl Field {
    fn open(setup: &Setup) -> Result<Self, BenchError> {
        Ok(Self {
            ours: Riffle::start(&setup.riffle),
            other: setup.against.as_deref().map(Riffle::start),
            floor: Floor::start()?,
            redis: Redis::start()?,
            postgres: Postgres::start()?,
        })
    }

    /// Us first, then the point's peers.
    fn contenders(&self, point: &Point) -> Vec<Contender> {
        let event = watch_event(&self.ours.video);
        let mut all = vec![self.ours.contender("door", self.ours.server.address(), point)];
        if let Some(other) = &self.other {
            all.push(other.contender("other_door", other.server.address(), point));
        }
        all.extend(point.peers.iter().map(|peer| match peer {
            Peer::Floor => self.ours.contender("floor", self.floor.address, point),
            Peer::Redis => Contender::redis(self.redis.address, &event, (point.connections, point.events)),
            Peer::Postgres => Contender::postgres(self.postgres.address, &event, point.connections),
        }));
        all
    }

    /// Waits until no server has work left from its turns.
    fn settle(&self) -> Result<Duration, BenchError> {
        let all = std::iter::once(&self.ours).chain(&self.other);
        all.map(|riffle| caught_up(&riffle.server, CATCH_UP_MAX)).sum()
    }
}

/// What a player says when the viewer swipes on; its number is filled in.
pub(crate) fn watch_event(video: &str) -> Template {
    let now_ms = now_ms();
    let mut event = Template::default();
    event.text(r#"{"seq":"#).hole().text(&format!(
        r#","atMs":{now_ms},"type":"watch","videoId":"{video}","watchMs":4200,"ended":true}}"#
    ));
    event
}

fn report(figures: &mut Figures, point: &Point, medians: &[Median]) {
    let prefix = format!("ingest.{}.", point.name);
    for median in medians {
        let (who, open) = (median.figure_name(), matches!(point.load, Load::Open { .. }));
        if !open {
            figures.add(&format!("{prefix}{who}events_per_s"), median.events_per_s);
        }
        for (name, ms) in [
            ("p50_ms", median.p50_ms),
            ("p99_ms", median.p99_ms),
            ("p999_ms", median.p999_ms),
        ] {
            figures.add(&format!("{prefix}{who}{name}"), ms);
        }
    }
    let ours = &medians[0];
    for peer in medians[1..].iter().filter(|peer| peer.events_per_s > 0.0) {
        figures.add(&format!("{prefix}of_{}", peer.who), peer.ours_ratio);
    }
    figures.add(&format!("{prefix}catch_up_s"), ours.catch_up_s);
    if ours.shed > 0 {
        figures.add(&format!("{prefix}shed_requests"), ours.shed as f64);
    }
}

fn print_table(rows: &[(&str, Median)]) {
    println!();
    println!(
        "{:10} {:15} {:>12} {:>9} {:>9} {:>9} {:>9}",
        "point", "who", "events/s", "p50 ms", "p99 ms", "p99.9 ms", "door/who"
    );
    for (point, row) in rows {
        println!(
            "{point:10} {:15} {:>12.0} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
            row.who, row.events_per_s, row.p50_ms, row.p99_ms, row.p999_ms, row.ours_ratio
        );
    }
    println!();
}
