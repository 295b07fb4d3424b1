//! From a swipe to what it changes: the video's count, and the viewer's own next page, beside two thousand events a second.
//!
//! The clock starts when the watch is sent and stops when an answer shows it, so the durable acknowledgement is within.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Caller, Clip, Server, json};

use crate::figures::{Figures, Latencies, latencies, latency_add};
use crate::load::{Pace, Span, open_loop};
use crate::soak::{EVENTS_PER_REQUEST, SoakClient};
use crate::{BenchError, Setup};

const BACKGROUND_PER_S: f64 = 2_000.0;
const BACKGROUND_CLIENTS: usize = 16;
const PROBES: u64 = 300;
const VIDEOS: u32 = 5;
/// Longer than a probe may take; then something is broken.
const VISIBLE_MAX: Duration = Duration::from_secs(10);
/// Longer than all probes take; the load ends with them.
const BACKGROUND: Span = Span {
    warm_up: Duration::from_secs(1),
    measured: Duration::from_secs(30),
};

/// What the probes found.
struct Found {
    counter: Latencies,
    feature: Latencies,
    /// Pages that did not know of the watch.
    missed: u64,
}

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let server = Server::start_with(&setup.riffle, crate::UNLIMITED);
    let creator = server.creator();
    let videos: Vec<String> = (0..VIDEOS)
        .map(|seed| {
            creator.publish(&Clip::small(seed).bytes(), "a clip", &["fresh"])["id"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    // The load watches the first, the probes the second.
    let mut load: Vec<SoakClient> = (0..BACKGROUND_CLIENTS)
        .map(|number| SoakClient::new(&server, number, &videos[0]))
        .collect();
    let pace = Pace {
        requests_per_s: BACKGROUND_PER_S / EVENTS_PER_REQUEST as f64,
        span: BACKGROUND,
    };
    let ended = AtomicBool::new(false);
    let (loaded, found) = std::thread::scope(|scope| {
        let loading = scope.spawn(|| {
            let outcome = open_loop(server.address(), &mut load, pace);
            ended.store(true, Ordering::Relaxed);
            outcome
        });
        let found = probe(&server, &videos, &ended);
        (
            loading
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            found,
        )
    });
    let (loaded, found) = (loaded?, found?);
    figures.add(
        "freshness.background_events_per_s",
        loaded.requests_per_s * EVENTS_PER_REQUEST as f64,
    );
    figures.add("freshness.probes", found.counter.len() as f64);
    figures.add_latencies("freshness.counter_", &found.counter);
    figures.add_latencies("freshness.feature_", &found.feature);
    figures.add("freshness.feature_missed", found.missed as f64);
    Ok(())
}

fn probe(server: &Server, videos: &[String], ended: &AtomicBool) -> Result<Found, BenchError> {
    let mut found = Found {
        counter: latencies(),
        feature: latencies(),
        missed: 0,
    };
    let reader = server.anon();
    for number in 1..=PROBES {
        // Only beside the load does a probe count.
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let guest = server.anon();
        let shown = guest.feed(1, None)["items"][0]["video"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let target = &videos[1];
        let sent = Instant::now();
        watch(&guest, target);
        let page = guest.feed(VIDEOS as usize, None);
        let on_page = |video: &String| {
            page["items"]
                .as_array()
                .is_some_and(|items| items.iter().any(|item| item["video"]["id"] == **video))
        };
        latency_add(&mut found.feature, sent.elapsed());
        let others = videos
            .iter()
            .filter(|video| **video != shown && *video != target)
            .all(on_page);
        found.missed += u64::from(on_page(target) || !others);
        while reader.video(target)["counts"]["views"].as_u64() < Some(number) {
            if sent.elapsed() > VISIBLE_MAX {
                return Err(BenchError::Peer(
                    "the counter",
                    format!("watch {number} is not counted after {VISIBLE_MAX:?}"),
                ));
            }
        }
    }
    counters(server, &videos[2], ended, &mut found)?;
    Ok(found)
}

/// The counter by itself, so that no page delays the look at it.
fn counters(server: &Server, video: &str, ended: &AtomicBool, found: &mut Found) -> Result<(), BenchError> {
    let viewer = server.viewer();
    for number in 1..=PROBES {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let sent = Instant::now();
        watch(&viewer, video);
        while viewer.video(video)["counts"]["views"].as_u64() < Some(number) {
            if sent.elapsed() > VISIBLE_MAX {
                return Err(BenchError::Peer(
                    "the counter",
                    format!("watch {number} is not counted after {VISIBLE_MAX:?}"),
                ));
            }
        }
        latency_add(&mut found.counter, sent.elapsed());
    }
    Ok(())
}

fn watch(viewer: &Caller, video: &str) {
    let event = json!({"type": "watch", "videoId": video, "watchMs": 1_500, "ended": true});
    viewer.events(vec![event]).expect(202);
}
