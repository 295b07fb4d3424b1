//! Videos from upload session to deletion, and their hashtags. Who may see one is decided above.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{Category, DurationMs, Region, SoundId, TimestampMs, UserId, VideoId};

use crate::card_cache::Touch;
use crate::error::MetastoreError;
use crate::row;
use crate::store::{Metastore, Write, statements};

/// The columns of a video, for every statement that reads one.
macro_rules! video_columns {
    () => {
        "v.id, v.creator_id, v.status, v.progress, v.caption, v.hashtags, v.duration_ms, v.width, v.height, \
         v.source_bytes, v.created_at_ms, v.published_at_ms, v.rejection_code, v.rejection_message, v.manifest, \
         v.category, v.sound_id, v.region, v.hidden, v.adults_only"
    };
}
pub(crate) use video_columns;

statements! {
    VIDEO_INSERT = "INSERT INTO videos (id, creator_id, status, progress, caption, hashtags, duration_ms, width, \
        height, source_bytes, created_at_ms) VALUES ($1, $2, 'uploading', 0, '', '[]', $3, 0, 0, $4, $5)";
    VIDEO_COUNTS_INSERT = "INSERT INTO video_counts (video_id) VALUES ($1)";
    VIDEO_GET = concat!("SELECT ", video_columns!(), " FROM videos v WHERE v.id = $1");
    VIDEO_FLAGS_SET = "UPDATE videos SET hidden = $2, adults_only = $3 WHERE id = $1";
    VIDEO_SUBMIT = "UPDATE videos SET status = 'processing', caption = $2, hashtags = $3, category = $4, \
        sound_id = $5, region = $6, adults_only = $7 WHERE id = $1 AND status = 'uploading'";
    VIDEO_HASHTAG_INSERT = "INSERT INTO video_hashtags (tag, video_id) VALUES ($2, $1) \
        ON CONFLICT (tag, video_id) DO NOTHING";
    VIDEO_PUBLISH = "UPDATE videos SET status = 'published', published_at_ms = $2, duration_ms = $3, width = $4, \
        height = $5, manifest = $6, progress = $7 WHERE id = $1 AND status = 'processing'";
    VIDEO_CREATOR_COUNT = "UPDATE user_counts SET videos = videos + $2, likes = likes + $3 WHERE user_id = $1";
    VIDEO_MANIFEST_UPDATE = "UPDATE videos SET manifest = $2, progress = $3 WHERE id = $1 AND status = 'published'";
    VIDEO_PROGRESS_UPDATE = "UPDATE videos SET progress = $2 WHERE id = $1 AND progress < $2 \
        AND status IN ('processing', 'published')";
    VIDEO_REFUSE = "UPDATE videos SET status = $2, rejection_code = $3, rejection_message = $4 \
        WHERE id = $1 AND status IN ('uploading', 'processing')";
    VIDEO_DELETE = "DELETE FROM videos WHERE id = $1";
    VIDEO_LIKES = "SELECT likes FROM video_counts WHERE video_id = $1";
}

/// Where a video is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoStatus {
    /// An upload session is open.
    Uploading,
    /// All bytes are here; no rendition plays yet.
    Processing,
    /// It plays; the ladder may still grow.
    Published,
    /// The bytes were not acceptable; see [`Rejection`].
    Rejected,
    /// We could not process it; not the creator's fault.
    Failed,
}

impl VideoStatus {
    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Processing => "processing",
            Self::Published => "published",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Uploading,
            Self::Processing,
            Self::Published,
            Self::Rejected,
            Self::Failed,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }
}

/// A video as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    pub id: VideoId,
    pub creator: UserId,
    pub status: VideoStatus,
    /// 0 to 1; 1 when nothing is left to do.
    pub progress: f64,
    pub caption: String,
    /// Lower-case, without `#`.
    pub hashtags: Vec<String>,
    /// As declared until it is published, then as decoded.
    pub duration_ms: DurationMs,
    /// Pixels as displayed; 0 until published.
    pub width: i64,
    /// Pixels as displayed; 0 until published.
    pub height: i64,
    /// Size of the original file.
    pub source_bytes: i64,
    pub created_at_ms: TimestampMs,
    pub published_at_ms: Option<TimestampMs>,
    pub rejection: Option<Rejection>,
    /// What the media room wrote about the playable files, as JSON; opaque here.
    pub manifest_json: Option<String>,
    pub facets: VideoFacets,
    pub flags: VideoFlags,
}

/// What keeps a video from people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VideoFlags {
    /// Out of every feed, list and page but its creator's, by an admin.
    pub hidden: bool,
    /// For people of age only, says its creator or an admin.
    pub adults_only: bool,
}

/// What trends and shelves of videos go by, as known when the video was submitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VideoFacets {
    /// As its creator chose.
    pub category: Option<Category>,
    pub sound: Option<SoundId>,
    /// Where its creator seemed to be.
    pub region: Option<Region>,
}

/// Why a video was refused, in words for its creator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub code: String,
    pub message: String,
}

/// What others did with a video. Views are counted elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VideoCounts {
    pub likes: i64,
    pub comments: i64,
    pub shares: i64,
    pub saves: i64,
}

/// A video whose upload begins.
#[derive(Debug, Clone, Copy)]
pub struct VideoNew {
    pub id: VideoId,
    pub creator: UserId,
    /// As the client declared it.
    pub duration_ms: DurationMs,
    pub source_bytes: i64,
    pub created_at_ms: TimestampMs,
}

/// What its creator says of a video once its bytes are here.
#[derive(Debug, Clone, Copy, Default)]
pub struct VideoSubmit<'a> {
    pub caption: &'a str,
    /// Lower-case, without `#`.
    pub hashtags: &'a [String],
    pub facets: VideoFacets,
    /// For people of age only.
    pub adults_only: bool,
}

/// What is known once the first rendition plays.
#[derive(Debug, Clone)]
pub struct VideoPublish {
    pub published_at_ms: TimestampMs,
    pub duration_ms: DurationMs,
    pub width: i64,
    pub height: i64,
    pub manifest_json: String,
    pub progress: f64,
}

impl FromRow<'_, SqliteRow> for Video {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let code: Option<String> = row.try_get("rejection_code")?;
        let message: Option<String> = row.try_get("rejection_message")?;
        Ok(Self {
            id: row::video(row, "id")?,
            creator: row::user(row, "creator_id")?,
            status: row::word(row, "status", VideoStatus::parse)?,
            progress: row.try_get("progress")?,
            caption: row.try_get("caption")?,
            hashtags: row::list(row, "hashtags")?,
            duration_ms: row.try_get("duration_ms")?,
            width: row.try_get("width")?,
            height: row.try_get("height")?,
            source_bytes: row.try_get("source_bytes")?,
            created_at_ms: row.try_get("created_at_ms")?,
            published_at_ms: row.try_get("published_at_ms")?,
            rejection: code.map(|code| Rejection {
                code,
                message: message.unwrap_or_default(),
            }),
            manifest_json: row.try_get("manifest")?,
            facets: VideoFacets {
                category: row::parsed(row, "category")?,
                sound: row::sound_optional(row, "sound_id")?,
                region: row::parsed(row, "region")?,
            },
            flags: VideoFlags {
                hidden: row::flag(row, "hidden")?,
                adults_only: row::flag(row, "adults_only")?,
            },
        })
    }
}

impl FromRow<'_, SqliteRow> for VideoCounts {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            likes: row.try_get("likes")?,
            comments: row.try_get("comments")?,
            shares: row.try_get("shares")?,
            saves: row.try_get("saves")?,
        })
    }
}

impl Metastore {
    pub async fn video_get(&self, id: VideoId) -> Result<Option<Video>, MetastoreError> {
        let query = VIDEO_GET.rows().bind(id.as_i64());
        query
            .fetch_optional(&self.readers)
            .await
            .map_err(VIDEO_GET.failed())
    }
}

impl Write {
    /// Creates the row in state `uploading`, with zero counts.
    pub async fn video_create(&mut self, new: &VideoNew) -> Result<(), MetastoreError> {
        let insert = VIDEO_INSERT
            .query()
            .bind(new.id.as_i64())
            .bind(new.creator.as_i64())
            .bind(new.duration_ms)
            .bind(new.source_bytes)
            .bind(new.created_at_ms);
        self.run(VIDEO_INSERT, insert).await?;
        let counts = VIDEO_COUNTS_INSERT.query().bind(new.id.as_i64());
        self.run(VIDEO_COUNTS_INSERT, counts).await.map(drop)
    }

    /// The video as this change sees it.
    pub async fn video_get(&mut self, id: VideoId) -> Result<Option<Video>, MetastoreError> {
        let query = VIDEO_GET.rows().bind(id.as_i64());
        query
            .fetch_optional(self.connection())
            .await
            .map_err(VIDEO_GET.failed())
    }

    /// Sets what keeps a video from people; whether it is there.
    pub async fn video_flags_set(&mut self, id: VideoId, flags: VideoFlags) -> Result<bool, MetastoreError> {
        let update = VIDEO_FLAGS_SET
            .query()
            .bind(id.as_i64())
            .bind(i64::from(flags.hidden))
            .bind(i64::from(flags.adults_only));
        self.touch(Touch::Face(id));
        Ok(self.run(VIDEO_FLAGS_SET, update).await? > 0)
    }

    /// `uploading` → `processing`, with what its creator says of it; whether it was in that state.
    pub async fn video_submit(
        &mut self,
        id: VideoId,
        submit: &VideoSubmit<'_>,
    ) -> Result<bool, MetastoreError> {
        let VideoSubmit {
            caption,
            hashtags,
            facets,
            adults_only,
        } = *submit;
        let json = serde_json::Value::from(hashtags.to_vec()).to_string();
        let update = VIDEO_SUBMIT
            .query()
            .bind(id.as_i64())
            .bind(caption.to_owned())
            .bind(json)
            .bind(facets.category.map(Category::as_str))
            .bind(facets.sound.map(SoundId::as_i64))
            .bind(facets.region.map(|region| region.to_string()))
            .bind(i64::from(adults_only));
        let changed = self.run(VIDEO_SUBMIT, update).await? > 0;
        self.touch(Touch::Face(id));
        for tag in hashtags.iter().filter(|_| changed) {
            let insert = VIDEO_HASHTAG_INSERT.query().bind(id.as_i64()).bind(tag.clone());
            self.run(VIDEO_HASHTAG_INSERT, insert).await?;
        }
        Ok(changed)
    }

    /// `processing` → `published`, and one more video for its creator; whether it was in that state.
    pub async fn video_publish(
        &mut self,
        id: VideoId,
        creator: UserId,
        publish: &VideoPublish,
    ) -> Result<bool, MetastoreError> {
        let update = VIDEO_PUBLISH
            .query()
            .bind(id.as_i64())
            .bind(publish.published_at_ms)
            .bind(publish.duration_ms)
            .bind(publish.width)
            .bind(publish.height)
            .bind(publish.manifest_json.clone())
            .bind(publish.progress);
        let changed = self.run(VIDEO_PUBLISH, update).await? > 0;
        self.touch(Touch::Face(id));
        if changed {
            self.video_creator_count(creator, 1, 0).await?;
        }
        Ok(changed)
    }

    /// Replaces the manifest and progress of a published video; whether there is one.
    pub async fn video_manifest_update(
        &mut self,
        id: VideoId,
        manifest_json: &str,
        progress: f64,
    ) -> Result<bool, MetastoreError> {
        let update = VIDEO_MANIFEST_UPDATE
            .query()
            .bind(id.as_i64())
            .bind(manifest_json.to_owned())
            .bind(progress);
        self.touch(Touch::Face(id));
        Ok(self.run(VIDEO_MANIFEST_UPDATE, update).await? > 0)
    }

    /// Moves progress forward; never back.
    pub async fn video_progress_update(&mut self, id: VideoId, progress: f64) -> Result<(), MetastoreError> {
        let update = VIDEO_PROGRESS_UPDATE.query().bind(id.as_i64()).bind(progress);
        self.touch(Touch::Face(id));
        self.run(VIDEO_PROGRESS_UPDATE, update).await.map(drop)
    }

    /// Ends a video that never played: `rejected`, the creator's file is at fault. Whether it was still open.
    pub async fn video_reject(&mut self, id: VideoId, why: &Rejection) -> Result<bool, MetastoreError> {
        self.video_refuse(id, VideoStatus::Rejected, why).await
    }

    /// Ends a video that never played: `failed`, the house is at fault. Whether it was still open.
    pub async fn video_fail(&mut self, id: VideoId, why: &Rejection) -> Result<bool, MetastoreError> {
        self.video_refuse(id, VideoStatus::Failed, why).await
    }

    async fn video_refuse(
        &mut self,
        id: VideoId,
        status: VideoStatus,
        why: &Rejection,
    ) -> Result<bool, MetastoreError> {
        let update = VIDEO_REFUSE
            .query()
            .bind(id.as_i64())
            .bind(status.as_str())
            .bind(why.code.clone())
            .bind(why.message.clone());
        self.touch(Touch::Face(id));
        Ok(self.run(VIDEO_REFUSE, update).await? > 0)
    }

    /// Removes the video with its counts, hashtags, likes, comments and upload session, and takes it out of its
    /// creator's counts.
    pub async fn video_delete(&mut self, video: &Video) -> Result<(), MetastoreError> {
        let query = VIDEO_LIKES.query().bind(video.id.as_i64());
        let row = query
            .fetch_optional(self.connection())
            .await
            .map_err(VIDEO_LIKES.failed())?;
        let likes: i64 = row
            .map_or(Ok(0), |row| row.try_get("likes"))
            .map_err(VIDEO_LIKES.failed())?;
        let delete = VIDEO_DELETE.query().bind(video.id.as_i64());
        self.touch(Touch::Face(video.id));
        if self.run(VIDEO_DELETE, delete).await? > 0 {
            let published = i64::from(video.status == VideoStatus::Published);
            self.video_creator_count(video.creator, -published, -likes)
                .await?;
        }
        Ok(())
    }

    pub(crate) async fn video_creator_count(
        &mut self,
        creator: UserId,
        videos: i64,
        likes: i64,
    ) -> Result<(), MetastoreError> {
        let update = VIDEO_CREATOR_COUNT
            .query()
            .bind(creator.as_i64())
            .bind(videos)
            .bind(likes);
        self.run(VIDEO_CREATOR_COUNT, update).await.map(drop)
    }
}
