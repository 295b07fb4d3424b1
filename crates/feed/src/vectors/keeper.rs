//! Keeps the vectors in step: content of what was published before this process, the video tower's vectors of everything, and even clusters.
//!
//! A round embeds what was published, then what the towers' last steps moved, then goes on with a walk over the whole catalog, because
//! dense weights move every vector a little. It is bounded, so a large catalog is gone over in minutes and costs a few percent of a core.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feature::{Context, Row, VideoFacts, ViewerFacts};
use feature_store::{CatalogObserver, FeatureStore, LiveFeatures};
use model::RowRef;
use model::towers::{TowerScratch, WIDTH};
use ranking::row_ref;
use stream::{JobError, StopSignal, Task};
use trainer::{Live, ServingTowers};
use types::{TimestampMs, VideoId, ViewerId};

use super::VideoVectors;
use crate::facts;

/// Vectors of a round at most, once every video has one.
pub(super) const ROUND_VIDEOS_MAX: usize = 256;
/// While videos wait for their first vector a round may take so long.
const FILL_MS_MAX: u64 = 100;
const ROUND: Duration = Duration::from_millis(250);
/// Videos read and embedded together: one hold of the features' lock.
const BATCH: usize = 32;
/// Postings of each index that a round looks at, so that clusters stay near their members; some at a time, for publishing waits.
const TENDED: usize = 128;
const TENDED_AT_ONCE: usize = 16;
/// Videos that the towers moved and that wait at most; the walk finds the others.
const MOVED_MAX: usize = 65_536;

/// A task that works until it is stopped; see the file's header.
pub struct VectorKeeper {
    vectors: Arc<VideoVectors>,
    store: Arc<FeatureStore>,
    features: LiveFeatures,
    live: Live,
    clock: Arc<dyn Fn() -> TimestampMs + Send + Sync>,
    /// Steps of the towers that the moved videos were taken of.
    steps: u64,
    moved: VecDeque<VideoId>,
    /// What is left of the walk, last first.
    walk: Vec<VideoId>,
    /// When it went on last.
    walked: Option<Instant>,
    rows: Vec<Row>,
    scratch: TowerScratch,
    out: Vec<f32>,
}

impl VectorKeeper {
    /// Follows `store`'s catalog from now on; what is in it already is read when the task runs.
    pub fn new(
        vectors: Arc<VideoVectors>,
        (store, features, live): (Arc<FeatureStore>, LiveFeatures, Live),
        clock: Arc<dyn Fn() -> TimestampMs + Send + Sync>,
    ) -> Self {
        store.catalog_observe(vectors.clone());
        Self {
            vectors,
            store,
            features,
            live,
            clock,
            steps: 0,
            moved: VecDeque::new(),
            walk: Vec::new(),
            walked: None,
            rows: Vec::new(),
            scratch: TowerScratch::default(),
            out: Vec::new(),
        }
    }

    /// Takes over what the catalog held before anybody followed it.
    pub fn load(&self, stop: &StopSignal) {
        let all: Vec<VideoId> = self.store.catalog().ids().collect();
        for video in all {
            if stop.is_stopped() {
                return;
            }
            let profile = self.store.catalog().get(video).cloned();
            if let Some(profile) = profile {
                self.vectors.describe(video, profile.content.as_deref());
                // Removed meanwhile: whoever removed it may have been here before us.
                if self.store.catalog().get(video).is_none() {
                    self.vectors.video_removed(video);
                }
            }
        }
    }

    /// One round; waits up to `patience` for something published.
    pub fn round(&mut self, patience: Duration) {
        let fresh = self.vectors.fresh_take(ROUND_VIDEOS_MAX, patience);
        let began = Instant::now();
        let walks = self
            .walked
            .is_none_or(|walked| began.duration_since(walked) >= ROUND);
        if walks {
            self.walked = Some(began);
            self.tend();
        }
        let Some(towers) = self.live.towers() else {
            return;
        };
        if towers.version.steps != self.steps {
            self.steps = towers.version.steps;
            let room = MOVED_MAX.saturating_sub(self.moved.len());
            self.moved.extend(towers.moved.iter().take(room));
        }
        let mut videos = fresh;
        let mut embedded = 0;
        loop {
            if walks {
                self.fill(&mut videos, BATCH);
            }
            if videos.is_empty() {
                break;
            }
            embedded += videos.len();
            for part in videos.chunks(BATCH) {
                self.embed(&towers, part);
            }
            videos.clear();
            let filling = self.vectors.collaborative.len() < self.store.catalog().len();
            let spent = began.elapsed() >= Duration::from_millis(FILL_MS_MAX);
            if spent || embedded >= ROUND_VIDEOS_MAX && !filling {
                break;
            }
        }
        metrics::counter!("riffle_vectors_embedded_total").increment(embedded as u64);
        metrics::gauge!("riffle_vectors_collaborative").set(self.vectors.collaborative.len() as f64);
    }

    fn tend(&self) {
        for _ in 0..TENDED / TENDED_AT_ONCE {
            self.vectors.collaborative.tend(TENDED_AT_ONCE);
            for (_, index) in self.vectors.content.read().iter() {
                index.tend(TENDED_AT_ONCE);
            }
        }
    }

    /// Moved ones first, then the walk, which begins anew in the next round when it has come to its end.
    fn fill(&mut self, videos: &mut Vec<VideoId>, count: usize) {
        while videos.len() < count {
            if let Some(video) = self.moved.pop_front().or_else(|| self.walk.pop()) {
                videos.push(video);
            } else if videos.is_empty() && !self.store.catalog().is_empty() {
                self.walk = self.store.catalog().ids().collect();
            } else {
                break;
            }
        }
    }

    /// Reads what the features say of the videos, and puts the tower's vectors into the index.
    fn embed(&mut self, towers: &ServingTowers, videos: &[VideoId]) {
        let known: Vec<VideoFacts> = {
            let catalog = self.store.catalog();
            let profiles = videos.iter().filter_map(|video| catalog.get(*video));
            profiles.map(|profile| facts::video(profile)).collect()
        };
        self.rows
            .resize_with(known.len().max(self.rows.len()), Row::default);
        let (nobody, context) = (
            ViewerFacts::new(ViewerId::from_raw(0)),
            Context::at((self.clock)()),
        );
        let rows = &mut self.rows[..known.len()];
        self.features.read(|state| {
            let query = state.query(&nobody, &context);
            for (video, row) in known.iter().zip(rows.iter_mut()) {
                query.extract(video, row);
            }
        });
        let refs: Vec<RowRef<'_>> = rows.iter().map(|row| row_ref(row)).collect();
        towers
            .version
            .videos(&towers.rows, &refs, &mut self.scratch, &mut self.out);
        for (video, vector) in known.iter().zip(self.out.as_chunks::<WIDTH>().0) {
            self.vectors
                .collaborative
                .insert(video.video.raw(), 0, vector, 0.0);
            if self.store.catalog().get(video.video).is_none() {
                self.vectors.video_removed(video.video);
            }
        }
    }
}

impl Task for VectorKeeper {
    fn name(&self) -> &'static str {
        "vectors"
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        self.load(stop);
        while !stop.is_stopped() {
            self.round(ROUND);
        }
        Ok(())
    }
}
