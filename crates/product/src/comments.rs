//! Comments and replies: one level deep, a reply to a reply hangs on its root. Deleting and liking them come later.

use event::ActionKind;
use metastore::{Comment, CommentNew, Write};
use types::{CommentId, VideoId};

use crate::engagement::{EngagementState, state_of};
use crate::error::ProductError;
use crate::facts::{self, Actor, Deed};
use crate::pages::{PageRequest, Paged, id_cursor};
use crate::videos::{Onlooker, creator_acted_on};
use crate::{Product, Result, text};

impl Product {
    /// Posts a comment, or a reply when `parent` is given; returns it with the video's state.
    pub async fn comment_add(
        &self,
        by: impl Into<Actor>,
        video: VideoId,
        text: &str,
        parent: Option<CommentId>,
    ) -> Result<(Comment, EngagementState)> {
        let actor = by.into();
        let text = text::bounded("commentText", text, 1, self.limits().comment_chars_max)?;
        let now_ms = self.now_ms();
        let mut tx = self.store().write("comment_add").await?;
        let creator = creator_acted_on(&mut tx, video, &actor, true).await?;
        if tx.block_between(actor.user, creator).await? {
            return Err(ProductError::Forbidden("one of you blocked the other"));
        }
        let root = root_of(&mut tx, video, parent).await?;
        let id = CommentId::from_raw(self.id_next(now_ms));
        let new = CommentNew {
            id,
            video,
            author: actor.user,
            parent: root,
            text: &text,
            created_at_ms: now_ms,
        };
        let comment = tx.comment_create(&new).await?;
        let deed = Deed {
            actor,
            kind: ActionKind::Comment,
            video: Some(video),
            target: creator,
        };
        facts::action_append(&mut tx, deed, now_ms).await?;
        let state = state_of(&mut tx, actor.user, video).await?;
        tx.commit().await?;
        Ok((comment, state))
    }

    /// Comments of a video, newest first; with `parent`, the replies of that root, oldest first.
    pub async fn comments_page(
        &self,
        video: VideoId,
        onlooker: impl Into<Onlooker>,
        parent: Option<CommentId>,
        page: &PageRequest,
    ) -> Result<Paged<Comment>> {
        self.video_card(video, onlooker).await?;
        let count = self.page_count(page);
        let cursor = id_cursor(page)?;
        let found = match parent {
            None => self.store().comments_page(video, cursor, count + 1).await?,
            Some(root) => {
                self.store()
                    .comment_replies_page(video, root, cursor, count + 1)
                    .await?
            }
        };
        Ok(Paged::cut(found, count, |comment| comment.id.to_string()))
    }
}

/// The root a new reply hangs on; `parent` must be a comment of the same video.
async fn root_of(tx: &mut Write, video: VideoId, parent: Option<CommentId>) -> Result<Option<CommentId>> {
    let Some(parent) = parent else { return Ok(None) };
    let place = tx
        .comment_place(parent)
        .await?
        .filter(|place| place.video == video);
    let place = place.ok_or(ProductError::NotFound("the comment this answers"))?;
    Ok(Some(place.parent.unwrap_or(parent)))
}
