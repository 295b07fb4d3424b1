//! One way to refresh, played beside others: a learner, and what it may not learn yet.

use std::collections::VecDeque;
use std::rc::Rc;

use feature::Row;
use types::TimestampMs;

use super::{Refresh, seconds};
use crate::learner::{Learner, Targets};

pub(super) struct Arm {
    pub(super) refresh: Refresh,
    learner: Learner,
    pending: VecDeque<(Rc<Row>, Targets, TimestampMs)>,
    /// One for each event of the stream.
    pub(super) scores: Vec<f32>,
}

impl Arm {
    pub(super) fn new(refresh: Refresh, learner: Learner) -> Self {
        Self {
            refresh,
            learner,
            pending: VecDeque::new(),
            scores: Vec::new(),
        }
    }

    /// Learns what has become due, scores the row, and keeps it to be learned.
    pub(super) fn step(&mut self, row: &Rc<Row>, targets: &Targets, at_ms: TimestampMs, head: usize) {
        while let Some((row, targets, then_ms)) = self.due(at_ms) {
            self.learner.learn(&row, &targets, seconds(then_ms));
        }
        self.scores.push(self.learner.predict(row, head));
        self.pending.push_back((row.clone(), *targets, at_ms));
    }

    fn due(&mut self, at_ms: TimestampMs) -> Option<(Rc<Row>, Targets, TimestampMs)> {
        let due =
            |(_, _, then_ms): &(Rc<Row>, Targets, TimestampMs)| self.refresh.has_learned(*then_ms, at_ms);
        if self.refresh == Refresh::Frozen && self.pending.front().is_some_and(|entry| !due(entry)) {
            self.pending.clear();
        }
        self.pending
            .front()
            .is_some_and(due)
            .then(|| self.pending.pop_front())
            .flatten()
    }
}
