//! Off-policy estimates from what the feed itself logs: pages made by For You over a real log and store, outcomes of known truth, joined as
//! examples are; what other policies would have been worth, against the truth.

use std::sync::Arc;

use evaluation::off_policy::{CellModel, Estimate, Logged, doubly_robust, ips, snips};
use event::{Event, Example, ExampleKind, Labels, ServedItem, Source, VideoChange, WatchOutcome, topic};
use event_log::{EventLog, Record, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use feature::StateConfig;
use feature_store::{FeatureStore, LiveFeatures};
use feed::weights::Counter;
use feed::{Caller, FeedConfig, FeedParts, ForYou, SteeringHandle, VideoVectors};
use jobs::CatalogJob;
use stream::Operator;
use types::{UserId, VideoId, ViewerId};

const NOW_MS: i64 = 1_795_262_400_000;
const VIDEOS: u64 = 48;
/// Parts of the log that the reward model is fitted without, one at a time.
const FOLDS: usize = 5;
/// The doubly robust estimate is within this share of the truth.
const OFF_MAX: f64 = 0.05;
const PAGES: u64 = 4_800;
const TOPICS: [&str; 4] = ["sea", "neon", "cats", "fractal"];

struct World {
    store: Arc<FeatureStore>,
    log: Arc<SegmentLog>,
    for_you: ForYou,
    _folder: tempfile::TempDir,
}

/// Four topics of twelve videos each; ages differ, so that the feed has opinions of its own.
fn world() -> World {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(FeatureStore::open(&folder.path().join("state.redb")).expect("opens"));
    let log =
        Arc::new(SegmentLog::open(&folder.path().join("log"), SegmentLogConfig::default()).expect("opens"));
    let mut catalog = CatalogJob::new(store.clone());
    for video in 1..=VIDEOS {
        let published = Event::Video(VideoChange::Published {
            outbox_id: video,
            video: VideoId::from_raw(video),
            creator: UserId::from_raw(1_000 + video),
            published_ms: NOW_MS - 40_000_000 - (video * 7 % 48) as i64 * 4_000_000,
            duration_ms: 10_000,
            hashtags: vec![topic_of(video).to_owned()],
            sound: None,
            category: None,
            region: None,
            content: None,
            original: None,
            caption: String::new(),
        });
        let record = Record {
            from: TopicPartition {
                topic: Topic(topic::VIDEOS),
                partition: 0,
            },
            offset: video,
            at_ms: NOW_MS,
            payload: published.encode().into(),
        };
        catalog.process(&record).expect("it is a publication");
    }
    let parts = FeedParts {
        store: store.clone(),
        log: log.clone(),
        features: LiveFeatures::new(StateConfig::default()),
        learner: None,
        vectors: VideoVectors::new(),
        steering: SteeringHandle::default(),
        cursor_key: [1; 32],
        seed: 11,
        config: FeedConfig::default(),
    };
    let for_you = ForYou::new(&parts).expect("no component is switched");
    World {
        store,
        log,
        for_you,
        _folder: folder,
    }
}

fn topic_of(video: u64) -> &'static str {
    TOPICS[(video % 4) as usize]
}

/// What nobody but the world knows: how likely a viewer stays. It depends on both, as tastes do.
fn stays(viewer: u64, video: u64) -> f64 {
    let likes = viewer % 4 == video % 4;
    0.15 + if likes { 0.5 } else { 0.0 } + 0.2 * (video % 5) as f64 / 4.0
}

/// A page for each of many viewers who never came before, and what came of the items that were drawn, as examples say it.
async fn examples(world: &World) -> Vec<Example> {
    for viewer in 1..=PAGES {
        let hashtag = [Arc::from(TOPICS[(viewer % 4) as usize])];
        let viewer = ViewerId::from_raw(viewer);
        world
            .store
            .viewer_update(viewer, NOW_MS, |state| {
                state.lean(&hashtag, UserId::from_raw(5), 1.0, NOW_MS);
            })
            .expect("updates");
        let caller = Caller {
            viewer,
            region: None,
            is_adult: false,
        };
        let page = world.for_you.page(caller, None, Some(10), NOW_MS).await;
        assert_eq!(page.expect("a page").entries.len(), 10);
    }
    world
        .log
        .append(vec![])
        .expect("queues")
        .await
        .expect("all before is durable");
    let partitions = (0..world.log.partitions()).map(|partition| TopicPartition {
        topic: Topic(topic::SERVED),
        partition,
    });
    let mut found = Vec::new();
    for from in partitions {
        let mut next = 0;
        while next < world.log.end(from) {
            let records = world.log.read(from, next, 1 << 20).expect("reads");
            for record in &records {
                let Ok(Event::Served(slate)) = Event::decode(&record.payload) else {
                    panic!("a served record")
                };
                let drawn = slate.items.into_iter().filter(is_drawn);
                found.extend(drawn.map(|item| outcome(slate.viewer, item)));
            }
            next += records.len() as u64;
        }
    }
    found
}

fn is_drawn(item: &ServedItem) -> bool {
    matches!(item.source, Source::Explore | Source::Uniform)
}

/// The example of an item, through its bytes.
fn outcome(viewer: ViewerId, item: ServedItem) -> Example {
    let unit = Counter::of_page(99, viewer.raw(), 0, 0).unit(item.video.raw());
    let ended = unit < stays(viewer.raw(), item.video.raw());
    let example = Example {
        viewer,
        served_ms: NOW_MS,
        item,
        kind: ExampleKind::Watched,
        ended_ms: NOW_MS + 5_000,
        watch: Some(WatchOutcome {
            watch_ms: if ended { 10_000 } else { 900 },
            ended,
            loops: 0,
        }),
        known: Labels::ALL,
        yes: Labels::default(),
        corrects: Labels::default(),
    };
    match Event::decode(&Event::Example(example).encode()) {
        Ok(Event::Example(example)) => example,
        other => panic!("an example: {other:?}"),
    }
}

/// A policy: the probability with which it shows a viewer a video.
type Policy = fn(u64, u64) -> f64;

/// Every video alike.
fn even(_: u64, _: u64) -> f64 {
    1.0 / VIDEOS as f64
}

/// Only what the viewer likes, every video of that topic alike.
fn liked(viewer: u64, video: u64) -> f64 {
    if viewer % 4 == video % 4 {
        4.0 / VIDEOS as f64
    } else {
        0.0
    }
}

fn truth(policy: Policy) -> f64 {
    let worth = |viewer: u64| {
        (1..=VIDEOS)
            .map(|video| policy(viewer, video) * stays(viewer, video))
            .sum::<f64>()
    };
    (1..=PAGES).map(worth).sum::<f64>() / PAGES as f64
}

fn logged(examples: &[Example], policy: Policy) -> Vec<Logged> {
    let reward = |example: &Example| {
        let watch = example.watch.expect("it was watched");
        f64::from(u8::from(watch.is_long_view(example.item.duration_ms)))
    };
    // What the reward model tells apart: the topic that the viewer leans to, and that of the video. Of what makes a single video good it knows nothing.
    let topics = TOPICS.len() as u64;
    let cell = |viewer: u64, video: u64| (viewer % topics * topics + video % topics) as usize;
    let choices: Vec<(usize, f64)> = examples
        .iter()
        .map(|example| {
            (
                cell(example.viewer.raw(), example.item.video.raw()),
                reward(example),
            )
        })
        .collect();
    let fitted = CellModel::fit(&choices, (topics * topics) as usize, FOLDS);
    let one = |(place, example): (usize, &Example)| {
        let (viewer, video) = (example.viewer.raw(), example.item.video.raw());
        let model = |video: u64| fitted.of(place, cell(viewer, video));
        Logged {
            reward: reward(example),
            propensity: f64::from(example.item.propensity),
            target: policy(viewer, video),
            model: model(video),
            model_target: (1..=VIDEOS)
                .map(|video| policy(viewer, video) * model(video))
                .sum(),
        }
    };
    examples.iter().enumerate().map(one).collect()
}

#[tokio::test]
async fn other_policies_are_worth_what_the_log_says_within_the_stated_error() {
    let world = world();
    let examples = examples(&world).await;
    assert_eq!(examples.len() as u64, PAGES, "one place of each ten");
    let even_draws = examples
        .iter()
        .filter(|example| example.item.source == Source::Uniform)
        .count();
    assert!((100..300).contains(&even_draws), "about 4 %: {even_draws}");
    let naive = examples
        .iter()
        .filter(|example| example.watch.is_some_and(|watch| watch.ended))
        .count();
    println!(
        "{} draws, {even_draws} of them even; shown to those who were drawn: {:.4}",
        examples.len(),
        naive as f64 / PAGES as f64
    );
    let check = |name: &str, policy: Policy| {
        let (truth, logged) = (truth(policy), logged(&examples, policy));
        let all: [(&str, Estimate); 3] = [
            ("ips", ips(&logged, f64::INFINITY).expect("there is a log")),
            ("snips", snips(&logged, f64::INFINITY).expect("there is a log")),
            (
                "dr",
                doubly_robust(&logged, f64::INFINITY).expect("there is a log"),
            ),
        ];
        for (estimator, estimate) in all {
            let off = (estimate.value - truth).abs();
            println!(
                "{name} {estimator}: {:.4} ± {:.4}, truth {truth:.4}, off {:.1} %, {:.0} effective of {}",
                estimate.value,
                estimate.error,
                off / truth * 100.0,
                estimate.effective,
                logged.len()
            );
            assert!(
                off < 3.0 * estimate.error,
                "{name} {estimator}: {estimate:?} against {truth}"
            );
            assert!(estimate.error < 0.1, "{name} {estimator}: {estimate:?}");
            assert!(
                estimator != "dr" || off <= OFF_MAX * truth,
                "{name}: {estimate:?} against {truth}"
            );
        }
    };
    check("even", even);
    check("liked", liked);
}
