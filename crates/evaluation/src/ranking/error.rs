//! Why a ranking could not be evaluated. Never a wrong figure: an evaluation without anybody to evaluate is an error, not a zero.

use std::path::PathBuf;

use super::protocol::Split;
use crate::dataset::DatasetError;

/// All of these are the caller's or the data's fault; asking again does not help.
#[derive(Debug, thiserror::Error)]
pub enum RankingError {
    #[error("the data cannot be read")]
    Data(#[from] DatasetError),
    #[error("{path} lists no user")]
    NobodyListed { path: PathBuf },
    #[error("{path} lists {listed} users and the data knows none of them")]
    AllUnknown { path: PathBuf, listed: usize },
    #[error(
        "nobody to evaluate: no user has a new long view in the {split} period, from {split_time_ms} ms on"
    )]
    NoTarget { split: Split, split_time_ms: i64 },
}
