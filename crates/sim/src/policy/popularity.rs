//! The same for everybody: what most people finished lately. The baseline that every personal feed must beat.

use crate::catalogue::Shown;
use crate::config::HOUR_MS;
use crate::policy::{Context, Feedback, Pick, Policy, Truth, best};
use crate::random::Draws;

/// Pseudo-views: a new video is judged like an average one until this many have seen it.
const PRIOR_VIEWS: f64 = 8.0;
const PRIOR_RATE: f64 = 0.3;
/// Counts halve in this time.
const HALF_MS: f64 = 24.0 * HOUR_MS as f64;

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    views: f64,
    finished: f64,
    at_ms: i64,
}

impl Counts {
    fn fade(&mut self, now_ms: i64) {
        let kept = (-((now_ms - self.at_ms).max(0) as f64) / HALF_MS).exp2();
        self.views *= kept;
        self.finished *= kept;
        self.at_ms = now_ms;
    }
}

/// See the file's header. Ties, such as among new videos, are broken at random.
#[derive(Debug, Default)]
pub struct Popularity {
    counts: Vec<Counts>,
}

impl Policy for Popularity {
    fn name(&self) -> String {
        "popularity".to_owned()
    }

    fn publish(&mut self, video: &Shown) {
        self.counts.push(Counts {
            at_ms: video.born_ms,
            ..Counts::default()
        });
    }

    fn choose(
        &mut self,
        context: &Context<'_>,
        candidates: &[&Shown],
        _: Truth<'_>,
        places: usize,
        draws: &mut Draws,
    ) -> Vec<Pick> {
        let mut rate = |video: &&Shown| {
            let counts = &mut self.counts[video.index as usize];
            counts.fade(context.now_ms);
            let rate = (counts.finished + PRIOR_VIEWS * PRIOR_RATE) / (counts.views + PRIOR_VIEWS);
            rate + 1e-6 * draws.unit()
        };
        let rates: Vec<f64> = candidates.iter().map(&mut rate).collect();
        best(&rates, places)
    }

    fn observe(&mut self, feedback: &Feedback<'_>) {
        let counts = &mut self.counts[feedback.video.index as usize];
        counts.fade(feedback.ended_ms);
        counts.views += 1.0;
        counts.finished += f64::from(u8::from(feedback.outcome.completed));
    }
}
