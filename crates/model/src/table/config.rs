//! What a table is made of: its slots and their rules, bounds, and the constants of the optimiser.

use super::key::SLOTS_MAX;

/// Shards of a table, each with an index of its own that grows by itself.
pub const SHARDS_MAX: usize = 64;
/// Rows of one class: 30 bits number them, and zero is none.
pub const ROWS_MAX: u32 = (1 << 30) - 1;
/// Sightings that the admission sketch can tell apart.
pub const ADMIT_AT_MAX: u8 = 16;

/// How wide a row is. A row takes 16 bytes of header and two bytes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowClass {
    /// 8 values, 32 bytes: rare crosses, new ids.
    D8,
    /// 24 values, 64 bytes, one cache line.
    D24,
    /// 56 values, 128 bytes: videos, creators, busy viewers.
    D56,
}

/// Classes there are.
pub const CLASSES: usize = 3;
/// Values of the widest class.
pub const WIDTH_MAX: usize = RowClass::D56.width();

impl RowClass {
    /// From narrow to wide.
    pub const ALL: [Self; CLASSES] = [Self::D8, Self::D24, Self::D56];

    /// Values of a row.
    pub const fn width(self) -> usize {
        match self {
            Self::D8 => 8,
            Self::D24 => 24,
            Self::D56 => 56,
        }
    }

    /// Bytes of a row.
    pub const fn bytes(self) -> usize {
        16 + 2 * self.width()
    }

    pub(super) const fn words(self) -> usize {
        self.bytes() / 8
    }

    /// Place in arrays by class.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The next wider one.
    pub const fn wider(self) -> Option<Self> {
        match self {
            Self::D8 => Some(Self::D24),
            Self::D24 => Some(Self::D56),
            Self::D56 => None,
        }
    }
}

/// What holds for the ids of one slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlotRule {
    /// Class of a new row.
    pub class: RowClass,
    /// Promotion ends here; its width is the width of the slot.
    pub class_max: RowClass,
    /// Sightings after which an id gets a row, at most [`ADMIT_AT_MAX`]; 1 is at once.
    pub admit_at: u8,
    /// A row that was not seen for longer is dropped; `u32::MAX` keeps it for ever.
    pub expire_after_s: u32,
    /// Step size of the row-wise Adagrad.
    pub learning_rate: f32,
    /// A new row is the slot's default row plus uniform numbers in ± this.
    pub init_scale: f32,
}

impl SlotRule {
    /// One class, from the first sighting on, for ever.
    pub const fn fixed(class: RowClass) -> Self {
        Self {
            class,
            class_max: class,
            admit_at: 1,
            expire_after_s: u32::MAX,
            learning_rate: 0.05,
            init_scale: 0.01,
        }
    }

    /// Values that a read of this slot gives.
    pub const fn width(&self) -> usize {
        self.class_max.width()
    }
}

/// A table. Bounds reserve address space, not memory.
#[derive(Debug, Clone, PartialEq)]
pub struct TableConfig {
    /// By slot number. Keys of other slots read as zero and are never admitted.
    pub slots: Vec<SlotRule>,
    /// Rows of each class at most, the slots' default rows among them.
    pub rows_max: [u32; CLASSES],
    /// Rows that the index is laid out for at first; it grows by an eighth at a time.
    pub rows_expected: usize,
    /// A power of two, at most [`SHARDS_MAX`]. Part of the snapshot's layout.
    pub shards: usize,
    /// Lines of the admission sketch, 64 bytes each, good for about 32 distinct ids between two ageings.
    /// Part of the snapshot's layout.
    pub sketch_lines: usize,
    /// Time between two halvings of the sketch's counts.
    pub sketch_age_s: u32,
    /// Seed of all randomness.
    pub seed: u64,
    /// Adagrad accumulator of a new row: the mean square gradient that it starts from.
    pub accumulator_initial: f32,
    /// The accumulator halves in this time, so that a row that was quiet learns fast again.
    pub accumulator_half_life_s: u32,
    /// Added to the accumulator below the root.
    pub epsilon: f32,
    /// Updates after which a row of 8, and one of 24, becomes wider where its slot allows it.
    pub promote_at: [u16; CLASSES - 1],
    /// Share of the index that the expiry hand visits in a second of event time.
    pub sweep_per_s: f64,
}

impl TableConfig {
    /// Defaults for a small machine: 64 M rows of 24 at most, sketch of 4 MiB.
    pub fn new(slots: Vec<SlotRule>) -> Self {
        Self {
            slots,
            rows_max: [64 << 20, 64 << 20, 16 << 20],
            rows_expected: 1 << 16,
            shards: SHARDS_MAX,
            sketch_lines: 1 << 16,
            sketch_age_s: 6 * 3600,
            seed: 0,
            accumulator_initial: 0.01,
            accumulator_half_life_s: 3 * 24 * 3600,
            epsilon: 1e-8,
            promote_at: [32, 512],
            sweep_per_s: 0.005,
        }
    }

    pub(super) fn checked(self) -> Result<Self, ConfigError> {
        let slots_in_bounds = self.slots.len() <= SLOTS_MAX;
        let positive = |value: f32| value.is_finite() && value > 0.0;
        let rule = |rule: &SlotRule| {
            rule.class <= rule.class_max
                && (1..=ADMIT_AT_MAX).contains(&rule.admit_at)
                && rule.learning_rate.is_finite()
                && rule.learning_rate >= 0.0
                && rule.init_scale.is_finite()
        };
        let checks = [
            (slots_in_bounds, "slots: at most 1024"),
            (
                self.slots.iter().all(rule),
                "slots: class ≤ class_max, 1 ≤ admit_at ≤ 16, finite rates",
            ),
            (
                self.rows_max.iter().all(|rows| *rows <= ROWS_MAX),
                "rows_max: below 2³⁰ a class",
            ),
            (
                self.shards.is_power_of_two() && self.shards <= SHARDS_MAX,
                "shards: a power of two, at most 64",
            ),
            (
                self.sketch_lines > 0 && self.sketch_age_s > 0,
                "sketch_lines, sketch_age_s: above zero",
            ),
            (
                self.accumulator_half_life_s > 0
                    && positive(self.epsilon)
                    && self.accumulator_initial.is_finite()
                    && self.accumulator_initial >= 0.0,
                "accumulator: finite, half-life and epsilon above zero",
            ),
            (
                self.sweep_per_s > 0.0 && self.sweep_per_s <= 1.0,
                "sweep_per_s: above zero, at most one",
            ),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, what)) => Err(ConfigError::OutOfBounds(what)),
            None => Ok(self),
        }
    }
}

/// Why a table cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The caller's fault.
    #[error("a setting is out of bounds: {0}")]
    OutOfBounds(&'static str),
    /// The system refused the address space.
    #[error("reserving address space failed")]
    Reserve(#[source] std::io::Error),
}
