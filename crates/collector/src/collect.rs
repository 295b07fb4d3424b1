//! One batch of one session: checked, appended, acknowledged.

use std::collections::HashSet;
use std::sync::Arc;

use event::{Event, SessionKey, Signal, partition_of};
use event_log::{Append, AppendError, Durable, EventLog, Topic, TopicPartition};
use feature_store::{FeatureStore, SequenceWindow, StoreError};
use metrics::counter;
use serde_json::value::RawValue;
use types::{TimestampMs, ViewerId};

use crate::validate::{EVENTS_MAX, SESSION_ID_CHARS_MAX, Stamp, WireEvent};
use crate::windows::Windows;

/// Why a whole batch was not taken. Nothing of it was counted; send it again with the same numbers.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    #[error("sessionId must have 1 to {SESSION_ID_CHARS_MAX} characters")]
    SessionId,
    #[error("a request holds at most {EVENTS_MAX} events; this one has {0}")]
    TooMany(usize),
    #[error("events cannot be kept at the moment; send the same batch again")]
    Log(#[from] AppendError),
    #[error("session state cannot be read at the moment; send the same batch again")]
    Store(#[from] StoreError),
}

/// The acknowledgement: everything in it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: Vec<Rejected>,
    /// Every number of the session up to here is settled.
    pub acked_through_seq: u64,
}

/// An event that will never be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub seq: Option<u64>,
    pub code: &'static str,
}

/// See the crate's header.
pub struct Collector {
    log: Arc<dyn EventLog>,
    windows: Windows,
}

/// What a batch held, sorted out.
#[derive(Default)]
struct Sorted {
    fresh: Vec<Signal>,
    duplicates: u64,
    rejected: Vec<Rejected>,
}

impl Collector {
    pub fn new(log: Arc<dyn EventLog>, store: Arc<FeatureStore>) -> Self {
        Self {
            log,
            windows: Windows::new(store),
        }
    }

    /// Takes one batch that arrived at `now_ms`; answers when its new events, and the first copies of its repeats, are durable.
    ///
    /// Numbers are settled when the log has queued the batch, before it is durable: the log keeps its order, so whoever
    /// is told "duplicate" waits for what was queued before. A caller that goes away half-way leaves nothing unsettled.
    ///
    /// # Errors
    /// See [`CollectError`]; on an error send the same batch again.
    pub async fn collect(
        &self,
        viewer: ViewerId,
        session_id: &str,
        events: &[&RawValue],
        now_ms: TimestampMs,
    ) -> Result<Receipt, CollectError> {
        if session_id.is_empty() || session_id.chars().count() > SESSION_ID_CHARS_MAX {
            return Err(CollectError::SessionId);
        }
        if events.len() > EVENTS_MAX {
            return Err(CollectError::TooMany(events.len()));
        }
        let session = SessionKey::of(session_id);
        let window = self.windows.get(viewer, session, now_ms)?;
        let (receipt, durable) = self.queue(
            &mut window.lock(),
            events,
            Stamp {
                viewer,
                session,
                received_ms: now_ms,
            },
        )?;
        durable.await?;
        Ok(receipt)
    }

    /// Sorts a batch out, queues what is new and settles its numbers; the receipt counts once the future resolves.
    fn queue(
        &self,
        window: &mut SequenceWindow,
        events: &[&RawValue],
        stamp: Stamp,
    ) -> Result<(Receipt, Durable), CollectError> {
        let sorted = sort(events, window, stamp);
        // With nothing new this is a barrier behind the first copies.
        let durable = self.log.append(self.records(&sorted.fresh, stamp.received_ms))?;
        // Refused events are settled too: a client must not send them for ever.
        let refused = sorted.rejected.iter().filter_map(|rejected| rejected.seq);
        for sequence in refused.chain(sorted.fresh.iter().map(|signal| signal.sequence)) {
            window.insert(sequence);
        }
        count(&sorted);
        let receipt = Receipt {
            accepted: sorted.fresh.len() as u64,
            duplicates: sorted.duplicates,
            rejected: sorted.rejected,
            acked_through_seq: window.through(),
        };
        Ok((receipt, durable))
    }

    fn records(&self, signals: &[Signal], at_ms: TimestampMs) -> Vec<Append> {
        let partitions = self.log.partitions();
        let record = |signal: &Signal| {
            let event = Event::Signal(signal.clone());
            let partition = partition_of(signal.viewer, partitions);
            let to = TopicPartition {
                topic: Topic(event.topic()),
                partition,
            };
            Append {
                to,
                at_ms,
                payload: event.encode().into(),
            }
        };
        signals.iter().map(record).collect()
    }
}

fn sort(events: &[&RawValue], window: &SequenceWindow, stamp: Stamp) -> Sorted {
    let (mut sorted, mut in_batch) = (Sorted::default(), HashSet::new());
    for event in events {
        let read = WireEvent::read(event);
        let seq = read
            .as_ref()
            .map_or_else(|refusal| refusal.seq, WireEvent::sequence);
        if seq.is_some_and(|seq| !window.is_new(seq) || !in_batch.insert(seq)) {
            sorted.duplicates += 1;
            continue;
        }
        match read
            .map_err(|refusal| refusal.code)
            .and_then(|event| event.signal(stamp))
        {
            Ok(signal) => sorted.fresh.push(signal),
            Err(code) => sorted.rejected.push(Rejected { seq, code }),
        }
    }
    sorted
}

fn count(sorted: &Sorted) {
    counter!("riffle_collector_accepted_total").increment(sorted.fresh.len() as u64);
    counter!("riffle_collector_duplicates_total").increment(sorted.duplicates);
    for rejected in &sorted.rejected {
        counter!("riffle_collector_rejected_total", "reason" => rejected.code).increment(1);
    }
}
