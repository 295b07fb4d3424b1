//! The house around the rooms: health, document, limits, headers, drain.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use testkit::{Server, Value, json};

use crate::{BINARY, NOBODY, check, row, start};

/// Far more than a burst of three and a second's refill let through, however slow the machine hashes.
const GUESSES: usize = 200;

#[test]
fn health_metrics_and_document_answer() {
    let server = start();
    let anon = server.anon();
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/"] {
        let answer = anon.get(path);
        assert!(
            answer.status == 200 && !answer.body.is_empty(),
            "{path}: {}",
            answer.status
        );
    }
    let metrics = String::from_utf8(anon.get("/metrics").body).expect("a text");
    assert!(
        metrics.lines().any(|line| line.starts_with("riffle_")),
        "{metrics}"
    );
}

#[test]
fn the_document_is_the_checked_snapshot() {
    let server = start();
    let served = server.anon().get("/openapi.json").expect(200);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/riffle.json");
    let snapshot: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the snapshot")).expect("JSON");
    assert!(
        served == snapshot,
        "openapi/riffle.json differs from what is served"
    );
}

#[test]
fn requests_are_bounded_and_named() {
    let server = Server::start_with(BINARY, "[server]\nbody_bytes_max = 2000\n");
    let (anon, viewer) = (server.anon(), server.viewer());
    // Over the bound by so little that it fits into the socket: the answer comes before the connection is closed.
    let long = json!({"bio": "x".repeat(3000)});
    let nobody = format!("GET /api/v1/videos/{NOBODY}");
    check(&[
        row(&anon, "GET /api/v1/nothing", Value::Null, 404, "not_found"),
        row(&anon, "DELETE /api/v1/me", Value::Null, 405, "method_not_allowed"),
        row(&viewer, "PATCH /api/v1/me", long, 413, "invalid_body"),
        row(
            &anon,
            "GET /api/v1/videos/not-an-id",
            Value::Null,
            404,
            "not_found",
        ),
        row(&anon, &nobody, Value::Null, 404, "not_found"),
    ]);
    let answers: Vec<_> = (0..2).map(|_| anon.get("/healthz")).collect();
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| answer.headers.get("x-request-id").cloned().unwrap_or_default())
        .collect();
    assert!(!ids[0].is_empty() && ids[0] != ids[1], "{ids:?}");
}

#[test]
fn guessing_passwords_is_slowed_down() {
    let server = Server::start_with(BINARY, "[limits]\nauth_per_s = 1\nauth_burst = 3\n");
    let anon = server.anon();
    let guess = json!({"username": "mina", "password": "not the password"});
    let mut answers = (0..GUESSES).map(|_| anon.post("/api/v1/auth/login", &guess));
    let limited = answers
        .find(|answer| answer.status == 429)
        .expect("so many guesses are too many");
    assert_eq!(limited.code(), "rate_limited");
    let wait: u64 = limited
        .headers
        .get("retry-after")
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    assert!(wait >= 1, "{wait}");
    assert_eq!(anon.get("/api/v1/config").status, 200, "watching goes on");
}

#[test]
fn sigterm_answers_what_has_begun_and_ends_well() {
    let mut server = start();
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    let body =
        json!({"sessionId": "drain", "events": [{"seq": 1, "atMs": 1, "type": "heartbeat"}]}).to_string();
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: riffle\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // Half a request, an answered one on another connection, the signal, then the rest.
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body.as_bytes()[..10]))
        .expect("half a request");
    assert_eq!(server.anon().get("/healthz").status, 200);
    server.terminate();
    stream.write_all(&body.as_bytes()[10..]).expect("the other half");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("an answer, then the end");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(server.wait_for_end().success(), "the exit status is success");
}
