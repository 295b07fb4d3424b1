//! Durable intake through the HTTP door: one event a request, at 1, 64 and 256 connections, beside its floor.
//!
//! Every connection is a guest with a session of its own, so the events spread over the log's partitions as they do
//! in life. The floor runs right after each level, on the same disk, under the same generator.

use std::time::Duration;

use testkit::{Clip, Server};

use crate::figures::Figures;
use crate::floor::Floor;
use crate::load::{Outcome, closed_loop, request};
use crate::{BenchError, Setup};

const LEVELS: [usize; 3] = [1, 64, 256];
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(5);
const PATH: &str = "/api/v1/events";

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let server = Server::start_with(&setup.riffle, crate::UNLIMITED);
    let video = server.creator().publish(&Clip::small(1).bytes(), "load", &[])["id"]
        .as_str()
        .map(str::to_owned);
    let video = video.expect("a published video has an id");
    let guests: Vec<String> = (0..LEVELS[LEVELS.len() - 1])
        .map(|_| guest_cookie(&server))
        .collect();
    let floor = Floor::start()?;
    for connections in LEVELS {
        let next = |client: usize, number: u64| {
            let headers = format!("cookie: riffle_guest={}\r\n", guests[client]);
            request("POST", PATH, &headers, &body(connections, client, number, &video))
        };
        let ours = closed_loop(server.address(), connections, (WARM_UP, MEASURED), next)?;
        let bare = closed_loop(floor.address, connections, (WARM_UP, MEASURED), next)?;
        report(figures, connections, &ours, &bare);
    }
    Ok(())
}

fn guest_cookie(server: &Server) -> String {
    let guest = server.anon();
    guest.feed(1, None);
    guest
        .cookie("riffle_guest")
        .expect("the server gives a guest a cookie")
}

/// One watch event; each level has sessions of its own, because their numbers start at 1.
fn body(level: usize, client: usize, number: u64, video: &str) -> String {
    format!(
        r#"{{"sessionId":"load-{level}-{client}","events":[{{"seq":{number},"atMs":1790000000000,"type":"watch","videoId":"{video}","watchMs":4200,"ended":true}}]}}"#
    )
}

fn report(figures: &mut Figures, connections: usize, ours: &Outcome, floor: &Outcome) {
    let prefix = format!("ingest.c{connections}.");
    figures.add(&format!("{prefix}events_per_s"), ours.requests_per_s);
    figures.add_latencies(&prefix, &ours.latencies);
    figures.add(&format!("{prefix}floor_events_per_s"), floor.requests_per_s);
    figures.add_latencies(&format!("{prefix}floor_"), &floor.latencies);
    figures.add(
        &format!("{prefix}of_floor"),
        ours.requests_per_s / floor.requests_per_s,
    );
}
