//! What people do with a video: like, save, share, not interested, report. Each is one mark per person and video;
//! the counted ones move the counts in the same change. Comments have their own file.

use sqlx::Row;
use types::{TimestampMs, UserId, VideoId};

use crate::card_cache::Touch;
use crate::error::MetastoreError;
use crate::store::{Statement, Write, statements};
use crate::videos::VideoCounts;

macro_rules! mark_insert {
    ($table:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (user_id, video_id, created_at_ms) VALUES ($1, $2, $3) ON CONFLICT (user_id, video_id) DO NOTHING"
        )
    };
}

macro_rules! mark_delete {
    ($table:literal) => {
        concat!("DELETE FROM ", $table, " WHERE user_id = $1 AND video_id = $2")
    };
}

macro_rules! mark_count {
    ($column:literal) => {
        concat!(
            "UPDATE video_counts SET ",
            $column,
            " = ",
            $column,
            " + $2 WHERE video_id = $1"
        )
    };
}

statements! {
    LIKE_INSERT = mark_insert!("likes");
    LIKE_DELETE = mark_delete!("likes");
    LIKE_COUNT = mark_count!("likes");
    SAVE_INSERT = mark_insert!("saves");
    SAVE_DELETE = mark_delete!("saves");
    SAVE_COUNT = mark_count!("saves");
    SHARE_INSERT = mark_insert!("shares");
    SHARE_DELETE = mark_delete!("shares");
    SHARE_COUNT = mark_count!("shares");
    NOT_INTERESTED_INSERT = mark_insert!("not_interested");
    NOT_INTERESTED_DELETE = mark_delete!("not_interested");
    REPORT_INSERT = "INSERT INTO reports (user_id, video_id, reason, created_at_ms) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (user_id, video_id) DO NOTHING";
    VIDEO_COUNTS_GET = "SELECT likes, comments, shares, saves FROM video_counts WHERE video_id = $1";
    MARKS_GET = "SELECT (SELECT COUNT(*) FROM likes WHERE user_id = $1 AND video_id = $2) AS liked, \
        (SELECT COUNT(*) FROM saves WHERE user_id = $1 AND video_id = $2) AS saved";
}

/// A mark that a person can put on a video, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Like,
    Save,
    Share,
    NotInterested,
}

impl Mark {
    const fn insert(self) -> Statement {
        match self {
            Self::Like => LIKE_INSERT,
            Self::Save => SAVE_INSERT,
            Self::Share => SHARE_INSERT,
            Self::NotInterested => NOT_INTERESTED_INSERT,
        }
    }

    const fn delete(self) -> Statement {
        match self {
            Self::Like => LIKE_DELETE,
            Self::Save => SAVE_DELETE,
            Self::Share => SHARE_DELETE,
            Self::NotInterested => NOT_INTERESTED_DELETE,
        }
    }

    const fn count(self) -> Option<Statement> {
        match self {
            Self::Like => Some(LIKE_COUNT),
            Self::Save => Some(SAVE_COUNT),
            Self::Share => Some(SHARE_COUNT),
            Self::NotInterested => None,
        }
    }
}

impl Write {
    /// Puts the mark; whether it is new. A like also counts for the video's `creator`.
    pub async fn mark_add(
        &mut self,
        mark: Mark,
        user: UserId,
        video: VideoId,
        creator: UserId,
        at_ms: TimestampMs,
    ) -> Result<bool, MetastoreError> {
        let statement = mark.insert();
        let insert = statement
            .query()
            .bind(user.as_i64())
            .bind(video.as_i64())
            .bind(at_ms);
        let added = self.run(statement, insert).await? > 0;
        if added {
            self.mark_count(mark, video, creator, 1).await?;
        }
        Ok(added)
    }

    /// Takes the mark away; whether it was there.
    pub async fn mark_remove(
        &mut self,
        mark: Mark,
        user: UserId,
        video: VideoId,
        creator: UserId,
    ) -> Result<bool, MetastoreError> {
        let statement = mark.delete();
        let delete = statement.query().bind(user.as_i64()).bind(video.as_i64());
        let removed = self.run(statement, delete).await? > 0;
        if removed {
            self.mark_count(mark, video, creator, -1).await?;
        }
        Ok(removed)
    }

    async fn mark_count(
        &mut self,
        mark: Mark,
        video: VideoId,
        creator: UserId,
        step: i64,
    ) -> Result<(), MetastoreError> {
        if let Some(statement) = mark.count() {
            let update = statement.query().bind(video.as_i64()).bind(step);
            self.run(statement, update).await?;
            self.touch(Touch::Counts(video));
        }
        if mark == Mark::Like {
            self.video_creator_count(creator, 0, step).await?;
        }
        Ok(())
    }

    /// Files a report; whether it is this person's first of the video.
    pub async fn report_add(
        &mut self,
        user: UserId,
        video: VideoId,
        reason: &str,
        at_ms: TimestampMs,
    ) -> Result<bool, MetastoreError> {
        let insert = REPORT_INSERT
            .query()
            .bind(user.as_i64())
            .bind(video.as_i64())
            .bind(reason.to_owned())
            .bind(at_ms);
        Ok(self.run(REPORT_INSERT, insert).await? > 0)
    }

    /// The counts as this change sees them; zero for a video that is not there.
    pub async fn video_counts(&mut self, video: VideoId) -> Result<VideoCounts, MetastoreError> {
        let query = VIDEO_COUNTS_GET.rows().bind(video.as_i64());
        let counts = query
            .fetch_optional(self.connection())
            .await
            .map_err(VIDEO_COUNTS_GET.failed())?;
        Ok(counts.unwrap_or_default())
    }

    /// Whether `user` likes and has saved the video, as this change sees it.
    pub async fn marks_get(&mut self, user: UserId, video: VideoId) -> Result<(bool, bool), MetastoreError> {
        let query = MARKS_GET.query().bind(user.as_i64()).bind(video.as_i64());
        let row = query
            .fetch_one(self.connection())
            .await
            .map_err(MARKS_GET.failed())?;
        let marks = || {
            Ok((
                row.try_get::<i64, _>("liked")? > 0,
                row.try_get::<i64, _>("saved")? > 0,
            ))
        };
        marks().map_err(MARKS_GET.failed())
    }
}
