//! Counts views and what became of them, for each video; each sequence number of a session once.

use std::sync::Arc;

use event::{Event, Signal, SignalKind, topic};
use event_log::{Record, Topic};
use feature_store::{FeatureStore, VideoCounters, job};
use stream::{Operator, Poisoned};

use crate::{decode, store_failed};

/// A watch shorter than this share of the video is an early skip.
const EARLY_SKIP_SHARE: f64 = 0.1;

pub struct CountersJob {
    store: Arc<FeatureStore>,
}

impl CountersJob {
    pub fn new(store: Arc<FeatureStore>) -> Self {
        Self { store }
    }

    fn count(&self, signal: &Signal) {
        let Some(video) = signal.video else { return };
        let duration_ms = self
            .store
            .catalog()
            .get(video)
            .map_or(0, |profile| profile.duration_ms);
        self.store
            .video_counters_update(video, |counters| fold(counters, signal, duration_ms));
    }
}

fn fold(counters: &mut VideoCounters, signal: &Signal, duration_ms: i64) {
    match signal.kind {
        SignalKind::Impression => counters.impressions += 1,
        SignalKind::Loop => counters.loops += 1,
        SignalKind::Watch { watch_ms, ended, .. } => {
            counters.views += 1;
            counters.watch_ms += watch_ms.max(0) as u64;
            counters.completions += u64::from(ended);
            let early = (watch_ms as f64) < duration_ms as f64 * EARLY_SKIP_SHARE;
            counters.early_skips += u64::from(early && !ended);
            counters.warm(signal.received_ms);
        }
        SignalKind::Skip { .. } | SignalKind::Heartbeat | SignalKind::Context | SignalKind::NotInterested => {
        }
    }
}

impl Operator for CountersJob {
    fn name(&self) -> &'static str {
        job::COUNTERS
    }

    fn topics(&self) -> &'static [Topic] {
        // Context too: sessions number all their events in one row.
        &[Topic(topic::VIEWS), Topic(topic::CONTEXT)]
    }

    fn process(&mut self, record: &Record) -> Result<(), Poisoned> {
        let Event::Signal(signal) = decode(record)? else {
            return Err(Poisoned {
                reason: "not_a_signal",
            });
        };
        let first = self
            .store
            .session_first(
                signal.viewer,
                signal.session.0,
                signal.sequence,
                signal.received_ms,
            )
            .map_err(store_failed)?;
        if first {
            self.count(&signal);
        } else {
            metrics::counter!("riffle_jobs_duplicates_total", "job" => job::COUNTERS).increment(1);
        }
        Ok(())
    }
}
