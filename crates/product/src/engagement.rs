//! Like, save, share, not interested, report. Each is done once per person and video; only published videos take any.

use event::ActionKind;
use metastore::{Mark, VideoCounts, Write};
use types::{TimestampMs, UserId, VideoId};

use crate::facts::{self, Actor, Deed};
use crate::videos::creator_acted_on;
use crate::{Product, Result, text};

/// What someone does with a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engagement {
    Like,
    Unlike,
    Save,
    Unsave,
    Share,
    NotInterested,
    NotInterestedUndo,
    /// With words for the moderators; may be empty.
    Report {
        reason: String,
    },
}

impl Engagement {
    /// Whether it adds to the video, instead of taking back or speaking against it.
    const fn is_more(&self) -> bool {
        matches!(self, Self::Like | Self::Save | Self::Share)
    }
}

/// How things stand between a person and a video after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngagementState {
    pub liked: bool,
    pub saved: bool,
    /// As of this change.
    pub counts: VideoCounts,
}

/// One deed about to be written.
struct Doing<'a> {
    user: UserId,
    video: VideoId,
    creator: UserId,
    engagement: &'a Engagement,
    now_ms: TimestampMs,
}

impl Product {
    /// Does it. Doing what is already done changes nothing, publishes nothing and is no error.
    pub async fn engage(
        &self,
        by: impl Into<Actor>,
        video: VideoId,
        engagement: Engagement,
    ) -> Result<EngagementState> {
        let actor = by.into();
        let user = actor.user;
        let engagement = self.engagement_check(engagement)?;
        let now_ms = self.now_ms();
        let mut tx = self.store().write("engage").await?;
        let creator = creator_acted_on(&mut tx, video, &actor, engagement.is_more()).await?;
        let doing = Doing {
            user,
            video,
            creator,
            engagement: &engagement,
            now_ms,
        };
        if apply(&mut tx, &doing).await? {
            let kind = action_kind(&engagement);
            let deed = Deed {
                actor,
                kind,
                video: Some(video),
                target: creator,
            };
            facts::action_append(&mut tx, deed, now_ms).await?;
        }
        let state = state_of(&mut tx, user, video).await?;
        tx.commit().await?;
        Ok(state)
    }

    fn engagement_check(&self, engagement: Engagement) -> Result<Engagement> {
        match engagement {
            Engagement::Report { reason } => {
                let reason = text::bounded("reason", &reason, 0, self.limits().report_chars_max)?;
                Ok(Engagement::Report { reason })
            }
            other => Ok(other),
        }
    }
}

/// Writes it; whether anything changed.
async fn apply(tx: &mut Write, doing: &Doing<'_>) -> Result<bool> {
    let &Doing {
        user,
        video,
        creator,
        engagement,
        now_ms,
    } = doing;
    let changed = match engagement {
        Engagement::Like => tx.mark_add(Mark::Like, user, video, creator, now_ms).await?,
        Engagement::Unlike => tx.mark_remove(Mark::Like, user, video, creator).await?,
        Engagement::Save => tx.mark_add(Mark::Save, user, video, creator, now_ms).await?,
        Engagement::Unsave => tx.mark_remove(Mark::Save, user, video, creator).await?,
        Engagement::Share => tx.mark_add(Mark::Share, user, video, creator, now_ms).await?,
        Engagement::NotInterested => {
            tx.mark_add(Mark::NotInterested, user, video, creator, now_ms)
                .await?
        }
        Engagement::NotInterestedUndo => tx.mark_remove(Mark::NotInterested, user, video, creator).await?,
        Engagement::Report { reason } => tx.report_add(user, video, reason, now_ms).await?,
    };
    Ok(changed)
}

const fn action_kind(engagement: &Engagement) -> ActionKind {
    match engagement {
        Engagement::Like => ActionKind::Like,
        Engagement::Unlike => ActionKind::Unlike,
        Engagement::Save => ActionKind::Save,
        Engagement::Unsave => ActionKind::Unsave,
        Engagement::Share => ActionKind::Share,
        Engagement::NotInterested => ActionKind::NotInterested,
        Engagement::NotInterestedUndo => ActionKind::NotInterestedUndo,
        Engagement::Report { .. } => ActionKind::Report,
    }
}

/// Read inside the change: the caller sees their own deed counted.
pub(crate) async fn state_of(tx: &mut Write, user: UserId, video: VideoId) -> Result<EngagementState> {
    let (liked, saved) = tx.marks_get(user, video).await?;
    Ok(EngagementState {
        liked,
        saved,
        counts: tx.video_counts(video).await?,
    })
}
