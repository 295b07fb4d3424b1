//! One way to refresh, played beside others: a learner, and what it may not learn yet.

use std::collections::VecDeque;
use std::rc::Rc;

use feature::Row;
use types::TimestampMs;

use super::{Label, PrequentialError, Refresh, seconds};
use crate::learner::{Learner, Targets};

pub(super) struct Arm {
    pub(super) refresh: Refresh,
    learner: Learner,
    pending: VecDeque<(Rc<Row>, Targets, TimestampMs)>,
    /// The model's heads, by label.
    heads: [usize; Label::ALL.len()],
    /// One for each event of the stream, by label.
    scores: [Vec<f32>; Label::ALL.len()],
}

impl Arm {
    pub(super) fn new(refresh: Refresh, learner: Learner) -> Result<Self, PrequentialError> {
        let mut heads = [0; Label::ALL.len()];
        for label in Label::ALL {
            let head = learner.head(label.head());
            heads[label as usize] = head.ok_or(PrequentialError::Head(label.head()))?;
        }
        Ok(Self {
            refresh,
            learner,
            pending: VecDeque::new(),
            heads,
            scores: Default::default(),
        })
    }

    /// What was predicted, one for each event of the stream so far.
    pub(super) fn scores(&self, label: Label) -> &[f32] {
        &self.scores[label as usize]
    }

    /// Learns what has become due, scores the row, and keeps it to be learned.
    pub(super) fn step(&mut self, row: &Rc<Row>, targets: &Targets, at_ms: TimestampMs) {
        while let Some((row, targets, then_ms)) = self.due(at_ms) {
            self.learner.learn(&row, &targets, seconds(then_ms));
        }
        let predictions = self.learner.predict(row);
        for (scores, head) in self.scores.iter_mut().zip(self.heads) {
            scores.push(predictions.p(0, head));
        }
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
