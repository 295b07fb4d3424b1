//! What each viewer was shown lately: the memory from which co-exposure is learnt. Bounded in viewers and in length; event time only.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use types::TimestampMs;

use crate::exposure::Exposure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most viewers remembered; beyond it the one not seen for longest makes room.
    pub viewers_max: usize,
    /// Most videos remembered of a viewer; beyond it the oldest makes room.
    pub length_max: usize,
}

impl Default for Limits {
    /// 65 536 viewers × up to 200 videos × 24 B: 315 MB when all are full, 60 MB at a typical forty each.
    fn default() -> Self {
        Self {
            viewers_max: 1 << 16,
            length_max: 200,
        }
    }
}

/// One video in a trail. A video is in a trail once: a repeat moves it to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub video: u64,
    pub at_ms: TimestampMs,
    /// At any of the times it was shown.
    pub engaged: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Trail {
    last_ms: TimestampMs,
    /// In the order seen.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Trails {
    limits: Limits,
    trails: BTreeMap<u64, Trail>,
    /// Viewers by when they were last seen.
    by_age: BTreeSet<(TimestampMs, u64)>,
}

impl Trails {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    pub fn observe(&mut self, exposure: &Exposure) {
        let known = self.trails.contains_key(&exposure.viewer);
        if !known && self.trails.len() >= self.limits.viewers_max.max(1) {
            self.forget_oldest();
        }
        let trail = self.trails.entry(exposure.viewer).or_default();
        if known {
            self.by_age.remove(&(trail.last_ms, exposure.viewer));
            trail.last_ms = trail.last_ms.max(exposure.at_ms);
        } else {
            trail.last_ms = exposure.at_ms;
        }
        self.by_age.insert((trail.last_ms, exposure.viewer));
        let mut step = Step {
            video: exposure.video,
            at_ms: exposure.at_ms,
            engaged: exposure.engaged,
        };
        if let Some(at) = trail.steps.iter().rposition(|step| step.video == exposure.video) {
            let before = trail.steps.remove(at);
            step.engaged |= before.engaged;
            step.at_ms = step.at_ms.max(before.at_ms);
        } else if trail.steps.len() >= self.limits.length_max.max(1) {
            trail.steps.remove(0);
        }
        trail.steps.push(step);
    }

    /// The viewer's trail, oldest first; empty for one who is not remembered.
    pub fn of(&self, viewer: u64) -> &[Step] {
        self.trails.get(&viewer).map_or(&[], |trail| &trail.steps)
    }

    /// All trails, by viewer.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[Step])> {
        self.trails
            .iter()
            .map(|(&viewer, trail)| (viewer, trail.steps.as_slice()))
    }

    /// Erases a viewer.
    pub fn forget_viewer(&mut self, viewer: u64) {
        if let Some(trail) = self.trails.remove(&viewer) {
            self.by_age.remove(&(trail.last_ms, viewer));
        }
    }

    /// Erases a video from every trail: a pass over all of them.
    pub fn forget_video(&mut self, video: u64) {
        for trail in self.trails.values_mut() {
            trail.steps.retain(|step| step.video != video);
        }
    }

    pub fn viewers(&self) -> usize {
        self.trails.len()
    }

    fn forget_oldest(&mut self) {
        if let Some((_, viewer)) = self.by_age.pop_first() {
            self.trails.remove(&viewer);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(viewer: u64, video: u64, at_ms: TimestampMs, engaged: bool) -> Exposure {
        Exposure {
            viewer,
            video,
            at_ms,
            engaged,
        }
    }

    #[test]
    fn a_repeat_moves_to_the_end_and_keeps_its_engagement() {
        let mut trails = Trails::new(Limits {
            viewers_max: 2,
            length_max: 3,
        });
        for (video, at, engaged) in [
            (1, 10, true),
            (2, 20, false),
            (1, 30, false),
            (3, 40, false),
            (4, 50, true),
        ] {
            trails.observe(&shown(7, video, at, engaged));
        }
        let seen: Vec<(u64, i64, bool)> = trails
            .of(7)
            .iter()
            .map(|s| (s.video, s.at_ms, s.engaged))
            .collect();
        assert_eq!(seen, [(1, 30, true), (3, 40, false), (4, 50, true)]);
    }

    #[test]
    fn the_viewer_not_seen_for_longest_makes_room() {
        let mut trails = Trails::new(Limits {
            viewers_max: 2,
            length_max: 3,
        });
        trails.observe(&shown(1, 1, 10, true));
        trails.observe(&shown(2, 1, 20, true));
        trails.observe(&shown(1, 2, 30, true));
        trails.observe(&shown(3, 1, 40, true));
        let left: Vec<u64> = trails.iter().map(|(viewer, _)| viewer).collect();
        assert_eq!(left, [1, 3]);
        trails.forget_viewer(1);
        trails.forget_video(1);
        assert_eq!((trails.viewers(), trails.of(3).len()), (1, 0));
        trails.observe(&shown(4, 1, 50, true));
        trails.observe(&shown(5, 1, 60, true));
        assert_eq!(trails.viewers(), 2);
    }

    /// The same memory by brute force: a list of viewers, each with a list of steps, searched from end to end.
    #[derive(Default)]
    struct Plain(Vec<(u64, TimestampMs, Vec<Step>)>);

    impl Plain {
        fn observe(&mut self, limits: Limits, exposure: &Exposure) {
            if self.0.iter().all(|(viewer, ..)| *viewer != exposure.viewer) {
                if self.0.len() == limits.viewers_max {
                    let oldest = (0..self.0.len()).min_by_key(|&at| (self.0[at].1, self.0[at].0));
                    self.0.remove(oldest.expect("somebody"));
                }
                self.0.push((exposure.viewer, exposure.at_ms, Vec::new()));
            }
            let known = self.0.iter_mut().find(|(viewer, ..)| *viewer == exposure.viewer);
            let (_, last_ms, steps) = known.expect("just put there");
            *last_ms = (*last_ms).max(exposure.at_ms);
            let same: Vec<Step> = steps
                .iter()
                .copied()
                .filter(|step| step.video == exposure.video)
                .collect();
            steps.retain(|step| step.video != exposure.video);
            if steps.len() == limits.length_max {
                steps.remove(0);
            }
            steps.push(Step {
                video: exposure.video,
                at_ms: same.iter().fold(exposure.at_ms, |at, step| at.max(step.at_ms)),
                engaged: same
                    .iter()
                    .fold(exposure.engaged, |engaged, step| engaged || step.engaged),
            });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn trails_equal_the_brute_force_memory(
            exposures in prop::collection::vec((0u64..7, 0u64..6, 0i64..50, any::<bool>()), 0..120),
            viewers_max in 1usize..6,
            length_max in 1usize..5,
        ) {
            let limits = Limits { viewers_max, length_max };
            let (mut trails, mut plain) = (Trails::new(limits), Plain::default());
            for (viewer, video, at_ms, engaged) in exposures {
                trails.observe(&shown(viewer, video, at_ms, engaged));
                plain.observe(limits, &shown(viewer, video, at_ms, engaged));
                prop_assert_eq!(trails.viewers(), plain.0.len());
                for (viewer, _, steps) in &plain.0 {
                    prop_assert_eq!(trails.of(*viewer), steps.as_slice());
                }
            }
        }
    }
}
