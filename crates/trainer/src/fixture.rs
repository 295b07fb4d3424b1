//! Examples for tests: a small world in which some viewers like some videos.

use event::{Example, ExampleKind, Label, Labels, ServedItem, Source, WatchOutcome};
use model::{Config, DenseSpec, HeadSpec, Pool, RowClass, Schema, Side, SlotSpec, rng};
use types::{ImpressionId, VideoId, ViewerId};

use crate::{ExampleShape, LearnerParts, LearnerSettings, TowersSettings};

const SEED: u64 = 5;
/// 2026-11-21T12:00:00Z.
pub const START_MS: i64 = 1_795_262_400_000;
/// One example each so many milliseconds.
pub const STEP_MS: i64 = 20;

/// Slots: viewer, video, creator; dense: quality and age.
pub fn schema() -> Schema {
    let slot = |name: &str, slot, class, side| SlotSpec {
        name: name.to_owned(),
        slot,
        class,
        admission: 1,
        expiry_s: u32::MAX,
        side,
        wide: false,
        pool: Pool::Mean,
    };
    let dense = |name: &str| DenseSpec {
        name: name.to_owned(),
        side: Side::Video,
    };
    Schema {
        slots: vec![
            slot("viewer", 1, RowClass::D8, Side::Viewer),
            slot("video", 2, RowClass::D8, Side::Video),
            slot("creator", 3, RowClass::D8, Side::Video),
        ],
        dense: vec![dense("quality"), dense("age")],
        heads: HeadSpec::standard(),
    }
}

/// Small layers, so that thousands of examples are quick.
pub fn parts() -> LearnerParts {
    let mut config = Config {
        hidden: [16, 16],
        pair_width: 16,
        dense_batch: 32,
        ..Config::default()
    };
    config.embedding.rows_max = 1 << 14;
    config.inputs.sample = 64;
    LearnerParts {
        schema: schema(),
        config,
        seed: SEED,
        shape: ExampleShape {
            dense_defaults: vec![0.0, 0.5],
        },
        settings: LearnerSettings {
            towers: Some(towers()),
            ..LearnerSettings::default()
        },
    }
}

/// Small towers and batches.
fn towers() -> TowersSettings {
    let mut towers = TowersSettings {
        batch: 24,
        ..TowersSettings::default()
    };
    towers.config.hidden = 16;
    towers.config.frequency_cells = 1 << 8;
    towers.config.embedding.rows_max = 1 << 12;
    towers
}

fn unit(salt: u64, i: u64) -> f32 {
    rng::symmetric(SEED, salt, i) * 0.5 + 0.5
}

/// The `i`-th example: a whole watch, or once in ten a late like, or once in thirty a loss.
pub fn example(i: u64) -> Example {
    let (viewer, video) = (rng::bits(SEED, 1, i) % 50 + 1, rng::bits(SEED, 2, i) % 80 + 1);
    let quality = unit(3, video);
    let likely = if viewer % 3 == video % 3 {
        0.5 + 0.4 * quality
    } else {
        0.1 + 0.2 * quality
    };
    let liked = unit(4, i) < likely;
    let item = ServedItem {
        impression: ImpressionId::from_raw(i + 1),
        video: VideoId::from_raw(video),
        duration_ms: 10_000,
        position: 0,
        source: Source::Fresh,
        score: 0.0,
        propensity: 1.0,
        ids: vec![(1, viewer), (2, video), (3, video % 7)],
        features: vec![(0, quality)],
    };
    let like = Labels::of(Label::Like);
    let watched = Example {
        viewer: ViewerId::from_raw(viewer),
        served_ms: at_ms(i) - 10_000,
        item,
        kind: ExampleKind::Watched,
        ended_ms: at_ms(i),
        watch: Some(WatchOutcome {
            watch_ms: (10_000.0 * unit(5, i) * (0.4 + likely)) as i64,
            ended: unit(6, i) < likely,
            loops: 0,
        }),
        known: Labels::ALL,
        yes: if liked && i.is_multiple_of(2) {
            like
        } else {
            Labels::default()
        },
        corrects: Labels::default(),
    };
    let silent = Example {
        watch: None,
        known: Labels::default(),
        yes: Labels::default(),
        ..watched.clone()
    };
    match i % 30 {
        9 | 19 | 29 => Example {
            kind: ExampleKind::Changed(1),
            known: like,
            yes: like,
            corrects: like,
            ..silent
        },
        13 => Example {
            kind: ExampleKind::Lost,
            ..silent
        },
        _ => watched,
    }
}

/// When the `i`-th example was written.
pub fn at_ms(i: u64) -> i64 {
    START_MS + i as i64 * STEP_MS
}
