//! What the towers cost and learn, with the product's schema and settings, on a made-up world's impressions (see [`crate::train::input`]).
//!
//! A batch is answered before it is learned, so *hits* are of pairs that were not learned from: the share of viewers whose own video comes first among
//! those of the batch. The hundredth part would be a guess.

use feature::Registry;
use model::RowRef;
use model::towers::{Pair, TowerScratch, Towers};
use trainer::TowersSettings;

use crate::BenchError;
use crate::figures::Figures;
use crate::table::process::thread_cpu_s;
use crate::train::input::Recorded;

const COUNTED: u64 = 50_000;
const LEARNED: u64 = 60_000;
/// Steps that are averaged over: the last ones.
const LAST: usize = 40;
/// Vectors made together, as the keeper of the feed does.
const TOGETHER: usize = 32;

pub(super) fn run(figures: &mut Figures) -> Result<(), BenchError> {
    let settings = TowersSettings::default();
    let schema = ranking::schema(&Registry::new());
    let towers = Towers::new(schema, settings.config, 1);
    let mut towers = towers.map_err(|error| BenchError::Peer("making towers", error.to_string()))?;
    let (recorded, _) = Recorded::with_state(COUNTED, LEARNED);
    let examples = (0..LEARNED as usize).map(|at| recorded.example(at));
    let positives: Vec<Pair<'_>> = examples
        .filter(|example| {
            let liked = |watch: model::Watch| watch.watched_s >= settings.watched_min * watch.duration_s;
            example.watch.is_some_and(liked)
        })
        .map(|example| Pair {
            viewer: example.row,
            video: example.row,
            weight: 1.0,
            at_s: example.at_s,
        })
        .collect();
    figures.add(
        "retrieval.towers_positives_ratio",
        positives.len() as f64 / LEARNED as f64,
    );
    let steps = positives.len() / settings.batch;
    let (mut spent_s, mut loss, mut hits) = (0.0, 0.0, 0.0);
    for (step, pairs) in positives.chunks_exact(settings.batch).enumerate() {
        let begun = thread_cpu_s();
        let learned = towers.learn(pairs, &[], 1);
        if step + LAST >= steps {
            spent_s += thread_cpu_s() - begun;
            loss += f64::from(learned.loss) / LAST as f64;
            hits += f64::from(learned.hits) / LAST as f64;
        }
    }
    figures.add(
        "retrieval.towers_us_per_positive",
        spent_s * 1e6 / (LAST * settings.batch) as f64,
    );
    figures.add("retrieval.towers_loss", loss);
    figures.add("retrieval.towers_loss_of_guessing", (settings.batch as f64).ln());
    figures.add("retrieval.towers_hits", hits);
    let version = towers.version();
    let (mut scratch, mut out) = (TowerScratch::default(), Vec::new());
    let rows: Vec<RowRef<'_>> = positives.iter().map(|pair| pair.video).collect();
    let begun = thread_cpu_s();
    for rows in rows.chunks(TOGETHER) {
        version.videos(towers.table(), rows, &mut scratch, &mut out);
    }
    figures.add(
        "retrieval.video_vector_us",
        (thread_cpu_s() - begun) * 1e6 / rows.len() as f64,
    );
    Ok(())
}
