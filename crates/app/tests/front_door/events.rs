//! Client events: each is judged on its own, sequences settle, a resend counts once.

use testkit::{Caller, Value, json, until};

use crate::{NOBODY, check, id, published, row, start};

const COUNTED_SECONDS_MAX: u64 = 30;

fn views_become(caller: &Caller, video: &str, expect: u64) {
    until("views are counted", COUNTED_SECONDS_MAX, || {
        let views = caller.video(video)["counts"]["views"].as_u64().expect("a number");
        assert!(views <= expect, "{views} views, expected {expect}");
        (views == expect).then_some(())
    });
}

#[test]
fn requests_that_are_no_events_are_refused() {
    let server = start();
    let viewer = server.viewer();
    let many: Vec<Value> = (1..=501)
        .map(|seq| json!({"seq": seq, "atMs": 1, "type": "heartbeat"}))
        .collect();
    let path = "POST /api/v1/events";
    let batch = |session: &str, events: Value| json!({"sessionId": session, "events": events});
    let long = "x".repeat(65);
    check(&[
        row(&viewer, path, json!({"events": []}), 400, "invalid_body"),
        row(&viewer, path, batch("s", json!("none")), 400, "invalid_body"),
        row(&viewer, path, batch("", json!([])), 400, "invalid"),
        row(&viewer, path, batch(&long, json!([])), 400, "invalid"),
        row(&viewer, path, batch("s", json!(many)), 400, "invalid"),
    ]);
}

#[test]
fn a_bad_event_does_not_lose_the_good_ones() {
    let server = start();
    let (creator, viewer) = (server.creator(), server.viewer());
    let video = id(&published(&creator, 1));
    let body = json!({"sessionId": "mixed", "events": [
        {"seq": 1, "atMs": 1, "type": "watch", "videoId": video, "watchMs": 900},
        {"seq": 2, "atMs": 1, "type": "dance"},
        {"seq": 3, "atMs": 1, "type": "watch", "videoId": "no", "watchMs": 900},
        {"seq": 4, "atMs": 1, "type": "watch", "videoId": video, "watchMs": -1},
        {"seq": 5, "atMs": 1, "type": "watch", "videoId": video, "watchMs": 900, "ended": true},
        {"atMs": 1, "type": "watch", "videoId": video, "watchMs": 900},
    ]});
    let answer = viewer.post("/api/v1/events", &body).expect(202);
    assert_eq!(
        (&answer["accepted"], &answer["duplicates"]),
        (&json!(2), &json!(0)),
        "{answer}"
    );
    let rejected: Vec<Option<u64>> = answer["rejected"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| r["seq"].as_u64())
        .collect();
    assert_eq!(rejected, [Some(2), Some(3), Some(4), None], "{answer}");
    assert_eq!(
        answer["ackedThroughSeq"], 5,
        "what is rejected is settled too: {answer}"
    );
    views_become(&viewer, &video, 2);
}

#[test]
fn a_resend_is_acknowledged_and_counts_once() {
    let server = start();
    let (creator, viewer, other) = (server.creator(), server.viewer(), server.person("other"));
    let video = id(&published(&creator, 1));
    let watch = json!({"type": "watch", "videoId": video, "watchMs": 900});
    let batch = viewer.batch(vec![watch.clone(), watch.clone(), watch]);
    for (accepted, duplicates) in [(3, 0), (0, 3), (0, 3)] {
        let answer = viewer.try_send_batch(&batch).expect("an answer").expect(202);
        assert_eq!(
            (&answer["accepted"], &answer["duplicates"]),
            (&json!(accepted), &json!(duplicates)),
            "{answer}"
        );
        assert_eq!(answer["ackedThroughSeq"], 3, "{answer}");
    }
    // The same session name and numbers of somebody else are somebody else's.
    assert_eq!(
        other.try_send_batch(&batch).expect("an answer").expect(202)["accepted"],
        3
    );
    views_become(&viewer, &video, 6);
}

#[test]
fn a_beacon_carries_its_own_identity() {
    let server = start();
    let (creator, viewer, guest) = (server.creator(), server.viewer(), server.anon());
    let video = id(&published(&creator, 1));
    let event = json!({"seq": 1, "atMs": 1, "type": "watch", "videoId": video, "watchMs": 900});
    let body = json!({"sessionId": "beacon", "events": [event], "accessToken": viewer.token});
    let plain = [("content-type", "text/plain;charset=UTF-8")];
    let answer = guest
        .send("POST", "/api/v1/events", &plain, body.to_string().as_bytes())
        .expect(202);
    assert_eq!(answer["accepted"], 1, "{answer}");
    // The account, not the guest, has seen the video.
    let shown = |caller: &Caller| caller.feed(5, None)["items"].as_array().map(Vec::len);
    assert_eq!((shown(&viewer), shown(&server.anon())), (Some(0), Some(1)));
}

#[test]
fn a_watch_of_nothing_is_no_view() {
    let server = start();
    let viewer = server.viewer();
    let event = |video: &str| json!({"type": "watch", "videoId": video, "watchMs": 900});
    let answer = viewer
        .events(vec![event(NOBODY), json!({"type": "watch", "watchMs": 900})])
        .expect(202);
    let rejected = answer["rejected"].as_array().map(Vec::len);
    assert_eq!(
        rejected.map(|count| count + answer["accepted"].as_u64().unwrap_or(9) as usize),
        Some(2),
        "{answer}"
    );
    assert!(
        rejected >= Some(1),
        "an event without a video is rejected: {answer}"
    );
}
