//! The media workers: claim a job under a lease, run it, settle it. What a job does is in `queue/steps.rs`.
//!
//! One worker takes only what somebody waits for (publishing, purging), the other takes everything, so a long ladder
//! never holds up a publication. A lease is extended while its job runs; a job whose worker died is queued again when
//! its lease ends, or at once when the process starts, since one process owns the work folder.

mod content;
mod error;
mod steps;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use blob::BlobStore;
use metastore::{
    MediaJob, MediaJobFailure, MediaJobKind, MediaJobNew, Metastore, MetastoreError, Rejection, Video,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use types::{IdGenerator, TimestampMs};

use crate::processor::Processor;
use crate::upload::Clock;

use error::StepError;

/// The bounds of the media workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueLimits {
    /// How long a job stays with a worker that says nothing.
    pub lease_ms: i64,
    /// How often a worker says that it lives; a third of the lease.
    pub heartbeat_ms: u64,
    /// Progress is written at most this often.
    pub progress_ms: u64,
    /// Tries of a ladder or a purge; a publication's are set when it is submitted.
    pub attempts_max: u32,
    /// Wait before the second try; four times as long before each further one.
    pub backoff_ms: i64,
    /// The longest such wait.
    pub backoff_ms_max: i64,
    /// How often an idle worker looks for retries whose time has come.
    pub poll_ms: u64,
    /// How often leases, abandoned uploads and finished jobs are looked after.
    pub repair_ms: u64,
    /// Rows that one repair touches.
    pub repair_rows_max: u32,
    /// How long a finished job is kept.
    pub done_ms: i64,
    /// Files of one video.
    pub files_max: usize,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            lease_ms: 30_000,
            heartbeat_ms: 10_000,
            progress_ms: 500,
            attempts_max: 4,
            backoff_ms: 2_000,
            backoff_ms_max: 300_000,
            poll_ms: 1_000,
            repair_ms: 10_000,
            repair_rows_max: 50,
            done_ms: 24 * 3_600_000,
            files_max: 10_000,
        }
    }
}

/// What the workers are built from.
pub struct QueueParts {
    pub store: Metastore,
    pub blobs: BlobStore,
    pub processor: Processor,
    pub clock: Clock,
    /// Shared with every other room of this node, so that no id is minted twice.
    pub ids: Arc<IdGenerator>,
    /// Scratch space of this process alone; best on the file system of the blobs. Emptied at start.
    pub work_dir: PathBuf,
    pub limits: QueueLimits,
}

/// The workers of one node.
#[derive(Clone)]
pub struct MediaQueue {
    inner: Arc<QueueParts>,
}

const URGENT: &[MediaJobKind] = &[MediaJobKind::Publish, MediaJobKind::Purge];
const EVERYTHING: &[MediaJobKind] = &MediaJobKind::ALL;

/// How a job's run ended, seen from outside.
enum Outcome {
    Finished(Result<(), StepError>),
    LeaseLost,
    Stopped,
}

impl MediaQueue {
    pub fn new(parts: QueueParts) -> Self {
        Self {
            inner: Arc::new(parts),
        }
    }

    /// Works until `shutdown` resolves; then gives back what is not finished.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        self.start().await;
        let (stop, stopped) = watch::channel(false);
        let stopping = async {
            shutdown.await;
            stop.send_replace(true);
        };
        tokio::join!(
            self.work(URGENT, stopped.clone()),
            self.work(EVERYTHING, stopped.clone()),
            self.repair(stopped),
            stopping,
        );
    }

    /// One repair, then whatever is due now, one job after another; how many jobs it ran.
    ///
    /// For tools and tests: the same path as [`MediaQueue::run`], without waiting for more.
    pub async fn drain(&self) -> Result<u64, MetastoreError> {
        let (_never, mut stop) = watch::channel(false);
        self.repair_once().await?;
        let mut jobs = 0;
        while let Some(job) = self.claim(EVERYTHING).await? {
            self.job_run(job, &mut stop).await;
            jobs += 1;
        }
        Ok(jobs)
    }

    /// Nothing of an earlier process is still running: its leases end and its scratch files go.
    async fn start(&self) {
        if let Err(error) = steps::folder_clear(&self.inner.work_dir).await {
            tracing::warn!(error = %error, "the media work folder could not be emptied");
        }
        match self.recover(i64::MAX).await {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "media jobs of an earlier process are queued again"),
            Err(error) => tracing::error!(error = %error, "media leases could not be released"),
        }
    }

    async fn work(&self, kinds: &'static [MediaJobKind], mut stop: watch::Receiver<bool>) {
        let mut signal = self.inner.store.media_jobs_signal();
        while !*stop.borrow() {
            match self.claim(kinds).await {
                Ok(Some(job)) => {
                    self.job_run(job, &mut stop).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(error = %error, "no media job could be claimed"),
            }
            tokio::select! {
                _ = signal.changed() => {}
                () = pause(self.inner.limits.poll_ms) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn claim(&self, kinds: &[MediaJobKind]) -> Result<Option<MediaJob>, MetastoreError> {
        let now_ms = self.now_ms();
        let mut tx = self.inner.store.write("media_job_claim").await?;
        let job = tx
            .media_job_claim(kinds, now_ms, now_ms + self.inner.limits.lease_ms)
            .await?;
        tx.commit().await?;
        Ok(job)
    }

    /// Runs one job in a task of its own, so that a panic in it is a failure like any other.
    async fn job_run(&self, job: MediaJob, stop: &mut watch::Receiver<bool>) {
        let began = std::time::Instant::now();
        let running = metrics::gauge!("riffle_media_jobs_running", "kind" => job.kind.as_str());
        running.increment(1.0);
        let progress = Arc::new(AtomicU32::new(0));
        let mut task = JoinSet::new();
        task.spawn(steps::run(
            Arc::clone(&self.inner),
            job.clone(),
            Arc::clone(&progress),
        ));
        let outcome = tokio::select! {
            done = task.join_next() => Outcome::Finished(flatten(done)),
            () = self.lease_keep(&job, &progress) => Outcome::LeaseLost,
            _ = stop.wait_for(|stopped| *stopped) => Outcome::Stopped,
        };
        task.shutdown().await;
        running.decrement(1.0);
        metrics::histogram!("riffle_media_job_seconds", "kind" => job.kind.as_str())
            .record(began.elapsed().as_secs_f64());
        if let Err(error) = self.job_settle(&job, outcome).await {
            tracing::error!(video = %job.video, error = %error, "a media job could not be settled; its lease will run out");
        }
        if let Err(error) = steps::folder_clear(&steps::work_folder(&self.inner, &job)).await {
            tracing::warn!(video = %job.video, error = %error, "scratch files stay until the next start");
        }
        if let Err(error) = self.waiting_measure().await {
            tracing::warn!(error = %error, "how many media jobs wait is not known");
        }
    }

    /// Extends the lease and writes progress until the lease is lost.
    async fn lease_keep(&self, job: &MediaJob, progress: &AtomicU32) {
        let limits = &self.inner.limits;
        let ticks_per_heartbeat = (limits.heartbeat_ms / limits.progress_ms.max(1)).max(1);
        let (mut written, mut tick) = (0, 0u64);
        loop {
            pause(limits.progress_ms).await;
            tick += 1;
            let now = progress.load(Ordering::Relaxed);
            if now == written && !tick.is_multiple_of(ticks_per_heartbeat) {
                continue;
            }
            match self
                .lease_extend(job, f64::from(now) / f64::from(steps::PROGRESS_STEPS))
                .await
            {
                Ok(true) => written = now,
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(video = %job.video, error = %error, "a media lease was not extended")
                }
            }
        }
    }

    async fn lease_extend(&self, job: &MediaJob, progress: f64) -> Result<bool, MetastoreError> {
        let mut tx = self.inner.store.write("media_job_heartbeat").await?;
        let held = tx
            .media_job_heartbeat(job, self.now_ms() + self.inner.limits.lease_ms)
            .await?;
        if held {
            tx.video_progress_update(job.video, progress).await?;
        }
        tx.commit().await?;
        Ok(held)
    }

    async fn job_settle(&self, job: &MediaJob, outcome: Outcome) -> Result<(), StepError> {
        match outcome {
            Outcome::Finished(Ok(())) => {
                tracing::info!(video = %job.video, kind = job.kind.as_str(), "media job done");
                Ok(())
            }
            Outcome::Finished(Err(StepError::LeaseLost)) | Outcome::LeaseLost => {
                tracing::warn!(video = %job.video, kind = job.kind.as_str(), "a media lease was lost");
                steps::orphans_remove(&self.inner, job).await
            }
            Outcome::Finished(Err(StepError::Rejected(why))) if job.kind == MediaJobKind::Publish => {
                self.job_reject(job, why).await
            }
            Outcome::Finished(Err(error)) => self.job_fail(job, error).await,
            Outcome::Stopped => {
                let mut tx = self.inner.store.write("media_job_release").await?;
                tx.media_job_release(job).await?;
                Ok(tx.commit().await?)
            }
        }
    }

    /// The file is at fault: the creator is told, and the file goes.
    async fn job_reject(&self, job: &MediaJob, why: crate::Rejection) -> Result<(), StepError> {
        tracing::info!(video = %job.video, code = why.code, "a video was rejected");
        metrics::counter!("riffle_media_rejected_total", "code" => why.code).increment(1);
        let mut tx = self.inner.store.write("media_job_reject").await?;
        if !tx.media_job_complete(job).await? {
            return steps::orphans_remove(&self.inner, job).await;
        }
        tx.video_reject(
            job.video,
            &Rejection {
                code: why.code.to_owned(),
                message: why.message,
            },
        )
        .await?;
        if let Some(row) = tx.video_get(job.video).await? {
            tx.media_job_enqueue(&self.purge_of(&row)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The house is at fault: again later, or given up and said so.
    async fn job_fail(&self, job: &MediaJob, error: StepError) -> Result<(), StepError> {
        let text = error.chain();
        let is_final = error.is_final();
        let mut tx = self.inner.store.write("media_job_fail").await?;
        let failure = tx
            .media_job_fail(job, &text, self.retry_at_ms(job), is_final)
            .await?;
        if failure == MediaJobFailure::Dead && job.kind == MediaJobKind::Publish {
            let message = "We could not process this video. Please upload it again.".to_owned();
            tx.video_fail(
                job.video,
                &Rejection {
                    code: "processing_failed".to_owned(),
                    message,
                },
            )
            .await?;
        }
        tx.commit().await?;
        tracing::warn!(video = %job.video, kind = job.kind.as_str(), attempt = job.attempt, ?failure, error = %text, "a media job failed");
        metrics::counter!("riffle_media_job_failures_total", "kind" => job.kind.as_str()).increment(1);
        Ok(())
    }

    fn retry_at_ms(&self, job: &MediaJob) -> TimestampMs {
        let limits = &self.inner.limits;
        let doublings = 2 * (job.attempt - 1).clamp(0, 15);
        self.now_ms() + (limits.backoff_ms << doublings).min(limits.backoff_ms_max)
    }

    /// Runs on a timer, takes no input, and does the same on good days and bad.
    async fn repair(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(error) = self.repair_once().await {
                tracing::warn!(error = %error, "media repair stopped early");
            }
            tokio::select! {
                () = pause(self.inner.limits.repair_ms) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn repair_once(&self) -> Result<(), MetastoreError> {
        let (now_ms, rows_max) = (self.now_ms(), self.inner.limits.repair_rows_max);
        let store = &self.inner.store;
        self.recover(now_ms).await?;
        for video in store.uploads_expired(now_ms, rows_max).await? {
            self.upload_abandon(video).await?;
        }
        content::queue_undescribed(&self.inner, store).await?;
        let mut tx = store.write("media_jobs_purge").await?;
        tx.media_jobs_purge(now_ms - self.inner.limits.done_ms, rows_max)
            .await?;
        tx.commit().await?;
        self.waiting_measure().await
    }

    /// Tells how much is queued, and how much was given up; after every job and every repair.
    async fn waiting_measure(&self) -> Result<(), MetastoreError> {
        let store = &self.inner.store;
        metrics::gauge!("riffle_media_jobs_waiting").set(store.media_jobs_waiting().await? as f64);
        metrics::gauge!("riffle_media_jobs_dead").set(store.media_jobs_dead().await? as f64);
        Ok(())
    }

    async fn recover(&self, now_ms: TimestampMs) -> Result<u64, MetastoreError> {
        let mut tx = self.inner.store.write("media_jobs_recover").await?;
        let recovered = tx.media_jobs_recover(now_ms).await?;
        tx.commit().await?;
        metrics::counter!("riffle_media_leases_expired_total").increment(recovered);
        Ok(recovered)
    }

    /// An upload whose time ran out: its row goes, its parts are queued for removal.
    async fn upload_abandon(&self, video: types::VideoId) -> Result<(), MetastoreError> {
        let mut tx = self.inner.store.write("upload_abandon").await?;
        if let Some(row) = tx.video_get(video).await? {
            tx.video_delete(&row).await?;
            tx.media_job_enqueue(&self.purge_of(&row)).await?;
        }
        tx.commit().await?;
        metrics::counter!("riffle_media_uploads_abandoned_total").increment(1);
        Ok(())
    }

    fn purge_of(&self, video: &Video) -> MediaJobNew {
        let now_ms = self.now_ms();
        MediaJobNew::purge(
            self.inner.ids.next(now_ms),
            video,
            self.inner.limits.attempts_max,
            now_ms,
        )
    }

    fn now_ms(&self) -> TimestampMs {
        (self.inner.clock)()
    }
}

fn flatten(done: Option<Result<Result<(), StepError>, tokio::task::JoinError>>) -> Result<(), StepError> {
    match done {
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(StepError::Panicked(error)),
        None => Err(StepError::LeaseLost),
    }
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
