//! The hour a row is filed under: UTC, by the time we received it.
//!
//! Calendar arithmetic on the proleptic Gregorian calendar, after Howard Hinnant's
//! [`chrono`-compatible algorithms](https://howardhinnant.github.io/date_algorithms.html). It reads no clock.

use std::collections::BTreeMap;
use std::fmt;

use types::TimestampMs;

const HOUR_MS: i64 = 3_600_000;
const HOURS_A_DAY: i64 = 24;
/// 9999-12-31T23: the last hour that every SQL engine can spell.
const LAST: i64 = 2_932_896 * HOURS_A_DAY + 23;

/// A time of receipt as it is filed: our clock, within the calendar of SQL from 1970 on.
pub(crate) fn filed(at_ms: TimestampMs) -> TimestampMs {
    at_ms.clamp(0, (LAST + 1) * HOUR_MS - 1)
}

/// One hour of one day, counted from 1970-01-01T00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hour(i64);

impl Hour {
    /// The hour of a time. Times before 1970 and after 9999 are filed under the nearest hour there is.
    pub fn of(at_ms: TimestampMs) -> Self {
        Self(filed(at_ms).div_euclid(HOUR_MS))
    }

    /// From the values of the partition columns, such as `2026-01-31` and `5`.
    pub fn parse(day: &str, hour: &str) -> Option<Self> {
        let mut parts = day.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let hour: i64 = hour.parse().ok()?;
        let known = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        (known && (0..HOURS_A_DAY).contains(&hour))
            .then(|| Self(days_from_civil(year, month, day) * HOURS_A_DAY + hour))
    }

    /// The value of the partition column `day`: `2026-01-31`.
    pub fn day(self) -> String {
        let (year, month, day) = civil_from_days(self.0.div_euclid(HOURS_A_DAY));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// The value of the partition column `hour`: 0 to 23.
    pub fn hour_of_day(self) -> u8 {
        self.0.rem_euclid(HOURS_A_DAY) as u8
    }

    /// The values of the partition columns of its files, as a table's log spells them.
    pub(crate) fn partition_values(self) -> BTreeMap<String, Option<String>> {
        [("day", self.day()), ("hour", self.hour_of_day().to_string())]
            .map(|(column, value)| (column.to_owned(), Some(value)))
            .into()
    }

    /// When it is over.
    pub fn end_ms(self) -> TimestampMs {
        (self.0 + 1) * HOUR_MS
    }
}

/// The folder of the hour: `day=2026-01-31/hour=05`.
impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "day={}/hour={:02}", self.day(), self.hour_of_day())
    }
}

const DAYS_AN_ERA: i64 = 146_097;
/// Days from 0000-03-01, where the algorithm's eras begin, to 1970-01-01.
const EPOCH_DAY: i64 = 719_468;

/// Year, month and day of a number of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + EPOCH_DAY;
    let era = shifted.div_euclid(DAYS_AN_ERA);
    let day_of_era = shifted.rem_euclid(DAYS_AN_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_AN_ERA + day_of_era - EPOCH_DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_hour() {
        let check = |at_ms: i64, expect: &str| assert_eq!(Hour::of(at_ms).to_string(), expect, "{at_ms}");
        check(0, "day=1970-01-01/hour=00");
        check(3_599_999, "day=1970-01-01/hour=00");
        check(3_600_000, "day=1970-01-01/hour=01");
        check(951_782_400_000, "day=2000-02-29/hour=00");
        check(1_772_323_199_999, "day=2026-02-28/hour=23");
        check(1_772_323_200_000, "day=2026-03-01/hour=00");
        check(4_107_542_400_000, "day=2100-03-01/hour=00");
        check(-1, "day=1970-01-01/hour=00");
        check(i64::MIN, "day=1970-01-01/hour=00");
        check(i64::MAX, "day=9999-12-31/hour=23");
    }

    #[test]
    fn partition_values_lead_back() {
        for at in (0..LAST).step_by(9_973) {
            let hour = Hour(at);
            let back = Hour::parse(&hour.day(), &hour.hour_of_day().to_string());
            assert_eq!(back, Some(hour));
            assert_eq!(Hour::of(hour.end_ms() - 1), hour);
        }
        for (day, hour) in [
            ("2026-01", "1"),
            ("2026-13-01", "1"),
            ("2026-01-01", "24"),
            ("", ""),
            ("x-1-1", "1"),
        ] {
            assert_eq!(Hour::parse(day, hour), None, "{day} {hour}");
        }
    }
}
