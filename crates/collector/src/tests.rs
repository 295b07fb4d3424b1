//! Batches as clients send them: good, repeated, after a restart, and while the log fails. Bad ones have tables of their own.

mod bad_input;

use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use event::{Event, SessionKey};
use event_log::{
    Append, AppendError, Durable, EventLog, Promise, ReadError, Record, SegmentLog, SegmentLogConfig, Topic,
    TopicPartition,
};
use feature_store::{FeatureStore, SequenceWindow};
use serde_json::{Value, json};
use types::{Region, VideoId, ViewerId};

use crate::{Batch, CollectError, Collector, Receipt, Sender};

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
    let body = json!({"sessionId": session, "events": events}).to_string();
    send_body(collector, &body).await
}

async fn send_body(collector: &Collector, body: &str) -> Result<Receipt, CollectError> {
    let batch = Batch::read(body.as_bytes()).expect("a batch reads");
    let sender = Sender {
        viewer: VIEWER,
        region: REGION,
    };
    collector.collect(sender, batch, NOW_MS).await
}

fn open(folder: &Path) -> (Collector, Arc<SegmentLog>, Arc<FeatureStore>) {
    // Small, so that a table of many rows does not zero gigabytes.
    let config = SegmentLogConfig {
        segment_bytes: 6 << 20,
        prepare_ahead: false,
        ..SegmentLogConfig::default()
    };
    let log = Arc::new(SegmentLog::open(&folder.join("log"), config).expect("opens"));
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
        promise: Promise::Disk,
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

#[tokio::test]
async fn windows_are_seeded_from_what_the_jobs_have_folded_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (collector, _, store) = open(folder.path());
    let mut window = SequenceWindow::default();
    (1..=3).for_each(|sequence| assert!(window.insert(sequence)));
    store.session_put(VIEWER, SessionKey::of("s1").0, window, NOW_MS);
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

/// Notes what was promised, and keeps nothing.
#[derive(Default)]
struct Promises(parking_lot::Mutex<Vec<(usize, Promise)>>);

impl EventLog for Promises {
    fn partitions(&self) -> u16 {
        1
    }
    fn append(&self, batch: Vec<Append>) -> Result<Durable, AppendError> {
        self.append_promised(batch, Promise::Disk)
    }
    fn append_promised(&self, batch: Vec<Append>, promise: Promise) -> Result<Durable, AppendError> {
        self.0.lock().push((batch.len(), promise));
        Ok(Box::pin(ready(Ok(vec![]))))
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
async fn only_heartbeats_and_context_alone_may_be_lost_with_the_machine() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(FeatureStore::open(&folder.path().join("state.redb")).expect("opens"));
    let log = Arc::new(Promises::default());
    let collector = Collector::new(log.clone(), store);
    let slight = |seq: u64, kind: &str| json!({"seq": seq, "type": kind});
    let check = async |events: &[Value], records: usize, promise: Promise| {
        let receipt = send(&collector, "s1", events).await.expect("collects");
        assert_eq!(receipt.promise, promise, "{events:?}");
        assert_eq!(log.0.lock().last(), Some(&(records, promise)), "{events:?}");
    };
    check(&[slight(1, "heartbeat")], 1, Promise::Memory).await;
    check(
        &[slight(2, "heartbeat"), slight(3, "context")],
        2,
        Promise::Memory,
    )
    .await;
    check(&[slight(4, "heartbeat"), watch(5)], 2, Promise::Disk).await;
    check(&[watch(6)], 1, Promise::Disk).await;
    // A repeat waits for its first copy, which may have been promised the disk.
    check(&[slight(7, "heartbeat"), watch(6)], 1, Promise::Disk).await;
    check(&[slight(7, "heartbeat")], 0, Promise::Disk).await;
    check(&[], 0, Promise::Disk).await;
}
