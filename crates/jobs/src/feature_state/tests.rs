//! What is counted of examples, and that it survives: restarts, damage, another epoch, other bounds.

use std::sync::Arc;

use event::{Example, ExampleKind, Label, Labels, ServedItem, Source, WatchOutcome};
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, TopicPartition};
use feature::{Row, State, StateConfig, slot};
use stream::keyed::{CheckpointError, JobControl, JobTools, MemoryObjects, Objects};
use stream::{Driver, DriverConfig, JobError};
use types::{ImpressionId, VideoId, ViewerId};

use super::*;

const NOON_MS: i64 = 1_795_262_400_000;
const OF: TopicPartition = TopicPartition {
    topic: Topic(topic::EXAMPLES),
    partition: 0,
};

fn example(at: u64, kind: ExampleKind) -> Example {
    let (viewer, video) = (1 + at % 9, 100 + at % 23);
    let item = ServedItem {
        impression: ImpressionId::from_raw(at + 1),
        video: VideoId::from_raw(video),
        duration_ms: 10_000,
        position: 0,
        source: Source::Fresh,
        score: 0.5,
        propensity: 1.0,
        ids: vec![
            (slot::VIEWER, viewer),
            (slot::SURFACE, 1),
            (slot::TRAITS, 4),
            (slot::VIDEO, video),
            (slot::CREATOR, 50 + video % 5),
            (slot::TOPIC, 7),
            (slot::TOPIC, 8 + video % 2),
        ],
        features: vec![],
    };
    let watched = Example {
        viewer: ViewerId::from_raw(viewer),
        served_ms: NOON_MS + at as i64 * 1_000,
        item,
        kind,
        ended_ms: NOON_MS + at as i64 * 1_000 + 500,
        watch: Some(WatchOutcome {
            watch_ms: if at.is_multiple_of(3) { 10_000 } else { 800 },
            ended: at.is_multiple_of(3),
            loops: 0,
        }),
        known: Labels::ALL,
        yes: Labels::default(),
        corrects: Labels::default(),
    };
    match kind {
        ExampleKind::Changed(_) => Example {
            watch: None,
            known: Labels::of(Label::Like),
            yes: Labels::of(Label::Like),
            corrects: Labels::of(Label::Like),
            ..watched
        },
        _ => watched,
    }
}

/// A mix of everything.
fn mixed(at: u64) -> Example {
    let kind = match at % 13 {
        5 => ExampleKind::Changed(1),
        7 => ExampleKind::Recovered,
        8 => ExampleKind::Lost,
        _ => ExampleKind::Watched,
    };
    example(at, kind)
}

struct House {
    log: Arc<SegmentLog>,
    objects: Arc<MemoryObjects>,
    config: StateConfig,
    _folder: tempfile::TempDir,
}

type Running = Driver<FeatureStateJob, Snapshots>;

fn house() -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = SegmentLog::open(folder.path(), SegmentLogConfig::default()).expect("opens");
    House {
        log: Arc::new(log),
        objects: Arc::default(),
        config: StateConfig::default(),
        _folder: folder,
    }
}

impl House {
    fn write(&self, examples: impl Iterator<Item = Example>) {
        let appends = examples.map(|example| Append {
            to: OF,
            at_ms: example.ended_ms,
            payload: Event::Example(example).encode().into(),
        });
        let written = self.log.append(appends.collect()).expect("queues");
        event_log::block_on(written).expect("lasts");
    }

    fn open(&self) -> Result<(Running, LiveFeatures), CheckpointError> {
        let live = LiveFeatures::new(self.config);
        let snapshots = Snapshots::open(SnapshotParts {
            live: live.clone(),
            log: self.log.clone(),
            objects: self.objects.clone(),
            config: self.config,
            clock: Arc::new(|| NOON_MS),
        })?;
        let job = FeatureStateJob::new(live.clone());
        let driver = Driver::new(
            self.log.clone(),
            Arc::new(snapshots),
            job,
            DriverConfig::default(),
        );
        Ok((driver, live))
    }

    /// Opens and catches up; how many records that took, and the state.
    fn caught_up(&self) -> (u64, LiveFeatures) {
        let (mut driver, live) = self.open().expect("opens");
        (driver.catch_up().expect("catches up"), live)
    }

    fn versions(&self) -> Vec<u64> {
        let tools = JobTools::new(self.objects.clone());
        let checkpoints = tools.checkpoints(job::FEATURE_STATE).expect("lists");
        checkpoints.iter().map(|manifest| manifest.version).collect()
    }

    fn state_objects(&self) -> Vec<String> {
        self.objects.list("jobs/feature_state/state/").expect("lists")
    }

    fn spoil(&self, key: &str) {
        let mut bytes = self.objects.get(key).expect("gets").expect("is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        self.objects.delete(key).expect("deletes");
        self.objects.put_if_absent(key, &bytes).expect("puts");
    }
}

fn bytes(live: &LiveFeatures) -> Vec<u8> {
    live.read(State::encode)
}

#[test]
fn outcomes_reach_the_features_of_the_next_page() {
    let house = house();
    house.write((0..30).map(|at| example(at, ExampleKind::Watched)));
    let (read, live) = house.caught_up();
    assert_eq!(read, 30);
    let facts = Facts::of(&example(0, ExampleKind::Watched)).expect("ids");
    let liked = |live: &LiveFeatures| {
        let mut row = Row::default();
        live.read(|state| {
            state
                .query(&facts.viewer, &facts.context)
                .extract(&facts.video, &mut row);
            state.seen_of_viewer(&facts.viewer)
        });
        let slot = feature::Registry::new()
            .slot("viewer_creator.like.all")
            .expect("a feature");
        row.dense[slot]
    };
    let before = liked(&live);
    assert_eq!(live.read(|state| state.seen_of_viewer(&facts.viewer)), 4);
    house.write([example(0, ExampleKind::Changed(1))].into_iter());
    assert!(liked(&house.caught_up().1) > before, "a late like counts");
}

#[test]
fn what_was_never_counted_is_not_corrected_and_what_has_no_ids_is_passed_over() {
    let house = house();
    let lost = example(1, ExampleKind::Lost);
    let late_like = Example {
        corrects: Labels::default(),
        ..example(1, ExampleKind::Changed(1))
    };
    let mut plain = example(2, ExampleKind::Watched);
    plain.item.ids.clear();
    house.write([lost, late_like, plain].into_iter());
    let (read, live) = house.caught_up();
    assert_eq!((read, live.read(State::observed)), (3, 0));
    assert_eq!(bytes(&live), State::new(house.config).encode());
}

#[test]
fn a_restart_goes_on_from_the_checkpoint_to_the_same_bytes() {
    let (house, straight) = (house(), house());
    straight.write((0..900).map(mixed));
    let expect = bytes(&straight.caught_up().1);
    let mut read = 0;
    for part in 0..9 {
        house.write((part * 100..part * 100 + 100).map(mixed));
        // Dropped without a word: what was committed by catching up is all that stays.
        read += house.caught_up().0;
    }
    assert_eq!(read, 900, "every example is read once");
    assert_eq!(bytes(&house.caught_up().1), expect);
    assert_eq!(house.versions().len(), 3, "old checkpoints go");
}

#[test]
fn damage_costs_time_and_nothing_else() {
    let house = house();
    house.write((0..200).map(mixed));
    house.caught_up();
    house.write((200..400).map(mixed));
    let expect = bytes(&house.caught_up().1);
    let objects = house.state_objects();
    assert_eq!(objects.len(), 2, "the checkpoint before is kept: {objects:?}");
    house.spoil(&objects[1]);
    let (read, live) = house.caught_up();
    assert_eq!((read, bytes(&live) == expect), (200, true), "from the one before");
    house
        .state_objects()
        .iter()
        .for_each(|key| house.objects.delete(key).expect("deletes"));
    let (read, live) = house.caught_up();
    assert_eq!((read, bytes(&live) == expect), (400, true), "from the log");
    let manifests = house.objects.list("jobs/feature_state/manifest/").expect("lists");
    for key in manifests {
        house.objects.delete(&key).expect("deletes");
        house.objects.put_if_absent(&key, b"no manifest").expect("puts");
    }
    let (read, live) = house.caught_up();
    assert_eq!((read, bytes(&live) == expect), (400, true), "manifests too");
}

#[test]
fn a_checkpoint_ahead_of_the_log_gives_way() {
    let (long, short) = (house(), house());
    long.write((0..50).map(mixed));
    long.caught_up();
    short.write((0..20).map(mixed));
    let moved = House {
        log: short.log.clone(),
        objects: long.objects.clone(),
        config: long.config,
        _folder: tempfile::tempdir().expect("a temporary folder"),
    };
    let (read, live) = moved.caught_up();
    assert_eq!(read, 20);
    assert_eq!(bytes(&live), bytes(&short.caught_up().1));
}

#[test]
fn who_took_over_fences_who_was_there() {
    let house = house();
    let (mut first, _) = house.open().expect("opens");
    let (mut second, _) = house.open().expect("opens");
    house.write((0..10).map(mixed));
    second.catch_up().expect("the newer one goes on");
    let error = first.catch_up().expect_err("fenced");
    assert!(matches!(error, JobError::Ended { .. }), "{error}");
}

#[test]
fn other_bounds_keep_what_fits() {
    let mut house = house();
    house.write((0..300).map(mixed));
    house.caught_up();
    house.config = StateConfig {
        entities_max: 16,
        crosses_max: 64,
        rings_max: 4,
    };
    house.write((300..400).map(mixed));
    let (read, live) = house.caught_up();
    assert_eq!(read, 100);
    let [entities, crosses, rings] = live.read(State::sizes);
    assert!(
        entities <= 16 && crosses <= 64 && rings <= 4,
        "{entities} {crosses} {rings}"
    );
}

#[test]
fn a_checkpoint_is_made_when_one_is_asked_for() {
    let house = house();
    house.write((0..10).map(mixed));
    let (driver, _) = house.open().expect("opens");
    let control = JobControl::new();
    let mut driver = driver.with_control(&control);
    driver.catch_up().expect("catches up");
    let before = house.versions();
    control.checkpoint_request();
    assert_eq!(control.status().job, job::FEATURE_STATE);
    let running = stream::spawn(driver).expect("runs");
    while house.versions() == before {
        std::thread::yield_now();
    }
    running.stop();
    running.join().expect("ends in order");
}

#[test]
fn a_replay_that_was_asked_for_reads_the_log_anew() {
    let house = house();
    house.write((0..100).map(mixed));
    let expect = bytes(&house.caught_up().1);
    let tools = JobTools::new(house.objects.clone());
    tools.replay(job::FEATURE_STATE, &[]).expect("replays");
    let (read, live) = house.caught_up();
    assert_eq!((read, bytes(&live) == expect), (100, true));
    let restored = house.versions()[0];
    tools.restore(job::FEATURE_STATE, restored).expect("restores");
    assert_eq!(bytes(&house.caught_up().1), expect);
}
