//! Job `activity`, one thing at a time. That it comes to the same however it is run is told in `tests/golden`.

use std::sync::Arc;

use event::{ActionKind, Event, Signal, SignalKind, VideoChange};
use feature_store::{Entity, FeatureStore, Measure, Scope, TrendBin, Usage, Window};
use types::{Category, Region, SoundId, UserId, VideoId, ViewerId};

use super::bench::{Bench, CREATOR, DAY_MS, HOUR_MS, MINUTE_MS, NOON_MS, VIEWER, action, signal, watch};
use crate::activity::{ActivityJob, ActivitySink, score};

struct Rig {
    bench: Bench<ActivityJob>,
    store: Arc<FeatureStore>,
    _folder: tempfile::TempDir,
}

fn rig() -> Rig {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(FeatureStore::open(&folder.path().join("state.redb")).expect("opens"));
    let sink = Arc::new(ActivitySink::new(store.clone()));
    Rig {
        bench: Bench::new(ActivityJob, |_| sink),
        store,
        _folder: folder,
    }
}

impl Rig {
    fn publish(&mut self, video: u64, at_ms: i64) {
        self.publish_with(video, "sea", at_ms);
    }

    fn publish_with(&mut self, video: u64, hashtag: &str, at_ms: i64) {
        let change = VideoChange::Published {
            outbox_id: 0,
            video: VideoId::from_raw(video),
            creator: CREATOR,
            published_ms: at_ms,
            duration_ms: 10_000,
            hashtags: vec![hashtag.to_owned()],
            sound: (hashtag == "sea").then(|| SoundId::from_raw(5)),
            category: (hashtag == "sea").then_some(Category::Travel),
            region: None,
            content: None,
            original: None,
            caption: String::new(),
        };
        self.bench.feed(&Event::Video(change), at_ms);
    }

    fn total(&self, entity: Entity, measure: Measure) -> u64 {
        self.store.features(&entity).expect("reads").total(measure)
    }

    /// Views of the video, its creator, its hashtag, sound and category, of its viewers' region and its viewer.
    fn views(&self) -> [u64; 7] {
        let region = Region::from_bytes(*b"BR").expect("a region");
        [
            Entity::Video(VideoId::from_raw(1)),
            Entity::Creator(CREATOR),
            Entity::Hashtag(Arc::from("sea")),
            Entity::Sound(SoundId::from_raw(5)),
            Entity::Category(Category::Travel),
            Entity::Region(region),
            Entity::Viewer(VIEWER),
        ]
        .map(|entity| self.total(entity, Measure::View))
    }
}

#[test]
fn a_watch_counts_once_for_everybody_it_concerns() {
    let mut rig = rig();
    rig.publish(1, NOON_MS);
    for event in [
        watch(1, 1, 10_000, NOON_MS),
        watch(1, 1, 10_000, NOON_MS),
        watch(2, 1, 500, NOON_MS + 1),
    ] {
        rig.bench.feed(&event, NOON_MS + 1);
    }
    assert_eq!(rig.views(), [2; 7]);
    let counters = rig.store.video_counters(VideoId::from_raw(1));
    assert_eq!(
        (counters.completions, counters.early_skips, counters.watch_ms),
        (1, 1, 10_500)
    );
    assert!((counters.heat(NOON_MS + 1) - 2.0).abs() < 1e-4);
    assert_eq!(rig.bench.fates(), (3, 1, 0, 0));
    let window = rig.store.session_window(VIEWER, 1).expect("reads");
    assert_eq!(window.through(), 2);
}

#[test]
fn what_was_undone_is_not_counted() {
    let mut rig = rig();
    rig.publish(1, NOON_MS);
    for kind in [
        ActionKind::Like,
        ActionKind::Save,
        ActionKind::Unlike,
        ActionKind::Like,
        ActionKind::Unsave,
        ActionKind::Comment,
        ActionKind::Share,
        ActionKind::Follow,
    ] {
        rig.bench.feed(&action(kind, Some(1), NOON_MS), NOON_MS);
    }
    let video = || Entity::Video(VideoId::from_raw(1));
    let counts =
        [Measure::Like, Measure::Save, Measure::Comment, Measure::Share].map(|m| rig.total(video(), m));
    assert_eq!(counts, [1, 0, 1, 1]);
    assert_eq!(
        rig.total(Entity::Creator(CREATOR), Measure::Follow),
        1,
        "and not twice"
    );
    let row = rig.store.features(&video()).expect("reads");
    assert_eq!(row.recent(Measure::Like, Window::Minutes5, NOON_MS), 1.0);
}

#[test]
fn views_that_overtake_the_publication_are_not_lost() {
    let mut rig = rig();
    rig.bench.feed(&watch(1, 1, 10_000, NOON_MS), NOON_MS);
    assert_eq!(
        rig.views(),
        [0, 0, 0, 0, 0, 1, 1],
        "whose it is, nobody knows yet"
    );
    rig.publish(1, NOON_MS + 5);
    assert_eq!(rig.views(), [1; 7]);
}

#[test]
fn late_things_correct_and_too_late_ones_are_told() {
    let mut rig = rig();
    rig.publish(1, NOON_MS);
    // (device, received) of one watch after another, in the order of the log.
    let check = |rig: &mut Rig, sequence: u64, (at_ms, received_ms): (i64, i64), late: u64, recent: f32| {
        let Event::Signal(mut signal) = watch(sequence, 1, 10_000, at_ms) else {
            unreachable!("a watch is a signal")
        };
        signal.received_ms = received_ms;
        rig.bench.feed(&Event::Signal(signal), received_ms);
        let row = rig
            .store
            .features(&Entity::Video(VideoId::from_raw(1)))
            .expect("reads");
        let told = (
            rig.bench.fates().2,
            row.recent(Measure::View, Window::Hour, row.at_ms),
        );
        assert_eq!(told, (late, recent), "{sequence}");
        assert_eq!(row.total(Measure::View), sequence, "totals have no time");
    };
    let later = NOON_MS + 20 * MINUTE_MS;
    check(&mut rig, 1, (later, later), 0, 1.0);
    check(
        &mut rig,
        2,
        (later - 9 * MINUTE_MS, later - 9 * MINUTE_MS),
        0,
        2.0,
    );
    check(
        &mut rig,
        3,
        (later - 11 * MINUTE_MS, later - 11 * MINUTE_MS),
        1,
        2.0,
    );
    // A clock that is far off is not believed, in either direction.
    check(&mut rig, 4, (later - DAY_MS, later), 1, 3.0);
    check(&mut rig, 5, (later + DAY_MS, later), 1, 4.0);
}

#[test]
fn a_removed_video_is_nowhere_and_its_creator_keeps_what_came() {
    let mut rig = rig();
    rig.publish(1, NOON_MS);
    rig.bench.feed(&watch(1, 1, 10_000, NOON_MS), NOON_MS);
    let removed = VideoChange::Removed {
        outbox_id: 0,
        video: VideoId::from_raw(1),
        at_ms: NOON_MS,
    };
    rig.bench.feed(&Event::Video(removed), NOON_MS + 1);
    rig.bench.feed(&watch(2, 1, 10_000, NOON_MS), NOON_MS + 2);
    assert_eq!(rig.views()[..2], [0, 2], "one was on its way");
    rig.bench.pass(NOON_MS + 3_000);
    assert!(rig.store.trending().top(&Scope::Global).is_empty());
    rig.bench.pass(NOON_MS + 2 * DAY_MS);
    rig.bench
        .feed(&watch(3, 1, 10_000, NOON_MS + 2 * DAY_MS), NOON_MS + 2 * DAY_MS);
    assert_eq!(rig.views()[..2], [0, 2], "nobody knows any more whose it was");
}

#[test]
fn a_session_unused_for_a_week_is_forgotten_in_memory_and_on_disk() {
    let mut rig = rig();
    rig.bench.feed(&watch(1, 1, 10_000, NOON_MS), NOON_MS);
    rig.bench
        .feed(&watch(2, 1, 10_000, NOON_MS + 3 * DAY_MS), NOON_MS + 3 * DAY_MS);
    rig.bench.pass(NOON_MS + 8 * DAY_MS);
    let through = |rig: &Rig| rig.store.session_window(VIEWER, 1).expect("reads").through();
    assert_eq!(through(&rig), 2, "it was used since");
    rig.bench.pass(NOON_MS + 10 * DAY_MS + HOUR_MS);
    assert_eq!(through(&rig), 0);
    let keys = rig.bench.keys();
    assert!(keys <= 2, "{keys} keys are left: the region, and at most a list");
    // The same comes of it when the next watch is read before the timer fires.
    let mut rig = self::rig();
    for at_ms in [NOON_MS, NOON_MS + 20 * DAY_MS] {
        rig.bench.feed(&watch(1, 1, 10_000, at_ms), at_ms);
        assert_eq!(
            (rig.bench.fates().1, through(&rig)),
            (0, 1),
            "a number that old is new"
        );
    }
}

#[test]
fn made_up_videos_leave_no_trace() {
    let mut rig = rig();
    for number in 1..=50 {
        rig.bench
            .feed(&watch(number, 1_000 + number, 100, NOON_MS), NOON_MS);
    }
    let before = rig.bench.keys();
    assert!(before > 100, "{before}");
    rig.bench.pass(NOON_MS + 3 * HOUR_MS);
    let after = rig.bench.keys();
    assert!(after < 10, "{after} of {before} keys are left");
    assert!(rig.store.trending().lists.is_empty());
}

#[test]
fn foreign_records_are_rejected() {
    let mut rig = rig();
    rig.bench.feed(&super::bench::served(1, NOON_MS), NOON_MS);
    assert_eq!(rig.bench.fates(), (0, 0, 0, 0), "of another topic");
    rig.bench.feed(&signal(0, 1, SignalKind::Loop, NOON_MS), NOON_MS);
    rig.bench
        .feed(&signal(u64::MAX, 1, SignalKind::Loop, NOON_MS), NOON_MS);
    assert_eq!(rig.bench.fates(), (0, 0, 0, 2));
}

#[test]
fn lists_follow_the_hour_and_uses_are_told_by_the_hour() {
    let mut rig = rig();
    rig.publish(1, NOON_MS);
    rig.publish(2, NOON_MS);
    rig.bench.feed(&watch(1, 1, 10_000, NOON_MS), NOON_MS);
    rig.bench.feed(&watch(2, 2, 10_000, NOON_MS), NOON_MS);
    rig.bench
        .feed(&action(ActionKind::Like, Some(2), NOON_MS), NOON_MS);
    let region = Scope::Region(Region::from_bytes(*b"BR").expect("a region"));
    let scopes = [
        Scope::Global,
        region,
        Scope::Category(Category::Travel),
        Scope::Hashtag(Arc::from("sea")),
        Scope::Sound(SoundId::from_raw(5)),
    ];
    rig.bench.pass(NOON_MS + 5 * MINUTE_MS);
    let trending = rig.store.trending();
    for scope in &scopes {
        let videos: Vec<u64> = trending
            .top(scope)
            .iter()
            .map(|ranked| ranked.video.raw())
            .collect();
        assert_eq!(videos, [2, 1], "{scope:?}");
    }
    let this_hour = Usage { videos: 2, views: 2 };
    assert_eq!(
        (trending.hashtags[0].this_hour, trending.hashtags[0].hour_before),
        (this_hour, Usage::default())
    );
    rig.bench.pass(NOON_MS + 61 * MINUTE_MS);
    let trending = rig.store.trending();
    assert!(trending.lists.is_empty(), "the hour is over");
    assert_eq!(trending.hashtags[0].hour_before, this_hour);
    assert_eq!(trending.sounds[0].what, SoundId::from_raw(5));
    rig.bench.pass(NOON_MS + 3 * HOUR_MS);
    assert!(rig.store.trending().hashtags.is_empty());
}

/// A signal of one of many viewers.
fn watch_of(viewer: u64, sequence: u64, video: u64, at_ms: i64) -> Event {
    match watch(sequence, video, 10_000, at_ms) {
        Event::Signal(signal) => Event::Signal(Signal {
            viewer: ViewerId::from_raw(viewer),
            ..signal
        }),
        other => other,
    }
}

#[test]
fn a_topic_that_suddenly_draws_many_people_rises_within_a_minute() {
    let mut rig = rig();
    rig.publish(1, NOON_MS);
    rig.publish_with(2, "quake", NOON_MS);
    // Three hours of a watch of each every half minute, by whoever comes.
    let begins_ms = NOON_MS + 3 * HOUR_MS;
    for (sequence, at_ms) in (1..).zip((NOON_MS..begins_ms).step_by(30_000)) {
        for video in [1, 2] {
            let viewer = 100 + sequence * 2 % 50 + video;
            rig.bench.feed(&watch_of(viewer, sequence, video, at_ms), at_ms);
        }
    }
    assert_eq!(rig.store.trending().rising, [], "nothing is new so far");
    // Then one everybody watches, one watch a second.
    let mut found_ms = None;
    for (sequence, at_ms) in (1..).zip((begins_ms..begins_ms + 60_000).step_by(1_000)) {
        rig.bench.feed(&watch_of(1_000 + sequence, 1, 2, at_ms), at_ms);
        rig.bench.pass_now();
        let rising = &rig.store.trending().rising;
        if !rising.is_empty() && found_ms.is_none() {
            let what: Vec<&Entity> = rising.iter().map(|topic| &topic.what).collect();
            assert_eq!(what, [&Entity::Hashtag(Arc::from("quake"))]);
            assert_eq!(rising[0].since_ms, at_ms);
            found_ms = Some(at_ms - begins_ms);
        }
    }
    assert!(
        found_ms.is_some_and(|after_ms| after_ms <= 45_000),
        "{found_ms:?}"
    );
    rig.bench.pass(begins_ms + 30 * MINUTE_MS);
    assert_eq!(rig.store.trending().rising, [], "it is over");
}

#[test]
fn the_score_is_the_formula() {
    let check =
        |(views, likes, comments, shares): (i64, i64, i64, i64), watched: f64, age_h: i64, expect: f64| {
            let window = TrendBin {
                views,
                likes,
                comments,
                shares,
                watch_ms: (watched * views as f64 * 10_000.0) as i64,
            };
            let score = score(&window, 10_000, age_h * HOUR_MS);
            assert!(
                (score - expect).abs() < 1e-9,
                "{window:?}: {score}, expected {expect}"
            );
        };
    check((1, 0, 0, 0), 1.0, 0, 50.0);
    check((100, 10, 5, 2), 1.0, 0, (100.0 + 50.0 + 50.0 + 40.0) * 50.0);
    check((100, 0, 0, 0), 0.5, 0, 2_500.0);
    check((100, 0, 0, 0), 3.0, 0, 5_000.0);
    check((100, 0, 0, 0), 1.0, 2, 2_500.0);
    check((100, 0, 0, 0), 1.0, 18, 500.0);
    check((100, -3, 0, 0), 1.0, 0, 5_000.0);
    check((0, 9, 0, 0), 1.0, 0, 0.0);
    assert_eq!(
        score(
            &TrendBin {
                views: 5,
                watch_ms: 5,
                ..TrendBin::default()
            },
            0,
            0
        ),
        0.0,
        "no length"
    );
}

#[test]
fn follows_without_a_video_count_for_the_creator() {
    let mut rig = rig();
    rig.bench
        .feed(&action(ActionKind::Follow, None, NOON_MS), NOON_MS);
    rig.bench
        .feed(&action(ActionKind::Unfollow, None, NOON_MS), NOON_MS);
    rig.bench
        .feed(&action(ActionKind::Follow, None, NOON_MS), NOON_MS);
    assert_eq!(rig.total(Entity::Creator(CREATOR), Measure::Follow), 1);
    assert_eq!(
        rig.total(Entity::Creator(UserId::from_raw(99)), Measure::Follow),
        0
    );
}
