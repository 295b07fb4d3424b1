//! Upload sessions and the parts received. It holds no bytes; sizes and types are judged by the media room.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{TimestampMs, UserId, VideoId};

use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, Write, statements};

macro_rules! upload_columns {
    () => {
        "video_id, owner_id, declared_bytes, mime, part_size_bytes, part_count, created_at_ms, expires_at_ms, \
         submitted_at_ms"
    };
}

statements! {
    UPLOAD_INSERT = "INSERT INTO uploads (video_id, owner_id, declared_bytes, mime, part_size_bytes, part_count, \
        created_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    UPLOAD_GET = concat!("SELECT ", upload_columns!(), " FROM uploads WHERE video_id = $1");
    UPLOAD_SUBMIT = "UPDATE uploads SET submitted_at_ms = $2 WHERE video_id = $1 AND submitted_at_ms IS NULL";
    UPLOAD_COUNT_OPEN = "SELECT COUNT(*) AS open FROM uploads WHERE owner_id = $1 AND submitted_at_ms IS NULL \
        AND expires_at_ms > $2";
    UPLOADS_EXPIRED = "SELECT video_id FROM uploads WHERE submitted_at_ms IS NULL AND expires_at_ms <= $1 \
        ORDER BY expires_at_ms LIMIT $2";
    UPLOAD_DELETE = "DELETE FROM uploads WHERE video_id = $1";
    UPLOAD_PART_PUT = "INSERT INTO upload_parts (video_id, number, etag, size_bytes, stored_at_ms) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (video_id, number) DO UPDATE SET \
        etag = excluded.etag, size_bytes = excluded.size_bytes, stored_at_ms = excluded.stored_at_ms";
    UPLOAD_PARTS = "SELECT number, etag, size_bytes FROM upload_parts WHERE video_id = $1 ORDER BY number";
}

/// An upload session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub video: VideoId,
    pub owner: UserId,
    pub declared_bytes: i64,
    pub mime: String,
    pub part_size_bytes: i64,
    pub part_count: i64,
    pub created_at_ms: TimestampMs,
    /// After this time parts are refused and what was stored is removed.
    pub expires_at_ms: TimestampMs,
    pub submitted_at_ms: Option<TimestampMs>,
}

/// A session to open.
#[derive(Debug, Clone)]
pub struct UploadNew {
    pub video: VideoId,
    pub owner: UserId,
    pub declared_bytes: i64,
    pub mime: String,
    pub part_size_bytes: i64,
    pub part_count: i64,
    pub created_at_ms: TimestampMs,
    pub expires_at_ms: TimestampMs,
}

/// A part that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPart {
    /// From 1.
    pub number: i64,
    pub etag: String,
    pub size_bytes: i64,
}

impl FromRow<'_, SqliteRow> for Upload {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            video: row::video(row, "video_id")?,
            owner: row::user(row, "owner_id")?,
            declared_bytes: row.try_get("declared_bytes")?,
            mime: row.try_get("mime")?,
            part_size_bytes: row.try_get("part_size_bytes")?,
            part_count: row.try_get("part_count")?,
            created_at_ms: row.try_get("created_at_ms")?,
            expires_at_ms: row.try_get("expires_at_ms")?,
            submitted_at_ms: row.try_get("submitted_at_ms")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for UploadPart {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            number: row.try_get("number")?,
            etag: row.try_get("etag")?,
            size_bytes: row.try_get("size_bytes")?,
        })
    }
}

impl Metastore {
    pub async fn upload_get(&self, video: VideoId) -> Result<Option<Upload>, MetastoreError> {
        let query = UPLOAD_GET.rows().bind(video.as_i64());
        query
            .fetch_optional(&self.readers)
            .await
            .map_err(UPLOAD_GET.failed())
    }

    /// The parts stored so far, by number. A session has a bounded number of parts.
    pub async fn upload_parts(&self, video: VideoId) -> Result<Vec<UploadPart>, MetastoreError> {
        let query = UPLOAD_PARTS.rows().bind(video.as_i64());
        query
            .fetch_all(&self.readers)
            .await
            .map_err(UPLOAD_PARTS.failed())
    }

    /// How many sessions of `owner` are open at `now_ms`.
    pub async fn upload_count_open(&self, owner: UserId, now_ms: TimestampMs) -> Result<i64, MetastoreError> {
        let query = UPLOAD_COUNT_OPEN.query().bind(owner.as_i64()).bind(now_ms);
        let row = query
            .fetch_one(&self.readers)
            .await
            .map_err(UPLOAD_COUNT_OPEN.failed())?;
        row.try_get("open").map_err(UPLOAD_COUNT_OPEN.failed())
    }

    /// Sessions never submitted that expired by `now_ms`, oldest first; at most [`LIST_MAX`].
    pub async fn uploads_expired(
        &self,
        now_ms: TimestampMs,
        limit: u32,
    ) -> Result<Vec<VideoId>, MetastoreError> {
        let query = UPLOADS_EXPIRED
            .query()
            .bind(now_ms)
            .bind(i64::from(limit.min(LIST_MAX)));
        let rows = query
            .fetch_all(&self.readers)
            .await
            .map_err(UPLOADS_EXPIRED.failed())?;
        rows.iter()
            .map(|row| row::video(row, "video_id").map_err(UPLOADS_EXPIRED.failed()))
            .collect()
    }
}

impl Write {
    /// Opens a session; its video row must be there.
    pub async fn upload_create(&mut self, new: &UploadNew) -> Result<(), MetastoreError> {
        let insert = UPLOAD_INSERT
            .query()
            .bind(new.video.as_i64())
            .bind(new.owner.as_i64())
            .bind(new.declared_bytes)
            .bind(new.mime.clone())
            .bind(new.part_size_bytes)
            .bind(new.part_count)
            .bind(new.created_at_ms)
            .bind(new.expires_at_ms);
        self.run(UPLOAD_INSERT, insert).await.map(drop)
    }

    /// Records a stored part; a part stored again replaces the record.
    pub async fn upload_part_put(
        &mut self,
        video: VideoId,
        part: &UploadPart,
        stored_at_ms: TimestampMs,
    ) -> Result<(), MetastoreError> {
        let upsert = UPLOAD_PART_PUT
            .query()
            .bind(video.as_i64())
            .bind(part.number)
            .bind(part.etag.clone())
            .bind(part.size_bytes)
            .bind(stored_at_ms);
        self.run(UPLOAD_PART_PUT, upsert).await.map(drop)
    }

    /// The session as this change sees it.
    pub async fn upload_get(&mut self, video: VideoId) -> Result<Option<Upload>, MetastoreError> {
        let query = UPLOAD_GET.rows().bind(video.as_i64());
        query
            .fetch_optional(self.connection())
            .await
            .map_err(UPLOAD_GET.failed())
    }

    /// The parts as this change sees them, by number.
    pub async fn upload_parts(&mut self, video: VideoId) -> Result<Vec<UploadPart>, MetastoreError> {
        let query = UPLOAD_PARTS.rows().bind(video.as_i64());
        query
            .fetch_all(self.connection())
            .await
            .map_err(UPLOAD_PARTS.failed())
    }

    /// Closes the session for parts; whether it was open.
    pub async fn upload_submit(
        &mut self,
        video: VideoId,
        now_ms: TimestampMs,
    ) -> Result<bool, MetastoreError> {
        let update = UPLOAD_SUBMIT.query().bind(video.as_i64()).bind(now_ms);
        Ok(self.run(UPLOAD_SUBMIT, update).await? > 0)
    }

    /// Forgets the session and its parts.
    pub async fn upload_delete(&mut self, video: VideoId) -> Result<(), MetastoreError> {
        let delete = UPLOAD_DELETE.query().bind(video.as_i64());
        self.run(UPLOAD_DELETE, delete).await.map(drop)
    }
}
