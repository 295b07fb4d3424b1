//! Which sequence numbers of one session have arrived. Knows neither the session nor the events.

use crate::bytes::{Row, put_varint};

/// How many separate stretches of numbers may wait beyond a gap before the first gap is given up as lost.
pub const STRETCHES_MAX: usize = 1_024;

/// The set of numbers seen: all up to `through`, and stretches beyond it.
///
/// Numbers come nearly in order, so a session needs no memory beyond this struct but for its gaps. As long as no gap is given up,
/// the outcome does not depend on the order of arrival.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceWindow {
    through: u64,
    /// (first, last), ascending, with a gap before each.
    ahead: Vec<(u64, u64)>,
    lost: u64,
}

impl SequenceWindow {
    /// Whether `sequence` (from 1) is new here.
    pub fn is_new(&self, sequence: u64) -> bool {
        let at = self.ahead.partition_point(|&(_, last)| last < sequence);
        let held = self.ahead.get(at).is_some_and(|&(first, _)| first <= sequence);
        sequence > self.through && !held
    }

    /// Notes `sequence`; false when it was there already.
    pub fn insert(&mut self, sequence: u64) -> bool {
        if !self.is_new(sequence) {
            return false;
        }
        if sequence == self.through + 1 {
            self.through = sequence;
        } else {
            self.insert_ahead(sequence);
        }
        self.close();
        while self.ahead.len() > STRETCHES_MAX {
            self.give_up_first_gap();
        }
        true
    }

    /// Every number up to here has arrived or was given up.
    pub fn through(&self) -> u64 {
        self.through
    }

    /// The highest number that has arrived, or was given up.
    pub fn highest(&self) -> u64 {
        self.ahead.last().map_or(self.through, |&(_, last)| last)
    }

    /// Numbers that never came: unknown, never a skip.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether no number has arrived.
    pub fn is_empty(&self) -> bool {
        self.through == 0 && self.ahead.is_empty()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.ahead.capacity() * size_of::<(u64, u64)>()
    }

    fn insert_ahead(&mut self, sequence: u64) {
        let at = self.ahead.partition_point(|&(_, last)| last < sequence);
        let joins_next = self
            .ahead
            .get(at)
            .is_some_and(|&(first, _)| first == sequence + 1);
        let joins_last = at > 0 && self.ahead[at - 1].1 + 1 == sequence;
        match (joins_last, joins_next) {
            (true, true) => {
                self.ahead[at - 1].1 = self.ahead[at].1;
                self.ahead.remove(at);
            }
            (true, false) => self.ahead[at - 1].1 = sequence,
            (false, true) => self.ahead[at].0 = sequence,
            (false, false) => self.ahead.insert(at, (sequence, sequence)),
        }
    }

    fn close(&mut self) {
        if self
            .ahead
            .first()
            .is_some_and(|&(first, _)| first == self.through + 1)
        {
            (_, self.through) = self.ahead.remove(0);
        }
    }

    fn give_up_first_gap(&mut self) {
        if let Some(&(first, _)) = self.ahead.first() {
            self.lost += first - self.through - 1;
            self.through = first - 1;
            self.close();
        }
    }

    /// Appends the window's bytes; equal windows give equal bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.through);
        put_varint(out, self.lost);
        put_varint(out, self.ahead.len() as u64);
        let mut after = self.through;
        for &(first, last) in &self.ahead {
            put_varint(out, first - after);
            put_varint(out, last - first);
            after = last;
        }
    }

    /// Reads a window from the front of `row`.
    pub fn decode(row: &mut Row<'_>) -> Option<Self> {
        let (through, lost, stretches) = (row.varint()?, row.varint()?, row.varint()?);
        let (mut ahead, mut after) = (Vec::new(), through);
        for _ in 0..stretches {
            let first = after.checked_add(row.varint()?)?;
            let last = first.checked_add(row.varint()?)?;
            ahead.push((first, last));
            after = last;
        }
        Some(Self { through, ahead, lost })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
        check(&mut window, 5, true, 1);
        check(&mut window, 4, true, 1);
        check(&mut window, 2, true, 5);
        check(&mut window, 1, false, 5);
        assert_eq!((window.lost(), window.heap_bytes() > 0), (0, true));
    }

    #[test]
    fn a_long_stretch_takes_one_place() {
        let mut window = SequenceWindow::default();
        (3..200_000).for_each(|sequence| assert!(window.insert(sequence)));
        assert_eq!(
            (window.through(), window.lost()),
            (0, 0),
            "1 and 2 may still come"
        );
    }

    #[test]
    fn a_gap_is_given_up_when_too_many_wait_behind_it() {
        let mut window = SequenceWindow::default();
        (0..=STRETCHES_MAX as u64).for_each(|gap| assert!(window.insert(3 + gap * 2)));
        assert_eq!((window.through(), window.lost()), (3, 2));
        assert!(!window.insert(1), "given up is settled");
    }

    proptest! {
        /// Against the plain set, as long as no gap is given up; in any order, and through bytes.
        #[test]
        fn agrees_with_a_set(sequences in proptest::collection::vec(1u64..200, 0..400)) {
            let (mut window, mut set) = (SequenceWindow::default(), BTreeSet::new());
            for &sequence in &sequences {
                prop_assert_eq!(window.insert(sequence), set.insert(sequence));
            }
            prop_assert!((1..=window.through()).all(|sequence| set.contains(&sequence)));
            prop_assert!(!set.contains(&(window.through() + 1)));
            let mut sorted = SequenceWindow::default();
            set.iter().for_each(|&sequence| assert!(sorted.insert(sequence)));
            prop_assert_eq!(&sorted, &window);
            let mut bytes = Vec::new();
            window.encode(&mut bytes);
            prop_assert_eq!(SequenceWindow::decode(&mut Row(&bytes)), Some(window));
        }
    }
}
