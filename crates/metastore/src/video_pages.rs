//! Lists of videos, as ids in order; the cards are read by id. Read only.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use types::{TimestampMs, UserId, VideoId};

use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, statements};

statements! {
    VIDEO_IDS_BY_CREATOR = "SELECT id FROM videos WHERE creator_id = $1 AND status = 'published' AND hidden = 0 \
        AND adults_only <= $4 AND id < $2 ORDER BY id DESC LIMIT $3";
    VIDEO_IDS_BY_CREATOR_ALL = "SELECT id FROM videos WHERE creator_id = $1 AND status <> 'uploading' \
        AND adults_only <= $4 AND id < $2 ORDER BY id DESC LIMIT $3";
    VIDEO_IDS_FOLLOWING = "SELECT v.id, v.published_at_ms FROM follows f \
        JOIN videos v ON v.creator_id = f.followee_id AND v.status = 'published' AND v.hidden = 0 \
        WHERE f.follower_id = $1 AND (v.published_at_ms, v.id) < ($2, $3) \
        ORDER BY v.published_at_ms DESC, v.id DESC LIMIT $4";
}

/// Who looks at a creator's videos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// The creator.
    Own,
    /// Somebody of age.
    Adults,
    /// Anybody else.
    Everybody,
}

impl Metastore {
    /// A creator's videos, newest first, from before `before` on; at most [`LIST_MAX`].
    /// With [`Shelf::Own`], also those that are not published (but no open upload sessions) and those that are hidden.
    pub async fn video_ids_by_creator(
        &self,
        creator: UserId,
        shelf: Shelf,
        before: Option<VideoId>,
        limit: u32,
    ) -> Result<Vec<VideoId>, MetastoreError> {
        let (statement, adults_only_max) = match shelf {
            Shelf::Own => (VIDEO_IDS_BY_CREATOR_ALL, 1),
            Shelf::Adults => (VIDEO_IDS_BY_CREATOR, 1),
            Shelf::Everybody => (VIDEO_IDS_BY_CREATOR, 0),
        };
        let query = statement
            .query()
            .bind(creator.as_i64())
            .bind(before.map_or(i64::MAX, VideoId::as_i64))
            .bind(i64::from(limit.min(LIST_MAX)))
            .bind(adults_only_max);
        let rows = query.fetch_all(&self.readers).await.map_err(statement.failed())?;
        rows.iter()
            .map(|row| row::video(row, "id").map_err(statement.failed()))
            .collect()
    }

    /// Published videos of those whom `viewer` follows, newest first, with their time of publication; strictly
    /// older than `before`; at most [`LIST_MAX`].
    pub async fn video_ids_following(
        &self,
        viewer: UserId,
        before: Option<(TimestampMs, VideoId)>,
        limit: u32,
    ) -> Result<Vec<(TimestampMs, VideoId)>, MetastoreError> {
        let (before_ms, before_id) = before.map_or((i64::MAX, i64::MAX), |(at_ms, id)| (at_ms, id.as_i64()));
        let query = VIDEO_IDS_FOLLOWING
            .query()
            .bind(viewer.as_i64())
            .bind(before_ms)
            .bind(before_id)
            .bind(i64::from(limit.min(LIST_MAX)));
        let rows = query
            .fetch_all(&self.readers)
            .await
            .map_err(VIDEO_IDS_FOLLOWING.failed())?;
        let pair = |row: &SqliteRow| Ok((row.try_get("published_at_ms")?, row::video(row, "id")?));
        rows.iter()
            .map(|row| pair(row).map_err(VIDEO_IDS_FOLLOWING.failed()))
            .collect()
    }
}
