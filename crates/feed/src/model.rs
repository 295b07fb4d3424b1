//! The query and the candidate that flow through the For You pipeline.

use std::sync::{Arc, OnceLock};

use candidate_pipeline::{Asked, Candidate};
use event::{FeedMode, Source};
use feature::Row;
use feature_store::{Slot, Trending, VideoProfile};
use slate::Prices;
use types::{Region, TimestampMs, VideoId, ViewerId};

use crate::explore::{EvenSample, Explored};
use crate::history::History;
use crate::late::Held;
use crate::quota::Asks;
use crate::steering::Steering;

/// One request for a page.
pub(crate) struct Query {
    pub viewer: ViewerId,
    /// Where the viewer seems to be.
    pub region: Option<Region>,
    /// Whether the viewer is known to be of age. Nobody is before they said so.
    pub is_adult: bool,
    pub now_ms: TimestampMs,
    /// When this sitting began: what was served since then is not served again.
    pub sitting_ms: TimestampMs,
    /// Pages given in this sitting before this one.
    pub page: u64,
    /// Seeds the exploration draw.
    pub seed: u64,
    pub count: usize,
    /// What the client holds unseen, which the page may hold again, in the client's order: late binding.
    pub held: Vec<Held>,
    /// What the client was told to drop unseen in this sitting: it was served and may be served again.
    pub dropped: Vec<VideoId>,
    /// Only looked at: nothing is noted as served.
    pub is_dry: bool,
    /// How many candidates each source may give.
    pub asks: Asks,
    /// What operators ask of the feed; none where nobody can.
    pub steering: Option<Arc<Steering>>,
    /// The trending lists, and what rises.
    pub trending: Arc<Trending>,
    /// Owned by the history hydrator; empty for someone new, or when the history could not be read.
    pub history: History,
    /// Written once by the stages of these names, by [`VideoCandidate::place`].
    pub profiles: OnceLock<Vec<Arc<VideoProfile>>>,
    /// As above; missing when the rows could not be read.
    pub rows: OnceLock<Vec<Row>>,
    /// How the page was laid.
    pub laid: OnceLock<Laid>,
    /// Written by the explore source.
    pub explored: OnceLock<Explored>,
    /// Written by the even sample's source, on pages that have an even place.
    pub even: OnceLock<EvenSample>,
    /// How much the learned value counted, 0 to 1; missing when it did not.
    pub learned_share: OnceLock<f32>,
}

/// What is told of a page beside what stands on it.
#[derive(Debug, Clone)]
pub(crate) struct Laid {
    pub value: f64,
    /// No page of this supply is worth more.
    pub bound: f64,
    pub prices: Prices,
    /// Rules that gave way, in their order.
    pub relaxed: Vec<&'static str>,
}

impl Query {
    /// A first page for `viewer` as of `now_ms`, with everything else at its plainest.
    pub(crate) fn new(viewer: ViewerId, now_ms: TimestampMs, count: usize) -> Self {
        Self {
            viewer,
            region: None,
            is_adult: false,
            now_ms,
            sitting_ms: now_ms,
            page: 0,
            seed: 0,
            count,
            held: Vec::new(),
            dropped: Vec::new(),
            is_dry: false,
            asks: Asks::default(),
            steering: None,
            trending: Arc::default(),
            history: History::default(),
            profiles: OnceLock::new(),
            rows: OnceLock::new(),
            laid: OnceLock::new(),
            explored: OnceLock::new(),
            even: OnceLock::new(),
            learned_share: OnceLock::new(),
        }
    }

    /// Who the viewer is to whatever learns: somebody new after each reset of interests. Rows and vectors are looked up by this, never by
    /// [`Query::viewer`].
    pub(crate) fn persona(&self) -> ViewerId {
        self.history.wishes.persona(self.viewer)
    }

    /// Whether the feed may be made from what the viewer watched.
    pub(crate) fn is_personal(&self) -> bool {
        self.history.wishes.mode != FeedMode::NonPersonal
    }

    /// How many candidates `source` may give.
    pub(crate) fn ask(&self, source: Source) -> usize {
        self.asks.of(source)
    }

    /// What the client holds of `video`.
    pub(crate) fn holds(&self, video: VideoId) -> Option<&Held> {
        self.held.iter().find(|held| held.video == video)
    }

    /// Whether `video` was served in this sitting without having been shown, and may be served again.
    pub(crate) fn is_open(&self, video: VideoId) -> bool {
        self.holds(video).is_some() || self.dropped.contains(&video)
    }

    /// The profile of a candidate that came through the cut.
    pub(crate) fn profile(&self, candidate: &VideoCandidate) -> Option<&Arc<VideoProfile>> {
        self.profiles.get()?.get(candidate.place as usize)
    }

    /// What the model reads of a candidate that came through the cut.
    pub(crate) fn row(&self, candidate: &VideoCandidate) -> Option<&Row> {
        self.rows.get()?.get(candidate.place as usize)
    }
}

impl Asked for Query {
    fn unit(&self) -> u64 {
        self.viewer.raw()
    }
}

/// Sources, as a set that also knows who came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceSet {
    bits: u16,
    first: Source,
}

impl SourceSet {
    pub(crate) const fn of(source: Source) -> Self {
        Self {
            bits: 1 << source as u16,
            first: source,
        }
    }

    pub(crate) const fn has(self, source: Source) -> bool {
        self.bits >> source as u16 & 1 == 1
    }

    /// The source that found it first.
    pub(crate) const fn first(self) -> Source {
        self.first
    }

    pub(crate) const fn add(&mut self, other: Self) {
        self.bits |= other.bits;
    }

    /// The set without what explores; as it is when nothing else found it.
    pub(crate) fn without_exploration(self) -> Self {
        let exploring = 1 << Source::Explore as u16 | 1 << Source::Uniform as u16;
        let bits = self.bits & !exploring;
        let left = Self { bits, ..self };
        match left.iter().next() {
            None => self,
            Some(_) if left.has(self.first) => left,
            Some(first) => Self { bits, first },
        }
    }

    /// All of them, by number.
    pub(crate) fn iter(self) -> impl Iterator<Item = Source> {
        Source::ALL.into_iter().filter(move |source| self.has(*source))
    }
}

/// A place in the columns of the query that a candidate does not have.
pub(crate) const NO_PLACE: u32 = u32::MAX;

/// A video that might be shown. Ten thousand of these are a request: 32 bytes each, no heap. What only the best few hundred need lies in
/// columns of the [`Query`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct VideoCandidate {
    pub video: VideoId,
    /// Its place in the catalog when it was found.
    pub slot: Slot,
    pub sources: SourceSet,
    /// Whether it was drawn to explore.
    pub explored: bool,
    /// Whether that draw was an even one.
    pub even: bool,
    /// What it is worth to this viewer, about 0 to 1.
    pub score: f32,
    /// What the cut goes by.
    pub light: f32,
    /// Probability of the draw that put it there, given the draws before; 1 for what no draw decided.
    pub propensity: f32,
    /// Its place in the columns of the query; [`NO_PLACE`] before the cut.
    pub place: u32,
}

impl VideoCandidate {
    pub(crate) const fn new(slot: Slot, video: VideoId, source: Source) -> Self {
        Self {
            video,
            slot,
            sources: SourceSet::of(source),
            explored: false,
            even: false,
            score: 0.0,
            light: 0.0,
            propensity: 1.0,
            place: NO_PLACE,
        }
    }
}

impl VideoCandidate {
    /// Forgets that it was drawn to explore.
    pub(crate) const fn leave_draw(&mut self) {
        (self.explored, self.even, self.propensity) = (false, false, 1.0);
    }
}

impl Candidate for VideoCandidate {
    type Key = VideoId;

    fn key(&self) -> VideoId {
        self.video
    }

    fn merge(&mut self, other: &Self) {
        self.sources.add(other.sources);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_half_a_cache_line_and_keeps_all_its_sources() {
        assert!(
            size_of::<VideoCandidate>() <= 40,
            "{}",
            size_of::<VideoCandidate>()
        );
        let mut one = VideoCandidate::new(3, VideoId::from_raw(9), Source::Social);
        one.merge(&VideoCandidate::new(3, VideoId::from_raw(9), Source::Fresh));
        assert_eq!(one.sources.first(), Source::Social);
        assert_eq!(
            one.sources.iter().collect::<Vec<_>>(),
            [Source::Fresh, Source::Social]
        );
        assert_eq!(
            Source::ALL.map(|source| source as usize),
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
        );
    }
}
