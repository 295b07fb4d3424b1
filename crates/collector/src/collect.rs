//! One batch of one session: checked, appended, acknowledged.

use std::sync::Arc;

use bytes::Bytes;
use event::{SessionKey, partition_of, topic};
use event_log::{Append, AppendError, Durable, EventLog, Promise, Topic, TopicPartition};
use feature_store::{FeatureStore, SequenceWindow, StoreError};
use types::{Region, TimestampMs, VideoId, ViewerId};

use crate::batch::Batch;
use crate::meters::{Meters, Oddities, Oddity};
use crate::validate::{EVENTS_MAX, Judged, Observed, Rejected, SESSION_ID_CHARS_MAX, Stamp};
use crate::windows::Windows;

/// About what an event takes in the log, for one allocation a batch.
const RECORD_BYTES: usize = 80;

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

/// The acknowledgement: everything in it is as safe as `promise` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: Vec<Rejected>,
    /// Every number of the session up to here is settled.
    pub acked_through_seq: u64,
    pub promise: Promise,
}

/// Who sends, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    pub viewer: ViewerId,
    pub region: Option<Region>,
}

/// See the crate's header.
pub struct Collector {
    log: Arc<dyn EventLog>,
    store: Arc<FeatureStore>,
    windows: Windows,
    meters: Meters,
}

/// What a batch held, sorted out.
#[derive(Default)]
struct Sorted {
    /// The fresh events' records, one behind the other.
    bytes: Vec<u8>,
    /// The topic and the end in `bytes` of each.
    records: Vec<(u8, usize)>,
    /// Usable numbers that are new, of fresh and of refused events: a client must not send those for ever.
    settled: Vec<u64>,
    highest: u64,
    duplicates: u64,
    rejected: Vec<Rejected>,
    odd: Oddities,
}

impl Collector {
    pub fn new(log: Arc<dyn EventLog>, store: Arc<FeatureStore>) -> Self {
        Self {
            log,
            windows: Windows::new(store.clone()),
            store,
            meters: Meters::new(),
        }
    }

    /// Takes one batch that arrived at `now_ms`; answers when its new events, and the first copies of its repeats, are as safe
    /// as the receipt's promise says.
    ///
    /// Numbers are settled when the log has queued the batch, before it is durable: the log keeps its order, so whoever
    /// is told "duplicate" waits for what was queued before. A caller that goes away half-way leaves nothing unsettled.
    ///
    /// # Errors
    /// See [`CollectError`]; on an error send the same batch again.
    pub async fn collect(
        &self,
        sender: Sender,
        batch: Batch<'_>,
        now_ms: TimestampMs,
    ) -> Result<Receipt, CollectError> {
        let session_id = &*batch.session_id;
        if session_id.is_empty() || session_id.chars().count() > SESSION_ID_CHARS_MAX {
            return Err(CollectError::SessionId);
        }
        if batch.events.count > EVENTS_MAX {
            return Err(CollectError::TooMany(batch.events.count));
        }
        let session = SessionKey::of(session_id);
        let window = self.windows.get(sender.viewer, session, now_ms)?;
        let stamp = Stamp {
            viewer: sender.viewer,
            session,
            received_ms: now_ms,
            region: sender.region,
        };
        let (receipt, durable) = self.queue(&mut window.lock(), &batch.events.judged, stamp)?;
        durable.await?;
        Ok(receipt)
    }

    /// Sorts a batch out, queues what is new and settles its numbers; the receipt counts once the future resolves.
    fn queue(
        &self,
        window: &mut SequenceWindow,
        events: &[Judged],
        stamp: Stamp,
    ) -> Result<(Receipt, Durable), CollectError> {
        let mut sorted = self.sort(events, window, stamp);
        let (accepted, promise) = (sorted.records.len() as u64, sorted.promise());
        let records = sorted.take_records(
            partition_of(stamp.viewer, self.log.partitions()),
            stamp.received_ms,
        );
        // With nothing new this is a barrier behind the first copies.
        let durable = self.log.append_promised(records, promise)?;
        let lost_before = window.lost();
        for &sequence in &sorted.settled {
            window.insert(sequence);
        }
        sorted.odd.add(Oddity::Lost, window.lost() - lost_before);
        self.count(&sorted, accepted, promise);
        let receipt = Receipt {
            accepted,
            duplicates: sorted.duplicates,
            rejected: sorted.rejected,
            acked_through_seq: window.through(),
            promise,
        };
        Ok((receipt, durable))
    }

    fn sort(&self, events: &[Judged], window: &SequenceWindow, stamp: Stamp) -> Sorted {
        let mut sorted = Sorted {
            bytes: Vec::with_capacity(events.len() * RECORD_BYTES),
            records: Vec::with_capacity(events.len()),
            settled: Vec::with_capacity(events.len()),
            highest: window.highest(),
            ..Sorted::default()
        };
        for event in events {
            let seq = event
                .as_ref()
                .map_or_else(|no| no.seq, |event| Some(event.sequence));
            if seq.is_some_and(|seq| !sorted.settle(window, seq)) {
                sorted.duplicates += 1;
                continue;
            }
            match event {
                Ok(event) => self.take(&mut sorted, event, stamp),
                Err(rejected) => sorted.rejected.push(*rejected),
            }
        }
        sorted
    }

    fn take(&self, sorted: &mut Sorted, event: &Observed, stamp: Stamp) {
        let signal = event.signal(stamp);
        signal.encode_into(&mut sorted.bytes);
        sorted.records.push((signal.topic(), sorted.bytes.len()));
        let unknown = signal.video.is_some_and(|video| self.is_unknown(video));
        let odd = [
            event.clock_oddity(stamp.received_ms),
            unknown.then_some(Oddity::UnknownVideo),
        ];
        odd.into_iter()
            .flatten()
            .for_each(|oddity| sorted.odd.add(oddity, 1));
    }

    /// The catalog may be behind a publication by a moment, so this is only counted.
    fn is_unknown(&self, video: VideoId) -> bool {
        self.store.catalog().get(video).is_none()
    }

    fn count(&self, sorted: &Sorted, accepted: u64, promise: Promise) {
        self.meters.accepted(accepted, promise == Promise::Memory);
        self.meters.duplicates(sorted.duplicates);
        sorted
            .rejected
            .iter()
            .for_each(|rejected| self.meters.rejected(rejected.code));
        self.meters.odd(&sorted.odd);
    }
}

impl Sorted {
    /// Notes a number; false when it was there before, in the session or in this batch.
    fn settle(&mut self, window: &SequenceWindow, sequence: u64) -> bool {
        if sequence > self.highest {
            self.highest = sequence;
        } else if !window.is_new(sequence) || self.settled.contains(&sequence) {
            return false;
        } else {
            self.odd.add(Oddity::OutOfOrder, 1);
        }
        self.settled.push(sequence);
        true
    }

    /// Heartbeats and context alone may be lost with the machine. A repeat waits for the disk, because its first copy may have been
    /// promised that.
    fn promise(&self) -> Promise {
        let slight = |&(topic, _): &(u8, usize)| topic == topic::CONTEXT;
        let all_slight = !self.records.is_empty() && self.records.iter().all(slight);
        if all_slight && self.duplicates == 0 {
            Promise::Memory
        } else {
            Promise::Disk
        }
    }

    /// The records for the log, slices of one buffer.
    fn take_records(&mut self, partition: u16, at_ms: TimestampMs) -> Vec<Append> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let mut start = 0;
        let record = |&(topic, end): &(u8, usize)| {
            let payload = bytes.slice(start..end);
            start = end;
            let to = TopicPartition {
                topic: Topic(topic),
                partition,
            };
            Append { to, at_ms, payload }
        };
        self.records.iter().map(record).collect()
    }
}
