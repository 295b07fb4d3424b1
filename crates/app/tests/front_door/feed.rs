//! The feed, engagement and comments: guests watch, accounts act, nothing repeats, cursors are signed.

use std::collections::BTreeSet;

use testkit::{Caller, Value, json, until};

use crate::{NOBODY, check, id, published, row, start};

const INDEXED_SECONDS_MAX: u64 = 30;

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().expect("a list")
}

/// Reads the feed to its end, page by page, watching everything.
fn swipe_through(caller: &Caller, count: usize) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = caller.feed(count, cursor.as_deref());
        for item in items(&page) {
            let event = |kind: &str| json!({"type": kind, "videoId": item["video"]["id"], "impressionId": item["impressionId"], "watchMs": 700});
            assert_eq!(
                caller.events(vec![event("impression"), event("watch")]).status,
                202
            );
            assert!(
                item["reason"]["text"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{item}"
            );
            seen.push(id(&item["video"]));
        }
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || items(&page).is_empty() {
            return seen;
        }
    }
}

#[test]
fn guests_and_accounts_swipe_without_repeats() {
    let server = start();
    let creator = server.creator();
    let all: BTreeSet<String> = (0..5).map(|seed| id(&published(&creator, seed))).collect();
    for caller in [server.anon(), server.viewer()] {
        let seen = swipe_through(&caller, 2);
        assert_eq!(seen.len(), all.len(), "{} sees each video once", caller.name);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all);
        assert_eq!(
            swipe_through(&caller, 5),
            Vec::<String>::new(),
            "{} has seen everything",
            caller.name
        );
    }
    let guest = server.anon();
    guest.feed(1, None);
    assert!(
        guest.cookie("riffle_guest").is_some(),
        "a guest is known by a signed cookie"
    );
}

#[test]
fn cursors_are_signed_and_belong_to_their_viewer() {
    let server = start();
    let creator = server.creator();
    for seed in 0..4 {
        published(&creator, seed);
    }
    let (viewer, other) = (server.viewer(), server.person("other"));
    let cursor = viewer.feed(1, None)["cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    let turned: String = cursor.chars().rev().collect();
    let path = |cursor: &str| format!("GET /api/v1/feed/for-you?count=1&cursor={cursor}");
    let (own, turned, short) = (path(&cursor), path(&turned), path(&cursor[..cursor.len() - 2]));
    let feed = "GET /api/v1/feed/for-you?count=";
    let (none, word) = (format!("{feed}0"), format!("{feed}x"));
    check(&[
        row(&viewer, &turned, Value::Null, 400, "invalid_cursor"),
        row(&viewer, &short, Value::Null, 400, "invalid_cursor"),
        row(&other, &own, Value::Null, 400, "invalid_cursor"),
        row(&viewer, &none, Value::Null, 400, "invalid"),
        row(&viewer, &word, Value::Null, 400, "invalid_query"),
    ]);
    check(&[row(
        &server.anon(),
        "GET /api/v1/feed/following",
        Value::Null,
        401,
        "unauthenticated",
    )]);
    assert_eq!(items(&viewer.feed(1, Some(&cursor))).len(), 1);
}

#[test]
fn following_is_newest_first() {
    let server = start();
    let (creator, viewer) = (server.creator(), server.viewer());
    let older = id(&published(&creator, 1));
    let newer = id(&published(&creator, 2));
    assert_eq!(items(&viewer.get("/api/v1/feed/following").expect(200)).len(), 0);
    viewer
        .post(
            &format!("/api/v1/users/{}/follow", creator.user_id),
            &json!({"action": "follow"}),
        )
        .expect(200);
    let page = viewer.get("/api/v1/feed/following?count=5").expect(200);
    let order: Vec<String> = items(&page).iter().map(|item| id(&item["video"])).collect();
    assert_eq!(order, [newer, older]);
}

#[test]
fn engagement_is_checked_idempotent_and_seen_at_once() {
    let server = start();
    let (anon, creator, viewer) = (server.anon(), server.creator(), server.viewer());
    let video = id(&published(&creator, 1));
    let path = format!("POST /api/v1/videos/{video}/engagement");
    let nobody = format!("POST /api/v1/videos/{NOBODY}/engagement");
    let own = format!("DELETE /api/v1/videos/{video}");
    let comment = |text: &str| json!({"action": "comment", "commentText": text});
    let answer = json!({"action": "comment", "commentText": "x", "parentId": NOBODY});
    check(&[
        row(&anon, &path, json!({"action": "like"}), 401, "unauthenticated"),
        row(&viewer, &path, json!({"action": "dance"}), 400, "invalid"),
        row(&viewer, &path, json!({}), 422, "invalid_body"),
        row(&viewer, &path, comment(""), 400, "invalid"),
        row(&viewer, &path, comment(&"x".repeat(5000)), 400, "invalid"),
        row(&viewer, &path, answer, 404, "not_found"),
        row(&viewer, &nobody, json!({"action": "like"}), 404, "not_found"),
        row(&viewer, &own, Value::Null, 403, "forbidden"),
    ]);
    for (action, liked, saved, likes, saves) in [
        ("like", true, false, 1, 0),
        ("like", true, false, 1, 0),
        ("save", true, true, 1, 1),
        ("unlike", false, true, 0, 1),
        ("unsave", false, false, 0, 0),
        ("like", true, false, 1, 0),
    ] {
        let answer = viewer.engage(&video, &json!({"action": action})).expect(200);
        assert_eq!(
            answer["viewer"],
            json!({"liked": liked, "saved": saved}),
            "{action}"
        );
        assert_eq!(
            (&answer["counts"]["likes"], &answer["counts"]["saves"]),
            (&json!(likes), &json!(saves)),
            "{action}"
        );
    }
    let own = viewer.video(&video);
    assert_eq!(
        (&own["viewer"]["liked"], &own["counts"]["likes"]),
        (&json!(true), &json!(1))
    );
}

#[test]
fn comments_are_threaded() {
    let server = start();
    let (anon, creator, viewer) = (server.anon(), server.creator(), server.viewer());
    let video = id(&published(&creator, 1));
    let say = |caller: &Caller, text: &str, parent: Option<&str>| {
        let mut body = json!({"action": "comment", "commentText": text});
        if let Some(parent) = parent {
            body["parentId"] = json!(parent);
        }
        id(&caller.engage(&video, &body).expect(200)["comment"])
    };
    let first = say(&viewer, "first", None);
    say(&creator, "second", None);
    say(&creator, "reply one", Some(&first));
    say(&viewer, "reply two", Some(&first));
    let texts = |path: &str| -> Vec<String> {
        let page = anon
            .get(&format!("/api/v1/videos/{video}/comments{path}"))
            .expect(200);
        items(&page)
            .iter()
            .map(|comment| comment["text"].as_str().expect("a text").to_owned())
            .collect()
    };
    assert_eq!(texts(""), ["second", "first"]);
    assert_eq!(texts("?count=1"), ["second"]);
    assert_eq!(texts(&format!("?parentId={first}")), ["reply one", "reply two"]);
    assert_eq!(anon.video(&video)["counts"]["comments"], 4);
}

#[test]
fn a_deleted_video_leaves_the_feed() {
    let server = start();
    let (creator, viewer) = (server.creator(), server.viewer());
    let (gone, kept) = (id(&published(&creator, 1)), id(&published(&creator, 2)));
    let link = viewer.video(&gone)["playback"]["init"]
        .as_str()
        .expect("a link")
        .to_owned();
    assert_eq!(creator.delete(&format!("/api/v1/videos/{gone}")).status, 204);
    assert_eq!(viewer.get(&format!("/api/v1/videos/{gone}")).status, 404);
    until("the blobs are purged", INDEXED_SECONDS_MAX, || {
        (viewer.get(&link).status == 404).then_some(())
    });
    assert_eq!(swipe_through(&viewer, 5), [kept]);
}
