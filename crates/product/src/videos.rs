//! Reading videos as cards, and deleting one's own. How a video comes to be is the media room's business.

use metastore::{MediaJobNew, VideoCard, VideoStatus};
use types::{UserId, VideoId};

use crate::error::ProductError;
use crate::pages::{PageRequest, Paged, id_cursor, time_cursor, time_key};
use crate::{Product, Result, facts};

pub(crate) const NO_VIDEO: ProductError = ProductError::NotFound("this video");

impl Product {
    /// One video. What is not published is there for its creator only.
    pub async fn video_card(&self, video: VideoId, viewer: Option<UserId>) -> Result<VideoCard> {
        let found = self
            .store()
            .video_cards_get(&[video], viewer)
            .await?
            .into_iter()
            .next();
        let visible = |card: &VideoCard| {
            card.face.video.status == VideoStatus::Published || viewer == Some(card.face.video.creator)
        };
        found.filter(visible).ok_or(NO_VIDEO)
    }

    /// The published ones of `videos`, in the order asked; others are left out. At most [`metastore::LIST_MAX`].
    pub async fn video_cards(&self, videos: &[VideoId], viewer: Option<UserId>) -> Result<Vec<VideoCard>> {
        let mut cards = self.store().video_cards_get(videos, viewer).await?;
        cards.retain(|card| card.face.video.status == VideoStatus::Published);
        Ok(cards)
    }

    /// A creator's videos, newest first; their own list also shows those that are not published.
    pub async fn videos_by_creator(
        &self,
        creator: UserId,
        viewer: Option<UserId>,
        page: &PageRequest,
    ) -> Result<Paged<VideoCard>> {
        self.profile_exists(creator).await?;
        let count = self.page_count(page);
        let own = viewer == Some(creator);
        let found = self
            .store()
            .video_ids_by_creator(creator, own, id_cursor(page)?, count + 1)
            .await?;
        let cut = Paged::cut(found, count, VideoId::to_string);
        let items = self.store().video_cards_get(&cut.items, viewer).await?;
        Ok(Paged {
            items,
            cursor: cut.cursor,
        })
    }

    /// Videos of those whom `viewer` follows, the last published first.
    pub async fn videos_following(&self, viewer: UserId, page: &PageRequest) -> Result<Paged<VideoCard>> {
        let count = self.page_count(page);
        let found = self
            .store()
            .video_ids_following(viewer, time_cursor(page)?, count + 1)
            .await?;
        let cut = Paged::cut(found, count, |&(at_ms, id)| time_key(at_ms, id));
        let ids: Vec<VideoId> = cut.items.iter().map(|&(_, id)| id).collect();
        Ok(Paged {
            items: self.video_cards(&ids, Some(viewer)).await?,
            cursor: cut.cursor,
        })
    }

    /// Deletes the caller's own video with all that hangs on it, and queues the removal of its files.
    pub async fn video_delete(&self, user: UserId, video: VideoId) -> Result<()> {
        let now_ms = self.now_ms();
        let mut tx = self.store().write("video_delete").await?;
        let stored = tx.video_get(video).await?.ok_or(NO_VIDEO)?;
        let published = stored.status == VideoStatus::Published;
        if stored.creator != user {
            return Err(if published {
                ProductError::Forbidden("this video is not yours")
            } else {
                NO_VIDEO
            });
        }
        tx.media_jobs_cancel(video).await?;
        tx.video_delete(&stored).await?;
        let attempts_max = self.limits().purge_attempts_max;
        let purge = MediaJobNew::purge(self.id_next(now_ms), &stored, attempts_max, now_ms);
        tx.media_job_enqueue(&purge).await?;
        if published {
            facts::removal_append(&mut tx, video, now_ms).await?;
        }
        Ok(tx.commit().await?)
    }
}
