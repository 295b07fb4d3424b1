//! The query and the candidate that flow through the For You pipeline.

use std::collections::HashSet;
use std::sync::Arc;

use candidate_pipeline::Candidate;
use event::Source;
use feature::Row;
use feature_store::{VideoCounters, VideoProfile, ViewerHandle};
use types::{Region, SoundId, TimestampMs, UserId, VideoId, ViewerId};

/// One request for a page.
pub(crate) struct Query {
    pub viewer: ViewerId,
    /// Where the viewer seems to be.
    pub region: Option<Region>,
    pub now_ms: TimestampMs,
    /// When this sitting began: what was served since then is not served again.
    pub sitting_ms: TimestampMs,
    /// Seeds the exploration draw.
    pub seed: u64,
    pub count: usize,
    /// Owned by the history hydrator; empty for someone new, or when the history could not be read.
    pub history: History,
}

/// What the viewer brings along.
#[derive(Default)]
pub(crate) struct History {
    /// The newest state, for the seen filter.
    pub state: Option<ViewerHandle>,
    pub served: HashSet<VideoId>,
    /// Strongest first.
    pub hashtags: Vec<(Arc<str>, f32)>,
    /// Strongest first.
    pub creators: Vec<(UserId, f32)>,
    pub following: HashSet<UserId>,
    /// Creators of the last videos served in this sitting, last one last.
    pub last_creators: Vec<UserId>,
    /// Sound of the last video served in this sitting.
    pub last_sound: Option<SoundId>,
    /// Watches of all time.
    pub watches: u64,
}

impl History {
    pub(crate) fn hashtag_taste(&self, hashtag: &str) -> f32 {
        self.hashtags
            .iter()
            .find(|(known, _)| &**known == hashtag)
            .map_or(0.0, |(_, taste)| *taste)
    }

    pub(crate) fn creator_taste(&self, creator: UserId) -> f32 {
        self.creators
            .iter()
            .find(|(known, _)| *known == creator)
            .map_or(0.0, |(_, taste)| *taste)
    }

    pub(crate) fn has_seen(&self, video: VideoId) -> bool {
        self.served.contains(&video)
            || self
                .state
                .as_ref()
                .is_some_and(|state| state.read().has_seen(video))
    }
}

/// A video that might be shown.
#[derive(Debug, Clone)]
pub(crate) struct VideoCandidate {
    pub profile: Arc<VideoProfile>,
    /// All sources that found it, the first finder first.
    pub sources: Vec<Source>,
    pub counters: VideoCounters,
    /// What the model reads, written once by the extraction and logged as served; none beyond the best.
    pub row: Option<Arc<Row>>,
    pub score: f32,
    /// Probability of standing at its place, given the places before; written by the slate.
    pub propensity: f32,
    /// Whether the slate drew it to explore.
    pub explored: bool,
}

impl VideoCandidate {
    pub(crate) fn new(profile: Arc<VideoProfile>, source: Source) -> Self {
        Self {
            profile,
            sources: vec![source],
            counters: VideoCounters::default(),
            row: None,
            score: 0.0,
            propensity: 1.0,
            explored: false,
        }
    }
}

impl Candidate for VideoCandidate {
    type Key = VideoId;

    fn key(&self) -> VideoId {
        self.profile.video
    }

    fn merge(&mut self, other: Self) {
        for source in other.sources {
            if !self.sources.contains(&source) {
                self.sources.push(source);
            }
        }
    }
}
