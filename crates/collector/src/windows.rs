//! The sequence window of each session in use, one lock a session. Bounded; seeded from the feature store.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use event::SessionKey;
use feature_store::{FeatureStore, SequenceWindow, StoreError};
use parking_lot::Mutex;
use types::{TimestampMs, ViewerId};

/// Windows held; above it the ones longest unused leave (their next use reads the feature store).
pub const SESSIONS_MAX: usize = 100_000;

/// Parts of the map, each under a lock of its own: neighbours do not wait for each other, nor for a part that makes room.
const SHARDS: usize = 64;
const SHARD_SESSIONS_MAX: usize = SESSIONS_MAX / SHARDS;

type Producer = (ViewerId, SessionKey);

/// One session's window, locked while a batch of the session is sorted out and queued, never while it waits.
pub(crate) type Window = Arc<Mutex<SequenceWindow>>;

type Shard = HashMap<Producer, (TimestampMs, Window)>;

pub(crate) struct Windows {
    store: Arc<FeatureStore>,
    shards: [Mutex<Shard>; SHARDS],
    /// Chooses a shard; keyed, so that nobody can choose sessions that all fall into one.
    placing: RandomState,
}

impl Windows {
    pub(crate) fn new(store: Arc<FeatureStore>) -> Self {
        Self {
            store,
            shards: std::array::from_fn(|_| Mutex::default()),
            placing: RandomState::new(),
        }
    }

    pub(crate) fn get(
        &self,
        viewer: ViewerId,
        session: SessionKey,
        now_ms: TimestampMs,
    ) -> Result<Window, StoreError> {
        let producer = (viewer, session);
        let shard = &self.shards[self.placing.hash_one(producer) as usize % SHARDS];
        if let Some((used_ms, window)) = shard.lock().get_mut(&producer) {
            *used_ms = now_ms;
            return Ok(window.clone());
        }
        let seeded = self.store.session_window(viewer, session.0)?;
        let mut shard = shard.lock();
        if shard.len() >= SHARD_SESSIONS_MAX {
            drop_longest_unused(&mut shard);
        }
        let (_, window) = shard
            .entry(producer)
            .or_insert_with(|| (now_ms, Arc::new(Mutex::new(seeded))));
        Ok(window.clone())
    }
}

fn drop_longest_unused(shard: &mut Shard) {
    let mut used: Vec<TimestampMs> = shard.values().map(|(used_ms, _)| *used_ms).collect();
    let (_, &mut cut, _) = used.select_nth_unstable(SHARD_SESSIONS_MAX / 4);
    // A window in someone's hands stays: two copies of one session would each accept a resend.
    shard.retain(|_, (used_ms, window)| *used_ms > cut || Arc::strong_count(window) > 1);
}
