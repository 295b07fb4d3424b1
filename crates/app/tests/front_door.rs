//! The API from outside, as data: who asks for what, and the status and code that come back.
//!
//! Every test starts the real binary on an empty folder. What a single room decides is tested in that room; here it
//! is that the door lets it through.

#[path = "front_door/accounts.rs"]
mod accounts;
#[path = "front_door/admin.rs"]
mod admin;
#[path = "front_door/bad_events.rs"]
mod bad_events;
#[path = "front_door/control.rs"]
mod control;
#[path = "front_door/events.rs"]
mod events;
#[path = "front_door/feed.rs"]
mod feed;
#[path = "front_door/flags.rs"]
mod flags;
#[path = "front_door/house.rs"]
mod house;
#[path = "front_door/insight.rs"]
mod insight;
#[path = "front_door/media.rs"]
mod media;
#[path = "front_door/operators.rs"]
mod operators;
#[path = "front_door/trending.rs"]
mod trending;
#[path = "front_door/uploads.rs"]
mod uploads;

use testkit::{Answer, Caller, Clip, Server, Value};

const BINARY: &str = env!("CARGO_BIN_EXE_riffle");

fn start() -> Server {
    Server::start(BINARY)
}

/// An id of the right shape that nobody has.
const NOBODY: &str = "0000000000001";

/// One request of a table and what must come back.
struct Row<'a> {
    caller: &'a Caller,
    method: &'a str,
    path: &'a str,
    body: Value,
    status: u16,
    code: &'a str,
}

/// Builds a row whose answer is an error.
fn row<'a>(caller: &'a Caller, request: &'a str, body: Value, status: u16, code: &'a str) -> Row<'a> {
    let (method, path) = request.split_once(' ').expect("METHOD path");
    Row {
        caller,
        method,
        path,
        body,
        status,
        code,
    }
}

/// Sends every row; collects all that differ, so that one run shows the whole picture.
fn check(rows: &[Row<'_>]) {
    let mut wrong = Vec::new();
    for row in rows {
        let answer = send(row);
        let error = answer.json();
        let has_message = error["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty());
        if answer.status != row.status || answer.code() != row.code || !has_message {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            let Row {
                method,
                path,
                body: sent,
                status,
                code,
                ..
            } = row;
            wrong.push(format!(
                "{method} {path} {sent}\n  expected {status} {code}\n  got {} {body}",
                answer.status
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} rows differ:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

fn send(row: &Row<'_>) -> Answer {
    if row.body.is_null() {
        return row.caller.send(row.method, row.path, &[], b"");
    }
    let json = [("content-type", "application/json")];
    row.caller
        .send(row.method, row.path, &json, row.body.to_string().as_bytes())
}

/// One small published video.
fn published(creator: &Caller, seed: u32) -> Value {
    creator.publish(
        &Clip::small(seed).bytes(),
        &format!("clip {seed}"),
        &["small", "door"],
    )
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}
