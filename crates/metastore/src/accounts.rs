//! Accounts and their counts. It does not know what a good username or password is.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{TimestampMs, UserId, Username};

use crate::card_cache::Touch;
use crate::error::{MetastoreError, is_unique_violation};
use crate::row;
use crate::store::{Metastore, Write, statements};

macro_rules! account_columns {
    () => {
        "SELECT a.id, a.username, a.display_name, a.bio, a.password_hash, a.birth_date, a.created_at_ms, \
         c.followers, c.following, c.videos, c.likes \
         FROM accounts a JOIN user_counts c ON c.user_id = a.id "
    };
}

statements! {
    ACCOUNT_INSERT = "INSERT INTO accounts (id, username, display_name, bio, password_hash, birth_date, created_at_ms) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    ACCOUNT_COUNTS_INSERT = "INSERT INTO user_counts (user_id) VALUES ($1)";
    ACCOUNT_BY_ID = concat!(account_columns!(), "WHERE a.id = $1");
    ACCOUNT_BY_USERNAME = concat!(account_columns!(), "WHERE a.username = $1");
    ACCOUNT_UPDATE_PROFILE = "UPDATE accounts SET display_name = COALESCE($2, display_name), \
        bio = COALESCE($3, bio) WHERE id = $1";
    ACCOUNT_UPDATE_PASSWORD = "UPDATE accounts SET password_hash = $2 WHERE id = $1";
}

/// An account as stored, with its counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub bio: String,
    /// In PHC string form. Never leaves the product room.
    pub password_hash: String,
    /// `YYYY-MM-DD`. Never leaves the product room.
    pub birth_date: String,
    pub created_at_ms: TimestampMs,
    pub counts: UserCounts,
}

/// What an account adds up to. Views are counted elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserCounts {
    pub followers: i64,
    pub following: i64,
    /// Published videos.
    pub videos: i64,
    /// Likes received on all videos.
    pub likes: i64,
}

/// An account to create.
#[derive(Clone)]
pub struct AccountNew<'a> {
    pub id: UserId,
    pub username: &'a Username,
    pub display_name: &'a str,
    /// In PHC string form.
    pub password_hash: &'a str,
    /// `YYYY-MM-DD`.
    pub birth_date: &'a str,
    pub created_at_ms: TimestampMs,
}

impl std::fmt::Debug for Account {
    /// Leaves the password hash and the birth date out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl FromRow<'_, SqliteRow> for UserCounts {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            followers: row.try_get("followers")?,
            following: row.try_get("following")?,
            videos: row.try_get("videos")?,
            likes: row.try_get("likes")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Account {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row::user(row, "id")?,
            username: row.try_get("username")?,
            display_name: row.try_get("display_name")?,
            bio: row.try_get("bio")?,
            password_hash: row.try_get("password_hash")?,
            birth_date: row.try_get("birth_date")?,
            created_at_ms: row.try_get("created_at_ms")?,
            counts: UserCounts::from_row(row)?,
        })
    }
}

impl Metastore {
    pub async fn account_by_id(&self, id: UserId) -> Result<Option<Account>, MetastoreError> {
        let query = ACCOUNT_BY_ID.rows().bind(id.as_i64());
        query
            .fetch_optional(&self.readers)
            .await
            .map_err(ACCOUNT_BY_ID.failed())
    }

    /// `username` in its folded form.
    pub async fn account_by_username(&self, username: &Username) -> Result<Option<Account>, MetastoreError> {
        let query = ACCOUNT_BY_USERNAME.rows().bind(username.as_str().to_owned());
        query
            .fetch_optional(&self.readers)
            .await
            .map_err(ACCOUNT_BY_USERNAME.failed())
    }
}

impl Write {
    /// Creates the account and its zero counts; [`MetastoreError::Conflict`] when the username is taken.
    pub async fn account_create(&mut self, new: &AccountNew<'_>) -> Result<(), MetastoreError> {
        let insert = ACCOUNT_INSERT
            .query()
            .bind(new.id.as_i64())
            .bind(new.username.as_str().to_owned())
            .bind(new.display_name.to_owned())
            .bind("")
            .bind(new.password_hash.to_owned())
            .bind(new.birth_date.to_owned())
            .bind(new.created_at_ms);
        insert.execute(self.connection()).await.map_err(|source| {
            if is_unique_violation(&source) {
                return MetastoreError::Conflict("the username");
            }
            MetastoreError::from_sqlx(ACCOUNT_INSERT.name, source)
        })?;
        let counts = ACCOUNT_COUNTS_INSERT.query().bind(new.id.as_i64());
        self.run(ACCOUNT_COUNTS_INSERT, counts).await.map(drop)
    }

    /// Replaces the texts that are given; [`MetastoreError::NotFound`] when the account is gone.
    pub async fn account_update_profile(
        &mut self,
        id: UserId,
        display_name: Option<&str>,
        bio: Option<&str>,
    ) -> Result<(), MetastoreError> {
        let update = ACCOUNT_UPDATE_PROFILE
            .query()
            .bind(id.as_i64())
            .bind(display_name.map(str::to_owned))
            .bind(bio.map(str::to_owned));
        self.touch(Touch::Creator(id));
        found(self.run(ACCOUNT_UPDATE_PROFILE, update).await?)
    }

    /// Replaces the password hash (PHC string).
    pub async fn account_update_password(&mut self, id: UserId, hash: &str) -> Result<(), MetastoreError> {
        let update = ACCOUNT_UPDATE_PASSWORD
            .query()
            .bind(id.as_i64())
            .bind(hash.to_owned());
        found(self.run(ACCOUNT_UPDATE_PASSWORD, update).await?)
    }
}

fn found(rows: u64) -> Result<(), MetastoreError> {
    if rows == 0 {
        Err(MetastoreError::NotFound("the account"))
    } else {
        Ok(())
    }
}
