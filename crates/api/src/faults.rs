//! Breaking parts of the house on purpose, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is broken on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    /// Whether this process lets anything be broken; set by `[faults] allowed` when it started.
    pub allowed: bool,
    pub items: Vec<BrokenPart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokenPart {
    /// A stage of For You, or `trainer`.
    pub part: String,
    /// `error`, `panic` or `hang`.
    pub fault: String,
}

/// Breaks a part, or mends it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRequest {
    /// `error`, `panic`, `hang` (only parts that wait can), or `none` to mend it.
    pub fault: String,
}
