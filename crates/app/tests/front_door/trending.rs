//! Trending lists through the door: what is watched shows within seconds, in the scopes it belongs to.

use testkit::{Caller, Clip, Value, json, until};

use crate::{check, id, row, start};

/// A refresh, and an epoch; far more on a busy machine.
const LISTED_SECONDS_MAX: u64 = 30;

/// A published video with a category and a sound.
fn shelved(creator: &Caller, seed: u32) -> String {
    let bytes = Clip::small(seed).bytes();
    let upload = creator.upload_open(&bytes);
    let parts = creator.upload_parts(&upload, &bytes);
    let body = json!({
        "videoId": upload["videoId"], "caption": "on a shelf", "hashtags": ["Sea"], "parts": parts,
        "category": "travel", "soundId": "0000000000055",
    });
    let video = creator.post("/api/v1/videos", &body).expect(202);
    id(&creator.wait_processed(&id(&video)))
}

/// A request from Brazil.
fn from_brazil(caller: &Caller, path: &str, body: &Value) -> testkit::Answer {
    let headers = [
        ("content-type", "application/json"),
        ("accept-language", "pt-BR,pt;q=0.9"),
    ];
    caller.send("POST", path, &headers, body.to_string().as_bytes())
}

fn watch(viewer: &Caller, video: &str) {
    let batch = viewer.batch(vec![
        json!({"type": "watch", "videoId": video, "watchMs": 2_000, "ended": true}),
    ]);
    from_brazil(viewer, "/api/v1/events", &batch.body).expect(202);
}

fn listed(caller: &Caller, scope: &str) -> Vec<Value> {
    let list = caller.get(&format!("/api/v1/trending?scope={scope}")).expect(200);
    list["items"].as_array().expect("a list").clone()
}

#[test]
fn what_is_watched_and_liked_trends_where_it_belongs() {
    let server = start();
    let (creator, viewer, anon) = (server.creator(), server.viewer(), server.anon());
    let (liked, plain) = (shelved(&creator, 1), shelved(&creator, 2));
    watch(&viewer, &liked);
    watch(&viewer, &plain);
    let engagement = format!("/api/v1/videos/{liked}/engagement");
    from_brazil(&viewer, &engagement, &json!({"action": "like"})).expect(200);
    let scopes = [
        "global",
        "region:BR",
        "category:travel",
        "hashtag:sea",
        "sound:0000000000055",
    ];
    for scope in scopes {
        let items = until(scope, LISTED_SECONDS_MAX, || {
            let items = listed(&anon, scope);
            let ids: Vec<String> = items.iter().map(|item| id(&item["video"])).collect();
            (ids == [liked.clone(), plain.clone()]).then_some(items)
        });
        assert_eq!(
            (&items[0]["rank"], &items[0]["viewsLastHour"]),
            (&json!(1), &json!(1)),
            "{scope}"
        );
        assert_eq!(items[0]["video"]["category"], "travel");
        assert!(
            items[0]["score"].as_f64() > items[1]["score"].as_f64(),
            "a like is worth five views"
        );
    }
    for scope in ["region:FR", "category:news", "hashtag:moon"] {
        assert_eq!(listed(&anon, scope), Vec::<Value>::new(), "{scope}");
    }
    let used = anon.get("/api/v1/trending/hashtags").expect(200);
    let both = |used: &Value| {
        used["thisHour"]["videos"].as_u64().unwrap_or(0) + used["hourBefore"]["videos"].as_u64().unwrap_or(0)
    };
    assert_eq!(
        (&used["items"][0]["hashtag"], both(&used["items"][0])),
        (&json!("sea"), 2),
        "{used}"
    );
    let sounds = anon.get("/api/v1/trending/sounds?count=1").expect(200);
    assert_eq!(sounds["items"][0]["soundId"], "0000000000055", "{sounds}");
    assert_eq!(creator.delete(&format!("/api/v1/videos/{liked}")).status, 204);
    until("a deleted video leaves the list", LISTED_SECONDS_MAX, || {
        let items = listed(&anon, "global");
        (items.len() == 1 && items[0]["rank"] == 1).then_some(())
    });
}

#[test]
fn foreign_scopes_counts_and_categories_are_refused() {
    let server = start();
    let (anon, creator) = (server.anon(), server.creator());
    let ask = |query: &str| format!("GET /api/v1/trending?{query}");
    let asked = [
        "scope=world",
        "scope=region:1",
        "scope=category:cats",
        "count=0",
        "count=101",
    ]
    .map(ask);
    let rows: Vec<_> = asked
        .iter()
        .map(|asked| row(&anon, asked, Value::Null, 400, "invalid"))
        .collect();
    check(&rows);
    check(&[row(
        &anon,
        "GET /api/v1/trending/hashtags?count=many",
        Value::Null,
        400,
        "invalid_query",
    )]);
    let bytes = Clip::small(1).bytes();
    let upload = creator.upload_open(&bytes);
    let body = json!({"videoId": upload["videoId"], "category": "cats"});
    check(&[row(&creator, "POST /api/v1/videos", body, 400, "invalid")]);
}
