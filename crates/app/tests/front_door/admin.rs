//! Who may look after the house: nobody from outside, whoever the command line names, and no longer than that.

use std::process::{Command, Output};

use testkit::{Server, Value, json};

use crate::{BINARY, NOBODY, check, row, start};

/// `riffle admin …` on the folder of a running server.
pub(crate) fn admin(server: &Server, words: &[&str]) -> Output {
    Command::new(BINARY)
        .arg("admin")
        .args(words)
        .arg("--data")
        .arg(server.data())
        .output()
        .expect("the binary runs")
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

const DOORS: [&str; 3] = [
    "GET /api/v1/admin/flow",
    "GET /api/v1/admin/metrics",
    "POST /api/v1/admin/jobs/catalog/checkpoint",
];

#[test]
fn the_role_is_asked_for_at_every_request() {
    let server = start();
    let (anon, mina) = (server.anon(), server.person("mina"));
    let closed = |caller, status, code| DOORS.map(|door| row(caller, door, Value::Null, status, code));
    check(&closed(&anon, 401, "unauthenticated"));
    check(&closed(&mina, 403, "forbidden"));
    assert!(mina.get("/api/v1/me").expect(200)["roles"].is_null());

    let granted = admin(&server, &["grant", "mina"]);
    assert!(granted.status.success(), "{}", said(&granted));
    for path in ["/api/v1/admin/flow", "/api/v1/admin/metrics"] {
        let _open = mina.get(path).expect(200);
    }
    assert_eq!(mina.get("/api/v1/me").expect(200)["roles"], json!(["admin"]));
    let listed = said(&admin(&server, &["ls"]));
    assert!(
        listed.starts_with("mina\t") && listed.contains("uid "),
        "{listed}"
    );

    // The same token, one request later.
    let revoked = admin(&server, &["revoke", "mina"]);
    assert!(revoked.status.success(), "{}", said(&revoked));
    check(&closed(&mina, 403, "forbidden"));
    let changes = said(&admin(&server, &["ls", "--changes"]));
    assert!(
        changes.contains("granted to mina") && changes.contains("taken from mina"),
        "{changes}"
    );
}

#[test]
fn the_flow_follows_what_comes_in() {
    let server = start();
    let mina = server.person("mina");
    assert!(admin(&server, &["grant", "mina"]).status.success());
    let before = mina.get("/api/v1/admin/flow").expect(200);
    let events = json!({"sessionId": "flow", "events": [
        {"seq": 1, "atMs": 1, "type": "impression", "videoId": NOBODY},
        {"seq": 2, "atMs": 1, "type": "nonsense"},
    ]});
    let sent = mina.post("/api/v1/events", &events).expect(202);
    let after = mina.get("/api/v1/admin/flow").expect(200);
    let grown = |place: &str| {
        let at = |flow: &Value| flow.pointer(place).and_then(Value::as_u64).unwrap_or_default();
        at(&after) - at(&before)
    };
    assert_eq!(
        (grown("/door/accepted"), grown("/door/rejected")),
        (1, 1),
        "{sent}\n{after}"
    );
    assert_eq!(grown("/log/records"), 1, "{after}");
    assert_eq!(after["startedAtMs"], before["startedAtMs"]);
    assert!(
        after["ready"] == true && after["log"]["stopped"] == false,
        "{after}"
    );
    let drops = after["drops"].as_array().expect("drops");
    assert!(
        drops
            .iter()
            .any(|drop| drop["metric"] == "riffle_collector_rejected_total" && drop["total"] == 1),
        "{after}"
    );
    let jobs = after["jobs"].as_array().expect("jobs");
    assert!(jobs.iter().any(|job| job["state"] == "running"), "{after}");
}

#[test]
fn checkpoints_are_asked_of_jobs_that_make_them() {
    let server = start();
    let mina = server.person("mina");
    assert!(admin(&server, &["grant", "mina"]).status.success());
    let flow = mina.get("/api/v1/admin/flow").expect(200);
    for job in flow["jobs"].as_array().expect("jobs") {
        let path = format!(
            "/api/v1/admin/jobs/{}/checkpoint",
            job["job"].as_str().expect("a name")
        );
        let status = if job["controllable"] == true { 202 } else { 404 };
        assert_eq!(mina.send("POST", &path, &[], b"").status, status, "{path}");
    }
    let nobody = "POST /api/v1/admin/jobs/nobody/checkpoint";
    check(&[row(&mina, nobody, Value::Null, 404, "not_found")]);
}

#[test]
fn the_command_line_says_what_is_wrong() {
    let server = start();
    let rows = [
        (vec!["grant", "nobody"], false, "does not exist"),
        (vec!["grant", "no body"], false, "username"),
        (vec!["ls"], true, "nobody is an admin"),
    ];
    for (words, succeeds, expect) in rows {
        let output = admin(&server, &words);
        let text = said(&output);
        assert!(
            output.status.success() == succeeds && text.contains(expect),
            "{words:?}: {text}"
        );
    }
    let elsewhere = Command::new(BINARY)
        .args(["admin", "ls", "--data"])
        .arg(server.data().join("elsewhere"))
        .output()
        .expect("the binary runs");
    assert!(
        !elsewhere.status.success() && said(&elsewhere).contains("--data"),
        "{}",
        said(&elsewhere)
    );
    assert!(
        !server.data().join("elsewhere").exists(),
        "it makes no house of its own"
    );
}
