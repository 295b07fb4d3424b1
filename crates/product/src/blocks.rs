//! Blocking somebody, and taking it back. A block works both ways: neither sees the other's videos, follows or comments.

use event::ActionKind;
use types::UserId;

use crate::error::ProductError;
use crate::facts::{self, Actor, Deed};
use crate::profiles::Profile;
use crate::{Product, Result};

/// People that one person can block.
pub const BLOCKED_MAX: u32 = 1_000;

impl Product {
    /// Blocks `target`, or takes it back. Asking for what already is changes nothing and is no error. Follows of either end with it.
    pub async fn block_set(&self, by: impl Into<Actor>, target: UserId, block: bool) -> Result<()> {
        let actor = by.into();
        let user = actor.user;
        if user == target {
            return Err(ProductError::Forbidden("nobody blocks themselves"));
        }
        let held = self.store().blocked_list(user, BLOCKED_MAX).await?;
        if block && held.len() >= BLOCKED_MAX as usize && !held.contains(&target) {
            return Err(ProductError::Forbidden(
                "this list is full; take somebody off it first",
            ));
        }
        let now_ms = self.now_ms();
        let mut tx = self.store().write("block_set").await?;
        tx.user_counts(target).await?;
        let changed = match block {
            true => tx.block_add(user, target, now_ms).await?,
            false => tx.block_remove(user, target).await?,
        };
        if changed {
            let (told, tells) = match block {
                true => (ActionKind::Block, ActionKind::BlockedBy),
                false => (ActionKind::Unblock, ActionKind::UnblockedBy),
            };
            let deed = |actor, kind, target| Deed {
                actor,
                kind,
                video: None,
                target,
            };
            facts::action_append(&mut tx, deed(actor, told, target), now_ms).await?;
            facts::action_append(&mut tx, deed(target.into(), tells, user), now_ms).await?;
        }
        if changed && block {
            for (follower, followee) in [(user, target), (target, user)] {
                if tx.follow_remove(follower, followee).await? {
                    let deed = deed_unfollow(follower, followee);
                    facts::action_append(&mut tx, deed, now_ms).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whom `user` blocked, newest first, at most [`BLOCKED_MAX`]; those who are gone are left out.
    pub async fn blocked(&self, user: UserId) -> Result<Vec<Profile>> {
        let mut profiles = Vec::new();
        for blocked in self.store().blocked_list(user, BLOCKED_MAX).await? {
            match self.profile(blocked, Some(user)).await {
                Ok(profile) => profiles.push(profile),
                Err(ProductError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(profiles)
    }
}

fn deed_unfollow(follower: UserId, followee: UserId) -> Deed {
    Deed {
        actor: follower.into(),
        kind: ActionKind::Unfollow,
        video: None,
        target: followee,
    }
}
