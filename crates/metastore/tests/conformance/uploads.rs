//! Upload sessions and their parts.

use metastore::{Metastore, UploadNew, UploadPart, VideoNew};

use crate::{Fixture, open, people, user, video};

async fn session(store: &Metastore, raw: u64, expires_at_ms: i64) {
    let mut tx = store.write("session").await.expect("the writer is free");
    let new = VideoNew {
        id: video(raw),
        creator: user(1),
        duration_ms: 9,
        source_bytes: 12,
        created_at_ms: 3,
    };
    tx.video_create(&new).await.expect("a new video");
    let new = UploadNew {
        video: video(raw),
        owner: user(1),
        declared_bytes: 12,
        mime: "video/mp4".to_owned(),
        part_size_bytes: 8,
        part_count: 2,
        created_at_ms: 3,
        expires_at_ms,
    };
    tx.upload_create(&new).await.expect("a session");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_first() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 1).await;
    session(&store, 1, 100).await;
    let part = |number, etag: &str, size_bytes| UploadPart {
        number,
        etag: etag.to_owned(),
        size_bytes,
    };
    for sent in [part(2, "b", 4), part(1, "a", 7), part(1, "c", 8)] {
        let mut tx = store.write("part").await.expect("the writer is free");
        tx.upload_part_put(video(1), &sent, 5).await.expect("a part");
        tx.commit().await.expect("a commit");
    }
    let parts = store.upload_parts(video(1)).await.expect("a list");
    assert_eq!(parts, [part(1, "c", 8), part(2, "b", 4)]);
}

#[tokio::test]
async fn a_session_is_submitted_once_and_then_never_expires() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 1).await;
    session(&store, 1, 100).await;
    session(&store, 2, 90).await;
    session(&store, 3, 200).await;
    assert_eq!(store.upload_count_open(user(1), 50).await.expect("a count"), 3);
    assert_eq!(store.upload_count_open(user(1), 100).await.expect("a count"), 1);
    let mut tx = store.write("submit").await.expect("the writer is free");
    assert!(tx.upload_submit(video(1), 60).await.expect("a step"));
    assert!(!tx.upload_submit(video(1), 61).await.expect("a step"));
    tx.commit().await.expect("a commit");
    let stored = store
        .upload_get(video(1))
        .await
        .expect("a read")
        .expect("the session");
    assert_eq!((stored.submitted_at_ms, stored.part_count), (Some(60), 2));
    assert_eq!(store.uploads_expired(150, 10).await.expect("a list"), [video(2)]);
    let mut tx = store.write("forget").await.expect("the writer is free");
    tx.upload_delete(video(2)).await.expect("a deletion");
    tx.commit().await.expect("a commit");
    assert_eq!(store.upload_get(video(2)).await.expect("a read"), None);
}
