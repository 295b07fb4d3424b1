//! The feed without one of its parts: each source, each step of the ranking and the learner are taken away in turn, under load, on the real binary.
//! Every page is answered and holds something, and the metrics name what is missing (I-3, I-9).

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::{Caller, Clip, Server};

const BINARY: &str = env!("CARGO_BIN_EXE_riffle");
const VIDEOS: u32 = 6;
/// People who ask at once, and how often each does.
const PEOPLE: usize = 6;
const PAGES: usize = 4;
const READY_MS_MAX: u64 = 60_000;
/// Stages that may be missing, as far as the recipe has them: sources first, then what ranks.
const SOURCES: [&str; 10] = [
    "interest",
    "following",
    "popular",
    "fresh",
    "explore",
    "collaborative",
    "content",
    "social",
    "trending",
    "uniform",
];
const RANKING: [&str; 2] = ["extract", "learned"];
/// Today's recipe has more.
const TURNS_MIN: usize = 7;

/// Starts on `folder` with `settings` and lets everybody ask; what the metrics say then.
fn pages_with(folder: &Path, settings: &str) -> String {
    let (mut server, _) = Server::start_on(Path::new(BINARY), folder, settings, READY_MS_MAX);
    let served = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..PEOPLE {
            scope.spawn(|| {
                let guest = server.anon();
                (0..PAGES).for_each(|_| {
                    served.fetch_add(items(&guest, settings), Ordering::Relaxed);
                });
            });
        }
    });
    assert!(served.load(Ordering::Relaxed) >= PEOPLE * PAGES);
    let metrics = String::from_utf8_lossy(&server.anon().get("/metrics").body).into_owned();
    assert!(server.stop().success(), "it stops as ever with {settings}");
    metrics
}

/// Items of a page, which has some.
fn items(guest: &Caller, settings: &str) -> usize {
    let page = guest.feed(3, None);
    let items = page["items"].as_array().map_or(0, Vec::len);
    assert!(items > 0, "a page with {settings} is empty: {page}");
    items
}

/// The sum of a metric over the lines that hold `label`.
fn sum(metrics: &str, metric: &str, label: &str) -> f64 {
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with(metric) && line.contains(label));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

fn off(stages: &[&str]) -> String {
    let shares: Vec<String> = stages.iter().map(|stage| format!("{stage} = 0.0")).collect();
    format!("[feed]\ncomponents = {{ {} }}", shares.join(", "))
}

fn publish_some(folder: &Path) {
    let (mut server, _) = Server::start_on(Path::new(BINARY), folder, "", READY_MS_MAX);
    let creator = server.creator();
    for number in 0..VIDEOS {
        let clip = Clip {
            audio: false,
            ..Clip::small(number)
        };
        creator.publish(&clip.bytes(), &format!("clip {number}"), &["any"]);
    }
    assert!(server.stop().success());
}

#[test]
fn a_feed_is_served_whatever_is_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    publish_some(folder);
    let whole = pages_with(folder, "");
    let runs = |stage: &str| {
        sum(
            &whole,
            "riffle_pipeline_stage_runs_total",
            &format!("stage=\"{stage}\""),
        )
    };
    let known = |stages: &[&'static str]| -> Vec<&'static str> {
        stages.iter().copied().filter(|stage| runs(stage) > 0.0).collect()
    };
    let (sources, ranking) = (known(&SOURCES), known(&RANKING));
    assert!(
        sources.len() + ranking.len() >= TURNS_MIN,
        "{sources:?} {ranking:?}"
    );
    let asked = (PEOPLE * PAGES) as f64;
    let check = |stages: &[&str]| {
        let metrics = pages_with(folder, &off(stages));
        for stage in stages {
            let label = format!("stage=\"{stage}\"");
            let missing = sum(&metrics, "riffle_pipeline_switched_off_total", &label);
            assert!(
                missing >= asked,
                "{stage} was missing in {missing} pages of {asked}"
            );
        }
    };
    sources.iter().chain(&ranking).for_each(|stage| check(&[stage]));
    // All that ranks at once; all sources but the one that reaches everything.
    check(&ranking);
    let others: Vec<&str> = sources
        .iter()
        .copied()
        .filter(|source| *source != "fresh")
        .collect();
    check(&others);
    // Nobody learns.
    let metrics = pages_with(folder, "[learner]\nenabled = false");
    assert!(
        sum(&metrics, "riffle_feed_light_pages_total", "") >= asked,
        "pages go by the light score"
    );
}
