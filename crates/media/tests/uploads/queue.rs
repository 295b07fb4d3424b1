//! The workers: published, rejected, retried, recovered, purged.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use event::{Event, VideoChange};
use metastore::{MediaJobKind, VideoContent, VideoStatus};
use types::{Category, ContentVector, Region, SoundId, VideoId};

use crate::{Fixture, MINA, START_MS};

/// Two seconds of a test picture with a tone.
fn clip(folder: &Path) -> Vec<u8> {
    let path = folder.join("clip.mp4");
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=270x480:rate=25:duration=2",
            "-f",
            "lavfi",
            "-i",
        ])
        .args([
            "sine=duration=2",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg starts").success());
    std::fs::read(&path).expect("the clip")
}

#[tokio::test]
async fn a_clip_is_published_completed_and_purged() {
    let fixture = Fixture::open(64 << 10).await;
    let queue = fixture.queue().await;
    let id = fixture.submitted(&clip(fixture.folder.path())).await;
    assert_eq!(queue.drain().await.expect("a pass"), 2, "publish, then ladder");

    let video = fixture.video(id).await;
    assert_eq!((video.status, video.progress), (VideoStatus::Published, 1.0));
    assert_eq!(
        (video.width, video.height, video.published_at_ms),
        (270, 480, Some(START_MS))
    );
    assert!(
        (1_900..2_200).contains(&video.duration_ms),
        "{}",
        video.duration_ms
    );
    let manifest: media::MediaManifest =
        serde_json::from_str(video.manifest_json.as_deref().expect("a manifest")).expect("its own format");
    let files = fixture.files(&format!("v/{id}")).await;
    for rendition in &manifest.renditions {
        let init = format!("v/{id}/{}", media::init_path(&rendition.name));
        assert!(files.contains(&init), "{init} is not in {files:?}");
    }
    assert!(files.contains(&format!("v/{id}/{}", media::HLS_FILE)));
    assert!(!files.iter().any(|file| file.contains("work")), "{files:?}");
    assert_eq!(
        fixture.files("uploads").await,
        Vec::<String>::new(),
        "parts go once they are one file"
    );
    assert_eq!(fixture.files("raw").await.len(), 1);
    assert!(
        !fixture
            .folder
            .path()
            .join("work")
            .join(format!("{id}-publish"))
            .exists()
    );

    let rows = fixture.store.outbox_take(0, 9).await.expect("rows");
    let facts: Vec<_> = rows
        .iter()
        .map(|row| Event::decode(&row.payload).expect("a record"))
        .collect();
    let content = fixture.content(id).await;
    assert_eq!(content.version, media::BUILTIN_VERSION);
    let published = Event::Video(VideoChange::Published {
        outbox_id: 0,
        video: id,
        creator: MINA,
        published_ms: START_MS,
        duration_ms: video.duration_ms,
        hashtags: vec!["ocean".to_owned()],
        sound: Some(SoundId::from_raw(5)),
        category: Some(Category::Travel),
        region: Region::from_bytes(*b"BR"),
        content: Some(Arc::new(content)),
        original: None,
        caption: "waves #Ocean".to_owned(),
    });
    assert_eq!(facts, [published]);

    purge(&fixture, &queue, &video).await;
}

/// Deletes the video and sees that nothing of it stays.
async fn purge(fixture: &Fixture, queue: &media::MediaQueue, video: &metastore::Video) {
    let mut tx = fixture.store.write("delete").await.expect("the writer is free");
    tx.video_delete(video).await.expect("a deletion");
    tx.media_job_enqueue(&metastore::MediaJobNew::purge(77, video, 3, START_MS))
        .await
        .expect("a job");
    tx.commit().await.expect("a commit");
    assert_eq!(queue.drain().await.expect("a pass"), 1);
    for prefix in ["v", "raw", "uploads"] {
        assert_eq!(fixture.files(prefix).await, Vec::<String>::new(), "{prefix}");
    }
}

#[tokio::test]
async fn what_is_not_a_video_is_rejected_with_a_reason_and_removed() {
    let fixture = Fixture::open(1_000).await;
    let queue = fixture.queue().await;
    let id = fixture
        .submitted(&b"#!/bin/sh\necho this is a script\n".repeat(100))
        .await;
    assert_eq!(
        queue.drain().await.expect("a pass"),
        2,
        "the verdict, then the purge"
    );
    let video = fixture.video(id).await;
    let why = video.rejection.expect("a reason");
    assert_eq!(video.status, VideoStatus::Rejected);
    assert!(!why.code.is_empty() && !why.message.is_empty(), "{why:?}");
    assert_eq!(fixture.files("raw").await, Vec::<String>::new());
    assert_eq!(fixture.store.outbox_count().await.expect("a count"), 0);
    assert_eq!(fixture.store.media_jobs_waiting().await.expect("a count"), 0);
}

#[tokio::test]
async fn our_failures_are_retried_a_bounded_number_of_times() {
    let fixture = Fixture::open(1_000).await;
    let queue = fixture.queue().await;
    let id = fixture.submitted(&[7; 2_500]).await;
    let lost = fixture.files("uploads").await.pop().expect("a part");
    std::fs::remove_file(fixture.folder.path().join("blobs").join(lost)).expect("the part is a file");
    for (wait_ms, jobs, status) in [
        (0, 1, VideoStatus::Processing),
        (1_999, 0, VideoStatus::Processing),
        (1, 1, VideoStatus::Processing),
        (8_000, 1, VideoStatus::Processing),
        (32_000, 1, VideoStatus::Failed),
        (900_000, 0, VideoStatus::Failed),
    ] {
        fixture.pass_ms(wait_ms);
        assert_eq!(queue.drain().await.expect("a pass"), jobs, "after {wait_ms} ms");
        assert_eq!(fixture.video(id).await.status, status, "after {wait_ms} ms");
    }
    assert_eq!(fixture.store.media_jobs_dead().await.expect("a count"), 1);
    let why = fixture.video(id).await.rejection.expect("a reason");
    assert_eq!(why.code, "processing_failed");
}

#[tokio::test]
async fn a_job_whose_worker_died_is_done_by_another() {
    let fixture = Fixture::open(64 << 10).await;
    let queue = fixture.queue().await;
    let id = fixture.submitted(&clip(fixture.folder.path())).await;
    let mut tx = fixture.store.write("claim").await.expect("the writer is free");
    let dead = tx
        .media_job_claim(&[MediaJobKind::Publish], START_MS, START_MS + 30_000)
        .await
        .expect("a claim");
    tx.commit().await.expect("a commit");
    assert!(dead.is_some());
    fixture.pass_ms(29_999);
    assert_eq!(queue.drain().await.expect("a pass"), 0, "its lease still runs");
    fixture.pass_ms(1);
    assert_eq!(queue.drain().await.expect("a pass"), 2);
    assert_eq!(fixture.video(id).await.status, VideoStatus::Published);
}

#[tokio::test]
async fn abandoned_uploads_leave_nothing() {
    let fixture = Fixture::open(4).await;
    let queue = fixture.queue().await;
    let session = fixture.session(8).await;
    fixture.put(&session, 1, b"abcd").await.expect("a part");
    assert_eq!(queue.drain().await.expect("a pass"), 0);
    fixture.pass_ms(24 * 3_600_000);
    assert_eq!(queue.drain().await.expect("a pass"), 1, "a purge");
    assert_eq!(
        fixture.store.video_get(session.video).await.expect("a read"),
        None
    );
    assert_eq!(fixture.files("uploads").await, Vec::<String>::new());
}

#[tokio::test]
async fn the_workers_start_and_stop() {
    let fixture = Fixture::open(1_000).await;
    let queue = fixture.queue().await;
    let id = fixture.submitted(&[7; 2_500]).await;
    let mut tx = fixture.store.write("claim").await.expect("the writer is free");
    tx.media_job_claim(&MediaJobKind::ALL, START_MS, START_MS + 30_000)
        .await
        .expect("a claim");
    tx.commit().await.expect("a commit");
    let mut signal = fixture.store.media_jobs_signal();
    // The verdict on these bytes queues a purge, and that is the second signal after the one of the recovery.
    queue
        .run(async {
            for _ in 0..2 {
                signal.changed().await.expect("an open store");
            }
        })
        .await;
    assert_eq!(
        fixture.video(id).await.status,
        VideoStatus::Rejected,
        "leases of an earlier process end at once"
    );
}

/// The same clip again, smaller and with fewer bits.
fn copied(folder: &Path) -> Vec<u8> {
    let path = folder.join("copy.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(folder.join("clip.mp4"))
        .args([
            "-vf",
            "scale=180:320",
            "-crf",
            "32",
            "-pix_fmt",
            "yuv420p",
            "-b:a",
            "64k",
        ])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg starts").success());
    std::fs::read(&path).expect("the copy")
}

impl Fixture {
    async fn stored_content(&self, id: VideoId) -> VideoContent {
        let content = self.store.video_content_get(id).await.expect("a read");
        content.expect("the video")
    }

    async fn content(&self, id: VideoId) -> ContentVector {
        let bytes = self.stored_content(id).await.vector.expect("a vector");
        ContentVector::from_bytes(&bytes).expect("its own format")
    }

    async fn last_change(&self) -> VideoChange {
        let rows = self.store.outbox_take(0, 99).await.expect("rows");
        let last = rows.last().expect("something was published");
        match Event::decode(&last.payload).expect("a record") {
            Event::Video(change) => change,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_video_that_was_here_before_is_known_again() {
    let fixture = Fixture::open(1 << 20).await;
    let queue = fixture.queue().await;
    let first = fixture.submitted(&clip(fixture.folder.path())).await;
    queue.drain().await.expect("a pass");
    let again = fixture.submitted(&copied(fixture.folder.path())).await;
    queue.drain().await.expect("a pass");
    assert_eq!(fixture.stored_content(first).await.original, None);
    assert_eq!(fixture.stored_content(again).await.original, Some(first));
    let alike = fixture.content(first).await.cosine(&fixture.content(again).await);
    assert!(alike.expect("one space") > 0.95, "{alike:?}");
    let VideoChange::Published { video, original, .. } = fixture.last_change().await else {
        panic!("a publication comes last");
    };
    assert_eq!((video, original), (again, Some(first)));
}

#[tokio::test]
async fn a_video_without_a_vector_gets_the_one_it_would_have_had() {
    let fixture = Fixture::open(1 << 20).await;
    let queue = fixture.queue().await;
    let id = fixture.submitted(&clip(fixture.folder.path())).await;
    queue.drain().await.expect("a pass");
    let before = fixture.stored_content(id).await;
    let mut tx = fixture.store.write("forget").await.expect("the writer is free");
    tx.video_content_update(id, &VideoContent::default(), &[])
        .await
        .expect("an update");
    tx.commit().await.expect("a commit");

    assert_eq!(queue.drain().await.expect("a pass"), 1, "it is described");
    assert_eq!(fixture.stored_content(id).await, before);
    let VideoChange::Described { video, content, .. } = fixture.last_change().await else {
        panic!("a description comes last");
    };
    assert_eq!(
        (video, content.as_deref()),
        (id, Some(&fixture.content(id).await))
    );
    assert_eq!(queue.drain().await.expect("a pass"), 0, "once is enough");
}
