//! What a new video is owed: how many impressions, by when, and who is owed none. Pure functions of a row and a moment, so that whoever
//! explores and whoever explains say the same.

use types::TimestampMs;

use super::{POOL_SIZES, PoolRow, PoolState};

/// Impressions that every new video is owed.
pub const OWED_IMPRESSIONS: u64 = POOL_SIZES[0];
/// Within so long after its publication.
pub const OWED_WITHIN_MS: i64 = 6 * 3_600_000;
/// What is still owed after so long is written off: there are not enough viewers.
pub const WRITTEN_OFF_MS: i64 = 48 * 3_600_000;
/// Due at once, so that a video does not wait for its first viewers.
pub const HEAD_START: u64 = 10;
/// Videos of one creator and day that are owed impressions; more take their chance, so that nobody floods the others.
pub const CREATOR_OWED_MAX: usize = 20;

/// How a video stands to what it was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debt {
    /// Impressions are owed; so many are due by now.
    Owed { given: u64, due: u64 },
    /// It had them.
    Paid,
    /// Its creator published too many that day.
    OverBudget,
    /// It took too long.
    WrittenOff,
}

/// How many impressions a video of this age should have had.
pub fn due_impressions(age_ms: i64) -> u64 {
    let age_ms = age_ms.clamp(0, OWED_WITHIN_MS).unsigned_abs();
    (OWED_IMPRESSIONS * age_ms / OWED_WITHIN_MS.unsigned_abs()).max(HEAD_START)
}

impl Debt {
    /// What is owed to a video that is `before` other videos of its creator that day behind; none before it is published.
    pub fn of(now_ms: TimestampMs, row: &PoolRow, before: usize) -> Option<Self> {
        let age_ms = now_ms.saturating_sub(row.published?.published_ms);
        let given = row.counts.impressions.max(0).unsigned_abs();
        Some(match row.state() {
            PoolState::In(0) if given >= OWED_IMPRESSIONS => Self::Paid,
            PoolState::In(0) if age_ms > WRITTEN_OFF_MS => Self::WrittenOff,
            PoolState::In(0) if before >= CREATOR_OWED_MAX => Self::OverBudget,
            PoolState::In(0) => Self::Owed {
                given,
                due: due_impressions(age_ms),
            },
            PoolState::In(_) | PoolState::Open | PoolState::Stopped => Self::Paid,
        })
    }

    /// How far behind its schedule a video is, 0 to 1.
    pub fn urgency(self) -> f32 {
        match self {
            Self::Owed { given, due } => due.saturating_sub(given) as f32 / due.max(1) as f32,
            Self::Paid | Self::OverBudget | Self::WrittenOff => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use types::UserId;

    use super::*;
    use crate::pools::{PoolCounts, PoolProfile};

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_debt_grows_with_time_and_ends_when_it_is_paid_or_too_old() {
        let check = |age_ms: i64, impressions: i64, before: usize, expect: Debt, urgency: f32| {
            let row = PoolRow {
                published: Some(PoolProfile {
                    creator: UserId::from_raw(1),
                    published_ms: 0,
                    duration_ms: 1,
                }),
                counts: PoolCounts {
                    impressions,
                    ..PoolCounts::default()
                },
                ..PoolRow::default()
            };
            let debt = Debt::of(age_ms, &row, before).expect("it is published");
            assert_eq!((debt, debt.urgency()), (expect, urgency));
        };
        check(0, 0, 0, Debt::Owed { given: 0, due: 10 }, 1.0);
        check(-5, 10, 0, Debt::Owed { given: 10, due: 10 }, 0.0);
        check(3 * HOUR_MS, 75, 0, Debt::Owed { given: 75, due: 100 }, 0.25);
        check(9 * HOUR_MS, 100, 19, Debt::Owed { given: 100, due: 200 }, 0.5);
        check(9 * HOUR_MS, 100, 20, Debt::OverBudget, 0.0);
        check(49 * HOUR_MS, 100, 0, Debt::WrittenOff, 0.0);
        check(49 * HOUR_MS, 200, 0, Debt::Paid, 0.0);
        assert_eq!(Debt::of(0, &PoolRow::default(), 0), None);
    }
}
