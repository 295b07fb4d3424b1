//! For You: the recipe, its pages and their cursors.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use candidate_pipeline::Pipeline;
use event_log::EventLog;
use feature::Registry;
use feature_store::{FeatureStore, LiveFeatures, StoreError};
use parking_lot::Mutex;
use types::{ImpressionId, Region, TimestampMs, VideoId, ViewerId};

use crate::catch_up::CatchUp;
use crate::cursor::{Cursor, CursorError, Cursors, FeedKind};
use crate::extract::Extract;
use crate::history::ReadHistory;
use crate::learned::{Learned, LearnerParts};
use crate::model::{History, Query, VideoCandidate};
use crate::reason::Reason;
use crate::satisfaction::{ReadCounters, Satisfaction};
use crate::seeded::Seeded;
use crate::served::{NoteServed, impression_at};
use crate::slate::Slate;
use crate::{filters, sources};

/// Items of a page when the caller does not say.
pub const COUNT_DEFAULT: usize = 20;
/// Items of a page at most.
pub const COUNT_MAX: usize = 50;

/// Above the patience of [`CatchUp`], which counts by itself.
const HYDRATOR_DEADLINE: Duration = Duration::from_millis(400);
const SOURCE_DEADLINE: Duration = Duration::from_millis(100);
/// Pages kept so that a repeated request gets the same answer.
const PAGES_KEPT_MAX: usize = 10_000;
const PAGE_AGE_MS_MAX: i64 = 5 * 60_000;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error(transparent)]
    Cursor(#[from] CursorError),
    #[error("count must be between 1 and {COUNT_MAX}")]
    Count,
    #[error("viewer state cannot be read at the moment; try again")]
    Store(#[from] StoreError),
}

/// What a feed is made from.
pub struct FeedParts {
    pub store: Arc<FeatureStore>,
    pub log: Arc<dyn EventLog>,
    /// What the model's features are read from.
    pub features: LiveFeatures,
    /// None where nobody learns: the light score stands alone.
    pub learner: Option<LearnerParts>,
    /// Signs cursors.
    pub cursor_key: [u8; 32],
    /// Seeds exploration; a fixed value makes feeds reproducible.
    pub seed: u64,
}

/// One item of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    pub impression: ImpressionId,
    pub video: VideoId,
    pub reason: Reason,
}

/// One page; no cursor means that there is nothing more for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForYouPage {
    pub entries: Vec<FeedEntry>,
    pub cursor: Option<String>,
}

/// See the file's header.
pub struct ForYou {
    pipeline: Pipeline<Query, VideoCandidate>,
    cursors: Cursors,
    pages: Mutex<Pages>,
    seed: u64,
}

impl ForYou {
    pub fn new(parts: &FeedParts) -> Self {
        let store = || parts.store.clone();
        let registry = Registry::new();
        let pipeline = Pipeline {
            name: "for_you",
            hydrator_deadline: HYDRATOR_DEADLINE,
            source_deadline: SOURCE_DEADLINE,
            query_hydrators: vec![
                Box::new(CatchUp {
                    log: parts.log.clone(),
                    store: store(),
                }),
                Box::new(ReadHistory(store())),
            ],
            sources: vec![
                Box::new(sources::Interest(store())),
                Box::new(sources::Followed(store())),
                Box::new(sources::Popular(store())),
                Box::new(sources::Fresh(store())),
                Box::new(sources::Explore(store())),
            ],
            hydrators: vec![Box::new(ReadCounters(store()))],
            filters: vec![
                Box::new(filters::Seen),
                Box::new(filters::Served),
                Box::new(filters::Hidden),
                Box::new(filters::Own),
            ],
            scorers: vec![
                Box::new(Satisfaction),
                Box::new(Extract::new(parts.features.clone(), registry.dense.len())),
                Box::new(Learned::new(parts.learner.clone(), &registry)),
            ],
            selector: Box::new(Slate),
            side_effects: vec![Box::new(NoteServed {
                log: parts.log.clone(),
                store: store(),
                defaults: registry.defaults().into(),
            })],
        };
        Self {
            pipeline,
            cursors: Cursors::new(&parts.cursor_key),
            pages: Mutex::default(),
            seed: parts.seed,
        }
    }

    /// A page of at most `count` videos that `viewer`, who seems to be in `region`, has not seen. Asking again with the same cursor within five minutes gives the
    /// same page.
    ///
    /// # Errors
    /// A cursor that is forged, foreign or too old; a count out of range. A broken source is not an error.
    pub async fn page(
        &self,
        (viewer, region): (ViewerId, Option<Region>),
        cursor: Option<&str>,
        count: Option<usize>,
        now_ms: TimestampMs,
    ) -> Result<ForYouPage, FeedError> {
        let count = checked_count(count)?;
        let cursor = cursor
            .map(|text| self.cursors.read_sitting(text, viewer, now_ms))
            .transpose()?;
        let (sitting_ms, page) = cursor.map_or((now_ms, 0), |cursor| (cursor.at_ms, cursor.page));
        let key = PageKey {
            viewer,
            sitting_ms,
            page,
        };
        if let Some(kept) = cursor.and_then(|_| self.pages.lock().get(key, now_ms)) {
            return Ok(kept);
        }
        let seed =
            Seeded::new(self.seed ^ viewer.raw() ^ (sitting_ms as u64).rotate_left(20) ^ page << 48).next();
        let mut query = Query {
            viewer,
            region,
            now_ms,
            sitting_ms,
            seed,
            count,
            history: History::default(),
        };
        let outcome = self.pipeline.run(&mut query).await;
        let answer = self.answer(&query, key, &outcome.selected);
        if cursor.is_some() && !answer.entries.is_empty() {
            self.pages.lock().put(key, answer.clone(), now_ms);
        }
        Ok(answer)
    }

    fn answer(&self, query: &Query, key: PageKey, selected: &[VideoCandidate]) -> ForYouPage {
        let entries = selected
            .iter()
            .enumerate()
            .map(|(position, candidate)| FeedEntry {
                impression: impression_at(query.seed, position),
                video: candidate.profile.video,
                reason: Reason::of(query, candidate),
            });
        let next = selected.last().map(|last| Cursor {
            kind: FeedKind::ForYou,
            viewer: key.viewer,
            at_ms: key.sitting_ms,
            page: key.page + 1,
            last: last.profile.video,
        });
        ForYouPage {
            entries: entries.collect(),
            cursor: next.map(|cursor| self.cursors.write(&cursor)),
        }
    }
}

pub(crate) fn checked_count(count: Option<usize>) -> Result<usize, FeedError> {
    Some(count.unwrap_or(COUNT_DEFAULT))
        .filter(|count| (1..=COUNT_MAX).contains(count))
        .ok_or(FeedError::Count)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PageKey {
    viewer: ViewerId,
    sitting_ms: TimestampMs,
    page: u64,
}

/// Recent pages, oldest first in `order`.
#[derive(Default)]
struct Pages {
    kept: HashMap<PageKey, (TimestampMs, ForYouPage)>,
    order: VecDeque<PageKey>,
}

impl Pages {
    fn get(&self, key: PageKey, now_ms: TimestampMs) -> Option<ForYouPage> {
        let (at_ms, page) = self.kept.get(&key)?;
        (now_ms - at_ms <= PAGE_AGE_MS_MAX).then(|| page.clone())
    }

    fn put(&mut self, key: PageKey, page: ForYouPage, now_ms: TimestampMs) {
        if self.kept.insert(key, (now_ms, page)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > PAGES_KEPT_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.kept.remove(&oldest);
            }
        }
    }
}
