//! Sessions: limits first, parts in any order, submitted once.

use media::{Submission, UploadFault, UploadRequest};
use metastore::VideoStatus;

use crate::{Fixture, MINA, NOOR, code, request};

#[tokio::test]
async fn what_will_be_refused_is_refused_before_a_byte_is_sent() {
    let fixture = Fixture::open(8 << 20).await;
    let rows = [
        (request(1), "ok", None),
        (request(500_000_000), "ok", None),
        (request(0), "file_empty", Some("fileSize")),
        (request(500_000_001), "file_too_large", Some("fileSize")),
        (request(u64::MAX), "file_too_large", Some("fileSize")),
        (
            UploadRequest {
                duration_s: Some(0.5),
                ..request(9)
            },
            "duration_out_of_range",
            Some("duration"),
        ),
        (
            UploadRequest {
                duration_s: Some(601.0),
                ..request(9)
            },
            "duration_out_of_range",
            Some("duration"),
        ),
        (
            UploadRequest {
                duration_s: Some(f64::NAN),
                ..request(9)
            },
            "duration_out_of_range",
            Some("duration"),
        ),
        (
            UploadRequest {
                mime: "image/png".to_owned(),
                ..request(9)
            },
            "mime_unsupported",
            Some("mimeType"),
        ),
        (
            UploadRequest {
                mime: String::new(),
                ..request(9)
            },
            "mime_unsupported",
            Some("mimeType"),
        ),
        (
            UploadRequest {
                mime: "Video/MP4; codecs=avc1".to_owned(),
                ..request(9)
            },
            "ok",
            None,
        ),
        (request(1), "too_many_uploads", None),
    ];
    for (given, expect, field) in rows {
        let label = format!("{given:?}");
        let answer = fixture.uploads.session_create(MINA, given).await;
        let said = (
            code(&answer),
            answer.as_ref().err().and_then(|error| error.field()),
        );
        assert_eq!(said, (expect, field), "{label}");
    }
}

#[tokio::test]
async fn parts_come_in_any_order_and_again() {
    let fixture = Fixture::open(4).await;
    let session = fixture.session(10).await;
    assert_eq!(
        session
            .parts
            .iter()
            .map(|part| part.size_bytes)
            .collect::<Vec<_>>(),
        [4, 4, 2]
    );
    let last = fixture.put(&session, 3, b"yz").await.expect("a part");
    fixture.put(&session, 1, b"oops").await.expect("a part");
    let first = fixture.put(&session, 1, b"abcd").await.expect("the part again");
    let resumed = fixture
        .uploads
        .session_get(MINA, session.video)
        .await
        .expect("the session");
    let etags: Vec<_> = resumed.parts.iter().map(|part| part.etag.clone()).collect();
    assert_eq!(etags, [Some(first), None, Some(last)]);
    assert_eq!(
        code(&fixture.uploads.session_get(NOOR, session.video).await),
        "upload_not_found"
    );
    assert_eq!(fixture.video(session.video).await.status, VideoStatus::Uploading);
}

#[tokio::test]
async fn parts_of_another_size_leave_no_trace() {
    let fixture = Fixture::open(4).await;
    let session = fixture.session(6).await;
    fixture.put(&session, 1, b"abcd").await.expect("a part");
    for (number, bytes) in [(1, &b"abcde"[..]), (2, b"x"), (2, b"xyz"), (2, b"")] {
        assert_eq!(
            code(&fixture.put(&session, number, bytes).await),
            "part_size",
            "{number} {bytes:?}"
        );
    }
    let resumed = fixture
        .uploads
        .session_get(MINA, session.video)
        .await
        .expect("the session");
    assert_eq!(
        resumed
            .parts
            .iter()
            .map(|part| part.etag.is_some())
            .collect::<Vec<_>>(),
        [true, false]
    );
    let first = resumed;
    assert_eq!(
        fixture
            .put(&session, 1, b"abc")
            .await
            .err()
            .map(|error| error.code()),
        Some("part_size")
    );
    let resumed = fixture
        .uploads
        .session_get(MINA, session.video)
        .await
        .expect("the session");
    assert_eq!(
        resumed.parts[0].etag, first.parts[0].etag,
        "a short part leaves the old one"
    );
    assert_eq!(fixture.files("uploads").await.len(), 1);
}

#[tokio::test]
async fn links_are_for_one_part_and_one_time() {
    let fixture = Fixture::open(4).await;
    let session = fixture.session(4).await;
    let url = session.parts[0].url.clone();
    let forged = url.replace(
        &session.video.to_string(),
        &fixture.session(4).await.video.to_string(),
    );
    let answer = fixture.uploads.part_put(&forged, &b"abcd"[..]).await;
    assert_eq!(
        (code(&answer), answer.expect_err("forged").fault()),
        ("link_invalid", UploadFault::Forbidden)
    );
    assert_eq!(
        code(&fixture.uploads.part_put("/nonsense", &b"abcd"[..]).await),
        "link_invalid"
    );
    fixture.pass_ms(24 * 3_600_000 + 1_000);
    assert_eq!(
        code(&fixture.uploads.part_put(&url, &b"abcd"[..]).await),
        "link_expired"
    );
    assert_eq!(
        code(&fixture.uploads.session_get(MINA, session.video).await),
        "upload_not_found"
    );
}

#[tokio::test]
async fn a_submission_needs_every_part_as_sent() {
    let fixture = Fixture::open(4).await;
    let session = fixture.session(6).await;
    let first = fixture.put(&session, 1, b"abcd").await.expect("a part");
    let submit = async |parts: &[(u32, &str)]| {
        let parts = parts
            .iter()
            .map(|(number, etag)| (*number, (*etag).to_owned()))
            .collect();
        let submission = Submission {
            parts,
            ..Submission::default()
        };
        code(&fixture.uploads.submit(MINA, session.video, &submission).await)
    };
    assert_eq!(submit(&[]).await, "parts_missing");
    let second = fixture.put(&session, 2, b"yz").await.expect("a part");
    assert_eq!(submit(&[(1, &first)]).await, "part_mismatch");
    assert_eq!(submit(&[(1, &second), (2, &first)]).await, "part_mismatch");
    assert_eq!(fixture.store.media_jobs_waiting().await.expect("a count"), 0);
    let quoted = format!("\"{second}\"");
    assert_eq!(submit(&[(2, &quoted), (1, &first)]).await, "ok");
    assert_eq!(submit(&[(2, &quoted), (1, &first)]).await, "ok", "sent again");
    assert_eq!(submit(&[]).await, "ok");
    assert_eq!(fixture.store.media_jobs_waiting().await.expect("a count"), 1);
    let late = fixture.put(&session, 1, b"abcd").await;
    assert_eq!(code(&late), "upload_not_found", "the session is closed");
}

#[tokio::test]
async fn words_are_checked_and_kept() {
    let fixture = Fixture::open(4).await;
    let session = fixture.session(1).await;
    fixture.put(&session, 1, b"a").await.expect("a part");
    let given = |caption: &str, hashtags: &[&str]| Submission {
        caption: caption.to_owned(),
        hashtags: hashtags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..Submission::default()
    };
    let shelved = |category: &str| Submission {
        category: Some(category.to_owned()),
        ..Submission::default()
    };
    for (submission, field) in [
        (given(&"x".repeat(2_201), &[]), "caption"),
        (given("", &["no spaces"]), "hashtags"),
        (given("", &["é!"]), "hashtags"),
        (shelved("cats"), "category"),
    ] {
        let answer = fixture.uploads.submit(MINA, session.video, &submission).await;
        assert_eq!(answer.expect_err("not acceptable").field(), Some(field));
    }
    let stranger = fixture.uploads.submit(NOOR, session.video, &given("", &[])).await;
    assert_eq!(code(&stranger), "upload_not_found");
    fixture
        .uploads
        .submit(MINA, session.video, &given(" sea #Blue ", &["#Ocean"]))
        .await
        .expect("a submission");
    let video = fixture.video(session.video).await;
    assert_eq!(
        (video.status, video.caption.as_str()),
        (VideoStatus::Processing, "sea #Blue")
    );
    assert_eq!(video.hashtags, ["ocean", "blue"]);
}
