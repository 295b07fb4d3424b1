//! What operators ask of the feed, on the wire: orders (boosts and pins), the weights of the value model, and the trail of changes.

use serde::{Deserialize, Serialize};
use types::{Region, TimestampMs, UserId};
use utoipa::ToSchema;

/// A boost or a pin in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its number, as text: numbers of this size do not survive every JSON reader.
    pub id: String,
    /// `boost` or `pin`.
    pub kind: String,
    /// `hashtag:sea`, `category:music`, or `video:`, `creator:`, `sound:` and an id.
    pub target: String,
    /// For viewers of this region alone.
    #[schema(value_type = Option<String>)]
    pub region: Option<Region>,
    /// What the value of such videos is multiplied by; 1 for a pin.
    pub factor: f64,
    pub reason: String,
    pub made_at_ms: TimestampMs,
    pub made_by: UserId,
    pub ends_at_ms: TimestampMs,
}

/// The orders in force, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Orders {
    pub items: Vec<Order>,
}

/// Asks for an order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderRequest {
    /// `boost` or `pin`.
    pub kind: String,
    /// See [`Order::target`]; a pin is of one video.
    pub target: String,
    #[schema(value_type = Option<String>)]
    pub region: Option<Region>,
    /// For a boost, 0.1 to 5; below 1 holds back.
    pub factor: Option<f64>,
    /// Why, in 1 to 200 characters. Viewers of a pinned video can read it.
    pub reason: String,
    /// After now, and within 30 days.
    pub ends_at_ms: TimestampMs,
}

/// What each answer of the model counts in a video's value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueWeights {
    pub items: Vec<ValueWeight>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueWeight {
    /// What is foreseen: `complete`, `like`, `not_interested` …
    pub head: String,
    /// In force.
    pub weight: f64,
    pub built_in: f64,
}

/// Weights to be set; heads that are left out go back to the built-in ones.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueWeightsRequest {
    /// Head to weight, each between -10 and 10.
    pub weights: std::collections::BTreeMap<String, f64>,
}

/// The trail, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorChanges {
    pub items: Vec<OperatorChange>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorChange {
    /// `boost_made`, `boost_withdrawn`, `pin_made`, `pin_withdrawn`, `value_weights_set`.
    pub what: String,
    pub detail: String,
    pub changed_at_ms: TimestampMs,
    pub changed_by: UserId,
    /// Null when the account is gone.
    pub username: Option<String>,
}
