//! Any learner as a feed: shows what it thinks best, explores a little, and lets it learn when a refresh is due.

use std::collections::HashMap;

use crate::catalogue::Shown;
use crate::policy::lagging::{Delay, Lagging, Learner, lesson};
use crate::policy::{Context, Exploring, Feedback, Pick, Policy, Truth, draw_exploring};
use crate::random::Draws;

/// One place in ten explores, as on the product's pages, among the ten best; the better ones are preferred per second of value.
const EXPLORING: Exploring = Exploring {
    share: 0.1,
    width: 10,
    greed: 60.0,
};

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
        let picks = draw_exploring(&scores, EXPLORING, places, draws);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DAY_MS, HOUR_MS, START_MS, WorldConfig};
    use crate::policy::{Lesson, Linear, Prediction, Refresh};
    use crate::run::run;
    use crate::world::World;

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
            let figures = crate::measures(&run(&world, &mut policy));
            figures
                .iter()
                .find(|(name, _)| *name == "oracle_share")
                .expect("measured")
                .1
        };
        let at_once = share(Delay::NONE);
        let daily = share(Delay::of_both(Refresh::Every(DAY_MS)));
        let frozen = share(Delay::of_both(Refresh::Frozen(START_MS)));
        assert!(at_once > daily + 0.01, "{at_once} against {daily}");
        assert!(daily > frozen + 0.05, "{daily} against {frozen}");
    }
}
