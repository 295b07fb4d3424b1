//! The embedded backend: one physical log in one folder, many logical partitions.
//!
//! This file only wires the parts: [`crate::queue`] takes records in, [`crate::commit`] makes them durable,
//! [`crate::view`] hands them out, [`crate::keeper`] prepares and removes segments.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::commit::Committer;
use crate::config::{OpenError, SegmentLogConfig};
use crate::disk::{Disk, Folder};
use crate::keeper::{Housekeeping, Keeper};
use crate::port::{Append, AppendError, Durable, EventLog, ReadError, Record, TopicPartition};
use crate::queue::Queue;
use crate::recover::{Recovered, recover};
use crate::segment::Wanted;
use crate::view::View;

/// A log in segment files. Dropping it writes what is queued, marks the log clean and ends its threads.
pub struct SegmentLog {
    config: SegmentLogConfig,
    queue: Arc<Queue>,
    view: Arc<View>,
    keeper: Arc<Keeper>,
    /// Ends after [`Queue::close`]; joined on drop.
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
        config.check()?;
        let keeper = Arc::new(Keeper::new(disk.clone(), &config));
        let Recovered {
            segments,
            next,
            next_record,
            position,
        } = recover(&disk, &config, &keeper)?;
        let slots = config.slots();
        let (Some(active), bytes_max) = (segments.last().cloned(), config.cache_bytes_max) else {
            return Err(OpenError::Config("a log without a segment"));
        };
        let view = Arc::new(View::new(disk, slots, segments, &next, bytes_max));
        let queue = Arc::new(Queue::new(&config, next));
        let threads = OpenError::io("start", "the log's threads");
        let committer =
            start(&config, &queue, &view, &keeper, active, (position, next_record)).map_err(threads)?;
        Ok(Self {
            config,
            queue,
            view,
            keeper,
            committer: Some(committer),
        })
    }

    /// Why the log stopped for good, if it did; readiness checks ask this.
    pub fn stop_reason(&self) -> Option<String> {
        self.queue.stop_reason()
    }

    /// Removes sealed segments all of whose records were received before `at_ms`; returns how many.
    pub fn trim_before(&self, at_ms: i64) -> usize {
        self.keeper.remove_while(&self.view, |sealed| {
            sealed[0].newest_ms.load(std::sync::atomic::Ordering::Relaxed) < at_ms
        })
    }
}

fn start(
    config: &SegmentLogConfig,
    queue: &Arc<Queue>,
    view: &Arc<View>,
    keeper: &Arc<Keeper>,
    active: Arc<crate::segment::Segment>,
    (position, next_record): (u64, u64),
) -> io::Result<JoinHandle<()>> {
    let housekeeping = match config.prepare_ahead {
        true => Housekeeping::spawn(keeper.clone(), view.clone())?,
        false => Housekeeping::Inline(keeper.clone(), view.clone()),
    };
    let index = active
        .index
        .lock()
        .clone()
        .ok_or_else(|| io::Error::other("the active segment has no index"))?;
    let committer = Committer {
        queue: queue.clone(),
        view: view.clone(),
        keeper: keeper.clone(),
        housekeeping,
        active,
        index,
        position,
        next_record,
    };
    thread::Builder::new()
        .name("log-commit".to_owned())
        .spawn(move || committer.run())
}

impl EventLog for SegmentLog {
    fn partitions(&self) -> u16 {
        self.config.partitions
    }

    fn append(&self, batch: Vec<Append>) -> Result<Durable, AppendError> {
        let (offsets, acked) = self.queue.push(&batch)?;
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
