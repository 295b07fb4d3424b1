//! Rates of entities and pairs as log-odds above a parent's rate, and how much stands behind them.

use types::TimestampMs;

use super::{About, Sink, shown, volume};
use crate::counter::{Counter, Full, Measure, Slim, Window, log_odds};
use crate::entity::Entity;
use crate::registry::Side;

/// Imagined impressions behind a prior: for rates that are mostly near a third, and for rare ones.
const STRENGTH: f32 = 8.0;
const STRENGTH_LATE: f32 = 4.0;
const STRENGTH_RARE: f32 = 30.0;
const STRENGTH_RARE_LATE: f32 = 15.0;

/// What is supposed before anything was seen.
const FIRST: First = First {
    long_view: 0.33,
    like: 0.02,
    open: 0.45,
    skip: 0.25,
    engage: 0.02,
    ratio: 0.6,
};
struct First {
    long_view: f32,
    like: f32,
    open: f32,
    skip: f32,
    engage: f32,
    ratio: f32,
}

/// Imagined impressions behind [`FIRST`].
const FIRST_STRENGTH: f32 = 50.0;

/// Rates that others are compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rates {
    pub(crate) long_view: f32,
    pub(crate) like: f32,
    pub(crate) open: f32,
    pub(crate) skip: f32,
    pub(crate) engage: f32,
    pub(crate) ratio: f32,
    /// Log-odds of long view, like, open, skip and engage: they are compared with again and again.
    odds: [f32; 5],
}

impl Rates {
    /// Of everybody and everything, over the last week.
    pub(crate) fn overall(all: &Full) -> Self {
        let rate = |measure, of, first| all.rate(Window::Week, measure, of, FIRST_STRENGTH, first);
        let long_view = rate(Measure::LongView, Measure::Shown, FIRST.long_view);
        let like = rate(Measure::Like, Measure::Shown, FIRST.like);
        let open = rate(Measure::Open, Measure::Told, FIRST.open);
        let skip = rate(Measure::Skip, Measure::Told, FIRST.skip);
        let engage = rate(Measure::Engage, Measure::Told, FIRST.engage);
        Self {
            long_view,
            like,
            open,
            skip,
            engage,
            ratio: rate(Measure::Ratio, Measure::Told, FIRST.ratio),
            odds: [long_view, like, open, skip, engage].map(log_odds),
        }
    }
}

/// A rate with its log-odds.
#[derive(Debug, Clone, Copy)]
struct Rate {
    rate: f32,
    odds: f32,
}

/// The log-odds of `rate`, and those above `above`'s. Where nothing was counted both are equal, and no logarithm is needed.
fn lifted(rate: f32, above: Rate) -> (Rate, f32) {
    if rate == above.rate {
        return (above, 0.0);
    }
    let odds = log_odds(rate);
    (Rate { rate, odds }, odds - above.odds)
}

fn lift(rate: f32, above: Rate) -> f32 {
    lifted(rate, above).1
}

const COUNTERS: &str = "counter";

/// Writes what one counter says.
struct Pen<'a, S> {
    out: &'a mut S,
    side: Side,
    of: &'static str,
}

impl<S: Sink> Pen<'_, S> {
    fn put(&mut self, what: &'static str, window: Window, text: &'static str, value: f32) {
        let about = About {
            side: self.side,
            of: self.of,
            what,
            window: window.name(),
            source: COUNTERS,
            text,
        };
        self.out.put(about, value);
    }

    fn shown<const W: usize, const M: usize>(&mut self, counter: &Counter<W, M>, window: Window) {
        let text = match window {
            Window::All => "impressions, logarithm",
            _ => "impressions lately, logarithm",
        };
        self.put("shown", window, text, volume(shown(counter, window)));
    }

    /// The long-view rate of a window above the counter's own.
    fn late_long_view<const W: usize, const M: usize>(
        &mut self,
        counter: &Counter<W, M>,
        window: Window,
        own: Rate,
    ) {
        let text = "long-view rate lately, log-odds above its own of all time";
        let late = counter.rate(window, Measure::LongView, Measure::Shown, STRENGTH_LATE, own.rate);
        self.put("long_view", window, text, lift(late, own));
    }

    /// The like rate of a window above the counter's own.
    fn late_like<const W: usize, const M: usize>(
        &mut self,
        counter: &Counter<W, M>,
        window: Window,
        own: Rate,
    ) {
        let text = "like rate lately, log-odds above its own of all time";
        let late = counter.rate(
            window,
            Measure::Like,
            Measure::Shown,
            STRENGTH_RARE_LATE,
            own.rate,
        );
        self.put("like", window, text, lift(late, own));
    }
}

/// Long-view and like rate of all time, smoothed towards the rates above, each with its lift over them.
fn all_time<const W: usize, const M: usize>(counter: &Counter<W, M>, above: &Rates) -> [(Rate, f32); 2] {
    let rate = |measure, strength, prior| counter.rate(Window::All, measure, Measure::Shown, strength, prior);
    let [long_view, like, ..] = above.odds;
    [
        lifted(
            rate(Measure::LongView, STRENGTH, above.long_view),
            Rate {
                rate: above.long_view,
                odds: long_view,
            },
        ),
        lifted(
            rate(Measure::Like, STRENGTH_RARE, above.like),
            Rate {
                rate: above.like,
                odds: like,
            },
        ),
    ]
}

/// Writes an entity's counter; answers its rates for those that compare with it.
pub(crate) fn entity(
    out: &mut impl Sink,
    side: Side,
    entity: Entity,
    counter: &Full,
    above: &Rates,
) -> Rates {
    let [(long_view, long_view_lift), (like, like_lift)] = all_time(counter, above);
    let of = entity.name();
    let mut pen = Pen { out, side, of };
    let text = "long-view rate, log-odds above everything's";
    pen.put("long_view", Window::All, text, long_view_lift);
    let text = "like rate, log-odds above everything's";
    pen.put("like", Window::All, text, like_lift);
    pen.shown(counter, Window::All);
    for window in [Window::Week, Window::Day, Window::Hour] {
        pen.late_long_view(counter, window, long_view);
        pen.shown(counter, window);
    }
    for window in [Window::Week, Window::Day] {
        pen.late_like(counter, window, like);
    }
    let told = |measure, strength, prior| counter.rate(Window::All, measure, Measure::Told, strength, prior);
    let of_above = |rate, at: usize| Rate {
        rate,
        odds: above.odds[at],
    };
    let open = told(Measure::Open, STRENGTH_LATE, above.open);
    let skip = told(Measure::Skip, STRENGTH_LATE, above.skip);
    let engage = told(Measure::Engage, STRENGTH_RARE, above.engage);
    let ratio = told(Measure::Ratio, STRENGTH_LATE, above.ratio);
    let text = "rate of turning to it, log-odds above everything's";
    let (open, value) = lifted(open, of_above(above.open, 2));
    pen.put("open", Window::All, text, value);
    let text = "early-skip rate, log-odds above everything's";
    let (skip, value) = lifted(skip, of_above(above.skip, 3));
    pen.put("skip", Window::All, text, value);
    let text = "rate of comment, share, follow and the like, log-odds above";
    let (engage, value) = lifted(engage, of_above(above.engage, 4));
    pen.put("engage", Window::All, text, value);
    let text = "watched share, above everything's";
    pen.put("ratio", Window::All, text, ratio - above.ratio);
    Rates {
        long_view: long_view.rate,
        like: like.rate,
        open: open.rate,
        skip: skip.rate,
        engage: engage.rate,
        ratio,
        odds: [long_view, like, open, skip, engage].map(|rate| rate.odds),
    }
}

/// Writes a pair's counter.
pub(crate) fn cross(out: &mut impl Sink, of: &'static str, counter: &Slim, above: &Rates) {
    let [(long_view, long_view_lift), (like, like_lift)] = all_time(counter, above);
    let side = Side::Pair;
    let mut pen = Pen { out, side, of };
    let text = "long-view rate, log-odds above the first one's";
    pen.put("long_view", Window::All, text, long_view_lift);
    let text = "like rate, log-odds above the first one's";
    pen.put("like", Window::All, text, like_lift);
    pen.shown(counter, Window::All);
    pen.late_long_view(counter, Window::Week, long_view);
    pen.late_like(counter, Window::Week, like);
    pen.shown(counter, Window::Week);
}

/// Writes how everybody feels lately.
pub(crate) fn mood(out: &mut impl Sink, all: &Full, overall: &Rates) {
    for window in [Window::Day, Window::Hour] {
        let late = all.rate(
            window,
            Measure::LongView,
            Measure::Shown,
            STRENGTH,
            overall.long_view,
        );
        let about = About {
            side: Side::Viewer,
            of: "everyone",
            what: "long_view",
            window: window.name(),
            source: COUNTERS,
            text: "long-view rate lately, log-odds above the week's",
        };
        let above = Rate {
            rate: overall.long_view,
            odds: overall.odds[0],
        };
        out.put(about, lift(late, above));
    }
}

/// Seconds after which it no longer matters how long ago something was, as a logarithm.
const IDLE_MAX: f32 = 15.0;

/// Writes how long ago the entity was seen.
pub(crate) fn idle(out: &mut impl Sink, side: Side, of: &'static str, unfaded: &Full, now_ms: TimestampMs) {
    let text = "seconds since it was last seen, logarithm";
    let about = About {
        side,
        of,
        what: "idle",
        window: "",
        source: COUNTERS,
        text,
    };
    let seconds = now_ms.saturating_sub(unfaded.at_ms).max(0) as f32 / 1_000.0;
    let never = shown(unfaded, Window::All) == 0.0;
    out.put(
        about,
        if never {
            IDLE_MAX
        } else {
            seconds.ln_1p().min(IDLE_MAX)
        },
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is kept and what is left out changes no bit.
        #[test]
        fn a_lift_is_the_difference_of_log_odds(rate in 0.0_f32..=1.0, above in 0.0_f32..=1.0, same: bool) {
            let rate = if same { above } else { rate };
            let known = Rate { rate: above, odds: log_odds(above) };
            let (own, value) = lifted(rate, known);
            prop_assert_eq!(value.to_bits(), (log_odds(rate) - log_odds(above)).to_bits());
            prop_assert_eq!(own.odds.to_bits(), log_odds(rate).to_bits());
        }
    }
}
