//! The way in: an idempotent producer, and what is told when the brokers answer.
//!
//! A record goes to the partition that its caller names; the library's partitioner is never asked. All records of a
//! batch are admitted or none; each then travels by itself, and the batch is settled when the last of them is.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event_log::{Append, AppendError, Durable};
use parking_lot::Mutex;
use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::oneshot;

use crate::admission::Admission;
use crate::client::{Voice, settings};
use crate::config::{Compression, KafkaConfig};
use crate::error::OpenError;
use crate::marks::Marks;
use crate::outstanding::{Outstanding, Settled};
use crate::table::Table;

/// Requests on their way to one broker; more than 5 and idempotence does not hold.
const REQUESTS_IN_FLIGHT_MAX: &str = "5";
/// Bytes of one request's records to one partition.
const REQUEST_BYTES_MAX: usize = 1_000_000;
/// How long looking for one topic may take when a log opens.
const WARM_MAX: Duration = Duration::from_secs(1);
/// A record's own time is its timestamp when it is no older than this, and not ahead of our clock; else it goes into a
/// header, and the timestamp is now. Brokers refuse times far ahead; they remove by timestamp; and they *forget a producer*
/// whose last timestamp is a day old, so that after a restart they would take its retries for new records.
const TIMESTAMP_AGE_MS_MAX: i64 = 3_600_000;
/// See [`TIMESTAMP_AGE_MS_MAX`].
pub(crate) const AT_MS_HEADER: &str = "at_ms";

/// The producing half of a log.
pub(crate) struct Producer {
    client: ThreadedProducer<Deliveries>,
    table: Arc<Table>,
    heart: Arc<Heart>,
    record_bytes_max: usize,
    flush: Duration,
}

/// What the appending threads share with the thread that hears acknowledgements.
struct Heart {
    admission: Admission,
    outstanding: Outstanding,
    marks: Arc<Marks>,
    /// Why nothing more is taken, once the library has given up for good.
    stopped: Mutex<Option<String>>,
}

/// One batch on its way; every record of it holds a share.
struct Batch {
    number: u64,
    weight: usize,
    state: Mutex<BatchState>,
}

struct BatchState {
    offsets: Vec<u64>,
    /// Records that are not settled.
    left: usize,
    failed: Option<AppendError>,
    told: Option<oneshot::Sender<Result<Vec<u64>, AppendError>>>,
}

/// Travels with a record through the library and comes back with its acknowledgement.
pub(crate) struct Ticket {
    batch: Arc<Batch>,
    /// Which record of the batch.
    at: usize,
    slot: usize,
}

impl Producer {
    pub(crate) fn new(config: &KafkaConfig, table: Arc<Table>, marks: Arc<Marks>) -> Result<Self, OpenError> {
        let heart = Arc::new(Heart {
            admission: Admission::new(config.queue_bytes_max),
            outstanding: Outstanding::default(),
            marks,
            stopped: Mutex::new(None),
        });
        let deliveries = Deliveries { heart: heart.clone() };
        let client = producer_settings(config)
            .create_with_context(deliveries)
            .map_err(OpenError::Client)?;
        Ok(Self {
            client,
            table,
            heart,
            record_bytes_max: config.record_bytes_max,
            flush: Duration::from_millis(u64::from(config.delivery_ms_max)),
        })
    }

    /// Lets the client learn where the topics are, so that the first append need not wait for that. A fault here is
    /// met again, and told, there.
    pub(crate) fn warm(&self) {
        for name in self.table.names() {
            drop(self.client.client().fetch_metadata(Some(name), WARM_MAX));
        }
    }

    /// See [`event_log::EventLog::append`].
    pub(crate) fn append(&self, batch: &[Append]) -> Result<Durable, AppendError> {
        if let Some(reason) = self.stop_reason() {
            return Err(AppendError::Stopped(reason));
        }
        if batch.is_empty() {
            let barrier = self.heart.outstanding.barrier()?;
            return Ok(Box::pin(
                async move { heard(barrier.await)?.map(|()| Vec::new()) },
            ));
        }
        let slots = batch
            .iter()
            .map(|record| self.check(record))
            .collect::<Result<Vec<usize>, _>>()?;
        let weight = batch
            .iter()
            .map(|record| Admission::weight(record.payload.len()))
            .sum();
        self.heart.admission.enter(weight)?;
        let (told, hear) = oneshot::channel();
        let travelling = Arc::new(Batch {
            number: self.heart.outstanding.begin(),
            weight,
            state: Mutex::new(BatchState {
                offsets: vec![0; batch.len()],
                left: batch.len(),
                failed: None,
                told: Some(told),
            }),
        });
        self.send(batch, &slots, &travelling);
        Ok(Box::pin(async move { heard(hear.await)? }))
    }

    pub(crate) fn stop_reason(&self) -> Option<String> {
        self.heart.stopped.lock().clone()
    }

    fn check(&self, record: &Append) -> Result<usize, AppendError> {
        let slot = self
            .table
            .slot(record.to)
            .ok_or(AppendError::UnknownPartition(record.to))?;
        let (bytes, bytes_max) = (record.payload.len(), self.record_bytes_max);
        if bytes > bytes_max {
            return Err(AppendError::TooLarge { bytes, bytes_max });
        }
        Ok(slot)
    }

    /// Hands every record to the library. One that it does not take is settled at once as failed.
    fn send(&self, batch: &[Append], slots: &[usize], travelling: &Arc<Batch>) {
        let now_ms = now_ms();
        for (at, (record, slot)) in batch.iter().zip(slots).enumerate() {
            let (name, partition) = self.table.name(*slot);
            let ticket = Box::new(Ticket {
                batch: travelling.clone(),
                at,
                slot: *slot,
            });
            let mut due = BaseRecord::<(), [u8], Box<Ticket>>::with_opaque_to(name, ticket)
                .partition(partition)
                .payload(&record.payload);
            if (now_ms - TIMESTAMP_AGE_MS_MAX..=now_ms).contains(&record.at_ms) {
                due = due.timestamp(record.at_ms);
            } else {
                due = due.timestamp(now_ms).headers(at_ms_header(record.at_ms));
            }
            if let Err((error, due)) = self.client.send(due) {
                self.heart
                    .settle(*due.delivery_opaque, Err(self.heart.judge(&error)));
            }
        }
    }
}

impl Drop for Producer {
    /// Waits for what is on its way, as long as a delivery may take.
    fn drop(&mut self) {
        if let Err(error) = self.client.flush(self.flush) {
            tracing::warn!(%error, "the log was closed with records that no broker acknowledged");
        }
    }
}

fn producer_settings(config: &KafkaConfig) -> rdkafka::ClientConfig {
    let compression = match config.compression {
        Compression::None => "none",
        Compression::Lz4 => "lz4",
        Compression::Snappy => "snappy",
    };
    let mut settings = settings(config);
    settings
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("max.in.flight.requests.per.connection", REQUESTS_IN_FLIGHT_MAX)
        .set("delivery.timeout.ms", config.delivery_ms_max.to_string())
        .set(
            "request.timeout.ms",
            config.delivery_ms_max.min(10_000).to_string(),
        )
        .set(
            "linger.ms",
            format!("{:.3}", f64::from(config.linger_us) / 1000.0),
        )
        .set("batch.size", REQUEST_BYTES_MAX.to_string())
        .set("batch.num.messages", "10000")
        .set("message.max.bytes", REQUEST_BYTES_MAX.to_string())
        .set("compression.type", compression)
        // Our own bound refuses first; these only must not be in its way.
        .set("queue.buffering.max.messages", "0")
        .set(
            "queue.buffering.max.kbytes",
            (2 * config.queue_bytes_max / 1024).to_string(),
        )
        .set("retry.backoff.ms", "50")
        .set("retry.backoff.max.ms", "1000");
    settings
}

fn at_ms_header(at_ms: i64) -> OwnedHeaders {
    OwnedHeaders::new().insert(Header {
        key: AT_MS_HEADER,
        value: Some(&at_ms.to_be_bytes()),
    })
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

/// What a receiver heard; silence means that the log was dropped with this still on its way.
fn heard<T>(told: Result<T, oneshot::error::RecvError>) -> Result<T, AppendError> {
    told.map_err(|_| AppendError::Unconfirmed("the log was closed".to_owned()))
}

impl Heart {
    /// One record is acknowledged at an offset, or will never be.
    fn settle(&self, ticket: Ticket, result: Result<u64, AppendError>) {
        let Ticket { batch, at, slot } = ticket;
        let mut state = batch.state.lock();
        match result {
            Ok(offset) => {
                state.offsets[at] = offset;
                self.marks.end_raise(slot, offset + 1);
            }
            Err(error) => {
                metrics::counter!("riffle_event_log_kafka_failed_records_total").increment(1);
                state.failed.get_or_insert(error);
            }
        }
        state.left -= 1;
        if state.left == 0 {
            let settled: Settled = state.failed.take().map_or(Ok(()), Err);
            let offsets = std::mem::take(&mut state.offsets);
            let told = state.told.take();
            drop(state);
            self.finish(&batch, settled, offsets, told);
        }
    }

    fn finish(
        &self,
        batch: &Batch,
        settled: Settled,
        offsets: Vec<u64>,
        told: Option<oneshot::Sender<Result<Vec<u64>, AppendError>>>,
    ) {
        self.admission.leave(batch.weight);
        self.marks.announce();
        self.outstanding.end(batch.number, &settled);
        if let Some(told) = told {
            // A caller that stopped waiting has dropped its half.
            let _ = told.send(settled.map(|()| offsets));
        }
    }

    /// What a failure means for the caller.
    fn judge(&self, error: &KafkaError) -> AppendError {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) => AppendError::Overloaded { retry_after_ms: 100 },
            Some(
                code @ (RDKafkaErrorCode::Fatal
                | RDKafkaErrorCode::OutOfOrderSequenceNumber
                | RDKafkaErrorCode::InvalidProducerEpoch
                | RDKafkaErrorCode::UnknownProducerId),
            ) => {
                let mut stopped = self.stopped.lock();
                let reason = stopped.get_or_insert_with(|| {
                    tracing::error!(%code, "the brokers and this producer disagree on what was written");
                    format!("the brokers and this producer disagree on what was written ({code})")
                });
                AppendError::Stopped(reason.clone())
            }
            _ => AppendError::Unconfirmed(error.to_string()),
        }
    }
}

/// Hears what becomes of each record, on the library's polling thread.
struct Deliveries {
    heart: Arc<Heart>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        Voice("append").log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Voice("append").error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let result = match result {
            // The library tells no offset for what it believes to be a repeat of something long acknowledged.
            Ok(message) => u64::try_from(message.offset()).map_err(|_| {
                AppendError::Unconfirmed("acknowledged, at an offset that was not told".to_owned())
            }),
            Err((error, _)) => Err(self.heart.judge(error)),
        };
        self.heart.settle(*ticket, result);
    }
}
