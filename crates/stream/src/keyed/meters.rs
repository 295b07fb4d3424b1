//! The engine's figures, as metrics and as a status that pages and tools read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::keyed::worker::Tally;

/// How a job stands, as of its last epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobStatus {
    pub job: &'static str,
    /// Records of all time of this process, and what became of them: records = counted + duplicate + late + rejected.
    pub records: u64,
    pub counted: u64,
    pub duplicate: u64,
    pub late: u64,
    pub rejected: u64,
    /// Records durable and not yet processed.
    pub lag_records: u64,
    /// The watermark of all active partitions, milliseconds since the Unix epoch, and the engine's clock beside it.
    pub watermark_ms: i64,
    pub now_ms: i64,
    /// Partitions of topics that were polled and found empty.
    pub idle: usize,
    /// Keys, about bytes, and timers in memory.
    pub keys: usize,
    pub state_bytes: usize,
    pub timers: usize,
}

/// A hand on a running job, for pages and tools. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct JobControl {
    pub(crate) status: Arc<RwLock<JobStatus>>,
    pub(crate) wanted: Arc<AtomicBool>,
}

impl JobControl {
    /// A control that no engine has yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the job stands.
    pub fn status(&self) -> JobStatus {
        self.status.read().clone()
    }

    /// Asks for a checkpoint at the next epoch.
    pub fn checkpoint_request(&self) {
        self.wanted.store(true, Ordering::Release);
    }
}

pub(crate) struct Meters {
    status: Arc<RwLock<JobStatus>>,
    pub(crate) rows: metrics::Counter,
    fates: [metrics::Counter; 4],
    records: metrics::Counter,
    lag: metrics::Gauge,
    watermark_behind_ms: metrics::Gauge,
    keys: metrics::Gauge,
    state_bytes: metrics::Gauge,
    timers: metrics::Gauge,
}

impl Meters {
    pub(crate) fn new(job: &'static str, control: &JobControl) -> Self {
        let fate =
            |fate: &'static str| metrics::counter!("riffle_stream_fates_total", "job" => job, "fate" => fate);
        control.status.write().job = job;
        Self {
            status: control.status.clone(),
            rows: metrics::counter!("riffle_stream_rows_total", "job" => job),
            fates: ["counted", "duplicate", "late", "rejected"].map(fate),
            records: metrics::counter!("riffle_stream_processed_records_total", "job" => job),
            lag: metrics::gauge!("riffle_stream_lag_records", "job" => job),
            watermark_behind_ms: metrics::gauge!("riffle_stream_watermark_behind_ms", "job" => job),
            keys: metrics::gauge!("riffle_stream_state_keys", "job" => job),
            state_bytes: metrics::gauge!("riffle_stream_state_bytes", "job" => job),
            timers: metrics::gauge!("riffle_stream_timers", "job" => job),
        }
    }

    pub(crate) fn epoch(
        &self,
        tallies: &[Tally],
        sizes: impl Iterator<Item = (usize, usize, usize)>,
        lag_records: u64,
        idle: usize,
        watermark_ms: i64,
        now_ms: i64,
    ) {
        let mut status = self.status.write();
        for tally in tallies {
            status.records += tally.records;
            status.counted += tally.counted;
            status.duplicate += tally.duplicate;
            status.late += tally.late;
            status.rejected += tally.rejected;
            self.records.increment(tally.records);
            let fates = [tally.counted, tally.duplicate, tally.late, tally.rejected];
            self.fates
                .iter()
                .zip(fates)
                .for_each(|(meter, count)| meter.increment(count));
        }
        (status.keys, status.state_bytes, status.timers) = sizes.fold((0, 0, 0), |sum, worker| {
            (sum.0 + worker.0, sum.1 + worker.1, sum.2 + worker.2)
        });
        (status.lag_records, status.idle) = (lag_records, idle);
        (status.watermark_ms, status.now_ms) = (watermark_ms, now_ms);
        self.lag.set(lag_records as f64);
        self.watermark_behind_ms
            .set(now_ms.saturating_sub(watermark_ms).max(0) as f64);
        self.keys.set(status.keys as f64);
        self.state_bytes.set(status.state_bytes as f64);
        self.timers.set(status.timers as f64);
    }
}
