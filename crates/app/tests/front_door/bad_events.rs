//! The events door against whatever a client may send that it should not: each has a typed answer, and a counter with its reason.

use testkit::{Answer, Caller, Server, Value, json};

use crate::{BINARY, NOBODY, id, published, start};

const PATH: &str = "/api/v1/events";
const JSON: &str = "application/json";
const REFUSED: &str = "riffle_server_events_refused_total";
const DAY_MS: i64 = 86_400_000;

fn post(caller: &Caller, headers: &[(&str, &str)], body: &str) -> Answer {
    caller.send("POST", PATH, headers, body.as_bytes())
}

/// The value of one counter; 0 before it first counts.
fn counted(server: &Server, metric: &str, reason: &str) -> u64 {
    let page = String::from_utf8(server.anon().get("/metrics").body).expect("a text");
    let line = format!("{metric}{{reason=\"{reason}\"}} ");
    let value = page.lines().find_map(|text| text.strip_prefix(line.as_str()));
    value.map_or(0, |value| value.parse().expect("a count"))
}

#[test]
fn a_request_that_is_no_batch_is_refused_by_name() {
    let server = Server::start_with(BINARY, "[server]\nbody_bytes_max = 2000\n");
    let viewer = server.viewer();
    let check = |kind: &str, body: &str, status: u16, code: &str, reason: &str| {
        let before = counted(&server, REFUSED, reason);
        let answer = post(&viewer, &[("content-type", kind)], body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{kind} {body}"
        );
        assert!(
            !answer.json()["message"].as_str().unwrap_or_default().is_empty(),
            "{kind} {body}"
        );
        assert_eq!(counted(&server, REFUSED, reason), before + 1, "{kind} {body}");
    };
    for body in [
        "",
        "{",
        "[]",
        "null",
        "not json",
        r#"{"events":[]}"#,
        r#"{"sessionId":"s"}"#,
    ] {
        check(JSON, body, 400, "invalid_body", "invalid_body");
    }
    check(
        JSON,
        r#"{"sessionId":"s","events":"none"}"#,
        400,
        "invalid_body",
        "invalid_body",
    );
    check(
        JSON,
        r#"{"sessionId":7,"events":[]}"#,
        400,
        "invalid_body",
        "invalid_body",
    );
    check(
        JSON,
        r#"{"sessionId":"","events":[]}"#,
        400,
        "invalid",
        "sessionId",
    );
    let long = format!(r#"{{"sessionId":"{}","events":[]}}"#, "s".repeat(65));
    check(JSON, &long, 400, "invalid", "sessionId");
    let many = format!(r#"{{"sessionId":"s","events":[{}]}}"#, vec!["1"; 501].join(","));
    check(JSON, &many, 400, "invalid", "events");
    // Over the bound by so little that it fits into the socket: the answer comes before the connection is closed.
    let large = format!(r#"{{"sessionId":"s","events":["{}"]}}"#, "x".repeat(2_500));
    check(JSON, &large, 413, "invalid_body", "invalid_body");
}

#[test]
fn a_body_of_another_kind_is_refused_and_json_is_known_by_its_names() {
    let server = Server::start_with(BINARY, "[server]\nbody_bytes_max = 2000\n");
    let viewer = server.viewer();
    let empty = r#"{"sessionId":"s","events":[]}"#;
    let refused = "unsupported_media_type";
    for kind in [
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "json",
        "",
    ] {
        let before = counted(&server, REFUSED, refused);
        let answer = post(&viewer, &[("content-type", kind)], empty);
        assert_eq!((answer.status, answer.code().as_str()), (415, refused), "{kind}");
        assert_eq!(counted(&server, REFUSED, refused), before + 1, "{kind}");
    }
    for kind in [
        JSON,
        "Application/JSON; charset=utf-8",
        "text/plain;charset=UTF-8",
    ] {
        post(&viewer, &[("content-type", kind)], empty).expect(202);
    }
    post(&viewer, &[], empty).expect(202);
    let packed = [("content-type", JSON), ("content-encoding", "gzip")];
    assert_eq!(post(&viewer, &packed, empty).code(), "unsupported_media_type");
}

#[test]
fn a_body_that_comes_in_pieces_has_the_same_bound() {
    let server = Server::start_with(BINARY, "[server]\nbody_bytes_max = 2000\n");
    let check = |chunks: usize, expect: &str| {
        let answer = chunked(&server, chunks);
        assert!(answer.starts_with(expect), "{chunks} chunks: {answer}");
    };
    check(3, "HTTP/1.1 202");
    check(30, "HTTP/1.1 413");
}

/// A batch in chunks of a hundred blanks, with the events in the last.
fn chunked(server: &Server, chunks: usize) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(server.address()).expect("a connection");
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: riffle\r\nconnection: close\r\ncontent-type: {JSON}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let blanks = format!("64\r\n{}\r\n", " ".repeat(100)).repeat(chunks);
    let body = r#"{"sessionId":"s","events":[]}"#;
    let last = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let sent = stream.write_all([head, blanks, last].concat().as_bytes());
    let mut answer = String::new();
    let heard = stream.read_to_string(&mut answer);
    assert!(!answer.is_empty(), "no answer: {sent:?} {heard:?}");
    answer
}

#[test]
fn who_is_not_known_is_told_so() {
    let server = start();
    let check = |headers: &[(&str, &str)], body: Value| {
        let before = counted(&server, REFUSED, "unauthenticated");
        let answer = post(&server.anon(), headers, &body.to_string());
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "unauthenticated"),
            "{body}"
        );
        assert_eq!(counted(&server, REFUSED, "unauthenticated"), before + 1);
    };
    let batch = json!({"sessionId": "s", "events": []});
    check(&[("authorization", "Bearer no.token.at.all")], batch.clone());
    check(&[("authorization", "Bearer ")], batch);
    check(
        &[],
        json!({"sessionId": "s", "events": [], "accessToken": "no.token.at.all"}),
    );
    // A forged guest is a new guest.
    let forged = server.anon();
    forged.set_cookie("riffle_guest", &format!("{NOBODY}.{}", "0".repeat(24)));
    post(&forged, &[], r#"{"sessionId":"s","events":[]}"#).expect(202);
    assert_ne!(forged.cookie("riffle_guest").as_deref(), Some(NOBODY));
}

#[test]
fn a_bad_event_is_answered_with_its_reason() {
    let server = start();
    let viewer = server.viewer();
    let check = |fields: Value, code: &str| {
        let mut event = json!({"type": "watch", "videoId": NOBODY, "watchMs": 900});
        for (name, value) in fields.as_object().expect("fields") {
            event[name] = value.clone();
        }
        let before = counted(&server, "riffle_collector_rejected_total", code);
        let answer = viewer.events(vec![event]).expect(202);
        assert_eq!(answer["accepted"], 0, "{fields}: {answer}");
        assert_eq!(answer["rejected"][0]["code"], code, "{fields}: {answer}");
        let after = counted(&server, "riffle_collector_rejected_total", code);
        assert_eq!(after, before + 1, "{fields}");
    };
    check(json!({"type": "dance"}), "unknown_type");
    check(json!({"videoId": "../../etc/passwd"}), "invalid_video_id");
    check(json!({"videoId": "x".repeat(100_000)}), "invalid_video_id");
    check(json!({"impressionId": 7}), "invalid_impression_id");
    check(json!({"watchMs": -1}), "invalid_watch_ms");
    check(json!({"watchMs": 1e18}), "invalid_watch_ms");
    check(json!({"ended": "yes"}), "invalid_ended");
    check(json!({"loops": -1}), "invalid_loops");
    check(json!({"positionMs": {}}), "invalid_position_ms");
}

#[test]
fn what_is_odd_is_taken_and_counted() {
    let server = start();
    let viewer = server.viewer();
    let now_ms = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.expect("after 1970").as_millis() as i64
    };
    let check = |seq: u64, at_ms: i64, reason: &str| {
        let event = json!({"seq": seq, "atMs": at_ms, "type": "watch", "videoId": NOBODY, "watchMs": 900});
        let before = counted(&server, "riffle_collector_odd_total", reason);
        let body = json!({"sessionId": "odd", "events": [event]}).to_string();
        let answer = post(&viewer, &[("content-type", JSON)], &body).expect(202);
        assert_eq!(answer["accepted"], 1, "{reason}: {answer}");
        assert_eq!(answer["promise"], "disk", "{reason}: {answer}");
        assert_eq!(
            counted(&server, "riffle_collector_odd_total", reason),
            before + 1,
            "{reason}"
        );
    };
    check(1, now_ms() + DAY_MS, "clock_ahead");
    check(2, now_ms() - DAY_MS, "clock_behind");
    check(3, 1, "clock_replaced");
    check(4, i64::MAX, "clock_replaced");
    check(5, now_ms(), "unknown_video");
    check(9, now_ms(), "unknown_video");
    check(7, now_ms(), "out_of_order");
}

#[test]
fn somebody_elses_session_and_impression_are_not_touched() {
    let server = start();
    let (creator, owner, other) = (server.creator(), server.viewer(), server.person("other"));
    let video = id(&published(&creator, 1));
    let shown = owner.feed(5, None);
    let impression = shown["items"][0]["impressionId"].clone();
    let watch =
        json!({"seq": 1, "type": "watch", "videoId": video, "impressionId": impression, "watchMs": 900});
    let body = json!({"sessionId": "owners", "events": [watch]}).to_string();
    let theirs = post(&other, &[("content-type", JSON)], &body).expect(202);
    assert_eq!(
        (&theirs["accepted"], &theirs["ackedThroughSeq"]),
        (&json!(1), &json!(1))
    );
    // What the other watched is gone from the other's feed, and from nobody else's.
    let left = |caller: &Caller| caller.feed(5, None)["items"].as_array().map(Vec::len);
    assert_eq!((left(&other), left(&owner)), (Some(0), Some(1)));
    // The owner's number 1 is still free.
    let own = post(&owner, &[("content-type", JSON)], &body).expect(202);
    assert_eq!((&own["accepted"], &own["duplicates"]), (&json!(1), &json!(0)));
}

#[test]
fn a_batch_of_heartbeats_says_what_it_may_lose() {
    let server = start();
    let viewer = server.viewer();
    let check = |kinds: &[&str], promise: &str| {
        let event = |kind: &&str| json!({"type": kind, "videoId": NOBODY, "watchMs": 1});
        let answer = viewer.events(kinds.iter().map(event).collect()).expect(202);
        assert_eq!(answer["promise"], promise, "{kinds:?}");
    };
    check(&["heartbeat"], "memory");
    check(&["heartbeat", "context"], "memory");
    check(&["heartbeat", "watch"], "disk");
    check(&["watch"], "disk");
}

#[test]
fn the_door_has_the_manners_of_the_house() {
    let server = start();
    let viewer = server.viewer();
    let headers = |answer: &Answer| {
        let get = |name: &str| answer.headers.get(name).cloned().unwrap_or_default();
        [get("x-content-type-options"), get("referrer-policy")]
    };
    let good = viewer.events(vec![json!({"type": "heartbeat"})]);
    let bad = post(&viewer, &[("content-type", JSON)], "{");
    for answer in [&good, &bad] {
        assert_eq!(headers(answer), ["nosniff", "same-origin"].map(str::to_owned));
        assert!(answer.headers.contains_key("x-request-id"));
    }
    let named = post(&viewer, &[("content-type", JSON), ("x-request-id", "mine")], "{");
    assert_eq!(
        named.headers.get("x-request-id").map(String::as_str),
        Some("mine")
    );
    let refused = viewer.send("GET", PATH, &[], b"");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (405, "method_not_allowed")
    );
    let guest = server.anon();
    post(&guest, &[], r#"{"sessionId":"s","events":[]}"#).expect(202);
    assert!(
        guest.cookie("riffle_guest").is_some(),
        "a new guest is given a cookie"
    );
}
