//! For You: the recipe, its pages and their cursors.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use candidate_pipeline::{Pipeline, RecipeLine, SwitchError, Watch};
use event_log::EventLog;
use feature_store::{FeatureStore, LiveFeatures, StoreError};
use parking_lot::Mutex;
use types::{Fault, ImpressionId, Region, TimestampMs, VideoId, ViewerId};

use crate::cursor::{Cursor, CursorError, Cursors, FeedKind};
use crate::explain::Explained;
use crate::explore::weights::Counter;
use crate::late::{APPEND_MAX, Given, Held, UNSEEN_MAX};
use crate::learned::LearnerParts;
use crate::model::{Query, VideoCandidate};
use crate::quota::Quota;
use crate::reason::Reason;
use crate::recipe::{self, FeedConfig};
use crate::served::impression_at;
use crate::steering::SteeringHandle;
use crate::vectors::VideoVectors;

/// Items of a page when the caller does not say.
pub const COUNT_DEFAULT: usize = 20;
/// Items of a page at most.
pub const COUNT_MAX: usize = 50;

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
    #[error("`unseen` lists at most {UNSEEN_MAX} impressions")]
    Unseen,
    #[error("count must be between 0 and {APPEND_MAX}")]
    Append,
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
    /// Vectors of the videos; somebody must keep them ([`crate::VectorKeeper`]), or they bring nothing.
    pub vectors: Arc<VideoVectors>,
    /// Signs cursors.
    pub cursor_key: [u8; 32],
    /// Seeds exploration; a fixed value makes feeds reproducible.
    pub seed: u64,
    /// What operators ask of the feed.
    pub steering: SteeringHandle,
    pub config: FeedConfig,
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

/// What a client asks that binds late.
#[derive(Debug, Clone)]
pub struct NextAsk {
    /// The newest cursor it has.
    pub cursor: String,
    /// What it holds and never showed, in the order it would show them; at most [`UNSEEN_MAX`].
    pub unseen: Vec<ImpressionId>,
    /// How many to append at most.
    pub count: usize,
}

/// The answer to [`NextAsk`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPage {
    /// The new order. What the client held keeps its impression.
    pub unseen: Vec<FeedEntry>,
    /// Goes behind it.
    pub append: Vec<FeedEntry>,
    /// Of what was asked about, what must not be shown any more.
    pub dropped: Vec<ImpressionId>,
    pub cursor: Option<String>,
}

/// See the file's header.
pub struct ForYou {
    pipeline: Pipeline<Query, VideoCandidate>,
    quota: Arc<Quota>,
    cursors: Cursors,
    pages: Mutex<Pages>,
    store: Arc<FeatureStore>,
    pub(crate) steering: SteeringHandle,
    given: Given,
    seed: u64,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    pub viewer: ViewerId,
    /// Where they seem to be.
    pub region: Option<Region>,
    /// Whether they are known to be of age.
    pub is_adult: bool,
}

impl ForYou {
    /// # Errors
    /// When the settings name a component that does not exist, or may not be switched.
    pub fn new(parts: &FeedParts) -> Result<Self, SwitchError> {
        let quota = Arc::new(Quota::new(parts.config.candidates_max));
        Ok(Self {
            pipeline: recipe::for_you(parts, &quota)?,
            quota,
            cursors: Cursors::new(&parts.cursor_key),
            pages: Mutex::default(),
            store: parts.store.clone(),
            steering: parts.steering.clone(),
            given: Given::default(),
            seed: parts.seed,
        })
    }

    /// The stages in the order in which they run, and what each does.
    pub fn recipe(&self) -> Vec<RecipeLine> {
        self.pipeline.recipe()
    }

    /// Has a stage run for a share of viewers, from the next request on.
    ///
    /// # Errors
    /// See [`SwitchError`].
    pub fn switch(&self, stage: &str, share: f32) -> Result<(), SwitchError> {
        self.pipeline.switch(stage, share)
    }

    /// Breaks a stage on purpose from the next request on; none mends it. For tests of what a page is without it.
    ///
    /// # Errors
    /// See [`SwitchError`].
    pub fn break_stage(&self, stage: &str, fault: Option<Fault>) -> Result<(), SwitchError> {
        self.pipeline.break_stage(stage, fault)
    }

    /// A page of at most `count` videos that the caller has not seen. Asking again with the same cursor within five minutes gives the
    /// same page.
    ///
    /// # Errors
    /// A cursor that is forged, foreign or too old; a count out of range. A broken source is not an error.
    pub async fn page(
        &self,
        caller: Caller,
        cursor: Option<&str>,
        count: Option<usize>,
        now_ms: TimestampMs,
    ) -> Result<ForYouPage, FeedError> {
        let count = checked_count(count)?;
        let cursor = cursor
            .map(|text| self.cursors.read_sitting(text, caller.viewer, now_ms))
            .transpose()?;
        let (sitting_ms, page) = cursor.map_or((now_ms, 0), |cursor| (cursor.at_ms, cursor.page));
        let key = PageKey {
            viewer: caller.viewer,
            sitting_ms,
            page,
        };
        if let Some(kept) = cursor.and_then(|_| self.pages.lock().get(key, now_ms)) {
            return Ok(kept);
        }
        let mut query = self.query(caller, key, count, now_ms);
        let outcome = self.pipeline.run(&mut query, Watch::Counted).await;
        let answer = self.answer(&query, key, &outcome.selected);
        if cursor.is_some() && !answer.entries.is_empty() {
            self.pages.lock().put(key, answer.clone(), now_ms);
        }
        Ok(answer)
    }

    /// What the client holds unseen in its best order as of now, what must not be shown of it, and what to append. See [`crate::late`].
    ///
    /// # Errors
    /// A cursor that is forged, foreign or too old; a list or count out of range.
    pub async fn next(
        &self,
        caller: Caller,
        ask: &NextAsk,
        now_ms: TimestampMs,
    ) -> Result<NextPage, FeedError> {
        if ask.unseen.len() > UNSEEN_MAX {
            return Err(FeedError::Unseen);
        }
        if ask.count > APPEND_MAX {
            return Err(FeedError::Append);
        }
        let cursor = self.cursors.read_sitting(&ask.cursor, caller.viewer, now_ms)?;
        let key = PageKey {
            viewer: caller.viewer,
            sitting_ms: cursor.at_ms,
            page: cursor.page,
        };
        let held = self.given.held(caller.viewer, cursor.at_ms, &ask.unseen);
        let count = held.len() + ask.count;
        if count == 0 {
            return Ok(NextPage {
                unseen: Vec::new(),
                append: Vec::new(),
                dropped: ask.unseen.clone(),
                cursor: Some(ask.cursor.clone()),
            });
        }
        let plain = self.query(caller, key, count, now_ms);
        // Not the seed of the page of this number: its impressions are others. Of two requests at once the clock tells them apart.
        let mut query = Query {
            seed: Counter::of_seed(plain.seed).with(now_ms as u64).word(1),
            held,
            ..plain
        };
        let outcome = self.pipeline.run(&mut query, Watch::Counted).await;
        let answer = self.answer(&query, key, &outcome.selected);
        metrics::counter!("riffle_feed_rebound_total").increment(1);
        let mut unseen = answer.entries;
        let append = unseen.split_off(query.held.len().min(unseen.len()));
        let is_kept = |one: &ImpressionId| unseen.iter().chain(&append).any(|entry| entry.impression == *one);
        let dropped: Vec<_> = ask.unseen.iter().filter(|one| !is_kept(one)).copied().collect();
        metrics::counter!("riffle_feed_rebound_dropped_total").increment(dropped.len() as u64);
        let given = unseen.iter().chain(&append);
        let added = given
            .filter(|entry| query.holds(entry.video).is_none())
            .map(|entry| entry.video)
            .collect();
        self.given.settled(caller.viewer, cursor.at_ms, &dropped, added);
        Ok(NextPage {
            unseen,
            append,
            dropped,
            cursor: answer.cursor,
        })
    }

    /// One request for a first page, laid open; nothing is noted as served.
    pub async fn explain(&self, caller: Caller, count: usize, now_ms: TimestampMs) -> Explained {
        let key = PageKey {
            viewer: caller.viewer,
            sitting_ms: now_ms,
            page: 0,
        };
        let mut query = Query {
            is_dry: true,
            ..self.query(caller, key, count.clamp(1, COUNT_MAX), now_ms)
        };
        let began = Instant::now();
        let outcome = self.pipeline.run(&mut query, Watch::Traced).await;
        let took = began.elapsed();
        let recipe = self.pipeline.recipe();
        let about = |name: &str| {
            recipe
                .iter()
                .find(|line| line.name == name)
                .map_or("", |line| line.about)
        };
        Explained::of(&query, &outcome, about, took)
    }

    /// Forgets the pages kept for `viewer`, who has just said something that the next page must heed.
    pub fn invalidate(&self, viewer: ViewerId) {
        self.pages.lock().forget(viewer);
    }

    fn query(&self, caller: Caller, key: PageKey, count: usize, now_ms: TimestampMs) -> Query {
        Query {
            region: caller.region,
            is_adult: caller.is_adult,
            sitting_ms: key.sitting_ms,
            page: key.page,
            seed: Counter::of_page(self.seed, caller.viewer.raw(), key.sitting_ms, key.page).word(0),
            asks: self.quota.asks(),
            steering: Some(self.steering.get()),
            trending: self.store.trending(),
            dropped: self.given.dropped(caller.viewer, key.sitting_ms),
            ..Query::new(caller.viewer, now_ms, count)
        }
    }

    fn answer(&self, query: &Query, key: PageKey, selected: &[VideoCandidate]) -> ForYouPage {
        self.quota.laid(selected);
        let impression = |position: usize, candidate: &VideoCandidate| {
            let held = query.holds(candidate.video);
            held.map_or_else(|| impression_at(query.seed, position), |held| held.impression)
        };
        let given = selected.iter().enumerate();
        let given = given.filter(|(_, candidate)| query.holds(candidate.video).is_none());
        self.given.note(
            key.viewer,
            key.sitting_ms,
            given.map(|(position, candidate)| Held::of(impression(position, candidate), candidate)),
        );
        let entries = selected.iter().enumerate().filter_map(|(position, candidate)| {
            Some(FeedEntry {
                impression: impression(position, candidate),
                video: candidate.video,
                reason: Reason::of(query, candidate, query.profile(candidate)?),
            })
        });
        let next = selected.last().map(|last| Cursor {
            kind: FeedKind::ForYou,
            viewer: key.viewer,
            at_ms: key.sitting_ms,
            page: key.page + 1,
            last: last.video,
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

    fn forget(&mut self, viewer: ViewerId) {
        self.kept.retain(|key, _| key.viewer != viewer);
        self.order.retain(|key| key.viewer != viewer);
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
