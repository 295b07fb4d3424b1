//! Refresh tokens, by the hash of their bytes. It never sees a token, and does not decide what a reuse means.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{TimestampMs, UserId};

use crate::error::MetastoreError;
use crate::row;
use crate::store::{Write, statements};

/// Length of a stored token hash.
pub const TOKEN_HASH_BYTES: usize = 32;

/// SHA-256 of a refresh token.
pub type TokenHash = [u8; TOKEN_HASH_BYTES];

statements! {
    REFRESH_TOKEN_INSERT = "INSERT INTO refresh_tokens (token_hash, family_id, user_id, issued_at_ms, expires_at_ms) \
        VALUES ($1, $2, $3, $4, $5)";
    REFRESH_TOKEN_GET = "SELECT family_id, user_id, expires_at_ms, rotated_at_ms, revoked_at_ms \
        FROM refresh_tokens WHERE token_hash = $1";
    REFRESH_TOKEN_ROTATE = "UPDATE refresh_tokens SET rotated_at_ms = $2 WHERE token_hash = $1";
    REFRESH_TOKEN_REVOKE_FAMILY = "UPDATE refresh_tokens SET revoked_at_ms = $2 \
        WHERE family_id = $1 AND revoked_at_ms IS NULL";
    REFRESH_TOKEN_PURGE = "DELETE FROM refresh_tokens WHERE token_hash IN \
        (SELECT token_hash FROM refresh_tokens WHERE expires_at_ms < $1 ORDER BY expires_at_ms LIMIT $2)";
}

/// A token's life so far. Rotated tokens stay until they expire, so that a reuse is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// All tokens that came from one login.
    pub family: u64,
    pub user: UserId,
    pub expires_at_ms: TimestampMs,
    pub rotated_at_ms: Option<TimestampMs>,
    pub revoked_at_ms: Option<TimestampMs>,
}

impl FromRow<'_, SqliteRow> for RefreshToken {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            family: row.try_get::<i64, _>("family_id")? as u64,
            user: row::user(row, "user_id")?,
            expires_at_ms: row.try_get("expires_at_ms")?,
            rotated_at_ms: row.try_get("rotated_at_ms")?,
            revoked_at_ms: row.try_get("revoked_at_ms")?,
        })
    }
}

impl Write {
    /// Stores a fresh token of `family` (63 bits).
    pub async fn refresh_token_create(
        &mut self,
        hash: &TokenHash,
        family: u64,
        user: UserId,
        issued_at_ms: TimestampMs,
        expires_at_ms: TimestampMs,
    ) -> Result<(), MetastoreError> {
        let insert = REFRESH_TOKEN_INSERT
            .query()
            .bind(hash.to_vec())
            .bind(family as i64)
            .bind(user.as_i64())
            .bind(issued_at_ms)
            .bind(expires_at_ms);
        self.run(REFRESH_TOKEN_INSERT, insert).await.map(drop)
    }

    /// Read inside the change, so that of two rotations at once one sees the other.
    pub async fn refresh_token_get(
        &mut self,
        hash: &TokenHash,
    ) -> Result<Option<RefreshToken>, MetastoreError> {
        let query = REFRESH_TOKEN_GET.rows().bind(hash.to_vec());
        query
            .fetch_optional(self.connection())
            .await
            .map_err(REFRESH_TOKEN_GET.failed())
    }

    /// Marks a token as used; it is never valid again.
    pub async fn refresh_token_rotate(
        &mut self,
        hash: &TokenHash,
        now_ms: TimestampMs,
    ) -> Result<(), MetastoreError> {
        let update = REFRESH_TOKEN_ROTATE.query().bind(hash.to_vec()).bind(now_ms);
        self.run(REFRESH_TOKEN_ROTATE, update).await.map(drop)
    }

    /// Ends every token of a login; how many were still alive.
    pub async fn refresh_token_revoke_family(
        &mut self,
        family: u64,
        now_ms: TimestampMs,
    ) -> Result<u64, MetastoreError> {
        let update = REFRESH_TOKEN_REVOKE_FAMILY
            .query()
            .bind(family as i64)
            .bind(now_ms);
        self.run(REFRESH_TOKEN_REVOKE_FAMILY, update).await
    }

    /// Removes at most `limit` tokens that expired before `now_ms`; how many it removed.
    pub async fn refresh_token_purge(
        &mut self,
        now_ms: TimestampMs,
        limit: u32,
    ) -> Result<u64, MetastoreError> {
        let delete = REFRESH_TOKEN_PURGE.query().bind(now_ms).bind(i64::from(limit));
        self.run(REFRESH_TOKEN_PURGE, delete).await
    }
}
