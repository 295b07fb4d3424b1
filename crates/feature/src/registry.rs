//! The registry: every feature by name, with its source, window, default and meaning.
//!
//! It is made by the extraction itself, which says what each value is as it puts it down; so the list cannot disagree with the rows.

use crate::extract::{ID_SLOTS, IdSlot, describe};

/// Who knows a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The viewer and the moment: computed once for a request.
    Viewer,
    /// The video alone.
    Video,
    /// Both together.
    Pair,
}

impl Side {
    /// The side's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Video => "video",
            Self::Pair => "pair",
        }
    }
}

/// One dense feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// `source.what` or `source.what.window`; never reused for anything else.
    pub name: String,
    pub side: Side,
    /// What it is read from.
    pub source: &'static str,
    /// Half-life or reach, empty when it has none.
    pub window: &'static str,
    /// The value when nothing is known.
    pub default: f32,
    pub description: &'static str,
}

/// All features. The place in `dense` is the slot in a row and in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Registry {
    pub ids: &'static [IdSlot],
    pub dense: Vec<Feature>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// The features of this build.
    pub fn new() -> Self {
        Self {
            ids: &ID_SLOTS,
            dense: describe(),
        }
    }

    /// How many features there are.
    pub fn len(&self) -> usize {
        self.ids.len() + self.dense.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The defaults of the dense features, by slot.
    pub fn defaults(&self) -> Vec<f32> {
        self.dense.iter().map(|feature| feature.default).collect()
    }

    /// Slot of a dense feature.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.dense.iter().position(|feature| feature.name == name)
    }

    /// The registry as a table: one row a feature, of slot, name, side, source, window, default, description.
    pub fn table(&self) -> Vec<[String; 7]> {
        let ids = self.ids.iter().map(|slot| {
            [
                format!("id {}", slot.slot),
                slot.name.to_owned(),
                slot.side.name().to_owned(),
                "id".to_owned(),
                String::new(),
                "absent".to_owned(),
                slot.description.to_owned(),
            ]
        });
        let dense = self.dense.iter().enumerate().map(|(slot, feature)| {
            [
                slot.to_string(),
                feature.name.clone(),
                feature.side.name().to_owned(),
                feature.source.to_owned(),
                feature.window.to_owned(),
                feature.default.to_string(),
                feature.description.to_owned(),
            ]
        });
        ids.chain(dense).collect()
    }
}

/// The columns of [`Registry::table`].
pub const COLUMNS: [&str; 7] = [
    "slot",
    "name",
    "side",
    "source",
    "window",
    "default",
    "description",
];
