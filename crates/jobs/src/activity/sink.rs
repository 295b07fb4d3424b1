//! Where the rows go: the feature store, and from there into the trending lists.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use event_log::TopicPartition;
use feature_store::{FeatureStore, StoreError, job};
use stream::keyed::{Sink, SinkError, SinkState};

use super::rows::ActivityRow;
use super::trending;

/// Lists are made anew this often: with an epoch and a request they are at most 5 s old.
const REFRESH_MS: i64 = 2_000;

/// The part of the feature store that job `activity` owns.
pub struct ActivitySink {
    store: Arc<FeatureStore>,
    refreshed_ms: AtomicI64,
}

impl ActivitySink {
    pub fn new(store: Arc<FeatureStore>) -> Self {
        Self {
            store,
            refreshed_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// Makes the lists as of `now_ms`.
    pub(crate) fn refresh(&self, now_ms: i64) {
        trending::refresh(&self.store, now_ms);
        self.refreshed_ms.store(now_ms, Ordering::Relaxed);
    }

    fn take(&self, row: ActivityRow) {
        match row {
            ActivityRow::Features(entity, row) => self.store.feature_put(entity, *row),
            ActivityRow::Trend(key, row) => self.store.trend_put(key, row),
            ActivityRow::Usage(entity, row) => self.store.usage_put(entity, row),
            ActivityRow::Pulse(entity, row) => self.store.pulse_put(entity, row),
            ActivityRow::Session {
                viewer,
                session,
                window,
                used_ms,
            } => self.store.session_put(viewer, session.0, window, used_ms),
        }
    }
}

fn failed(what: &'static str) -> impl FnOnce(StoreError) -> SinkError {
    move |source| SinkError {
        what,
        source: Box::new(source),
    }
}

impl Sink<ActivityRow> for ActivitySink {
    fn apply(&self, rows: &mut Vec<ActivityRow>) -> Result<(), SinkError> {
        rows.drain(..).for_each(|row| self.take(row));
        Ok(())
    }

    fn applied(&self, from: TopicPartition, next: u64) {
        self.store.applied(job::ACTIVITY, from, next);
    }

    fn epoch_end(&self, _: i64, now_ms: i64) {
        self.store.activity_now(now_ms);
        self.store.hottest_refresh(now_ms);
        let age_ms = now_ms.saturating_sub(self.refreshed_ms.load(Ordering::Relaxed));
        // Also when the clock was set back.
        if !(0..REFRESH_MS).contains(&age_ms) {
            self.refresh(now_ms);
        }
    }

    fn flush(&self, version: u64) -> Result<Vec<u8>, SinkError> {
        let flushed = self.store.activity_flush(version);
        flushed.map_err(failed("the feature store could not keep the rows of `activity`"))
    }

    fn restore(&self, version: u64, mark: &[u8]) -> Result<SinkState, SinkError> {
        let restore = |version, mark| {
            let restored = self.store.activity_restore(version, mark);
            restored.map_err(failed("the feature store could not be prepared for `activity`"))
        };
        if restore(version, mark)? {
            return Ok(SinkState::Intact);
        }
        // What it still has may be of no state any more.
        restore(0, &[])?;
        Ok(SinkState::Lost)
    }
}
