//! What a model reads and answers: id slots, dense values, heads. Names and shapes only; it holds no parameters.

use serde::{Deserialize, Serialize};

/// Slots are numbered below this: ten bits of a key.
pub const SLOTS_MAX: u16 = 1 << 10;
/// Dense values of a row at most.
pub const DENSE_MAX: usize = 1 << 10;
/// Logits of all heads together at most.
pub const OUTPUTS_MAX: usize = 64;

/// Everything a row may hold and every question the model answers. Order matters: it is the order of parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    pub slots: Vec<SlotSpec>,
    pub dense: Vec<DenseSpec>,
    pub heads: Vec<HeadSpec>,
}

/// One kind of id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSpec {
    pub name: String,
    /// The number that rows use, below [`SLOTS_MAX`].
    pub slot: u16,
    pub class: RowClass,
    /// Sightings before an id gets a row of its own; 0 and 1 mean at once.
    pub admission: u8,
    /// A row that nobody touched for so long goes, in seconds of event time.
    pub expiry_s: u32,
    pub side: Side,
    /// A small slot (language, hour, device …): its ids also get exact weights in the wide part.
    pub wide: bool,
    pub pool: Pool,
}

/// Width of an embedding row: 8, 24 or 56 values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RowClass {
    D8,
    D24,
    D56,
}

impl RowClass {
    /// Values of a row.
    pub fn width(self) -> usize {
        match self {
            Self::D8 => 8,
            Self::D24 => 24,
            Self::D56 => 56,
        }
    }
}

/// Who knows a feature. What only the viewer knows is computed once a request; each tower of retrieval reads its own side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    Viewer,
    Video,
    /// Of the pair or the moment: neither tower reads it.
    Context,
}

/// How several ids of one slot become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    Mean,
    /// The ids are of slot `target`, whose rows they share; each counts by its likeness to the row's own `target` id
    /// (softmax of scaled dot products). For the viewer's last actions.
    Attend {
        target: u16,
    },
}

/// One dense value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenseSpec {
    pub name: String,
    pub side: Side,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadSpec {
    pub name: String,
    pub kind: HeadKind,
    /// Factor on the loss, beside the learned balance of tasks.
    pub weight: f32,
    /// +1 where liking makes it likelier, −1 where it makes it rarer: how the products of pairs start to count.
    pub direction: f32,
}

/// What kind of answer a head gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeadKind {
    /// A probability.
    Binary,
    /// Watch time: hazards over ordinal buckets whose edges are quantiles within a duration group. At most one such head.
    Watch { buckets: u8 },
}

impl HeadKind {
    /// Logits of the head.
    pub fn outputs(self) -> usize {
        match self {
            Self::Binary => 1,
            Self::Watch { buckets } => usize::from(buckets),
        }
    }
}

impl HeadSpec {
    /// A binary head with weight 1.
    pub fn binary(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: HeadKind::Binary,
            weight: 1.0,
            direction: if matches!(name, "early_skip" | "not_interested") {
                -1.0
            } else {
                1.0
            },
        }
    }

    /// The heads of a short-video feed: eight binary ones and watch time in 16 buckets.
    pub fn standard() -> Vec<Self> {
        let names = [
            "complete",
            "long_view",
            "early_skip",
            "like",
            "share",
            "comment",
            "follow",
            "not_interested",
        ];
        let watch = Self {
            name: "watch".to_owned(),
            kind: HeadKind::Watch { buckets: 16 },
            weight: 0.25,
            direction: -1.0,
        };
        names.into_iter().map(Self::binary).chain([watch]).collect()
    }
}

/// Why a schema is refused.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("slot {slot} of {name} is taken or not below {SLOTS_MAX}")]
    Slot { name: String, slot: u16 },
    #[error(
        "slot {name} attends to slot {target}, which is missing, or attends itself, or has another width"
    )]
    Target { name: String, target: u16 },
    #[error("{0} dense values are more than {DENSE_MAX}")]
    Dense(usize),
    #[error("{0} logits are none or more than {OUTPUTS_MAX}")]
    Outputs(usize),
    #[error("there is more than one watch head")]
    Watch,
    #[error("a setting is out of its range: {0}")]
    Config(&'static str),
    #[error("the embedding table cannot be made")]
    Table(#[from] crate::table::ConfigError),
}

impl Schema {
    /// Place of the head called `name`.
    pub fn head(&self, name: &str) -> Option<usize> {
        self.heads.iter().position(|head| head.name == name)
    }

    /// Refuses what the rest of the crate could not represent.
    pub fn check(&self) -> Result<(), SchemaError> {
        let mut taken = vec![None; usize::from(SLOTS_MAX)];
        for spec in &self.slots {
            let place = taken
                .get_mut(usize::from(spec.slot))
                .filter(|place| place.is_none());
            let place = place.ok_or_else(|| SchemaError::Slot {
                name: spec.name.clone(),
                slot: spec.slot,
            })?;
            *place = Some((spec.class, spec.pool));
        }
        for spec in &self.slots {
            if let Pool::Attend { target } = spec.pool {
                let found = taken.get(usize::from(target)).copied().flatten();
                if found != Some((spec.class, Pool::Mean)) {
                    let name = spec.name.clone();
                    return Err(SchemaError::Target { name, target });
                }
            }
        }
        if self.dense.len() > DENSE_MAX {
            return Err(SchemaError::Dense(self.dense.len()));
        }
        let outputs = self.outputs();
        if outputs == 0 || outputs > OUTPUTS_MAX {
            return Err(SchemaError::Outputs(outputs));
        }
        let watch = |head: &&HeadSpec| matches!(head.kind, HeadKind::Watch { .. });
        if self.heads.iter().filter(watch).count() > 1 {
            return Err(SchemaError::Watch);
        }
        Ok(())
    }

    /// Logits of all heads together.
    pub fn outputs(&self) -> usize {
        self.heads.iter().map(|head| head.kind.outputs()).sum()
    }
}
