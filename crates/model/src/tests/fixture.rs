//! A small world of viewers, videos and tags whose truth is known.

use crate::kernels::sigmoid;
use crate::{
    Config, DenseSpec, ExampleKind, ExampleRef, HeadSpec, Model, Pool, Predictions, RowClass, RowRef, Schema,
    Side, SlotSpec, Watch, rng,
};

pub const VIEWERS: u64 = 40;
pub const VIDEOS: u64 = 60;
pub const SEED: u64 = 11;

/// Slots: viewer, video, tags (pooled), language (wide), last watched (attends to video).
pub fn schema() -> Schema {
    let slot = |name: &str, slot, class, side| SlotSpec {
        name: name.to_owned(),
        slot,
        class,
        admission: 1,
        expiry_s: u32::MAX,
        side,
        wide: name == "language",
        pool: if name == "watched" {
            Pool::Attend { target: 2 }
        } else {
            Pool::Mean
        },
    };
    let dense = |name: &str| DenseSpec {
        name: name.to_owned(),
        side: Side::Video,
    };
    Schema {
        slots: vec![
            slot("viewer", 1, RowClass::D24, Side::Viewer),
            slot("video", 2, RowClass::D24, Side::Video),
            slot("tag", 5, RowClass::D8, Side::Video),
            slot("language", 7, RowClass::D8, Side::Viewer),
            slot("watched", 9, RowClass::D24, Side::Viewer),
        ],
        dense: vec![dense("quality"), dense("age"), dense("noise")],
        heads: HeadSpec::standard(),
    }
}

/// Small layers and steps that are visible within a few thousand examples.
pub fn config() -> Config {
    let mut config = Config {
        hidden: [32, 16],
        dense_batch: 16,
        ..Config::default()
    };
    config.adam.rate = 3e-3;
    config.ftrl.alpha = 0.02;
    config.ftrl.buckets = true;
    config.inputs.refresh = 1024;
    config
}

/// An example that owns its parts.
#[derive(Debug, Clone)]
pub struct Owned {
    pub ids: Vec<(u16, u64)>,
    pub dense: Vec<f32>,
    pub targets: Vec<f32>,
    pub watch: Option<Watch>,
    pub kind: ExampleKind,
    pub at_s: u32,
    /// True probability of a like.
    pub like: f32,
}

impl Owned {
    pub fn row(&self) -> RowRef<'_> {
        RowRef {
            ids: &self.ids,
            dense: &self.dense,
            duration_s: 20.0,
        }
    }

    pub fn example(&self) -> ExampleRef<'_> {
        ExampleRef {
            row: self.row(),
            targets: &self.targets,
            watch: self.watch,
            weight: 1.0,
            kind: self.kind,
            at_s: self.at_s,
        }
    }
}

/// The `i`-th impression: a like when viewer and video are of one kind, likelier with quality; other heads follow loosely.
pub fn impression(i: u64) -> Owned {
    let draw = |salt: u64| rng::bits(SEED, salt, i);
    let (viewer, video) = (draw(1) % VIEWERS, draw(2) % VIDEOS);
    let quality = rng::symmetric(SEED, 3, video);
    let same = viewer % 2 == video % 2;
    let like = sigmoid(if same { 1.5 } else { -2.5 } + 1.5 * quality);
    let unit = |salt: u64| rng::symmetric(SEED, salt, i) * 0.5 + 0.5;
    let happens = |salt: u64, p: f32| f32::from(u8::from(unit(salt) < p));
    let liked = happens(4, like);
    let watched_s = 20.0 * unit(5) * (0.3 + 0.7 * like);
    let seen = |salt: u64| (9, rng::bits(SEED, salt, i) % VIDEOS);
    Owned {
        ids: vec![
            (1, viewer),
            (2, video),
            (5, video % 7),
            (5, 10 + video % 3),
            (7, viewer % 3),
            seen(6),
            seen(7),
            seen(8),
            (800, 1),
        ],
        dense: vec![(quality * 3.0).exp(), (i % 100) as f32, unit(9)],
        targets: vec![
            happens(10, like * 0.8),
            liked,
            1.0 - liked,
            liked,
            happens(11, 0.05),
            f32::NAN,
            happens(12, 0.1 * like),
            happens(13, 0.1 * (1.0 - like)),
            f32::NAN,
        ],
        watch: Some(Watch {
            watched_s,
            duration_s: 20.0,
            censored: i.is_multiple_of(10),
        }),
        kind: ExampleKind::Outcome,
        at_s: i as u32,
        like,
    }
}

/// Learns the impressions [from, to) in calls of `batch`; answers the predictions of all of them for a head.
pub fn learn(model: &mut Model, from: u64, to: u64, batch: usize, head: &str) -> Vec<f32> {
    let head = model.schema().head(head).expect("a head of the schema");
    let impressions: Vec<Owned> = (from..to).map(impression).collect();
    let mut out = Predictions::default();
    let mut answers = Vec::new();
    for part in impressions.chunks(batch) {
        let examples: Vec<ExampleRef<'_>> = part.iter().map(Owned::example).collect();
        model.learn(&examples, &mut out);
        answers.extend((0..out.len()).map(|row| out.p(row, head)));
    }
    answers
}

pub fn model() -> Model {
    Model::new(schema(), config(), SEED).expect("the schema is sound")
}
