//! What admins keep from people: hiding a video, and saying that it is for adults. A creator says the latter at submission; here an admin has the
//! last word on both. Who may ask is decided at the door.

use event::{Event, VideoChange};
use metastore::VideoFlags;
use types::{UserId, VideoId};

use crate::videos::NO_VIDEO;
use crate::{Product, Result, facts, operators};

/// Flags as they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagsAsked {
    pub flags: VideoFlags,
    /// Why, in 1 to 200 characters; it stands in the trail.
    pub reason: String,
}

impl Product {
    /// What keeps a video from people, in whatever state it is.
    pub async fn video_flags(&self, video: VideoId) -> Result<VideoFlags> {
        let stored = self.store().video_get(video).await?;
        Ok(stored.ok_or(NO_VIDEO)?.flags)
    }

    /// Sets what keeps a video from people: the row, its fact and a row of the trail in one transaction. Setting what is set changes nothing.
    ///
    /// # Errors
    /// [`crate::ProductError::NotFound`]; [`crate::ProductError::Invalid`] without a reason.
    pub async fn video_flags_set(&self, video: VideoId, asked: FlagsAsked, by: UserId) -> Result<VideoFlags> {
        let FlagsAsked { flags, reason } = asked;
        let reason = operators::reason(&reason, "who asks later can read it")?;
        let now_ms = self.now_ms();
        let mut tx = self.store().write("video_flags").await?;
        let stored = tx.video_get(video).await?.ok_or(NO_VIDEO)?;
        if stored.flags == flags {
            return Ok(flags);
        }
        tx.video_flags_set(video, flags).await?;
        let change = VideoChange::Flagged {
            outbox_id: 0,
            video,
            at_ms: now_ms,
            hidden: flags.hidden,
            adults_only: flags.adults_only,
        };
        facts::append(&mut tx, &Event::Video(change), video.raw(), now_ms).await?;
        let detail = format!("{video} {}: {reason}", words(flags));
        tx.operator_change_note("video_flagged", &detail, now_ms, by)
            .await?;
        tx.commit().await?;
        tracing::info!(%by, %video, flags.hidden, flags.adults_only, "a video was flagged");
        Ok(flags)
    }
}

const fn words(flags: VideoFlags) -> &'static str {
    match (flags.hidden, flags.adults_only) {
        (true, true) => "hidden, adults only",
        (true, false) => "hidden",
        (false, true) => "adults only",
        (false, false) => "for everybody",
    }
}
