//! Opening accounts, sessions, profiles, follows.

use testkit::{Value, json};

use crate::{NOBODY, check, row, start};

fn registration(username: &str, password: &str, birth_date: &str) -> Value {
    json!({"username": username, "password": password, "birthDate": birth_date})
}

#[test]
fn registration_is_checked() {
    let server = start();
    let anon = server.anon();
    server.person("mina");
    let (good, long) = ("correct horse battery staple", "x".repeat(129));
    let rows = [
        ("mina", good, "1995-04-01", 409, "username_taken"),
        ("MINA", good, "1995-04-01", 409, "username_taken"),
        ("mi", good, "1995-04-01", 400, "invalid"),
        ("mina-two", good, "1995-04-01", 400, "invalid"),
        ("mina_two", "short", "1995-04-01", 400, "invalid"),
        ("mina_two", &long, "1995-04-01", 400, "invalid"),
        ("mina_two", good, "1995-13-01", 400, "invalid"),
        ("mina_two", good, "yesterday", 400, "invalid"),
        ("mina_two", good, "2020-01-01", 403, "too_young"),
    ];
    let path = "POST /api/v1/auth/register";
    check(&rows.map(|(name, password, born, status, code)| {
        row(&anon, path, registration(name, password, born), status, code)
    }));
}

#[test]
fn bodies_that_are_no_request_are_refused() {
    let server = start();
    let (anon, mina) = (server.anon(), server.person("mina"));
    let path = "POST /api/v1/auth/register";
    let long = json!({"displayName": "x".repeat(1000)});
    check(&[
        row(&anon, path, json!({"username": "otto"}), 422, "invalid_body"),
        row(&anon, path, json!([]), 422, "invalid_body"),
        row(&mina, "PATCH /api/v1/me", long, 400, "invalid"),
    ]);
    let json = [("content-type", "application/json")];
    let answer = anon.send("POST", "/api/v1/auth/register", &json, b"{not json");
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_body"));
}

#[test]
fn logins_are_checked() {
    let server = start();
    let anon = server.anon();
    server.person("mina");
    let login = |name: &str| json!({"username": name, "password": "not the password"});
    let (path, refresh) = ("POST /api/v1/auth/login", "POST /api/v1/auth/refresh");
    let made_up = json!({"refreshToken": "made-up"});
    check(&[
        row(&anon, path, login("mina"), 401, "bad_credentials"),
        row(&anon, path, login("nobody"), 401, "bad_credentials"),
        row(&anon, refresh, made_up, 401, "unauthenticated"),
        row(&anon, refresh, json!({}), 401, "unauthenticated"),
        row(&anon, "GET /api/v1/me", Value::Null, 401, "unauthenticated"),
    ]);
}

#[test]
fn sessions_are_rotated_and_theft_is_noticed() {
    let server = start();
    let (anon, mut mina) = (server.anon(), server.person("mina"));
    let refresh = "POST /api/v1/auth/refresh";
    let with = |token: &str| json!({"refreshToken": token});
    let first = mina.refresh_token.take().expect("a refresh token");
    let session = anon.post("/api/v1/auth/refresh", &with(&first)).expect(200);
    let second = session["refreshToken"].as_str().expect("a new token");
    assert_ne!(second, first);
    // The first token again: whoever holds it, the whole family ends.
    check(&[
        row(&anon, refresh, with(&first), 401, "refresh_reused"),
        row(&anon, refresh, with(second), 401, "unauthenticated"),
    ]);
    mina.login();
    let third = mina.refresh_token.take().expect("a refresh token");
    assert_eq!(anon.post("/api/v1/auth/logout", &with(&third)).status, 204);
    check(&[row(&anon, refresh, with(&third), 401, "unauthenticated")]);
}

#[test]
fn a_cookie_session_hides_its_refresh_token() {
    let server = start();
    let anon = server.anon();
    let mut body = registration("mina", "correct horse battery staple", "1995-04-01");
    body["cookieSession"] = json!(true);
    let answer = anon.post("/api/v1/auth/register", &body);
    let cookies = answer.headers.get("set-cookie").cloned().unwrap_or_default();
    let cookie = cookies
        .lines()
        .find(|cookie| cookie.starts_with("riffle_refresh="))
        .expect("the cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/api/v1/auth"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert_eq!(answer.expect(201)["refreshToken"], Value::Null);
    let session = anon.post("/api/v1/auth/refresh", &json!({})).expect(200);
    assert_eq!(
        (session["username"].as_str(), &session["refreshToken"]),
        (Some("mina"), &Value::Null)
    );
}

#[test]
fn tokens_that_are_not_ours_are_refused() {
    let server = start();
    let mut mina = server.person("mina");
    let good = mina.token.clone().expect("a token");
    let (head, signature) = good.rsplit_once('.').expect("a signed token");
    let turned: String = signature.chars().rev().collect();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIxIn0.";
    for bad in [
        "",
        "x",
        none,
        head,
        &format!("{head}.{turned}"),
        &format!("{good}x"),
    ] {
        mina.token = Some(bad.to_owned());
        let answer = mina.get("/api/v1/me");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "unauthenticated"),
            "token {bad:?}"
        );
    }
    mina.token = Some(good);
    assert_eq!(mina.get("/api/v1/me").expect(200)["username"], "mina");
}

#[test]
fn profiles_and_follows_are_exact_both_ways() {
    let server = start();
    let (anon, mina, otto) = (server.anon(), server.person("mina"), server.person("otto"));
    let follow = format!("/api/v1/users/{}/follow", mina.user_id);
    let request = format!("POST {follow}");
    let own = format!("POST /api/v1/users/{}/follow", otto.user_id);
    let nobody = format!("POST /api/v1/users/{NOBODY}/follow");
    let by_id = format!("GET /api/v1/users/{NOBODY}");
    check(&[
        row(
            &anon,
            &request,
            json!({"action": "follow"}),
            401,
            "unauthenticated",
        ),
        row(&otto, &request, json!({"action": "adore"}), 422, "invalid_body"),
        row(&otto, &own, json!({"action": "follow"}), 403, "forbidden"),
        row(&otto, &nobody, json!({"action": "follow"}), 404, "not_found"),
        row(&anon, &by_id, Value::Null, 404, "not_found"),
        row(
            &anon,
            "GET /api/v1/users/not-an-id",
            Value::Null,
            404,
            "not_found",
        ),
        row(
            &anon,
            "GET /api/v1/users/by-name/nobody_here",
            Value::Null,
            404,
            "not_found",
        ),
    ]);
    for (action, following, followers) in [
        ("follow", true, 1),
        ("follow", true, 1),
        ("unfollow", false, 0),
        ("follow", true, 1),
    ] {
        let answer = otto.post(&follow, &json!({"action": action})).expect(200);
        assert_eq!(
            (&answer["following"], &answer["counts"]["followers"]),
            (&json!(following), &json!(followers))
        );
    }
    let seen = otto.get("/api/v1/users/by-name/mina").expect(200);
    assert_eq!(
        (&seen["viewer"]["following"], &seen["counts"]["followers"]),
        (&json!(true), &json!(1))
    );
    let own = otto.get("/api/v1/me").expect(200);
    assert_eq!(
        (&own["viewer"]["isSelf"], &own["counts"]["following"]),
        (&json!(true), &json!(1))
    );
    let followers = anon
        .get(&format!("/api/v1/users/{}/followers", mina.user_id))
        .expect(200);
    assert_eq!(followers["items"][0]["username"], "otto");
    let changed = mina
        .patch("/api/v1/me", &json!({"displayName": "Mina M.", "bio": "clips"}))
        .expect(200);
    assert_eq!(
        (&changed["displayName"], &changed["bio"]),
        (&json!("Mina M."), &json!("clips"))
    );
}
