//! Batches as clients send them: good, broken, repeated, after a restart, and while the log fails.

use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use event::{Event, SignalKind};
use event_log::{
    Append, AppendError, Durable, EventLog, ReadError, Record, SegmentLog, SegmentLogConfig, Topic,
    TopicPartition,
};
use feature_store::FeatureStore;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use types::{Region, VideoId, ViewerId};

use crate::{CollectError, Collector, EVENTS_MAX, Receipt, Rejected};

const VIEWER: ViewerId = ViewerId::from_raw(7);
const NOW_MS: i64 = 1_700_000_000_000;
const REGION: Option<Region> = Region::from_bytes(*b"BR");

fn video() -> String {
    VideoId::from_raw(9).to_string()
}

fn watch(seq: u64) -> Value {
    json!({"seq": seq, "atMs": NOW_MS, "type": "watch", "videoId": video(), "watchMs": 5000, "ended": true})
}

/// A batch as it comes from the wire.
async fn send(collector: &Collector, session: &str, events: &[Value]) -> Result<Receipt, CollectError> {
    let raw: Vec<Box<RawValue>> = events
        .iter()
        .map(|event| to_raw_value(event).expect("JSON"))
        .collect();
    let raw: Vec<&RawValue> = raw.iter().map(|event| &**event).collect();
    collector.collect(VIEWER, session, &raw, NOW_MS, REGION).await
}

fn open(folder: &Path) -> (Collector, Arc<SegmentLog>, Arc<FeatureStore>) {
    let log = Arc::new(SegmentLog::open(&folder.join("log"), SegmentLogConfig::default()).expect("opens"));
    let store = Arc::new(FeatureStore::open(&folder.join("state.redb")).expect("opens"));
    (Collector::new(log.clone(), store.clone()), log, store)
}

fn logged(log: &dyn EventLog) -> Vec<Event> {
    (0..log.partitions())
        .flat_map(|partition| {
            [0, 2].map(|topic| TopicPartition {
                topic: Topic(topic),
                partition,
            })
        })
        .flat_map(|from| log.read(from, 0, 1 << 20).expect("reads"))
        .map(|record| Event::decode(&record.payload).expect("decodes"))
        .collect()
}

fn receipt(accepted: u64, duplicates: u64, acked_through_seq: u64) -> Receipt {
    Receipt {
        accepted,
        duplicates,
        rejected: vec![],
        acked_through_seq,
    }
}

#[tokio::test]
async fn a_batch_is_durable_once_and_a_resend_is_recognised() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (collector, log, _) = open(folder.path());
    let check = async |events: &[Value], expect: Receipt| {
        assert_eq!(send(&collector, "s1", events).await.expect("collects"), expect);
    };
    check(&[watch(1), watch(2)], receipt(2, 0, 2)).await;
    check(&[watch(1), watch(2)], receipt(0, 2, 2)).await;
    check(&[watch(2), watch(4), watch(4)], receipt(1, 2, 2)).await;
    check(&[watch(3)], receipt(1, 0, 4)).await;
    assert_eq!(logged(&*log).len(), 4);
    let other = send(&collector, "s2", &[watch(1)]).await.expect("collects");
    assert_eq!(other, receipt(1, 0, 1), "another session counts from 1 again");
}

/// (event, its number if it has a usable one, the code it is refused with)
fn bad_events() -> Vec<(Value, Option<u64>, &'static str)> {
    vec![
        (
            json!({"seq": 1, "type": "dance", "videoId": video()}),
            Some(1),
            "unknown_type",
        ),
        (
            json!({"seq": 0, "type": "impression", "videoId": video()}),
            None,
            "invalid_seq",
        ),
        (
            json!({"type": "impression", "videoId": video()}),
            None,
            "invalid_seq",
        ),
        (json!("what"), None, "invalid_seq"),
        (
            json!({"seq": 2, "type": "impression"}),
            Some(2),
            "invalid_video_id",
        ),
        (
            json!({"seq": 3, "type": "impression", "videoId": "../etc"}),
            Some(3),
            "invalid_video_id",
        ),
        (
            json!({"seq": 4, "type": "impression", "videoId": 5}),
            Some(4),
            "invalid_video_id",
        ),
        (
            json!({"seq": 5, "type": "watch", "videoId": video()}),
            Some(5),
            "invalid_watch_ms",
        ),
        (
            json!({"seq": 6, "type": "watch", "videoId": video(), "watchMs": -1}),
            Some(6),
            "invalid_watch_ms",
        ),
        (
            json!({"seq": 7, "type": "watch", "videoId": video(), "watchMs": 1e300}),
            Some(7),
            "invalid_watch_ms",
        ),
        (
            json!({"seq": 8, "type": "impression", "videoId": video(), "impressionId": "?"}),
            Some(8),
            "invalid_impression_id",
        ),
        (
            json!({"seq": 9, "type": "skip", "videoId": video(), "positionMs": "x"}),
            Some(9),
            "invalid_position_ms",
        ),
        (
            json!({"seq": 10, "type": "loop", "videoId": video(), "atMs": "now"}),
            Some(10),
            "invalid_at_ms",
        ),
    ]
}

#[tokio::test]
async fn a_bad_event_is_answered_and_spoils_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (collector, log, _) = open(folder.path());
    let rows = bad_events();
    let mut events: Vec<Value> = rows.iter().map(|(event, ..)| event.clone()).collect();
    events.push(watch(11));
    let receipt = send(&collector, "s1", &events).await.expect("collects");
    let expect: Vec<Rejected> = rows
        .iter()
        .map(|&(_, seq, code)| Rejected { seq, code })
        .collect();
    assert_eq!(
        (receipt.accepted, receipt.rejected, receipt.acked_through_seq),
        (1, expect, 11)
    );
    assert_eq!(logged(&*log).len(), 1);
}

#[tokio::test]
async fn a_device_clock_far_off_is_replaced_and_ours_always_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (collector, log, _) = open(folder.path());
    let event = |seq: u64, at_ms: i64| json!({"seq": seq, "atMs": at_ms, "type": "loop", "videoId": video()});
    let day_ms = 86_400_000;
    let events = [
        event(1, NOW_MS - day_ms),
        event(2, NOW_MS + 30 * day_ms),
        event(3, i64::MIN),
    ];
    send(&collector, "s1", &events).await.expect("collects");
    let times: Vec<(i64, i64)> = logged(&*log)
        .into_iter()
        .map(|event| match event {
            Event::Signal(signal) if signal.kind == SignalKind::Loop => {
                assert_eq!(signal.region, REGION);
                (signal.at_ms, signal.received_ms)
            }
            other => panic!("only loops were sent, not {other:?}"),
        })
        .collect();
    assert_eq!(
        times,
        [(NOW_MS - day_ms, NOW_MS), (NOW_MS, NOW_MS), (NOW_MS, NOW_MS)]
    );
}

#[tokio::test]
async fn a_request_out_of_bounds_is_refused_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (collector, ..) = open(folder.path());
    let many: Vec<Value> = (1..=EVENTS_MAX as u64 + 1).map(watch).collect();
    let refused = send(&collector, "s1", &many).await.expect_err("too many");
    assert!(matches!(refused, CollectError::TooMany(n) if n == EVENTS_MAX + 1));
    for session in ["", &"s".repeat(65)] {
        let refused = send(&collector, session, &[watch(1)]).await;
        assert!(matches!(refused, Err(CollectError::SessionId)), "{session:?}");
    }
}

#[tokio::test]
async fn windows_are_seeded_from_what_the_counters_job_has_folded_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (collector, _, store) = open(folder.path());
    let session = event::SessionKey::of("s1");
    for sequence in [1, 2, 3] {
        store
            .session_first(VIEWER, session.0, sequence, NOW_MS)
            .expect("notes");
    }
    let again = send(&collector, "s1", &[watch(3), watch(4)])
        .await
        .expect("collects");
    assert_eq!(again, receipt(1, 1, 4));
}

/// Takes batches and fails to make them durable, as a full disk would.
struct FullDisk;

impl EventLog for FullDisk {
    fn partitions(&self) -> u16 {
        1
    }
    fn append(&self, _: Vec<Append>) -> Result<Durable, AppendError> {
        Ok(Box::pin(ready(Err(AppendError::Stopped("no space left".into())))))
    }
    fn read(&self, from: TopicPartition, _: u64, _: usize) -> Result<Vec<Record>, ReadError> {
        Err(ReadError::UnknownPartition(from))
    }
    fn start(&self, _: TopicPartition) -> u64 {
        0
    }
    fn end(&self, _: TopicPartition) -> u64 {
        0
    }
    fn wait(&self, generation: u64, _: Duration) -> u64 {
        generation
    }
}

#[tokio::test]
async fn what_did_not_become_durable_is_not_settled() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(FeatureStore::open(&folder.path().join("state.redb")).expect("opens"));
    let failing = Collector::new(Arc::new(FullDisk), store.clone());
    for _ in 0..2 {
        let refused = send(&failing, "s1", &[watch(1)]).await;
        assert!(matches!(refused, Err(CollectError::Log(_))), "{refused:?}");
    }
}
