//! What is derived can be thrown away: without the feature store's file a restart rebuilds it from the log (I-5).

use testkit::{Caller, Clip, Server, json};

const WATCHES: u64 = 7;

/// Everything a viewer could notice of derived state.
fn noticed(viewer: &Caller, videos: &[String]) -> serde_json::Value {
    let counts: Vec<_> = videos
        .iter()
        .map(|video| viewer.video(video)["counts"].clone())
        .collect();
    let feed = viewer.feed(10, None);
    let shown = feed["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["video"]["id"].clone());
    let following = viewer.get("/api/v1/feed/following?count=10").expect(200);
    let followed = following["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["video"]["id"].clone());
    json!({
        "counts": counts,
        "feed": shown.collect::<Vec<_>>(),
        "following": followed.collect::<Vec<_>>(),
    })
}

#[test]
fn a_lost_feature_store_is_rebuilt_from_the_log() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_riffle"));
    let (creator, viewer) = (server.creator(), server.viewer());
    let videos: Vec<String> = (0..4)
        .map(|number| {
            let clip = Clip::small(number).bytes();
            let video = creator.publish(&clip, &format!("clip {number}"), &["sea"]);
            video["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    let watch = |video: &str| json!({"type": "watch", "videoId": video, "watchMs": 1_500, "ended": true});
    let events = (0..WATCHES).map(|n| watch(&videos[(n % 2) as usize])).collect();
    viewer.events(events).expect(202);
    viewer.engage(&videos[0], &json!({"action": "like"})).expect(200);
    viewer
        .engage(&videos[3], &json!({"action": "not_interested"}))
        .expect(200);
    let creator_id = creator.get("/api/v1/me").expect(200)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    viewer
        .post(
            &format!("/api/v1/users/{creator_id}/follow"),
            &json!({"action": "follow"}),
        )
        .expect(200);
    testkit::until("views are counted", 60, || {
        let views = |video: &String| viewer.video(video)["counts"]["views"].as_u64().unwrap_or(0);
        (videos.iter().map(views).sum::<u64>() == WATCHES).then_some(())
    });
    let before = noticed(&viewer, &videos);
    assert_eq!(
        before["feed"].as_array().map(Vec::len),
        Some(1),
        "two seen, one hidden, one left: {before}"
    );

    server.stop();
    std::fs::remove_file(server.data().join("features.redb")).expect("the file exists");
    server.restart();
    assert_eq!(noticed(&viewer, &videos), before);
}
