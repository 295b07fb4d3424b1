//! Whether the light scorer keeps what the whole model likes best: with what candidates bring along, and by their rows alone.

use model::Predictions;
use ranking::{Light, LightScratch, Ranker, row_ref};

use super::world::{Request, World};
use super::{CANDIDATES, FULL, missing};
use crate::BenchError;
use crate::figures::Figures;

/// Requests that are looked at.
const REQUESTS: usize = 20;
/// The best by the whole model.
const BEST: usize = 60;

pub(super) fn run(world: &World, figures: &mut Figures) -> Result<(), BenchError> {
    let mut kept = [0, 0];
    for number in 0..REQUESTS {
        let (request, videos) = (world.request(number), world.videos(number as u64, CANDIDATES));
        let best = top(&values(world, &request, &videos), BEST);
        let ids: Vec<u64> = videos.iter().map(|video| video.video.raw()).collect();
        let dense = world.light(&request, &videos);
        for (kept, (columns, dense)) in kept
            .iter_mut()
            .zip([(&world.columns[..], &dense[..]), (&[], &[])])
        {
            let row = world.viewer(&request);
            let (table, slot) = (world.table(), feature::slot::VIDEO);
            let light = Light::fold(&world.version, table, row_ref(&row), slot, &world.heads, columns);
            let mut scores = Vec::new();
            light
                .ok_or_else(missing)?
                .score(table, &ids, dense, &mut LightScratch::default(), &mut scores);
            let light = top(&scores, FULL);
            *kept += best.iter().filter(|place| light.contains(place)).count();
        }
    }
    let share = |kept: usize| kept as f64 / (REQUESTS * BEST) as f64;
    figures.add("rank.agreement.best_60_in_500", share(kept[0]));
    figures.add("rank.agreement.best_60_in_500.rows_alone", share(kept[1]));
    figures.add(
        "rank.agreement.best_60_in_500.chance",
        FULL as f64 / CANDIDATES as f64,
    );
    Ok(())
}

/// What the whole model says each is worth.
fn values(world: &World, request: &Request, videos: &[feature::VideoFacts]) -> Vec<f32> {
    let ranker = Ranker::new(&world.version, world.table());
    let (mut rows, mut out, mut values) = (Vec::new(), Predictions::default(), Vec::new());
    for videos in videos.chunks(FULL) {
        world.extract(request, videos, &mut rows);
        ranker.score(&rows, &mut out);
        values.extend((0..out.len()).map(|row| world.value.of(&out, row)));
    }
    values
}

/// Places of the highest.
fn top(scores: &[f32], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..scores.len()).collect();
    places.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    places.truncate(count);
    places
}
