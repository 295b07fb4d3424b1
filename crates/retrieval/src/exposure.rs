//! What a candidate generator learns from: one video on one screen. It does not say how the viewer felt beyond "engaged".

use types::TimestampMs;

/// One video that was shown to one viewer, once its outcome is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    pub viewer: u64,
    pub video: u64,
    /// Event time; generators know no other clock.
    pub at_ms: TimestampMs,
    /// The viewer stayed: a long view, or any explicit sign of liking it.
    pub engaged: bool,
}

/// A video and how much a generator speaks for it. Scores of one generator compare with each other only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub video: u64,
    pub score: f32,
}

impl Scored {
    /// Best first; equals by video, ascending, so that a list never depends on the order in which it was put together.
    pub fn best_first(a: &Self, b: &Self) -> std::cmp::Ordering {
        b.score.total_cmp(&a.score).then(a.video.cmp(&b.video))
    }
}

/// Keeps the best `count`, best first.
pub fn keep_best(scored: &mut Vec<Scored>, count: usize) {
    if scored.len() > count && count > 0 {
        scored.select_nth_unstable_by(count - 1, Scored::best_first);
    }
    scored.truncate(count);
    scored.sort_unstable_by(Scored::best_first);
}
