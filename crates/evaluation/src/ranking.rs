//! Protocol A: ranking of the whole catalogue after a split in time.
//!
//! The collaborative generator of `retrieval` is fed everything before the split, event after event as a live feed would, fitted once, and
//! asked for each user's best videos of the whole catalogue. [`protocol`] says who counts and what for, [`baselines`] holds plain methods
//! under the same rules. Nothing at or after the split reaches any of them. No tuning happens here.
//!
//! The split is at nine tenths of the *first* folder's log (eight tenths when tuning): further folders are people to learn from and to be
//! evaluated on, and never move it. Their rows are on both sides of the same moment.
//!
//! Cost: nearly all of it is the fit, 2n³ multiply-adds and 12n² B for n fitted videos: 0.4 T and 0.4 GB at 5 900 (arithmetic), about 20 s of
//! processor (measured). The plain methods add a fit of the whole catalogue.

pub mod baselines;
mod error;
mod protocol;
mod recommend;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::dataset::{Dataset, read_user_list};
use crate::metrics::{hit_rate_at, ndcg_at, recall_at};

pub use error::RankingError;
pub use protocol::{Case, Split, SplitTimes, UnknownSplit, cases, split_times};
pub use recommend::Recommender;

/// Length of the lists.
const LIST: usize = 20;

/// What to evaluate.
#[derive(Debug, Clone)]
pub struct Args {
    /// Folders to read. The first, the developer's, sets the split times alone; all are learnt from.
    pub data: Vec<PathBuf>,
    /// Evaluate these users only, and learn from everybody.
    pub eval_users: Option<PathBuf>,
    pub split: Split,
    /// Measure the plain methods too.
    pub baselines: bool,
}

/// The measures of one method, averaged over users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measures {
    pub recall_at_20: f64,
    pub ndcg_at_10: f64,
    pub ndcg_at_20: f64,
    pub hit_rate_at_10: f64,
    /// Distinct videos in all lists over videos in the catalogue.
    pub coverage_at_20: f64,
}

/// The measures of the product's generator and the counts behind them. Flat in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub protocol: &'static str,
    pub split: Split,
    #[serde(flatten)]
    pub measures: Measures,
    /// Users with a target.
    pub users: usize,
    pub targets: usize,
    /// Users with a positive before the split; the others are cold.
    pub users_with_positives: usize,
    /// Users on the list of whom the data holds nothing at all; None without a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users_unknown: Option<usize>,
    pub catalogue: usize,
    /// Exposures learnt from.
    pub exposures: usize,
    pub split_time_ms: i64,
    /// Reading, learning and ranking; with the plain methods, those too.
    pub wall_s: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Baseline>,
}

/// A plain method's measures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    pub method: &'static str,
    #[serde(flatten)]
    pub measures: Measures,
}

/// Runs the protocol.
///
/// # Errors
/// When a folder or the list of users cannot be read, or when there is nobody to evaluate.
pub fn run(args: &Args) -> Result<Report, RankingError> {
    let started = Instant::now();
    let developer = Dataset::read(args.data.get(..1).unwrap_or_default())?;
    let times = split_times(&developer);
    let data = match args.data.len() {
        1 => developer,
        _ => Dataset::read(&args.data)?,
    };
    let list = args
        .eval_users
        .as_deref()
        .map(|path| read_list(path, &data))
        .transpose()?;
    let only = list.as_ref().map(|list| &list.users);
    let mut report = evaluate(&data, times, args.split, only)?;
    report.users_unknown = list.as_ref().map(|list| list.unknown);
    if args.baselines {
        report.baselines = compare(&data, times, args.split, only);
    }
    report.wall_s = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Runs the protocol on data in memory; `only` limits who is evaluated, not who is learnt from.
///
/// # Errors
/// [`RankingError::NoTarget`].
pub fn evaluate(
    data: &Dataset,
    times: SplitTimes,
    split: Split,
    only: Option<&HashSet<u64>>,
) -> Result<Report, RankingError> {
    let started = Instant::now();
    let range = times.range(split);
    let cases = cases(data, &range, only);
    if cases.is_empty() {
        let split_time_ms = range.start;
        return Err(RankingError::NoTarget { split, split_time_ms });
    }
    let recommender = Recommender::learn(data, range.start);
    Ok(Report {
        protocol: "ranking",
        split,
        measures: measure(data, &cases, |case| recommender.rank(case.user, &case.seen, LIST)),
        users: cases.len(),
        targets: cases.iter().map(|case| case.targets.len()).sum(),
        users_with_positives: cases.iter().filter(|case| case.has_positive).count(),
        users_unknown: None,
        catalogue: data.items.len(),
        exposures: recommender.exposures(),
        split_time_ms: range.start,
        wall_s: started.elapsed().as_secs_f64(),
        baselines: Vec::new(),
    })
}

/// The plain methods under the same rules, on the same cases.
pub fn compare(
    data: &Dataset,
    times: SplitTimes,
    split: Split,
    only: Option<&HashSet<u64>>,
) -> Vec<Baseline> {
    let range = times.range(split);
    let cases = cases(data, &range, only);
    let mut found = Vec::new();
    baselines::each(data, range.start, |method, ranker| {
        let measures = measure(data, &cases, |case| ranker.rank(case.user, &case.seen, LIST));
        found.push(Baseline { method, measures });
    });
    found
}

struct UserList {
    users: HashSet<u64>,
    unknown: usize,
}

/// Reads the list. People who are unknown are counted, not refused: a list may be older than the data; one that fits nobody is an error.
fn read_list(path: &Path, data: &Dataset) -> Result<UserList, RankingError> {
    let users = read_user_list(path)?;
    let path = path.to_owned();
    if users.is_empty() {
        return Err(RankingError::NobodyListed { path });
    }
    let mut known: HashSet<u64> = data.users.keys().copied().collect();
    known.extend(data.history.iter().map(|event| event.user));
    known.extend(data.interactions.iter().map(|row| row.user));
    let unknown = users.difference(&known).count();
    if unknown == users.len() {
        let listed = users.len();
        return Err(RankingError::AllUnknown { path, listed });
    }
    Ok(UserList { users, unknown })
}

/// Averages over the cases of one method's lists.
fn measure(data: &Dataset, cases: &[Case], mut rank: impl FnMut(&Case) -> Vec<u64>) -> Measures {
    let mut sums = Measures::default();
    let mut covered = HashSet::new();
    for case in cases {
        let (ranked, targets) = (rank(case), &case.targets);
        sums.recall_at_20 += recall_at(&ranked, targets, 20).unwrap_or_default();
        sums.ndcg_at_10 += ndcg_at(&ranked, targets, 10).unwrap_or_default();
        sums.ndcg_at_20 += ndcg_at(&ranked, targets, 20).unwrap_or_default();
        sums.hit_rate_at_10 += hit_rate_at(&ranked, targets, 10).unwrap_or_default();
        covered.extend(ranked);
    }
    let users = cases.len().max(1) as f64;
    Measures {
        recall_at_20: sums.recall_at_20 / users,
        ndcg_at_10: sums.ndcg_at_10 / users,
        ndcg_at_20: sums.ndcg_at_20 / users,
        hit_rate_at_10: sums.hit_rate_at_10 / users,
        coverage_at_20: covered.len() as f64 / data.items.len().max(1) as f64,
    }
}

#[cfg(test)]
mod tests;
