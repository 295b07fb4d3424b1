//! How much one viewer may move the model: a budget that refills with event time, and a trust weight that people set.
//!
//! Everything is bounded. Budgets live in a fixed table of small sets; a viewer pushed out of a full set starts again with a full budget, and
//! the fullest goes first, so pushing a drained one out takes many drained ones. No clock: time is that of the examples.

use std::collections::BTreeMap;

use model::rng;
use model::snapshot::{Decoder, Encoder, RestoreError};

const WAYS: usize = 4;
/// Viewers with a trust weight of their own.
pub const TRUST_MAX: usize = 1 << 16;
/// Trust above this would let one viewer count for many.
const TRUST_WEIGHT_MAX: f32 = 4.0;

/// Bounds of one viewer's influence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActorLimits {
    /// Whole examples that a viewer may teach at once.
    pub burst: f32,
    /// Whole examples that come back in a minute. A quick viewer leaves some thirty videos a minute.
    pub per_minute: f32,
    /// Viewers remembered, rounded up to a power of two; 32 bytes each.
    pub viewers_max: usize,
}

impl Default for ActorLimits {
    fn default() -> Self {
        Self {
            burst: 300.0,
            per_minute: 60.0,
            viewers_max: 1 << 16,
        }
    }
}

/// One viewer's budget.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Budget {
    /// 0: an empty place.
    viewer: u64,
    at_ms: i64,
    /// Examples left.
    left: f32,
    /// Running mean of the weights given; corrections of earlier examples weigh as much as those did.
    weight: f32,
}

/// Budgets and trust of all viewers.
#[derive(Debug, Clone)]
pub(crate) struct Actors {
    limits: ActorLimits,
    places: Vec<Budget>,
    trust: BTreeMap<u64, f32>,
}

impl Actors {
    pub(crate) fn new(limits: ActorLimits) -> Self {
        let places = limits.viewers_max.max(WAYS).next_power_of_two();
        Self {
            limits,
            places: vec![Budget::default(); places],
            trust: BTreeMap::new(),
        }
    }

    /// Sets a viewer's trust: 1 is ordinary, 0 excludes (probes, robots); false when there is no room for one more.
    pub(crate) fn trust_set(&mut self, viewer: u64, weight: f32) -> bool {
        if weight.is_nan() {
            return false;
        }
        if weight == 1.0 {
            self.trust.remove(&viewer);
            return true;
        }
        let known = self.trust.contains_key(&viewer);
        if !known && self.trust.len() >= TRUST_MAX {
            return false;
        }
        self.trust.insert(viewer, weight.clamp(0.0, TRUST_WEIGHT_MAX));
        true
    }

    pub(crate) fn trust(&self, viewer: u64) -> f32 {
        self.trust.get(&viewer).copied().unwrap_or(1.0)
    }

    /// The weight of a new outcome of `viewer`, taken from the budget: 1, what is left of it, or 0.
    pub(crate) fn spend(&mut self, viewer: u64, at_ms: i64) -> f32 {
        let (burst, per_minute) = (self.limits.burst, self.limits.per_minute);
        let refill = |budget: &Budget| {
            let passed_ms = at_ms.saturating_sub(budget.at_ms).max(0) as f32;
            (budget.left + passed_ms * per_minute / 60_000.0).min(burst)
        };
        let set = self.set(viewer);
        let place = set.iter().position(|budget| budget.viewer == viewer);
        let place = place.unwrap_or_else(|| {
            let fullness = |budget: &Budget| {
                if budget.viewer == 0 {
                    f32::INFINITY
                } else {
                    refill(budget)
                }
            };
            let mut fullest = 0;
            for way in 1..WAYS {
                if fullness(&set[way]) > fullness(&set[fullest]) {
                    fullest = way;
                }
            }
            set[fullest] = Budget {
                viewer,
                at_ms,
                left: burst,
                weight: 1.0,
            };
            fullest
        });
        let budget = &mut set[place];
        let left = refill(budget);
        let weight = left.clamp(0.0, 1.0);
        budget.left = left - weight;
        budget.at_ms = budget.at_ms.max(at_ms);
        budget.weight += (weight - budget.weight) / 16.0;
        if weight == 1.0 && budget.weight > 0.99 {
            budget.weight = 1.0;
        }
        weight
    }

    /// The weight of a correction of something that `viewer` taught before.
    pub(crate) fn correction(&mut self, viewer: u64) -> f32 {
        let found = self.set(viewer).iter().find(|budget| budget.viewer == viewer);
        found.map_or(1.0, |budget| budget.weight)
    }

    fn set(&mut self, viewer: u64) -> &mut [Budget] {
        let sets = self.places.len() / WAYS;
        let set = rng::mix(viewer) as usize % sets;
        &mut self.places[set * WAYS..][..WAYS]
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        let held = self
            .places
            .iter()
            .enumerate()
            .filter(|(_, budget)| budget.viewer != 0);
        out.u32(self.places.len() as u32);
        out.u32(held.clone().count() as u32);
        for (place, budget) in held {
            out.u32(place as u32).u64(budget.viewer).u64(budget.at_ms as u64);
            out.f32(budget.left).f32(budget.weight);
        }
        out.u32(self.trust.len() as u32);
        for (viewer, weight) in &self.trust {
            out.u64(*viewer).f32(*weight);
        }
    }

    /// A table of another size deals the viewers anew; those that find no place start again with a full budget.
    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        let is_same = from.u32()? as usize == self.places.len();
        for _ in 0..from.u32()? {
            let place = from.u32()? as usize;
            let budget = Budget {
                viewer: from.u64()?,
                at_ms: from.u64()? as i64,
                left: from.f32()?,
                weight: from.f32()?,
            };
            if is_same {
                let place = self.places.get_mut(place);
                *place.ok_or(RestoreError::Format("a viewer's place"))? = budget;
            } else if let Some(free) = self.set(budget.viewer).iter_mut().find(|free| free.viewer == 0) {
                *free = budget;
            }
        }
        for _ in 0..from.u32()? {
            let viewer = from.u64()?;
            self.trust.insert(viewer, from.f32()?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(viewers_max: usize) -> ActorLimits {
        ActorLimits {
            burst: 10.0,
            per_minute: 6.0,
            viewers_max,
        }
    }

    #[test]
    fn a_flood_counts_as_much_as_its_budget() {
        let mut actors = Actors::new(limits(64));
        // A thousand examples in a hundred seconds: ten at once and ten that came back.
        let taught: f32 = (0..1_000).map(|i| actors.spend(7, i * 100)).sum();
        assert!((19.5..=20.5).contains(&taught), "{taught}");
        assert_eq!(actors.spend(8, 100_000), 1.0, "others are not touched");
        assert!(
            actors.correction(7) < 0.1,
            "corrections weigh what the examples did"
        );
        assert_eq!(actors.correction(8), 1.0);
        assert_eq!(actors.spend(7, 10_000_000), 1.0, "rest restores");
    }

    #[test]
    fn a_drained_budget_is_not_pushed_out_by_full_ones() {
        let mut actors = Actors::new(limits(WAYS));
        (0..100).for_each(|_| {
            actors.spend(1, 0);
        });
        (2..1_000).for_each(|viewer| {
            actors.spend(viewer, 0);
        });
        assert_eq!(actors.spend(1, 0), 0.0);
    }

    #[test]
    fn trust_is_bounded_and_comes_back_as_it_was_written() {
        let mut actors = Actors::new(limits(64));
        assert!(actors.trust_set(5, 0.0) && actors.trust_set(6, 99.0) && !actors.trust_set(7, f32::NAN));
        assert_eq!(
            [5, 6, 7].map(|viewer| actors.trust(viewer)),
            [0.0, TRUST_WEIGHT_MAX, 1.0]
        );
        (0..50).for_each(|i| {
            actors.spend(i % 9 + 1, i as i64 * 10);
        });
        let mut out = Encoder::default();
        actors.write(&mut out);
        let bytes = out.end();
        let mut back = Actors::new(limits(64));
        back.read_back(&mut Decoder::new(&bytes)).expect("reads");
        assert_eq!(
            (back.places, back.trust),
            (actors.places.clone(), actors.trust.clone())
        );
        let mut larger = Actors::new(limits(256));
        larger.read_back(&mut Decoder::new(&bytes)).expect("reads");
        let weights = |actors: &mut Actors| {
            (1..10)
                .map(|viewer| actors.correction(viewer))
                .collect::<Vec<_>>()
        };
        assert_eq!(weights(&mut larger), weights(&mut actors), "dealt anew");
        (0..TRUST_MAX as u64).for_each(|viewer| {
            actors.trust_set(viewer + 100, 0.5);
        });
        assert!(
            !actors.trust_set(9, 0.5) && actors.trust_set(5, 0.5),
            "full, but known ones change"
        );
    }
}
