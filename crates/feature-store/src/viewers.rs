//! What each viewer has seen, likes and follows. Written by the `user_history` job; the feed only adds what it has just served.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::{Mutex, RwLock};
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use types::{TimestampMs, UserId, VideoId, ViewerId};

use crate::bytes::{Row, put_f32, put_i64, put_text, put_u64};
use crate::hashing::IdHashing;
use crate::store::StoreError;

const SEEN: TableDefinition<(u64, u64), i64> = TableDefinition::new("seen");
const VIEWERS: TableDefinition<u64, &[u8]> = TableDefinition::new("viewers");

/// Viewers kept in memory; clean ones longest untouched leave first and are read back when they return.
pub const VIEWERS_IN_MEMORY_MAX: usize = 100_000;
/// Videos remembered as seen by one viewer; beyond it the oldest may be shown again.
pub const SEEN_MAX: usize = 50_000;
/// What was seen longer ago may be shown again; a viewer who has not come back for as long is forgotten.
pub const SEEN_KEPT_MS: i64 = 180 * 86_400_000;
/// Served videos remembered for one viewer, so that pages of one sitting never repeat.
pub const SERVED_MAX: usize = 1_000;
/// Hashtags, and as many creators, remembered as tastes of one viewer.
pub const TASTES_MAX: usize = 200;
/// A taste halves in this time.
pub const TASTE_HALF_LIFE_MS: f32 = 14.0 * 86_400_000.0;
const TASTE_LIMIT: f32 = 8.0;
/// Rows of each table that one commit looks at for what is too old: at two commits a second, 350 million a day.
const SWEPT_PER_COMMIT: usize = 2_000;

/// A leaning towards (positive) or away from (negative) something, fading with time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Taste {
    weight: f32,
    at_ms: TimestampMs,
}

impl Taste {
    /// The leaning as of `now_ms`, within ±8.
    pub fn at(&self, now_ms: TimestampMs) -> f32 {
        self.weight * (-((now_ms - self.at_ms).max(0) as f32) / TASTE_HALF_LIFE_MS).exp2()
    }

    /// Adds `amount` as of `at_ms`.
    pub fn add(&mut self, amount: f32, at_ms: TimestampMs) {
        let at_ms = at_ms.max(self.at_ms);
        self.weight = (self.at(at_ms) + amount).clamp(-TASTE_LIMIT, TASTE_LIMIT);
        self.at_ms = at_ms;
    }
}

/// One viewer.
#[derive(Debug, Clone, Default)]
pub struct ViewerState {
    seen: HashMap<VideoId, TimestampMs, IdHashing>,
    /// Seen since the last commit; the file learns them then.
    seen_unsaved: Vec<VideoId>,
    /// Forgotten since the last commit; so does the file then.
    seen_dropped: Vec<VideoId>,
    served: VecDeque<(TimestampMs, VideoId)>,
    pub hashtags: HashMap<Arc<str>, Taste>,
    pub creators: HashMap<UserId, Taste>,
    pub following: HashMap<UserId, TimestampMs>,
    /// Said "not interested" or reported.
    pub hidden: HashSet<VideoId>,
    /// Watches so far.
    pub watches: u64,
    touched_ms: TimestampMs,
}

impl ViewerState {
    pub fn has_seen(&self, video: VideoId) -> bool {
        self.seen.contains_key(&video)
    }

    pub fn seen_count(&self) -> usize {
        self.seen.len()
    }

    pub fn see(&mut self, video: VideoId, at_ms: TimestampMs) {
        if self.seen.insert(video, at_ms).is_none() {
            self.seen_unsaved.push(video);
        }
        if self.seen.len() > SEEN_MAX + SEEN_MAX / 10 {
            let mut ages: Vec<TimestampMs> = self.seen.values().copied().collect();
            let (_, &mut cut, _) = ages.select_nth_unstable(SEEN_MAX / 10);
            let dropped = self.seen.extract_if(|_, at_ms| *at_ms < cut);
            self.seen_dropped.extend(dropped.map(|(video, _)| video));
        }
    }

    /// Notes that a feed answer of `at_ms` held `video`.
    pub fn serve(&mut self, video: VideoId, at_ms: TimestampMs) {
        if self
            .served
            .iter()
            .rev()
            .any(|&(at, served)| served == video && at == at_ms)
        {
            return;
        }
        self.served.push_back((at_ms, video));
        if self.served.len() > SERVED_MAX {
            self.served.pop_front();
        }
    }

    /// The videos served at or after `from_ms`.
    pub fn served_since(&self, from_ms: TimestampMs) -> HashSet<VideoId> {
        self.served
            .iter()
            .filter(|(at_ms, _)| *at_ms >= from_ms)
            .map(|&(_, video)| video)
            .collect()
    }

    /// The last `count` videos served at or after `from_ms`, the last one last.
    pub fn served_latest(&self, from_ms: TimestampMs, count: usize) -> Vec<VideoId> {
        let since = self
            .served
            .iter()
            .filter(|(at_ms, _)| *at_ms >= from_ms)
            .map(|&(_, video)| video);
        let mut latest: Vec<VideoId> = since.collect();
        latest.split_off(latest.len().saturating_sub(count))
    }

    /// Adds to the taste for a video's hashtags (shared among them) and for its creator.
    pub fn lean(&mut self, hashtags: &[Arc<str>], creator: UserId, amount: f32, at_ms: TimestampMs) {
        let each = amount / (hashtags.len().max(1) as f32).sqrt();
        for hashtag in hashtags {
            self.hashtags.entry(hashtag.clone()).or_default().add(each, at_ms);
        }
        self.creators.entry(creator).or_default().add(amount, at_ms);
        forget_faint(&mut self.hashtags, at_ms);
        forget_faint(&mut self.creators, at_ms);
    }
}

fn forget_faint<K: Clone + Ord + std::hash::Hash>(tastes: &mut HashMap<K, Taste>, now_ms: TimestampMs) {
    if tastes.len() <= TASTES_MAX + TASTES_MAX / 4 {
        return;
    }
    let strength = |taste: &Taste| taste.at(now_ms).abs();
    let mut all: Vec<(f32, K)> = tastes
        .iter()
        .map(|(key, taste)| (strength(taste), key.clone()))
        .collect();
    // The key breaks ties, so that a replay forgets the same ones.
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    for (_, key) in &all[..all.len() - TASTES_MAX] {
        tastes.remove(key);
    }
}

#[derive(Default)]
pub(crate) struct Viewers {
    all: RwLock<HashMap<ViewerId, Arc<RwLock<ViewerState>>>>,
    dirty: RwLock<HashSet<ViewerId>>,
    /// The newest time anything happened.
    newest_ms: AtomicI64,
    hands: Mutex<Hands>,
}

/// Where the next look for old rows begins, in each table.
#[derive(Default)]
struct Hands {
    seen: (u64, u64),
    viewers: u64,
}

impl Viewers {
    pub(crate) fn prepare(txn: &WriteTransaction) -> Result<(), StoreError> {
        txn.open_table(SEEN)?;
        txn.open_table(VIEWERS)?;
        Ok(())
    }

    /// The viewer, read from the file at the first touch.
    pub(crate) fn get(
        &self,
        db: &Database,
        viewer: ViewerId,
    ) -> Result<Arc<RwLock<ViewerState>>, StoreError> {
        if let Some(state) = self.all.read().get(&viewer) {
            return Ok(state.clone());
        }
        let state = load(db, viewer)?;
        Ok(self
            .all
            .write()
            .entry(viewer)
            .or_insert_with(|| Arc::new(RwLock::new(state)))
            .clone())
    }

    /// Changes a viewer and marks it for the next commit.
    pub(crate) fn update(
        &self,
        db: &Database,
        viewer: ViewerId,
        at_ms: TimestampMs,
        change: impl FnOnce(&mut ViewerState),
    ) -> Result<(), StoreError> {
        let state = self.get(db, viewer)?;
        let mut state = state.write();
        state.touched_ms = state.touched_ms.max(at_ms);
        change(&mut state);
        self.newest_ms.fetch_max(at_ms, Ordering::Relaxed);
        self.dirty.write().insert(viewer);
        Ok(())
    }

    /// Writes what changed; it stays marked until [`Self::clean`], so a commit that fails loses nothing.
    pub(crate) fn flush(&self, txn: &WriteTransaction) -> Result<(), StoreError> {
        let (mut seen, mut viewers) = (txn.open_table(SEEN)?, txn.open_table(VIEWERS)?);
        for (viewer, state) in self.changed() {
            let state = state.read();
            for video in &state.seen_dropped {
                seen.remove((viewer.raw(), video.raw()))?;
            }
            for video in &state.seen_unsaved {
                if let Some(at_ms) = state.seen.get(video) {
                    seen.insert((viewer.raw(), video.raw()), at_ms)?;
                }
            }
            viewers.insert(viewer.raw(), encode(&state).as_slice())?;
        }
        self.sweep(&mut seen, &mut viewers)
    }

    /// Removes what is too old, a stretch of each table at a time. Viewers in memory keep theirs until they leave it.
    fn sweep(
        &self,
        seen: &mut Table<'_, (u64, u64), i64>,
        viewers: &mut Table<'_, u64, &'static [u8]>,
    ) -> Result<(), StoreError> {
        let kept_from_ms = self
            .newest_ms
            .load(Ordering::Relaxed)
            .saturating_sub(SEEN_KEPT_MS);
        let mut hands = self.hands.lock();
        let (mut old, mut last) = (Vec::new(), None);
        for row in seen.range(hands.seen..)?.take(SWEPT_PER_COMMIT) {
            let (key, at_ms) = row?;
            last = Some(key.value());
            old.extend((at_ms.value() < kept_from_ms).then_some(key.value()));
        }
        hands.seen = last.map_or((0, 0), |(viewer, video)| (viewer, video.saturating_add(1)));
        for key in &old {
            seen.remove(key)?;
        }
        let (mut gone, mut last) = (Vec::new(), None);
        for row in viewers.range(hands.viewers..)?.take(SWEPT_PER_COMMIT) {
            let (key, value) = row?;
            last = Some(key.value());
            let touched_ms = touched_of(value.value()).ok_or(StoreError::Row("viewers"))?;
            gone.extend((touched_ms < kept_from_ms).then_some(key.value()));
        }
        hands.viewers = last.map_or(0, |viewer| viewer.saturating_add(1));
        for viewer in &gone {
            viewers.remove(viewer)?;
        }
        metrics::counter!("riffle_feature_store_expired_rows_total", "table" => "seen")
            .increment(old.len() as u64);
        metrics::counter!("riffle_feature_store_expired_rows_total", "table" => "viewers")
            .increment(gone.len() as u64);
        Ok(())
    }

    /// After a commit.
    pub(crate) fn clean(&self) {
        for (_, state) in self.changed() {
            let mut state = state.write();
            state.seen_unsaved.clear();
            state.seen_dropped.clear();
        }
        self.dirty.write().clear();
    }

    /// The viewers changed since the last commit; they never leave memory before it.
    fn changed(&self) -> Vec<(ViewerId, Arc<RwLock<ViewerState>>)> {
        let (all, dirty) = (self.all.read(), self.dirty.read());
        dirty
            .iter()
            .filter_map(|viewer| Some((*viewer, all.get(viewer)?.clone())))
            .collect()
    }

    /// Drops clean viewers longest untouched above the bound; call after a commit.
    pub(crate) fn shrink(&self) {
        let mut all = self.all.write();
        if all.len() <= VIEWERS_IN_MEMORY_MAX {
            return;
        }
        let mut touched: Vec<TimestampMs> = all.values().map(|state| state.read().touched_ms).collect();
        let keep_from = touched.len() - VIEWERS_IN_MEMORY_MAX * 3 / 4;
        let (_, &mut oldest_kept, _) = touched.select_nth_unstable(keep_from);
        let dirty = self.dirty.read();
        all.retain(|viewer, state| {
            dirty.contains(viewer) || Arc::strong_count(state) > 1 || state.read().touched_ms >= oldest_kept
        });
    }
}

fn load(db: &Database, viewer: ViewerId) -> Result<ViewerState, StoreError> {
    let txn = db.begin_read()?;
    let viewers = txn.open_table(VIEWERS)?;
    let mut state = match viewers.get(viewer.raw())? {
        Some(row) => decode(row.value()).ok_or(StoreError::Row("viewers"))?,
        None => ViewerState::default(),
    };
    let seen = txn.open_table(SEEN)?;
    for row in seen.range((viewer.raw(), 0)..=(viewer.raw(), u64::MAX))? {
        let (key, at_ms) = row?;
        state.seen.insert(VideoId::from_raw(key.value().1), at_ms.value());
    }
    Ok(state)
}

fn encode(state: &ViewerState) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    put_u64(&mut out, state.watches);
    put_i64(&mut out, state.touched_ms);
    put_u64(&mut out, state.served.len() as u64);
    for (at_ms, video) in &state.served {
        put_i64(&mut out, *at_ms);
        put_u64(&mut out, video.raw());
    }
    put_u64(&mut out, state.hashtags.len() as u64);
    for (hashtag, taste) in &state.hashtags {
        put_text(&mut out, hashtag);
        put_taste(&mut out, taste);
    }
    put_u64(&mut out, state.creators.len() as u64);
    for (creator, taste) in &state.creators {
        put_u64(&mut out, creator.raw());
        put_taste(&mut out, taste);
    }
    put_u64(&mut out, state.following.len() as u64);
    for (creator, at_ms) in &state.following {
        put_u64(&mut out, creator.raw());
        put_i64(&mut out, *at_ms);
    }
    state
        .hidden
        .iter()
        .for_each(|video| put_u64(&mut out, video.raw()));
    out
}

/// When a stored viewer was last touched.
fn touched_of(bytes: &[u8]) -> Option<TimestampMs> {
    let mut row = Row(bytes);
    row.u64()?;
    row.i64()
}

fn put_taste(out: &mut Vec<u8>, taste: &Taste) {
    put_f32(out, taste.weight);
    put_i64(out, taste.at_ms);
}

fn decode(bytes: &[u8]) -> Option<ViewerState> {
    let mut row = Row(bytes);
    let mut state = ViewerState {
        watches: row.u64()?,
        touched_ms: row.i64()?,
        ..ViewerState::default()
    };
    for _ in 0..row.u64()? {
        state
            .served
            .push_back((row.i64()?, VideoId::from_raw(row.u64()?)));
    }
    for _ in 0..row.u64()? {
        state
            .hashtags
            .insert(Arc::from(row.text()?), take_taste(&mut row)?);
    }
    for _ in 0..row.u64()? {
        state
            .creators
            .insert(UserId::from_raw(row.u64()?), take_taste(&mut row)?);
    }
    for _ in 0..row.u64()? {
        state.following.insert(UserId::from_raw(row.u64()?), row.i64()?);
    }
    while !row.0.is_empty() {
        state.hidden.insert(VideoId::from_raw(row.u64()?));
    }
    Some(state)
}

fn take_taste(row: &mut Row<'_>) -> Option<Taste> {
    Some(Taste {
        weight: row.f32()?,
        at_ms: row.i64()?,
    })
}
