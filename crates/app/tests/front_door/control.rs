//! The viewer's say in the feed: each wish shows at the next page, says why, and outlives a kill.

use testkit::{Answer, Caller, Clip, Server, Value, json};

use crate::{NOBODY, check, id, row, start};

const EACH: u32 = 4;

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().expect("a list")
}

fn has_tag(item: &Value, hashtag: &str) -> bool {
    let tags = item["video"]["hashtags"].as_array().expect("hashtags");
    tags.iter().any(|tag| tag == hashtag)
}

/// How many of the next few videos have a hashtag, and whether the first has. Two of a creator in a row are the most, so a page of four
/// is never all of one topic here.
fn next(caller: &Caller, hashtag: &str) -> (bool, usize) {
    let page = caller.feed(EACH as usize, None);
    let items = items(&page);
    let count = items.iter().filter(|item| has_tag(item, hashtag)).count();
    (items.first().is_some_and(|first| has_tag(first, hashtag)), count)
}

/// Videos of `creator` on a page that could hold all of them.
fn by(caller: &Caller, creator: &str) -> usize {
    let page = caller.feed(20, None);
    let made = |item: &&Value| item["video"]["creator"]["id"] == creator;
    items(&page).iter().filter(made).count()
}

fn put(caller: &Caller, path: &str, body: &Value) -> Answer {
    let json = [("content-type", "application/json")];
    caller.send("PUT", path, &json, body.to_string().as_bytes())
}

fn publish(creator: &Caller, hashtag: &str, first: u32) -> Vec<String> {
    let one = |number: u32| {
        let clip = Clip::small(first + number).bytes();
        let video = creator.publish(&clip, &format!("take {number} of the {hashtag} tour"), &[hashtag]);
        id(&video)
    };
    (0..EACH).map(one).collect()
}

/// Two creators with a topic each, and their ids.
fn house() -> (Server, [String; 2], [Vec<String>; 2]) {
    let server = start();
    let (sea, cats) = (server.creator(), server.person("catlady"));
    let videos = [publish(&sea, "sea", 0), publish(&cats, "cats", EACH)];
    let me = |creator: &Caller| id(&creator.get("/api/v1/me").expect(200));
    let creators = [me(&sea), me(&cats)];
    (server, creators, videos)
}

#[test]
fn less_more_words_mutes_and_blocks_show_at_the_next_page() {
    let (server, [sea, cats], _) = house();
    let viewer = server.viewer();
    let wish = |want: &str| {
        let body = json!({"want": want, "hashtag": "#Sea"});
        viewer.post("/api/v1/me/interests/wishes", &body).expect(200)
    };
    let told = wish("less");
    assert_eq!(told["wishes"][0]["hashtag"], "sea");
    let (first, count) = next(&viewer, "sea");
    assert!(!first && count <= 1, "less of it: {count}");
    wish("more");
    let (first, count) = next(&viewer, "sea");
    assert!(first && count >= 2, "more of it: {count}");
    wish("neutral");

    let words = |list: &[&str]| {
        put(&viewer, "/api/v1/me/muted-words", &json!({ "words": list })).expect(200);
        items(&viewer.feed(20, None)).len()
    };
    assert_eq!(words(&["TAKE 1"]), 6, "a phrase in two captions");
    assert_eq!(words(&["#cats"]), 4, "a hashtag");
    assert_eq!(words(&[]), 8);

    let mute = |muted: bool| {
        viewer
            .post(&format!("/api/v1/users/{sea}/mute"), &json!({ "muted": muted }))
            .expect(200)
    };
    assert_eq!(mute(true)["items"][0]["id"], sea.as_str());
    assert_eq!(by(&viewer, &sea), 0);
    assert_eq!(mute(false)["items"], json!([]));
    assert_eq!(by(&viewer, &sea), 4);

    // Both ways: the one who was blocked does not see the other either.
    let creator = server.person("blocker");
    let own = publish(&creator, "own", 100);
    let me = id(&creator.get("/api/v1/me").expect(200));
    assert_eq!(by(&viewer, &me), own.len());
    let person = id(&viewer.get("/api/v1/me").expect(200));
    let block = format!("/api/v1/users/{person}/block");
    creator.post(&block, &json!({"blocked": true})).expect(200);
    assert_eq!(by(&viewer, &me), 0);
    let follow = format!("POST /api/v1/users/{me}/follow");
    check(&[row(
        &viewer,
        &follow,
        json!({"action": "follow"}),
        403,
        "forbidden",
    )]);
    creator.post(&block, &json!({"blocked": false})).expect(200);
    assert_eq!(by(&viewer, &me), own.len());
    let block = format!("/api/v1/users/{cats}/block");
    assert_eq!(
        viewer.post(&block, &json!({"blocked": true})).expect(200)["items"][0]["id"],
        cats.as_str()
    );
    assert_eq!(by(&viewer, &cats), 0);
}

/// Skips one topic and finishes another, as many as given of each.
fn lean(viewer: &Caller, liked: &[String], skipped: &[String]) {
    let watch = |video: &String, watch_ms: i64, ended: bool| json!({"type": "watch", "videoId": video, "watchMs": watch_ms, "ended": ended});
    let mut events: Vec<Value> = liked.iter().map(|video| watch(video, 9_000, true)).collect();
    events.extend(skipped.iter().map(|video| watch(video, 50, false)));
    viewer.events(events).expect(202);
}

#[test]
fn what_was_watched_is_named_and_a_reset_forgets_it_but_not_what_was_seen() {
    let (mut server, _, [sea, cats]) = house();
    let viewer = server.viewer();
    lean(&viewer, &sea[..3], &cats[..3]);
    let page = viewer.feed(2, None);
    let first = &items(&page)[0];
    assert_eq!(
        id(&first["video"]),
        sea[3],
        "the one of the liked topic comes first: {page}"
    );
    let path = format!(
        "/api/v1/feed/why/{}",
        first["impressionId"].as_str().expect("an id")
    );
    let why = viewer.get(&path).expect(200);
    let named = &why["reasons"][0];
    assert_eq!(named["topic"], "sea", "{why}");
    assert_eq!(named["text"], "Because you finished 3 #sea videos today");
    assert_eq!(named["finishedToday"], 3);
    let other = server.person("other");
    check(&[
        row(&other, &format!("GET {path}"), Value::Null, 404, "not_found"),
        row(
            &viewer,
            &format!("GET /api/v1/feed/why/{NOBODY}"),
            Value::Null,
            404,
            "not_found",
        ),
    ]);

    let learned = |viewer: &Caller| viewer.get("/api/v1/me/interests").expect(200)["learned"].clone();
    assert_eq!(learned(&viewer)[0]["hashtag"], "sea");
    let frozen = put(&viewer, "/api/v1/me/feed-mode", &json!({"mode": "frozen"})).expect(200);
    assert_eq!(frozen["mode"], "frozen");
    let before = learned(&viewer);
    lean(&viewer, &cats[..1], &[]);
    assert_eq!(learned(&viewer), before, "frozen interests stay as they are");
    put(&viewer, "/api/v1/me/feed-mode", &json!({"mode": "personal"})).expect(200);

    let told = viewer.post("/api/v1/me/interests/reset", &json!({})).expect(200);
    assert_eq!((&told["learned"], &told["watches"]), (&json!([]), &json!(0)));
    let left = viewer.feed(20, None);
    assert_eq!(items(&left).len(), 2, "what was seen stays seen: {left}");
    server.kill_9();
    server.restart();
    assert_eq!(learned(&viewer), json!([]), "a reset outlives the process");
    assert_eq!(
        viewer.get(&path).expect(200)["reasons"][0]["topic"],
        "sea",
        "and so do receipts"
    );
}

#[test]
fn guests_choose_interests_and_may_have_a_feed_that_is_not_personal() {
    let (server, _, [sea, cats]) = house();
    let guest = server.anon();
    guest.feed(1, None);
    let topics = guest.get("/api/v1/feed/topics").expect(200);
    assert_eq!(topics["hashtags"][0]["videos"], 4);
    let chosen = json!({"hashtags": ["#Cats", "cats"], "categories": []});
    let told = put(&guest, "/api/v1/me/interests", &chosen).expect(200);
    assert_eq!(told["hashtags"], json!(["cats"]));
    let (first, count) = next(&guest, "cats");
    assert!(first && count >= 2, "what was chosen comes first: {count}");
    lean(&guest, &sea[..1], &cats[..1]);
    put(&guest, "/api/v1/me/feed-mode", &json!({"mode": "non_personal"})).expect(200);
    let page = guest.feed(20, None);
    for item in items(&page) {
        let code = item["reason"]["code"].as_str().expect("a code");
        assert!(!code.starts_with("interest") && code != "chosen", "{item}");
    }
    check(&[
        row(
            &guest,
            "PUT /api/v1/me/feed-mode",
            json!({"mode": "loud"}),
            422,
            "invalid_body",
        ),
        row(
            &guest,
            "PUT /api/v1/me/muted-words",
            json!({"words": ["!"]}),
            400,
            "invalid",
        ),
        row(
            &guest,
            "PUT /api/v1/me/interests",
            json!({"categories": ["cats"]}),
            400,
            "invalid",
        ),
        row(
            &guest,
            "POST /api/v1/me/interests/wishes",
            json!({"want": "less"}),
            400,
            "invalid",
        ),
        row(
            &guest,
            "GET /api/v1/me/blocks",
            Value::Null,
            401,
            "unauthenticated",
        ),
    ]);
}
