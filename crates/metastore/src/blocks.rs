//! Who blocked whom. What a block means is decided above.

use types::{TimestampMs, UserId};

use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, Write, statements};

statements! {
    BLOCK_INSERT = "INSERT INTO blocks (blocker_id, blocked_id, created_at_ms) VALUES ($1, $2, $3) \
        ON CONFLICT (blocker_id, blocked_id) DO NOTHING";
    BLOCK_DELETE = "DELETE FROM blocks WHERE blocker_id = $1 AND blocked_id = $2";
    BLOCK_BETWEEN = "SELECT 1 AS there FROM blocks WHERE (blocker_id = $1 AND blocked_id = $2) \
        OR (blocker_id = $2 AND blocked_id = $1) LIMIT 1";
    BLOCKED_BY = "SELECT blocked_id FROM blocks WHERE blocker_id = $1 \
        ORDER BY created_at_ms DESC, blocked_id DESC LIMIT $2";
}

impl Metastore {
    /// Whom `user` blocked, newest first, at most `limit` and [`LIST_MAX`].
    pub async fn blocked_list(&self, user: UserId, limit: u32) -> Result<Vec<UserId>, MetastoreError> {
        let query = BLOCKED_BY
            .query()
            .bind(user.as_i64())
            .bind(i64::from(limit.min(LIST_MAX)));
        let rows = query
            .fetch_all(&self.readers)
            .await
            .map_err(BLOCKED_BY.failed())?;
        rows.iter()
            .map(|row| row::user(row, "blocked_id").map_err(BLOCKED_BY.failed()))
            .collect()
    }
}

impl Write {
    /// Adds the pair; whether it was new.
    pub async fn block_add(
        &mut self,
        blocker: UserId,
        blocked: UserId,
        at_ms: TimestampMs,
    ) -> Result<bool, MetastoreError> {
        let insert = BLOCK_INSERT
            .query()
            .bind(blocker.as_i64())
            .bind(blocked.as_i64())
            .bind(at_ms);
        Ok(self.run(BLOCK_INSERT, insert).await? > 0)
    }

    /// Takes the pair away; whether it was there.
    pub async fn block_remove(&mut self, blocker: UserId, blocked: UserId) -> Result<bool, MetastoreError> {
        let delete = BLOCK_DELETE.query().bind(blocker.as_i64()).bind(blocked.as_i64());
        Ok(self.run(BLOCK_DELETE, delete).await? > 0)
    }

    /// Whether either of the two blocked the other.
    pub async fn block_between(&mut self, one: UserId, other: UserId) -> Result<bool, MetastoreError> {
        let query = BLOCK_BETWEEN.query().bind(one.as_i64()).bind(other.as_i64());
        let row = query
            .fetch_optional(self.connection())
            .await
            .map_err(BLOCK_BETWEEN.failed())?;
        Ok(row.is_some())
    }
}
