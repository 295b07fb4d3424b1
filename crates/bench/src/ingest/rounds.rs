//! Rounds in turn, and the median of them.

use std::time::Duration;

use super::contender::{Contender, Load};
use crate::BenchError;
use crate::load::Outcome;

const ROUNDS: usize = 5;

/// What one contender did in the middle of its rounds.
#[derive(Debug)]
pub(crate) struct Median {
    pub(crate) who: &'static str,
    pub(crate) events_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    /// The first contender's rate by this one's, round by round.
    pub(crate) ours_ratio: f64,
    /// After a round.
    pub(crate) catch_up_s: f64,
    /// In all rounds.
    pub(crate) shed: u64,
}

impl Median {
    /// What stands before a figure's name: nothing for the first contender, who is the one that is measured.
    pub(crate) fn figure_name(&self) -> String {
        match self.who {
            "door" => String::new(),
            peer => format!("{peer}_"),
        }
    }
}

/// Lets the contenders take turns, and after each lets the servers catch up; the first is the one the others are compared with.
pub(crate) fn measure(
    contenders: &mut [Contender],
    load: Load,
    catch_up: impl Fn() -> Result<Duration, BenchError>,
) -> Result<Vec<Median>, BenchError> {
    let mut rounds: Vec<Vec<Outcome>> = contenders.iter().map(|_| Vec::new()).collect();
    let mut catch_ups = Vec::new();
    for _ in 0..ROUNDS {
        for (number, contender) in contenders.iter_mut().enumerate() {
            rounds[number].push(contender.run(load)?);
            let caught_up = catch_up()?;
            if number == 0 {
                catch_ups.push(caught_up.as_secs_f64());
            }
        }
    }
    let catch_up_s = median(catch_ups.into_iter());
    let rate = |number: usize, round: usize| {
        rounds[number][round].requests_per_s * contenders[number].events_per_request as f64
    };
    let medians = contenders
        .iter()
        .zip(&rounds)
        .enumerate()
        .map(|(number, (contender, outcomes))| Median {
            who: contender.who,
            events_per_s: median((0..ROUNDS).map(|round| rate(number, round))),
            p50_ms: median(outcomes.iter().map(|outcome| outcome.quantile_ms(0.50))),
            p99_ms: median(outcomes.iter().map(|outcome| outcome.quantile_ms(0.99))),
            p999_ms: median(outcomes.iter().map(|outcome| outcome.quantile_ms(0.999))),
            ours_ratio: median((0..ROUNDS).map(|round| rate(0, round) / rate(number, round))),
            catch_up_s,
            shed: outcomes.iter().map(|outcome| outcome.shed).sum(),
        });
    Ok(medians.collect())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
