//! The table as a whole.

mod agreement;
mod concurrent;
mod flat;
mod growth;
mod replay;
mod rules;

use super::{Key, RowClass, SlotRule, TableConfig};

/// A small generator for test inputs.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        super::random::fold(self.0, self.0 ^ 0xd1b5_4a32_d192_ed03)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform in [−1, 1).
    fn symmetric(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Four slots: fixed, promoted, admitted late and expiring, narrow.
fn mixed_slots() -> Vec<SlotRule> {
    vec![
        SlotRule::fixed(RowClass::D24),
        SlotRule {
            class_max: RowClass::D56,
            admit_at: 2,
            ..SlotRule::fixed(RowClass::D8)
        },
        SlotRule {
            class_max: RowClass::D56,
            admit_at: 3,
            expire_after_s: 100,
            ..SlotRule::fixed(RowClass::D24)
        },
        SlotRule {
            expire_after_s: 40,
            learning_rate: 0.5,
            init_scale: 0.3,
            ..SlotRule::fixed(RowClass::D8)
        },
    ]
}

fn small(slots: Vec<SlotRule>) -> TableConfig {
    TableConfig {
        rows_max: [1 << 16; 3],
        rows_expected: 64,
        sketch_lines: 4096,
        sketch_age_s: 1 << 30,
        promote_at: [4, 9],
        shards: 4,
        seed: 11,
        ..TableConfig::new(slots)
    }
}

fn keys(slot: u16, ids: std::ops::Range<u64>) -> Vec<Key> {
    ids.map(|id| Key::new(slot, id)).collect()
}
