//! The media queue: order, leases, fences, retries, the dead.

use metastore::{MediaJob, MediaJobFailure, MediaJobKind, MediaJobNew, Metastore};

use crate::{Fixture, open, video};

const ALL: [MediaJobKind; 4] = MediaJobKind::ALL;

async fn queue(store: &Metastore, id: u64, kind: MediaJobKind) {
    let mut tx = store.write("queue").await.expect("the writer is free");
    let new = MediaJobNew {
        id,
        video: video(id),
        kind,
        attempts_max: 2,
        payload: format!("for {id}"),
        created_at_ms: 10,
    };
    assert!(tx.media_job_enqueue(&new).await.expect("a job"));
    assert!(
        !tx.media_job_enqueue(&new).await.expect("a job"),
        "one of a kind for a video"
    );
    tx.commit().await.expect("a commit");
}

async fn claim(store: &Metastore, kinds: &[MediaJobKind], now_ms: i64) -> Option<MediaJob> {
    let mut tx = store.write("claim").await.expect("the writer is free");
    let job = tx
        .media_job_claim(kinds, now_ms, now_ms + 30)
        .await
        .expect("a claim");
    tx.commit().await.expect("a commit");
    job
}

#[tokio::test]
async fn publishes_go_first_and_kinds_are_kept_apart() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    for (id, kind) in [
        (1, MediaJobKind::Purge),
        (2, MediaJobKind::Ladder),
        (3, MediaJobKind::Publish),
        (4, MediaJobKind::Publish),
    ] {
        queue(&store, id, kind).await;
    }
    assert_eq!(claim(&store, &ALL, 5).await, None, "nothing runs before its time");
    let mut order = Vec::new();
    order.push(
        claim(&store, &[MediaJobKind::Publish], 10)
            .await
            .map(|job| job.id),
    );
    order.push(claim(&store, &ALL, 10).await.map(|job| job.id));
    order.push(
        claim(&store, &[MediaJobKind::Publish], 10)
            .await
            .map(|job| job.id),
    );
    order.push(claim(&store, &ALL, 10).await.map(|job| job.id));
    order.push(claim(&store, &ALL, 10).await.map(|job| job.id));
    order.push(claim(&store, &ALL, 10).await.map(|job| job.id));
    assert_eq!(order, [Some(3), Some(4), None, Some(2), Some(1), None]);
}

#[tokio::test]
async fn a_lost_lease_cannot_touch_the_job() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    queue(&store, 1, MediaJobKind::Publish).await;
    let stale = claim(&store, &ALL, 10).await.expect("a job");
    let mut tx = store.write("recover").await.expect("the writer is free");
    assert_eq!(tx.media_jobs_recover(39).await.expect("none yet"), 0);
    assert_eq!(tx.media_jobs_recover(40).await.expect("one"), 1);
    tx.commit().await.expect("a commit");
    let fresh = claim(&store, &ALL, 41).await.expect("the job again");
    assert_eq!(
        (stale.attempt, fresh.attempt, fresh.payload.as_str()),
        (1, 2, "for 1")
    );
    let mut tx = store.write("fences").await.expect("the writer is free");
    assert!(!tx.media_job_heartbeat(&stale, 99).await.expect("a heartbeat"));
    assert!(!tx.media_job_complete(&stale).await.expect("a completion"));
    assert_eq!(
        tx.media_job_fail(&stale, "late", 99, false)
            .await
            .expect("a failure"),
        MediaJobFailure::Lost
    );
    assert!(tx.media_job_heartbeat(&fresh, 99).await.expect("a heartbeat"));
    assert!(tx.media_job_complete(&fresh).await.expect("a completion"));
    assert!(
        !tx.media_job_complete(&fresh).await.expect("a completion"),
        "done is done"
    );
}

#[tokio::test]
async fn failures_wait_and_die() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    queue(&store, 1, MediaJobKind::Publish).await;
    let job = claim(&store, &ALL, 10).await.expect("a job");
    let mut tx = store.write("fail").await.expect("the writer is free");
    let failed = tx
        .media_job_fail(&job, "disk full", 50, false)
        .await
        .expect("a failure");
    assert_eq!(failed, MediaJobFailure::Retried(50));
    tx.commit().await.expect("a commit");
    assert_eq!(store.media_job_next_at().await.expect("a read"), Some(50));
    assert_eq!(claim(&store, &ALL, 49).await, None);
    let job = claim(&store, &ALL, 50).await.expect("the job again");
    let mut tx = store.write("fail").await.expect("the writer is free");
    let failed = tx
        .media_job_fail(&job, "disk full", 90, false)
        .await
        .expect("a failure");
    assert_eq!(failed, MediaJobFailure::Dead, "it had two attempts");
    tx.commit().await.expect("a commit");
    assert_eq!(store.media_jobs_dead().await.expect("a count"), 1);
    assert_eq!(store.media_jobs_waiting().await.expect("a count"), 0);
}

#[tokio::test]
async fn a_released_job_keeps_its_attempts() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    queue(&store, 1, MediaJobKind::Ladder).await;
    for _ in 0..5 {
        let job = claim(&store, &ALL, 10).await.expect("a job");
        assert_eq!(job.attempt, 1);
        let mut tx = store.write("release").await.expect("the writer is free");
        tx.media_job_release(&job).await.expect("a release");
        tx.commit().await.expect("a commit");
    }
}

#[tokio::test]
async fn deletion_cancels_work_and_finished_work_is_forgotten() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    queue(&store, 1, MediaJobKind::Publish).await;
    queue(&store, 2, MediaJobKind::Publish).await;
    let job = claim(&store, &ALL, 10).await.expect("a job");
    let mut tx = store.write("cancel").await.expect("the writer is free");
    tx.media_jobs_cancel(video(1)).await.expect("a cancellation");
    assert!(
        !tx.media_job_heartbeat(&job, 99).await.expect("a heartbeat"),
        "its worker must notice"
    );
    tx.commit().await.expect("a commit");
    let job = claim(&store, &ALL, 10).await.expect("the second job");
    let mut tx = store.write("finish").await.expect("the writer is free");
    assert!(tx.media_job_complete(&job).await.expect("a completion"));
    assert_eq!(tx.media_jobs_purge(10, 5).await.expect("too young"), 0);
    assert_eq!(tx.media_jobs_purge(11, 5).await.expect("old enough"), 1);
}
