//! What stage one tells stage two: sums by five minutes, and what became of a video.

use std::sync::Arc;

use feature_store::{Beat, Counts, TrendProfile};
use stream::keyed::Delta;
use types::UserId;

use super::trail::Trail;

/// Merging is commutative and associative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityDelta {
    /// (number of the five minutes, sums), in no order; few, so a list is quicker than a map.
    pub(crate) bins: Vec<(i64, Counts)>,
    /// (number of the ten seconds, sums), as above; see [`super::rising`].
    pub(crate) beats: Vec<(i64, Beat)>,
    /// Too late for any window: for totals alone.
    pub(crate) late: Counts,
    /// When the newest of it happened.
    pub(crate) last_ms: i64,
    /// All that a video had before it was known whose it is.
    pub(crate) past: Option<Box<Trail>>,
    /// Changes of the video with their outbox rows, in their order.
    pub(crate) changes: Vec<(u64, VideoStep)>,
}

/// A step in a video's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VideoStep {
    Published {
        creator: UserId,
        profile: Arc<TrendProfile>,
    },
    Removed,
}

impl ActivityDelta {
    /// Something that happened at `at_ms`, in the five minutes of number `bin`; without one it is for totals alone.
    pub(crate) fn new(bin: Option<i64>, at_ms: i64, counts: Counts) -> Self {
        match bin {
            Some(bin) => Self {
                bins: vec![(bin, counts)],
                last_ms: at_ms,
                ..Self::default()
            },
            None => Self {
                late: counts,
                ..Self::default()
            },
        }
    }

    pub(crate) fn add(&mut self, bin: i64, counts: &Counts) {
        match self.bins.iter_mut().find(|(number, _)| *number == bin) {
            Some((_, held)) => held.merge(counts),
            None => self.bins.push((bin, *counts)),
        }
    }

    pub(crate) fn beat(&mut self, number: i64, beat: &Beat) {
        match self.beats.iter_mut().find(|(held, _)| *held == number) {
            Some((_, held)) => held.merge(beat),
            None => self.beats.push((number, *beat)),
        }
    }
}

impl Delta for ActivityDelta {
    fn merge(&mut self, other: Self) {
        for (bin, counts) in &other.bins {
            self.add(*bin, counts);
        }
        for (number, beat) in &other.beats {
            self.beat(*number, beat);
        }
        self.late.merge(&other.late);
        self.last_ms = self.last_ms.max(other.last_ms);
        match (&mut self.past, other.past) {
            (Some(held), Some(past)) => held.merge(&past),
            (held @ None, past) => *held = past,
            (Some(_), None) => {}
        }
        self.changes.extend(other.changes);
        self.changes.sort_unstable_by_key(|(row, _)| *row);
    }
}

#[cfg(test)]
mod tests {
    use feature_store::Measure;

    use super::*;

    /// What deltas come to when they are merged in this order: sums by bin, and steps by row.
    fn merged(deltas: impl Iterator<Item = ActivityDelta>) -> ActivityDelta {
        let mut all = ActivityDelta::default();
        deltas.for_each(|delta| all.merge(delta));
        all.bins.sort_unstable_by_key(|(number, _)| *number);
        all.beats.sort_unstable_by_key(|(number, _)| *number);
        all
    }

    #[test]
    fn merging_has_no_order() {
        let past = |bin| {
            let mut trail = Trail::default();
            trail.add(bin, &Counts::of(Measure::View, bin));
            Some(Box::new(trail))
        };
        let beat = |number: u64| Beat {
            views: number as i64,
            viewers: 1 << number,
            ..Beat::default()
        };
        let delta = |number: u64| ActivityDelta {
            bins: vec![(number as i64 % 3, Counts::of(Measure::View, 1))],
            beats: vec![(number as i64 % 2, beat(number))],
            late: Counts::of(Measure::Like, number as i64),
            last_ms: number as i64 * 7 % 5,
            past: past(number as i64),
            changes: vec![(number, VideoStep::Removed)],
        };
        let straight = merged((1..=6).map(delta));
        assert_eq!(merged((1..=6).rev().map(delta)), straight);
        assert_eq!(merged([4, 1, 6, 3, 2, 5].into_iter().map(delta)), straight);
        assert_eq!((straight.bins.len(), straight.last_ms), (3, 4));
        let rows: Vec<u64> = straight.changes.iter().map(|(row, _)| *row).collect();
        assert_eq!(
            rows,
            [1, 2, 3, 4, 5, 6],
            "steps are taken in the order of their rows"
        );
    }
}
