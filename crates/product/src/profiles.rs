//! Profiles: an account as others see it, and what its owner may change.

use metastore::{Account, FollowEntry, UserCounts};
use types::{TimestampMs, UserId, Username};

use crate::error::ProductError;
use crate::{Product, Result, text};

/// A person, as one viewer sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub bio: String,
    pub created_at_ms: TimestampMs,
    pub counts: UserCounts,
    /// The viewer follows this person.
    pub following: bool,
    /// The viewer is this person.
    pub is_self: bool,
}

/// What to change; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    pub display_name: Option<String>,
    pub bio: Option<String>,
}

const NO_PERSON: ProductError = ProductError::NotFound("this person");

impl Product {
    /// The profile of `user`; a guest is `viewer` none.
    pub async fn profile(&self, user: UserId, viewer: Option<UserId>) -> Result<Profile> {
        let account = self.store().account_by_id(user).await?.ok_or(NO_PERSON)?;
        self.profile_of(account, viewer).await
    }

    /// The profile behind a username, in any case.
    pub async fn profile_by_username(&self, username: &str, viewer: Option<UserId>) -> Result<Profile> {
        let username = Username::parse(username).map_err(|_| NO_PERSON)?;
        let account = self
            .store()
            .account_by_username(&username)
            .await?
            .ok_or(NO_PERSON)?;
        self.profile_of(account, viewer).await
    }

    /// Changes the caller's own profile.
    pub async fn profile_update(&self, user: UserId, change: ProfileChange) -> Result<Profile> {
        let limits = self.limits();
        let display_name = change
            .display_name
            .map(|name| text::bounded("displayName", &name, 1, limits.display_name_chars_max))
            .transpose()?;
        let bio = change
            .bio
            .map(|bio| text::bounded("bio", &bio, 0, limits.bio_chars_max))
            .transpose()?;
        let mut tx = self.store().write("profile_update").await?;
        tx.account_update_profile(user, display_name.as_deref(), bio.as_deref())
            .await?;
        tx.commit().await?;
        self.profile(user, Some(user)).await
    }

    pub(crate) async fn profile_exists(&self, user: UserId) -> Result<()> {
        self.store().account_by_id(user).await?.map(drop).ok_or(NO_PERSON)
    }

    async fn profile_of(&self, account: Account, viewer: Option<UserId>) -> Result<Profile> {
        let following = match viewer.filter(|&viewer| viewer != account.id) {
            Some(viewer) => self.store().follow_exists(viewer, account.id).await?,
            None => false,
        };
        Ok(Profile {
            id: account.id,
            username: account.username,
            display_name: account.display_name,
            bio: account.bio,
            created_at_ms: account.created_at_ms,
            counts: account.counts,
            following,
            is_self: viewer == Some(account.id),
        })
    }
}

/// A line of a list of followers, as a profile.
pub(crate) fn profile_of_entry(entry: FollowEntry, viewer: Option<UserId>) -> Profile {
    Profile {
        id: entry.id,
        username: entry.username,
        display_name: entry.display_name,
        bio: entry.bio,
        created_at_ms: entry.created_at_ms,
        counts: entry.counts,
        following: entry.viewer_follows,
        is_self: viewer == Some(entry.id),
    }
}
