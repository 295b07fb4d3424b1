//! Rates of entities and pairs as log-odds above a parent's rate, and how much stands behind them.

use types::TimestampMs;

use super::{About, Sink, shown, volume};
use crate::counter::{Full, Measure, Slim, Window, log_odds};
use crate::entity::Entity;
use crate::registry::Side;

/// Imagined impressions behind a prior: for rates that are mostly near a third, and for rare ones.
const STRENGTH: f32 = 8.0;
const STRENGTH_LATE: f32 = 4.0;
const STRENGTH_RARE: f32 = 30.0;
const STRENGTH_RARE_LATE: f32 = 15.0;

/// What is supposed before anything was seen.
const FIRST: Rates = Rates {
    long_view: 0.33,
    like: 0.02,
    open: 0.45,
    skip: 0.25,
    engage: 0.02,
    ratio: 0.6,
};
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
}

impl Rates {
    /// Of everybody and everything, over the last week.
    pub(crate) fn overall(all: &Full) -> Self {
        let rate = |measure, of, first| all.rate(Window::Week, measure, of, FIRST_STRENGTH, first);
        Self {
            long_view: rate(Measure::LongView, Measure::Shown, FIRST.long_view),
            like: rate(Measure::Like, Measure::Shown, FIRST.like),
            open: rate(Measure::Open, Measure::Told, FIRST.open),
            skip: rate(Measure::Skip, Measure::Told, FIRST.skip),
            engage: rate(Measure::Engage, Measure::Told, FIRST.engage),
            ratio: rate(Measure::Ratio, Measure::Told, FIRST.ratio),
        }
    }
}

fn lift(rate: f32, above: f32) -> f32 {
    log_odds(rate) - log_odds(above)
}

const COUNTERS: &str = "counter";

/// Writes an entity's counter; answers its rates for those that compare with it.
pub(crate) fn entity(
    out: &mut impl Sink,
    side: Side,
    entity: Entity,
    counter: &Full,
    above: &Rates,
) -> Rates {
    let of = entity.name();
    let mut put = |what, window: Window, text, value| {
        out.put(
            About {
                side,
                of,
                what,
                window: window.name(),
                source: COUNTERS,
                text,
            },
            value,
        );
    };
    let long_view = counter.rate(
        Window::All,
        Measure::LongView,
        Measure::Shown,
        STRENGTH,
        above.long_view,
    );
    let like = counter.rate(
        Window::All,
        Measure::Like,
        Measure::Shown,
        STRENGTH_RARE,
        above.like,
    );
    put(
        "long_view",
        Window::All,
        "long-view rate, log-odds above everything's",
        lift(long_view, above.long_view),
    );
    put(
        "like",
        Window::All,
        "like rate, log-odds above everything's",
        lift(like, above.like),
    );
    put(
        "shown",
        Window::All,
        "impressions, logarithm",
        volume(shown(counter, Window::All)),
    );
    for window in [Window::Week, Window::Day, Window::Hour] {
        let late = counter.rate(
            window,
            Measure::LongView,
            Measure::Shown,
            STRENGTH_LATE,
            long_view,
        );
        put(
            "long_view",
            window,
            "long-view rate lately, log-odds above its own of all time",
            lift(late, long_view),
        );
        put(
            "shown",
            window,
            "impressions lately, logarithm",
            volume(shown(counter, window)),
        );
    }
    for window in [Window::Week, Window::Day] {
        let late = counter.rate(window, Measure::Like, Measure::Shown, STRENGTH_RARE_LATE, like);
        put(
            "like",
            window,
            "like rate lately, log-odds above its own of all time",
            lift(late, like),
        );
    }
    let told = |measure, strength, prior| counter.rate(Window::All, measure, Measure::Told, strength, prior);
    let open = told(Measure::Open, STRENGTH_LATE, above.open);
    let skip = told(Measure::Skip, STRENGTH_LATE, above.skip);
    let engage = told(Measure::Engage, STRENGTH_RARE, above.engage);
    let ratio = told(Measure::Ratio, STRENGTH_LATE, above.ratio);
    put(
        "open",
        Window::All,
        "rate of turning to it, log-odds above everything's",
        lift(open, above.open),
    );
    put(
        "skip",
        Window::All,
        "early-skip rate, log-odds above everything's",
        lift(skip, above.skip),
    );
    put(
        "engage",
        Window::All,
        "rate of comment, share, follow and the like, log-odds above",
        lift(engage, above.engage),
    );
    put(
        "ratio",
        Window::All,
        "watched share, above everything's",
        ratio - above.ratio,
    );
    Rates {
        long_view,
        like,
        open,
        skip,
        engage,
        ratio,
    }
}

/// Writes a pair's counter.
pub(crate) fn cross(out: &mut impl Sink, of: &'static str, counter: &Slim, above: &Rates) {
    let mut put = |what, window: Window, text, value| {
        out.put(
            About {
                side: Side::Pair,
                of,
                what,
                window: window.name(),
                source: COUNTERS,
                text,
            },
            value,
        );
    };
    let long_view = counter.rate(
        Window::All,
        Measure::LongView,
        Measure::Shown,
        STRENGTH,
        above.long_view,
    );
    let like = counter.rate(
        Window::All,
        Measure::Like,
        Measure::Shown,
        STRENGTH_RARE,
        above.like,
    );
    put(
        "long_view",
        Window::All,
        "long-view rate, log-odds above the first one's",
        lift(long_view, above.long_view),
    );
    put(
        "like",
        Window::All,
        "like rate, log-odds above the first one's",
        lift(like, above.like),
    );
    put(
        "shown",
        Window::All,
        "impressions, logarithm",
        volume(shown(counter, Window::All)),
    );
    let late = counter.rate(
        Window::Week,
        Measure::LongView,
        Measure::Shown,
        STRENGTH_LATE,
        long_view,
    );
    put(
        "long_view",
        Window::Week,
        "long-view rate lately, log-odds above its own of all time",
        lift(late, long_view),
    );
    let late_like = counter.rate(
        Window::Week,
        Measure::Like,
        Measure::Shown,
        STRENGTH_RARE_LATE,
        like,
    );
    put(
        "like",
        Window::Week,
        "like rate lately, log-odds above its own of all time",
        lift(late_like, like),
    );
    put(
        "shown",
        Window::Week,
        "impressions lately, logarithm",
        volume(shown(counter, Window::Week)),
    );
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
        out.put(about, lift(late, overall.long_view));
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
