//! What came in by topic, and what is kept: figures that the commit thread and the keeper both move.

use std::sync::Arc;

use metrics::{Counter, Gauge, counter, gauge};

use crate::segment::Segment;
use crate::slots::Slots;

/// Looked up once: a group costs one addition for each partition that it touches.
pub(crate) struct Meters {
    partitions: usize,
    /// By topic.
    appended: Vec<Counter>,
    segments: Gauge,
    kept_bytes: Gauge,
}

impl Meters {
    pub(crate) fn new(slots: Slots) -> Self {
        let appended =
            |topic: u8| counter!("riffle_event_log_appended_records_total", "topic" => topic.to_string());
        Self {
            partitions: usize::from(slots.partitions).max(1),
            appended: (0..slots.topics).map(appended).collect(),
            segments: gauge!("riffle_event_log_segments"),
            kept_bytes: gauge!("riffle_event_log_kept_bytes"),
        }
    }

    /// Records of `slot` became durable.
    pub(crate) fn appended(&self, slot: usize, records: u32) {
        if let Some(topic) = self.appended.get(slot / self.partitions) {
            topic.increment(u64::from(records));
        }
    }

    /// These are all segments now, the active one included.
    pub(crate) fn kept(&self, segments: &[Arc<Segment>]) {
        let bytes: u64 = segments.iter().map(|segment| segment.capacity_bytes).sum();
        self.segments.set(segments.len() as f64);
        self.kept_bytes.set(bytes as f64);
    }
}
