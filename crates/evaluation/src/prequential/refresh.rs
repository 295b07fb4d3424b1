//! When serving weights change.

use std::fmt;
use std::str::FromStr;

use types::TimestampMs;

use super::{REPORT_FROM_MS, UTC_OFFSET_MS};

const HOUR_MS: i64 = 3_600_000;

/// When the weights that score are brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// After each event.
    Event,
    /// At wall-clock boundaries of this period, aligned to the viewers' clock.
    Every { period_ms: i64 },
    /// Never after the report window starts; after each event before.
    Frozen,
    /// After each event, but so much later.
    Delayed { by_ms: i64 },
}

/// Why a text is not a refresh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a refresh: event, frozen, or hours such as 1h, 6h, 24h")]
pub struct ParseRefreshError(String);

impl FromStr for Refresh {
    type Err = ParseRefreshError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseRefreshError(text.to_owned());
        match text {
            "event" => Ok(Self::Event),
            "frozen" => Ok(Self::Frozen),
            _ => {
                let hours: u16 = text
                    .strip_suffix('h')
                    .and_then(|hours| hours.parse().ok())
                    .ok_or_else(refuse)?;
                let hours = (1..=24 * 366)
                    .contains(&hours)
                    .then_some(hours)
                    .ok_or_else(refuse)?;
                Ok(Self::Every {
                    period_ms: i64::from(hours) * HOUR_MS,
                })
            }
        }
    }
}

impl fmt::Display for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event => f.write_str("event"),
            Self::Frozen => f.write_str("frozen"),
            Self::Every { period_ms } => write!(f, "{}h", period_ms / HOUR_MS),
            Self::Delayed { by_ms } => write!(f, "delayed {} s", by_ms / 1_000),
        }
    }
}

impl serde::Serialize for Refresh {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Refresh {
    /// Whether an event of `then_ms` has been learned when one of `now_ms`, not before it, is scored.
    pub fn has_learned(self, then_ms: TimestampMs, now_ms: TimestampMs) -> bool {
        let period_of =
            |at_ms: TimestampMs, period_ms: i64| at_ms.saturating_add(UTC_OFFSET_MS).div_euclid(period_ms);
        match self {
            Self::Event => true,
            Self::Every { period_ms } => period_of(then_ms, period_ms) < period_of(now_ms, period_ms),
            Self::Frozen => then_ms < REPORT_FROM_MS,
            Self::Delayed { by_ms } => then_ms.saturating_add(by_ms) <= now_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["event", "1h", "6h", "24h", "frozen"] {
            assert_eq!(name.parse::<Refresh>().expect(name).to_string(), name);
        }
        for name in ["", "h", "0h", "-1h", "24", "daily"] {
            assert!(name.parse::<Refresh>().is_err(), "{name}");
        }
    }

    #[test]
    fn boundaries_are_on_the_viewers_clock() {
        let day = "24h".parse::<Refresh>().expect("a period");
        let check = |refresh: Refresh, then_ms, now_ms, learned| {
            assert_eq!(
                refresh.has_learned(then_ms, now_ms),
                learned,
                "{refresh} {then_ms} {now_ms}"
            );
        };
        check(day, REPORT_FROM_MS - 1, REPORT_FROM_MS, true);
        check(day, REPORT_FROM_MS, REPORT_FROM_MS + 24 * HOUR_MS - 1, false);
        check(day, REPORT_FROM_MS, REPORT_FROM_MS + 24 * HOUR_MS, true);
        check(Refresh::Frozen, REPORT_FROM_MS, i64::MAX, false);
        check(Refresh::Frozen, REPORT_FROM_MS - 1, REPORT_FROM_MS - 1, true);
        check(Refresh::Delayed { by_ms: 10 }, 0, 9, false);
        check(Refresh::Delayed { by_ms: 10 }, 0, 10, true);
        check(Refresh::Event, 5, 5, true);
    }
}
