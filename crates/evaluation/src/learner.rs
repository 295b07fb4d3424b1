//! The product's model on the product's features, driven one example at a time.

use feature::Row;
use model::{
    Config, ExampleKind, ExampleRef, Manifest, Model, Predictions, RowRef, Schema, SchemaError, Watch,
};

/// What became of an example, as far as the model asks. NaN is unknown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Targets {
    pub complete: f32,
    pub long_view: f32,
    pub early_skip: f32,
    pub like: f32,
    pub share: f32,
    pub comment: f32,
    pub follow: f32,
    pub not_interested: f32,
    pub watch: Option<Watch>,
}

impl Targets {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        complete: f32::NAN,
        long_view: f32::NAN,
        early_skip: f32::NAN,
        like: f32::NAN,
        share: f32::NAN,
        comment: f32::NAN,
        follow: f32::NAN,
        not_interested: f32::NAN,
        watch: None,
    };

    /// What became of the example as `head` asks it; NaN for one that is not known here.
    pub fn of(&self, head: &str) -> f32 {
        match head {
            "complete" => self.complete,
            "long_view" => self.long_view,
            "early_skip" => self.early_skip,
            "like" => self.like,
            "share" => self.share,
            "comment" => self.comment,
            "follow" => self.follow,
            "not_interested" => self.not_interested,
            _ => f32::NAN,
        }
    }
}

/// A model and its scratch space.
pub struct Learner {
    model: Model,
    predictions: Predictions,
    heads: Vec<String>,
    targets: Vec<f32>,
}

/// Why a learner cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LearnerError {
    #[error("the model refuses its schema or settings")]
    Schema(#[from] SchemaError),
    #[error("the model cannot be copied")]
    Copy(#[source] model::RestoreError),
    #[error("the model cannot be written")]
    Write(#[source] std::io::Error),
}

impl Learner {
    /// Knows nothing.
    pub fn new(schema: Schema, config: Config, seed: u64) -> Result<Self, LearnerError> {
        Ok(Self::around(Model::new(schema, config, seed)?))
    }

    fn around(model: Model) -> Self {
        let heads = model
            .schema()
            .heads
            .iter()
            .map(|head| head.name.clone())
            .collect();
        Self {
            model,
            predictions: Predictions::default(),
            heads,
            targets: Vec::new(),
        }
    }

    /// Place of a head.
    pub fn head(&self, name: &str) -> Option<usize> {
        self.heads.iter().position(|head| head == name)
    }

    /// Probabilities with the serving weights; the row is number 0.
    pub fn predict(&mut self, row: &Row) -> &Predictions {
        self.model.predict(&[row_ref(row)], &mut self.predictions);
        &self.predictions
    }

    /// Learns one example.
    pub fn learn(&mut self, row: &Row, targets: &Targets, at_s: u32) {
        self.targets.clear();
        self.targets
            .extend(self.heads.iter().map(|head| targets.of(head)));
        let example = ExampleRef {
            row: row_ref(row),
            targets: &self.targets,
            watch: targets.watch,
            weight: 1.0,
            kind: ExampleKind::Outcome,
            at_s,
        };
        self.model.learn(&[example], &mut self.predictions);
    }

    /// Another learner that goes on from here: by way of a snapshot, as a process that restarts would.
    pub fn fork(&mut self) -> Result<Self, LearnerError> {
        let mut chunks = std::collections::HashMap::new();
        let manifest: Manifest = self
            .model
            .snapshot(|id, bytes| {
                chunks.insert(*id, bytes.to_vec());
                Ok(())
            })
            .map_err(LearnerError::Write)?;
        let get = |id: &model::ChunkId| {
            chunks
                .get(id)
                .cloned()
                .ok_or_else(|| std::io::ErrorKind::NotFound.into())
        };
        let model = Model::restore(&manifest, get).map_err(LearnerError::Copy)?;
        Ok(Self::around(model))
    }
}

fn row_ref(row: &Row) -> RowRef<'_> {
    RowRef {
        ids: &row.ids,
        dense: &row.dense,
        duration_s: row.duration_ms as f32 / 1_000.0,
    }
}
