//! Carries facts from the outbox to the event log: read in order, append, wait until durable, delete.
//!
//! At least once: a crash between the log's ack and the delete sends rows again, and the outbox id stamped into each record
//! lets consumers drop the repeat. It runs when a commit signals and on a timer, by the same path. It takes no input and
//! knows no schema beyond that stamp.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use event_log::{Append, AppendError, EventLog, Topic, TopicPartition};
use metastore::{Metastore, MetastoreError, OutboxRow, OutboxWaiting};
use types::ViewerId;

const BATCH_ROWS_MAX: u32 = 512;
const IDLE_MS_MAX: u64 = 1_000;
const RETRY_MS: u64 = 500;
/// A stopped log comes back with the process, not before.
const STOPPED_MS: u64 = 10_000;

/// Why a pass of the relay stopped. The rows stay in the outbox.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("the outbox could not be read or cut")]
    Store(#[from] MetastoreError),
    #[error("the event log did not take the rows")]
    Log(#[from] AppendError),
}

impl RelayError {
    /// How long to wait before the next pass.
    fn retry_ms(&self) -> u64 {
        match self {
            Self::Log(AppendError::Overloaded { retry_after_ms }) => (*retry_after_ms).clamp(1, RETRY_MS),
            Self::Log(AppendError::Stopped(_)) => STOPPED_MS,
            _ => RETRY_MS,
        }
    }
}

/// The relay of one node. Only one may run on an outbox.
pub struct OutboxRelay {
    store: Metastore,
    log: Arc<dyn EventLog>,
    /// One pass at a time: two would send the same rows twice.
    passing: tokio::sync::Mutex<()>,
}

impl OutboxRelay {
    pub fn new(store: Metastore, log: Arc<dyn EventLog>) -> Self {
        Self {
            store,
            log,
            passing: tokio::sync::Mutex::new(()),
        }
    }

    /// Relays until `shutdown` resolves, then makes one last pass.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut signal = self.store.outbox_signal();
        loop {
            let drained = self.drain().await;
            self.waiting_measure(drained.is_ok()).await;
            let pause = match drained {
                Ok(_) => Duration::from_millis(IDLE_MS_MAX),
                Err(error) => {
                    tracing::error!(error = %error, cause = ?std::error::Error::source(&error), "outbox relay stopped early");
                    metrics::counter!("riffle_product_outbox_failures_total").increment(1);
                    // A signal must not cut this pause short: the log is full or broken.
                    let pause = Duration::from_millis(error.retry_ms());
                    tokio::select! {
                        () = tokio::time::sleep(pause) => continue,
                        () = &mut shutdown => break,
                    }
                }
            };
            tokio::select! {
                // The sender lives in the store that `self` holds, so this only ends with a change.
                _ = signal.changed() => {}
                () = tokio::time::sleep(pause) => {}
                () = &mut shutdown => break,
            }
        }
        if let Err(error) = self.drain().await {
            tracing::warn!(error = %error, "outbox rows wait for the next start");
        }
    }

    /// Tells what waits: nothing after a pass that came through, and what is stuck after one that did not.
    async fn waiting_measure(&self, drained: bool) {
        let waiting = match drained {
            true => Ok(OutboxWaiting::default()),
            false => self.store.outbox_waiting().await,
        };
        match waiting {
            Ok(waiting) => {
                metrics::gauge!("riffle_product_outbox_waiting_rows").set(waiting.rows as f64);
                metrics::gauge!("riffle_product_outbox_oldest_at_ms")
                    .set(waiting.oldest_at_ms.unwrap_or_default() as f64);
            }
            Err(error) => tracing::warn!(%error, "what waits in the outbox is not known"),
        }
    }

    /// Relays everything committed before the call, so that whoever waits for it can read its own action from the log's end.
    pub async fn settle(&self) -> Result<u64, RelayError> {
        self.drain().await
    }

    /// Relays until the outbox is empty; how many records it relayed.
    pub async fn drain(&self) -> Result<u64, RelayError> {
        let _passing = self.passing.lock().await;
        let mut relayed = 0;
        loop {
            let rows = self.store.outbox_take(0, BATCH_ROWS_MAX).await?;
            let Some(last) = rows.last().map(|row| row.id) else {
                break;
            };
            let count = rows.len() as u64;
            let batch = rows.into_iter().map(|row| self.record_of(row)).collect();
            self.log.append(batch)?.await?;
            let mut tx = self.store.write("outbox_delete").await?;
            tx.outbox_delete(last).await?;
            tx.commit().await?;
            relayed += count;
            metrics::counter!("riffle_product_outbox_relayed_total").increment(count);
        }
        Ok(relayed)
    }

    fn record_of(&self, row: OutboxRow) -> Append {
        let mut payload = row.payload;
        event::stamp_outbox_id(&mut payload, row.id);
        let partition = event::partition_of(ViewerId::from_raw(row.partition_key), self.log.partitions());
        let to = TopicPartition {
            topic: Topic(row.topic),
            partition,
        };
        Append {
            to,
            at_ms: row.at_ms,
            payload: payload.into(),
        }
    }
}
