//! What comes of showing one video to one viewer: known probabilities, their exact expectations, and one draw of them.
//!
//! A viewer decides three times: within two seconds whether to stay, then whether to see the end, then (at the end)
//! whether to see it again. How far one gets who does not see the end is a power law of the fraction watched,
//! `P(fraction ≤ x) = xᵃ`. Explicit actions are independent given that the viewer stayed. Whether it was worth their time is
//! decided too, and nobody but the simulator knows it.

use crate::random::Key;

/// Who leaves within this is an early skip.
pub const EARLY_SKIP_MS: i64 = 2_000;
/// Nobody leaves sooner.
const LOOK_MS: i64 = 300;
/// A view counts at most this many seconds, so that a feed is not rewarded for long videos alone.
pub const VALUE_S_MAX: f64 = 30.0;
/// Most times that a video is seen again in one view.
const LOOPS_MAX: u32 = 3;

/// What can be observed of a view, as the product would log it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Time on the video, rewatches included.
    pub watch_ms: i64,
    /// Times that it started over.
    pub loops: u32,
    pub completed: bool,
    /// Left within [`EARLY_SKIP_MS`].
    pub skipped: bool,
    pub liked: bool,
    pub commented: bool,
    pub shared: bool,
    pub saved: bool,
    pub followed: bool,
    pub not_interested: bool,
}

/// An [`Outcome`], and the truth that nobody observes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Drawn {
    pub outcome: Outcome,
    /// The viewer would call it worth their time.
    pub satisfied: bool,
    /// Seconds watched of a video that was worth it, at most [`VALUE_S_MAX`]; 0 of one that was not.
    pub value_s: f64,
}

/// What goes into the probabilities, all on the scale of log-odds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Inputs {
    /// How much the viewer wants something like it now.
    pub interest: f64,
    pub looks: f64,
    pub quality: f64,
    pub clickbait: f64,
    pub generosity: f64,
    pub duration_ms: i64,
    pub follows: bool,
}

/// The probabilities of one view. Those of actions and of satisfaction hold for viewers who did not skip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odds {
    pub duration_ms: i64,
    pub skip: f64,
    pub complete: f64,
    /// The exponent `a` of the fraction watched.
    pub reach: f64,
    pub again: f64,
    pub like: f64,
    pub comment: f64,
    pub share: f64,
    pub save: f64,
    pub follow: f64,
    /// Of those who stayed.
    pub not_interested: f64,
    /// Of those who skipped.
    pub not_interested_skip: f64,
    pub worth_complete: f64,
    pub worth_partial: f64,
}

/// Exact expectations of a view, actions as probabilities over all views.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Expected {
    pub watch_ms: f64,
    pub complete: f64,
    pub skip: f64,
    pub like: f64,
    pub not_interested: f64,
    /// Satisfied seconds: see [`Drawn::value_s`].
    pub value_s: f64,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Odds {
    pub(crate) fn of(inputs: &Inputs) -> Self {
        let Inputs {
            interest,
            looks,
            quality,
            clickbait,
            generosity,
            duration_ms,
            follows,
        } = *inputs;
        let appeal = interest + 0.6 * looks + 1.8 * clickbait;
        let liking = interest + quality - 2.8 * clickbait;
        let length = (duration_ms as f64 / 15_000.0).ln();
        Self {
            duration_ms,
            skip: sigmoid(-0.1 - 0.9 * appeal),
            complete: sigmoid(-0.4 + 0.65 * liking - 0.9 * length),
            reach: (0.1 + 0.35 * liking).clamp(-1.2, 1.6).exp(),
            again: sigmoid(-2.0 + 0.5 * liking - 0.9 * length),
            like: sigmoid(-4.0 + 0.7 * liking + generosity),
            comment: sigmoid(-5.8 + 0.5 * liking + 1.8 * clickbait + 0.5 * generosity),
            share: sigmoid(-6.0 + 0.7 * liking),
            save: sigmoid(-5.4 + 0.6 * liking),
            follow: if follows {
                0.0
            } else {
                sigmoid(-6.2 + 0.8 * liking)
            },
            not_interested: sigmoid(-5.6 - 0.8 * liking),
            not_interested_skip: sigmoid(-5.4 - 0.6 * liking),
            worth_complete: sigmoid(0.8 + 0.9 * liking),
            worth_partial: sigmoid(-1.0 + 0.9 * liking),
        }
    }

    /// The expectations of [`Odds::draw`], in closed form.
    pub fn expected(&self) -> Expected {
        let stay = 1.0 - self.skip;
        let (complete, partial) = (stay * self.complete, stay * (1.0 - self.complete));
        let seconds = self.duration_ms as f64 / 1000.0;
        let seen_ms = |cap_s: f64| 1000.0 * self.mean_completed_s(seconds, cap_s);
        let left_ms = |cap_s: f64| 1000.0 * self.mean_partial_s(seconds, cap_s);
        let skip_ms = (LOOK_MS + self.skip_until_ms()) as f64 / 2.0;
        let worth_ms = complete * self.worth_complete * seen_ms(VALUE_S_MAX)
            + partial * self.worth_partial * left_ms(VALUE_S_MAX);
        Expected {
            watch_ms: self.skip * skip_ms + complete * seen_ms(f64::MAX) + partial * left_ms(f64::MAX),
            complete,
            skip: self.skip,
            like: stay * self.like,
            not_interested: stay * self.not_interested + self.skip * self.not_interested_skip,
            value_s: worth_ms / 1000.0,
        }
    }

    /// Mean of `min(duration × times seen, cap)`, where each time but the last is followed by another with `again`.
    fn mean_completed_s(&self, seconds: f64, cap_s: f64) -> f64 {
        let mut reached = 1.0;
        let mut mean = seconds.min(cap_s);
        for times in 1..=LOOPS_MAX {
            reached *= self.again;
            let more = (seconds * f64::from(times + 1)).min(cap_s) - (seconds * f64::from(times)).min(cap_s);
            mean += reached * more;
        }
        mean
    }

    /// Mean of `min(duration × fraction, cap)` with `P(fraction ≤ x) = xᵃ`.
    fn mean_partial_s(&self, seconds: f64, cap_s: f64) -> f64 {
        let a = self.reach;
        if cap_s >= seconds {
            return seconds * a / (a + 1.0);
        }
        let at = cap_s / seconds;
        seconds * a / (a + 1.0) * at.powf(a + 1.0) + cap_s * (1.0 - at.powf(a))
    }

    fn skip_until_ms(&self) -> i64 {
        EARLY_SKIP_MS.min(self.duration_ms / 2)
    }

    /// One draw. Each decision has a number of its own under `luck`, so a change of one probability changes no other decision.
    pub(crate) fn draw(&self, luck: Key) -> Drawn {
        let mut draws = luck.draws();
        let [skip, complete, fraction, again, worth]: [f64; 5] = std::array::from_fn(|_| draws.unit());
        let skipped = skip < self.skip;
        let completed = !skipped && complete < self.complete;
        let loops = if completed { self.loops(again) } else { 0 };
        let stayed = |probability: f64, unit: f64| !skipped && unit < probability;
        let annoyed = if skipped {
            self.not_interested_skip
        } else {
            self.not_interested
        };
        let outcome = Outcome {
            watch_ms: match (skipped, completed) {
                (true, _) => LOOK_MS + (fraction * (self.skip_until_ms() - LOOK_MS) as f64) as i64,
                (_, true) => self.duration_ms * i64::from(loops + 1),
                _ => ((self.duration_ms as f64 * fraction.powf(1.0 / self.reach)) as i64)
                    .min(self.duration_ms - 1),
            },
            loops,
            completed,
            skipped,
            liked: stayed(self.like, draws.unit()),
            commented: stayed(self.comment, draws.unit()),
            shared: stayed(self.share, draws.unit()),
            saved: stayed(self.save, draws.unit()),
            followed: stayed(self.follow, draws.unit()),
            not_interested: draws.unit() < annoyed,
        };
        let satisfied = stayed(
            if completed {
                self.worth_complete
            } else {
                self.worth_partial
            },
            worth,
        );
        let seconds = outcome.watch_ms as f64 / 1000.0;
        Drawn {
            outcome,
            satisfied,
            value_s: if satisfied { seconds.min(VALUE_S_MAX) } else { 0.0 },
        }
    }

    /// How often a geometric number of rewatches comes out at this uniform number.
    fn loops(&self, unit: f64) -> u32 {
        let mut left = self.again;
        let mut loops = 0;
        while loops < LOOPS_MAX && unit < left {
            loops += 1;
            left *= self.again;
        }
        loops
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inputs(interest: f64, clickbait: f64, duration_ms: i64) -> Inputs {
        Inputs {
            interest,
            looks: 0.2,
            quality: 0.3,
            clickbait,
            generosity: 0.5,
            duration_ms,
            follows: false,
        }
    }

    #[test]
    fn expectations_are_the_means_of_draws() {
        for (interest, clickbait, duration_ms) in
            [(2.0, 0.0, 9_000), (0.5, 0.1, 40_000), (-1.0, 0.9, 120_000)]
        {
            let odds = Odds::of(&inputs(interest, clickbait, duration_ms));
            let (expected, count) = (odds.expected(), 400_000u32);
            let mut sums = [0.0; 6];
            for step in 0..count {
                let Drawn { outcome, value_s, .. } = odds.draw(Key::new(9).with(u64::from(step)));
                let bit = |yes: bool| f64::from(u8::from(yes));
                let terms = [
                    outcome.watch_ms as f64 / 1000.0,
                    bit(outcome.completed),
                    bit(outcome.skipped),
                    bit(outcome.liked),
                    bit(outcome.not_interested),
                    value_s,
                ];
                sums.iter_mut()
                    .zip(terms)
                    .for_each(|(sum, term)| *sum += term / f64::from(count));
            }
            let truth = [
                expected.watch_ms / 1000.0,
                expected.complete,
                expected.skip,
                expected.like,
                expected.not_interested,
                expected.value_s,
            ];
            for (drawn, truth) in sums.into_iter().zip(truth) {
                assert!(
                    (drawn - truth).abs() < 0.003 + 0.01 * truth,
                    "drawn {drawn}, expected {truth}"
                );
            }
        }
    }

    #[test]
    fn clickbait_starts_high_and_ends_low() {
        let honest = Odds::of(&inputs(1.0, 0.0, 20_000)).expected();
        let bait = Odds::of(&inputs(1.0, 0.9, 20_000)).expected();
        assert!(bait.skip < 0.5 * honest.skip);
        assert!(bait.value_s < 0.5 * honest.value_s);
        assert!(bait.complete < honest.complete && bait.not_interested > honest.not_interested);
    }

    #[test]
    fn the_same_luck_does_no_worse_with_better_odds() {
        for step in 0..2000 {
            let luck = Key::new(3).with(step);
            let [worse, better] =
                [0.0, 1.5].map(|interest| Odds::of(&inputs(interest, 0.0, 15_000)).draw(luck));
            assert!(better.outcome.watch_ms >= worse.outcome.watch_ms || worse.outcome.skipped);
            assert!(!worse.satisfied || better.satisfied);
            assert!(!worse.outcome.liked || better.outcome.liked);
        }
    }

    proptest! {
        #[test]
        fn outcomes_make_sense(interest in -5.0f64..5.0, clickbait in 0.0f64..1.0, duration_ms in 1_000i64..180_000, seed: u64) {
            let drawn = Odds::of(&inputs(interest, clickbait, duration_ms)).draw(Key::new(seed));
            let Outcome { watch_ms, loops, completed, skipped, .. } = drawn.outcome;
            prop_assert!(watch_ms >= 0 && watch_ms <= duration_ms * 4);
            prop_assert!(!(completed && skipped));
            prop_assert!(loops == 0 || completed);
            prop_assert_eq!(completed, watch_ms >= duration_ms);
            prop_assert!(!drawn.satisfied || drawn.value_s <= VALUE_S_MAX);
            prop_assert!(drawn.satisfied || drawn.value_s == 0.0);
        }
    }
}
