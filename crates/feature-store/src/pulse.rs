//! How a hashtag, a sound or a category did in the last minutes, by ten seconds: what rising topics are found from. In memory alone: a
//! row is made whole again by the `activity` job as soon as its topic is touched.

use std::collections::HashMap;

use parking_lot::Mutex;
use types::TimestampMs;

use crate::entity::Entity;

/// Width of a bin of [`PulseRow`].
pub const BEAT_MS: i64 = 10_000;
/// Bins of a row: six minutes.
pub const BEATS_KEPT: usize = 36;
/// Topics with a pulse; new ones wait until others are over. About 1 KB each.
pub const PULSES_MAX: usize = 50_000;

/// Ten seconds. Sums of whole numbers and a set, so that it does not depend on the order in which things came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beat {
    pub views: i64,
    /// Completions, likes, comments, shares, saves; what was taken back counts down.
    pub interest: i64,
    /// Videos published.
    pub videos: i64,
    /// Whose interest it was: a bit each, by a hash.
    pub viewers: u64,
}

impl Beat {
    pub fn merge(&mut self, other: &Self) {
        self.views += other.views;
        self.interest += other.interest;
        self.videos += other.videos;
        self.viewers |= other.viewers;
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// The pulse of a topic, absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PulseRow {
    /// (number of the ten seconds, sums), ascending.
    pub beats: Vec<(i64, Beat)>,
    /// (hour number, interest), ascending; the last day.
    pub hours: Vec<(i64, i64)>,
}

impl PulseRow {
    /// Until when anything was heard; 0 for an empty row.
    pub fn last_ms(&self) -> TimestampMs {
        self.beats.last().map_or(0, |(number, _)| (number + 1) * BEAT_MS)
    }
}

/// All pulses.
#[derive(Default)]
pub(crate) struct Pulses(Mutex<HashMap<Entity, PulseRow>>);

impl Pulses {
    /// False when there is no room.
    pub(crate) fn put(&self, entity: Entity, row: PulseRow) -> bool {
        let mut held = self.0.lock();
        if held.len() >= PULSES_MAX && !held.contains_key(&entity) {
            return false;
        }
        held.insert(entity, row);
        true
    }

    /// Visits all that were heard of after `from_ms`; forgets the others.
    pub(crate) fn each_since(&self, from_ms: TimestampMs, mut visit: impl FnMut(&Entity, &PulseRow)) {
        self.0.lock().retain(|entity, row| {
            let kept = row.last_ms() > from_ms;
            if kept {
                visit(entity, row);
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn silent_topics_are_forgotten_and_make_room() {
        let pulses = Pulses::default();
        let row = |number| PulseRow {
            beats: vec![(number, Beat::default())],
            hours: vec![],
        };
        let tag = |number: usize| Entity::Hashtag(Arc::from(number.to_string()));
        for number in 0..PULSES_MAX {
            assert!(pulses.put(tag(number), row(number as i64 % 2)));
        }
        assert!(!pulses.put(tag(PULSES_MAX), row(2)), "no room");
        assert!(pulses.put(tag(0), row(3)), "known ones are kept up");
        let mut seen = 0;
        pulses.each_since(BEAT_MS, |_, _| seen += 1);
        assert_eq!(seen, PULSES_MAX / 2 + 1);
        assert!(pulses.put(tag(PULSES_MAX), row(2)));
    }
}
