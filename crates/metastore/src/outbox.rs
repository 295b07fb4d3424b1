//! Facts on their way to the event log: appended with the change that made them, taken in order, deleted once they are
//! durable elsewhere. Payloads are opaque bytes.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::TimestampMs;

use crate::error::MetastoreError;
use crate::store::{Metastore, Write, statements};

statements! {
    OUTBOX_NEXT_ID = "UPDATE sequences SET value = value + 1 WHERE name = 'outbox' RETURNING value";
    OUTBOX_INSERT = "INSERT INTO outbox (id, topic, partition_key, at_ms, payload) VALUES ($1, $2, $3, $4, $5)";
    OUTBOX_TAKE = "SELECT id, topic, partition_key, at_ms, payload FROM outbox WHERE id > $1 ORDER BY id LIMIT $2";
    OUTBOX_DELETE = "DELETE FROM outbox WHERE id <= $1";
    OUTBOX_COUNT = "SELECT COUNT(*) AS waiting FROM outbox";
    OUTBOX_WAITING = "SELECT COUNT(*) AS row_count, MIN(at_ms) AS oldest_at_ms FROM outbox";
}

/// A fact to append.
#[derive(Debug, Clone)]
pub struct OutboxNew {
    /// The number of the log's topic.
    pub topic: u8,
    /// Chooses the partition: the raw id of the viewer (or video) it is about.
    pub partition_key: u64,
    pub at_ms: TimestampMs,
    pub payload: Vec<u8>,
}

/// A fact that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Grows in the order of commits, without gaps, and is never used again.
    pub id: u64,
    pub topic: u8,
    pub partition_key: u64,
    pub at_ms: TimestampMs,
    pub payload: Vec<u8>,
}

/// What is on its way, in figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxWaiting {
    pub rows: i64,
    /// When the oldest fact happened; None when nothing waits.
    pub oldest_at_ms: Option<TimestampMs>,
}

impl FromRow<'_, SqliteRow> for OutboxWaiting {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            rows: row.try_get("row_count")?,
            oldest_at_ms: row.try_get("oldest_at_ms")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for OutboxRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get::<i64, _>("id")? as u64,
            topic: row.try_get::<i64, _>("topic")? as u8,
            partition_key: row.try_get::<i64, _>("partition_key")? as u64,
            at_ms: row.try_get("at_ms")?,
            payload: row.try_get("payload")?,
        })
    }
}

impl Metastore {
    /// The next rows after `after_id` (0 for the first), at most `limit`, in order.
    pub async fn outbox_take(&self, after_id: u64, limit: u32) -> Result<Vec<OutboxRow>, MetastoreError> {
        let query = OUTBOX_TAKE.rows().bind(after_id as i64).bind(i64::from(limit));
        query.fetch_all(&self.readers).await.map_err(OUTBOX_TAKE.failed())
    }

    /// How many rows wait.
    pub async fn outbox_count(&self) -> Result<i64, MetastoreError> {
        let row = OUTBOX_COUNT
            .query()
            .fetch_one(&self.readers)
            .await
            .map_err(OUTBOX_COUNT.failed())?;
        row.try_get("waiting").map_err(OUTBOX_COUNT.failed())
    }

    /// How many rows wait, and since when; reads them all, so it is for whoever saw that some are stuck.
    pub async fn outbox_waiting(&self) -> Result<OutboxWaiting, MetastoreError> {
        let query = OUTBOX_WAITING.rows();
        query
            .fetch_one(&self.readers)
            .await
            .map_err(OUTBOX_WAITING.failed())
    }
}

impl Write {
    /// Appends a fact to this change and returns its id. The relay is woken on commit.
    pub async fn outbox_append(&mut self, new: OutboxNew) -> Result<u64, MetastoreError> {
        let next = OUTBOX_NEXT_ID.query().fetch_one(self.connection()).await;
        let id: i64 = next
            .and_then(|row| row.try_get("value"))
            .map_err(OUTBOX_NEXT_ID.failed())?;
        let insert = OUTBOX_INSERT
            .query()
            .bind(id)
            .bind(i64::from(new.topic))
            .bind(new.partition_key as i64)
            .bind(new.at_ms)
            .bind(new.payload);
        self.run(OUTBOX_INSERT, insert).await?;
        self.appended.outbox = true;
        Ok(id as u64)
    }

    /// Removes every row up to `through_id`; only after all of them are durable elsewhere.
    pub async fn outbox_delete(&mut self, through_id: u64) -> Result<u64, MetastoreError> {
        let delete = OUTBOX_DELETE.query().bind(through_id as i64);
        self.run(OUTBOX_DELETE, delete).await
    }
}
