//! Reading videos as cards, and deleting one's own. How a video comes to be is the media room's business.

use metastore::{MediaJobNew, Shelf, VideoCard, VideoStatus, Write};
use types::{UserId, VideoId};

use crate::error::ProductError;
use crate::facts::Actor;
use crate::pages::{PageRequest, Paged, id_cursor, time_cursor, time_key};
use crate::{Product, Result, facts};

pub(crate) const NO_VIDEO: ProductError = ProductError::NotFound("this video");

/// Who looks at videos.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Onlooker {
    /// None for a guest.
    pub user: Option<UserId>,
    /// Whether they are known to be of age. Nobody is before they said so.
    pub is_adult: bool,
}

impl From<Option<UserId>> for Onlooker {
    /// Somebody of whose age nothing is known.
    fn from(user: Option<UserId>) -> Self {
        Self {
            user,
            is_adult: false,
        }
    }
}

/// What keeps a card from somebody; nothing keeps it from its creator.
fn kept_from(card: &VideoCard, onlooker: Onlooker) -> Option<ProductError> {
    let video = &card.face.video;
    if onlooker.user == Some(video.creator) {
        return None;
    }
    if video.status != VideoStatus::Published || video.flags.hidden {
        return Some(NO_VIDEO);
    }
    (video.flags.adults_only && !onlooker.is_adult).then_some(ProductError::AdultsOnly)
}

/// Who made the video that `actor` does something about. What adds to it is for whoever may see it; to take back, to refuse and to report is
/// for everybody.
pub(crate) async fn creator_acted_on(
    tx: &mut Write,
    video: VideoId,
    actor: &Actor,
    is_more: bool,
) -> Result<UserId> {
    let found = tx.video_get(video).await?;
    let found = found.filter(|video| video.status == VideoStatus::Published && !video.flags.hidden);
    let found = found.ok_or(NO_VIDEO)?;
    let is_barred = found.flags.adults_only && !actor.is_adult && actor.user != found.creator;
    match is_more && is_barred {
        true => Err(ProductError::AdultsOnly),
        false => Ok(found.creator),
    }
}

impl Product {
    /// One video. What is not published, or hidden, is there for its creator only.
    ///
    /// # Errors
    /// [`ProductError::NotFound`]; [`ProductError::AdultsOnly`] for whoever is not known to be of age.
    pub async fn video_card(&self, video: VideoId, onlooker: impl Into<Onlooker>) -> Result<VideoCard> {
        let onlooker = onlooker.into();
        let found = self
            .store()
            .video_cards_get(&[video], onlooker.user)
            .await?
            .into_iter()
            .next();
        let card = found.ok_or(NO_VIDEO)?;
        kept_from(&card, onlooker).map_or(Ok(card), Err)
    }

    /// The published ones of `videos` that the onlooker may see, in the order asked; others are left out. At most [`metastore::LIST_MAX`].
    pub async fn video_cards(
        &self,
        videos: &[VideoId],
        onlooker: impl Into<Onlooker>,
    ) -> Result<Vec<VideoCard>> {
        let onlooker = onlooker.into();
        let mut cards = self.store().video_cards_get(videos, onlooker.user).await?;
        cards.retain(|card| {
            card.face.video.status == VideoStatus::Published && kept_from(card, onlooker).is_none()
        });
        Ok(cards)
    }

    /// A creator's videos, newest first; their own list also shows those that are not published, or hidden.
    pub async fn videos_by_creator(
        &self,
        creator: UserId,
        onlooker: impl Into<Onlooker>,
        page: &PageRequest,
    ) -> Result<Paged<VideoCard>> {
        let onlooker = onlooker.into();
        self.profile_exists(creator).await?;
        let count = self.page_count(page);
        let shelf = match onlooker {
            Onlooker { user: Some(user), .. } if user == creator => Shelf::Own,
            Onlooker { is_adult: true, .. } => Shelf::Adults,
            _ => Shelf::Everybody,
        };
        let found = self
            .store()
            .video_ids_by_creator(creator, shelf, id_cursor(page)?, count + 1)
            .await?;
        let cut = Paged::cut(found, count, VideoId::to_string);
        let items = self.store().video_cards_get(&cut.items, onlooker.user).await?;
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
