//! The index of vectors at a million items, on one core: what it finds, what a query and an insert cost, and what it holds.
//!
//! Vectors are generated (see [`world`]). Recall is against a scan of everything in full precision, which is timed beside it: the plain way that an index has to
//! beat. Processor time is the thread's own, so a busy machine shows in the times of queries more than in those of inserts. While 100 000
//! items are added and as many taken out, another thread goes on asking.

mod findable;
mod towers;
mod world;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ::retrieval::vq::{Exact, Found, Index, Limits, Scratch, WIDTH};

use crate::figures::{Figures, Latencies, latencies, latency_add};
use crate::table::Random;
use crate::table::process::{resident_bytes, thread_cpu_s};
use crate::{BenchError, Setup};
use world::World;

const ITEMS: u64 = 1_000_000;
const CHURNED: u64 = 100_000;
const QUERIES: usize = 100;
const EXACT_BEST: usize = 500;
/// What a source asks for, and the postings that the product scans for it.
const CANDIDATES: usize = 4_000;
const POSTINGS: usize = 5 * CANDIDATES;
/// Times that every query is asked for the clock.
const ROUNDS: usize = 10;

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let wanted = |point: &str| setup.only.as_deref().is_none_or(|only| only == point);
    if wanted("findable") {
        findable::run(figures)?;
    }
    if wanted("towers") {
        towers::run(figures)?;
    }
    if wanted("index") {
        index(figures);
    }
    Ok(())
}

fn index(figures: &mut Figures) {
    let (world, mut random) = (World::new(1), Random::new(3));
    let (index, mut exact) = (Index::default(), Exact::default());
    let before_bytes = resident_bytes();
    let mut spent_s = 0.0;
    for item in 0..ITEMS {
        let vector = world.draw(&mut random);
        exact.insert((item, 0), &vector, 0.0);
        if item == ITEMS - CHURNED {
            spent_s = 0.0;
        }
        let begun = thread_cpu_s();
        index.insert(item, 0, &vector, 0.0);
        spent_s += thread_cpu_s() - begun;
    }
    figures.add("retrieval.insert_us", spent_s * 1e6 / CHURNED as f64);
    let begun = thread_cpu_s();
    let tended = index.tend(ITEMS as usize);
    figures.add("retrieval.tend_us", (thread_cpu_s() - begun) * 1e6 / ITEMS as f64);
    figures.add("retrieval.tend_moved_ratio", tended.moved as f64 / ITEMS as f64);
    let stats = index.stats();
    figures.add("retrieval.clusters", stats.clusters as f64);
    figures.add(
        "retrieval.longest_to_mean",
        stats.longest as f64 * stats.clusters as f64 / ITEMS as f64,
    );
    figures.add("retrieval.bytes_per_video", stats.bytes as f64 / ITEMS as f64);
    let queries: Vec<[f32; WIDTH]> = (0..QUERIES).map(|_| world.draw(&mut random)).collect();
    recall(&index, &exact, &queries, figures);
    speed(&index, &queries, figures);
    churn(&index, &world, &mut random, figures);
    let held = (resident_bytes() - before_bytes) / (1 << 20) as f64;
    figures.add("retrieval.rss_with_exact_mb", held);
}

fn recall(index: &Index, exact: &Exact, queries: &[[f32; WIDTH]], figures: &mut Figures) {
    let begun = thread_cpu_s();
    let expected: Vec<Vec<Found>> = queries
        .iter()
        .map(|query| exact.search(query, EXACT_BEST))
        .collect();
    figures.add(
        "retrieval.exact_us",
        (thread_cpu_s() - begun) * 1e6 / queries.len() as f64,
    );
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    for (name, postings_max) in [
        ("retrieval.recall_at_500_of_10k", 10_000),
        ("retrieval.recall_at_500", POSTINGS),
        ("retrieval.recall_at_500_of_40k", 40_000),
    ] {
        let limits = Limits {
            postings_max,
            count_max: CANDIDATES,
        };
        let (mut hits, mut scanned) = (0, 0);
        for (query, expected) in queries.iter().zip(&expected) {
            scanned += index.search(query, &limits, &mut scratch, &mut out).postings;
            let found: HashSet<u64> = out.iter().map(|found| found.item).collect();
            hits += expected.iter().filter(|one| found.contains(&one.item)).count();
        }
        figures.add(name, hits as f64 / (queries.len() * EXACT_BEST) as f64);
        if postings_max == POSTINGS {
            figures.add("retrieval.postings", scanned as f64 / queries.len() as f64);
        }
    }
}

fn speed(index: &Index, queries: &[[f32; WIDTH]], figures: &mut Figures) {
    let limits = Limits {
        postings_max: POSTINGS,
        count_max: CANDIDATES,
    };
    let (mut scratch, mut out, mut times) = (Scratch::default(), Vec::new(), latencies());
    let begun = thread_cpu_s();
    for query in (0..ROUNDS).flat_map(|_| queries) {
        let begun = Instant::now();
        index.search(query, &limits, &mut scratch, &mut out);
        latency_add(&mut times, begun.elapsed());
    }
    let spent_s = thread_cpu_s() - begun;
    figures.add(
        "retrieval.query_us",
        spent_s * 1e6 / (ROUNDS * queries.len()) as f64,
    );
    figures.add_latencies("retrieval.query_", &times);
}

/// Adds and takes out as many, while another thread asks.
fn churn(index: &Index, world: &World, random: &mut Random, figures: &mut Figures) {
    let vectors: Vec<[f32; WIDTH]> = (0..CHURNED).map(|_| world.draw(random)).collect();
    let query = world.draw(random);
    let (stats, resident) = (index.stats(), resident_bytes());
    let done = AtomicBool::new(false);
    let (spent_s, times) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(index, &query, &done));
        let begun = thread_cpu_s();
        for (number, vector) in (0..CHURNED).zip(&vectors) {
            index.insert(ITEMS + number, 0, vector, 0.0);
            index.remove(number * 7 % (ITEMS - 1));
        }
        let spent_s = thread_cpu_s() - begun;
        done.store(true, Ordering::Release);
        let times = asking.join();
        (
            spent_s,
            times.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    let after = index.stats();
    figures.add("retrieval.churn_us", spent_s * 1e6 / CHURNED as f64);
    figures.add_latencies("retrieval.query_while_churning_", &times);
    figures.add("retrieval.queries_while_churning", times.len() as f64);
    figures.add("retrieval.index_mb_before_churn", stats.bytes as f64 / 1e6);
    figures.add("retrieval.index_mb_after_churn", after.bytes as f64 / 1e6);
    figures.add("retrieval.rss_grown_mb", (resident_bytes() - resident) / 1e6);
}

fn ask(index: &Index, query: &[f32; WIDTH], done: &AtomicBool) -> Latencies {
    let limits = Limits {
        postings_max: POSTINGS,
        count_max: CANDIDATES,
    };
    let (mut scratch, mut out, mut times) = (Scratch::default(), Vec::new(), latencies());
    while !done.load(Ordering::Acquire) {
        let begun = Instant::now();
        index.search(query, &limits, &mut scratch, &mut out);
        latency_add(&mut times, begun.elapsed());
    }
    times
}
