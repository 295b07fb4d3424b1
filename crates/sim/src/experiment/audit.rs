//! Off-policy estimates against the truth: one policy makes a log, another is judged from it, and the simulator knows what
//! the other is really worth in the same situations.

use std::collections::HashMap;

use evaluation::off_policy::{Estimate, Logged, OffPolicyError, direct, doubly_robust, ips, snips};

use crate::catalogue::Shown;
use crate::experiment::{Findings, Setup};
use crate::measures::Figures;
use crate::policy::{
    Context, Feedback, Learner, Lesson, Linear, Pick, Policy, Prediction, Truth, inverse_gap,
};
use crate::random::Draws;
use crate::report::{Row, Table};
use crate::run::run;
use crate::world::{World, WorldError};

/// The logging policy is soft, so that every candidate has a chance; the judged one is as sharp as a feed.
const LOGGING: (usize, f64) = (usize::MAX, 4.0);
const JUDGED: (usize, f64) = (10, 60.0);

/// Shows by [`LOGGING`] over a linear learner's scores, and notes how [`JUDGED`] would have chosen.
struct Auditor {
    learner: Linear,
    open: HashMap<(u32, u32), Vec<u32>>,
    /// By viewer and video: the log without the reward, and the judged policy's true worth in that situation.
    noted: HashMap<(u32, u32), (Logged, f64)>,
}

impl Policy for Auditor {
    fn name(&self) -> String {
        "auditor".to_owned()
    }

    fn publish(&mut self, video: &Shown) {
        self.learner.publish(video);
    }

    fn choose(
        &mut self,
        context: &Context<'_>,
        candidates: &[&Shown],
        truth: Truth<'_>,
        _: usize,
        draws: &mut Draws,
    ) -> Vec<Pick> {
        let mut rows = self.learner.rows(context, candidates);
        let model: Vec<f64> = self
            .learner
            .predict(&rows, candidates)
            .iter()
            .map(|at: &Prediction| at.value_s)
            .collect();
        let logging = inverse_gap(&model, LOGGING.0.min(model.len()), LOGGING.1);
        let judged = inverse_gap(&model, JUDGED.0.min(model.len()), JUDGED.1);
        let mean = |values: &[f64]| {
            values
                .iter()
                .zip(&judged)
                .map(|(value, share)| value * share)
                .sum::<f64>()
        };
        let mut unit = draws.unit();
        let drawn = logging.iter().position(|share| {
            unit -= share;
            unit < 0.0
        });
        let candidate = drawn.unwrap_or(0);
        let noted = Logged {
            reward: 0.0,
            propensity: logging[candidate],
            target: judged[candidate],
            model: model[candidate],
            model_target: mean(&model),
        };
        let key = (context.viewer, candidates[candidate].index);
        self.noted.insert(key, (noted, mean(truth.value_s)));
        self.open.insert(key, rows.swap_remove(candidate));
        vec![Pick {
            candidate,
            propensity: logging[candidate],
        }]
    }

    fn observe(&mut self, feedback: &Feedback<'_>) {
        let Some(row) = self.open.remove(&(feedback.context.viewer, feedback.video.index)) else {
            return;
        };
        self.learner.learn(&[Lesson {
            row,
            viewer: feedback.context.viewer,
            shown_ms: feedback.shown_ms,
            ended_ms: feedback.ended_ms,
            video: feedback.video.clone(),
            outcome: *feedback.outcome,
        }]);
    }
}

/// Runs the auditor and returns the log with rewards, and what the judged policy is truly worth a choice.
fn audit(world: &World) -> (Vec<Logged>, f64) {
    let mut auditor = Auditor {
        learner: Linear::default(),
        open: HashMap::new(),
        noted: HashMap::new(),
    };
    let ran = run(world, &mut auditor);
    let mut truth = 0.0;
    let mut logged = Vec::with_capacity(ran.views.len());
    for view in &ran.views {
        if let Some((choice, worth_s)) = auditor.noted.get(&(view.viewer, view.video)) {
            logged.push(Logged {
                reward: view.drawn.value_s,
                ..*choice
            });
            truth += worth_s;
        }
    }
    let count = logged.len().max(1) as f64;
    (logged, truth / count)
}

fn figures(world: &World) -> Figures {
    let (logged, truth) = audit(world);
    let rewards = logged.iter().map(|choice| choice.reward).sum::<f64>() / logged.len().max(1) as f64;
    let off = |estimate: Result<Estimate, OffPolicyError>| {
        estimate.map_or(f64::NAN, |estimate| {
            100.0 * (estimate.value - truth).abs() / truth
        })
    };
    let all = f64::INFINITY;
    vec![
        ("choices", logged.len() as f64),
        ("truth_s", truth),
        ("logged_mean_s", rewards),
        (
            "effective_choices",
            ips(&logged, all).map_or(f64::NAN, |estimate| estimate.effective),
        ),
        ("logged_mean_off_percent", 100.0 * (rewards - truth).abs() / truth),
        ("direct_off_percent", off(direct(&logged))),
        ("ips_off_percent", off(ips(&logged, all))),
        ("snips_off_percent", off(snips(&logged, all))),
        ("doubly_robust_off_percent", off(doubly_robust(&logged, all))),
    ]
}

/// See [`Setup::off_policy`].
pub(super) fn off_policy(setup: &Setup) -> Result<Findings, WorldError> {
    let one = [super::Contender::plain::<crate::policy::Uniform>("estimate")];
    let found = setup.each(&one, |config| config, |world, _| figures(world))?;
    let rows = vec![Row::of("estimate", found[0].iter().map(Vec::as_slice))];
    let table = Table {
        title: "off-policy estimates".to_owned(),
        seeds: setup.seeds.clone(),
        rows,
    };
    let off = ["ips", "snips", "doubly_robust"].into_iter().filter_map(|name| {
        let interval = table.rows[0].interval(&format!("{name}_off_percent"))?;
        Some((format!("sim.off_policy.{name}_off_percent"), interval.mean))
    });
    Ok(Findings {
        headline: off.collect(),
        tables: vec![table],
        ..Findings::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WorldConfig;

    #[test]
    fn estimators_come_near_the_truth_that_the_log_is_far_from() {
        let world = World::new(WorldConfig {
            viewers: 200,
            ..WorldConfig::small(51)
        })
        .expect("possible");
        let (logged, truth) = audit(&world);
        let near = |estimate: Result<Estimate, OffPolicyError>| {
            let estimate = estimate.expect("there is a log");
            assert!(
                (estimate.value - truth).abs() < 4.0 * estimate.error,
                "{estimate:?} against {truth}"
            );
            (estimate.value - truth).abs() / truth
        };
        assert!(near(ips(&logged, f64::INFINITY)) < 0.1);
        assert!(near(snips(&logged, f64::INFINITY)) < 0.1);
        assert!(near(doubly_robust(&logged, f64::INFINITY)) < 0.1);
        let rewards = logged.iter().map(|choice| choice.reward).sum::<f64>() / logged.len() as f64;
        assert!(
            (rewards - truth).abs() > 0.15 * truth,
            "the log's own mean is {rewards}, the truth {truth}"
        );
    }
}
