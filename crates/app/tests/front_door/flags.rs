//! What keeps a video from people: an admin hides it, its creator or an admin says that it is for adults. It leaves every feed, list and page
//! at once, stays away after a crash, and comes back when it is let.

use testkit::{Answer, Caller, Clip, Server, Value, json};

use crate::admin::admin;
use crate::{NOBODY, check, id, row, start};

const VIDEOS: u32 = 3;
/// Of age in a year that no clock of a test reaches.
const CHILD: (&str, &str) = ("kim", "2012-01-01");

fn published(creator: &Caller, number: u32, adults_only: bool) -> String {
    let clip = Clip::small(number).bytes();
    let upload = creator.upload_open(&clip);
    let parts = creator.upload_parts(&upload, &clip);
    let body = json!({
        "videoId": upload["videoId"], "caption": format!("take {number}"), "hashtags": ["sea"], "parts": parts,
        "adultsOnly": adults_only,
    });
    let video = creator.post("/api/v1/videos", &body).expect(202);
    let done = creator.wait_processed(&id(&video));
    assert_eq!(done["status"], "published", "{done}");
    assert_eq!(done["adultsOnly"].as_bool().unwrap_or_default(), adults_only);
    id(&done)
}

fn flag(caller: &Caller, video: &str, (hidden, adults_only): (bool, bool)) -> Answer {
    let body = json!({"hidden": hidden, "adultsOnly": adults_only, "reason": "a test of flags"});
    let json = [("content-type", "application/json")];
    let path = format!("/api/v1/admin/videos/{video}/flags");
    caller.send("PUT", &path, &json, body.to_string().as_bytes())
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a list").iter();
    let video = |item: &Value| {
        item.get("video").unwrap_or(item)["id"]
            .as_str()
            .map(str::to_owned)
    };
    items.filter_map(video).collect()
}

/// Where a caller can meet a video: a feed, Following, its creator's page, trending, its own page.
fn meets(caller: &Caller, creator: &str, video: &str) -> [bool; 3] {
    let holds = |page: &Value| ids(page).iter().any(|one| one == video);
    let own = caller.get(&format!("/api/v1/videos/{video}"));
    [
        holds(&caller.feed(20, None)),
        holds(&caller.get(&format!("/api/v1/users/{creator}/videos")).expect(200)),
        own.status == 200,
    ]
}

struct House {
    server: Server,
    mina: Caller,
    creator: Caller,
    videos: Vec<String>,
}

fn house(adults_only: u32) -> House {
    let server = start();
    let (mina, creator) = (server.person("mina"), server.creator());
    assert!(admin(&server, &["grant", "mina"]).status.success());
    let videos = (0..VIDEOS).map(|number| published(&creator, number, number < adults_only));
    let videos = videos.collect();
    House {
        server,
        mina,
        creator,
        videos,
    }
}

/// An account of somebody who is not of age.
fn child(server: &Server) -> Caller {
    let mut kim = server.anon();
    let body = json!({"username": CHILD.0, "password": "correct horse battery staple", "birthDate": CHILD.1});
    let session = kim.post("/api/v1/auth/register", &body).expect(201);
    kim.token = session["accessToken"].as_str().map(str::to_owned);
    kim
}

#[test]
fn a_hidden_video_is_gone_for_all_but_its_creator_until_it_is_let_back() {
    let House {
        mut server,
        mina,
        creator,
        videos,
    } = house(0);
    let (viewer, me) = (server.viewer(), creator.user_id.clone());
    let video = &videos[1];
    let follow = format!("/api/v1/users/{me}/follow");
    viewer.post(&follow, &json!({"action": "follow"})).expect(200);
    assert_eq!(meets(&viewer, &me, video), [true; 3]);
    let following = |viewer: &Caller| ids(&viewer.get("/api/v1/feed/following").expect(200));
    assert!(following(&viewer).contains(video));

    let told = flag(&mina, video, (true, false)).expect(200);
    assert_eq!(told, json!({"hidden": true, "adultsOnly": false}));
    let gone = |viewer: &Caller| {
        assert_eq!(meets(viewer, &me, video), [false; 3]);
        assert!(!following(viewer).contains(video));
        let like = viewer.engage(video, &json!({"action": "like"}));
        assert_eq!((like.status, like.code().as_str()), (404, "not_found"));
        let comments = viewer.get(&format!("/api/v1/videos/{video}/comments"));
        assert_eq!(comments.status, 404);
        assert!(meets(viewer, &me, &videos[0])[0], "the others stay");
    };
    gone(&viewer);
    // Its creator still sees it, and that it is hidden.
    assert_eq!(creator.video(video)["hidden"], true);
    assert!(meets(&creator, &me, video)[1]);
    server.kill_9();
    server.restart();
    gone(&viewer);

    flag(&mina, video, (false, false)).expect(200);
    assert_eq!(meets(&viewer, &me, video), [true; 3]);
    assert!(creator.video(video)["hidden"].is_null());
    let trail = mina.get("/api/v1/admin/operator-changes").expect(200);
    let details: Vec<&str> = trail["items"]
        .as_array()
        .expect("a trail")
        .iter()
        .filter_map(|change| change["detail"].as_str())
        .collect();
    let expect = [
        format!("{video} for everybody: a test of flags"),
        format!("{video} hidden: a test of flags"),
    ];
    assert_eq!(details, expect, "the newest first");
}

#[test]
fn what_is_for_adults_is_for_those_known_to_be_of_age() {
    // The first is for adults by its creator's own word.
    let House {
        mut server,
        mina,
        creator,
        videos,
    } = house(1);
    let me = creator.user_id.clone();
    let (adult, guest, kim) = (server.viewer(), server.anon(), child(&server));
    let shown = |video: &str, expect: [bool; 3]| {
        // Nobody knows how old a guest is.
        let callers = [(&adult, [true; 3]), (&guest, expect), (&kim, expect)];
        for (caller, expect) in callers {
            assert_eq!(meets(caller, &me, video), expect, "{} of {video}", caller.name);
        }
    };
    shown(&videos[0], [false; 3]);
    shown(&videos[1], [true; 3]);
    let refused = format!("GET /api/v1/videos/{}", videos[0]);
    check(&[
        row(&guest, &refused, Value::Null, 403, "adults_only"),
        row(&kim, &refused, Value::Null, 403, "adults_only"),
    ]);
    assert!(meets(&creator, &me, &videos[0])[1], "whoever made it sees it");
    // Nobody adds to what they may not see.
    let engage = format!("POST /api/v1/videos/{}/engagement", videos[0]);
    let act = |action: &str| json!({"action": action, "commentText": "first"});
    let refused = |action| row(&kim, &engage, act(action), 403, "adults_only");
    check(&["like", "save", "share", "comment"].map(refused));
    for action in ["like", "comment"] {
        adult.engage(&videos[0], &act(action)).expect(200);
    }
    // An admin has the last word, either way.
    flag(&mina, &videos[1], (false, true)).expect(200);
    flag(&mina, &videos[0], (false, false)).expect(200);
    shown(&videos[1], [false; 3]);
    shown(&videos[0], [true; 3]);
    server.kill_9();
    server.restart();
    shown(&videos[1], [false; 3]);
    shown(&videos[0], [true; 3]);
    // To take back and to speak against it is for everybody.
    for action in ["unlike", "not_interested", "report"] {
        kim.engage(&videos[1], &act(action)).expect(200);
    }
    let metrics = String::from_utf8_lossy(&mina.get("/metrics").body).into_owned();
    assert!(metrics.contains("riffle_pipeline_stage_runs_total"));
}

#[test]
fn flags_are_an_admins_and_need_a_reason() {
    let House {
        server, mina, videos, ..
    } = house(0);
    let viewer = server.viewer();
    let anon = server.anon();
    let path = format!("PUT /api/v1/admin/videos/{}/flags", videos[0]);
    let nobody = format!("PUT /api/v1/admin/videos/{NOBODY}/flags");
    let body = json!({"hidden": true, "adultsOnly": false, "reason": "spam"});
    let no_reason = json!({"hidden": true, "adultsOnly": false, "reason": " "});
    check(&[
        row(&anon, &path, body.clone(), 401, "unauthenticated"),
        row(&viewer, &path, body.clone(), 403, "forbidden"),
        row(&mina, &path, no_reason, 400, "invalid"),
        row(&mina, &path, json!({"hidden": true}), 422, "invalid_body"),
        row(&mina, &nobody, body, 404, "not_found"),
    ]);
    let read = mina
        .get(&format!("/api/v1/admin/videos/{}/flags", videos[0]))
        .expect(200);
    assert_eq!(
        read,
        json!({"hidden": false, "adultsOnly": false}),
        "nothing was set"
    );
    // What is set already changes nothing and leaves no trail.
    flag(&mina, &videos[0], (false, false)).expect(200);
    let trail = mina.get("/api/v1/admin/operator-changes").expect(200);
    assert_eq!(trail["items"], json!([]));
}
