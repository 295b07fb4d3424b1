//! A bound for learners: a feed that knows the world's laws and its people to the bottom of their hearts (tastes, moods, boredom, languages, follows, trends), and every
//! creator's skill and habit of baiting, but not what is drawn anew: how good, how misleading and how good-looking one video is, and the chemistry between one viewer
//! and one creator. Of a video it believes what views so far make likely (Bayes' rule over a sample of what it could be). Nobody who has to learn tastes as well can be expected to do better,
//! so what it loses against the oracle is lost to everybody. With less [`Known`], it tells what the rest is worth.

use std::collections::HashMap;

use crate::catalogue::{Maker, Shown};
use crate::mind::Known;
use crate::outcome::{Inputs, Odds, Outcome};
use crate::policy::{Context, Feedback, Pick, Policy, Truth, best};
use crate::random::Key;

/// What a video could be: this many guesses. More change little.
const GUESSES: usize = 32;
const PURPOSE: u64 = 0x6775_6573;

/// One thing that a video could be, and how likely that is beside the others.
#[derive(Debug, Clone, Copy)]
struct Guess {
    quality: f64,
    clickbait: f64,
    looks: f64,
    /// Stands for the chemistry of whoever sees it.
    chemistry: f64,
    log_weight: f64,
}

impl Guess {
    fn odds(&self, known: &Inputs) -> Odds {
        Odds::of(&Inputs {
            interest: known.interest + self.chemistry,
            quality: self.quality,
            clickbait: self.clickbait,
            looks: self.looks,
            ..*known
        })
    }
}

/// See the file's header.
#[derive(Debug)]
pub struct Knowing {
    known: Known,
    /// By video.
    beliefs: HashMap<u32, [Guess; GUESSES]>,
    /// What was known of what is being shown, by viewer and video.
    open: HashMap<(u32, u32), Inputs>,
}

impl Default for Knowing {
    fn default() -> Self {
        Self::with(Known::Everything)
    }
}

impl Knowing {
    /// Knows so much of people and of what videos are about.
    pub fn with(known: Known) -> Self {
        Self {
            known,
            beliefs: HashMap::new(),
            open: HashMap::new(),
        }
    }
}

fn prior(video: u32, maker: &Maker) -> [Guess; GUESSES] {
    std::array::from_fn(|at| {
        let mut draws = Key::new(PURPOSE).with(u64::from(video)).with(at as u64).draws();
        let [quality, clickbait, looks] = maker.draw_hidden(&mut draws);
        Guess {
            quality,
            clickbait,
            looks,
            chemistry: 0.5 * draws.normal(),
            log_weight: 0.0,
        }
    })
}

fn expected_s(beliefs: &[Guess], known: &Inputs) -> f64 {
    let top = beliefs
        .iter()
        .map(|guess| guess.log_weight)
        .fold(f64::MIN, f64::max);
    let (mut sum, mut weights) = (0.0, 0.0);
    for guess in beliefs {
        let weight = (guess.log_weight - top).exp();
        // What no longer counts is not worth computing.
        if weight > 1e-4 {
            sum += weight * guess.odds(known).expected().value_s;
            weights += weight;
        }
    }
    sum / weights
}

impl Policy for Knowing {
    fn name(&self) -> String {
        "knowing".to_owned()
    }

    fn choose(
        &mut self,
        context: &Context<'_>,
        candidates: &[&Shown],
        truth: Truth<'_>,
        places: usize,
        _: &mut crate::random::Draws,
    ) -> Vec<Pick> {
        let mut known = (truth.inputs)(self.known);
        for (inputs, chemistry) in known.iter_mut().zip(truth.chemistry) {
            inputs.interest -= chemistry;
        }
        let mut scores = Vec::with_capacity(candidates.len());
        for ((video, known), maker) in candidates.iter().zip(&known).zip(truth.makers) {
            let beliefs = self
                .beliefs
                .entry(video.index)
                .or_insert_with(|| prior(video.index, maker));
            scores.push(expected_s(beliefs, known));
        }
        let picks = best(&scores, places);
        for pick in &picks {
            let video = candidates[pick.candidate].index;
            self.open.insert((context.viewer, video), known[pick.candidate]);
        }
        picks
    }

    fn observe(&mut self, feedback: &Feedback<'_>) {
        let video = feedback.video.index;
        let Some(known) = self.open.remove(&(feedback.context.viewer, video)) else {
            return;
        };
        for guess in self.beliefs.get_mut(&video).into_iter().flatten() {
            guess.log_weight += log_likelihood(&guess.odds(&known), feedback.outcome);
        }
    }
}

/// Of what was observed: staying, seeing the end, how far, the heart, and "not interested".
fn log_likelihood(odds: &Odds, outcome: &Outcome) -> f64 {
    let of = |probability: f64, yes: bool| if yes { probability } else { 1.0 - probability }.max(1e-9).ln();
    if outcome.skipped {
        return of(odds.skip, true) + of(odds.not_interested_skip, outcome.not_interested);
    }
    let reached = match outcome.completed {
        true => 0.0,
        false => {
            let part = (outcome.watch_ms as f64 / odds.duration_ms as f64).clamp(1e-3, 1.0);
            odds.reach.ln() + (odds.reach - 1.0) * part.ln()
        }
    };
    of(odds.skip, false)
        + of(odds.complete, outcome.completed)
        + reached
        + of(odds.like, outcome.liked)
        + of(odds.not_interested, outcome.not_interested)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WorldConfig;
    use crate::policy::{Oracle, Popularity};
    use crate::run::run;
    use crate::world::World;

    #[test]
    fn it_stands_between_popularity_and_the_oracle() {
        let world = World::new(WorldConfig::small(44)).expect("possible");
        let share = |policy: &mut dyn Policy| {
            let figures = crate::measures(&run(&world, policy));
            let found = figures.iter().find(|(name, _)| *name == "oracle_share");
            found.expect("measured").1
        };
        let [popular, tastes, knowing, oracle] = [
            share(&mut Popularity::default()),
            share(&mut Knowing::with(Known::TastesAlone)),
            share(&mut Knowing::default()),
            share(&mut Oracle),
        ];
        assert!(
            popular + 0.1 < tastes && tastes + 0.05 < knowing && knowing + 0.05 < oracle,
            "{popular} {tastes} {knowing} {oracle}"
        );
    }
}
