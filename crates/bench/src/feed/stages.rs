//! What the server itself says of its pages: from `/metrics`, before and after.

use std::collections::BTreeMap;

use testkit::Server;

use crate::figures::Figures;

/// Counters and sums by their whole name, labels included.
pub(super) type Read = BTreeMap<String, f64>;

/// Counters whose growth says what was done, and under what name it is told.
const GROWN: [(&str, &str); 6] = [
    ("riffle_trainer_examples_total", "examples_learned"),
    ("riffle_feed_learned_pages_total", "learned_pages"),
    ("riffle_feed_light_pages_total", "light_pages"),
    ("riffle_feed_stale_history_total", "stale_history"),
    ("riffle_pipeline_failures_total", "stage_failures"),
    ("riffle_feed_served_lost_total", "served_lost"),
];
const STAGE_US: &str = "riffle_pipeline_stage_us_total";
const STAGE_RUNS: &str = "riffle_pipeline_stage_runs_total";
const STAGE_CANDIDATES: &str = "riffle_pipeline_candidates_total";

pub(super) fn read(server: &Server) -> Read {
    let page = String::from_utf8_lossy(&server.anon().get("/metrics").body).into_owned();
    let line = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    page.lines()
        .filter(|text| !text.starts_with('#'))
        .filter_map(line)
        .collect()
}

fn grown<'a>(before: &'a Read, after: &'a Read, metric: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
    let named = after
        .iter()
        .filter(move |(name, _)| name.split('{').next() == Some(metric));
    named.map(|(name, value)| (name.as_str(), value - before.get(name).copied().unwrap_or(0.0)))
}

pub(super) fn report(prefix: &str, before: &Read, after: &Read, figures: &mut Figures) {
    for (metric, name) in GROWN {
        let sum: f64 = grown(before, after, metric).map(|(_, grown)| grown).sum();
        figures.add(&format!("{prefix}{name}"), sum);
    }
    table(before, after);
}

/// Mean time and candidates of each stage of a page.
fn table(before: &Read, after: &Read) {
    let label = |name: &str, key: &str| {
        let (_, rest) = name.split_once(&format!("{key}=\""))?;
        Some(rest.split('"').next()?.to_owned())
    };
    let by_stage = |metric| -> BTreeMap<String, f64> {
        grown(before, after, metric)
            .filter_map(|(name, grown)| {
                Some((
                    format!("{} {}", label(name, "pipeline")?, label(name, "stage")?),
                    grown,
                ))
            })
            .collect()
    };
    let (us, runs, candidates) = (
        by_stage(STAGE_US),
        by_stage(STAGE_RUNS),
        by_stage(STAGE_CANDIDATES),
    );
    if us.is_empty() && candidates.is_empty() {
        return;
    }
    println!("\n{:32} {:>10} {:>12}", "stage", "mean ms", "candidates");
    for (stage, sum) in &us {
        let runs = runs.get(stage).copied().unwrap_or(0.0).max(1.0);
        let found = candidates.get(stage).copied().unwrap_or(0.0);
        println!("{stage:32} {:>10.3} {:>12.0}", sum / 1_000.0 / runs, found / runs);
    }
    println!();
}
