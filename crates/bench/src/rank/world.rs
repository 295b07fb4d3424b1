//! A model of the product's schema with rows of 24 values for videos, trained on generated rows, and the rows themselves.

use std::sync::Arc;

use feature::{Registry, Row, slot};
use model::table::Reader;
use model::{DenseVersion, ExampleKind, ExampleRef, Model, Predictions, RowClass, RowRef, Watch};
use ranking::row_ref;

use crate::BenchError;
use crate::table::Random;

/// Examples that the weights come from.
const EXAMPLES: usize = 8_192;
const BATCH: usize = 128;
/// Ids of each slot that the examples are drawn from.
const IDS: u64 = 10_000;

/// See the file's header.
pub(super) struct World {
    registry: Registry,
    model: Model,
    pub(super) version: Arc<DenseVersion>,
    /// Binary heads and what they are worth.
    pub(super) heads: Vec<(usize, f32)>,
    viewers: Vec<Row>,
}

impl World {
    pub(super) fn new() -> Result<Self, BenchError> {
        let registry = Registry::new();
        let mut schema = ranking::schema(&registry);
        // As wide as the rows of the large table; slots that attend to videos share their rows.
        let of_videos: Vec<u16> = registry
            .ids
            .iter()
            .filter(|id| id.of == Some(slot::VIDEO))
            .map(|id| id.slot)
            .collect();
        for spec in &mut schema.slots {
            if spec.slot == slot::VIDEO || of_videos.contains(&spec.slot) {
                spec.class = RowClass::D24;
            }
        }
        let worth = [
            ("complete", 0.3),
            ("long_view", 0.3),
            ("like", 0.2),
            ("share", 0.1),
            ("follow", 0.1),
        ];
        let heads = worth
            .iter()
            .filter_map(|(name, worth)| Some((schema.head(name)?, *worth)));
        let (heads, outcomes) = (heads.collect(), schema.heads.len());
        let model = Model::new(schema, ranking::config(), 1);
        let mut model = model.map_err(|error| BenchError::Peer("making a model", error.to_string()))?;
        learn(&mut model, &registry, outcomes);
        Ok(Self {
            version: model.publish(),
            heads,
            viewers: (0..64).map(|i| row(&registry, i)).collect(),
            registry,
            model,
        })
    }

    pub(super) fn table(&self) -> &Reader {
        self.model.table().reader()
    }

    /// A viewer's part of a row.
    pub(super) fn viewer(&self, request: usize) -> RowRef<'_> {
        row_ref(&self.viewers[request % self.viewers.len()])
    }

    /// Rows of one request.
    pub(super) fn candidates(&self, request: usize, count: usize) -> Vec<Row> {
        let first = (request * count) as u64;
        (first..first + count as u64)
            .map(|i| row(&self.registry, i))
            .collect()
    }
}

/// One id in each slot (sixteen where ids are attended to), a value for each dense feature.
fn row(registry: &Registry, number: u64) -> Row {
    let mut random = Random::new(number + 1);
    let mut ids = Vec::new();
    for id in registry.ids {
        let count = if id.of.is_some() { 16 } else { 1 };
        ids.extend((0..count).map(|_| (id.slot, random.below(IDS))));
    }
    let dense = registry.dense.iter();
    let dense = dense.map(|_| feature::rounded(random.below(2_000) as f32 / 1e3 - 1.0));
    Row {
        dense: dense.collect(),
        ids,
        duration_ms: 5_000 + random.below(60_000) as i64,
    }
}

fn learn(model: &mut Model, registry: &Registry, heads: usize) {
    let mut answers = Predictions::default();
    for first in (0..EXAMPLES).step_by(BATCH) {
        let rows: Vec<Row> = (first..first + BATCH).map(|i| row(registry, i as u64)).collect();
        let targets: Vec<Vec<f32>> = rows.iter().map(|row| outcome(row, heads)).collect();
        let examples: Vec<ExampleRef<'_>> = rows
            .iter()
            .zip(&targets)
            .map(|(row, targets)| ExampleRef {
                row: row_ref(row),
                targets,
                watch: Some(Watch {
                    watched_s: row.duration_ms as f32 / 2e3,
                    duration_s: row.duration_ms as f32 / 1e3,
                    censored: false,
                }),
                weight: 1.0,
                kind: ExampleKind::Outcome,
                at_s: first as u32,
            })
            .collect();
        model.learn(&examples, &mut answers);
    }
}

/// Something that the ids and the first values tell.
fn outcome(row: &Row, heads: usize) -> Vec<f32> {
    let taste: u64 = row.ids.iter().map(|(_, id)| id % 3).sum();
    let score = row.dense.iter().take(8).sum::<f32>() + (taste % 5) as f32 - 2.0;
    (0..heads)
        .map(|head| f32::from(u8::from(score > head as f32 * 0.3 - 1.0)))
        .collect()
}
