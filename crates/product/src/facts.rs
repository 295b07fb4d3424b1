//! Facts that leave this room: what a person did, what became of a video, as outbox rows in the same transaction.

use event::{Action, ActionKind, Event, VideoChange};
use metastore::{OutboxNew, Write};
use types::{Region, TimestampMs, UserId, VideoId};

use crate::Result;

/// The person who acts, and around what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    /// Where they seem to be, as the door could tell.
    pub region: Option<Region>,
    /// What they were watching, as they say.
    pub watching: Option<VideoId>,
    /// Whether they are known to be of age. Nobody is before they said so.
    pub is_adult: bool,
}

/// Someone of whom nothing more is known.
impl From<UserId> for Actor {
    fn from(user: UserId) -> Self {
        Self {
            user,
            region: None,
            watching: None,
            is_adult: false,
        }
    }
}

/// Something a person did on purpose, before it has an outbox id.
pub(crate) struct Deed {
    pub(crate) actor: Actor,
    pub(crate) kind: ActionKind,
    pub(crate) video: Option<VideoId>,
    /// Who is followed, or who made the video.
    pub(crate) target: UserId,
}

/// Appends an action, keyed by who did it, so that it meets the person's other events in one partition.
pub(crate) async fn action_append(tx: &mut Write, deed: Deed, at_ms: TimestampMs) -> Result<()> {
    let Deed {
        actor,
        kind,
        video,
        target,
    } = deed;
    let event = Event::Action(Action {
        outbox_id: 0,
        actor: actor.user,
        at_ms,
        kind,
        video,
        target: Some(target),
        region: actor.region,
    });
    append(tx, &event, actor.user.raw(), at_ms).await
}

/// Appends a removal, keyed by the video, so that it comes after the video's publication.
pub(crate) async fn removal_append(tx: &mut Write, video: VideoId, at_ms: TimestampMs) -> Result<()> {
    let event = Event::Video(VideoChange::Removed {
        outbox_id: 0,
        video,
        at_ms,
    });
    append(tx, &event, video.raw(), at_ms).await
}

/// The relay stamps the outbox id into the record's bytes on its way out.
pub(crate) async fn append(
    tx: &mut Write,
    event: &Event,
    partition_key: u64,
    at_ms: TimestampMs,
) -> Result<()> {
    let new = OutboxNew {
        topic: event.topic(),
        partition_key,
        at_ms,
        payload: event.encode(),
    };
    tx.outbox_append(new).await?;
    Ok(())
}
