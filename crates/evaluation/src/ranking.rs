//! Protocol A: ranking of the whole catalogue after a split in time.
//!
//! The collaborative generator of `retrieval` is fed everything before the split, event after event as the live feed is, fitted once, and asked for
//! each user's best videos of the whole catalogue. The split is at nine tenths of the first folder's log (eight tenths when tuning); [`protocol`]
//! says who counts and what for. Nothing at or after the split reaches the generator. No tuning happens here.
//!
//! Cost: nearly all of it is the fit, 2n³ multiply-adds and 12n² B for n fitted videos (arithmetic).

mod protocol;
mod recommend;

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::dataset::{Dataset, DatasetError, read_user_list};
use crate::metrics::{hit_rate_at, ndcg_at, recall_at};

pub use protocol::{Case, Split, SplitTimes, cases, split_times};
pub use recommend::Recommender;

/// Length of the lists.
const LIST: usize = 20;

/// What to evaluate.
#[derive(Debug, Clone)]
pub struct Args {
    /// Folders to read; the first sets the split times.
    pub data: Vec<PathBuf>,
    /// Evaluate these users only, and learn from everybody.
    pub eval_users: Option<PathBuf>,
    pub split: Split,
}

/// The measures, averaged over users, and the counts behind them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub protocol: &'static str,
    pub split: Split,
    pub recall_at_20: f64,
    pub ndcg_at_10: f64,
    pub ndcg_at_20: f64,
    pub hit_rate_at_10: f64,
    /// Distinct videos in all lists over videos in the catalogue.
    pub coverage_at_20: f64,
    /// Users with a target.
    pub users: usize,
    pub targets: usize,
    /// Users with a positive before the split.
    pub users_with_positives: usize,
    pub catalogue: usize,
    /// Exposures learnt from.
    pub exposures: usize,
    pub split_time_ms: i64,
}

/// Runs the protocol.
///
/// # Errors
/// When a folder or the list of users cannot be read.
pub fn run(args: &Args) -> Result<Report, DatasetError> {
    let first = args.data.get(..1).unwrap_or_default();
    let times = split_times(&Dataset::read(first)?);
    let data = Dataset::read(&args.data)?;
    let only = args.eval_users.as_deref().map(read_user_list).transpose()?;
    Ok(evaluate(&data, times, args.split, only.as_ref()))
}

/// Runs the protocol on data in memory; `only` limits who is evaluated, not who is learnt from.
pub fn evaluate(data: &Dataset, times: SplitTimes, split: Split, only: Option<&HashSet<u64>>) -> Report {
    let range = times.range(split);
    let cases = cases(data, &range, only);
    let recommender = Recommender::learn(data, range.start);
    let mut sums = Sums::default();
    let mut covered = HashSet::new();
    for case in &cases {
        let ranked = recommender.rank(case.user, &case.seen, LIST);
        sums.add(&ranked, &case.targets);
        covered.extend(ranked);
    }
    let users = cases.len().max(1) as f64;
    Report {
        protocol: "ranking",
        split,
        recall_at_20: sums.recall_at_20 / users,
        ndcg_at_10: sums.ndcg_at_10 / users,
        ndcg_at_20: sums.ndcg_at_20 / users,
        hit_rate_at_10: sums.hit_rate_at_10 / users,
        coverage_at_20: covered.len() as f64 / data.items.len().max(1) as f64,
        users: cases.len(),
        targets: cases.iter().map(|case| case.targets.len()).sum(),
        users_with_positives: cases.iter().filter(|case| case.has_positive).count(),
        catalogue: data.items.len(),
        exposures: recommender.exposures(),
        split_time_ms: range.start,
    }
}

#[derive(Debug, Default)]
struct Sums {
    recall_at_20: f64,
    ndcg_at_10: f64,
    ndcg_at_20: f64,
    hit_rate_at_10: f64,
}

impl Sums {
    fn add(&mut self, ranked: &[u64], targets: &[u64]) {
        self.recall_at_20 += recall_at(ranked, targets, 20).unwrap_or_default();
        self.ndcg_at_10 += ndcg_at(ranked, targets, 10).unwrap_or_default();
        self.ndcg_at_20 += ndcg_at(ranked, targets, 20).unwrap_or_default();
        self.hit_rate_at_10 += hit_rate_at(ranked, targets, 10).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
