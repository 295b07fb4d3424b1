//! What those who look after the house may ask of the feed: boosts and pins with an end and a reason, the weights of the value
//! model, and for whom a stage runs. Every change leaves a row in the trail, in the same transaction. Who may ask is decided at the door; what an order does, in the feed.

use metastore::{LIST_MAX, OperatorChange, Order, OrderKind, OrderNew};
use types::{Region, Target, TimestampMs, UserId};

use crate::error::ProductError;
use crate::videos::Onlooker;
use crate::{Product, Result};

/// An order lasts no longer; whoever still wants it makes it anew.
pub const ORDER_MS_MAX: i64 = 30 * 86_400_000;
/// Orders in force at most: each is looked at for each candidate.
pub const ORDERS_MAX: usize = 50;
/// A boost multiplies a value by so much, at least and at most. It can hold back, and cannot hide.
pub const FACTOR_MIN: f64 = 0.1;
/// See [`FACTOR_MIN`].
pub const FACTOR_MAX: f64 = 5.0;
/// A weight of the value model, either way.
pub const WEIGHT_MAX: f64 = 10.0;
const REASON_CHARS_MAX: usize = 200;

/// An order as it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderAsked {
    pub kind: OrderKind,
    pub target: Target,
    pub region: Option<Region>,
    /// For boosts.
    pub factor: Option<f64>,
    pub reason: String,
    pub ends_at_ms: TimestampMs,
}

impl Product {
    /// The orders in force, newest first.
    pub async fn orders(&self) -> Result<Vec<Order>> {
        Ok(self.store().orders_active(self.now_ms()).await?)
    }

    /// Puts an order in force.
    ///
    /// # Errors
    /// [`ProductError::Invalid`] with the field at fault; [`ProductError::NotFound`] for a pin of a video that is not there.
    pub async fn order_make(&self, asked: OrderAsked, by: UserId) -> Result<Order> {
        let now_ms = self.now_ms();
        let order = OrderNew {
            id: self.id_next(now_ms),
            factor: factor(&asked)?,
            reason: reason(&asked.reason, "viewers of a pinned video can read it")?,
            ends_at_ms: ends_at(asked.ends_at_ms, now_ms)?,
            kind: asked.kind,
            target: asked.target,
            region: asked.region,
            made_at_ms: now_ms,
            made_by: by,
        };
        if let Target::Video(video) = order.target {
            let anybody = Onlooker {
                user: None,
                is_adult: true,
            };
            self.video_card(video, anybody).await?;
        }
        if self.store().orders_active(now_ms).await?.len() >= ORDERS_MAX {
            return Err(ProductError::invalid(
                "kind",
                format!(
                    "{ORDERS_MAX} orders are in force, which is the most there can be; withdraw one first"
                ),
            ));
        }
        let mut tx = self.store().write("order_make").await?;
        tx.order_insert(&order).await?;
        let what = format!("{}_made", order.kind.as_str());
        tx.operator_change_note(&what, &detail(&order), now_ms, by)
            .await?;
        tx.commit().await?;
        tracing::info!(%by, order = order.id, target = %order.target, kind = order.kind.as_str(), "an order was made");
        Ok(order)
    }

    /// Ends an order now.
    ///
    /// # Errors
    /// [`ProductError::NotFound`] when none of that number is in force.
    pub async fn order_withdraw(&self, id: u64, by: UserId) -> Result<()> {
        let now_ms = self.now_ms();
        let missing = ProductError::NotFound("an order in force of that number");
        let active = self.store().orders_active(now_ms).await?;
        let order = active.into_iter().find(|order| order.id == id).ok_or(missing)?;
        let mut tx = self.store().write("order_withdraw").await?;
        tx.order_end(id, now_ms).await?;
        let what = format!("{}_withdrawn", order.kind.as_str());
        tx.operator_change_note(&what, &detail(&order), now_ms, by)
            .await?;
        tx.commit().await?;
        tracing::info!(%by, order = id, "an order was withdrawn");
        Ok(())
    }

    /// The weights of the value model that were set; the others are built in.
    pub async fn value_weights(&self) -> Result<Vec<(String, f64)>> {
        Ok(self.store().value_weights().await?)
    }

    /// Replaces the weights that were set; none brings all back to the built-in ones. Which heads there are is the door's to check.
    ///
    /// # Errors
    /// [`ProductError::Invalid`] for a weight that is no number or beyond ±[`WEIGHT_MAX`].
    pub async fn value_weights_set(&self, weights: Vec<(String, f64)>, by: UserId) -> Result<()> {
        for (head, weight) in &weights {
            if !(-WEIGHT_MAX..=WEIGHT_MAX).contains(weight) {
                let message = format!("the weight of {head} must be between -{WEIGHT_MAX} and {WEIGHT_MAX}");
                return Err(ProductError::invalid("weights", message));
            }
        }
        let now_ms = self.now_ms();
        let mut tx = self.store().write("value_weights").await?;
        tx.value_weights_put(&weights).await?;
        let listed: Vec<String> = weights
            .iter()
            .map(|(head, weight)| format!("{head} {weight}"))
            .collect();
        let detail = if listed.is_empty() {
            "all built in".to_owned()
        } else {
            listed.join(", ")
        };
        tx.operator_change_note("value_weights_set", &detail, now_ms, by)
            .await?;
        tx.commit().await?;
        tracing::info!(%by, weights = detail, "the weights of the value model were set");
        Ok(())
    }

    /// The shares of viewers that were set for stages of the feed, by name; the others are as the settings have them.
    pub async fn feed_components(&self) -> Result<Vec<(String, f64)>> {
        Ok(self.store().feed_components().await?)
    }

    /// Keeps the share of viewers for whom a stage of the feed runs. Which stages there are, and which may be switched, is the feed's to
    /// say: the door asks it first.
    pub async fn feed_component_set(&self, name: &str, share: f64, by: UserId) -> Result<()> {
        let now_ms = self.now_ms();
        let mut tx = self.store().write("feed_component").await?;
        tx.feed_component_put(name, share).await?;
        let detail = format!("{name} for {share} of viewers");
        tx.operator_change_note("component_switched", &detail, now_ms, by)
            .await?;
        tx.commit().await?;
        tracing::info!(%by, stage = name, share, "a stage of the feed was switched");
        Ok(())
    }

    /// The trail, newest first, at most [`LIST_MAX`].
    pub async fn operator_changes(&self) -> Result<Vec<OperatorChange>> {
        Ok(self.store().operator_changes().await?)
    }
}

const _: () = assert!(ORDERS_MAX <= LIST_MAX as usize, "one list holds them all");

fn factor(asked: &OrderAsked) -> Result<f64> {
    match (asked.kind, asked.factor, &asked.target) {
        (OrderKind::Pin, None, Target::Video(_)) => Ok(1.0),
        (OrderKind::Pin, Some(_), _) => Err(ProductError::invalid(
            "factor",
            "a pin has no factor; leave it out",
        )),
        (OrderKind::Pin, None, _) => Err(ProductError::invalid("target", "a pin is of one video: video:ID")),
        (OrderKind::Boost, Some(factor), _) if (FACTOR_MIN..=FACTOR_MAX).contains(&factor) => Ok(factor),
        (OrderKind::Boost, ..) => Err(ProductError::invalid(
            "factor",
            format!("a boost needs a factor between {FACTOR_MIN} and {FACTOR_MAX}; below 1 holds back"),
        )),
    }
}

/// A reason as it is kept; `why_asked` says in the refusal what it is for.
pub(crate) fn reason(text: &str, why_asked: &str) -> Result<String> {
    let text = text.trim();
    match text.chars().count() {
        1..=REASON_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(ProductError::invalid(
            "reason",
            format!("say why, in 1 to {REASON_CHARS_MAX} characters; {why_asked}"),
        )),
    }
}

fn ends_at(ends_at_ms: TimestampMs, now_ms: TimestampMs) -> Result<TimestampMs> {
    match ends_at_ms.saturating_sub(now_ms) {
        1..=ORDER_MS_MAX => Ok(ends_at_ms),
        _ => Err(ProductError::invalid(
            "endsAtMs",
            "an order ends after now and within 30 days",
        )),
    }
}

fn detail(order: &Order) -> String {
    let region = order
        .region
        .map_or_else(|| "everywhere".to_owned(), |region| region.to_string());
    format!(
        "{} {} for {region} until {}: {}",
        order.target, order.factor, order.ends_at_ms, order.reason
    )
}
