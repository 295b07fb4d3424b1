//! What it costs to learn later: the same stream, with everything that is learned held back.

use std::collections::VecDeque;
use std::rc::Rc;

use feature::{Impression, Row, State};
use serde::Serialize;

use super::arm::Arm;
use super::report::Report;
use super::{Args, PrequentialError, Refresh, World, facts, targets};

/// The delays of the published curve: 0 s, 1 s, 10 s, 60 s, 30 min, 5 h, 1 d.
pub const DELAYS_MS: [i64; 7] = [0, 1_000, 10_000, 60_000, 1_800_000, 18_000_000, 86_400_000];

/// The area under the curve by delay, over the report window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    pub protocol: &'static str,
    pub label: super::Label,
    pub seed: u64,
    pub points: Vec<CurvePoint>,
    pub wall_s: f64,
}

/// One delay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurvePoint {
    pub delay_s: f64,
    /// Weights are late, counters are not.
    pub weights_auc: Option<f64>,
    pub weights_logloss: Option<f64>,
    /// Weights and counters are late: all that the system knows.
    pub all_auc: Option<f64>,
    pub all_logloss: Option<f64>,
}

impl Curve {
    /// The curve as comma-separated values under a heading; a missing figure is empty.
    pub fn csv(&self) -> String {
        let mut out = String::from("delay_s,weights_auc,weights_logloss,all_auc,all_logloss\n");
        let figure = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.6}"));
        for point in &self.points {
            let figures = [
                point.weights_auc,
                point.weights_logloss,
                point.all_auc,
                point.all_logloss,
            ];
            let line = [point.delay_s.to_string()].into_iter().chain(figures.map(figure));
            out.push_str(&line.collect::<Vec<_>>().join(","));
            out.push('\n');
        }
        out
    }
}

/// Plays the stream once with late weights, a model for each delay, and once more for each delay with counters as late.
pub fn delay_curve(args: &Args, delays_ms: &[i64]) -> Result<Curve, PrequentialError> {
    let world = World::read(args)?;
    let mut warm = world.warm_up(args)?;
    let scored = world.scored(args.label);
    let mut weights_late = Vec::new();
    for &by_ms in delays_ms {
        weights_late.push(Arm::new(Refresh::Delayed { by_ms }, warm.learner.fork()?)?);
    }
    world.stream(&mut warm.state.clone(), &mut weights_late);
    let mut points = Vec::new();
    for (weights, &by_ms) in weights_late.iter().zip(delays_ms) {
        let all = Arm::new(Refresh::Delayed { by_ms }, warm.learner.fork()?)?;
        let all = stream_late(&world, warm.state.clone(), all);
        let report = |arm: &Arm| Report::new(args, args.label, &scored, arm.scores(args.label));
        let (weights, all) = (report(weights), report(&all));
        points.push(CurvePoint {
            delay_s: by_ms as f64 / 1_000.0,
            weights_auc: weights.auc,
            weights_logloss: weights.logloss,
            all_auc: all.auc,
            all_logloss: all.logloss,
        });
    }
    let wall_s = world.started.elapsed().as_secs_f64();
    Ok(Curve {
        protocol: "delay_curve",
        label: args.label,
        seed: args.seed,
        points,
        wall_s,
    })
}

/// Plays the stream with counters that lag as the weights do.
fn stream_late(world: &World, mut state: State, mut arm: Arm) -> Arm {
    let mut pending: VecDeque<usize> = VecDeque::new();
    for (at, event) in world.data.interactions.iter().enumerate() {
        while let Some(&then) = pending.front() {
            let before = &world.data.interactions[then];
            if !arm.refresh.has_learned(before.time_ms, event.time_ms) {
                break;
            }
            pending.pop_front();
            let (viewer, video, context) = world.parts(before);
            let outcome = facts::outcome(before);
            state.observe(&Impression {
                viewer: &viewer,
                video: &video,
                context: &context,
                timed: true,
                outcome,
            });
        }
        let (viewer, video, context) = world.parts(event);
        let mut row = Row::default();
        state.query(&viewer, &context).extract(&video, &mut row);
        arm.step(&Rc::new(row), &targets(event), event.time_ms);
        pending.push_back(at);
    }
    arm
}
