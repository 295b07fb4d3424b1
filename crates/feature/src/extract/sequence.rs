//! The viewer's last impressions: what became of them, how fast they came, and how alike they are to the candidate.

use std::sync::LazyLock;

use types::TimestampMs;

use super::{About, Sink, volume};
use crate::counter::log_odds;
use crate::registry::Side;
use crate::ring::{RING_MAX, Ring, Seen};

/// A longer pause starts a new session.
pub(super) const SESSION_GAP_MS: i64 = 30 * 60_000;
const NEVER_LOG_S: f32 = 15.0;
/// What a watched share and a turning-to are supposed to be before any was seen.
const RATIO: f32 = 0.6;
const OPEN: f32 = 0.45;
/// Impressions after which a memory weighs 1/e.
const MEMORY: f32 = 10.0;
/// What an impression weighs, by how many came after it.
pub(super) static MEMORIES: LazyLock<[f32; RING_MAX]> =
    LazyLock::new(|| std::array::from_fn(|place| (-(place as f32) / MEMORY).exp()));
pub(super) fn newest(ring: Option<&Ring>) -> impl Iterator<Item = &Seen> + Clone {
    ring.into_iter().flat_map(Ring::newest)
}

fn about(side: Side, what: &'static str, window: &'static str, text: &'static str) -> About {
    About {
        side,
        of: if side == Side::Viewer { "recent" } else { "alike" },
        what,
        window,
        source: "sequence",
        text,
    }
}

/// A weighted rate with one imagined impression at the viewer's own, as log-odds above it.
#[derive(Default, Clone, Copy)]
pub(super) struct Tally {
    yes: f32,
    all: f32,
}

impl Tally {
    pub(super) fn add(&mut self, weight: f32, yes: bool) {
        self.all += weight;
        self.yes += weight * f32::from(u8::from(yes));
    }

    pub(super) fn lift(&self, own: f32) -> f32 {
        match self.all > 0.0 {
            true => self.lift_above(own, log_odds(own)),
            false => 0.0,
        }
    }

    /// The same where the log-odds of `own` are known already.
    pub(super) fn lift_above(&self, own: f32, own_odds: f32) -> f32 {
        let rate = (self.yes + own) / (self.all + 1.0);
        if rate == own {
            // Nothing was met: no logarithm is needed.
            return 0.0;
        }
        log_odds(rate) - own_odds
    }
}

/// Writes values about the viewer's sequence, or about a candidate beside it.
pub(super) struct Pen<'a, S> {
    pub(super) out: &'a mut S,
    pub(super) side: Side,
}

impl<S: Sink> Pen<'_, S> {
    pub(super) fn put(&mut self, what: &'static str, window: &'static str, text: &'static str, value: f32) {
        self.out.put(about(self.side, what, window, text), value);
    }
}

/// Writes what only the viewer's sequence says.
pub(crate) fn viewer(out: &mut impl Sink, ring: Option<&Ring>, now_ms: TimestampMs, own: f32) {
    let side = Side::Viewer;
    let mut pen = Pen { out, side };
    last_ones(&mut pen, ring, own);
    pace(&mut pen, ring, now_ms, own);
    let (mut lengths, mut count) = (0.0, 0.0);
    for seen in newest(ring).filter(|seen| seen.outcome.long_view) {
        lengths += log_duration(i64::from(seen.duration_ms)) - LOG_DURATION;
        count += 1.0;
    }
    let text = "mean log duration of long-viewed videos";
    pen.put("liked_length", "50", text, lengths / (count + 1.0));
    let rejected = |seen: &&Seen| seen.outcome.told.is_some_and(|told| told.reject);
    let rejects = newest(ring).filter(rejected).count();
    pen.put("rejects", "50", "videos the viewer did not want", rejects as f32);
    let length = ring.map_or(0, Ring::len) as f32;
    pen.put("length", "", "impressions remembered, logarithm", volume(length));
}

/// What became of the last impressions.
fn last_ones(pen: &mut Pen<'_, impl Sink>, ring: Option<&Ring>, own: f32) {
    for (count, window) in [
        (1, "1"),
        (2, "2"),
        (3, "3"),
        (5, "5"),
        (10, "10"),
        (20, "20"),
        (RING_MAX, "50"),
    ] {
        let (mut tally, mut likes) = (Tally::default(), 0.0);
        for seen in newest(ring).take(count) {
            tally.add(1.0, seen.outcome.long_view);
            likes += f32::from(u8::from(seen.outcome.like));
        }
        let text = "long-view rate of the last impressions, log-odds above the viewer's";
        pen.put("long_view", window, text, tally.lift(own));
        if count >= 5 {
            let text = "likes among the last impressions, logarithm";
            pen.put("likes", window, text, volume(likes));
        }
    }
    for (count, window) in [(1, "1"), (3, "3"), (5, "5"), (10, "10"), (20, "20")] {
        let (mut ratio, mut open, mut all) = (RATIO, OPEN, 1.0);
        for told in newest(ring).filter_map(|seen| seen.outcome.told).take(count) {
            ratio += told.ratio;
            open += f32::from(u8::from(told.open));
            all += 1.0;
        }
        let text = "mean watched share of the last impressions";
        pen.put("ratio", window, text, ratio / all - RATIO);
        let text = "share of the last impressions that were turned to";
        pen.put("open", window, text, open / all - OPEN);
    }
}

/// How fast impressions came.
fn pace(pen: &mut Pen<'_, impl Sink>, ring: Option<&Ring>, now_ms: TimestampMs, own: f32) {
    let timed = || newest(ring).map_while(|seen| seen.at_ms.map(|at_ms| (at_ms, seen.outcome)));
    let log_s = |ms: i64| (ms.max(0) as f32 / 1_000.0).ln_1p().min(NEVER_LOG_S);
    let last_ms = timed().next().map(|(at_ms, _)| at_ms);
    let gap = last_ms.map_or(NEVER_LOG_S, |at_ms| log_s(now_ms.saturating_sub(at_ms)));
    pen.put("gap", "", "seconds since the last impression, logarithm", gap);
    for (reach_ms, window) in [
        (60_000, "1m"),
        (600_000, "10m"),
        (3_600_000, "1h"),
        (86_400_000, "1d"),
    ] {
        let mut tally = Tally::default();
        for (_, outcome) in timed().take_while(|(at_ms, _)| now_ms.saturating_sub(*at_ms) < reach_ms) {
            tally.add(1.0, outcome.long_view);
        }
        let text = "impressions within this time, logarithm";
        pen.put("shown", window, text, volume(tally.all));
        let text = "long-view rate within this time, log-odds above the viewer's";
        pen.put("long_view", window, text, tally.lift(own));
    }
    let (mut count, mut before) = (0.0, now_ms);
    for (at_ms, _) in timed() {
        if before.saturating_sub(at_ms) > SESSION_GAP_MS {
            break;
        }
        count += 1.0;
        before = at_ms;
    }
    let text = "impressions of this session so far, logarithm";
    pen.put("session_depth", "", text, volume(count));
    let text = "seconds since this session began, logarithm";
    pen.put("session_age", "", text, log_s(now_ms.saturating_sub(before)));
}

/// Mean of the logarithm of a duration in milliseconds, about 13 s.
const LOG_DURATION: f32 = 9.5;

pub(super) fn log_duration(duration_ms: i64) -> f32 {
    (duration_ms.max(500) as f32).ln()
}
