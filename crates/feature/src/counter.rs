//! Decayed counters: how often something was shown and what came of it, now and lately. Time comes in with each call.
//!
//! A window is a half-life: a count of the hour window weighs ½ after an hour. Reading needs one power for each window, and no list
//! of events. The longest window never fades.

use types::TimestampMs;

use crate::facts::Outcome;

/// A stretch of time, by its half-life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    All = 0,
    Week = 1,
    Day = 2,
    Hour = 3,
}

/// How many windows an entity's counter has.
pub const WINDOWS: usize = 4;

impl Window {
    pub const ALL: [Self; WINDOWS] = [Self::All, Self::Week, Self::Day, Self::Hour];

    /// Milliseconds after which a count weighs half; None when never.
    pub const fn half_life_ms(self) -> Option<i64> {
        match self {
            Self::All => None,
            Self::Week => Some(7 * 86_400_000),
            Self::Day => Some(86_400_000),
            Self::Hour => Some(3_600_000),
        }
    }

    /// The window's name in the registry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Week => "7d",
            Self::Day => "1d",
            Self::Hour => "1h",
        }
    }

    /// What is left after `age_ms`.
    fn left(self, age_ms: i64) -> f32 {
        match self.half_life_ms() {
            None => 1.0,
            Some(half) => (-(age_ms.max(0) as f32) / half as f32).exp2(),
        }
    }
}

/// What is counted of one impression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Impressions whose long view and like are known.
    Shown = 0,
    LongView = 1,
    Like = 2,
    /// Impressions of which everything is known.
    Told = 3,
    Open = 4,
    Skip = 5,
    Engage = 6,
    /// Sum of the watched shares.
    Ratio = 7,
}

/// How many measures an entity's counter has.
pub const MEASURES: usize = 8;
/// How many measures a cross's counter has: the first three.
pub const CROSS_MEASURES: usize = 3;
/// How many windows a cross's counter has: the first two.
pub const CROSS_WINDOWS: usize = 2;

/// Sums over `W` windows (the first of [`Window::ALL`]) of `M` measures (the first of [`Measure`]), as of a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counter<const W: usize, const M: usize> {
    pub(crate) at_ms: TimestampMs,
    pub(crate) sums: [[f32; M]; W],
}

/// Counter of an entity.
pub type Full = Counter<WINDOWS, MEASURES>;
/// Counter of a pair of entities.
pub type Slim = Counter<CROSS_WINDOWS, CROSS_MEASURES>;

impl<const W: usize, const M: usize> Default for Counter<W, M> {
    fn default() -> Self {
        Self {
            at_ms: TimestampMs::MIN,
            sums: [[0.0; M]; W],
        }
    }
}

impl<const W: usize, const M: usize> Counter<W, M> {
    /// The counter as it is at `now_ms`; a moment before its last change counts as that change's.
    #[inline]
    pub fn at(&self, now_ms: TimestampMs) -> Self {
        let mut faded = *self;
        let age_ms = now_ms.saturating_sub(self.at_ms).max(0);
        if age_ms > 0 && self.at_ms != TimestampMs::MIN {
            for (sums, window) in faded.sums.iter_mut().zip(Window::ALL).skip(1) {
                let left = window.left(age_ms);
                sums.iter_mut().for_each(|sum| *sum *= left);
            }
        }
        faded.at_ms = now_ms.max(self.at_ms);
        faded
    }

    /// Counts one impression.
    pub fn add(&mut self, now_ms: TimestampMs, outcome: &Outcome) {
        *self = self.at(now_ms);
        let told = outcome.told.unwrap_or_default();
        let known = outcome.told.is_some();
        let one = |is: bool| f32::from(u8::from(is));
        let amounts: [f32; MEASURES] = [
            1.0,
            one(outcome.long_view),
            one(outcome.like),
            one(known),
            one(told.open),
            one(told.skip),
            one(told.engage),
            if known { told.ratio } else { 0.0 },
        ];
        for sums in &mut self.sums {
            sums.iter_mut()
                .zip(amounts)
                .for_each(|(sum, amount)| *sum += amount);
        }
    }

    /// Moves a measure without another impression: a like that came late, or was taken back.
    pub fn amend(&mut self, now_ms: TimestampMs, measure: Measure, by: f32) {
        *self = self.at(now_ms);
        for sums in &mut self.sums {
            if let Some(sum) = sums.get_mut(measure as usize) {
                *sum = (*sum + by).max(0.0);
            }
        }
    }

    /// Both counters as one, as of the later moment; both must be as of the same.
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        let sums = self.sums.as_flattened_mut().iter_mut();
        sums.zip(other.sums.as_flattened())
            .for_each(|(sum, other)| *sum += other);
        self.at_ms = self.at_ms.max(other.at_ms);
        self
    }

    /// The sum of a measure over a window, as of the last change.
    pub fn sum(&self, window: Window, measure: Measure) -> f32 {
        self.sums[window as usize][measure as usize]
    }

    /// `sum / of` over a window, with `strength` imagined impressions at rate `prior` (the mean of a Beta posterior).
    #[inline]
    pub fn rate(&self, window: Window, measure: Measure, of: Measure, strength: f32, prior: f32) -> f32 {
        let (yes, all) = (self.sum(window, measure), self.sum(window, of));
        (yes + strength * prior) / (all + strength)
    }
}

/// Log-odds of a rate, cut to ±[`LOG_ODDS_MAX`].
pub fn log_odds(rate: f32) -> f32 {
    let rate = rate.clamp(0.0, 1.0);
    (rate / (1.0 - rate)).ln().clamp(-LOG_ODDS_MAX, LOG_ODDS_MAX)
}

/// No rate is taken to be more certain than this.
pub const LOG_ODDS_MAX: f32 = 12.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Told;

    const LONG: Outcome = Outcome {
        long_view: true,
        like: false,
        told: None,
    };

    #[test]
    fn windows_halve_and_all_does_not() {
        let mut counter = Full::default();
        counter.add(0, &LONG);
        let later = counter.at(86_400_000);
        assert_eq!(later.sum(Window::All, Measure::LongView), 1.0);
        assert_eq!(later.sum(Window::Day, Measure::LongView), 0.5);
        assert!((later.sum(Window::Hour, Measure::Shown) - 0.5_f32.powi(24)).abs() < 1e-9);
        assert_eq!(counter.at(-5), counter, "time does not run backwards");
    }

    #[test]
    fn what_was_not_told_is_not_counted_as_no() {
        let mut counter = Full::default();
        counter.add(0, &LONG);
        counter.add(
            0,
            &Outcome {
                told: Some(Told {
                    open: true,
                    ..Told::default()
                }),
                ..LONG
            },
        );
        assert_eq!(
            counter.rate(Window::All, Measure::Open, Measure::Told, 0.0, 0.5),
            1.0
        );
        assert_eq!(counter.sum(Window::All, Measure::Shown), 2.0);
    }

    #[test]
    fn amending_never_goes_below_nothing() {
        let mut counter = Slim::default();
        counter.add(0, &LONG);
        counter.amend(0, Measure::Like, 1.0);
        assert_eq!(counter.sum(Window::Week, Measure::Like), 1.0);
        counter.amend(0, Measure::Like, -2.0);
        assert_eq!(counter.sum(Window::Week, Measure::Like), 0.0);
        counter.amend(0, Measure::Skip, 1.0);
    }

    #[test]
    fn few_impressions_stay_near_the_prior() {
        let mut counter = Slim::default();
        counter.add(0, &LONG);
        let rate = counter.rate(Window::All, Measure::LongView, Measure::Shown, 9.0, 0.3);
        assert!((rate - 0.37).abs() < 1e-6, "{rate}");
        assert_eq!(log_odds(0.5), 0.0);
        assert_eq!(log_odds(2.0), LOG_ODDS_MAX);
    }
}
