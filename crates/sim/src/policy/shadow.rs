//! Learners that only watch. A uniform stream is the same for every learner and every delay, so what they say of it before
//! they learn it can be compared view by view. All of them watch one run.

use std::collections::HashMap;

use crate::catalogue::Shown;
use crate::outcome::Outcome;
use crate::policy::lagging::{Delay, Lagging, Learner, lesson};
use crate::policy::{Context, Feedback, Pick, Policy, Prediction, Truth, Uniform};
use crate::random::Draws;

/// What each watcher saw and said of what is being shown, by viewer and video.
type Open<R> = HashMap<(u32, u32), Vec<(R, Prediction)>>;

/// Chooses uniformly; see the file's header.
#[derive(Debug)]
pub struct Shadows<L: Learner> {
    watchers: Vec<Lagging<L>>,
    open: Open<L::Row>,
    /// When it was shown, what each watcher said of it, and what came of it.
    pub predicted: Vec<(i64, Vec<Prediction>, Outcome)>,
}

impl<L: Learner> Shadows<L> {
    /// One watcher a delay.
    pub fn new(new: fn() -> L, delays: impl IntoIterator<Item = Delay>) -> Self {
        Self {
            watchers: delays
                .into_iter()
                .map(|delay| Lagging::new(new(), delay))
                .collect(),
            open: HashMap::new(),
            predicted: Vec::new(),
        }
    }
}

impl<L: Learner> Policy for Shadows<L> {
    fn name(&self) -> String {
        "shadows".to_owned()
    }

    fn publish(&mut self, video: &Shown) {
        self.watchers
            .iter_mut()
            .for_each(|watcher| watcher.learner.publish(video));
    }

    fn choose(
        &mut self,
        context: &Context<'_>,
        candidates: &[&Shown],
        truth: Truth<'_>,
        places: usize,
        draws: &mut Draws,
    ) -> Vec<Pick> {
        let picks = Uniform.choose(context, candidates, truth, places, draws);
        let chosen: Vec<&Shown> = picks.iter().map(|pick| candidates[pick.candidate]).collect();
        for watcher in &mut self.watchers {
            watcher.catch_up(context.now_ms);
            let rows = watcher.learner.rows(context, &chosen);
            let predictions = watcher.learner.predict(&rows, &chosen);
            for ((row, prediction), video) in rows.into_iter().zip(predictions).zip(&chosen) {
                let open = self.open.entry((context.viewer, video.index)).or_default();
                open.push((row, prediction));
            }
        }
        picks
    }

    fn observe(&mut self, feedback: &Feedback<'_>) {
        let Some(said) = self.open.remove(&(feedback.context.viewer, feedback.video.index)) else {
            return;
        };
        let predictions = said.iter().map(|(_, prediction)| *prediction).collect();
        self.predicted
            .push((feedback.shown_ms, predictions, *feedback.outcome));
        for (watcher, (row, _)) in self.watchers.iter_mut().zip(said) {
            watcher.note(lesson(row, feedback));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DAY_MS, WorldConfig};
    use crate::policy::{Linear, Refresh};
    use crate::run::run;
    use crate::world::World;

    #[test]
    fn watchers_see_one_stream_and_say_what_their_delay_lets_them() {
        let world = World::new(WorldConfig::small(43)).expect("possible");
        let watch = |delays: &[Delay]| {
            let mut shadows = Shadows::new(Linear::default, delays.iter().copied());
            run(&world, &mut shadows);
            shadows.predicted
        };
        let late = Delay::of_both(Refresh::Every(DAY_MS));
        let (both, alone) = (watch(&[Delay::NONE, late]), watch(&[late]));
        assert_eq!(both.len(), alone.len());
        // Whoever watches beside it, a watcher says the same of the same stream.
        assert!(
            both.iter()
                .zip(&alone)
                .all(|(a, b)| (a.0, a.1[1], a.2) == (b.0, b.1[0], b.2))
        );
        assert!(both.iter().any(|(_, said, _)| said[0] != said[1]));
    }
}
