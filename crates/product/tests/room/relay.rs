//! The way of a fact from a change to the log.

use std::sync::Arc;

use event::{Action, ActionKind, Event, VideoChange, topic};
use event_log::{EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use product::{Actor, Engagement, OutboxRelay};
use types::{Region, ViewerId};

use crate::{Fixture, START_MS};

fn open_log(fixture: &Fixture) -> Arc<SegmentLog> {
    open_log_with(fixture, "log", 8)
}

fn open_log_with(fixture: &Fixture, name: &str, topics: u8) -> Arc<SegmentLog> {
    let config = SegmentLogConfig {
        partitions: 4,
        topics,
        segment_bytes: 1 << 20,
        group_bytes_max: 64 << 10,
        record_bytes_max: 16 << 10,
        ..SegmentLogConfig::default()
    };
    Arc::new(SegmentLog::open(&fixture.folder.path().join(name), config).expect("a fresh log"))
}

fn records(log: &SegmentLog, topic: u8, key: u64) -> Vec<Event> {
    let partition = event::partition_of(ViewerId::from_raw(key), log.partitions());
    let from = TopicPartition {
        topic: Topic(topic),
        partition,
    };
    let found = log.read(from, log.start(from), 1 << 20).expect("a read");
    found
        .iter()
        .map(|record| Event::decode(&record.payload).expect("a record of this version"))
        .collect()
}

#[tokio::test]
async fn facts_arrive_in_order_with_their_ids() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let video = fixture.video(1, mina, true).await;
    let region = Region::from_bytes(*b"BR");
    let at_home = Actor {
        user: noor,
        region,
        watching: Some(video),
        is_adult: false,
    };
    fixture
        .room
        .follow_set(at_home, mina, true)
        .await
        .expect("a follow");
    fixture
        .room
        .engage(at_home, video, Engagement::Like)
        .await
        .expect("a like");
    fixture
        .room
        .comment_add(noor, video, "yes", None)
        .await
        .expect("a comment");
    fixture.room.video_delete(mina, video).await.expect("a deletion");
    let log = open_log(&fixture);
    let relay = OutboxRelay::new(fixture.store.clone(), log.clone());
    assert_eq!(relay.drain().await.expect("a pass"), 4);
    assert_eq!(relay.drain().await.expect("a pass"), 0);
    assert_eq!(fixture.store.outbox_count().await.expect("a count"), 0);
    let action = |outbox_id, kind, video, region| {
        Event::Action(Action {
            outbox_id,
            actor: noor,
            at_ms: START_MS,
            kind,
            video,
            target: Some(mina),
            region,
        })
    };
    let expect = [
        action(1, ActionKind::Follow, Some(video), region),
        action(2, ActionKind::Like, Some(video), region),
        action(3, ActionKind::Comment, Some(video), None),
    ];
    assert_eq!(records(&log, topic::ACTIONS, noor.raw()), expect);
    let removed = Event::Video(VideoChange::Removed {
        outbox_id: 4,
        video,
        at_ms: START_MS,
    });
    assert_eq!(records(&log, topic::VIDEOS, video.raw()), [removed]);
}

#[tokio::test]
async fn a_log_that_refuses_loses_nothing() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    fixture.room.follow_set(noor, mina, true).await.expect("a follow");
    let narrow = open_log_with(&fixture, "narrow", 1);
    let refused = OutboxRelay::new(fixture.store.clone(), narrow).drain().await;
    assert!(refused.is_err(), "the topic does not exist there: {refused:?}");
    let log = open_log(&fixture);
    let relayed = OutboxRelay::new(fixture.store.clone(), log).drain().await;
    assert_eq!(relayed.expect("a pass"), 1);
}

#[tokio::test]
async fn shutdown_relays_what_is_left() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    fixture.room.follow_set(noor, mina, true).await.expect("a follow");
    let relay = OutboxRelay::new(fixture.store.clone(), open_log(&fixture));
    relay.run(std::future::ready(())).await;
    assert_eq!(fixture.store.outbox_count().await.expect("a count"), 0);
}
