//! A video with everything a card shows: its creator, its counts, and what the viewer did. Read only.

use std::collections::HashMap;

use sqlx::FromRow;
use sqlx::sqlite::SqliteRow;
use types::{UserId, VideoId};

use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, statements};
use crate::videos::{Video, VideoCounts, video_columns};

/// Ids in one statement. A shorter list is filled up with 0, which is no video, so that one prepared text serves all.
const IDS_PER_STATEMENT: usize = 32;

statements! {
    VIDEO_CARDS_GET = concat!("SELECT ", video_columns!(), ", a.username, a.display_name, \
        c.likes, c.comments, c.shares, c.saves, \
        CASE WHEN l.user_id IS NULL THEN 0 ELSE 1 END AS liked, \
        CASE WHEN s.user_id IS NULL THEN 0 ELSE 1 END AS saved, \
        CASE WHEN f.follower_id IS NULL THEN 0 ELSE 1 END AS following \
        FROM videos v JOIN accounts a ON a.id = v.creator_id JOIN video_counts c ON c.video_id = v.id \
        LEFT JOIN likes l ON l.user_id = $33 AND l.video_id = v.id \
        LEFT JOIN saves s ON s.user_id = $33 AND s.video_id = v.id \
        LEFT JOIN follows f ON f.follower_id = $33 AND f.followee_id = v.creator_id \
        WHERE v.id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
        $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)");
}

/// A video as one viewer sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoCard {
    pub video: Video,
    pub creator_username: String,
    pub creator_display_name: String,
    pub counts: VideoCounts,
    /// The viewer likes it.
    pub liked: bool,
    /// The viewer saved it.
    pub saved: bool,
    /// The viewer follows its creator.
    pub following: bool,
}

impl FromRow<'_, SqliteRow> for VideoCard {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row;
        Ok(Self {
            video: Video::from_row(row)?,
            creator_username: row.try_get("username")?,
            creator_display_name: row.try_get("display_name")?,
            counts: VideoCounts::from_row(row)?,
            liked: row::flag(row, "liked")?,
            saved: row::flag(row, "saved")?,
            following: row::flag(row, "following")?,
        })
    }
}

impl Metastore {
    /// The cards of `ids` in the order asked, in every state; what does not exist is left out.
    /// Takes the first [`LIST_MAX`] ids.
    pub async fn video_cards_get(
        &self,
        ids: &[VideoId],
        viewer: Option<UserId>,
    ) -> Result<Vec<VideoCard>, MetastoreError> {
        let ids = &ids[..ids.len().min(LIST_MAX as usize)];
        let mut found = HashMap::with_capacity(ids.len());
        for some in ids.chunks(IDS_PER_STATEMENT) {
            let filled = some
                .iter()
                .map(|id| id.as_i64())
                .chain(std::iter::repeat(0))
                .take(IDS_PER_STATEMENT);
            let query = filled.fold(VIDEO_CARDS_GET.rows::<VideoCard>(), |query, id| query.bind(id));
            let query = query.bind(viewer.map_or(0, UserId::as_i64));
            let cards = query
                .fetch_all(&self.readers)
                .await
                .map_err(VIDEO_CARDS_GET.failed())?;
            found.extend(cards.into_iter().map(|card| (card.video.id, card)));
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}
