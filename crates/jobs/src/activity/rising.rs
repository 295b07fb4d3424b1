//! Rising topics: hashtags, sounds and categories that draw far more interest, of far more people, than they did. It reads pulses, not
//! the log, and a topic's past is its only yardstick.
//!
//! ```text
//! expected μ = window × max(mean of the day, the hour before) + prior
//! surprise   = (n · ln(n/μ) − n + μ) / dispersion          (Chernoff's bound on ln P(X ≥ n), X Poisson with mean μ)
//! ```
//!
//! A topic begins to rise when, in one of the windows of 30, 60, 120 and 300 seconds, the surprise is at least [`SURPRISE_MIN`], the
//! interest at least [`LIFT_MIN`] times the expected, and of at least [`VIEWERS_MIN`] people: what a few do by themselves, or a robot
//! does a thousand times, does not rise. It goes on while five minutes hold twice of what was expected, and six hours at most: by then it
//! is its own past.
//!
//! False alarms, if interest is as the model says (one event in two repeats the one before): e⁻²¹ ≈ 10⁻⁹ a look and window. With four windows, of which one in 30 s is new,
//! and 10 000 topics: 10⁴ × 4 × 2 880 × 10⁻⁹ ≈ 0.1 a day. Cost: 36 additions a topic and refresh, 10 000 topics in about 2 ms every 2 s.

use feature_store::{BEAT_MS, BEATS_KEPT, Beat, FeatureStore, PulseRow, RISING_MAX, Rising, USAGE_BIN_MS};

/// Windows that end now, in beats.
const WINDOWS: [i64; 4] = [3, 6, 12, 30];
/// The window by which it is told whether a topic still rises.
const HOLDING: i64 = 30;
const SURPRISE_MIN: f64 = 21.0;
const LIFT_MIN: f64 = 3.0;
const HOLDING_LIFT_MIN: f64 = 2.0;
const VIEWERS_MIN: u32 = 8;
/// Variance by mean: a view that is completed is often liked too.
const DISPERSION: f64 = 2.0;
/// Events that any window may hold by chance, however quiet the topic was.
const PRIOR: f64 = 0.5;
const HOURS: i64 = 24;
const RISING_MS_MAX: i64 = 6 * 3_600_000;

/// The topics that rise as of `now_ms`, the strongest first. Those of `before` keep their beginning.
pub(super) fn refresh(store: &FeatureStore, before: &[Rising], now_ms: i64) -> Vec<Rising> {
    let mut rising = Vec::new();
    store.pulses_each_since(now_ms - BEATS_KEPT as i64 * BEAT_MS, |what, row| {
        let known = before.iter().find(|known| known.what == *what);
        let since_ms = known.map(|known| known.since_ms);
        if let Some(burst) = burst(row, since_ms, now_ms) {
            rising.push(Rising {
                what: what.clone(),
                since_ms: since_ms.unwrap_or(now_ms),
                lift: burst.lift as f32,
                per_minute: burst.per_minute,
                viewers: burst.viewers,
            });
        }
    });
    rising.sort_unstable_by(|a, b| b.lift.total_cmp(&a.lift).then_with(|| a.what.cmp(&b.what)));
    rising.truncate(RISING_MAX);
    metrics::gauge!("riffle_trending_rising").set(rising.len() as f64);
    rising
}

struct Burst {
    lift: f64,
    per_minute: u32,
    viewers: u32,
}

/// Whether a topic rises as of `now_ms`, when it has been known to since `since_ms`.
fn burst(row: &PulseRow, since_ms: Option<i64>, now_ms: i64) -> Option<Burst> {
    let second = expected_per_s(row, now_ms);
    let lift_of = |beats: i64| {
        let (seen, expected) = (sum(row, beats, now_ms), expected(second, beats));
        (seen, expected, seen.interest.max(0) as f64 / expected)
    };
    let found = match since_ms {
        Some(since_ms) if now_ms - since_ms > RISING_MS_MAX => None,
        Some(_) => Some(lift_of(HOLDING)).filter(|(_, _, lift)| *lift >= HOLDING_LIFT_MIN),
        None => WINDOWS.map(lift_of).into_iter().find(|(seen, expected, lift)| {
            *lift >= LIFT_MIN
                && surprise(seen.interest, *expected) >= SURPRISE_MIN
                && viewers(seen.viewers) >= VIEWERS_MIN
        }),
    };
    let (seen, _, lift) = found?;
    Some(Burst {
        lift,
        per_minute: sum(row, 6, now_ms).interest.max(0).try_into().unwrap_or(u32::MAX),
        viewers: viewers(seen.viewers),
    })
}

/// What is to be expected of a topic in a second: the day's mean or the last whole hour, whichever is more, so that a morning that
/// comes every day does not rise. The hour under way is left out: it may be the rise itself.
fn expected_per_s(row: &PulseRow, now_ms: i64) -> f64 {
    let hour = now_ms.div_euclid(USAGE_BIN_MS);
    let past = |from: i64| {
        let within = row
            .hours
            .iter()
            .filter(|(number, _)| (from..hour).contains(number));
        within.map(|(_, interest)| (*interest).max(0)).sum::<i64>() as f64
    };
    let hour_s = USAGE_BIN_MS as f64 / 1000.0;
    let day = past(hour - HOURS) / (HOURS as f64 * hour_s);
    day.max(past(hour - 1) / hour_s)
}

fn expected(per_s: f64, beats: i64) -> f64 {
    per_s * (beats * BEAT_MS) as f64 / 1000.0 + PRIOR
}

/// The last `beats` ten seconds, the one under way among them.
fn sum(row: &PulseRow, beats: i64, now_ms: i64) -> Beat {
    let newest = now_ms.div_euclid(BEAT_MS);
    let mut all = Beat::default();
    let within = row.beats.iter().filter(|(number, _)| *number > newest - beats);
    within.for_each(|(_, beat)| all.merge(beat));
    all
}

fn surprise(seen: i64, expected: f64) -> f64 {
    let seen = seen as f64;
    match seen > expected {
        true => (seen * (seen / expected).ln() - seen + expected) / DISPERSION,
        false => 0.0,
    }
}

/// How many set the bits of a set of 64 (linear counting, Whang et al. 1990); from about 200 on a lower bound.
fn viewers(bits: u64) -> u32 {
    let empty = bits.count_zeros().max(1);
    (-64.0 * (f64::from(empty) / 64.0).ln()).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::input::Random;

    const HOUR: i64 = 400_000;
    const NOW_MS: i64 = HOUR * USAGE_BIN_MS + 1_800_000;

    /// A topic with so much interest in each of the last hours, and by beats before now, of so many viewers each.
    fn row(hourly: i64, beats: &[(i64, i64)], viewers: u32) -> PulseRow {
        let now = NOW_MS / BEAT_MS;
        let bits = if viewers == 64 {
            u64::MAX
        } else {
            (1 << viewers) - 1
        };
        let beat = |&(ago, interest): &(i64, i64)| {
            let beat = Beat {
                interest,
                viewers: bits,
                ..Beat::default()
            };
            (now - ago, beat)
        };
        PulseRow {
            beats: beats.iter().rev().map(beat).collect(),
            hours: (HOUR - 24..HOUR).map(|hour| (hour, hourly)).collect(),
        }
    }

    fn rises(row: &PulseRow) -> bool {
        burst(row, None, NOW_MS).is_some()
    }

    #[test]
    fn a_rise_is_judged_by_the_topics_own_past() {
        // (a beat has, interest an hour before) → rises
        let check = |hourly: i64, beats: &[(i64, i64)], expect: bool| {
            assert_eq!(rises(&row(hourly, beats, 20)), expect, "{hourly} {beats:?}");
        };
        check(0, &[(0, 10), (1, 9)], true);
        check(0, &[(0, 5), (1, 4)], false);
        // One in ten seconds is nothing new, twenty are.
        check(360, &[(0, 1), (1, 1), (2, 1)], false);
        check(360, &[(0, 20), (1, 20), (2, 1)], true);
        // A big topic that doubles does not rise, one that is five times itself does.
        let steady = |each: i64| (0..30).map(|ago| (ago, each)).collect::<Vec<_>>();
        check(36_000, &steady(200), false);
        check(36_000, &steady(500), true);
    }

    #[test]
    fn a_few_people_make_no_rise() {
        let loud = [(0, 500), (1, 500)];
        assert!(!rises(&row(10, &loud, 5)));
        assert!(rises(&row(10, &loud, 12)));
    }

    #[test]
    fn a_busy_hour_before_is_part_of_the_yardstick() {
        let mut topic = row(0, &[(0, 100), (1, 100), (2, 100)], 64);
        assert!(rises(&topic));
        topic.hours = vec![(HOUR - 1, 36_000)];
        assert!(!rises(&topic));
        // The hour under way is not.
        topic.hours = vec![(HOUR, 36_000)];
        assert!(rises(&topic));
    }

    #[test]
    fn it_goes_on_while_it_is_twice_itself_and_no_longer_than_six_hours() {
        let holds = |each: i64, since_ms: i64| {
            let beats: Vec<(i64, i64)> = (0..30).map(|ago| (ago, each)).collect();
            burst(&row(3_600, &beats, 20), Some(since_ms), NOW_MS).is_some()
        };
        assert!(holds(25, NOW_MS - 1_000));
        assert!(!holds(15, NOW_MS - 1_000));
        assert!(!holds(25, NOW_MS - RISING_MS_MAX - 1));
    }

    #[test]
    fn viewers_are_counted_from_bits() {
        assert_eq!([0, 1, 0b11, u64::MAX].map(viewers), [0, 1, 2, 266]);
    }

    /// Interest that is as the model says makes no false alarm in a day of 50 topics of all sizes, looked at every ten seconds.
    #[test]
    fn chance_makes_no_rise() {
        let mut random = Random(7);
        let mut alarms = 0;
        for topic in 0..50 {
            let mean = 0.02 * 1.16_f64.powi(topic);
            let mut beats: Vec<(i64, Beat)> = Vec::new();
            let hourly = (mean * 360.0) as i64;
            for step in 0..8_640 {
                let interest = poisson(mean / 2.0, &mut random) * 2;
                let beat = Beat {
                    interest,
                    viewers: u64::MAX,
                    ..Beat::default()
                };
                beats.push((NOW_MS / BEAT_MS + step, beat));
                if beats.len() > BEATS_KEPT {
                    beats.remove(0);
                }
                let now_ms = NOW_MS + step * BEAT_MS;
                let hour = now_ms / USAGE_BIN_MS;
                let row = PulseRow {
                    beats: beats.clone(),
                    hours: (hour - 24..hour).map(|hour| (hour, hourly)).collect(),
                };
                alarms += usize::from(burst(&row, None, now_ms).is_some());
            }
        }
        assert_eq!(alarms, 0);
    }

    /// By inversion, in steps of a mean of at most 30.
    fn poisson(mean: f64, random: &mut Random) -> i64 {
        let (mut left, mut count) = (mean, 0);
        while left > 0.0 {
            let part = left.min(30.0);
            left -= part;
            let mut product = unit(random);
            while product > (-part).exp() {
                count += 1;
                product *= unit(random);
            }
        }
        count
    }

    /// Above 0, at most 1.
    fn unit(random: &mut Random) -> f64 {
        ((random.draw() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}
