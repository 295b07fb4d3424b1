//! Which sealed segments may go: past the size kept, or past the time, and never one that a reader needs.
//!
//! It decides; [`crate::keeper`] removes. What a reader said is held in memory: after a start every reader
//! says it anew before it reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use crate::clock::Clock;
use crate::config::SegmentLogConfig;
use crate::format::SegmentHeader;
use crate::port::TopicPartition;
use crate::segment::Segment;
use crate::slots::Slots;

/// Readers that may hold records; they are jobs, so there are tens. Past it retention removes nothing, for what
/// one more reader needs would be forgotten.
const READERS_MAX: usize = 1024;
/// Into how many segments the time of retention is cut at least, so that little outlives it.
const SEGMENTS_A_RETENTION: u64 = 8;

/// The policy and its exceptions.
pub(crate) struct Retention {
    slots: Slots,
    bytes_max: Option<u64>,
    age_ms_max: Option<u64>,
    clock: Arc<dyn Clock>,
    holds: Mutex<Holds>,
}

#[derive(Default)]
struct Holds {
    /// By reader, the first offset needed of each slot that it named.
    readers: BTreeMap<String, Vec<(usize, u64)>>,
    /// There were too many readers to remember.
    overflowed: bool,
    /// Who was last told to be in the way.
    told: Option<String>,
}

impl Retention {
    pub(crate) fn new(config: &SegmentLogConfig) -> Self {
        Self {
            slots: config.slots(),
            bytes_max: config.retention_bytes,
            age_ms_max: config.retention_ms,
            clock: config.clock.clone(),
            holds: Mutex::new(Holds::default()),
        }
    }

    /// Takes what `reader` says in place of what it said before.
    pub(crate) fn hold(&self, reader: &str, offsets: &[(TopicPartition, u64)]) {
        let slots = offsets
            .iter()
            .filter_map(|(of, offset)| Some((self.slots.slot(*of)?, *offset)))
            .collect();
        let mut holds = self.holds.lock();
        if offsets.is_empty() {
            holds.readers.remove(reader);
        } else if holds.readers.len() < READERS_MAX || holds.readers.contains_key(reader) {
            holds.readers.insert(reader.to_owned(), slots);
        } else if !holds.overflowed {
            holds.overflowed = true;
            tracing::error!(
                reader,
                READERS_MAX,
                "too many readers hold records; retention removes nothing until a restart"
            );
        }
        metrics::gauge!("riffle_event_log_retention_readers").set(holds.readers.len() as f64);
    }

    /// Who still needs a record of the segment that begins as `oldest` and is followed by `next`.
    pub(crate) fn holder(&self, oldest: &SegmentHeader, next: &SegmentHeader) -> Option<String> {
        let holds = self.holds.lock();
        if holds.overflowed {
            return Some("more readers than can be remembered".to_owned());
        }
        let needs = |(slot, offset): &(usize, u64)| next.bases[*slot] > oldest.bases[*slot].max(*offset);
        let holder = holds.readers.iter().find(|(_, slots)| slots.iter().any(needs));
        holder.map(|(reader, _)| reader.clone())
    }

    /// Whether the first of the `sealed` segments, oldest first, is past its size or its time.
    pub(crate) fn is_due(&self, sealed: &[Arc<Segment>]) -> bool {
        self.surplus_bytes(sealed) > 0 || self.expired_bytes(sealed) > 0
    }

    /// Tells how much is kept only because `holder` needs it, once for each new holder.
    pub(crate) fn held_note(&self, sealed: &[Arc<Segment>], holder: Option<String>) {
        let bytes = match holder {
            Some(_) => self.surplus_bytes(sealed).max(self.expired_bytes(sealed)),
            None => 0,
        };
        metrics::gauge!("riffle_event_log_retention_held_bytes").set(bytes as f64);
        let mut holds = self.holds.lock();
        if holds.told != holder {
            if let Some(reader) = &holder {
                tracing::warn!(reader, bytes, "a reader holds segments past their retention");
            }
            holds.told = holder;
        }
    }

    /// Bytes over the size that is kept.
    fn surplus_bytes(&self, sealed: &[Arc<Segment>]) -> u64 {
        let bytes: u64 = sealed.iter().map(|segment| segment.capacity_bytes).sum();
        self.bytes_max.map_or(0, |max| bytes.saturating_sub(max))
    }

    /// Bytes of the oldest segments that are past their time.
    fn expired_bytes(&self, sealed: &[Arc<Segment>]) -> u64 {
        let Some(age_ms_max) = self.age_ms_max else {
            return 0;
        };
        let cutoff_ms = self.clock.now_ms().saturating_sub_unsigned(age_ms_max);
        let expired = sealed
            .iter()
            .take_while(|segment| segment.newest_ms.load(Ordering::Relaxed) < cutoff_ms);
        expired.map(|segment| segment.capacity_bytes).sum()
    }

    /// A record's time as retention takes it: one from the future counts as of now, or it would stay for ever.
    pub(crate) fn time_of(&self, at_ms: i64) -> i64 {
        at_ms.min(self.clock.now_ms())
    }

    /// Whether a segment whose first record is from `since_ms` is old enough to be sealed.
    pub(crate) fn seals(&self, since_ms: i64) -> bool {
        self.age_ms_max.is_some_and(|age_ms_max| {
            self.clock.now_ms().saturating_sub(since_ms) >= (age_ms_max / SEGMENTS_A_RETENTION) as i64
        })
    }
}
