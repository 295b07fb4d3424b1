//! What people are told of the feed: a creator how a video spreads, an admin one request stage by stage, on the command line.

use std::process::{Command, Output};

use testkit::{Caller, Server, Value, json, until};

use crate::admin::admin;
use crate::{BINARY, NOBODY, check, id, published, row, start};

const SECONDS_MAX: u64 = 30;

/// `riffle feed …` against a running server, as `username`.
fn feed(server: &Server, words: &[&str], username: &str, password: &str) -> Output {
    Command::new(BINARY)
        .arg("feed")
        .args(words)
        .args(["--as", username, "--server", &server.url()])
        .env("RIFFLE_PASSWORD", password)
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Watches everything on a page to its end.
fn watch(caller: &Caller) {
    let page = caller.feed(20, None);
    let items = page["items"].as_array().expect("items");
    let events = items.iter().flat_map(|item| {
        let (video, impression) = (&item["video"]["id"], &item["impressionId"]);
        let duration = &item["video"]["durationMs"];
        [
            json!({"type": "impression", "videoId": video, "impressionId": impression}),
            json!({"type": "watch", "videoId": video, "impressionId": impression, "watchMs": duration, "ended": true}),
        ]
    });
    caller.events(events.collect()).expect(202);
}

#[test]
fn one_request_is_laid_open_on_the_command_line() {
    let server = start();
    let creator = server.creator();
    let _mina = server.person("mina");
    let viewer = server.person("lea");
    let first = id(&published(&creator, 1));
    watch(&viewer);
    let second = id(&published(&creator, 2));

    let password = "correct horse battery staple";
    let closed = feed(&server, &["explain", "lea"], "mina", password);
    assert!(!closed.status.success() && closed.stdout.is_empty());
    assert!(text(&closed.stderr).contains("admin"), "{}", text(&closed.stderr));

    assert!(admin(&server, &["grant", "mina"]).status.success());
    // A page waits for its viewer's own events within a bound; this asks until they are there.
    let watched = format!("viewer {}: 1 watches", viewer.user_id);
    let out = until("the watch is in the viewer's state", SECONDS_MAX, || {
        let told = feed(&server, &["explain", "lea"], "mina", password);
        assert!(told.status.success(), "{}", text(&told.stderr));
        Some(text(&told.stdout)).filter(|out| out.starts_with(&watched))
    });
    for stage in [
        "source          fresh",
        "filter          seen",
        "scorer          learned",
        "selector        slate",
    ] {
        assert!(out.contains(stage), "`{stage}` is missing:\n{out}");
    }
    assert!(
        out.contains(&format!("   0 {second}")),
        "the other stands first:\n{out}"
    );
    assert!(!out.contains(&first), "the watched one does not:\n{out}");

    let machine = feed(&server, &["explain", "lea", "--json"], "mina", password);
    let told: Value = serde_json::from_slice(&machine.stdout).expect("JSON");
    assert_eq!(told["top"][0]["video"], json!(second));
    let pipeline = text(&feed(&server, &["pipeline"], "mina", password).stdout);
    assert!(
        pipeline.contains("source") && pipeline.contains("always"),
        "{pipeline}"
    );

    let nobody = feed(&server, &["explain", "no_such_person"], "mina", password);
    assert!(!nobody.status.success());
    let wrong = feed(&server, &["explain", "lea"], "mina", "another password");
    assert!(!wrong.status.success());
    assert!(
        text(&wrong.stderr).contains("password"),
        "{}",
        text(&wrong.stderr)
    );
    // Looking changed nothing: the page is still to be had.
    assert_eq!(viewer.feed(3, None)["items"][0]["video"]["id"], json!(second));
}

#[test]
fn a_creator_is_told_how_a_video_spreads() {
    let server = start();
    let (creator, viewer, anon) = (server.creator(), server.viewer(), server.anon());
    let video = id(&published(&creator, 1));
    let path = format!("/api/v1/videos/{video}/distribution");
    let told = creator.get(&path).expect(200);
    assert_eq!(told["videoId"], json!(video));
    assert_eq!(
        (&told["impressions"], &told["next"]),
        (&json!(0), &json!("first_viewers"))
    );
    assert_eq!(told["promise"]["impressions"], json!(200));
    // Some of the promised are due at once.
    let state = told["promise"]["state"].as_str().expect("a word");
    assert!(["on_time", "behind"].contains(&state), "{state}");
    let due_ms = told["promise"]["dueMs"].as_i64().expect("a time");
    assert_eq!(
        due_ms - told["publishedMs"].as_i64().expect("a time"),
        6 * 3_600_000
    );
    assert_eq!(told["pools"].as_array().map(Vec::len), Some(4));
    // Those on whose screen it was are counted, once each.
    for guest in (0..3).map(|_| server.anon()) {
        watch(&guest);
    }
    until("three impressions are counted", SECONDS_MAX, || {
        let told = creator.get(&path).expect(200);
        (told["impressions"] == 3 && told["promise"]["given"] == 3).then_some(())
    });
    let get = format!("GET {path}");
    let nobody = format!("GET /api/v1/videos/{NOBODY}/distribution");
    check(&[
        row(&anon, &get, Value::Null, 401, "unauthenticated"),
        row(&viewer, &get, Value::Null, 403, "forbidden"),
        row(&creator, &nobody, Value::Null, 404, "not_found"),
    ]);
}
