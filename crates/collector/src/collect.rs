//! One batch of one session: checked, appended, acknowledged.

use std::collections::HashSet;
use std::sync::Arc;

use event::{Event, SessionKey, Signal, partition_of};
use event_log::{Append, AppendError, EventLog, Topic, TopicPartition};
use feature_store::{FeatureStore, SequenceWindow, StoreError};
use metrics::counter;
use serde_json::Value;
use types::{TimestampMs, ViewerId};

use crate::validate::{EVENTS_MAX, SESSION_ID_CHARS_MAX, Stamp, sequence_of, signal};
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

    /// Takes one batch that arrived at `now_ms`; answers when its new events are durable.
    ///
    /// Batches of one session run one after another, so a resend that overtakes its first try waits for it. Dropping the future
    /// before it resolves may leave events durable but unacknowledged: run it in a task of its own.
    ///
    /// # Errors
    /// See [`CollectError`]; on an error no number of the batch is settled.
    pub async fn collect(
        &self,
        viewer: ViewerId,
        session_id: &str,
        events: &[Value],
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
        let mut window = window.lock().await;
        let sorted = sort(
            events,
            &window,
            Stamp {
                viewer,
                session,
                received_ms: now_ms,
            },
        );
        if !sorted.fresh.is_empty() {
            self.log.append(self.records(&sorted.fresh, now_ms))?.await?;
        }
        // Refused events are settled too: a client must not send them for ever.
        for sequence in sorted.rejected.iter().filter_map(|rejected| rejected.seq) {
            window.insert(sequence);
        }
        for signal in &sorted.fresh {
            window.insert(signal.sequence);
        }
        count(&sorted);
        Ok(Receipt {
            accepted: sorted.fresh.len() as u64,
            duplicates: sorted.duplicates,
            rejected: sorted.rejected,
            acked_through_seq: window.through(),
        })
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

fn sort(events: &[Value], window: &SequenceWindow, stamp: Stamp) -> Sorted {
    let (mut sorted, mut in_batch) = (Sorted::default(), HashSet::new());
    for event in events {
        let seq = sequence_of(event);
        if seq.is_some_and(|seq| !window.is_new(seq) || !in_batch.insert(seq)) {
            sorted.duplicates += 1;
            continue;
        }
        match signal(event, stamp) {
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
