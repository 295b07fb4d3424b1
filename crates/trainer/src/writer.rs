//! Appends to the journal without waiting for the disk, and notices when somebody else writes to it.
//!
//! Entries become durable in the order in which they are appended, so whatever leaves the process by the journal comes after what it was
//! made from. Nobody but the owner writes: a number that was skipped is another owner's entry.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use event_log::{Append, AppendError, Durable, EventLog, ReadError, block_on};
use stream::JobError;
use stream::keyed::CheckpointError;

use crate::journal::{Entry, JOURNAL};

/// Batches on their way to the disk; more wait for the oldest.
const PENDING_MAX: usize = 256;
/// Tries of one batch while the log says that it is full.
const TRIES_MAX: u32 = 100;
const WAIT_MS_MAX: u64 = 100;
const READ_BYTES_MAX: usize = 1 << 20;

/// Why the journal could not be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal takes no entry")]
    Append(#[from] AppendError),
    #[error("the journal cannot be read back")]
    Read(#[from] ReadError),
}

/// See the module.
pub(crate) struct JournalWriter {
    log: Arc<dyn EventLog>,
    job: &'static str,
    epoch: u64,
    pending: VecDeque<(usize, Durable)>,
    /// One past the last entry of ours that is durable.
    next: u64,
}

impl JournalWriter {
    /// A writer of `epoch`, whose first entry has not been appended.
    pub(crate) fn new(log: Arc<dyn EventLog>, job: &'static str, epoch: u64) -> Self {
        Self {
            next: 0,
            pending: VecDeque::new(),
            log,
            job,
            epoch,
        }
    }

    /// Appends the entry that begins the epoch and waits for it; its offset.
    pub(crate) fn begin(&mut self, entry: &Entry, at_ms: i64) -> Result<u64, JobError> {
        let durable = self.queue(std::slice::from_ref(entry), at_ms)?;
        let offsets = block_on(durable).map_err(|error| self.failed(error.into()))?;
        let offset = offsets.first().copied().unwrap_or_default();
        self.next = offset + 1;
        Ok(offset)
    }

    /// Appends entries; they are durable later, in order.
    pub(crate) fn append(&mut self, entries: &[Entry], at_ms: i64) -> Result<(), JobError> {
        let durable = self.queue(entries, at_ms)?;
        self.pending.push_back((entries.len(), durable));
        self.look()?;
        while self.pending.len() > PENDING_MAX {
            self.settle_oldest()?;
        }
        Ok(())
    }

    /// Waits until everything appended is durable; one past the last entry.
    pub(crate) fn settle(&mut self) -> Result<u64, JobError> {
        while !self.pending.is_empty() {
            self.settle_oldest()?;
        }
        Ok(self.next)
    }

    fn queue(&self, entries: &[Entry], at_ms: i64) -> Result<Durable, JobError> {
        let batch = || {
            let append = |entry: &Entry| Append {
                to: JOURNAL,
                at_ms,
                payload: entry.encode().into(),
            };
            entries.iter().map(append).collect::<Vec<_>>()
        };
        for _ in 1..TRIES_MAX {
            match self.log.append(batch()) {
                Err(AppendError::Overloaded { retry_after_ms }) => {
                    thread::sleep(Duration::from_millis(retry_after_ms.clamp(1, WAIT_MS_MAX)));
                }
                answer => return answer.map_err(|error| self.failed(error.into())),
            }
        }
        self.log
            .append(batch())
            .map_err(|error| self.failed(error.into()))
    }

    /// Takes note of what has become durable, without waiting.
    fn look(&mut self) -> Result<(), JobError> {
        let mut context = Context::from_waker(Waker::noop());
        while let Some((count, durable)) = self.pending.front_mut() {
            let Poll::Ready(offsets) = durable.as_mut().poll(&mut context) else {
                return Ok(());
            };
            let count = *count;
            self.pending.pop_front();
            self.settled(count, offsets)?;
        }
        Ok(())
    }

    fn settle_oldest(&mut self) -> Result<(), JobError> {
        match self.pending.pop_front() {
            Some((count, durable)) => self.settled(count, block_on(durable)),
            None => Ok(()),
        }
    }

    fn settled(&mut self, count: usize, offsets: Result<Vec<u64>, AppendError>) -> Result<(), JobError> {
        let offsets = offsets.map_err(|error| self.failed(error.into()))?;
        let (first, last) = (offsets.first().copied(), offsets.last().copied());
        if let (Some(first), Some(last)) = (first, last) {
            let is_alone = first == self.next && last + 1 - first == count as u64;
            if !is_alone {
                self.look_for_another(last)?;
            }
            self.next = last + 1;
        }
        Ok(())
    }

    /// Reads what others wrote between our entries: an owner of a later epoch fences us.
    fn look_for_another(&self, to: u64) -> Result<(), JobError> {
        let mut next = self.next;
        while next < to {
            let records = match self.log.read(JOURNAL, next, READ_BYTES_MAX) {
                Ok(records) => records,
                Err(ReadError::Lost { next: after, .. }) => {
                    next = after;
                    continue;
                }
                Err(error) => return Err(self.failed(error.into())),
            };
            let Some(last) = records.last() else { return Ok(()) };
            next = last.offset + 1;
            let entries = records
                .iter()
                .filter_map(|record| Entry::decode(&record.payload).ok());
            if let Some(epoch) = entries
                .map(|entry| entry.epoch())
                .find(|epoch| *epoch > self.epoch)
            {
                return Err(JobError::Checkpoint {
                    job: self.job,
                    source: CheckpointError::Fenced { version: epoch },
                });
            }
        }
        Ok(())
    }

    fn failed(&self, error: JournalError) -> JobError {
        let is_transient = matches!(
            &error,
            JournalError::Append(AppendError::Overloaded { .. } | AppendError::Unconfirmed(_))
        );
        let (job, source) = (self.job, Box::new(error));
        match is_transient {
            true => JobError::Commit { job, source },
            false => JobError::Ended { job, source },
        }
    }
}
