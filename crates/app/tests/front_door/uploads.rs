//! Upload sessions, parts, metadata: what is refused, what may be sent again, what the creator is told.

use testkit::{Clip, Value, json};

use crate::{NOBODY, check, id, row, start};

fn session(duration: f64, bytes: i64, mime: &str) -> Value {
    json!({"duration": duration, "fileSize": bytes, "mimeType": mime})
}

#[test]
fn upload_sessions_are_checked_before_a_byte_is_sent() {
    let server = start();
    let (anon, creator) = (server.anon(), server.creator());
    let limits = anon.get("/api/v1/config").expect(200)["limits"].clone();
    let too_large = limits["fileSizeBytesMax"].as_i64().expect("a limit") + 1;
    let too_long = limits["videoDurationMsMax"].as_f64().expect("a limit") / 1000.0 + 1.0;
    let path = "POST /api/v1/videos/upload-url";
    let other = format!("GET /api/v1/videos/{NOBODY}/upload");
    let mp4 = |seconds, bytes| session(seconds, bytes, "video/mp4");
    let html = session(2.0, 1000, "text/html");
    check(&[
        row(&anon, path, mp4(2.0, 1000), 401, "unauthenticated"),
        row(&creator, path, mp4(2.0, too_large), 413, "file_too_large"),
        row(&creator, path, mp4(2.0, 0), 400, "file_empty"),
        row(&creator, path, mp4(too_long, 1000), 400, "duration_out_of_range"),
        row(&creator, path, html, 415, "mime_unsupported"),
        row(&creator, path, json!({"duration": "long"}), 422, "invalid_body"),
        row(&creator, &other, Value::Null, 404, "upload_not_found"),
    ]);
}

#[test]
fn parts_resume_and_metadata_is_idempotent() {
    let server = start();
    let (creator, other) = (server.creator(), server.viewer());
    let bytes = Clip::small(1).bytes();
    let upload = creator.upload_open(&bytes);
    let resume = format!(
        "/api/v1/videos/{}/upload",
        upload["videoId"].as_str().expect("an id")
    );
    assert_eq!(creator.get(&resume).expect(200)["parts"][0]["received"], false);
    let body = |parts: &[Value]| json!({"videoId": upload["videoId"], "caption": "one #two", "hashtags": ["three"], "parts": parts});
    let submit = "POST /api/v1/videos";
    let unsent = [json!({"number": 1, "etag": "none"})];
    let strange = json!({"videoId": NOBODY, "caption": "", "hashtags": [], "parts": []});
    check(&[
        row(&creator, submit, body(&unsent), 409, "parts_missing"),
        row(&creator, submit, strange, 404, "upload_not_found"),
    ]);
    let parts = creator.upload_parts(&upload, &bytes);
    let again = creator.upload_parts(&upload, &bytes);
    assert_eq!(parts, again, "a part may be sent again");
    assert_eq!(creator.get(&resume).expect(200)["parts"][0]["received"], true);
    check(&[
        row(&other, submit, body(&parts), 404, "upload_not_found"),
        row(&creator, submit, body(&unsent), 409, "part_mismatch"),
    ]);
    let first = creator.post("/api/v1/videos", &body(&parts)).expect(202);
    let second = creator.post("/api/v1/videos", &body(&parts)).expect(202);
    assert_eq!(first["id"], second["id"]);
    let video = creator.wait_processed(&id(&first));
    assert_eq!(
        (&video["status"], &video["hashtags"]),
        (&json!("published"), &json!(["three", "two"]))
    );
}

#[test]
fn what_cannot_be_played_is_rejected_with_a_reason() {
    let server = start();
    let creator = server.creator();
    let clip = Clip::small(2).bytes();
    let rows: [(&str, Vec<u8>); 3] = [
        ("text", b"this is no video at all, only words".repeat(40)),
        ("cut", clip[..clip.len() / 3].to_vec()),
        ("zeros", vec![0; 4096]),
    ];
    for (name, bytes) in rows {
        let video = creator.wait_processed(&id(&creator.upload(&bytes, name, &[])));
        let said = video["rejection"]["message"].as_str().unwrap_or_default();
        assert!(
            video["status"] == "rejected" && !said.is_empty(),
            "{name}: {video}"
        );
        let elsewhere = server.anon().get(&format!("/api/v1/videos/{}", id(&video)));
        assert_eq!(
            elsewhere.status, 404,
            "a rejected video is its creator's own business"
        );
    }
    let own = creator
        .get(&format!("/api/v1/users/{}/videos", creator.user_id))
        .expect(200);
    assert_eq!(
        own["items"].as_array().map(Vec::len),
        Some(3),
        "the creator sees what was rejected"
    );
}

#[test]
fn a_link_takes_its_own_part_only() {
    let server = start();
    let creator = server.creator();
    let bytes = Clip::small(3).bytes();
    let upload = creator.upload_open(&bytes);
    let url = upload["parts"][0]["url"].as_str().expect("a link");
    let turned = url.replace("max=", "max=9");
    assert_ne!(turned, url, "the link says how many bytes it takes");
    for (link, body, status) in [
        (turned.as_str(), bytes.as_slice(), 403),
        (url, &bytes[..10], 400),
        (url, &bytes, 200),
    ] {
        let answer = creator.send("PUT", link, &[("content-type", "application/octet-stream")], body);
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
    }
}
