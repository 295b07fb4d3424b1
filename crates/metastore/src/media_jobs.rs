//! The durable queue of media work: claimed under a lease, retried with a bound, dead in the end. It runs nothing.
//!
//! A claim's attempt number is its fence: a worker whose lease ran out and whose job was claimed again can no longer
//! extend, complete or fail it.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{TimestampMs, VideoId};

use crate::error::MetastoreError;
use crate::row;
use crate::store::{Metastore, Write, statements};
use crate::videos::Video;

statements! {
    MEDIA_JOB_INSERT = "INSERT INTO media_jobs (id, video_id, kind, state, priority, run_after_ms, lease_until_ms, \
        attempts, attempts_max, payload, created_at_ms) VALUES ($1, $2, $3, 'queued', $4, $5, 0, 0, $6, $7, $5) \
        ON CONFLICT (video_id, kind) DO NOTHING";
    MEDIA_JOB_CLAIM = "UPDATE media_jobs SET state = 'leased', lease_until_ms = $2, attempts = attempts + 1 \
        WHERE state = 'queued' AND id = (SELECT id FROM media_jobs WHERE state = 'queued' AND run_after_ms <= $1 \
        AND kind IN ($3, $4, $5, $6) ORDER BY priority DESC, id LIMIT 1) \
        RETURNING id, video_id, kind, attempts, attempts_max, payload";
    MEDIA_JOB_HEARTBEAT = "UPDATE media_jobs SET lease_until_ms = $3 \
        WHERE id = $1 AND attempts = $2 AND state = 'leased'";
    MEDIA_JOB_COMPLETE = "UPDATE media_jobs SET state = 'done', last_error = NULL \
        WHERE id = $1 AND attempts = $2 AND state = 'leased'";
    MEDIA_JOB_RETRY = "UPDATE media_jobs SET state = 'queued', run_after_ms = $3, last_error = $4 \
        WHERE id = $1 AND attempts = $2 AND state = 'leased'";
    MEDIA_JOB_BURY = "UPDATE media_jobs SET state = 'dead', last_error = $3 \
        WHERE id = $1 AND attempts = $2 AND state = 'leased'";
    MEDIA_JOB_RELEASE = "UPDATE media_jobs SET state = 'queued', attempts = attempts - 1 \
        WHERE id = $1 AND attempts = $2 AND state = 'leased'";
    MEDIA_JOBS_RECOVER = "UPDATE media_jobs SET state = 'queued', last_error = 'the lease ran out' \
        WHERE state = 'leased' AND lease_until_ms <= $1";
    MEDIA_JOBS_CANCEL = "DELETE FROM media_jobs WHERE video_id = $1 AND kind <> 'purge'";
    MEDIA_JOBS_PURGE = "DELETE FROM media_jobs WHERE state = 'done' AND id IN \
        (SELECT id FROM media_jobs WHERE state = 'done' AND created_at_ms < $1 LIMIT $2)";
    MEDIA_JOBS_COUNT = "SELECT COUNT(*) AS waiting FROM media_jobs WHERE state = $1";
    MEDIA_JOBS_COUNT_OF = "SELECT COUNT(*) AS waiting FROM media_jobs WHERE state = 'queued' AND kind = $1";
    MEDIA_JOB_NEXT_AT = "SELECT MIN(run_after_ms) AS at_ms FROM media_jobs WHERE state = 'queued'";
}

/// What is to be done with a video's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaJobKind {
    /// Validate, and make the first rendition play.
    Publish,
    /// Make the other renditions.
    Ladder,
    /// Say what a published video is about, where that is not known or was said by another encoder.
    Describe,
    /// Remove the files of a deleted video or an abandoned upload.
    Purge,
}

impl MediaJobKind {
    pub const ALL: [Self; 4] = [Self::Publish, Self::Ladder, Self::Describe, Self::Purge];

    /// The word in the database, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Ladder => "ladder",
            Self::Describe => "describe",
            Self::Purge => "purge",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Higher runs first: someone waits for a publish, nobody for a purge.
    const fn priority(self) -> i64 {
        match self {
            Self::Publish => 200,
            Self::Ladder => 100,
            Self::Describe => 50,
            Self::Purge => 0,
        }
    }
}

/// Work to queue; there is at most one job of a kind for a video.
#[derive(Debug, Clone)]
pub struct MediaJobNew {
    pub id: u64,
    pub video: VideoId,
    pub kind: MediaJobKind,
    pub attempts_max: u32,
    /// What an earlier job leaves for this one; opaque here.
    pub payload: String,
    pub created_at_ms: TimestampMs,
}

impl MediaJobNew {
    /// The removal of a video's files. Its payload is the video's time of creation: the row, which also has it, is gone
    /// when the job runs.
    pub fn purge(id: u64, video: &Video, attempts_max: u32, now_ms: TimestampMs) -> Self {
        Self {
            id,
            video: video.id,
            kind: MediaJobKind::Purge,
            attempts_max,
            payload: video.created_at_ms.to_string(),
            created_at_ms: now_ms,
        }
    }
}

/// A job under lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaJob {
    pub id: i64,
    pub video: VideoId,
    pub kind: MediaJobKind,
    /// Which try this is, from 1; also the fence of the lease.
    pub attempt: i64,
    pub attempts_max: i64,
    /// From [`MediaJobNew::payload`].
    pub payload: String,
}

/// What became of a job that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaJobFailure {
    /// It runs again after this time.
    Retried(TimestampMs),
    /// It used all its attempts.
    Dead,
    /// The lease was lost; somebody else has the job.
    Lost,
}

impl FromRow<'_, SqliteRow> for MediaJob {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            video: row::video(row, "video_id")?,
            kind: row::word(row, "kind", MediaJobKind::parse)?,
            attempt: row.try_get("attempts")?,
            attempts_max: row.try_get("attempts_max")?,
            payload: row.try_get("payload")?,
        })
    }
}

impl Metastore {
    /// How many jobs wait for a worker.
    pub async fn media_jobs_waiting(&self) -> Result<i64, MetastoreError> {
        self.media_jobs_in("queued").await
    }

    /// How many jobs used all their attempts.
    pub async fn media_jobs_dead(&self) -> Result<i64, MetastoreError> {
        self.media_jobs_in("dead").await
    }

    /// How many jobs of a kind wait for a worker.
    pub async fn media_jobs_waiting_of(&self, kind: MediaJobKind) -> Result<i64, MetastoreError> {
        let query = MEDIA_JOBS_COUNT_OF.query().bind(kind.as_str());
        let row = query
            .fetch_one(&self.readers)
            .await
            .map_err(MEDIA_JOBS_COUNT_OF.failed())?;
        row.try_get("waiting").map_err(MEDIA_JOBS_COUNT_OF.failed())
    }

    async fn media_jobs_in(&self, state: &'static str) -> Result<i64, MetastoreError> {
        let query = MEDIA_JOBS_COUNT.query().bind(state);
        let row = query
            .fetch_one(&self.readers)
            .await
            .map_err(MEDIA_JOBS_COUNT.failed())?;
        row.try_get("waiting").map_err(MEDIA_JOBS_COUNT.failed())
    }

    /// When the next queued job may run; `None` when nothing is queued.
    pub async fn media_job_next_at(&self) -> Result<Option<TimestampMs>, MetastoreError> {
        let query = MEDIA_JOB_NEXT_AT.query();
        let row = query
            .fetch_one(&self.readers)
            .await
            .map_err(MEDIA_JOB_NEXT_AT.failed())?;
        row.try_get("at_ms").map_err(MEDIA_JOB_NEXT_AT.failed())
    }
}

impl Write {
    /// Queues a job; whether it is new. Workers are woken on commit.
    pub async fn media_job_enqueue(&mut self, new: &MediaJobNew) -> Result<bool, MetastoreError> {
        let insert = MEDIA_JOB_INSERT
            .query()
            .bind(new.id as i64)
            .bind(new.video.as_i64())
            .bind(new.kind.as_str())
            .bind(new.kind.priority())
            .bind(new.created_at_ms)
            .bind(i64::from(new.attempts_max))
            .bind(new.payload.clone());
        let added = self.run(MEDIA_JOB_INSERT, insert).await? > 0;
        self.appended.media_jobs |= added;
        Ok(added)
    }

    /// Leases the first job of one of `kinds` until `lease_until_ms`; `None` when there is nothing to do now.
    pub async fn media_job_claim(
        &mut self,
        kinds: &[MediaJobKind],
        now_ms: TimestampMs,
        lease_until_ms: TimestampMs,
    ) -> Result<Option<MediaJob>, MetastoreError> {
        let words = kinds
            .iter()
            .map(|kind| kind.as_str())
            .chain(std::iter::repeat(""))
            .take(MediaJobKind::ALL.len());
        let query = MEDIA_JOB_CLAIM.rows().bind(now_ms).bind(lease_until_ms);
        let query = words.fold(query, |query, word| query.bind(word));
        query
            .fetch_optional(self.connection())
            .await
            .map_err(MEDIA_JOB_CLAIM.failed())
    }

    /// Extends the lease; false when it was lost.
    pub async fn media_job_heartbeat(
        &mut self,
        job: &MediaJob,
        lease_until_ms: TimestampMs,
    ) -> Result<bool, MetastoreError> {
        let update = MEDIA_JOB_HEARTBEAT
            .query()
            .bind(job.id)
            .bind(job.attempt)
            .bind(lease_until_ms);
        Ok(self.run(MEDIA_JOB_HEARTBEAT, update).await? > 0)
    }

    /// Ends the job well; false when the lease was lost, and then the whole change must be dropped.
    pub async fn media_job_complete(&mut self, job: &MediaJob) -> Result<bool, MetastoreError> {
        let update = MEDIA_JOB_COMPLETE.query().bind(job.id).bind(job.attempt);
        Ok(self.run(MEDIA_JOB_COMPLETE, update).await? > 0)
    }

    /// Queues the job again at `retry_at_ms`, or buries it when it has no attempt left or `is_final`.
    pub async fn media_job_fail(
        &mut self,
        job: &MediaJob,
        error: &str,
        retry_at_ms: TimestampMs,
        is_final: bool,
    ) -> Result<MediaJobFailure, MetastoreError> {
        if is_final || job.attempt >= job.attempts_max {
            let bury = MEDIA_JOB_BURY
                .query()
                .bind(job.id)
                .bind(job.attempt)
                .bind(error.to_owned());
            let buried = self.run(MEDIA_JOB_BURY, bury).await? > 0;
            return Ok(if buried {
                MediaJobFailure::Dead
            } else {
                MediaJobFailure::Lost
            });
        }
        let retry = MEDIA_JOB_RETRY
            .query()
            .bind(job.id)
            .bind(job.attempt)
            .bind(retry_at_ms)
            .bind(error.to_owned());
        let queued = self.run(MEDIA_JOB_RETRY, retry).await? > 0;
        Ok(if queued {
            MediaJobFailure::Retried(retry_at_ms)
        } else {
            MediaJobFailure::Lost
        })
    }

    /// Gives a job back unharmed, because the process stops: the attempt does not count.
    pub async fn media_job_release(&mut self, job: &MediaJob) -> Result<(), MetastoreError> {
        let update = MEDIA_JOB_RELEASE.query().bind(job.id).bind(job.attempt);
        self.run(MEDIA_JOB_RELEASE, update).await.map(drop)
    }

    /// Queues again every job whose lease ended by `now_ms` (with `i64::MAX`: every leased job). The attempt
    /// counts, so that a file that kills its worker does not come back for ever.
    pub async fn media_jobs_recover(&mut self, now_ms: TimestampMs) -> Result<u64, MetastoreError> {
        let update = MEDIA_JOBS_RECOVER.query().bind(now_ms);
        let recovered = self.run(MEDIA_JOBS_RECOVER, update).await?;
        self.appended.media_jobs |= recovered > 0;
        Ok(recovered)
    }

    /// Forgets what was to be done for a video that is being deleted; a worker that runs it loses its lease.
    pub async fn media_jobs_cancel(&mut self, video: VideoId) -> Result<(), MetastoreError> {
        let delete = MEDIA_JOBS_CANCEL.query().bind(video.as_i64());
        self.run(MEDIA_JOBS_CANCEL, delete).await.map(drop)
    }

    /// Removes at most `limit` finished jobs created before `before_ms`; dead ones stay for a person to see.
    pub async fn media_jobs_purge(
        &mut self,
        before_ms: TimestampMs,
        limit: u32,
    ) -> Result<u64, MetastoreError> {
        let delete = MEDIA_JOBS_PURGE.query().bind(before_ms).bind(i64::from(limit));
        self.run(MEDIA_JOBS_PURGE, delete).await
    }
}
