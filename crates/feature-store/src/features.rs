//! The counters and features of one entity: totals, and sums over sliding windows that fade until they are written again.
//! Made by the `activity` job; the one place that says how a window fades.

use types::TimestampMs;

use crate::bytes::{Row, put_f32, put_i64, put_varint};
use crate::counts::{Counts, MEASURES, Measure};
use crate::shelf::Stored;

/// Heat halves in this time.
pub const HEAT_HALF_LIFE_MS: f32 = 6.0 * 3_600_000.0;

/// A stretch of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    Minutes5 = 0,
    Hour = 1,
    Day = 2,
    Week = 3,
}

/// How many windows there are.
pub const WINDOWS: usize = 4;

impl Window {
    pub const ALL: [Self; WINDOWS] = [Self::Minutes5, Self::Hour, Self::Day, Self::Week];

    pub const fn ms(self) -> i64 {
        match self {
            Self::Minutes5 => 300_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
            Self::Week => 604_800_000,
        }
    }
}

/// What is known of one entity. Absolute: taking it twice is taking it once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureRow {
    pub totals: Counts,
    /// By [`Window`] and [`Measure`], as of `at_ms`.
    pub windows: [[f32; MEASURES]; WINDOWS],
    /// Views, each halving in weight every [`HEAT_HALF_LIFE_MS`], as of `at_ms`.
    pub heat: f32,
    /// When the newest thing counted happened.
    pub at_ms: TimestampMs,
    /// The entity is no more: the row goes.
    pub gone: bool,
}

impl FeatureRow {
    pub fn total(&self, measure: Measure) -> u64 {
        self.totals.shown(measure)
    }

    /// The sum over `window`. Nothing new since `at_ms` halves it every window's length; in truth it falls in steps, which only a
    /// reader of the bins could know.
    pub fn recent(&self, measure: Measure, window: Window, now_ms: TimestampMs) -> f32 {
        let sum = self.windows[window as usize][measure as usize].max(0.0);
        sum * fade(now_ms - self.at_ms, window.ms() as f32)
    }

    /// Recent views, fading.
    pub fn heat(&self, now_ms: TimestampMs) -> f32 {
        self.heat * fade(now_ms - self.at_ms, HEAT_HALF_LIFE_MS)
    }
}

/// What is left after `age_ms` of something that halves every `half_life_ms`.
fn fade(age_ms: i64, half_life_ms: f32) -> f32 {
    (-(age_ms.max(0) as f32) / half_life_ms).exp2()
}

impl Stored for FeatureRow {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        put_i64(&mut out, self.at_ms);
        put_f32(&mut out, self.heat);
        self.totals.encode(&mut out);
        for window in &self.windows {
            let present = || window.iter().enumerate().filter(|(_, sum)| **sum != 0.0);
            put_varint(
                &mut out,
                present().fold(0, |mask, (number, _)| mask | 1 << number),
            );
            present().for_each(|(_, &sum)| put_f32(&mut out, sum));
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut row = Row(bytes);
        let mut read = Self {
            at_ms: row.i64()?,
            heat: row.f32()?,
            totals: Counts::decode(&mut row)?,
            ..Self::default()
        };
        for window in &mut read.windows {
            let mask = row.varint()?;
            for number in (0..MEASURES).filter(|number| mask >> number & 1 == 1) {
                window[number] = row.f32()?;
            }
        }
        Some(read)
    }

    fn used_ms(&self) -> TimestampMs {
        self.at_ms
    }

    fn is_gone(&self) -> bool {
        self.gone
    }
}

/// A video's counters, as scoring and pages read them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct VideoCounters {
    pub impressions: u64,
    /// Accepted watches.
    pub views: u64,
    /// Watches that reached the end.
    pub completions: u64,
    /// Left within two seconds, or early as the player judged.
    pub early_skips: u64,
    pub watch_ms: u64,
    pub loops: u64,
    heat: f32,
    heat_at_ms: TimestampMs,
}

impl VideoCounters {
    /// Recent views, each halving in weight every [`HEAT_HALF_LIFE_MS`].
    pub fn heat(&self, now_ms: TimestampMs) -> f32 {
        self.heat * fade(now_ms - self.heat_at_ms, HEAT_HALF_LIFE_MS)
    }
}

impl VideoCounters {
    /// The heat, and when it was so.
    pub(crate) fn heat_as_of(&self) -> (f32, TimestampMs) {
        (self.heat, self.heat_at_ms)
    }
}

impl From<&FeatureRow> for VideoCounters {
    fn from(row: &FeatureRow) -> Self {
        Self {
            impressions: row.total(Measure::Impression),
            views: row.total(Measure::View),
            completions: row.total(Measure::Completion),
            early_skips: row.total(Measure::EarlySkip),
            watch_ms: row.total(Measure::WatchMs),
            loops: row.total(Measure::Loop),
            heat: row.heat,
            heat_at_ms: row.at_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_windows_fade() {
        let mut row = FeatureRow {
            totals: Counts::of(Measure::View, 9),
            heat: 4.0,
            at_ms: 1_000,
            ..FeatureRow::default()
        };
        row.windows[Window::Hour as usize][Measure::View as usize] = 8.0;
        row.windows[Window::Day as usize][Measure::Like as usize] = -1.0;
        assert_eq!(FeatureRow::decode(&row.encode()), Some(row.clone()));
        let recent = |after_ms: i64| row.recent(Measure::View, Window::Hour, 1_000 + after_ms);
        assert_eq!((recent(-5), recent(0), recent(3_600_000)), (8.0, 8.0, 4.0));
        assert_eq!(
            row.recent(Measure::Like, Window::Day, 1_000),
            0.0,
            "never shown below 0"
        );
        assert_eq!(row.heat(1_000 + 6 * 3_600_000), 2.0);
        assert_eq!(VideoCounters::from(&row).views, 9);
    }
}
