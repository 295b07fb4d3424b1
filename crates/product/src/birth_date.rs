//! A birth date and how old it makes someone. Civil calendar only: no time zones, no clock.

use types::TimestampMs;

use crate::Result;
use crate::error::ProductError;

const YEAR_MIN: i32 = 1900;
const DAY_MS: i64 = 86_400_000;
const FIELD: &str = "birthDate";

/// A day of the Gregorian calendar; ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CivilDate {
    year: i32,
    month: u32,
    day: u32,
}

impl CivilDate {
    /// Reads `YYYY-MM-DD`, from 1900 on.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refuse = || ProductError::invalid(FIELD, "birthDate is a date as YYYY-MM-DD, from 1900 on");
        let shape = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shape {
            return Err(refuse());
        }
        let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().map_err(|_| refuse());
        let date = Self {
            year: number(0..4)? as i32,
            month: number(5..7)?,
            day: number(8..10)?,
        };
        if date.exists() { Ok(date) } else { Err(refuse()) }
    }

    /// The UTC day of a moment (days-to-civil by eras of 400 years, after H. Hinnant, "chrono-compatible date algorithms").
    pub fn of(at_ms: TimestampMs) -> Self {
        let days = at_ms.div_euclid(DAY_MS) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year: year as i32,
            month: month as u32,
            day: day as u32,
        }
    }

    /// Full years from this date to `today`; someone born on 29 February has the birthday on 1 March in other years.
    pub(crate) fn age_years(self, today: Self) -> i32 {
        let had_birthday = (today.month, today.day) >= (self.month, self.day);
        today.year - self.year - i32::from(!had_birthday)
    }

    fn exists(self) -> bool {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match self.month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        self.year >= YEAR_MIN && (1..=days).contains(&self.day)
    }
}

impl std::fmt::Display for CivilDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let check = |text: &str, expect: bool| {
            let parsed = CivilDate::parse(text);
            assert_eq!(parsed.is_ok(), expect, "{text}");
            if let Ok(date) = parsed {
                assert_eq!(date.to_string(), text);
            }
        };
        check("2000-02-29", true);
        check("1900-01-01", true);
        check("2001-02-29", false);
        check("1900-02-29", false);
        check("2000-13-01", false);
        check("2000-00-10", false);
        check("2000-04-31", false);
        check("1899-12-31", false);
        check("2000-1-01", false);
        check("20000-01-1", false);
        check("+200-01-01", false);
        check("２０00-01", false);
        check("", false);
    }

    #[test]
    fn days_of_moments() {
        let check = |at_ms: i64, expect: &str| assert_eq!(CivilDate::of(at_ms).to_string(), expect);
        check(0, "1970-01-01");
        check(-1, "1969-12-31");
        check(951_782_400_000, "2000-02-29");
        check(1_795_219_200_000, "2026-11-21");
        check(1_735_689_599_999, "2024-12-31");
    }

    #[test]
    fn ages() {
        let check = |born: &str, today: &str, expect: i32| {
            let date = |text| CivilDate::parse(text).expect("a date of this table");
            assert_eq!(date(born).age_years(date(today)), expect, "{born} on {today}");
        };
        check("2013-11-21", "2026-11-21", 13);
        check("2013-11-22", "2026-11-21", 12);
        check("2012-02-29", "2025-02-28", 12);
        check("2012-02-29", "2025-03-01", 13);
        check("2026-11-22", "2026-11-21", -1);
    }
}
