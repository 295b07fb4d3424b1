//! Any learner as a policy, with a delay: weights, and the state that features read, may lag behind what happened.
//!
//! A trainer works through the log in order, so weights "refreshed every ten seconds" are those of a learner that has
//! learnt what had ended by the last full ten seconds. [`Learned`] therefore keeps what was observed in a queue and learns
//! it when a refresh is due: no copy of any weight is made, and the weights served are the same bits.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::catalogue::Shown;
use crate::config::START_MS;
use crate::outcome::Outcome;
use crate::policy::{Context, Feedback, Pick, Policy, Truth, Uniform, draw_inverse_gap};
use crate::random::Draws;

/// Candidates that exploration may reach, and how strongly it prefers the better ones per second of value.
const EXPLORE_WIDTH: usize = 10;
const GREED_PER_S: f64 = 60.0;

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
    fn horizon_ms(self, now_ms: i64) -> i64 {
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
struct Lagging<L: Learner> {
    learner: L,
    delay: Delay,
    /// Not yet learnt, and not yet in the features; by time of ending.
    for_weights: VecDeque<Lesson<L::Row>>,
    for_state: VecDeque<Lesson<L::Row>>,
}

impl<L: Learner> Lagging<L> {
    fn new(learner: L, delay: Delay) -> Self {
        Self {
            learner,
            delay,
            for_weights: VecDeque::new(),
            for_state: VecDeque::new(),
        }
    }

    /// Lets take effect what is due.
    fn catch_up(&mut self, now_ms: i64) {
        for lesson in due(&mut self.for_state, self.delay.state.horizon_ms(now_ms)) {
            self.learner.advance(&lesson);
        }
        let lessons = due(&mut self.for_weights, self.delay.weights.horizon_ms(now_ms));
        if !lessons.is_empty() {
            self.learner.learn(&lessons);
        }
    }

    fn note(&mut self, lesson: Lesson<L::Row>) {
        self.for_state.push_back(lesson.clone());
        self.for_weights.push_back(lesson);
    }
}

fn due<R>(queue: &mut VecDeque<Lesson<R>>, horizon_ms: i64) -> Vec<Lesson<R>> {
    let count = queue.partition_point(|lesson| lesson.ended_ms < horizon_ms);
    queue.drain(..count).collect()
}

/// A feed that shows what a learner thinks best, with a little exploration of known propensity.
#[derive(Debug)]
pub struct Learned<L: Learner> {
    lagging: Lagging<L>,
    /// Rows of what is being shown, by viewer and video.
    open: HashMap<(u32, u32), L::Row>,
    label: String,
}

impl<L: Learner> Learned<L> {
    /// `label` tells it from the same learner with another delay.
    pub fn new(learner: L, delay: Delay, label: &str) -> Self {
        Self {
            lagging: Lagging::new(learner, delay),
            open: HashMap::new(),
            label: label.to_owned(),
        }
    }
}

impl<L: Learner> Policy for Learned<L> {
    fn name(&self) -> String {
        format!("{}{}", self.lagging.learner.name(), self.label)
    }

    fn publish(&mut self, video: &Shown) {
        self.lagging.learner.publish(video);
    }

    fn choose(
        &mut self,
        context: &Context<'_>,
        candidates: &[&Shown],
        _: Truth<'_>,
        places: usize,
        draws: &mut Draws,
    ) -> Vec<Pick> {
        self.lagging.catch_up(context.now_ms);
        let learner = &mut self.lagging.learner;
        let rows = learner.rows(context, candidates);
        let scores: Vec<f64> = learner
            .predict(&rows, candidates)
            .iter()
            .map(|prediction| prediction.value_s)
            .collect();
        let picks = draw_inverse_gap(&scores, EXPLORE_WIDTH, GREED_PER_S, places, draws);
        for pick in &picks {
            self.open.insert(
                (context.viewer, candidates[pick.candidate].index),
                rows[pick.candidate].clone(),
            );
        }
        picks
    }

    fn observe(&mut self, feedback: &Feedback<'_>) {
        if let Some(row) = self.open.remove(&(feedback.context.viewer, feedback.video.index)) {
            self.lagging.note(lesson(row, feedback));
        }
    }
}

fn lesson<R>(row: R, feedback: &Feedback<'_>) -> Lesson<R> {
    Lesson {
        row,
        viewer: feedback.context.viewer,
        shown_ms: feedback.shown_ms,
        ended_ms: feedback.ended_ms,
        video: feedback.video.clone(),
        outcome: *feedback.outcome,
    }
}

/// Chooses uniformly and lets a learner predict what comes of it before it learns: the stream is the same for every
/// learner and every delay, so their predictions can be compared.
#[derive(Debug)]
pub struct Shadow<L: Learner> {
    lagging: Lagging<L>,
    open: HashMap<(u32, u32), (L::Row, Prediction)>,
    /// When it was shown, what was predicted of it, and what came of it.
    pub predicted: Vec<(i64, Prediction, Outcome)>,
}

impl<L: Learner> Shadow<L> {
    pub fn new(learner: L, delay: Delay) -> Self {
        Self {
            lagging: Lagging::new(learner, delay),
            open: HashMap::new(),
            predicted: Vec::new(),
        }
    }
}

impl<L: Learner> Policy for Shadow<L> {
    fn name(&self) -> String {
        format!("{} in the shadow", self.lagging.learner.name())
    }

    fn publish(&mut self, video: &Shown) {
        self.lagging.learner.publish(video);
    }

    fn choose(
        &mut self,
        context: &Context<'_>,
        candidates: &[&Shown],
        truth: Truth<'_>,
        places: usize,
        draws: &mut Draws,
    ) -> Vec<Pick> {
        self.lagging.catch_up(context.now_ms);
        let picks = Uniform.choose(context, candidates, truth, places, draws);
        let chosen: Vec<&Shown> = picks.iter().map(|pick| candidates[pick.candidate]).collect();
        let rows = self.lagging.learner.rows(context, &chosen);
        let predictions = self.lagging.learner.predict(&rows, &chosen);
        for ((row, prediction), video) in rows.into_iter().zip(predictions).zip(chosen) {
            self.open.insert((context.viewer, video.index), (row, prediction));
        }
        picks
    }

    fn observe(&mut self, feedback: &Feedback<'_>) {
        let Some((row, prediction)) = self.open.remove(&(feedback.context.viewer, feedback.video.index))
        else {
            return;
        };
        self.predicted
            .push((feedback.shown_ms, prediction, *feedback.outcome));
        self.lagging.note(lesson(row, feedback));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DAY_MS, HOUR_MS, WorldConfig};
    use crate::policy::Linear;
    use crate::run::run;
    use crate::world::World;

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

    /// Notes when each lesson arrives.
    #[derive(Default)]
    struct Clerk {
        now_ms: i64,
        learnt: Vec<(i64, i64)>,
        advanced: Vec<(i64, i64)>,
    }

    impl Learner for Clerk {
        type Row = ();

        fn name(&self) -> String {
            "clerk".to_owned()
        }

        fn publish(&mut self, _: &Shown) {}

        fn rows(&mut self, context: &Context<'_>, candidates: &[&Shown]) -> Vec<()> {
            self.now_ms = context.now_ms;
            vec![(); candidates.len()]
        }

        fn predict(&mut self, rows: &[()], _: &[&Shown]) -> Vec<Prediction> {
            vec![Prediction::default(); rows.len()]
        }

        fn advance(&mut self, lesson: &Lesson<()>) {
            self.advanced.push((self.now_ms, lesson.ended_ms));
        }

        fn learn(&mut self, lessons: &[Lesson<()>]) {
            self.learnt
                .extend(lessons.iter().map(|lesson| (self.now_ms, lesson.ended_ms)));
        }
    }

    #[test]
    fn lessons_come_in_order_whole_and_not_too_early() {
        let world = World::new(WorldConfig::small(41)).expect("possible");
        let delay = Delay {
            weights: Refresh::Every(HOUR_MS),
            state: Refresh::AtOnce,
        };
        let mut policy = Learned::new(Clerk::default(), delay, "");
        let ran = run(&world, &mut policy);
        let Lagging {
            learner,
            for_weights,
            for_state,
            ..
        } = policy.lagging;
        assert!(learner.learnt.is_sorted_by_key(|(_, ended)| *ended));
        assert_eq!(learner.learnt.len() + for_weights.len(), ran.views.len());
        assert_eq!(learner.advanced.len() + for_state.len(), ran.views.len());
        // `now` is the choice before the one that let it through.
        for (now, ended) in &learner.learnt {
            assert!(
                now - ended <= HOUR_MS + HOUR_MS / 2,
                "learnt {} ms late",
                now - ended
            );
        }
    }

    #[test]
    fn what_is_learnt_helps_and_sooner_is_better() {
        let world = World::new(WorldConfig {
            days: 3,
            ..WorldConfig::small(42)
        })
        .expect("possible");
        let share = |delay| {
            let mut policy = Learned::new(Linear::default(), delay, "");
            let figures = crate::measures(&run(&world, &mut policy), 1);
            figures
                .iter()
                .find(|(name, _)| *name == "oracle_share")
                .expect("measured")
                .1
        };
        let at_once = share(Delay::NONE);
        let daily = share(Delay::of_both(Refresh::Every(DAY_MS)));
        let frozen = share(Delay::of_both(Refresh::Frozen(START_MS)));
        assert!(at_once > daily + 0.02, "{at_once} against {daily}");
        assert!(daily > frozen + 0.05, "{daily} against {frozen}");
    }

    #[test]
    fn a_shadow_sees_the_same_stream_whatever_its_learner() {
        let world = World::new(WorldConfig::small(43)).expect("possible");
        let stream = |delay| {
            let mut shadow = Shadow::new(Linear::default(), delay);
            run(&world, &mut shadow);
            shadow.predicted
        };
        let (now, late) = (
            stream(Delay::NONE),
            stream(Delay::of_both(Refresh::Every(DAY_MS))),
        );
        assert_eq!(now.len(), late.len());
        assert!(now.iter().zip(&late).all(|(a, b)| (a.0, a.2) == (b.0, b.2)));
        assert!(now.iter().zip(&late).any(|(a, b)| a.1 != b.1));
    }
}
