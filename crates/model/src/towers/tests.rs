//! Viewers who like one of eight topics, videos of one topic each.

use std::collections::HashMap;

use super::*;
use crate::rng;
use crate::schema::{DenseSpec, Pool, RowClass, SlotSpec};

const VIEWERS: u64 = 60;
const VIDEOS: u64 = 80;
const TOPICS: u64 = 8;

fn schema() -> Schema {
    let slot = |name: &str, slot, side| SlotSpec {
        name: name.to_owned(),
        slot,
        class: RowClass::D24,
        admission: 1,
        expiry_s: u32::MAX,
        side,
        wide: false,
        pool: Pool::Mean,
    };
    let dense = |name: &str, side| DenseSpec {
        name: name.to_owned(),
        side,
    };
    Schema {
        slots: vec![slot("viewer", 1, Side::Viewer), slot("video", 2, Side::Video)],
        dense: vec![dense("age", Side::Viewer), dense("length", Side::Video)],
        heads: vec![crate::HeadSpec::binary("like")],
    }
}

fn towers() -> Towers {
    let mut config = TowersConfig::default();
    config.adam.rate = 3e-3;
    Towers::new(schema(), config, 5).expect("the schema is sound")
}

fn viewer(id: u64) -> [(u16, u64); 1] {
    [(1, id)]
}

fn video(id: u64) -> [(u16, u64); 1] {
    [(2, id)]
}

fn row<'a>(ids: &'a [(u16, u64)], dense: &'a [f32]) -> RowRef<'a> {
    RowRef {
        ids,
        dense,
        duration_s: 10.0,
    }
}

/// `steps` batches of 32 positives; low video numbers come more often.
fn taught(towers: &mut Towers, from: u64, steps: u64) -> TowersLearned {
    let dense = [0.3, 0.7];
    let mut learned = TowersLearned::default();
    for step in from..from + steps {
        let ids: Vec<_> = (0..32)
            .map(|i| {
                let at = step * 32 + i;
                let person = rng::bits(1, 1, at) % VIEWERS;
                let skew = rng::symmetric(1, 2, at).abs() * rng::symmetric(1, 3, at).abs();
                let video = (skew * (VIDEOS / TOPICS) as f32) as u64 * TOPICS + person % TOPICS;
                (viewer(person), self::video(video))
            })
            .collect();
        let pairs: Vec<Pair<'_>> = ids
            .iter()
            .map(|(viewer, video)| Pair {
                viewer: row(viewer, &dense),
                video: row(video, &dense),
                weight: 1.0,
                at_s: step as u32,
            })
            .collect();
        let negative = video(rng::bits(1, 4, step) % VIDEOS);
        learned = towers.learn(&pairs, &[row(&negative, &dense)], VIDEOS);
    }
    learned
}

/// Share of the ten nearest videos that are of the viewer's topic, and mean number of the videos (low is popular).
fn nearest(towers: &Towers) -> (f32, f32) {
    let dense = [0.3, 0.7];
    let ids: Vec<_> = (0..VIDEOS).map(video).collect();
    let rows: Vec<_> = ids.iter().map(|ids| row(ids, &dense)).collect();
    let (mut scratch, mut videos, mut person) = (TowerScratch::default(), Vec::new(), Vec::new());
    towers.videos(&rows, &mut scratch, &mut videos);
    let (mut right, mut number) = (0.0, 0.0);
    for id in 0..VIEWERS {
        towers.viewers(&[row(&viewer(id), &dense)], &mut scratch, &mut person);
        let score = |unit: &[f32]| -> f32 { unit.iter().zip(&person).map(|(a, b)| a * b).sum() };
        let mut order: Vec<(f32, u64)> = videos.chunks(WIDTH).map(score).zip(0..).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, video) in &order[..10] {
            right += f32::from(u8::from(video % TOPICS == id % TOPICS)) / 10.0;
            number += *video as f32 / 10.0;
        }
    }
    (right / VIEWERS as f32, number / VIEWERS as f32)
}

#[test]
fn viewers_find_their_topic() {
    let mut towers = towers();
    let (before, _) = nearest(&towers);
    assert!(before < 0.3, "nothing is known at the start: {before}");
    let first = taught(&mut towers, 0, 1).loss;
    let last = taught(&mut towers, 1, 400);
    let (after, _) = nearest(&towers);
    assert!(after > 0.9, "{after} of the nearest fit");
    assert!(last.loss < first, "{first} became {}", last.loss);
}

#[test]
fn vectors_have_length_one() {
    let mut towers = towers();
    taught(&mut towers, 0, 30);
    let dense = [0.3, 0.7];
    let (mut scratch, mut out) = (TowerScratch::default(), Vec::new());
    towers.videos(
        &[row(&video(3), &dense), row(&video(999), &dense)],
        &mut scratch,
        &mut out,
    );
    for unit in out.chunks(WIDTH) {
        let length: f32 = unit.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
    }
}

#[test]
fn towers_are_a_function_of_their_pairs_and_survive_a_restart() {
    let mut straight = towers();
    taught(&mut straight, 0, 40);
    let mut interrupted = towers();
    taught(&mut interrupted, 0, 20);
    let mut stored = HashMap::new();
    let chunks = interrupted.snapshot(|name, bytes| {
        stored.insert(*name, bytes.to_vec());
        Ok(())
    });
    let chunks = chunks.expect("a map takes everything");
    let parts = (schema(), interrupted.config, 5);
    let get = |name: &ChunkId| {
        stored
            .get(name)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let mut restored: Towers = Towers::restore(parts, &chunks, get).expect("all chunks are there");
    assert_eq!(restored.state_hash(), interrupted.state_hash());
    taught(&mut restored, 20, 20);
    assert_eq!(restored.state_hash(), straight.state_hash());
}

/// The gradient of the loss with respect to one weight, against a difference.
#[test]
fn weights_have_the_slope_of_the_loss() {
    let dense = [0.3, 0.7];
    let ids: Vec<_> = (0..8).map(|i| (viewer(i), video(i))).collect();
    let loss = |nudge: Option<(usize, f32)>| -> (f32, Vec<f32>) {
        let mut towers = towers();
        taught(&mut towers, 0, 5);
        if let Some((at, by)) = nudge {
            towers.viewer.nudge(at, by);
        }
        // A step so small that it only tells the direction.
        towers.config.adam.rate = 0.0;
        let before = towers.viewer.moment();
        let pairs: Vec<Pair<'_>> = ids
            .iter()
            .map(|(viewer, video)| Pair {
                viewer: row(viewer, &dense),
                video: row(video, &dense),
                weight: 1.0,
                at_s: 9,
            })
            .collect();
        let learned = towers.learn(&pairs, &[], VIDEOS);
        let after = towers.viewer.moment();
        let gradient = before
            .iter()
            .zip(&after)
            .map(|(before, after)| (after - 0.9 * before) / 0.1);
        (learned.loss, gradient.collect())
    };
    let (_, gradient) = loss(None);
    let mut largest: Vec<usize> = (0..gradient.len()).collect();
    largest.sort_by(|a, b| gradient[*b].abs().total_cmp(&gradient[*a].abs()));
    for at in largest.into_iter().step_by(40).take(8) {
        let nudge = 5e-3;
        let slope = (loss(Some((at, nudge))).0 - loss(Some((at, -nudge))).0) / (2.0 * nudge);
        let error = (slope - gradient[at]).abs();
        assert!(
            error < 0.05 * slope.abs() + 2e-3,
            "weight {at}: {} instead of {slope}",
            gradient[at]
        );
    }
}

impl Tower {
    fn nudge(&mut self, at: usize, by: f32) {
        self.test_weights()[at] += by;
    }

    fn moment(&mut self) -> Vec<f32> {
        self.test_moment().to_vec()
    }
}
