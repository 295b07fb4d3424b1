//! What is counted and decided about new videos, over a real log and a real state file.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use event::{Labels, PoolChange, PoolVerdict, ServedItem, Source, WatchOutcome};
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, TopicPartition};
use feature_store::{CREATOR_OWED_MAX, OWED_IMPRESSIONS, PoolState};
use stream::{Driver, DriverConfig};
use types::{ImpressionId, UserId, VideoId, ViewerId};

use super::*;
use crate::CatalogJob;

const NOON_MS: i64 = 1_795_262_400_000;
const HOUR_MS: i64 = 3_600_000;
const PARTITIONS: u16 = 4;

fn example(video: u64, number: u64, kind: ExampleKind, went_well: bool) -> Example {
    let item = ServedItem {
        impression: ImpressionId::from_raw(video * 1_000_000 + number + 1),
        video: VideoId::from_raw(video),
        duration_ms: 10_000,
        position: 4,
        source: Source::Explore,
        score: 0.5,
        propensity: 0.25,
        ids: vec![],
        features: vec![],
    };
    let watch = WatchOutcome {
        watch_ms: if went_well { 10_000 } else { 900 },
        ended: went_well,
        loops: 0,
    };
    Example {
        viewer: ViewerId::from_raw(1 + number),
        served_ms: NOON_MS,
        item,
        kind,
        ended_ms: NOON_MS + number as i64,
        watch: matches!(kind, ExampleKind::Watched | ExampleKind::Recovered).then_some(watch),
        known: Labels::ALL,
        yes: Labels::default(),
        corrects: Labels::default(),
    }
}

fn shared(mut example: Example) -> Example {
    let share = Labels::of(Label::Share);
    example.yes = share;
    if matches!(example.kind, ExampleKind::Changed(_)) {
        (example.known, example.corrects) = (share, share);
    }
    example
}

#[test]
fn every_kind_of_example_counts_as_what_it_says() {
    let check = |example: Example, expect: (i64, i64, i64)| {
        let counts = counts_of(&example);
        let counts = (counts.impressions, counts.trials, counts.successes);
        assert_eq!(counts, expect, "{example:?}");
    };
    check(example(1, 0, ExampleKind::Watched, true), (1, 1, 1));
    check(example(1, 0, ExampleKind::Watched, false), (1, 1, 0));
    check(shared(example(1, 0, ExampleKind::Watched, false)), (1, 2, 1));
    // Not heard of: an impression, and nothing is held against the video.
    let lost = Example {
        known: Labels::default(),
        ..example(1, 0, ExampleKind::Lost, false)
    };
    check(lost, (1, 0, 0));
    let recovered = Example {
        known: Labels::default(),
        ..example(1, 0, ExampleKind::Recovered, true)
    };
    check(recovered, (0, 1, 1));
    check(shared(example(1, 0, ExampleKind::Changed(1), false)), (0, 1, 1));
    let liked = Example {
        known: Labels::of(Label::Like),
        yes: Labels::of(Label::Like),
        ..example(1, 0, ExampleKind::Changed(1), false)
    };
    check(liked, (0, 0, 0));
}

struct House {
    store: Arc<FeatureStore>,
    log: Arc<SegmentLog>,
    now_ms: Arc<AtomicI64>,
}

impl House {
    fn open(folder: &Path) -> Self {
        let config = SegmentLogConfig {
            partitions: PARTITIONS,
            ..SegmentLogConfig::default()
        };
        Self {
            store: Arc::new(FeatureStore::open(&folder.join("state.redb")).expect("opens")),
            log: Arc::new(SegmentLog::open(&folder.join("log"), config).expect("opens")),
            now_ms: Arc::new(AtomicI64::new(NOON_MS)),
        }
    }

    fn write(&self, events: impl Iterator<Item = (u64, Event)>) {
        let appends = events.map(|(key, event)| Append {
            to: TopicPartition {
                topic: Topic(event.topic()),
                partition: event::partition_of(ViewerId::from_raw(key), PARTITIONS),
            },
            at_ms: self.now_ms.load(Ordering::Relaxed),
            payload: event.encode().into(),
        });
        let written = self.log.append(appends.collect()).expect("queues");
        event_log::block_on(written).expect("lasts");
    }

    /// A video of one hashtag, published at noon.
    fn publish(&self, video: u64, creator: u64) {
        let published = Event::Video(published(video, creator));
        self.write(std::iter::once((video, published)));
    }

    fn watch(&self, video: u64, count: u64, good: impl Fn(u64) -> bool) {
        let from = self.store.pool_row(VideoId::from_raw(video));
        let from = from.map_or(0, |row| row.counts.impressions.unsigned_abs());
        let examples =
            (from..from + count).map(|number| example(video, number, ExampleKind::Watched, good(number)));
        self.write(examples.map(|example| (example.viewer.raw(), Event::Example(example))));
    }

    fn catch_up(&self) {
        self.read(CatalogJob::new(self.store.clone()));
        self.read(PoolsJob::new(self.store.clone()));
    }

    fn read(&self, job: impl Operator) {
        let mut driver = Driver::new(self.log.clone(), self.store.clone(), job, DriverConfig::default());
        driver.catch_up().expect("catches up");
    }

    fn ladder(&self) -> Ladder {
        let now_ms = self.now_ms.clone();
        let clock = Arc::new(move || now_ms.load(Ordering::Relaxed));
        Ladder::new(self.store.clone(), self.log.clone(), clock)
    }

    /// One round; what was decided has been read back.
    fn decide(&self, ladder: &mut Ladder) -> usize {
        let decided = ladder.round();
        event_log::block_on(self.log.append(vec![]).expect("queues")).expect("lasts");
        self.catch_up();
        decided
    }

    fn state(&self, video: u64) -> PoolState {
        self.store
            .pool_row(VideoId::from_raw(video))
            .expect("it is known")
            .state()
    }

    /// Every row, by video, as text.
    fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        self.store
            .pools_each(|video, row| rows.push(format!("{video} {row:?}")));
        rows.sort_unstable();
        rows
    }
}

fn published(video: u64, creator: u64) -> VideoChange {
    VideoChange::Published {
        outbox_id: video,
        video: VideoId::from_raw(video),
        creator: UserId::from_raw(creator),
        published_ms: NOON_MS,
        duration_ms: 10_000,
        hashtags: vec!["sea".to_owned()],
        sound: None,
        category: None,
        region: None,
        caption: String::new(),
        content: None,
        original: None,
    }
}

/// Twelve ordinary videos, so that there is a median: two in five are watched to the end.
fn peers(house: &House) {
    for video in 101..=112 {
        house.publish(video, video);
    }
    house.catch_up();
    for video in 101..=112 {
        house.watch(video, 120, |number| number % 5 < 2);
    }
    house.catch_up();
}

#[test]
fn a_good_video_goes_on_a_bad_one_stops_and_an_ordinary_one_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let house = House::open(folder.path());
    peers(&house);
    for video in [1, 2, 3] {
        house.publish(video, 9);
    }
    house.catch_up();
    house.watch(1, 199, |number| number % 5 < 3);
    house.watch(2, 199, |number| number % 10 < 1);
    house.watch(3, 199, |number| number % 5 < 2);
    house.catch_up();
    let mut ladder = house.ladder();
    assert_eq!(
        house.decide(&mut ladder),
        0,
        "what is owed is given first, however it goes"
    );
    for video in [1, 2, 3] {
        house.watch(video, 1, |_| false);
    }
    house.catch_up();
    assert_eq!(house.decide(&mut ladder), 2);
    assert_eq!(house.state(1), PoolState::In(1));
    assert_eq!(house.state(2), PoolState::Stopped);
    assert_eq!(house.state(3), PoolState::In(0), "nothing is certain about it");
    let board = house.store.pool_board();
    assert!(
        (board.medians[0][1].rate - 0.4).abs() < 0.01,
        "{:?}",
        board.medians[0]
    );
    assert_eq!(house.decide(&mut ladder), 0, "nothing is decided twice");
    let tried = &house.store.pool_board().tried;
    assert!(tried.contains(&VideoId::from_raw(1)) && !tried.contains(&VideoId::from_raw(2)));
    // The next pool begins anew: 1 000 impressions, of which the first 200 are none.
    house.watch(1, 1_000, |number| number % 5 < 3);
    house.catch_up();
    assert_eq!(house.decide(&mut ladder), 1);
    assert_eq!(house.state(1), PoolState::In(2));
}

#[test]
fn a_new_video_is_owed_its_impressions_on_time_and_nobody_floods_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let house = House::open(folder.path());
    let flood = CREATOR_OWED_MAX as u64 + 5;
    (1..=flood).for_each(|video| house.publish(video, 9));
    house.publish(100, 10);
    house.catch_up();
    let mut ladder = house.ladder();
    let mut owed_after = |ms: i64| {
        house.now_ms.store(NOON_MS + ms, Ordering::Relaxed);
        house.decide(&mut ladder);
        let board = house.store.pool_board();
        let urgency = board
            .owed
            .iter()
            .find(|owed| owed.video.raw() == 100)
            .map(|owed| owed.urgency);
        (board.owed.len(), urgency)
    };
    assert_eq!(
        owed_after(0),
        (CREATOR_OWED_MAX + 1, Some(1.0)),
        "a head start is due at once"
    );
    house.watch(100, 100, |_| true);
    house.catch_up();
    assert_eq!(
        owed_after(3 * HOUR_MS),
        (CREATOR_OWED_MAX + 1, Some(0.0)),
        "half the time, half the debt"
    );
    assert_eq!(owed_after(6 * HOUR_MS), (CREATOR_OWED_MAX + 1, Some(0.5)));
    let board = house.store.pool_board();
    assert_eq!(
        board.owed_impressions,
        CREATOR_OWED_MAX as u64 * OWED_IMPRESSIONS + 100
    );
    assert_eq!(board.owed_by_hashtag["sea"].len(), board.owed.len());
    assert_eq!(board.tried.len(), 5, "the flood takes its chance");
    house.watch(100, 100, |_| true);
    house.catch_up();
    assert_eq!(owed_after(7 * HOUR_MS), (CREATOR_OWED_MAX, None), "paid");
    assert_eq!(owed_after(49 * HOUR_MS), (0, None), "written off");
}

/// The state is a function of the log: an uninterrupted reader, one that was killed before a commit, and one that begins anew agree.
#[test]
fn whoever_reads_the_log_comes_to_the_same_rows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let expect = {
        let house = House::open(folder.path());
        peers(&house);
        let mut ladder = house.ladder();
        house.watch(101, 200, |_| true);
        house.watch(102, 200, |_| false);
        house.catch_up();
        assert_eq!(house.decide(&mut ladder), 2);
        let removed = VideoChange::Removed {
            outbox_id: 9,
            video: VideoId::from_raw(103),
            at_ms: NOON_MS,
        };
        house.write(std::iter::once((103, Event::Video(removed))));
        house.watch(103, 5, |_| true);
        house.catch_up();
        // This decision is read, and lost with the process before it is committed.
        let late = PoolChange {
            video: VideoId::from_raw(104),
            at_ms: NOON_MS,
            level: 0,
            verdict: PoolVerdict::Stopped,
            impressions: 120,
            trials: 120,
            successes: 48,
            median: 0.4,
            better: 0.01,
        };
        house.write([(104, Event::Pool(late)), (104, Event::Pool(late))].into_iter());
        let record = house.log.read(
            TopicPartition {
                topic: Topic(topic::POOLS),
                partition: event::partition_of(ViewerId::from_raw(104), PARTITIONS),
            },
            0,
            1 << 20,
        );
        let record = record.expect("reads").pop().expect("the late decision");
        PoolsJob::new(house.store.clone())
            .process(&record)
            .expect("it is one");
        house.rows()
    };
    let again = House::open(folder.path());
    assert_ne!(again.rows(), expect, "the last step was not committed");
    again.catch_up();
    assert_eq!(again.rows(), expect);
    let other = tempfile::tempdir().expect("a temporary folder");
    let anew = House {
        store: Arc::new(FeatureStore::open(&other.path().join("state.redb")).expect("opens")),
        ..again
    };
    anew.catch_up();
    assert_eq!(anew.rows(), expect);
}
