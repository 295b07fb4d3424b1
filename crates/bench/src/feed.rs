//! A page of For You: latency through the HTTP door for registered viewers over a small catalogue.

use std::time::Duration;

use testkit::{Clip, Server, json};

use crate::figures::Figures;
use crate::load::{Span, closed_loop};
use crate::wire::{HttpClient, HttpRequest, Template};
use crate::{BenchError, Setup};

const VIDEOS: u32 = 40;
const VIEWERS: usize = 4;
const SPAN: Span = Span {
    warm_up: Duration::from_secs(1),
    measured: Duration::from_secs(5),
};
const PATH: &str = "/api/v1/feed/for-you?count=20";

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let server = Server::start_with(&setup.riffle, crate::UNLIMITED);
    let creator = server.creator();
    let uploaded: Vec<_> = (0..VIDEOS)
        .map(|seed| creator.upload(&clip(seed), "a clip", &[tag(seed)]))
        .collect();
    for video in &uploaded {
        creator.wait_complete(video["id"].as_str().expect("an id"));
    }
    let viewers: Vec<_> = (0..VIEWERS)
        .map(|number| server.person(&format!("viewer_{number}")))
        .collect();
    for viewer in &viewers {
        // A little history, so that the ranking has something to read.
        let page = viewer.feed(5, None);
        let watch = |item: &testkit::Value| json!({"type": "watch", "videoId": item["video"]["id"], "watchMs": 1500, "ended": true});
        viewer
            .events(
                page["items"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(watch)
                    .collect(),
            )
            .expect(202);
    }
    let client = |token: &String| {
        HttpClient::new(&HttpRequest {
            method: "GET",
            path: PATH,
            headers: &format!("authorization: Bearer {token}\r\n"),
            body: &Template::default(),
        })
    };
    let mut clients: Vec<HttpClient> = viewers
        .iter()
        .filter_map(|viewer| viewer.token.as_ref())
        .map(client)
        .collect();
    let outcome = closed_loop(server.address(), &mut clients, SPAN)?;
    figures.add("feed.videos", f64::from(VIDEOS));
    figures.add("feed.pages_per_s", outcome.requests_per_s);
    figures.add_latencies("feed.", &outcome.latencies);
    Ok(())
}

fn clip(seed: u32) -> Vec<u8> {
    Clip {
        seconds: 1,
        audio: false,
        ..Clip::small(seed)
    }
    .bytes()
}

fn tag(seed: u32) -> &'static str {
    ["ocean", "city", "cats", "food"][seed as usize % 4]
}
