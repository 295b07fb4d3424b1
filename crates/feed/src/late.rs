//! Late binding: what each viewer's client holds and has not shown yet, so that its order can be settled anew at every swipe.
//!
//! A client loads the next few videos ahead. Without this their order would be as old as their page. What it may hold is what was given
//! to it in its newest sitting; nothing else is taken from a request. Kept in memory: after a restart the client's videos are
//! unknown, come back as dropped, and others take their places.
//!
//! What is dropped for something better was never on screen. It may come again in the same sitting: turning to one topic must not use up
//! what there is of it. A client need not take an answer (its viewer may have swiped on meanwhile): one that still holds what an answer
//! dropped holds it as before, and what that answer gave instead may come again.
//!
//! Back of the envelope: 48 bytes a video, 64 given and 64 dropped a viewer, 10 000 viewers: 62 MB at most.

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
/// Impressions remembered of each, the newest; as many that were dropped.
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
    by_viewer: HashMap<ViewerId, Sitting>,
    order: VecDeque<ViewerId>,
}

/// What was given since a viewer's newest sitting began, the newest last.
struct Sitting {
    at_ms: TimestampMs,
    held: VecDeque<Held>,
    /// Given, and never shown.
    dropped: VecDeque<Held>,
    /// What the last answer gave beside what the client held.
    added: Vec<VideoId>,
}

impl Sitting {
    const fn new(at_ms: TimestampMs) -> Self {
        Self {
            at_ms,
            held: VecDeque::new(),
            dropped: VecDeque::new(),
            added: Vec::new(),
        }
    }

    /// The client was told to drop some of `impressions` and holds them still: it did not take the last answer.
    fn take_back(&mut self, impressions: &[ImpressionId]) {
        let is_named = |held: &Held| impressions.contains(&held.impression);
        if !self.dropped.iter().any(is_named) {
            return;
        }
        let added = std::mem::take(&mut self.added);
        let (back, gone) = std::mem::take(&mut self.dropped).into_iter().partition(is_named);
        self.dropped = gone;
        let is_lost = |held: &Held| added.contains(&held.video) && !is_named(held);
        let (lost, kept): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.held).into_iter().partition(is_lost);
        self.held = kept;
        self.held.extend::<VecDeque<_>>(back);
        self.drop(lost);
    }

    fn drop(&mut self, gone: impl IntoIterator<Item = Held>) {
        self.dropped.extend(gone);
        keep_newest(&mut self.dropped);
    }
}

fn keep_newest<T>(list: &mut VecDeque<T>) {
    let beyond = list.len().saturating_sub(GIVEN_MAX);
    list.drain(..beyond);
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
        let sitting = to
            .by_viewer
            .entry(viewer)
            .or_insert_with(|| Sitting::new(sitting_ms));
        if sitting.at_ms != sitting_ms {
            *sitting = Sitting::new(sitting_ms);
        }
        for held in given {
            sitting.dropped.retain(|dropped| dropped.video != held.video);
            sitting.held.push_back(held);
        }
        keep_newest(&mut sitting.held);
    }

    /// Notes an answer about what the client held: what it must drop unseen, and which videos it was given beside the rest.
    pub(crate) fn settled(
        &self,
        viewer: ViewerId,
        sitting_ms: TimestampMs,
        dropped: &[ImpressionId],
        added: Vec<VideoId>,
    ) {
        let mut to = self.0.lock();
        let Some(sitting) = to.sitting_mut(viewer, sitting_ms) else {
            return;
        };
        let is_dropped = |held: &Held| dropped.contains(&held.impression);
        let (gone, kept): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut sitting.held)
            .into_iter()
            .partition(is_dropped);
        sitting.held = kept;
        sitting.drop(gone);
        sitting.added = added;
    }

    /// What was dropped unseen in this sitting and not given again since.
    pub(crate) fn dropped(&self, viewer: ViewerId, sitting_ms: TimestampMs) -> Vec<VideoId> {
        let mut to = self.0.lock();
        let sitting = to.sitting_mut(viewer, sitting_ms);
        sitting.map_or_else(Vec::new, |sitting| {
            sitting.dropped.iter().map(|held| held.video).collect()
        })
    }

    /// What a client holds that names `impressions`: those that were given in this sitting, in the order asked, each once.
    pub(crate) fn held(
        &self,
        viewer: ViewerId,
        sitting_ms: TimestampMs,
        impressions: &[ImpressionId],
    ) -> Vec<Held> {
        let mut to = self.0.lock();
        let Some(sitting) = to.sitting_mut(viewer, sitting_ms) else {
            return Vec::new();
        };
        sitting.take_back(impressions);
        let mut found: Vec<Held> = Vec::with_capacity(impressions.len());
        for impression in impressions {
            let held = sitting.held.iter().find(|held| held.impression == *impression);
            let is_new = |held: &&Held| !found.iter().any(|known| known.impression == held.impression);
            found.extend(held.filter(is_new).copied());
        }
        found
    }
}

impl GivenTo {
    fn sitting_mut(&mut self, viewer: ViewerId, sitting_ms: TimestampMs) -> Option<&mut Sitting> {
        self.by_viewer
            .get_mut(&viewer)
            .filter(|sitting| sitting.at_ms == sitting_ms)
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
            let found = given.held(viewer, sitting_ms, &asked);
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

    #[test]
    fn what_was_dropped_may_come_again_until_it_is_given_again() {
        let (given, viewer) = (Given::default(), ViewerId::from_raw(1));
        let impression = ImpressionId::from_raw;
        given.note(viewer, 10, (1..=4).map(held));
        given.settled(
            viewer,
            10,
            &[impression(2), impression(3), impression(9)],
            Vec::new(),
        );
        given.settled(viewer, 11, &[impression(1)], Vec::new());
        let dropped = || given.dropped(viewer, 10);
        assert_eq!(dropped(), [VideoId::from_raw(1_002), VideoId::from_raw(1_003)]);
        let again = Held {
            impression: impression(50),
            ..held(2)
        };
        given.note(viewer, 10, [again]);
        assert_eq!(dropped(), [VideoId::from_raw(1_003)]);
        assert_eq!(given.held(viewer, 10, &[impression(50)]), [again]);
        given.note(viewer, 20, [held(7)]);
        assert!(dropped().is_empty(), "of a sitting that is over");
    }

    #[test]
    fn a_client_that_did_not_take_an_answer_holds_what_it_held() {
        let (given, viewer) = (Given::default(), ViewerId::from_raw(1));
        let impressions =
            |raws: &[u64]| -> Vec<_> { raws.iter().map(|&raw| ImpressionId::from_raw(raw)).collect() };
        given.note(viewer, 10, (1..=4).map(held));
        // 2 and 3 give way to 5 and 6.
        given.note(viewer, 10, (5..=6).map(held));
        let added = (5..=6).map(|raw| held(raw).video).collect();
        given.settled(viewer, 10, &impressions(&[2, 3]), added);
        let still = given.held(viewer, 10, &impressions(&[2, 3, 4]));
        assert_eq!(still, [held(2), held(3), held(4)]);
        assert_eq!(given.dropped(viewer, 10), [held(5).video, held(6).video]);
        assert_eq!(
            given.held(viewer, 10, &impressions(&[4])),
            [held(4)],
            "and no further back"
        );
        assert_eq!(given.dropped(viewer, 10).len(), 2);
    }
}
