//! The sequence window of each session in use, one lock a session. Bounded; seeded from the feature store.

use std::collections::HashMap;
use std::sync::Arc;

use event::SessionKey;
use feature_store::{FeatureStore, SequenceWindow, StoreError};
use parking_lot::Mutex;
use types::{TimestampMs, ViewerId};

/// Windows held; above it the ones longest unused leave (their next use reads the feature store).
pub const SESSIONS_MAX: usize = 100_000;

type Producer = (ViewerId, SessionKey);

/// One session's window, locked while a batch of the session is sorted out and queued, never while it waits.
pub(crate) type Window = Arc<Mutex<SequenceWindow>>;

pub(crate) struct Windows {
    store: Arc<FeatureStore>,
    all: Mutex<HashMap<Producer, (TimestampMs, Window)>>,
}

impl Windows {
    pub(crate) fn new(store: Arc<FeatureStore>) -> Self {
        Self {
            store,
            all: Mutex::default(),
        }
    }

    pub(crate) fn get(
        &self,
        viewer: ViewerId,
        session: SessionKey,
        now_ms: TimestampMs,
    ) -> Result<Window, StoreError> {
        if let Some((used_ms, window)) = self.all.lock().get_mut(&(viewer, session)) {
            *used_ms = now_ms;
            return Ok(window.clone());
        }
        let seeded = self.store.session_window(viewer, session.0)?;
        let mut all = self.all.lock();
        if all.len() >= SESSIONS_MAX {
            drop_longest_unused(&mut all);
        }
        let (_, window) = all
            .entry((viewer, session))
            .or_insert_with(|| (now_ms, Arc::new(Mutex::new(seeded))));
        Ok(window.clone())
    }
}

fn drop_longest_unused(all: &mut HashMap<Producer, (TimestampMs, Window)>) {
    let mut used: Vec<TimestampMs> = all.values().map(|(used_ms, _)| *used_ms).collect();
    let (_, &mut cut, _) = used.select_nth_unstable(SESSIONS_MAX / 4);
    // A window in someone's hands stays: two copies of one session would each accept a resend.
    all.retain(|_, (used_ms, window)| *used_ms > cut || Arc::strong_count(window) > 1);
}
