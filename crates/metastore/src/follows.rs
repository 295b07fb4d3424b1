//! Who follows whom, with exact counts both ways in the same change. It does not know blocks or privacy.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{TimestampMs, UserId};

use crate::accounts::UserCounts;
use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, Statement, Write, statements};

macro_rules! follow_page {
    ($side:literal, $other:literal) => {
        concat!(
            "SELECT f.",
            $other,
            " AS id, a.username, a.display_name, a.bio, a.created_at_ms, f.created_at_ms AS followed_at_ms, \
             c.followers, c.following, c.videos, c.likes, \
             CASE WHEN v.followee_id IS NULL THEN 0 ELSE 1 END AS viewer_follows \
             FROM follows f JOIN accounts a ON a.id = f.",
            $other,
            " JOIN user_counts c ON c.user_id = f.",
            $other,
            " LEFT JOIN follows v ON v.follower_id = $2 AND v.followee_id = f.",
            $other,
            " WHERE f.",
            $side,
            " = $1 AND (f.created_at_ms, f.",
            $other,
            ") < ($3, $4) ORDER BY f.created_at_ms DESC, f.",
            $other,
            " DESC LIMIT $5"
        )
    };
}

statements! {
    FOLLOW_INSERT = "INSERT INTO follows (follower_id, followee_id, created_at_ms) VALUES ($1, $2, $3) \
        ON CONFLICT (follower_id, followee_id) DO NOTHING";
    FOLLOW_DELETE = "DELETE FROM follows WHERE follower_id = $1 AND followee_id = $2";
    FOLLOW_COUNT_FOLLOWER = "UPDATE user_counts SET following = following + $2 WHERE user_id = $1";
    FOLLOW_COUNT_FOLLOWEE = "UPDATE user_counts SET followers = followers + $2 WHERE user_id = $1";
    FOLLOW_COUNTS = "SELECT followers, following, videos, likes FROM user_counts WHERE user_id = $1";
    FOLLOW_EXISTS = "SELECT 1 AS there FROM follows WHERE follower_id = $1 AND followee_id = $2";
    FOLLOWERS_PAGE = follow_page!("followee_id", "follower_id");
    FOLLOWING_PAGE = follow_page!("follower_id", "followee_id");
    FOLLOWEES = "SELECT followee_id FROM follows WHERE follower_id = $1 \
        ORDER BY created_at_ms DESC, followee_id DESC LIMIT $2";
}

/// One line of a list of followers or followees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowEntry {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub bio: String,
    pub created_at_ms: TimestampMs,
    /// When the follow happened; with the id it is the page's key.
    pub followed_at_ms: TimestampMs,
    pub counts: UserCounts,
    /// Whether the one who looks follows this person.
    pub viewer_follows: bool,
}

impl FromRow<'_, SqliteRow> for FollowEntry {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row::user(row, "id")?,
            username: row.try_get("username")?,
            display_name: row.try_get("display_name")?,
            bio: row.try_get("bio")?,
            created_at_ms: row.try_get("created_at_ms")?,
            followed_at_ms: row.try_get("followed_at_ms")?,
            counts: UserCounts::from_row(row)?,
            viewer_follows: row::flag(row, "viewer_follows")?,
        })
    }
}

/// Where a page of follows begins: strictly older than this pair. `None` is the newest.
type FollowKey = Option<(TimestampMs, UserId)>;

impl Metastore {
    pub async fn follow_exists(&self, follower: UserId, followee: UserId) -> Result<bool, MetastoreError> {
        let query = FOLLOW_EXISTS
            .query()
            .bind(follower.as_i64())
            .bind(followee.as_i64());
        let found = query
            .fetch_optional(&self.readers)
            .await
            .map_err(FOLLOW_EXISTS.failed())?;
        Ok(found.is_some())
    }

    /// Who follows `user`, newest first, at most [`LIST_MAX`].
    pub async fn followers_page(
        &self,
        user: UserId,
        viewer: Option<UserId>,
        before: FollowKey,
        limit: u32,
    ) -> Result<Vec<FollowEntry>, MetastoreError> {
        self.follow_page(FOLLOWERS_PAGE, user, viewer, before, limit)
            .await
    }

    /// Whom `user` follows, newest first, at most [`LIST_MAX`].
    pub async fn following_page(
        &self,
        user: UserId,
        viewer: Option<UserId>,
        before: FollowKey,
        limit: u32,
    ) -> Result<Vec<FollowEntry>, MetastoreError> {
        self.follow_page(FOLLOWING_PAGE, user, viewer, before, limit)
            .await
    }

    async fn follow_page(
        &self,
        statement: Statement,
        user: UserId,
        viewer: Option<UserId>,
        before: FollowKey,
        limit: u32,
    ) -> Result<Vec<FollowEntry>, MetastoreError> {
        let (before_ms, before_id) = before.map_or((i64::MAX, i64::MAX), |(at_ms, id)| (at_ms, id.as_i64()));
        let query = statement
            .rows()
            .bind(user.as_i64())
            .bind(viewer.map_or(0, UserId::as_i64))
            .bind(before_ms)
            .bind(before_id)
            .bind(i64::from(limit.min(LIST_MAX)));
        query.fetch_all(&self.readers).await.map_err(statement.failed())
    }

    /// The ids of those `user` follows, newest first, at most `limit`.
    pub async fn followees(&self, user: UserId, limit: u32) -> Result<Vec<UserId>, MetastoreError> {
        let query = FOLLOWEES.query().bind(user.as_i64()).bind(i64::from(limit));
        let rows = query.fetch_all(&self.readers).await.map_err(FOLLOWEES.failed())?;
        rows.iter()
            .map(|row| row::user(row, "followee_id").map_err(FOLLOWEES.failed()))
            .collect()
    }
}

impl Write {
    /// Adds the pair; whether it was new.
    pub async fn follow_add(
        &mut self,
        follower: UserId,
        followee: UserId,
        at_ms: TimestampMs,
    ) -> Result<bool, MetastoreError> {
        let insert = FOLLOW_INSERT
            .query()
            .bind(follower.as_i64())
            .bind(followee.as_i64())
            .bind(at_ms);
        let added = self.run(FOLLOW_INSERT, insert).await? > 0;
        if added {
            self.follow_count(follower, followee, 1).await?;
        }
        Ok(added)
    }

    /// Takes the pair away; whether it was there.
    pub async fn follow_remove(
        &mut self,
        follower: UserId,
        followee: UserId,
    ) -> Result<bool, MetastoreError> {
        let delete = FOLLOW_DELETE
            .query()
            .bind(follower.as_i64())
            .bind(followee.as_i64());
        let removed = self.run(FOLLOW_DELETE, delete).await? > 0;
        if removed {
            self.follow_count(follower, followee, -1).await?;
        }
        Ok(removed)
    }

    /// The counts as this change sees them; [`MetastoreError::NotFound`] when there is no such account.
    pub async fn user_counts(&mut self, user: UserId) -> Result<UserCounts, MetastoreError> {
        let query = FOLLOW_COUNTS.rows().bind(user.as_i64());
        let counts = query
            .fetch_optional(self.connection())
            .await
            .map_err(FOLLOW_COUNTS.failed())?;
        counts.ok_or(MetastoreError::NotFound("the account"))
    }

    async fn follow_count(
        &mut self,
        follower: UserId,
        followee: UserId,
        step: i64,
    ) -> Result<(), MetastoreError> {
        let following = FOLLOW_COUNT_FOLLOWER.query().bind(follower.as_i64()).bind(step);
        self.run(FOLLOW_COUNT_FOLLOWER, following).await?;
        let followers = FOLLOW_COUNT_FOLLOWEE.query().bind(followee.as_i64()).bind(step);
        self.run(FOLLOW_COUNT_FOLLOWEE, followers).await.map(drop)
    }
}
