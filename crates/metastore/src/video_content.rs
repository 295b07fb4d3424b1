//! What videos are about and by what they are known again: content vectors, fingerprints and the keys that find them. The bytes and
//! the verdict whether two are copies are the media room's.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::VideoId;

use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, Write, statements};

/// Keys that one search takes.
const KEYS_MAX: usize = 24;

statements! {
    VIDEO_CONTENT_UPDATE = "UPDATE videos SET content = $2, content_version = $3, fingerprint = $4, original_id = $5 \
        WHERE id = $1 AND status = 'published'";
    VIDEO_CONTENT_GET = "SELECT content, content_version, fingerprint, original_id FROM videos WHERE id = $1";
    VIDEO_PRINTS_DELETE = "DELETE FROM video_prints WHERE video_id = $1";
    VIDEO_PRINT_INSERT = "INSERT INTO video_prints (print_key, video_id) VALUES ($2, $1) \
        ON CONFLICT (print_key, video_id) DO NOTHING";
    VIDEO_PRINTS_FIND = "SELECT v.id, v.fingerprint FROM videos v WHERE v.id IN (SELECT p.video_id FROM video_prints p \
        WHERE p.print_key IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
        $22, $23, $24, $25, $26) LIMIT $2) AND v.id <> $1 AND v.status = 'published' AND v.fingerprint IS NOT NULL \
        ORDER BY v.id";
    VIDEOS_UNDESCRIBED = "SELECT v.id FROM videos v WHERE v.status = 'published' AND (v.content_version < $1 \
        OR v.content_version > $1) AND NOT EXISTS (SELECT 1 FROM media_jobs j WHERE j.video_id = v.id \
        AND j.kind = 'describe') ORDER BY v.id LIMIT $2";
}

/// What is stored of a video's content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VideoContent {
    pub vector: Option<Vec<u8>>,
    /// Of the encoder that was asked; 0 before any was.
    pub version: u8,
    pub fingerprint: Option<Vec<u8>>,
    /// The video that was here first, of those that this one is a copy of.
    pub original: Option<VideoId>,
}

/// A fingerprint that shares a key with the one looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoPrint {
    pub video: VideoId,
    pub fingerprint: Vec<u8>,
}

impl FromRow<'_, SqliteRow> for VideoContent {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let version: i64 = row.try_get("content_version")?;
        Ok(Self {
            vector: row.try_get("content")?,
            version: version.try_into().unwrap_or(0),
            fingerprint: row.try_get("fingerprint")?,
            original: row::video_optional(row, "original_id")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for VideoPrint {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            video: row::video(row, "id")?,
            fingerprint: row.try_get("fingerprint")?,
        })
    }
}

impl Metastore {
    pub async fn video_content_get(&self, video: VideoId) -> Result<Option<VideoContent>, MetastoreError> {
        let query = VIDEO_CONTENT_GET.rows().bind(video.as_i64());
        query
            .fetch_optional(&self.readers)
            .await
            .map_err(VIDEO_CONTENT_GET.failed())
    }

    /// Published videos, the oldest first, whose content was not described by encoder `version` and for which nothing is queued.
    pub async fn videos_undescribed(&self, version: u8, limit: u32) -> Result<Vec<VideoId>, MetastoreError> {
        let query = VIDEOS_UNDESCRIBED
            .query()
            .bind(i64::from(version))
            .bind(i64::from(limit.min(LIST_MAX)));
        let rows = query
            .fetch_all(&self.readers)
            .await
            .map_err(VIDEOS_UNDESCRIBED.failed())?;
        let ids: Result<Vec<_>, _> = rows.iter().map(|row| row::video(row, "id")).collect();
        ids.map_err(VIDEOS_UNDESCRIBED.failed())
    }
}

impl Write {
    /// Fingerprints of published videos other than `video` that share one of `keys` (the first 24 count), the oldest first. What
    /// shares keys with very many is compared with `limit` of them.
    pub async fn video_prints_find(
        &mut self,
        video: VideoId,
        keys: &[i64],
        limit: u32,
    ) -> Result<Vec<VideoPrint>, MetastoreError> {
        let Some(&last) = keys.last() else {
            return Ok(Vec::new());
        };
        let query = VIDEO_PRINTS_FIND
            .rows()
            .bind(video.as_i64())
            .bind(i64::from(limit.min(LIST_MAX)));
        let keys = keys.iter().copied().chain(std::iter::repeat(last));
        let query = keys.take(KEYS_MAX).fold(query, |query, key| query.bind(key));
        query
            .fetch_all(self.connection())
            .await
            .map_err(VIDEO_PRINTS_FIND.failed())
    }

    /// Stores what a published video is about. With `keys` it is found by later copies; without, it no longer is. Whether there is
    /// such a video.
    pub async fn video_content_update(
        &mut self,
        video: VideoId,
        content: &VideoContent,
        keys: &[i64],
    ) -> Result<bool, MetastoreError> {
        let update = VIDEO_CONTENT_UPDATE
            .query()
            .bind(video.as_i64())
            .bind(content.vector.clone())
            .bind(i64::from(content.version))
            .bind(content.fingerprint.clone())
            .bind(content.original.map(VideoId::as_i64));
        if self.run(VIDEO_CONTENT_UPDATE, update).await? == 0 {
            return Ok(false);
        }
        let delete = VIDEO_PRINTS_DELETE.query().bind(video.as_i64());
        self.run(VIDEO_PRINTS_DELETE, delete).await?;
        for &key in keys.iter().take(KEYS_MAX) {
            let insert = VIDEO_PRINT_INSERT.query().bind(video.as_i64()).bind(key);
            self.run(VIDEO_PRINT_INSERT, insert).await?;
        }
        Ok(true)
    }
}
