//! Late binding: what each viewer's client holds and has not shown yet, so that its order can be settled anew at every swipe.
//!
//! A client loads the next few videos ahead. Without this their order would be as old as their page. What it may hold is what was given
//! to it in its newest sitting; nothing else is taken from a request. Kept in memory: after a restart the client's videos are
//! unknown, come back as dropped, and others take their places.
//!
//! Back of the envelope: 48 bytes a video, 64 videos a viewer, 10 000 viewers: 31 MB at most.

use std::collections::{HashMap, VecDeque};

use candidate_pipeline::{BoxFuture, Source, Stage, StageError};
use event::Source as Finder;
use feature_store::FeatureStore;
use parking_lot::Mutex;
use std::sync::Arc;
use types::{ImpressionId, TimestampMs, VideoId, ViewerId};

use crate::model::{Query, VideoCandidate};

/// Videos a client may hold unseen.
pub const UNSEEN_MAX: usize = 12;
/// Videos appended to them at most.
pub const APPEND_MAX: usize = 10;
/// Videos appended when the caller does not say.
pub const APPEND_DEFAULT: usize = 2;
/// Viewers remembered; who came longest ago leaves first.
const VIEWERS_MAX: usize = 10_000;
/// Impressions remembered of each, the newest.
const GIVEN_MAX: usize = 64;

/// A video that was given to a client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Held {
    pub impression: ImpressionId,
    pub video: VideoId,
    /// Who found it.
    pub source: Finder,
    /// Drawn to explore: it keeps its place, for its propensity is of that place.
    pub explored: bool,
    /// That draw was an even one.
    pub even: bool,
    pub propensity: f32,
}

impl Held {
    pub(crate) const fn of(impression: ImpressionId, candidate: &VideoCandidate) -> Self {
        Self {
            impression,
            video: candidate.video,
            source: candidate.sources.first(),
            explored: candidate.explored,
            even: candidate.even,
            propensity: candidate.propensity,
        }
    }
}

/// What was given in each viewer's newest sitting.
#[derive(Default)]
pub(crate) struct Given(Mutex<GivenTo>);

#[derive(Default)]
struct GivenTo {
    by_viewer: HashMap<ViewerId, (TimestampMs, VecDeque<Held>)>,
    order: VecDeque<ViewerId>,
}

impl Given {
    /// Notes what was given to `viewer` in the sitting that began at `sitting_ms`; another sitting's is forgotten.
    pub(crate) fn note(
        &self,
        viewer: ViewerId,
        sitting_ms: TimestampMs,
        given: impl IntoIterator<Item = Held>,
    ) {
        let mut to = self.0.lock();
        if !to.by_viewer.contains_key(&viewer) {
            to.order.push_back(viewer);
            if to.order.len() > VIEWERS_MAX
                && let Some(first) = to.order.pop_front()
            {
                to.by_viewer.remove(&first);
            }
        }
        let (sitting, held) = to
            .by_viewer
            .entry(viewer)
            .or_insert_with(|| (sitting_ms, VecDeque::new()));
        if *sitting != sitting_ms {
            *sitting = sitting_ms;
            held.clear();
        }
        held.extend(given);
        let beyond = held.len().saturating_sub(GIVEN_MAX);
        held.drain(..beyond);
    }

    /// Those of `impressions` that were given in this sitting, in the order asked, each once.
    pub(crate) fn find(
        &self,
        viewer: ViewerId,
        sitting_ms: TimestampMs,
        impressions: &[ImpressionId],
    ) -> Vec<Held> {
        let to = self.0.lock();
        let Some((_, given)) = to
            .by_viewer
            .get(&viewer)
            .filter(|(sitting, _)| *sitting == sitting_ms)
        else {
            return Vec::new();
        };
        let mut found: Vec<Held> = Vec::with_capacity(impressions.len());
        for impression in impressions {
            let held = given.iter().find(|held| held.impression == *impression);
            let is_new = |held: &&Held| !found.iter().any(|known| known.impression == held.impression);
            found.extend(held.filter(is_new).copied());
        }
        found
    }
}

/// Source: what the client holds, so that it competes with everything else for its place.
pub(crate) struct HeldByClient(pub Arc<FeatureStore>);

impl Stage for HeldByClient {
    fn name(&self) -> &'static str {
        "held"
    }

    fn about(&self) -> &'static str {
        "what the client has loaded and not shown yet (late binding only)"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl Source<Query, VideoCandidate> for HeldByClient {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        Box::pin(async move {
            if query.held.is_empty() {
                return Ok(Vec::new());
            }
            let catalog = self.0.catalog();
            let candidate = |held: &Held| {
                let slot = catalog.slot_of(held.video)?;
                Some(VideoCandidate::new(slot, held.video, held.source))
            };
            Ok(query.held.iter().filter_map(candidate).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(raw: u64) -> Held {
        Held {
            impression: ImpressionId::from_raw(raw),
            video: VideoId::from_raw(raw + 1_000),
            source: Finder::Fresh,
            explored: false,
            even: false,
            propensity: 1.0,
        }
    }

    #[test]
    fn only_what_was_given_in_this_sitting_is_found_and_each_once() {
        let (given, viewer) = (Given::default(), ViewerId::from_raw(1));
        given.note(viewer, 10, (1..=100).map(held));
        let find = |viewer, sitting_ms, raws: &[u64]| -> Vec<u64> {
            let asked: Vec<_> = raws.iter().map(|&raw| ImpressionId::from_raw(raw)).collect();
            let found = given.find(viewer, sitting_ms, &asked);
            found.iter().map(|held| held.impression.raw()).collect()
        };
        assert_eq!(
            find(viewer, 10, &[99, 98, 99, 500, 3]),
            [99, 98],
            "3 is too old by now"
        );
        assert!(find(viewer, 11, &[99]).is_empty(), "of another sitting");
        assert!(
            find(ViewerId::from_raw(2), 10, &[99]).is_empty(),
            "of somebody else"
        );
        given.note(viewer, 20, [held(200)]);
        assert!(find(viewer, 10, &[99]).is_empty());
        assert_eq!(find(viewer, 20, &[200]), [200]);
    }
}
