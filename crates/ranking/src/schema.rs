//! What the model is told about the registry's features, and the settings it runs with: one place for learner, ranker and evaluation.

use feature::{Registry, Side, slot};
use model::{Config, DenseSpec, HeadSpec, InputMethod, Pool, RowClass, Schema, SlotSpec};

const DAY_S: u32 = 86_400;

/// The schema of a registry's rows.
pub fn schema(registry: &Registry) -> Schema {
    let side = |side| match side {
        Side::Viewer => model::Side::Viewer,
        Side::Video => model::Side::Video,
        Side::Pair => model::Side::Context,
    };
    let slots = registry.ids.iter().map(|id| SlotSpec {
        name: id.name.to_owned(),
        slot: id.slot,
        class: class(id.of.unwrap_or(id.slot)),
        admission: 1,
        expiry_s: expiry_s(id.slot),
        side: side(id.side),
        wide: false,
        pool: id.of.map_or(Pool::Mean, |target| Pool::Attend { target }),
    });
    let dense = registry.dense.iter().map(|feature| DenseSpec {
        name: feature.name.clone(),
        side: side(feature.side),
    });
    Schema {
        slots: slots.collect(),
        dense: dense.collect(),
        heads: HeadSpec::standard(),
    }
}

/// Wide rows for what is known one by one: people and videos. What puts many of them together needs few values, and costs less (docs/evaluation.md).
fn class(number: u16) -> RowClass {
    match number {
        slot::VIEWER | slot::VIDEO | slot::CREATOR => RowClass::D24,
        _ => RowClass::D8,
    }
}

/// How long an id that nobody meets is kept.
fn expiry_s(number: u16) -> u32 {
    match number {
        slot::VIDEO => 21 * DAY_S,
        slot::CREATOR | slot::SOUND => 90 * DAY_S,
        _ => 180 * DAY_S,
    }
}

/// Rows forget how much they have learned by half in so many seconds: slowly, for most ids are met rarely.
const ROW_HALF_LIFE_S: u32 = 90 * DAY_S;

/// Step of a row, by row-wise Adagrad. Larger than the model's default: an id is met rarely, and must move when it is (docs/evaluation.md).
const ROW_RATE: f32 = 0.1;

/// The settings that the product runs with.
pub fn config() -> Config {
    let mut config = Config::default();
    config.embedding.half_life_s = ROW_HALF_LIFE_S;
    config.embedding.rate = ROW_RATE;
    // Places among quantiles: slower than mean and deviation, and better. A weight for each bucket adds nothing (docs/evaluation.md).
    config.inputs.method = InputMethod::Places;
    config.ftrl.buckets = false;
    config
}
