//! A model of the product's schema and settings that learned from a made-up world's impressions (see [`crate::train::input`]), the counters after them,
//! and requests in that world: a viewer, a moment, videos.

use std::sync::Arc;

use feature::{Registry, Row, State, VideoFacts};
use model::table::Reader;
use model::{DenseVersion, ExampleRef, Model, Predictions, RowRef};
use ranking::{Value, WEIGHTS, light_columns, row_ref};

use crate::BenchError;
use crate::table::Random;
use crate::train::input::{self, Recorded};

/// Impressions that only fill the counters, and those that are learned.
const COUNTED: u64 = 150_000;
const LEARNED: u64 = 60_000;
const BATCH: usize = 128;

/// See the file's header.
pub(super) struct World {
    state: State,
    model: Model,
    pub(super) version: Arc<DenseVersion>,
    /// Binary heads and what they are worth.
    pub(super) heads: Vec<(usize, f32)>,
    pub(super) columns: Vec<usize>,
    pub(super) value: Value,
    defaults: Vec<f32>,
}

/// A viewer at a moment.
pub(super) struct Request {
    viewer: feature::ViewerFacts,
    context: feature::Context,
}

impl World {
    pub(super) fn new() -> Result<Self, BenchError> {
        let registry = Registry::new();
        let schema = ranking::schema(&registry);
        let heads = WEIGHTS.iter().filter(|(name, _)| *name != "watch");
        let heads = heads
            .filter_map(|(name, worth)| Some((schema.head(name)?, *worth)))
            .collect();
        let value = Value::new(&schema);
        let model = Model::new(schema, ranking::config(), 1);
        let mut model = model.map_err(|error| BenchError::Peer("making a model", error.to_string()))?;
        let (recorded, state) = Recorded::with_state(COUNTED, LEARNED);
        let mut answers = Predictions::default();
        for from in (0..LEARNED as usize).step_by(BATCH) {
            let to = (from + BATCH).min(LEARNED as usize);
            let examples: Vec<ExampleRef<'_>> = (from..to).map(|i| recorded.example(i)).collect();
            model.learn(&examples, &mut answers);
        }
        Ok(Self {
            state,
            version: model.publish(),
            model,
            heads,
            value,
            columns: light_columns(&registry),
            defaults: registry.defaults(),
        })
    }

    pub(super) fn table(&self) -> &Reader {
        self.model.table().reader()
    }

    /// The `number`-th request, of one who was there lately.
    pub(super) fn request(&self, number: usize) -> Request {
        let last = COUNTED + LEARNED - 1 - 12 * number as u64 % 40_000;
        Request {
            viewer: input::viewer(input::viewer_at(last)),
            context: input::context(COUNTED + LEARNED),
        }
    }

    /// What a row says of the viewer alone; the rest is at its default.
    pub(super) fn viewer(&self, request: &Request) -> Row {
        let mut row = Row::default();
        let query = self.state.query(&request.viewer, &request.context);
        query.viewer_row(&self.defaults, &mut row);
        row
    }

    /// Different videos, evenly drawn.
    pub(super) fn videos(&self, seed: u64, count: usize) -> Vec<VideoFacts> {
        let mut random = Random::new(seed);
        let first = random.below(input::VIDEOS);
        // An odd step visits every video of a power of two and more.
        let step = 7_919;
        (0..count as u64)
            .map(|i| input::video((first + i * step) % input::VIDEOS))
            .collect()
    }

    /// Full rows.
    pub(super) fn extract(&self, request: &Request, videos: &[VideoFacts], rows: &mut Vec<Row>) {
        rows.resize_with(videos.len(), Row::default);
        let query = self.state.query(&request.viewer, &request.context);
        query.extract_all(videos, rows);
    }

    /// What the videos bring along for the light scorer.
    pub(super) fn light(&self, request: &Request, videos: &[VideoFacts]) -> Vec<f32> {
        let values = |video| self.state.light(video, request.context.at_ms);
        videos.iter().flat_map(values).collect()
    }
}

/// Borrowed.
pub(super) fn refs(rows: &[Row]) -> Vec<RowRef<'_>> {
    rows.iter().map(row_ref).collect()
}
