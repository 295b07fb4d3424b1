//! How a video spreads, on the wire: for its creator.

use serde::{Deserialize, Serialize};
use types::VideoId;
use utoipa::ToSchema;

/// How far a video has come, what it was promised, and what happens next.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    pub video_id: VideoId,
    pub as_of_ms: i64,
    /// Absent until it is published.
    pub published_ms: Option<i64>,
    /// Times on a screen in For You, since it was published.
    pub impressions: u64,
    pub next: DistributionNext,
    pub promise: DistributionPromise,
    /// From the first pool to the last; those that were not reached have no figures.
    pub pools: Vec<DistributionPool>,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DistributionNext {
    /// It is not published.
    Publish,
    /// It is being shown to its first viewers.
    FirstViewers,
    /// It is shown to try it out; nothing is certain yet.
    Trying,
    /// It has been tried enough: it goes on as soon as it proves better than its peers.
    Proving,
    /// It passed all pools: it is shown wherever it fits.
    Open,
    /// It is tried out no more; those who look for such videos still find it.
    Stopped,
}

/// The first impressions, which every new video is promised.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DistributionPromise {
    pub impressions: u64,
    /// When all of them are due; absent until it is published.
    pub due_ms: Option<i64>,
    /// Of those, how many were given.
    pub given: u64,
    pub state: DistributionPromiseState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DistributionPromiseState {
    /// It is not published.
    Waiting,
    OnTime,
    Behind,
    /// All were given.
    Kept,
    /// Its creator published more than are promised impressions in one day.
    OverDailyLimit,
    /// There were not enough viewers within two days.
    GivenUp,
}

/// One pool, and how the video did in it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DistributionPool {
    /// Impressions after which the video can go on.
    pub size: u64,
    pub state: DistributionPoolState,
    /// In this pool alone.
    pub impressions: u64,
    /// Of 100 viewers whose watching is known, how many watched long or shared; absent before the first.
    pub went_well_percent: Option<f64>,
    /// The same of the middle one among videos of similar length in this pool; absent where the video was not.
    pub peers_percent: Option<f64>,
    /// How many videos that was taken of; 0 while there are too few and a usual value is assumed.
    pub peers: u64,
    /// How sure it was, of 100, that the video is better than that, when it was decided.
    pub better_percent: Option<f64>,
    /// When it left the pool.
    pub left_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DistributionPoolState {
    /// Not reached.
    Ahead,
    /// The video is in it.
    Here,
    /// It did better than its peers and went on.
    Passed,
    /// It did worse than its peers.
    Stopped,
}
