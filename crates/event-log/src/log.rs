//! The embedded backend: one physical log in one folder, many logical partitions.
//!
//! This file only wires the parts: [`crate::queue`] takes records in, [`crate::commit`] makes them durable,
//! [`crate::view`] hands them out, [`crate::keeper`] prepares and removes segments.

use std::future::ready;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::commit::Committer;
use crate::config::{OpenError, SegmentLogConfig};
use crate::disk::{Disk, Folder};
use crate::keeper::{Housekeeping, Keeper};
use crate::port::{Append, AppendError, Durable, EventLog, Promise, ReadError, Record, TopicPartition};
use crate::queue::{Queue, Queued};
use crate::recover::recover;
use crate::segment::Wanted;
use crate::view::View;

/// A log in segment files. Dropping it writes what is queued, marks the log clean and ends its threads.
pub struct SegmentLog {
    config: SegmentLogConfig,
    queue: Arc<Queue>,
    view: Arc<View>,
    keeper: Arc<Keeper>,
    /// Ends after [`Queue::close`]; joined on drop. None where a simulation commits by hand.
    committer: Option<JoinHandle<()>>,
}

impl SegmentLog {
    /// Opens the log in `dir`, creating it when there is none. Takes the time to read the last segment, and
    /// on a new log to zero a first one.
    ///
    /// # Errors
    /// See [`OpenError`]; a torn tail is repaired, damage before it is refused.
    pub fn open(dir: &Path, config: SegmentLogConfig) -> Result<Self, OpenError> {
        let folder = Folder::open(dir).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked {
                dir: dir.display().to_string(),
            },
            _ => OpenError::Io {
                action: "open",
                name: dir.display().to_string(),
                source,
            },
        })?;
        Self::open_on(Arc::new(folder), config)
    }

    /// As [`SegmentLog::open`], on any disk.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_on(disk: Arc<dyn Disk>, config: SegmentLogConfig) -> Result<Self, OpenError> {
        let (mut log, mut committer) = Self::assemble(disk, config)?;
        let threads = || OpenError::io("start", "the log's threads");
        if log.config.prepare_ahead {
            committer.housekeeping =
                Housekeeping::spawn(log.keeper.clone(), log.view.clone()).map_err(threads())?;
        }
        let thread = thread::Builder::new().name("log-commit".to_owned());
        log.committer = Some(thread.spawn(move || committer.run()).map_err(threads())?);
        Ok(log)
    }

    /// The log and what its commit thread is made of, before there are threads.
    pub(crate) fn assemble(
        disk: Arc<dyn Disk>,
        config: SegmentLogConfig,
    ) -> Result<(Self, Committer), OpenError> {
        config.check()?;
        let keeper = Arc::new(Keeper::new(disk.clone(), &config));
        let recovered = recover(&disk, &config, &keeper)?;
        let view = View::new(disk, config.slots(), recovered.segments, &recovered.next, &config);
        let view = Arc::new(view);
        let queue = Arc::new(Queue::new(&config, recovered.next));
        let committer = Committer {
            queue: queue.clone(),
            view: view.clone(),
            keeper: keeper.clone(),
            housekeeping: Housekeeping::Inline(keeper.clone(), view.clone()),
            active: recovered.active,
            index: recovered.index,
            position: recovered.position,
            next_record: recovered.next_record,
            active_since_ms: recovered.oldest_ms.map(|at_ms| keeper.retention.time_of(at_ms)),
        };
        let log = Self {
            config,
            queue,
            view,
            keeper,
            committer: None,
        };
        Ok((log, committer))
    }

    /// Why the log stopped for good, if it did; readiness checks ask this.
    pub fn stop_reason(&self) -> Option<String> {
        self.queue.stop_reason()
    }

    /// Removes sealed segments all of whose records were received before `at_ms`, as far as no reader holds
    /// them; returns how many.
    pub fn trim_before(&self, at_ms: i64) -> usize {
        self.keeper.remove_while(&self.view, |sealed| {
            sealed[0].newest_ms.load(Ordering::Relaxed) < at_ms
        })
    }
}

impl EventLog for SegmentLog {
    fn partitions(&self) -> u16 {
        self.config.partitions
    }

    fn append(&self, batch: Vec<Append>) -> Result<Durable, AppendError> {
        self.append_promised(batch, Promise::Disk)
    }

    fn append_promised(&self, batch: Vec<Append>, promise: Promise) -> Result<Durable, AppendError> {
        let Queued { offsets, acked } = self.queue.push(&batch, promise)?;
        let Some(acked) = acked else {
            return Ok(Box::pin(ready(Ok(offsets))));
        };
        Ok(Box::pin(async move {
            match acked.await {
                Ok(done) => done.map(|()| offsets),
                Err(_) => Err(AppendError::Stopped("the commit thread ended".to_owned())),
            }
        }))
    }

    fn read(&self, from: TopicPartition, offset: u64, bytes_max: usize) -> Result<Vec<Record>, ReadError> {
        let slot = self
            .config
            .slots()
            .slot(from)
            .ok_or(ReadError::UnknownPartition(from))?;
        let (end, first) = (self.view.end(slot), self.view.start(slot));
        if offset < first {
            return Err(ReadError::Trimmed { from, offset, first });
        }
        self.view.read(Wanted {
            of: from,
            slot,
            offset,
            end,
            bytes_max,
        })
    }

    fn start(&self, of: TopicPartition) -> u64 {
        self.config
            .slots()
            .slot(of)
            .map_or(0, |slot| self.view.start(slot))
    }

    fn end(&self, of: TopicPartition) -> u64 {
        self.config.slots().slot(of).map_or(0, |slot| self.view.end(slot))
    }

    fn wait(&self, generation: u64, timeout: Duration) -> u64 {
        self.view.wait(generation, timeout)
    }

    fn retain(&self, reader: &str, offsets: &[(TopicPartition, u64)]) {
        self.keeper.retention.hold(reader, offsets);
    }
}

impl Drop for SegmentLog {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!("the log's commit thread panicked");
        }
    }
}
