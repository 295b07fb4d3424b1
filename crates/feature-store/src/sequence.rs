//! Which sequence numbers of one session have arrived. Knows neither the session nor the events.

use std::collections::BTreeSet;

/// How many numbers may wait beyond a gap before the gap is given up as lost.
pub const AHEAD_MAX: usize = 1_024;

/// The set of numbers seen: all up to `through`, and some beyond it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceWindow {
    through: u64,
    ahead: BTreeSet<u64>,
    lost: u64,
}

impl SequenceWindow {
    /// Whether `sequence` (from 1) is new here.
    pub fn is_new(&self, sequence: u64) -> bool {
        sequence > self.through && !self.ahead.contains(&sequence)
    }

    /// Notes `sequence`; false when it was there already.
    pub fn insert(&mut self, sequence: u64) -> bool {
        if !self.is_new(sequence) {
            return false;
        }
        self.ahead.insert(sequence);
        self.close();
        while self.ahead.len() > AHEAD_MAX {
            self.give_up_first_gap();
        }
        true
    }

    /// Every number up to here has arrived or was given up.
    pub fn through(&self) -> u64 {
        self.through
    }

    /// Numbers that never came: unknown, never a skip.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn close(&mut self) {
        while self.ahead.first().is_some_and(|&first| first == self.through + 1) {
            self.ahead.pop_first();
            self.through += 1;
        }
    }

    fn give_up_first_gap(&mut self) {
        if let Some(first) = self.ahead.first().copied() {
            self.lost += first - self.through - 1;
            self.through = first - 1;
            self.close();
        }
    }

    pub(crate) fn parts(&self) -> (u64, u64, impl Iterator<Item = u64> + '_) {
        (self.through, self.lost, self.ahead.iter().copied())
    }

    pub(crate) fn from_parts(through: u64, lost: u64, ahead: BTreeSet<u64>) -> Self {
        Self { through, ahead, lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gaps_close_when_the_missing_number_comes() {
        let mut window = SequenceWindow::default();
        let check = |window: &mut SequenceWindow, sequence: u64, new: bool, through: u64| {
            assert_eq!(
                (window.insert(sequence), window.through()),
                (new, through),
                "after {sequence}"
            );
        };
        check(&mut window, 1, true, 1);
        check(&mut window, 3, true, 1);
        check(&mut window, 3, false, 1);
        check(&mut window, 2, true, 3);
        check(&mut window, 1, false, 3);
        assert_eq!(window.lost(), 0);
    }

    #[test]
    fn a_gap_is_given_up_when_too_much_waits_behind_it() {
        let mut window = SequenceWindow::default();
        (3..3 + AHEAD_MAX as u64 + 1).for_each(|sequence| assert!(window.insert(sequence)));
        assert_eq!((window.through(), window.lost()), (AHEAD_MAX as u64 + 3, 2));
    }

    proptest! {
        /// Against the plain set, as long as no gap is given up.
        #[test]
        fn agrees_with_a_set(sequences in proptest::collection::vec(1u64..200, 0..400)) {
            let (mut window, mut set) = (SequenceWindow::default(), BTreeSet::new());
            for sequence in sequences {
                prop_assert_eq!(window.insert(sequence), set.insert(sequence));
            }
            prop_assert!((1..=window.through()).all(|sequence| set.contains(&sequence)));
            prop_assert!(!set.contains(&(window.through() + 1)));
        }
    }
}
