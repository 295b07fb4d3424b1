//! From a swipe to what it changes: the video's public counter, and the viewer's own next page, under a steady load of others.
//!
//! Both times begin when the swipe is sent. The counter is asked for again and again until it shows the view; the page,
//! which waits for the viewer's own events within a bound, is asked for until it leaves out what was watched.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Caller, Clip, Server, Value, json};

use crate::figures::{Figures, Latencies, latencies, latency_add};
use crate::ingest::{caller, door_clients, watch_event};
use crate::load::{Pace, Span, open_loop};
use crate::{BenchError, Setup};

const BACKGROUND_PER_S: f64 = 2_000.0;
const BACKGROUND_CLIENTS: usize = 64;
const SPAN: Span = Span {
    warm_up: Duration::from_secs(1),
    measured: Duration::from_secs(20),
};
/// The others watch the first; a swipe's counter is read from the rest, which nobody else watches.
const VIDEOS: u32 = 9;
/// Between two looks at a counter.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Later than this, something is broken.
const VISIBLE_MAX: Duration = Duration::from_secs(10);

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let server = Server::start_with(&setup.riffle, crate::UNLIMITED);
    let videos = publish(&server);
    let callers: Vec<String> = (0..BACKGROUND_CLIENTS)
        .map(|number| caller(&server, number))
        .collect();
    let (mut clients, _) = door_clients(&callers, "background", &watch_event(&videos[0]), 1);
    let pace = Pace {
        requests_per_s: BACKGROUND_PER_S,
        span: SPAN,
    };
    let over = AtomicBool::new(false);
    let (outcome, probed) = std::thread::scope(|scope| {
        let probing = scope.spawn(|| probe(&server, &videos[1..], &over));
        let outcome = open_loop(server.address(), &mut clients, pace);
        over.store(true, Ordering::Relaxed);
        let probed = probing.join();
        (
            outcome,
            probed.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    let (outcome, Probed { counter, feature }) = (outcome?, probed?);
    figures.add("freshness.background_per_s", outcome.requests_per_s);
    figures.add("freshness.swipes", counter.len() as f64);
    figures.add_latencies("freshness.counter_", &counter);
    figures.add_latencies("freshness.feature_", &feature);
    Ok(())
}

fn publish(server: &Server) -> Vec<String> {
    let creator = server.creator();
    let clip = |seed| Clip {
        seconds: 1,
        audio: false,
        ..Clip::small(seed)
    };
    let uploaded: Vec<String> = (0..VIDEOS)
        .map(|seed| id(&creator.upload(&clip(seed).bytes(), "a clip", &["fresh"])))
        .collect();
    // An encoder at work would be measured too.
    for video in &uploaded {
        creator.wait_complete(video);
    }
    uploaded
}

fn id(video: &Value) -> String {
    video["id"].as_str().expect("a video has an id").to_owned()
}

/// How long swipes took to show.
struct Probed {
    counter: Latencies,
    feature: Latencies,
}

/// Swipes until the load is over, each time as a new guest and on the next video.
fn probe(server: &Server, videos: &[String], over: &AtomicBool) -> Result<Probed, BenchError> {
    std::thread::sleep(SPAN.warm_up);
    let mut probed = Probed {
        counter: latencies(),
        feature: latencies(),
    };
    for video in videos.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let (guest, looker) = (server.anon(), server.anon());
        // The first page makes the guest known, and both connections warm.
        guest.feed(VIDEOS as usize, None);
        let before = views(&looker, video);
        let sent = Instant::now();
        let swipe = json!({"type": "watch", "videoId": video, "watchMs": 1_000, "ended": true});
        guest.events(vec![swipe]).expect(202);
        latency_add(&mut probed.feature, until(sent, || leaves_out(&guest, video))?);
        // The page took its time, so the counter gets a swipe of its own.
        let sent = Instant::now();
        let again = json!({"type": "watch", "videoId": video, "watchMs": 1_000, "ended": true});
        guest.events(vec![again]).expect(202);
        latency_add(
            &mut probed.counter,
            until(sent, || views(&looker, video) >= before + 2)?,
        );
    }
    Ok(probed)
}

fn views(caller: &Caller, video: &str) -> u64 {
    caller.video(video)["counts"]["views"].as_u64().unwrap_or(0)
}

fn leaves_out(caller: &Caller, video: &str) -> bool {
    let page = caller.feed(VIDEOS as usize, None);
    let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
    items.iter().all(|item| item["video"]["id"] != *video)
}

/// The time from `sent` until `shows`.
fn until(sent: Instant, shows: impl Fn() -> bool) -> Result<Duration, BenchError> {
    while !shows() {
        if sent.elapsed() > VISIBLE_MAX {
            return Err(BenchError::Peer(
                "a swipe",
                format!("nothing shows it after {VISIBLE_MAX:?}"),
            ));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(sent.elapsed())
}
