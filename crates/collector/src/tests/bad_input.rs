//! Whatever a client may send that it should not: each has its answer, and its counter with a reason.

use std::collections::BTreeMap;

use event::SignalKind;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::*;
use crate::{EVENTS_MAX, Rejected, SESSION_ID_CHARS_MAX};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// A collector whose counters can be read.
struct Bench {
    collector: Collector,
    log: Arc<SegmentLog>,
    store: Arc<FeatureStore>,
    metrics: PrometheusHandle,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recorder = PrometheusBuilder::new().build_recorder();
        let (collector, log, store) = metrics::with_local_recorder(&recorder, || open(folder.path()));
        Self {
            collector,
            log,
            store,
            metrics: recorder.handle(),
            _folder: folder,
        }
    }

    /// Counters above zero, by their name without the common part and their reason.
    fn counted(&self) -> BTreeMap<String, u64> {
        let page = self.metrics.render();
        let lines = page
            .lines()
            .filter_map(|line| line.strip_prefix("riffle_collector_"));
        let count = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            let name = name
                .replace("_total", "")
                .replace("{reason=\"", " ")
                .replace("\"}", "");
            Some((name, value.parse().ok().filter(|&value: &u64| value > 0)?))
        };
        lines.filter_map(count).collect()
    }
}

fn event(fields: Value) -> Value {
    let mut event = json!({"seq": 1, "atMs": NOW_MS, "type": "watch", "videoId": video(), "watchMs": 900});
    for (name, value) in fields.as_object().expect("fields") {
        event[name] = value.clone();
    }
    event
}

#[tokio::test]
async fn a_bad_field_refuses_its_event() {
    let check = async |fields: Value, seq: Option<u64>, code: &'static str| {
        let bench = Bench::new();
        let receipt = send(&bench.collector, "s1", &[event(fields.clone()), watch(2)]).await;
        let receipt = receipt.expect("collects");
        assert_eq!(receipt.rejected, [Rejected { seq, code }], "{fields}");
        let through = if seq == Some(1) { 2 } else { 0 };
        assert_eq!(
            (receipt.accepted, receipt.acked_through_seq),
            (1, through),
            "{fields}"
        );
        assert_eq!(
            bench.counted().get(&format!("rejected {code}")),
            Some(&1),
            "{fields}"
        );
        assert_eq!(logged(&*bench.log).len(), 1, "{fields}");
    };
    check(json!({"seq": 0}), None, "invalid_seq").await;
    check(json!({"seq": -1}), None, "invalid_seq").await;
    check(json!({"seq": 1.5}), None, "invalid_seq").await;
    check(json!({"seq": "1"}), None, "invalid_seq").await;
    check(json!({"seq": null}), None, "invalid_seq").await;
    check(json!({"seq": u64::MAX}), None, "invalid_seq").await;
    check(json!({"type": "dance"}), Some(1), "unknown_type").await;
    check(json!({"type": "Watch"}), Some(1), "unknown_type").await;
    check(json!({"type": 5}), Some(1), "unknown_type").await;
    check(json!({"type": null}), Some(1), "unknown_type").await;
    check(json!({"videoId": null}), Some(1), "invalid_video_id").await;
    check(json!({"videoId": "../etc"}), Some(1), "invalid_video_id").await;
    check(
        json!({"videoId": "x".repeat(10_000)}),
        Some(1),
        "invalid_video_id",
    )
    .await;
    check(json!({"videoId": {"id": video()}}), Some(1), "invalid_video_id").await;
    check(json!({"impressionId": "?"}), Some(1), "invalid_impression_id").await;
    check(json!({"impressionId": [1]}), Some(1), "invalid_impression_id").await;
    check(json!({"watchMs": null}), Some(1), "invalid_watch_ms").await;
    check(json!({"watchMs": -1}), Some(1), "invalid_watch_ms").await;
    check(json!({"watchMs": 1e300}), Some(1), "invalid_watch_ms").await;
    check(json!({"watchMs": "5000"}), Some(1), "invalid_watch_ms").await;
    check(json!({"ended": "yes"}), Some(1), "invalid_ended").await;
    check(json!({"loops": -3}), Some(1), "invalid_loops").await;
    check(json!({"positionMs": "x"}), Some(1), "invalid_position_ms").await;
    check(
        json!({"type": "skip", "positionMs": -5}),
        Some(1),
        "invalid_position_ms",
    )
    .await;
    check(json!({"atMs": "now"}), Some(1), "invalid_at_ms").await;
}

#[tokio::test]
async fn what_is_no_event_or_not_to_be_read_spoils_nothing() {
    let check = async |text: &str, seq: Option<u64>, code: &'static str| {
        let bench = Bench::new();
        let body = format!(r#"{{"sessionId":"s1","events":[{text},{}]}}"#, watch(2));
        let receipt = send_body(&bench.collector, &body).await.expect("collects");
        assert_eq!(
            (receipt.accepted, &receipt.rejected[..]),
            (1, &[Rejected { seq, code }][..]),
            "{text}"
        );
        assert_eq!(
            bench.counted().get(&format!("rejected {code}")),
            Some(&1),
            "{text}"
        );
    };
    for text in ["null", "5", "-5", "1.5", "true", "\"watch\"", "[1]", "{}"] {
        check(text, None, "invalid_seq").await;
    }
    check(r#"{"seq":1,"watchMs":1e999}"#, Some(1), "unreadable").await;
    check(r#"{"seq":1,"type":"\ud800"}"#, Some(1), "unreadable").await;
    check(r#"{"seq":1,"ended":true,"ended":false}"#, Some(1), "unreadable").await;
    check(r#"{"seq":1,"seq":1}"#, None, "invalid_seq").await;
}

#[test]
fn a_body_of_another_shape_is_refused_whole() {
    let check = |body: &str| assert!(Batch::read(body.as_bytes()).is_err(), "{body}");
    for body in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"sessionId":"s"}"#,
        r#"{"events":[]}"#,
    ] {
        check(body);
    }
    check(r#"{"sessionId":"s","events":"none"}"#);
    check(r#"{"sessionId":"s","events":null}"#);
    check(r#"{"sessionId":5,"events":[]}"#);
    check(r#"{"sessionId":"s","events":[{]}"#);
    check(r#"{"sessionId":"s","events":[]} more"#);
    check(r#"{"sessionId":"s","events":[],"accessToken":5}"#);
    assert!(Batch::read(b"{\"sessionId\":\"\xff\",\"events\":[]}").is_err());
    check(&format!(r#"{{"sessionId":"s","events":{}"#, "[".repeat(100_000)));
}

#[tokio::test]
async fn a_batch_out_of_bounds_is_refused_whole() {
    let bench = Bench::new();
    for count in [EVENTS_MAX + 1, EVENTS_MAX + 7] {
        let many: Vec<Value> = (1..=count as u64).map(watch).collect();
        let refused = send(&bench.collector, "s1", &many).await.expect_err("too many");
        assert!(
            matches!(refused, CollectError::TooMany(n) if n == count),
            "{refused}"
        );
        // The same, when one of them makes the reader take the long way.
        let odd: Vec<Value> = many.iter().chain([&json!({"odd": "\n"})]).cloned().collect();
        let refused = send(&bench.collector, "s1", &odd).await.expect_err("too many");
        assert!(
            matches!(refused, CollectError::TooMany(n) if n == count + 1),
            "{refused}"
        );
    }
    for session in [
        "",
        &"s".repeat(SESSION_ID_CHARS_MAX + 1),
        &"é".repeat(SESSION_ID_CHARS_MAX + 1),
    ] {
        let refused = send(&bench.collector, session, &[watch(1)]).await;
        assert!(matches!(refused, Err(CollectError::SessionId)), "{session:?}");
    }
    let widest = "é".repeat(SESSION_ID_CHARS_MAX);
    assert_eq!(
        send(&bench.collector, &widest, &[watch(1)])
            .await
            .expect("collects")
            .accepted,
        1
    );
    assert_eq!(
        logged(&*bench.log).len(),
        1,
        "nothing of a refused batch was taken"
    );
}

#[tokio::test]
async fn clocks_that_are_off_are_kept_beside_ours_and_counted() {
    // (device's clock from ours, what the record says of it, what is counted)
    let check = async |offset_ms: i64, kept: bool, reason: Option<&str>| {
        let bench = Bench::new();
        let at_ms = NOW_MS.saturating_add(offset_ms);
        let event = event(json!({"type": "loop", "atMs": at_ms}));
        let receipt = send(&bench.collector, "s1", &[event]).await.expect("collects");
        assert_eq!(receipt.accepted, 1, "{offset_ms}");
        let [Event::Signal(signal)] = logged(&*bench.log)[..] else {
            panic!("one loop was sent");
        };
        assert_eq!(signal.kind, SignalKind::Loop);
        assert_eq!(signal.region, REGION);
        let expect = if kept { at_ms } else { NOW_MS };
        assert_eq!(
            (signal.at_ms, signal.received_ms),
            (expect, NOW_MS),
            "{offset_ms}"
        );
        let odd = bench
            .counted()
            .into_iter()
            .find(|(name, _)| name.starts_with("odd clock"));
        let expect = reason.map(|reason| (format!("odd {reason}"), 1));
        assert_eq!(odd, expect, "{offset_ms}");
    };
    check(0, true, None).await;
    check(5 * MINUTE_MS, true, None).await;
    check(-5 * MINUTE_MS, true, None).await;
    check(5 * MINUTE_MS + 1, true, Some("clock_ahead")).await;
    check(-5 * MINUTE_MS - 1, true, Some("clock_behind")).await;
    check(-7 * DAY_MS, true, Some("clock_behind")).await;
    check(7 * DAY_MS + 1, false, Some("clock_replaced")).await;
    check(-7 * DAY_MS - 1, false, Some("clock_replaced")).await;
    check(i64::MAX, false, Some("clock_replaced")).await;
    check(i64::MIN, false, Some("clock_replaced")).await;
}

#[tokio::test]
async fn numbers_repeated_out_of_order_or_never_sent() {
    // (numbers of each batch in turn, the last receipt's accepted, duplicates and through, what is counted besides)
    let check = async |batches: &[&[u64]], expect: (u64, u64, u64), odd: &[(&str, u64)]| {
        let bench = Bench::new();
        let mut last = receipt(0, 0, 0);
        for numbers in batches {
            let events: Vec<Value> = numbers.iter().map(|&seq| watch(seq)).collect();
            last = send(&bench.collector, "s1", &events).await.expect("collects");
        }
        assert_eq!(
            (last.accepted, last.duplicates, last.acked_through_seq),
            expect,
            "{batches:?}"
        );
        let counted = bench.counted();
        let expect: BTreeMap<String, u64> = odd
            .iter()
            .map(|&(name, count)| (name.to_owned(), count))
            .collect();
        let besides = |(name, count): (&String, &u64)| {
            let noise = name == "accepted" || name == "odd unknown_video";
            (!noise).then_some((name.clone(), *count))
        };
        let besides: BTreeMap<String, u64> = counted.iter().filter_map(besides).collect();
        assert_eq!(besides, expect, "{batches:?}");
        let distinct: std::collections::BTreeSet<_> = batches.concat().into_iter().collect();
        assert_eq!(logged(&*bench.log).len(), distinct.len(), "{batches:?}");
    };
    check(&[&[1, 2, 3]], (3, 0, 3), &[]).await;
    check(&[&[1, 2], &[1, 2]], (0, 2, 2), &[("duplicates", 2)]).await;
    check(&[&[1, 2], &[2, 3]], (1, 1, 3), &[("duplicates", 1)]).await;
    check(&[&[1, 1, 1]], (1, 2, 1), &[("duplicates", 2)]).await;
    check(
        &[&[2, 1, 2, 1]],
        (2, 2, 2),
        &[("duplicates", 2), ("odd out_of_order", 1)],
    )
    .await;
    check(&[&[3], &[1], &[2]], (1, 0, 3), &[("odd out_of_order", 2)]).await;
    check(&[&[1, 3]], (2, 0, 1), &[]).await;
    check(&[&[1, 3], &[3]], (0, 1, 1), &[("duplicates", 1)]).await;
}

#[tokio::test]
async fn a_gap_too_far_behind_is_given_up_and_counted() {
    let bench = Bench::new();
    // Every other number is missing, until more stretches wait than a window holds.
    let numbers: Vec<u64> = (1..=1_100).map(|number| number * 2).collect();
    let mut through = 0;
    for batch in numbers.chunks(EVENTS_MAX) {
        let events: Vec<Value> = batch.iter().map(|&seq| watch(seq)).collect();
        through = send(&bench.collector, "s1", &events)
            .await
            .expect("collects")
            .acked_through_seq;
    }
    let lost = bench.counted().get("odd lost").copied().unwrap_or(0);
    assert!(
        lost > 0 && through == lost * 2,
        "{lost} lost, settled up to {through}"
    );
}

#[tokio::test]
async fn an_unknown_video_is_taken_and_counted() {
    let bench = Bench::new();
    send(&bench.collector, "s1", &[watch(1)]).await.expect("collects");
    assert_eq!(bench.counted().get("odd unknown_video"), Some(&1));
    assert!(bench.store.catalog().is_empty());
}

#[tokio::test]
async fn a_session_of_another_viewer_is_another_session() {
    let bench = Bench::new();
    send(&bench.collector, "s1", &[watch(1), watch(2)])
        .await
        .expect("collects");
    let body = json!({"sessionId": "s1", "events": [watch(1)]}).to_string();
    let batch = Batch::read(body.as_bytes()).expect("a batch reads");
    let stranger = Sender {
        viewer: ViewerId::from_raw(8),
        region: None,
    };
    let theirs = bench
        .collector
        .collect(stranger, batch, NOW_MS)
        .await
        .expect("collects");
    assert_eq!(theirs, receipt(1, 0, 1), "nothing of the owner's numbers shows");
    let again = send(&bench.collector, "s1", &[watch(3)]).await.expect("collects");
    assert_eq!(
        again,
        receipt(1, 0, 3),
        "and nothing of theirs changes the owner's"
    );
}
