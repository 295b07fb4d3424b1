//! Scoring, on one core: ten thousand candidates by the light scorer, whose rows lie all over a table of more than a gigabyte, and five hundred by the
//! whole model. The weights are of a model that learned from a made-up world (`rank/world.rs`), the rows are extracted from its counters.
//!
//! The light scorer is the trained model with one viewer folded in, over the row of the video and what it brings along (see `ranking::Light`). Folding is
//! a part of each request. A twin in NumPy computes the same network on the same sizes in one thread, where Python is there with it.
//! How well its order agrees with the whole model's is printed too: of the best sixty by the whole model among ten thousand, the share
//! among the light scorer's best five hundred.

mod agreement;
mod numpy;
mod world;

use std::time::Instant;

use model::kernels::{Isa, Precision};
use model::table::Reader;
use model::{DenseVersion, Predictions};
use ranking::{Light, LightScratch, Ranker, row_ref};

use crate::figures::{Figures, latencies, latency_add};
use crate::table::{ROWS, Random};
use crate::{BenchError, Setup};
use world::{World, refs};

const CANDIDATES: usize = 10_000;
const FULL: usize = 500;
/// Requests of a measurement, after as many of warm-up as a tenth.
const REQUESTS: usize = 1_000;
const FULL_REQUESTS: usize = 300;

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let wanted = |point: &str| setup.only.as_deref().is_none_or(|only| only == point);
    let world = World::new()?;
    if wanted("full") {
        full(&world, figures);
    }
    if wanted("agreement") {
        agreement::run(&world, figures)?;
    }
    if wanted("10k") {
        let (_writer, videos, _) = crate::table::filled(feature::slot::VIDEO)?;
        light(&world, &videos, figures)?;
    }
    if wanted("numpy") {
        numpy::run(setup, ROWS, figures)?;
    }
    Ok(())
}

fn missing() -> BenchError {
    BenchError::Peer("folding a viewer", "the schema has no such slot".to_owned())
}

fn light(world: &World, videos: &Reader, figures: &mut Figures) -> Result<(), BenchError> {
    let (version, table) = (&*world.version, world.table());
    let (mut random, mut scratch, mut scores) = (Random::new(9), LightScratch::default(), Vec::new());
    let (mut all, mut scoring) = (latencies(), latencies());
    let dense = dense(CANDIDATES * world.columns.len());
    for number in 0..REQUESTS + REQUESTS / 10 {
        let ids: Vec<u64> = (0..CANDIDATES).map(|_| random.below(ROWS)).collect();
        let row = world.viewer(&world.request(number % 64));
        let begun = Instant::now();
        let (slot, columns) = (feature::slot::VIDEO, &world.columns);
        let light =
            Light::fold(version, table, row_ref(&row), slot, &world.heads, columns).ok_or_else(missing)?;
        let folded = Instant::now();
        light.score(videos, &ids, &dense, &mut scratch, &mut scores);
        if number >= REQUESTS / 10 {
            latency_add(&mut all, begun.elapsed());
            latency_add(&mut scoring, folded.elapsed());
        }
    }
    figures.add_latencies("rank.10k.", &all);
    figures.add_latencies("rank.10k.without_folding.", &scoring);
    exactness(world, version, videos, figures)
}

/// Values that candidates bring along.
fn dense(count: usize) -> Vec<f32> {
    let mut random = Random::new(13);
    (0..count)
        .map(|_| feature::rounded(random.below(2_000) as f32 / 5e2 - 2.0))
        .collect()
}

/// How far the fast scores are from those of the reference, and how many differ by a bit when their candidates come alone or in sevens.
fn exactness(
    world: &World,
    version: &DenseVersion,
    videos: &Reader,
    figures: &mut Figures,
) -> Result<(), BenchError> {
    let places: Vec<usize> = world.heads.iter().map(|(head, _)| *head).collect();
    let weights: Vec<f32> = world.heads.iter().map(|(_, weight)| *weight).collect();
    let row = world.viewer(&world.request(0));
    let slot = feature::slot::VIDEO;
    let folded = version.fold(world.table(), row_ref(&row), slot, &places, &world.columns);
    let folded = folded.ok_or_else(missing)?;
    let (mut random, columns) = (Random::new(11), world.columns.len());
    let ids: Vec<u64> = (0..CANDIDATES).map(|_| random.below(ROWS)).collect();
    let dense = dense(CANDIDATES * columns);
    let mut scratch = LightScratch::default();
    let mut scores = |precision, parts: usize| {
        let light = Light::of(folded.clone(), weights.clone(), precision);
        let (mut part, mut all) = (Vec::new(), Vec::new());
        for (ids, dense) in ids.chunks(parts).zip(dense.chunks(parts * columns)) {
            light.score(videos, ids, dense, &mut scratch, &mut part);
            all.append(&mut part);
        }
        all
    };
    let fast = scores(Precision::best(), CANDIDATES);
    let reference = scores(Precision::Single(Isa::SCALAR), CANDIDATES);
    let pairs = fast.iter().zip(&reference);
    let off = pairs
        .map(|(fast, exact)| (fast - exact).abs())
        .fold(0.0, f32::max);
    figures.add("rank.10k.off_reference_max_e6", f64::from(off) * 1e6);
    for (name, parts) in [("alone", 1), ("in_sevens", 7)] {
        let other = scores(Precision::best(), parts);
        let differ = fast
            .iter()
            .zip(&other)
            .filter(|(one, two)| one.to_bits() != two.to_bits());
        figures.add(&format!("rank.10k.differ_{name}"), differ.count() as f64);
    }
    Ok(())
}

/// The whole model, exact as it learns and as it serves, and the rows that it reads.
fn full(world: &World, figures: &mut Figures) {
    let ranker = Ranker::new(&world.version, world.table());
    let (mut out, mut exact) = (Predictions::default(), Predictions::default());
    let (mut served, mut predicted, mut extracted) = (latencies(), latencies(), latencies());
    let (mut rows, mut off) = (Vec::new(), 0.0_f32);
    for number in 0..FULL_REQUESTS + FULL_REQUESTS / 10 {
        let (request, videos) = (world.request(number), world.videos(number as u64, FULL));
        let begun = Instant::now();
        world.extract(&request, &videos, &mut rows);
        let ready = Instant::now();
        ranker.score(&rows, &mut out);
        let answered = Instant::now();
        world.version.predict(world.table(), &refs(&rows), &mut exact);
        if number >= FULL_REQUESTS / 10 {
            latency_add(&mut extracted, ready - begun);
            latency_add(&mut served, answered - ready);
            latency_add(&mut predicted, answered.elapsed());
        }
        for row in 0..FULL {
            let heads = world
                .heads
                .iter()
                .map(|(head, _)| (out.p(row, *head) - exact.p(row, *head)).abs());
            let watch = (out.watch_quantile(row) - exact.watch_quantile(row)).abs();
            off = heads.fold(off, f32::max).max(watch);
        }
    }
    figures.add_latencies("rank.500_full.", &served);
    figures.add_latencies("rank.500_full.exact.", &predicted);
    figures.add_latencies("rank.500_extract.", &extracted);
    figures.add("rank.500_full.off_exact_max_e6", f64::from(off) * 1e6);
}
