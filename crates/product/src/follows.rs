//! Following and unfollowing, and the lists of both. Private accounts do not exist yet.

use event::ActionKind;
use metastore::{FollowEntry, UserCounts};
use types::UserId;

use crate::error::ProductError;
use crate::facts::{self, Actor, Deed};
use crate::pages::{PageRequest, Paged, time_cursor, time_key};
use crate::profiles::{Profile, profile_of_entry};
use crate::{Product, Result};

/// How things stand between a follower and a followee after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowState {
    pub following: bool,
    /// The followee's counts, as of this change.
    pub counts: UserCounts,
}

impl Product {
    /// Makes somebody follow `target`, or not. Asking for what already is changes nothing and is no error.
    pub async fn follow_set(
        &self,
        by: impl Into<Actor>,
        target: UserId,
        follow: bool,
    ) -> Result<FollowState> {
        let actor = by.into();
        let user = actor.user;
        if user == target {
            return Err(ProductError::Forbidden("nobody follows themselves"));
        }
        let now_ms = self.now_ms();
        let mut tx = self.store().write("follow_set").await?;
        tx.user_counts(target).await?;
        if follow && tx.block_between(user, target).await? {
            return Err(ProductError::Forbidden("one of you blocked the other"));
        }
        let (changed, kind) = match follow {
            true => (tx.follow_add(user, target, now_ms).await?, ActionKind::Follow),
            false => (tx.follow_remove(user, target).await?, ActionKind::Unfollow),
        };
        if changed {
            facts::action_append(
                &mut tx,
                Deed {
                    actor,
                    kind,
                    video: actor.watching,
                    target,
                },
                now_ms,
            )
            .await?;
        }
        let counts = tx.user_counts(target).await?;
        tx.commit().await?;
        Ok(FollowState {
            following: follow,
            counts,
        })
    }

    /// Who follows `user`, newest first.
    pub async fn followers_page(
        &self,
        user: UserId,
        viewer: Option<UserId>,
        page: &PageRequest,
    ) -> Result<Paged<Profile>> {
        self.profile_exists(user).await?;
        let count = self.page_count(page);
        let found = self
            .store()
            .followers_page(user, viewer, time_cursor(page)?, count + 1)
            .await?;
        Ok(profiles(found, count, viewer))
    }

    /// Whom `user` follows, newest first.
    pub async fn following_page(
        &self,
        user: UserId,
        viewer: Option<UserId>,
        page: &PageRequest,
    ) -> Result<Paged<Profile>> {
        self.profile_exists(user).await?;
        let count = self.page_count(page);
        let found = self
            .store()
            .following_page(user, viewer, time_cursor(page)?, count + 1)
            .await?;
        Ok(profiles(found, count, viewer))
    }

    /// The ids of those `user` follows, newest first, at most `limits.followees_max`.
    pub async fn followees(&self, user: UserId) -> Result<Vec<UserId>> {
        Ok(self.store().followees(user, self.limits().followees_max).await?)
    }
}

fn profiles(found: Vec<FollowEntry>, count: u32, viewer: Option<UserId>) -> Paged<Profile> {
    let cut = Paged::cut(found, count, |entry| time_key(entry.followed_at_ms, entry.id));
    let items = cut
        .items
        .into_iter()
        .map(|entry| profile_of_entry(entry, viewer))
        .collect();
    Paged {
        items,
        cursor: cut.cursor,
    }
}
