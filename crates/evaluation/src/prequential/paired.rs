//! Two ways compared on the same events: differences with an interval, by resampling users.

use serde::Serialize;

use super::arm::Arm;
use super::report::Scored;
use super::{Label, RESAMPLES, Refresh};
use crate::metrics::logloss_of;

/// First minus second. Intervals hold the middle 95 % of [`RESAMPLES`] resamples of users (paired bootstrap, Efron 1979): the events
/// of a user stand or fall together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    pub first: Refresh,
    pub second: Refresh,
    pub auc_first: f64,
    pub auc_second: f64,
    pub auc_difference: f64,
    pub auc_interval: [f64; 2],
    pub logloss_difference: f64,
    pub logloss_interval: [f64; 2],
    /// Share of resamples in which the first has the greater area.
    pub first_better: f64,
    pub users: usize,
    pub resamples: u32,
}

impl Paired {
    /// Compares two arms over the reported events.
    pub(super) fn new(scored: &[Scored], label: Label, arms: [&Arm; 2], seed: u64) -> Self {
        let sample = Sample::new(scored, arms.map(|arm| arm.scores(label)));
        let all = vec![1.0; sample.users];
        let [auc_first, auc_second] = sample.aucs(&all);
        let logloss_difference = sample.logloss_difference(&all);
        let (mut aucs, mut losses) = (Vec::new(), Vec::new());
        let mut weights = vec![0.0; sample.users];
        for draw in 0..u64::from(RESAMPLES) {
            sample.draw(seed, draw, &mut weights);
            let [a, b] = sample.aucs(&weights);
            aucs.push(a - b);
            losses.push(sample.logloss_difference(&weights));
        }
        let better = aucs.iter().filter(|difference| **difference > 0.0).count();
        Self {
            first: arms[0].refresh,
            second: arms[1].refresh,
            auc_first,
            auc_second,
            auc_difference: auc_first - auc_second,
            auc_interval: middle(&mut aucs),
            logloss_difference,
            logloss_interval: middle(&mut losses),
            first_better: better as f64 / f64::from(RESAMPLES),
            users: sample.users,
            resamples: RESAMPLES,
        }
    }
}

/// The 2.5 % and 97.5 % quantiles.
fn middle(values: &mut [f64]) -> [f64; 2] {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        values
            .get((share * (values.len().max(1) - 1) as f64).round() as usize)
            .copied()
    };
    [at(0.025).unwrap_or(0.0), at(0.975).unwrap_or(0.0)]
}

/// Reported events with dense user numbers, and the order of each way's scores.
struct Sample {
    users: usize,
    user_of: Vec<u32>,
    labels: Vec<bool>,
    scores: [Vec<f32>; 2],
    orders: [Vec<u32>; 2],
    losses: Vec<f64>,
}

impl Sample {
    fn new(scored: &[Scored], scores: [&[f32]; 2]) -> Self {
        let mut numbers = std::collections::HashMap::new();
        let kept: Vec<usize> = (0..scored.len()).filter(|&at| scored[at].reported()).collect();
        let mut user_of = Vec::with_capacity(kept.len());
        for &at in &kept {
            let next = numbers.len() as u32;
            user_of.push(*numbers.entry(scored[at].user).or_insert(next));
        }
        let labels: Vec<bool> = kept.iter().map(|&at| scored[at].label).collect();
        let scores = scores.map(|all| kept.iter().map(|&at| all[at]).collect::<Vec<f32>>());
        let orders = [0, 1].map(|way| {
            let mut order: Vec<u32> = (0..kept.len() as u32).collect();
            order.sort_by(|&a, &b| scores[way][a as usize].total_cmp(&scores[way][b as usize]));
            order
        });
        let loss = |way: usize, at: usize| logloss_of(scores[way][at], labels[at]);
        let losses = (0..kept.len()).map(|at| loss(0, at) - loss(1, at)).collect();
        Self {
            users: numbers.len(),
            user_of,
            labels,
            scores,
            orders,
            losses,
        }
    }

    /// How often each user is in the `draw`-th resample.
    fn draw(&self, seed: u64, draw: u64, weights: &mut [f64]) {
        weights.fill(0.0);
        for turn in 0..self.users as u64 {
            let bits = model::rng::bits(seed, draw, turn);
            weights[((u128::from(bits) * self.users as u128) >> 64) as usize] += 1.0;
        }
    }

    /// Areas under both curves when each user counts so often; ½ when a class is absent.
    fn aucs(&self, weights: &[f64]) -> [f64; 2] {
        [0, 1].map(|way| {
            let (scores, order) = (&self.scores[way], &self.orders[way]);
            let (mut below, mut won, mut positives) = (0.0, 0.0, 0.0);
            for tied in order.chunk_by(|&a, &b| scores[a as usize] == scores[b as usize]) {
                let (mut yes, mut no) = (0.0, 0.0);
                for &at in tied {
                    let weight = weights[self.user_of[at as usize] as usize];
                    if self.labels[at as usize] {
                        yes += weight
                    } else {
                        no += weight
                    }
                }
                won += yes * (below + no / 2.0);
                below += no;
                positives += yes;
            }
            if positives * below > 0.0 {
                won / (positives * below)
            } else {
                0.5
            }
        })
    }

    fn logloss_difference(&self, weights: &[f64]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (loss, user) in self.losses.iter().zip(&self.user_of) {
            let weight = weights[*user as usize];
            sum += weight * loss;
            total += weight;
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }
}
