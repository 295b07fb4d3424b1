//! Scoring, on one core: ten thousand candidates by the light scorer, whose rows lie all over a table of more than a gigabyte, and five
//! hundred by the whole model. Weights are of a model that has learned some thousand examples; features and ids are generated.
//!
//! The light scorer is the trained model with one viewer folded in, over the row of the video (see `ranking::Light`). Folding is a part of each
//! request. A twin in NumPy computes the same network on the same sizes in one thread, where Python is there with it.

mod numpy;
mod world;

use std::time::Instant;

use model::table::Reader;
use model::{DenseVersion, Predictions};
use ranking::{Light, LightScratch, Precision, Ranker};

use crate::figures::{Figures, latencies, latency_add};
use crate::table::{ROWS, Random};
use crate::{BenchError, Setup};
use world::World;

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
    if wanted("10k") {
        let (_writer, videos, _) = crate::table::filled(feature::slot::VIDEO)?;
        light(&world, &videos, figures)?;
    }
    if wanted("numpy") {
        numpy::run(setup, ROWS, figures)?;
    }
    Ok(())
}

fn light(world: &World, videos: &Reader, figures: &mut Figures) -> Result<(), BenchError> {
    let missing = || BenchError::Peer("folding a viewer", "the schema has no such slot".to_owned());
    let (version, table) = (&*world.version, world.table());
    let (mut random, mut scratch, mut scores) = (Random::new(9), LightScratch::default(), Vec::new());
    let (mut all, mut scoring) = (latencies(), latencies());
    for request in 0..REQUESTS + REQUESTS / 10 {
        let ids: Vec<u64> = (0..CANDIDATES).map(|_| random.below(ROWS)).collect();
        let begun = Instant::now();
        let viewer = world.viewer(request);
        let light =
            Light::fold(version, table, viewer, feature::slot::VIDEO, &world.heads).ok_or_else(missing)?;
        let folded = Instant::now();
        light.score(videos, &ids, &mut scratch, &mut scores);
        if request >= REQUESTS / 10 {
            latency_add(&mut all, begun.elapsed());
            latency_add(&mut scoring, folded.elapsed());
        }
    }
    figures.add_latencies("rank.10k.", &all);
    figures.add_latencies("rank.10k.without_folding.", &scoring);
    exactness(world, version, videos, figures);
    Ok(())
}

/// How far the fast scores are from those of the reference, and how many differ by a bit when their candidates come alone or in sevens.
fn exactness(world: &World, version: &DenseVersion, videos: &Reader, figures: &mut Figures) {
    let places: Vec<usize> = world.heads.iter().map(|(head, _)| *head).collect();
    let weights: Vec<f32> = world.heads.iter().map(|(_, weight)| *weight).collect();
    let folded = version.fold(world.table(), world.viewer(0), feature::slot::VIDEO, &places);
    let Some(folded) = folded else { return };
    let mut random = Random::new(11);
    let ids: Vec<u64> = (0..CANDIDATES).map(|_| random.below(ROWS)).collect();
    let mut scratch = LightScratch::default();
    let mut scores = |precision, parts: usize| {
        let light = Light::of(folded.clone(), weights.clone(), precision);
        let (mut part, mut all) = (Vec::new(), Vec::new());
        for ids in ids.chunks(parts) {
            light.score(videos, ids, &mut scratch, &mut part);
            all.append(&mut part);
        }
        all
    };
    let fast = scores(Precision::best(), CANDIDATES);
    let reference = scores(Precision::Single(model::kernels::Isa::SCALAR), CANDIDATES);
    let off = fast
        .iter()
        .zip(&reference)
        .map(|(fast, exact)| (fast - exact).abs());
    figures.add(
        "rank.10k.off_reference_max_e6",
        f64::from(off.fold(0.0, f32::max)) * 1e6,
    );
    let differ = |other: Vec<f32>| {
        fast.iter()
            .zip(&other)
            .filter(|(one, two)| one.to_bits() != two.to_bits())
            .count()
    };
    figures.add(
        "rank.10k.differ_alone",
        differ(scores(Precision::best(), 1)) as f64,
    );
    figures.add(
        "rank.10k.differ_in_sevens",
        differ(scores(Precision::best(), 7)) as f64,
    );
}

fn full(world: &World, figures: &mut Figures) {
    let ranker = Ranker::new(&world.version, world.table());
    let (mut out, mut times) = (Predictions::default(), latencies());
    for request in 0..FULL_REQUESTS + FULL_REQUESTS / 10 {
        let rows = world.candidates(request, FULL);
        let begun = Instant::now();
        ranker.score(&rows, &mut out);
        if request >= FULL_REQUESTS / 10 {
            latency_add(&mut times, begun.elapsed());
        }
    }
    figures.add_latencies("rank.500_full.", &times);
}
