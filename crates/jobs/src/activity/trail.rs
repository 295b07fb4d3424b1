//! What was done with one entity and when: totals for ever, five-minute bins of the last hour, hours of the last day, days of the last
//! week. And what all that means as features.
//!
//! Only whole numbers are kept, so a trail does not depend on the order in which things were added; features are computed from it
//! when asked for.

use feature_store::bytes::{Row, put_i64, put_signed, put_varint};
use feature_store::{Counts, FeatureRow, HEAT_HALF_LIFE_MS, MEASURES, Measure, TREND_BIN_MS};
use stream::keyed::Bins;

/// Width of the finest bins; the others are made of them.
pub(crate) const MINUTES_MS: i64 = TREND_BIN_MS;
const HOUR_MS: i64 = 12 * MINUTES_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// One more of each than its window has, for the part of the oldest that still counts.
pub(crate) const MINUTES_KEPT: usize = 13;
const HOURS_KEPT: usize = 25;
const DAYS_KEPT: usize = 8;

/// See the file's header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trail {
    pub(crate) totals: Counts,
    /// When the newest thing happened; 0 before the first.
    pub(crate) last_ms: i64,
    pub(crate) minutes: Bins<Counts>,
    pub(crate) hours: Bins<Counts>,
    days: Bins<Counts>,
}

impl Trail {
    /// Adds what happened in the five minutes of number `bin`.
    pub(crate) fn add(&mut self, bin: i64, counts: &Counts) {
        self.totals.merge(counts);
        self.add_minutes(bin, counts);
        if let Some(held) = self.hours.entry(bin.div_euclid(12), HOURS_KEPT) {
            held.merge(counts);
        }
        if let Some(held) = self.days.entry(bin.div_euclid(12 * 24), DAYS_KEPT) {
            held.merge(counts);
        }
    }

    /// Adds to the last hour alone.
    pub(crate) fn add_minutes(&mut self, bin: i64, counts: &Counts) {
        if let Some(held) = self.minutes.entry(bin, MINUTES_KEPT) {
            held.merge(counts);
        }
    }

    /// Adds all of another trail.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.totals.merge(&other.totals);
        self.last_ms = self.last_ms.max(other.last_ms);
        merge_bins(&mut self.minutes, &other.minutes, MINUTES_KEPT);
        merge_bins(&mut self.hours, &other.hours, HOURS_KEPT);
        merge_bins(&mut self.days, &other.days, DAYS_KEPT);
    }

    /// The same without one measure.
    pub(crate) fn without(&self, measure: Measure) -> Self {
        let mut rest = Self {
            totals: self.totals.without(measure),
            last_ms: self.last_ms,
            ..Self::default()
        };
        for (bins, into, kept) in [
            (&self.minutes, &mut rest.minutes, MINUTES_KEPT),
            (&self.hours, &mut rest.hours, HOURS_KEPT),
            (&self.days, &mut rest.days, DAYS_KEPT),
        ] {
            for (number, counts) in bins.parts() {
                if let Some(held) = into.entry(*number, kept) {
                    *held = counts.without(measure);
                }
            }
        }
        rest
    }

    /// The number of the newest five minutes.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.minutes.parts().last().map(|(number, _)| *number)
    }

    /// Totals and windows as of the newest thing.
    pub(crate) fn features(&self) -> FeatureRow {
        let at_ms = self.last_ms;
        FeatureRow {
            totals: self.totals,
            windows: [
                window(&self.minutes, MINUTES_MS, 1, at_ms),
                window(&self.minutes, MINUTES_MS, 12, at_ms),
                window(&self.hours, HOUR_MS, 24, at_ms),
                window(&self.days, DAY_MS, 7, at_ms),
            ],
            heat: self.heat(),
            at_ms,
            gone: false,
        }
    }

    /// Views by the hour, each hour weighing less the longer it is over.
    fn heat(&self) -> f32 {
        let weighed = |(hour, counts): &(i64, Counts)| {
            let over_ms = (self.last_ms - (hour + 1) * HOUR_MS).max(0) as f32;
            counts.get(Measure::View).max(0) as f32 * (-over_ms / HEAT_HALF_LIFE_MS).exp2()
        };
        self.hours.parts().iter().map(weighed).sum()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_i64(out, self.last_ms);
        self.totals.encode(out);
        put_bins(out, &self.minutes);
        put_bins(out, &self.hours);
        put_bins(out, &self.days);
    }

    pub(crate) fn decode(row: &mut Row<'_>) -> Option<Self> {
        Some(Self {
            last_ms: row.i64()?,
            totals: Counts::decode(row)?,
            minutes: take_bins(row)?,
            hours: take_bins(row)?,
            days: take_bins(row)?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.minutes.heap_bytes() + self.hours.heap_bytes() + self.days.heap_bytes()
    }
}

fn merge_bins(into: &mut Bins<Counts>, from: &Bins<Counts>, kept: usize) {
    for (number, counts) in from.parts() {
        if let Some(held) = into.entry(*number, kept) {
            held.merge(counts);
        }
    }
}

/// The sum over the last `count` widths that end at `at_ms`: whole bins, and of the oldest the part that lies within.
fn window(bins: &Bins<Counts>, width_ms: i64, count: i64, at_ms: i64) -> [f32; MEASURES] {
    let newest = Bins::<Counts>::number(at_ms, width_ms);
    let mut whole = Counts::default();
    for (_, counts) in bins.range(newest - count + 1, newest) {
        whole.merge(counts);
    }
    let mut sums = [0.0; MEASURES];
    whole
        .present()
        .for_each(|(number, amount)| sums[number] = amount as f32);
    let within = 1.0 - at_ms.rem_euclid(width_ms) as f32 / width_ms as f32;
    for (_, counts) in bins.range(newest - count, newest - count) {
        counts
            .present()
            .for_each(|(number, amount)| sums[number] += amount as f32 * within);
    }
    sums
}

fn put_bins(out: &mut Vec<u8>, bins: &Bins<Counts>) {
    put_varint(out, bins.parts().len() as u64);
    for (number, counts) in bins.parts() {
        put_signed(out, *number);
        counts.encode(out);
    }
}

fn take_bins(row: &mut Row<'_>) -> Option<Bins<Counts>> {
    let count = row.varint()?;
    let bins = (0..count).map(|_| Some((row.signed()?, Counts::decode(row)?)));
    Bins::from_parts(bins.collect::<Option<_>>()?)
}

#[cfg(test)]
mod tests {
    use feature_store::Window;

    use super::*;

    /// (when, how many views) → recent views by window at the last of them.
    #[test]
    fn windows_hold_what_lies_within_them() {
        let check = |views: &[(i64, i64)], expect: [f32; 4]| {
            for turn in [false, true] {
                let mut trail = Trail::default();
                let mut views = views.to_vec();
                if turn {
                    views.reverse();
                }
                for (at_ms, count) in views {
                    trail.add(
                        Bins::<Counts>::number(at_ms, MINUTES_MS),
                        &Counts::of(Measure::View, count),
                    );
                    trail.last_ms = trail.last_ms.max(at_ms);
                }
                let row = trail.features();
                let recent = Window::ALL.map(|window| row.recent(Measure::View, window, row.at_ms));
                assert_eq!(recent, expect, "turned: {turn}");
                let mut bytes = Vec::new();
                trail.encode(&mut bytes);
                assert_eq!(Trail::decode(&mut Row(&bytes)), Some(trail));
            }
        };
        let day = 100 * DAY_MS;
        check(&[(day, 3)], [3.0; 4]);
        // Four of five minutes later: a fifth of the bin before still counts.
        check(
            &[(day, 10), (day + MINUTES_MS * 9 / 5, 1)],
            [3.0, 11.0, 11.0, 11.0],
        );
        check(&[(day, 10), (day + HOUR_MS, 1)], [1.0, 11.0, 11.0, 11.0]);
        check(&[(day, 10), (day + HOUR_MS * 3 / 2, 1)], [1.0, 1.0, 11.0, 11.0]);
        check(&[(day, 10), (day + DAY_MS * 2, 1)], [1.0, 1.0, 1.0, 11.0]);
        check(&[(day, 10), (day + DAY_MS * 15 / 2, 2)], [2.0, 2.0, 2.0, 7.0]);
        check(&[(day, 10), (day + DAY_MS * 30, 1)], [1.0; 4]);
    }

    #[test]
    fn heat_halves_in_six_hours_and_totals_stay() {
        let mut trail = Trail::default();
        trail.add(0, &Counts::of(Measure::View, 8));
        trail.last_ms = 7 * HOUR_MS;
        assert_eq!(trail.features().heat, 4.0);
        trail.add(12 * 24 * 365, &Counts::of(Measure::View, 1));
        trail.last_ms = DAY_MS * 365;
        let row = trail.features();
        assert_eq!((row.heat, row.total(Measure::View)), (1.0, 9));
    }
}
