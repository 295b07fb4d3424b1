//! What operators ask of the feed, the weights of its value model, which of its stages run for whom, and the trail of who changed what. It does not know what an order does.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{Region, Target, TimestampMs, UserId};

use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, Write, statements};

statements! {
    ORDERS_ACTIVE = "SELECT id, kind, target, region, factor, reason, made_at_ms, made_by, ends_at_ms \
        FROM operator_orders WHERE ends_at_ms > $1 ORDER BY id DESC LIMIT $2";
    ORDER_INSERT = "INSERT INTO operator_orders (id, kind, target, region, factor, reason, made_at_ms, made_by, ends_at_ms) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    ORDER_END = "UPDATE operator_orders SET ends_at_ms = $2 WHERE id = $1 AND ends_at_ms > $2";
    VALUE_WEIGHTS = "SELECT head, weight FROM value_weights ORDER BY head LIMIT $1";
    VALUE_WEIGHT_PUT = "INSERT INTO value_weights (head, weight) VALUES ($1, $2) \
        ON CONFLICT (head) DO UPDATE SET weight = excluded.weight";
    VALUE_WEIGHTS_DELETE = "DELETE FROM value_weights";
    FEED_COMPONENTS = "SELECT name, share FROM feed_components ORDER BY name LIMIT $1";
    FEED_COMPONENT_PUT = "INSERT INTO feed_components (name, share) VALUES ($1, $2) \
        ON CONFLICT (name) DO UPDATE SET share = excluded.share";
    OPERATOR_CHANGES = "SELECT c.what, c.detail, c.changed_at_ms, c.changed_by, a.username \
        FROM operator_changes c LEFT JOIN accounts a ON a.id = c.changed_by ORDER BY c.id DESC LIMIT $1";
    OPERATOR_CHANGE_NEXT_ID = "UPDATE sequences SET value = value + 1 WHERE name = 'operator_changes' RETURNING value";
    OPERATOR_CHANGE_INSERT = "INSERT INTO operator_changes (id, what, detail, changed_at_ms, changed_by) \
        VALUES ($1, $2, $3, $4, $5)";
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// Videos of the target are worth more, or less.
    Boost,
    /// One video comes first on the next page of everybody who has not seen it.
    Pin,
}

impl OrderKind {
    /// As stored and as sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boost => "boost",
            Self::Pin => "pin",
        }
    }

    /// None for any other word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Boost, Self::Pin]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// An order to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderNew {
    pub id: u64,
    pub kind: OrderKind,
    pub target: Target,
    /// For viewers of this region alone.
    pub region: Option<Region>,
    /// What a value is multiplied by; 1 for a pin.
    pub factor: f64,
    pub reason: String,
    pub made_at_ms: TimestampMs,
    pub made_by: UserId,
    pub ends_at_ms: TimestampMs,
}

/// An order in force. The fields are those of [`OrderNew`].
pub type Order = OrderNew;

/// One row of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorChange {
    /// A short word: what was done.
    pub what: String,
    /// To what, as a sentence of its values.
    pub detail: String,
    pub changed_at_ms: TimestampMs,
    pub changed_by: UserId,
    /// None when the account is gone.
    pub username: Option<String>,
}

impl FromRow<'_, SqliteRow> for OrderNew {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get::<i64, _>("id")? as u64,
            kind: row::word(row, "kind", OrderKind::parse)?,
            target: row::parsed(row, "target")?.ok_or(sqlx::Error::ColumnNotFound("target".to_owned()))?,
            region: row::parsed(row, "region")?,
            factor: row.try_get("factor")?,
            reason: row.try_get("reason")?,
            made_at_ms: row.try_get("made_at_ms")?,
            made_by: row::user(row, "made_by")?,
            ends_at_ms: row.try_get("ends_at_ms")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for OperatorChange {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            what: row.try_get("what")?,
            detail: row.try_get("detail")?,
            changed_at_ms: row.try_get("changed_at_ms")?,
            changed_by: row::user(row, "changed_by")?,
            username: row.try_get("username")?,
        })
    }
}

struct WeightRow(String, f64);

impl FromRow<'_, SqliteRow> for WeightRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self(row.try_get("head")?, row.try_get("weight")?))
    }
}

struct ComponentRow(String, f64);

impl FromRow<'_, SqliteRow> for ComponentRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self(row.try_get("name")?, row.try_get("share")?))
    }
}

impl Metastore {
    /// The orders in force at `now_ms`, newest first, at most [`LIST_MAX`].
    pub async fn orders_active(&self, now_ms: TimestampMs) -> Result<Vec<Order>, MetastoreError> {
        let query = ORDERS_ACTIVE.rows().bind(now_ms).bind(i64::from(LIST_MAX));
        query
            .fetch_all(&self.readers)
            .await
            .map_err(ORDERS_ACTIVE.failed())
    }

    /// The weights that were set, by head; the others are built in.
    pub async fn value_weights(&self) -> Result<Vec<(String, f64)>, MetastoreError> {
        let query = VALUE_WEIGHTS.rows::<WeightRow>().bind(i64::from(LIST_MAX));
        let rows = query.fetch_all(&self.readers).await;
        rows.map(|rows| {
            rows.into_iter()
                .map(|WeightRow(head, weight)| (head, weight))
                .collect()
        })
        .map_err(VALUE_WEIGHTS.failed())
    }

    /// The shares of viewers that were set for stages of the feed, by name; the others are as the settings have them.
    pub async fn feed_components(&self) -> Result<Vec<(String, f64)>, MetastoreError> {
        let query = FEED_COMPONENTS.rows::<ComponentRow>().bind(i64::from(LIST_MAX));
        let rows = query.fetch_all(&self.readers).await;
        rows.map(|rows| {
            rows.into_iter()
                .map(|ComponentRow(name, share)| (name, share))
                .collect()
        })
        .map_err(FEED_COMPONENTS.failed())
    }

    /// The newest rows of the trail first, at most [`LIST_MAX`].
    pub async fn operator_changes(&self) -> Result<Vec<OperatorChange>, MetastoreError> {
        let query = OPERATOR_CHANGES.rows().bind(i64::from(LIST_MAX));
        query
            .fetch_all(&self.readers)
            .await
            .map_err(OPERATOR_CHANGES.failed())
    }
}

impl Write {
    /// Stores an order.
    pub async fn order_insert(&mut self, order: &OrderNew) -> Result<(), MetastoreError> {
        let insert = ORDER_INSERT
            .query()
            .bind(order.id as i64)
            .bind(order.kind.as_str())
            .bind(order.target.to_string())
            .bind(order.region.map(|region| region.to_string()))
            .bind(order.factor)
            .bind(order.reason.clone())
            .bind(order.made_at_ms)
            .bind(order.made_by.as_i64())
            .bind(order.ends_at_ms);
        self.run(ORDER_INSERT, insert).await.map(drop)
    }

    /// Ends an order at `at_ms`; false when there is none of that number in force.
    pub async fn order_end(&mut self, id: u64, at_ms: TimestampMs) -> Result<bool, MetastoreError> {
        let update = ORDER_END.query().bind(id as i64).bind(at_ms);
        Ok(self.run(ORDER_END, update).await? > 0)
    }

    /// Replaces all weights that were set.
    pub async fn value_weights_put(&mut self, weights: &[(String, f64)]) -> Result<(), MetastoreError> {
        self.run(VALUE_WEIGHTS_DELETE, VALUE_WEIGHTS_DELETE.query())
            .await?;
        for (head, weight) in weights {
            let put = VALUE_WEIGHT_PUT.query().bind(head.clone()).bind(*weight);
            self.run(VALUE_WEIGHT_PUT, put).await?;
        }
        Ok(())
    }

    /// Sets the share of viewers for whom a stage of the feed runs.
    pub async fn feed_component_put(&mut self, name: &str, share: f64) -> Result<(), MetastoreError> {
        let put = FEED_COMPONENT_PUT.query().bind(name.to_owned()).bind(share);
        self.run(FEED_COMPONENT_PUT, put).await.map(drop)
    }

    /// Adds a row to the trail.
    pub async fn operator_change_note(
        &mut self,
        what: &str,
        detail: &str,
        at_ms: TimestampMs,
        by: UserId,
    ) -> Result<(), MetastoreError> {
        let next = OPERATOR_CHANGE_NEXT_ID.query().fetch_one(self.connection()).await;
        let id: i64 = next
            .and_then(|row| row.try_get("value"))
            .map_err(OPERATOR_CHANGE_NEXT_ID.failed())?;
        let insert = OPERATOR_CHANGE_INSERT
            .query()
            .bind(id)
            .bind(what.to_owned())
            .bind(detail.to_owned())
            .bind(at_ms)
            .bind(by.as_i64());
        self.run(OPERATOR_CHANGE_INSERT, insert).await.map(drop)
    }
}
