//! A step on the traffic ladder: what was decided about a new video, and on which evidence. Who decides, and how, is not said here.

use types::{TimestampMs, VideoId};

/// A decision about one video. Once it stands in the log it stands: of two about the same level the first counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolChange {
    pub video: VideoId,
    pub at_ms: TimestampMs,
    /// The level that is left, from 0.
    pub level: u8,
    pub verdict: PoolVerdict,
    /// How often it had been on a screen, since it was published.
    pub impressions: u64,
    /// Of these, those whose outcome is known; a share counts as one more.
    pub trials: u64,
    /// Of the trials, those that went well: watched for long, or shared.
    pub successes: u64,
    /// What it was compared with: the success rate of its peers' median.
    pub median: f32,
    /// The posterior probability of being better than that.
    pub better: f32,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PoolVerdict {
    /// On to the next, larger pool.
    Promoted,
    /// No more exploration: it is worse than its peers.
    Stopped,
}
