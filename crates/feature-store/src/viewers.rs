//! What each viewer has seen, likes, follows and asked for: the cache and its tables. What one viewer is stands in `viewers/state.rs`. Written by the `user_history` job; the feed only adds what it has just served.

mod row;
mod state;
#[cfg(test)]
mod tests;
mod wishes;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::{Mutex, RwLock};
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use types::{TimestampMs, VideoId, ViewerId};

use crate::store::StoreError;
use row::{decode, encode, kept_for_good, touched_of};

pub use state::{
    Deed, RECENT_MAX, SEEN_MAX, SERVED_MAX, SLATES_MAX, TASTE_HALF_LIFE_MS, TASTES_MAX, Taste, ViewerState,
    Watched,
};
pub use wishes::{LEANINGS_MAX, MUTED_MAX, Wishes};
pub use words::{WordFilter, fold};

const SEEN: TableDefinition<(u64, u64), i64> = TableDefinition::new("seen");
const VIEWERS: TableDefinition<u64, &[u8]> = TableDefinition::new("viewers");

/// Viewers kept in memory; clean ones longest untouched leave first and are read back when they return.
pub const VIEWERS_IN_MEMORY_MAX: usize = 100_000;
/// What was seen longer ago may be shown again; a viewer who has not come back for as long is forgotten.
pub const SEEN_KEPT_MS: i64 = 180 * 86_400_000;
/// Rows of each table that one commit looks at for what is too old: at two commits a second, 350 million a day.
const SWEPT_PER_COMMIT: usize = 2_000;

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
            let over = touched_ms < kept_from_ms && !kept_for_good(value.value());
            gone.extend(over.then_some(key.value()));
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
        // Who leaves is settled beside the readers; they wait only while the rows go.
        let mut touched: Vec<TimestampMs> = {
            let all = self.all.read();
            if all.len() <= VIEWERS_IN_MEMORY_MAX {
                return;
            }
            all.values().map(|state| state.read().touched_ms).collect()
        };
        let keep_from = touched.len() - VIEWERS_IN_MEMORY_MAX * 3 / 4;
        let (_, &mut oldest_kept, _) = touched.select_nth_unstable(keep_from);
        let mut all = self.all.write();
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
