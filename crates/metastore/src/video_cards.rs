//! A video with everything a card shows: its creator, its counts, and what the viewer did. Read only.
//!
//! Faces and counts come from memory where they can ([`crate::card_cache`]); what one viewer did is always read.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{FromRow, Row};
use types::{UserId, VideoId};

use crate::card_cache::Kept;
use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, Statement, statements};
use crate::videos::{Video, VideoCounts, video_columns};

/// Ids in one statement. A shorter list is filled up with 0, which is no video, so that one prepared text serves all.
const IDS_PER_STATEMENT: usize = 32;

macro_rules! ids {
    () => {
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)"
    };
}

statements! {
    VIDEO_CARDS_GET = concat!("SELECT ", video_columns!(), ", a.username, a.display_name, \
        c.likes, c.comments, c.shares, c.saves \
        FROM videos v JOIN accounts a ON a.id = v.creator_id JOIN video_counts c ON c.video_id = v.id \
        WHERE v.id IN ", ids!());
    CARDS_COUNTS_GET = concat!("SELECT video_id, likes, comments, shares, saves FROM video_counts WHERE video_id IN ", ids!());
    /// What a viewer ($33) likes and has saved of the videos, and whom they follow of the creators ($34 and on).
    MARKS_AMONG = concat!(
        "SELECT 0 AS kind, video_id AS id FROM likes WHERE user_id = $33 AND video_id IN ", ids!(),
        " UNION ALL SELECT 1, video_id FROM saves WHERE user_id = $33 AND video_id IN ", ids!(),
        " UNION ALL SELECT 2, followee_id FROM follows WHERE follower_id = $33 AND followee_id IN \
        ($34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, \
        $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65)");
}

/// What a card shows to everybody, but for the counts.
#[derive(Debug, Clone, PartialEq)]
pub struct CardFace {
    pub video: Video,
    pub creator_username: String,
    pub creator_display_name: String,
}

impl CardFace {
    /// Bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        let video = &self.video;
        let tags: usize = video.hashtags.iter().map(String::len).sum();
        let manifest = video.manifest_json.as_ref().map_or(0, String::len);
        video.caption.len() + tags + manifest + self.creator_username.len() + self.creator_display_name.len()
    }
}

/// A video as one viewer sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoCard {
    /// The same one for everybody until it changes: who makes something of it may keep that beside it and compare the pointer.
    pub face: Arc<CardFace>,
    pub counts: VideoCounts,
    /// The viewer likes it.
    pub liked: bool,
    /// The viewer saved it.
    pub saved: bool,
    /// The viewer follows its creator.
    pub following: bool,
}

/// A row of [`VIDEO_CARDS_GET`].
struct CardRow {
    face: CardFace,
    counts: VideoCounts,
}

impl FromRow<'_, SqliteRow> for CardRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            face: CardFace {
                video: Video::from_row(row)?,
                creator_username: row.try_get("username")?,
                creator_display_name: row.try_get("display_name")?,
            },
            counts: VideoCounts::from_row(row)?,
        })
    }
}

/// A row of [`CARDS_COUNTS_GET`].
struct CountsRow {
    video: VideoId,
    counts: VideoCounts,
}

impl FromRow<'_, SqliteRow> for CountsRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            video: row::video(row, "video_id")?,
            counts: VideoCounts::from_row(row)?,
        })
    }
}

/// A row of [`MARKS_AMONG`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum MarkRow {
    Liked(VideoId),
    Saved(VideoId),
    Follows(UserId),
}

impl FromRow<'_, SqliteRow> for MarkRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(match row.try_get::<i64, _>("kind")? {
            0 => Self::Liked(row::video(row, "id")?),
            1 => Self::Saved(row::video(row, "id")?),
            _ => Self::Follows(row::user(row, "id")?),
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
        let mut kept: HashMap<VideoId, Kept> = HashMap::with_capacity(ids.len());
        kept.extend(ids.iter().filter_map(|&id| Some((id, self.cards.get(id)?))));
        let known = kept.len();
        self.read_faces(ids, &mut kept).await?;
        metrics::counter!("riffle_metastore_cards_total", "from" => "memory").increment(known as u64);
        metrics::counter!("riffle_metastore_cards_total", "from" => "rows")
            .increment((kept.len() - known) as u64);
        self.read_counts(ids, &mut kept).await?;
        let mut cards: Vec<VideoCard> = ids
            .iter()
            .filter_map(|id| kept.remove(id))
            .map(|kept| VideoCard {
                face: kept.face,
                counts: kept.counts.unwrap_or_default(),
                liked: false,
                saved: false,
                following: false,
            })
            .collect();
        if let Some(viewer) = viewer {
            self.read_marks(viewer, &mut cards).await?;
        }
        Ok(cards)
    }

    /// Adds those of `ids` that `kept` lacks.
    async fn read_faces(
        &self,
        ids: &[VideoId],
        kept: &mut HashMap<VideoId, Kept>,
    ) -> Result<(), MetastoreError> {
        let missing: Vec<(VideoId, u64)> = ids
            .iter()
            .filter(|id| !kept.contains_key(id))
            .map(|&id| (id, self.cards.version(id)))
            .collect();
        for some in missing.chunks(IDS_PER_STATEMENT) {
            let versions: HashMap<VideoId, u64> = some.iter().copied().collect();
            let rows = self.among::<CardRow>(VIDEO_CARDS_GET, some.iter().map(|&(id, _)| id));
            for CardRow { face, counts } in rows.await? {
                let id = face.video.id;
                let read = Kept {
                    face: Arc::new(face),
                    counts: Some(counts),
                };
                if let Some(&version) = versions.get(&id) {
                    self.cards.keep(id, version, read.clone());
                }
                kept.insert(id, read);
            }
        }
        Ok(())
    }

    /// Fills in the counts that somebody has moved since they were last read.
    async fn read_counts(
        &self,
        ids: &[VideoId],
        kept: &mut HashMap<VideoId, Kept>,
    ) -> Result<(), MetastoreError> {
        let moved: Vec<(VideoId, u64)> = ids
            .iter()
            .filter(|id| kept.get(id).is_some_and(|kept| kept.counts.is_none()))
            .map(|&id| (id, self.cards.version(id)))
            .collect();
        for some in moved.chunks(IDS_PER_STATEMENT) {
            let versions: HashMap<VideoId, u64> = some.iter().copied().collect();
            let rows = self.among::<CountsRow>(CARDS_COUNTS_GET, some.iter().map(|&(id, _)| id));
            for CountsRow { video, counts } in rows.await? {
                let Some(read) = kept.get_mut(&video) else {
                    continue;
                };
                read.counts = Some(counts);
                if let Some(&version) = versions.get(&video) {
                    self.cards.keep(video, version, read.clone());
                }
            }
        }
        Ok(())
    }

    async fn among<T>(
        &self,
        statement: Statement,
        ids: impl Iterator<Item = VideoId>,
    ) -> Result<Vec<T>, MetastoreError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let query = padded(statement.rows::<T>(), ids.map(|id| id.as_i64()));
        query.fetch_all(&self.readers).await.map_err(statement.failed())
    }

    async fn read_marks(&self, viewer: UserId, cards: &mut [VideoCard]) -> Result<(), MetastoreError> {
        for some in cards.chunks_mut(IDS_PER_STATEMENT) {
            let ids = some.iter().map(|card| card.face.video.id.as_i64());
            let creators = some.iter().map(|card| card.face.video.creator.as_i64());
            let query = padded(MARKS_AMONG.rows::<MarkRow>(), ids).bind(viewer.as_i64());
            let marks = padded(query, creators).fetch_all(&self.readers);
            let marks = marks.await.map_err(MARKS_AMONG.failed())?;
            for card in some.iter_mut().filter(|_| !marks.is_empty()) {
                let video = &card.face.video;
                card.liked = marks.contains(&MarkRow::Liked(video.id));
                card.saved = marks.contains(&MarkRow::Saved(video.id));
                card.following = marks.contains(&MarkRow::Follows(video.creator));
            }
        }
        Ok(())
    }
}

type Rows<T> = sqlx::query::QueryAs<'static, Sqlite, T, SqliteArguments>;

fn padded<T>(query: Rows<T>, ids: impl Iterator<Item = i64>) -> Rows<T> {
    let ids = ids.chain(std::iter::repeat(0)).take(IDS_PER_STATEMENT);
    ids.fold(query, |query, id| query.bind(id))
}
