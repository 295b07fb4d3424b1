//! A learner that lags: weights, and the state that features read, may take effect later than they happened.
//!
//! A trainer works through the log in order, so weights "refreshed every ten seconds" are those of a learner that has
//! learnt what had ended by the last full ten seconds. [`Lagging`] therefore keeps what was observed in a queue and learns
//! it when a refresh is due: no copy of any weight is made, and the weights served are the same bits.

use std::collections::VecDeque;

use crate::catalogue::Shown;
use crate::config::START_MS;
use crate::outcome::Outcome;
use crate::policy::{Context, Feedback};

/// When something observed takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    AtOnce,
    /// At whole multiples of this many milliseconds after the start of the world.
    Every(i64),
    /// At once until this moment, then never.
    Frozen(i64),
}

impl Refresh {
    /// The moment before which everything that ended is in effect at `now_ms`.
    pub(super) fn horizon_ms(self, now_ms: i64) -> i64 {
        match self {
            Self::AtOnce => i64::MAX,
            Self::Every(period_ms) => now_ms - (now_ms - START_MS).rem_euclid(period_ms.max(1)),
            Self::Frozen(after_ms) => after_ms,
        }
    }
}

/// What lags, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// Parameters.
    pub weights: Refresh,
    /// Counters and histories that features read.
    pub state: Refresh,
}

impl Delay {
    /// Everything takes effect at once.
    pub const NONE: Self = Self {
        weights: Refresh::AtOnce,
        state: Refresh::AtOnce,
    };

    /// Weights lag, features do not.
    pub const fn of_weights(weights: Refresh) -> Self {
        Self {
            weights,
            state: Refresh::AtOnce,
        }
    }

    /// Both lag.
    pub const fn of_both(refresh: Refresh) -> Self {
        Self {
            weights: refresh,
            state: refresh,
        }
    }
}

/// What there is to learn from one view.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson<R> {
    /// As it was when the video was chosen.
    pub row: R,
    pub viewer: u32,
    pub shown_ms: i64,
    pub ended_ms: i64,
    pub video: Shown,
    pub outcome: Outcome,
}

/// Predicts from rows of features and learns from what came of them.
pub trait Learner {
    /// The features of one candidate for one viewer at one moment.
    type Row: Clone;

    fn name(&self) -> String;

    /// See [`Policy::publish`].
    fn publish(&mut self, video: &Shown);

    /// Features as they are now, one row a candidate.
    fn rows(&mut self, context: &Context<'_>, candidates: &[&Shown]) -> Vec<Self::Row>;

    /// Probability that the end is seen, and expected satisfied seconds, of each row, with the weights served.
    fn predict(&mut self, rows: &[Self::Row], candidates: &[&Shown]) -> Vec<Prediction>;

    /// Moves the state that features read.
    fn advance(&mut self, lesson: &Lesson<Self::Row>);

    /// Moves the weights; in order of `ended_ms`.
    fn learn(&mut self, lessons: &[Lesson<Self::Row>]);
}

/// See [`Learner::predict`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Prediction {
    pub complete: f64,
    pub value_s: f64,
}

/// A learner with its queues.
#[derive(Debug)]
pub(super) struct Lagging<L: Learner> {
    pub(super) learner: L,
    delay: Delay,
    /// Not yet learnt, and not yet in the features; by time of ending.
    pub(super) for_weights: VecDeque<Lesson<L::Row>>,
    pub(super) for_state: VecDeque<Lesson<L::Row>>,
}

impl<L: Learner> Lagging<L> {
    pub(super) fn new(learner: L, delay: Delay) -> Self {
        Self {
            learner,
            delay,
            for_weights: VecDeque::new(),
            for_state: VecDeque::new(),
        }
    }

    /// Lets take effect what is due.
    pub(super) fn catch_up(&mut self, now_ms: i64) {
        for lesson in due(&mut self.for_state, self.delay.state.horizon_ms(now_ms)) {
            self.learner.advance(&lesson);
        }
        let lessons = due(&mut self.for_weights, self.delay.weights.horizon_ms(now_ms));
        if !lessons.is_empty() {
            self.learner.learn(&lessons);
        }
    }

    pub(super) fn note(&mut self, lesson: Lesson<L::Row>) {
        self.for_state.push_back(lesson.clone());
        self.for_weights.push_back(lesson);
    }
}

fn due<R>(queue: &mut VecDeque<Lesson<R>>, horizon_ms: i64) -> Vec<Lesson<R>> {
    let count = queue.partition_point(|lesson| lesson.ended_ms < horizon_ms);
    queue.drain(..count).collect()
}

pub(super) fn lesson<R>(row: R, feedback: &Feedback<'_>) -> Lesson<R> {
    Lesson {
        row,
        viewer: feedback.context.viewer,
        shown_ms: feedback.shown_ms,
        ended_ms: feedback.ended_ms,
        video: feedback.video.clone(),
        outcome: *feedback.outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DAY_MS, HOUR_MS};

    #[test]
    fn a_refresh_lets_through_what_ended_before_it() {
        let at = |ms: i64| START_MS + ms;
        for (refresh, now, horizon) in [
            (Refresh::AtOnce, at(5), i64::MAX),
            (Refresh::Every(1000), at(999), at(0)),
            (Refresh::Every(1000), at(1000), at(1000)),
            (Refresh::Every(DAY_MS), at(DAY_MS + HOUR_MS), at(DAY_MS)),
            (Refresh::Frozen(at(HOUR_MS)), at(DAY_MS), at(HOUR_MS)),
        ] {
            assert_eq!(refresh.horizon_ms(now), horizon, "{refresh:?}");
        }
    }
}
