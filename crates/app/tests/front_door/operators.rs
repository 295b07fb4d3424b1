//! What operators ask of the feed: it is checked, acts on the next page, ends when it is withdrawn, outlives a crash, and leaves a trail.

use testkit::{Caller, Server, Value, json, until};

use crate::admin::admin;
use crate::{check, id, published, row, start};

const ORDERS: &str = "/api/v1/admin/orders";
const WEIGHTS: &str = "/api/v1/admin/value-weights";
const CHANGES: &str = "/api/v1/admin/operator-changes";
const HOUR_MS: i64 = 3_600_000;
const SECONDS_MAX: u64 = 30;

fn operator(server: &Server) -> Caller {
    let mina = server.person("mina");
    assert!(admin(server, &["grant", "mina"]).status.success());
    mina
}

/// The server's clock, as its figures tell it.
fn now_ms(mina: &Caller) -> i64 {
    let flow = mina.get("/api/v1/admin/flow").expect(200);
    flow["atMs"].as_i64().expect("a time")
}

fn first_of(caller: &Caller) -> Value {
    caller.feed(3, None)["items"][0].clone()
}

#[test]
fn only_what_makes_sense_is_put_in_force() {
    let server = start();
    let (anon, mina) = (server.anon(), operator(&server));
    let ends = now_ms(&mina) + HOUR_MS;
    let order = |change: Value| {
        let mut order = json!({"kind": "boost", "target": "hashtag:sea", "factor": 2.0, "reason": "a storm", "endsAtMs": ends});
        for (key, value) in change.as_object().expect("an object") {
            order[key] = value.clone();
        }
        order
    };
    let post = "POST /api/v1/admin/orders";
    let put = "PUT /api/v1/admin/value-weights";
    check(&[
        row(&anon, post, order(json!({})), 401, "unauthenticated"),
        row(&server.person("nina"), post, order(json!({})), 403, "forbidden"),
        row(&mina, post, order(json!({"kind": "bless"})), 400, "invalid"),
        row(&mina, post, order(json!({"target": "sea"})), 400, "invalid"),
        row(&mina, post, order(json!({"factor": 50.0})), 400, "invalid"),
        row(&mina, post, order(json!({"factor": null})), 400, "invalid"),
        row(&mina, post, order(json!({"reason": "  "})), 400, "invalid"),
        row(
            &mina,
            post,
            order(json!({"endsAtMs": ends - 2 * HOUR_MS})),
            400,
            "invalid",
        ),
        row(
            &mina,
            post,
            order(json!({"endsAtMs": ends + 31 * 24 * HOUR_MS})),
            400,
            "invalid",
        ),
        row(
            &mina,
            post,
            order(json!({"kind": "pin", "factor": null})),
            400,
            "invalid",
        ),
        row(
            &mina,
            "DELETE /api/v1/admin/orders/12",
            Value::Null,
            404,
            "not_found",
        ),
        row(
            &mina,
            "DELETE /api/v1/admin/orders/x",
            Value::Null,
            404,
            "not_found",
        ),
        row(&mina, put, json!({"weights": {"lik": 1.0}}), 400, "invalid"),
        row(&mina, put, json!({"weights": {"like": 11.0}}), 400, "invalid"),
    ]);
    assert_eq!(mina.get(ORDERS).expect(200)["items"], json!([]));
    assert_eq!(
        mina.get(CHANGES).expect(200)["items"],
        json!([]),
        "refusals change nothing"
    );
}

#[test]
fn a_pin_comes_first_until_it_is_withdrawn_also_after_a_crash() {
    let mut server = start();
    let creator = server.creator();
    let mut videos: Vec<String> = (0..4).map(|seed| id(&published(&creator, seed))).collect();
    let oldest = videos.remove(0);
    let mina = operator(&server);
    let ends = now_ms(&mina) + HOUR_MS;
    let target = format!("video:{oldest}");
    let asked =
        json!({"kind": "pin", "target": target, "reason": "Storm warning for the coast", "endsAtMs": ends});
    let order = mina.post(ORDERS, &asked).expect(201);
    let pinned = first_of(&server.anon());
    assert_eq!(id(&pinned["video"]), oldest);
    assert_eq!(pinned["reason"]["code"], "pinned");
    let text = pinned["reason"]["text"].as_str().expect("words");
    assert!(text.contains("Storm warning for the coast"), "{text}");

    server.kill_9();
    server.restart();
    until("the pin to be followed again", SECONDS_MAX, || {
        (id(&first_of(&server.anon())["video"]) == oldest).then_some(())
    });

    let path = format!("{ORDERS}/{}", order["id"].as_str().expect("a number"));
    assert_eq!(mina.delete(&path).status, 204);
    assert_eq!(mina.delete(&path).status, 404);
    let first = first_of(&server.anon());
    assert_ne!(first["reason"]["code"], "pinned");
    let what: Vec<Value> = mina.get(CHANGES).expect(200)["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| json!([change["what"], change["username"]]))
        .collect();
    assert_eq!(
        what,
        [json!(["pin_withdrawn", "mina"]), json!(["pin_made", "mina"])]
    );
}

#[test]
fn weights_are_set_by_head_and_go_back() {
    let server = start();
    let mina = operator(&server);
    let of = |answer: &Value, head: &str| -> (f64, f64) {
        let items = answer["items"].as_array().expect("a list");
        let weight = items
            .iter()
            .find(|weight| weight["head"] == head)
            .expect("a head");
        (
            weight["weight"].as_f64().expect("a number"),
            weight["builtIn"].as_f64().expect("a number"),
        )
    };
    let before = mina.get(WEIGHTS).expect(200);
    let (weight, built_in) = of(&before, "like");
    assert_eq!(weight, built_in);
    let set = mina.send(
        "PUT",
        WEIGHTS,
        &[("content-type", "application/json")],
        br#"{"weights": {"like": 2.5}}"#,
    );
    let set = set.expect(200);
    assert_eq!(of(&set, "like"), (2.5, built_in));
    assert_eq!(of(&set, "share"), of(&before, "share"));
    let back = mina.send(
        "PUT",
        WEIGHTS,
        &[("content-type", "application/json")],
        br#"{"weights": {}}"#,
    );
    assert_eq!(of(&back.expect(200), "like"), (built_in, built_in));
}

/// The share of viewers for whom a stage runs.
fn share_of(mina: &Caller, stage: &str) -> f64 {
    let recipe = mina.get("/api/v1/admin/feed/pipeline").expect(200);
    let stages = recipe["stages"].as_array().expect("stages");
    let line = stages.iter().find(|line| line["name"] == stage);
    line.and_then(|line| line["share"].as_f64()).expect("a share")
}

#[test]
fn a_switched_stage_stays_so_after_a_crash_and_leaves_a_trail() {
    let mut server = start();
    let mina = operator(&server);
    let switch = |stage: &str, share: f64| {
        let json = [("content-type", "application/json")];
        let path = format!("/api/v1/admin/feed/components/{stage}");
        mina.send(
            "PUT",
            &path,
            &json,
            json!({ "share": share }).to_string().as_bytes(),
        )
    };
    assert_eq!(switch("popular", 0.0).status, 204);
    assert_eq!(switch("fresh", 0.5).status, 204);
    // The last word counts.
    assert_eq!(switch("fresh", 0.25).status, 204);
    let put = |path, body| row(&mina, path, body, 400, "invalid");
    check(&[
        put("PUT /api/v1/admin/feed/components/listed", json!({"share": 0.0})),
        put("PUT /api/v1/admin/feed/components/popular", json!({"share": 2.0})),
        row(
            &mina,
            "PUT /api/v1/admin/feed/components/nothing",
            json!({"share": 0.0}),
            404,
            "not_found",
        ),
    ]);
    server.kill_9();
    server.restart();
    assert_eq!(
        (share_of(&mina, "popular"), share_of(&mina, "fresh")),
        (0.0, 0.25)
    );
    assert_eq!(share_of(&mina, "social"), 1.0);
    let trail = mina.get(CHANGES).expect(200);
    let details: Vec<&str> = trail["items"]
        .as_array()
        .expect("a trail")
        .iter()
        .filter(|change| change["what"] == "component_switched")
        .filter_map(|change| change["detail"].as_str())
        .collect();
    let expect = [
        "fresh for 0.25 of viewers",
        "fresh for 0.5 of viewers",
        "popular for 0 of viewers",
    ];
    assert_eq!(
        details, expect,
        "the newest first, and nothing of what was refused"
    );
    assert_eq!(switch("popular", 1.0).status, 204);
    assert_eq!(share_of(&mina, "popular"), 1.0);
}

#[test]
fn nothing_is_broken_on_purpose_in_a_server_that_was_not_started_for_it() {
    let server = start();
    let mina = operator(&server);
    let viewer = server.viewer();
    let fault = |caller, status, code| {
        row(
            caller,
            "PUT /api/v1/admin/faults/fresh",
            json!({"fault": "panic"}),
            status,
            code,
        )
    };
    check(&[
        fault(&mina, 403, "faults_not_allowed"),
        fault(&viewer, 403, "forbidden"),
        row(
            &mina,
            "PUT /api/v1/admin/faults/trainer",
            json!({"fault": "hang"}),
            403,
            "faults_not_allowed",
        ),
    ]);
    let faults = mina.get("/api/v1/admin/faults").expect(200);
    assert_eq!(faults, json!({"allowed": false, "items": []}));
    assert_eq!(mina.get("/healthz").body, b"ok\n");
}
