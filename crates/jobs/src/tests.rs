//! Views fed record by record, and twice: the state they leave is the same.

mod activity;
mod bench;
mod joiner;

use std::sync::Arc;

use event::{
    Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source, VideoChange,
};
use event_log::{Record, Topic, TopicPartition};
use feature_store::{FeatureStore, job};
use stream::{Checkpoint, Operator};
use types::{ImpressionId, UserId, VideoId, ViewerId};

use crate::{CatalogJob, UserHistoryJob};

const VIEWER: ViewerId = ViewerId::from_raw(7);
const CREATOR: UserId = UserId::from_raw(8);

struct House {
    store: Arc<FeatureStore>,
    _folder: tempfile::TempDir,
}

fn house() -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(FeatureStore::open(&folder.path().join("state.redb")).expect("opens"));
    let house = House {
        store,
        _folder: folder,
    };
    for video in 1..=3 {
        let change = VideoChange::Published {
            outbox_id: video,
            video: VideoId::from_raw(video),
            creator: CREATOR,
            published_ms: video as i64,
            duration_ms: 10_000,
            hashtags: vec![format!("tag{video}")],
            sound: None,
            category: None,
            region: None,
            content: None,
            original: None,
            caption: String::new(),
        };
        feed(&mut CatalogJob::new(house.store.clone()), &Event::Video(change));
    }
    house
}

fn record(event: &Event) -> Record {
    let from = TopicPartition {
        topic: Topic(event.topic()),
        partition: 0,
    };
    Record {
        from,
        offset: 0,
        at_ms: 0,
        payload: event.encode().into(),
    }
}

fn feed(job: &mut impl Operator, event: &Event) {
    job.process(&record(event)).expect("the job takes the record");
}

fn signal(sequence: u64, video: u64, kind: SignalKind) -> Event {
    Event::Signal(Signal {
        viewer: VIEWER,
        session: SessionKey(1),
        sequence,
        at_ms: 100,
        received_ms: 100,
        video: Some(VideoId::from_raw(video)),
        impression: None,
        region: None,
        kind,
    })
}

fn watch(sequence: u64, video: u64, watch_ms: i64) -> Event {
    signal(
        sequence,
        video,
        SignalKind::Watch {
            watch_ms,
            ended: watch_ms >= 10_000,
            loops: 0,
        },
    )
}

fn action(outbox_id: u64, kind: ActionKind, video: Option<u64>) -> Event {
    Event::Action(Action {
        outbox_id,
        actor: UserId::from_raw(VIEWER.raw()),
        at_ms: 100,
        kind,
        video: video.map(VideoId::from_raw),
        target: Some(CREATOR),
        region: None,
    })
}

#[test]
fn a_watch_moves_tastes_by_how_much_was_watched() {
    let check = |watch_ms: i64, expect: f32| {
        let house = house();
        feed(
            &mut UserHistoryJob::new(house.store.clone()),
            &watch(1, 1, watch_ms),
        );
        let lean = house
            .store
            .viewer_read(VIEWER, |state| state.hashtags["tag1"].at(100))
            .expect("reads");
        assert!(
            (lean - expect).abs() < 1e-4,
            "{watch_ms} ms: {lean}, expected {expect}"
        );
    };
    check(12_000, 1.0);
    check(8_000, 1.0);
    check(300, -0.6);
    check(1_000, -0.6);
    check(4_500, 0.2);
}

#[test]
fn actions_reach_the_viewer_once_however_often_the_relay_repeats() {
    let house = house();
    let mut job = UserHistoryJob::new(house.store.clone());
    let events = [
        action(4, ActionKind::Like, Some(1)),
        action(5, ActionKind::Follow, None),
        action(6, ActionKind::NotInterested, Some(2)),
    ];
    for event in events.iter().chain(&events) {
        feed(&mut job, event);
    }
    house
        .store
        .viewer_read(VIEWER, |state| {
            assert_eq!(state.hashtags["tag1"].at(100), 1.0);
            assert_eq!(state.hashtags["tag2"].at(100), -2.0);
            assert!(state.following.contains_key(&CREATOR));
            assert!(state.hidden.contains(&VideoId::from_raw(2)) && state.has_seen(VideoId::from_raw(2)));
        })
        .expect("reads");
    feed(&mut job, &action(7, ActionKind::Unfollow, None));
    assert!(
        house
            .store
            .viewer_read(VIEWER, |state| state.following.is_empty())
            .expect("reads")
    );
}

#[test]
fn what_was_served_is_remembered_with_its_time() {
    let house = house();
    let item = |video: u64| ServedItem {
        impression: ImpressionId::from_raw(video),
        video: VideoId::from_raw(video),
        position: 0,
        source: Source::Fresh,
        score: 0.0,
        propensity: 1.0,
        duration_ms: 15_000,
        ids: vec![],
        features: vec![],
    };
    let slate = Event::Served(ServedSlate {
        viewer: VIEWER,
        at_ms: 50,
        items: vec![item(1), item(3)],
        receipts: vec![],
    });
    feed(&mut UserHistoryJob::new(house.store.clone()), &slate);
    let served = house
        .store
        .viewer_read(VIEWER, |state| state.served_since(50))
        .expect("reads");
    assert_eq!(served.len(), 2);
}

#[test]
fn a_removed_video_leaves_the_catalog() {
    let house = house();
    let mut job = CatalogJob::new(house.store.clone());
    feed(
        &mut job,
        &Event::Video(VideoChange::Removed {
            outbox_id: 9,
            video: VideoId::from_raw(2),
            at_ms: 5,
        }),
    );
    house.store.commit(job::CATALOG, &[]).expect("commits");
    assert_eq!(house.store.catalog().len(), 2);
}

#[test]
fn foreign_records_are_poison_with_a_reason() {
    let house = house();
    let garbage = Record {
        payload: vec![9, 9].into(),
        ..record(&watch(1, 1, 1))
    };
    let check = |job: &mut dyn Operator, record: &Record, reason: &str| {
        assert_eq!(job.process(record).expect_err("poison").reason, reason);
    };
    check(&mut UserHistoryJob::new(house.store.clone()), &garbage, "version");
    check(
        &mut CatalogJob::new(house.store.clone()),
        &record(&watch(1, 1, 1)),
        "not_a_video_change",
    );
}
