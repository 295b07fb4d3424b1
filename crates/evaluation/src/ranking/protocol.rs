//! Who is evaluated, on what, and what must not be recommended. Knows no model.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::Serialize;
use types::TimestampMs;

use crate::dataset::Dataset;

/// Which part of the log is predicted from all before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// The ninth tenth: for choosing settings.
    Validation,
    /// The last tenth: for reporting.
    #[default]
    Test,
}

impl Split {
    fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A split must be `validation` or `test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a split is validation or test")]
pub struct UnknownSplit;

impl FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(text: &str) -> Result<Self, UnknownSplit> {
        [Self::Validation, Self::Test]
            .into_iter()
            .find(|split| split.name() == text)
            .ok_or(UnknownSplit)
    }
}

/// Where the log is split. By time, so that events of one moment stay together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitTimes {
    pub validation_ms: TimestampMs,
    pub test_ms: TimestampMs,
}

impl SplitTimes {
    /// From where to where is evaluated; everything before the start may be learnt.
    pub fn range(self, split: Split) -> Range<TimestampMs> {
        match split {
            Split::Validation => self.validation_ms..self.test_ms,
            Split::Test => self.test_ms..TimestampMs::MAX,
        }
    }
}

/// The times of the rows at eight and nine tenths, 0-based. 0 for an empty log.
pub fn split_times(data: &Dataset) -> SplitTimes {
    let rows = data.interactions.len();
    let at = |tenths: usize| {
        data.interactions
            .get(tenth(rows, tenths))
            .map_or(0, |row| row.time_ms)
    };
    SplitTimes {
        validation_ms: at(8),
        test_ms: at(9),
    }
}

/// `floor(rows · tenths / 10)` without overflow.
fn tenth(rows: usize, tenths: usize) -> usize {
    rows / 10 * tenths + rows % 10 * tenths / 10
}

/// One user to recommend to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub user: u64,
    /// Every video of the user before the split, watched or not: never recommended.
    pub seen: HashSet<u64>,
    /// What held the user in the evaluated period, less what was seen; ascending, never empty.
    pub targets: Vec<u64>,
    /// Whether anything held the user before the split.
    pub has_positive: bool,
}

/// The users with a target, ascending.
pub fn cases(data: &Dataset, range: &Range<TimestampMs>, only: Option<&HashSet<u64>>) -> Vec<Case> {
    let mut targets: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for row in data
        .interactions
        .iter()
        .filter(|row| range.contains(&row.time_ms) && row.outcome.long_view)
    {
        if only.is_none_or(|only| only.contains(&row.user)) {
            targets.entry(row.user).or_default().insert(row.video);
        }
    }
    let mut before: BTreeMap<u64, (HashSet<u64>, bool)> = BTreeMap::new();
    let mut note = |user: u64, video: u64, long_view: bool| {
        let (seen, positive) = before.entry(user).or_default();
        seen.insert(video);
        *positive |= long_view;
    };
    data.history
        .iter()
        .for_each(|event| note(event.user, event.video, event.long_view));
    let earlier = data.interactions.iter().filter(|row| row.time_ms < range.start);
    earlier.for_each(|row| note(row.user, row.video, row.outcome.long_view));
    let case = |(user, targets): (u64, BTreeSet<u64>)| {
        let (seen, has_positive) = before.remove(&user).unwrap_or_default();
        let targets: Vec<u64> = targets
            .into_iter()
            .filter(|video| !seen.contains(video))
            .collect();
        (!targets.is_empty()).then_some(Case {
            user,
            seen,
            targets,
            has_positive,
        })
    };
    targets.into_iter().filter_map(case).collect()
}
