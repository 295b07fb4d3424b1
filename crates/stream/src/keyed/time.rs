//! Event time: device clocks clamped to ours, and watermarks that only records and idleness move.
//!
//! No clock is read here.

/// Before the first record.
pub const WATERMARK_NONE_MS: i64 = i64::MIN;

/// How a job treats time. All in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimePolicy {
    /// Records may come this much out of order before they are late.
    pub disorder_ms_max: i64,
    /// Late records up to this age still correct what was told; older ones are only counted.
    pub late_ms_max: i64,
    /// A device clock further from ours than this is replaced by ours.
    pub skew_ms_max: i64,
    /// A partition whose watermark is ahead of the slowest active one by more is not read until that one has caught up.
    pub ahead_ms_max: i64,
}

impl Default for TimePolicy {
    fn default() -> Self {
        Self {
            disorder_ms_max: 10_000,
            late_ms_max: 600_000,
            skew_ms_max: 300_000,
            ahead_ms_max: 30_000,
        }
    }
}

/// When something happened, as far as a job believes it, and whether that is too long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTime {
    pub at_ms: i64,
    pub lateness: Lateness,
}

/// How an event time stands to the watermark of its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    OnTime,
    /// Behind the watermark, within [`TimePolicy::late_ms_max`]: what was told about that time is corrected.
    Late,
    /// Too old to correct anything: count it, and leave it to the batch recount.
    TooLate,
}

impl TimePolicy {
    /// The believed time of something that a device dated `at_ms` and we received at `received_ms`: never later than received,
    /// and ours when the clocks differ too much.
    pub fn believed_ms(&self, at_ms: i64, received_ms: i64) -> i64 {
        if at_ms.abs_diff(received_ms) > self.skew_ms_max.unsigned_abs() {
            return received_ms;
        }
        at_ms.min(received_ms)
    }

    /// How `at_ms` stands to `watermark_ms`.
    pub fn lateness(&self, at_ms: i64, watermark_ms: i64) -> Lateness {
        if at_ms >= watermark_ms {
            Lateness::OnTime
        } else if at_ms >= watermark_ms.saturating_sub(self.late_ms_max) {
            Lateness::Late
        } else {
            Lateness::TooLate
        }
    }

    /// The watermark that a record received at `received_ms` allows.
    pub(crate) fn watermark_ms(&self, received_ms: i64) -> i64 {
        received_ms.saturating_sub(self.disorder_ms_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_clocks_are_believed_within_reason() {
        let policy = TimePolicy::default();
        let check = |at_ms: i64, expect: i64| assert_eq!(policy.believed_ms(at_ms, 1_000_000), expect);
        check(1_000_000, 1_000_000);
        check(999_000, 999_000);
        check(700_000, 700_000);
        check(699_999, 1_000_000);
        check(1_000_001, 1_000_000);
        check(1_300_001, 1_000_000);
        check(i64::MIN, 1_000_000);
        check(i64::MAX, 1_000_000);
    }

    #[test]
    fn lateness_has_two_borders() {
        let policy = TimePolicy::default();
        let check = |at_ms: i64, watermark_ms: i64, expect: Lateness| {
            assert_eq!(policy.lateness(at_ms, watermark_ms), expect);
        };
        check(10, 10, Lateness::OnTime);
        check(9, 10, Lateness::Late);
        check(-599_990, 10, Lateness::Late);
        check(-599_991, 10, Lateness::TooLate);
        check(i64::MIN, WATERMARK_NONE_MS, Lateness::OnTime);
    }
}
