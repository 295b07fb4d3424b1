//! From serving to learning and back, over a real log and a real learner.

use std::sync::Arc;

use candidate_pipeline::{Cut, Hydrator, Source as _};
use event::{Event, Example, ExampleKind, Label, Labels, ServedItem, WatchOutcome, topic};
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use feature::{Context, Impression, Outcome, Registry, Row, StateConfig, Told};
use feature_store::{FeatureStore, LiveFeatures, VideoProfile};
use model::{Embeddings, PlainRows};
use stream::keyed::MemoryObjects;
use trainer::{ExampleShape, TowersSettings, Trainer, TrainerConfig, TrainerParts};
use types::{ImpressionId, UserId, VideoId, ViewerId};

use super::*;
use crate::cut::Best;
use crate::extract::Extract;
use crate::late::Held;
use crate::model::{SourceSet, VideoCandidate};
use crate::quota::Quota;
use crate::sources::Collaborative;
use crate::vectors::{VectorKeeper, VideoVectors};
use crate::{facts, served};

const NOW_MS: i64 = 1_700_000_000_000;
const CLIP_MS: i64 = 12_000;

fn query(viewer: u64, now_ms: i64) -> Query {
    Query {
        seed: 3,
        ..Query::new(ViewerId::from_raw(viewer), now_ms, 20)
    }
}

/// Even videos are of the sea, odd ones of cats.
fn profile(video: u64) -> VideoProfile {
    VideoProfile {
        caption: Arc::from(""),
        video: VideoId::from_raw(video),
        creator: UserId::from_raw(1 + video % 7),
        published_ms: NOW_MS - 1_000_000,
        duration_ms: CLIP_MS,
        hashtags: vec![Arc::from(if video.is_multiple_of(2) { "sea" } else { "cats" })],
        sound: None,
        category: None,
        region: None,
        content: None,
        original: None,
    }
}

fn candidate(video: u64) -> VideoCandidate {
    VideoCandidate::new(0, VideoId::from_raw(video), event::Source::Fresh)
}

/// Who has watched much of everything.
fn busy() -> LiveFeatures {
    let live = LiveFeatures::new(StateConfig::default());
    for at in 0..600_u64 {
        let query = query(1 + at % 5, NOW_MS - 700_000 + at as i64 * 1_000);
        let told = Told {
            open: at % 3 == 0,
            ratio: (at % 10) as f32 / 7.0,
            ..Told::default()
        };
        let impression = Impression {
            viewer: &facts::viewer(&query),
            video: &facts::video(&profile(at % 31)),
            context: &Context {
                at_ms: query.now_ms,
                ..facts::context(&query)
            },
            timed: true,
            outcome: Outcome {
                long_view: at % 3 == 0,
                like: at % 11 == 0,
                told: Some(told),
            },
        };
        live.write(|state| state.observe(&impression));
    }
    live
}

fn extracted(live: &LiveFeatures, query: &Query, candidates: &mut [VideoCandidate]) {
    let profiles = candidates.iter().map(|one| Arc::new(profile(one.video.raw())));
    query.profiles.set(profiles.collect()).expect("none yet");
    for (place, one) in candidates.iter_mut().enumerate() {
        one.place = place as u32;
    }
    let width = Registry::new().dense.len();
    Extract::new(live.clone(), width)
        .hydrate(query, candidates)
        .expect("extracts");
}

fn example(query: &Query, item: ServedItem, likes: bool) -> Example {
    Example {
        viewer: query.viewer,
        served_ms: query.now_ms,
        item,
        kind: ExampleKind::Watched,
        ended_ms: query.now_ms + 1,
        watch: Some(WatchOutcome {
            watch_ms: if likes { CLIP_MS } else { 400 },
            ended: likes,
            loops: 0,
        }),
        known: Labels::ALL,
        yes: if likes {
            Labels::default()
        } else {
            Labels::of(Label::Skip)
        },
        corrects: Labels::default(),
    }
}

/// There and back through the bytes of the log.
fn logged(example: Example) -> Example {
    match Event::decode(&Event::Example(example).encode()) {
        Ok(Event::Example(example)) => example,
        other => panic!("an example: {other:?}"),
    }
}

#[test]
fn what_the_learner_reads_is_what_was_scored_to_the_bit() {
    let (live, query, defaults) = (busy(), query(2, NOW_MS), Registry::new().defaults());
    let mut candidates: Vec<_> = (0..200).map(candidate).collect();
    extracted(&live, &query, &mut candidates);
    let shape = ExampleShape {
        dense_defaults: defaults.clone(),
    };
    let schema = ranking::schema(&Registry::new());
    let config = ranking::config();
    let version = model::DenseVersion::untrained(&schema, &config, 1).expect("a version");
    let table = PlainRows::create(&schema.slots, &config.embedding, 1).expect("a table");
    let (mut served_answers, mut learned_answers) = (Predictions::default(), Predictions::default());
    for (position, candidate) in candidates.iter().enumerate() {
        let row: &Row = query.row(candidate).expect("all have a row");
        let item = served::item(&query, position, candidate, &defaults);
        let example = logged(example(&query, item, true));
        let mut dense = Vec::new();
        assert_eq!(
            shape.dense(&example.item, &mut dense),
            0,
            "every slot has its place"
        );
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&dense), bits(&row.dense), "position {position}");
        assert_eq!(example.item.ids, row.ids);
        assert_eq!(example.item.duration_ms, row.duration_ms);
        let learned = RowRef {
            ids: &example.item.ids,
            dense: &dense,
            duration_s: example.item.duration_ms as f32 / 1_000.0,
        };
        version.predict(&table, &[row_ref(row)], &mut served_answers);
        version.predict(&table, &[learned], &mut learned_answers);
        assert_eq!(
            served_answers.logit(0, 0).to_bits(),
            learned_answers.logit(0, 0).to_bits()
        );
    }
    let telling = query.rows.get().expect("extracted").iter();
    let telling = telling.map(|row| row.logged(&defaults).len()).max();
    assert!(telling > Some(60), "the rows say something: {telling:?}");
}

#[test]
fn the_best_go_on_and_what_may_explore_and_what_the_client_holds() {
    let mut candidates: Vec<_> = (0..900).map(candidate).collect();
    for (at, one) in candidates.iter_mut().enumerate() {
        one.light = (at * 7 % 900) as f32;
        if at % 100 == 50 {
            one.sources = SourceSet::of(event::Source::Explore);
        }
    }
    let cut = Best {
        name: "best",
        about: "",
        keep_max: 200,
    };
    let held = VideoId::from_raw(1);
    let query = Query {
        held: vec![Held::of(ImpressionId::from_raw(9), &candidates[1])],
        ..query(1, NOW_MS)
    };
    let kept = cut.keep(&query, &candidates).expect("cuts");
    assert!((201..=210).contains(&kept.len()), "{}", kept.len());
    for (at, one) in candidates.iter().enumerate() {
        let goes_on = one.light >= 700.0 || one.sources.has(event::Source::Explore) || one.video == held;
        assert_eq!(kept.contains(&at), goes_on, "{one:?}");
    }
}

struct School {
    log: Arc<SegmentLog>,
    trainer: Trainer,
    parts: LearnerParts,
    live: LiveFeatures,
    _folder: tempfile::TempDir,
}

/// Small batches, so that there are many.
fn towers() -> TowersSettings {
    TowersSettings {
        batch: 32,
        ..TowersSettings::default()
    }
}

fn school() -> School {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = SegmentLog::open(folder.path(), SegmentLogConfig::default()).expect("opens");
    let log = Arc::new(log);
    let parts = LearnerParts {
        live: Live::new(),
        control: TrainerControl::new(),
        silence_ms_max: 60_000,
    };
    let registry = Registry::new();
    let trainer = Trainer::open(TrainerParts {
        log: log.clone(),
        objects: Arc::new(MemoryObjects::default()),
        learner: trainer::LearnerParts {
            schema: ranking::schema(&registry),
            config: ranking::config(),
            seed: 1,
            shape: ExampleShape {
                dense_defaults: registry.defaults(),
            },
            settings: trainer::LearnerSettings {
                towers: Some(towers()),
                ..trainer::LearnerSettings::default()
            },
        },
        config: TrainerConfig {
            towers_ms: 0,
            ..TrainerConfig::default()
        },
        live: parts.live.clone(),
        control: parts.control.clone(),
        clock: Arc::new(|| NOW_MS),
    });
    School {
        log,
        trainer: trainer.expect("the learner opens"),
        parts,
        live: LiveFeatures::new(StateConfig::default()),
        _folder: folder,
    }
}

impl School {
    /// Everybody finishes what is of the sea and skips cats, `count` times.
    fn teach(&mut self, count: u64) {
        self.teach_those(count, |_, video| video.is_multiple_of(2));
    }

    /// Who likes which video.
    fn teach_those(&mut self, count: u64, liked: fn(u64, u64) -> bool) {
        let defaults = Registry::new().defaults();
        for at in 0..count {
            let query = query(1 + at % 40, NOW_MS - 500_000 + at as i64 * 100);
            let mut shown = [candidate(at * 5 % 97)];
            extracted(&self.live, &query, &mut shown);
            let item = served::item(&query, 0, &shown[0], &defaults);
            let likes = liked(query.viewer.raw(), item.video.raw());
            let item = ServedItem {
                impression: ImpressionId::from_raw(at + 1),
                ..item
            };
            let append = Append {
                to: TopicPartition {
                    topic: Topic(topic::EXAMPLES),
                    partition: 0,
                },
                at_ms: query.now_ms,
                payload: Event::Example(example(&query, item, likes)).encode().into(),
            };
            drop(self.log.append(vec![append]).expect("queues"));
        }
        let waker = std::task::Waker::noop();
        let mut barrier = std::pin::pin!(self.log.append(vec![]).expect("queues"));
        while barrier
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker))
            .is_pending()
        {
            std::thread::yield_now();
        }
        self.trainer.catch_up().expect("learns");
    }

    fn score(
        &self,
        learner: Option<LearnerParts>,
        candidates: &mut [VideoCandidate],
    ) -> Result<f32, Unlearned> {
        let query = query(3, NOW_MS);
        extracted(&self.live, &query, candidates);
        Learned::new(learner, &Registry::new()).blend(&query, candidates)
    }
}

#[test]
fn without_a_learner_to_rely_on_the_light_score_stands() {
    let mut school = school();
    let light = || {
        [0.3, 0.6].map(|score| VideoCandidate {
            score,
            ..candidate(4)
        })
    };
    let check = |school: &School, learner: Option<LearnerParts>, expect: Unlearned| {
        let mut candidates = light();
        assert_eq!(school.score(learner, &mut candidates), Err(expect));
        assert_eq!(candidates.map(|one| one.score), [0.3, 0.6]);
    };
    check(&school, None, Unlearned::Off);
    check(&school, Some(school.parts.clone()), Unlearned::Missing);
    school.teach(20);
    check(&school, Some(school.parts.clone()), Unlearned::Untrained);
    school.teach(400);
    let silent = LearnerParts {
        control: TrainerControl::new(),
        ..school.parts.clone()
    };
    check(&school, Some(silent), Unlearned::Stale);
    let mut candidates = light();
    let counts = school
        .score(Some(school.parts.clone()), &mut candidates)
        .expect("scores");
    assert!(
        counts > 0.0 && counts < 0.05,
        "the learned value has little say yet: {counts}"
    );
    assert!(candidates[0].score < candidates[1].score);
}

#[test]
fn the_learned_value_tells_new_videos_of_two_kinds_apart() {
    let mut school = school();
    school.teach(3_000);
    // Never shown before: 1 000 is of the sea, 1 001 of cats.
    let mut fresh = [candidate(1_000), candidate(1_001)];
    let query = query(3, NOW_MS);
    extracted(&school.live, &query, &mut fresh);
    let learned = Learned::new(Some(school.parts.clone()), &Registry::new());
    let serving = serving(learned.learner.as_ref(), NOW_MS).expect("a model");
    let (values, say) = learned
        .values(&serving, &learned.value, query.rows.get().expect("rows"))
        .expect("values");
    assert!(values[0] > values[1] + 0.2, "{values:?}");
    assert!(say > 0.1, "{say}");
}

/// Odd viewers like cats and even ones the sea; nobody says so but by watching. The index is asked by the viewer's vector alone.
#[tokio::test]
async fn the_towers_bring_what_a_viewer_of_this_kind_watches_to_the_end() {
    let mut school = school();
    school.teach_those(6_000, |viewer, video| viewer % 2 == video % 2);
    let store = FeatureStore::open(&school._folder.path().join("features.redb"));
    let store = Arc::new(store.expect("opens"));
    (1..97).for_each(|video| store.catalog_put(profile(video)));
    let vectors = VideoVectors::new();
    let from = (store.clone(), school.live.clone(), school.parts.live.clone());
    let mut keeper = VectorKeeper::new(vectors.clone(), from, Arc::new(|| NOW_MS));
    while vectors.stats().1.items < 96 {
        keeper.round(std::time::Duration::ZERO);
    }
    let source = Collaborative {
        store,
        vectors,
        features: school.live.clone(),
        live: Some(school.parts.live.clone()),
        spare: Default::default(),
    };
    for viewer in [3, 4] {
        let mut query = query(viewer, NOW_MS);
        query.asks = Quota::new(50).asks();
        let found = source.retrieve(&query).await.expect("asks");
        assert_eq!(found.len(), query.ask(event::Source::Collaborative));
        let own = found
            .iter()
            .filter(|one| one.video.raw() % 2 == viewer % 2)
            .count();
        assert!(own * 4 >= found.len() * 3, "{own} of {}", found.len());
    }
    let off = Collaborative { live: None, ..source };
    let query = query(3, NOW_MS);
    assert!(off.retrieve(&query).await.expect("asks").is_empty());
}
