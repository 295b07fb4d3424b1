//! Comments and their replies, one level deep. Texts are stored as given; the product room cleans them.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{CommentId, TimestampMs, UserId, VideoId};

use crate::card_cache::Touch;
use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, Write, statements};

macro_rules! comment_columns {
    () => {
        "SELECT c.id, c.video_id, c.parent_id, c.author_id, c.text, c.reply_count, c.created_at_ms, \
         a.username, a.display_name FROM comments c JOIN accounts a ON a.id = c.author_id "
    };
}

statements! {
    COMMENT_INSERT = "INSERT INTO comments (id, video_id, author_id, parent_id, text, reply_count, created_at_ms) \
        VALUES ($1, $2, $3, $4, $5, 0, $6)";
    COMMENT_REPLY_COUNT = "UPDATE comments SET reply_count = reply_count + 1 WHERE id = $1";
    COMMENT_COUNT = "UPDATE video_counts SET comments = comments + 1 WHERE video_id = $1";
    COMMENT_GET = concat!(comment_columns!(), "WHERE c.id = $1");
    COMMENT_PLACE = "SELECT video_id, parent_id FROM comments WHERE id = $1";
    COMMENTS_PAGE = concat!(comment_columns!(), "WHERE c.video_id = $1 AND c.parent_id IS NULL AND c.id < $2 \
        ORDER BY c.id DESC LIMIT $3");
    COMMENT_REPLIES_PAGE = concat!(comment_columns!(), "WHERE c.video_id = $1 AND c.parent_id = $2 AND c.id > $3 \
        ORDER BY c.id LIMIT $4");
}

/// A comment with its author's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub id: CommentId,
    pub video: VideoId,
    /// The root it answers; none for a root.
    pub parent: Option<CommentId>,
    pub author: UserId,
    pub author_username: String,
    pub author_display_name: String,
    pub text: String,
    pub created_at_ms: TimestampMs,
    /// Replies on a root; 0 on a reply.
    pub reply_count: i64,
}

/// A comment to store.
#[derive(Debug, Clone, Copy)]
pub struct CommentNew<'a> {
    pub id: CommentId,
    pub video: VideoId,
    pub author: UserId,
    /// Must be a root of the same video.
    pub parent: Option<CommentId>,
    pub text: &'a str,
    pub created_at_ms: TimestampMs,
}

/// Where a comment hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommentPlace {
    pub video: VideoId,
    pub parent: Option<CommentId>,
}

impl FromRow<'_, SqliteRow> for Comment {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row::comment(row, "id")?,
            video: row::video(row, "video_id")?,
            parent: row::comment_optional(row, "parent_id")?,
            author: row::user(row, "author_id")?,
            author_username: row.try_get("username")?,
            author_display_name: row.try_get("display_name")?,
            text: row.try_get("text")?,
            created_at_ms: row.try_get("created_at_ms")?,
            reply_count: row.try_get("reply_count")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for CommentPlace {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            video: row::video(row, "video_id")?,
            parent: row::comment_optional(row, "parent_id")?,
        })
    }
}

impl Metastore {
    /// Roots of a video, newest first, older than `before`; at most [`LIST_MAX`].
    pub async fn comments_page(
        &self,
        video: VideoId,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<Comment>, MetastoreError> {
        let query = COMMENTS_PAGE
            .rows()
            .bind(video.as_i64())
            .bind(before.map_or(i64::MAX, CommentId::as_i64))
            .bind(i64::from(limit.min(LIST_MAX)));
        query
            .fetch_all(&self.readers)
            .await
            .map_err(COMMENTS_PAGE.failed())
    }

    /// Replies of a root, oldest first, younger than `after`; at most [`LIST_MAX`].
    pub async fn comment_replies_page(
        &self,
        video: VideoId,
        parent: CommentId,
        after: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<Comment>, MetastoreError> {
        let query = COMMENT_REPLIES_PAGE
            .rows()
            .bind(video.as_i64())
            .bind(parent.as_i64())
            .bind(after.map_or(-1, CommentId::as_i64))
            .bind(i64::from(limit.min(LIST_MAX)));
        query
            .fetch_all(&self.readers)
            .await
            .map_err(COMMENT_REPLIES_PAGE.failed())
    }
}

impl Write {
    /// Where a comment hangs; `None` when there is no such comment.
    pub async fn comment_place(&mut self, id: CommentId) -> Result<Option<CommentPlace>, MetastoreError> {
        let query = COMMENT_PLACE.rows().bind(id.as_i64());
        query
            .fetch_optional(self.connection())
            .await
            .map_err(COMMENT_PLACE.failed())
    }

    /// Stores the comment, counts it on its video and, for a reply, on its root; returns it as others will read it.
    pub async fn comment_create(&mut self, new: &CommentNew<'_>) -> Result<Comment, MetastoreError> {
        let insert = COMMENT_INSERT
            .query()
            .bind(new.id.as_i64())
            .bind(new.video.as_i64())
            .bind(new.author.as_i64())
            .bind(new.parent.map(CommentId::as_i64))
            .bind(new.text.to_owned())
            .bind(new.created_at_ms);
        self.run(COMMENT_INSERT, insert).await?;
        self.run(COMMENT_COUNT, COMMENT_COUNT.query().bind(new.video.as_i64()))
            .await?;
        self.touch(Touch::Counts(new.video));
        if let Some(root) = new.parent {
            self.run(
                COMMENT_REPLY_COUNT,
                COMMENT_REPLY_COUNT.query().bind(root.as_i64()),
            )
            .await?;
        }
        let query = COMMENT_GET.rows().bind(new.id.as_i64());
        let stored = query
            .fetch_optional(self.connection())
            .await
            .map_err(COMMENT_GET.failed())?;
        stored.ok_or(MetastoreError::NotFound("the author"))
    }
}
