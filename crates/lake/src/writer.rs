//! The lake as a stream job's checkpoint: rows in memory, tables on object storage, offsets inside the tables.
//!
//! Each table commits by itself, its rows and its offsets in one step; the tables do not commit together, and need not:
//! every one resumes where it is. The poisoned records of a topic are committed before the topic's table moves on, and
//! are passed over when a crash in between brings them again.

use std::sync::Arc;

use event::{Action, DecodeError, Event, Signal, VideoChange};
use event_log::{Record, TopicPartition};
use parking_lot::Mutex;
use stream::Checkpoint;

use crate::Clock;
use crate::append::Appender;
use crate::buffer::{Buffer, Sealable, columns_of};
use crate::config::LakeConfig;
use crate::data_file;
use crate::delta::{DeltaLog, TableSchema};
use crate::error::LakeError;
use crate::objects::Objects;
use crate::tables::{Fact, PoisonedRow, ServedRow, Table};

/// Hours × partitions with uncommitted rows over all tables; beyond it a commit is due. Replay of a long log would
/// otherwise open one file an hour of it.
const PARTS_MAX: usize = 1_024;

/// Writes the tables of the lake. One a process; share it between the job and its driver.
pub struct LakeWriter {
    tables: Mutex<Tables>,
    buffer_bytes_max: usize,
}

struct Tables {
    views: TableWriter<Signal>,
    context: TableWriter<Signal>,
    actions: TableWriter<Action>,
    served: TableWriter<ServedRow>,
    videos: TableWriter<VideoChange>,
    poisoned: TableWriter<PoisonedRow>,
}

struct TableWriter<R: Fact> {
    rows: Buffer<R>,
    appender: Appender,
}

impl LakeWriter {
    /// A writer that has not looked at any table yet.
    ///
    /// # Errors
    /// [`LakeError::Key`] when the configured prefix names no folder.
    pub fn new(objects: Arc<dyn Objects>, clock: Clock, config: &LakeConfig) -> Result<Self, LakeError> {
        let log = |table| DeltaLog::open(objects.clone(), clock.clone(), table, config);
        Ok(Self {
            tables: Mutex::new(Tables {
                views: TableWriter::new(log(Table::Views)?, config.writer),
                context: TableWriter::new(log(Table::Context)?, config.writer),
                actions: TableWriter::new(log(Table::Actions)?, config.writer),
                served: TableWriter::new(log(Table::Served)?, config.writer),
                videos: TableWriter::new(log(Table::Videos)?, config.writer),
                poisoned: TableWriter::new(log(Table::Poisoned)?, config.writer),
            }),
            buffer_bytes_max: config.buffer_bytes_max,
        })
    }

    /// Turns one record into rows; the reason when it is poisoned, and then a row of its own kind.
    pub(crate) fn fold(&self, record: &Record) -> Result<(), &'static str> {
        let mut tables = self.tables.lock();
        let folded = tables.fold(record);
        if let Err(reason) = folded {
            tables.poison(record, reason);
        }
        folded
    }

    /// Bytes in memory that wait for their commit, over all tables.
    pub fn held_bytes(&self) -> usize {
        self.tables
            .lock()
            .all()
            .iter()
            .map(|table| table.held_bytes())
            .sum()
    }

    /// Whether memory is full and a commit is due before more is read.
    pub fn is_full(&self) -> bool {
        let parts: usize = self.tables.lock().all().iter().map(|table| table.parts()).sum();
        let bytes = self.held_bytes();
        metrics::gauge!("riffle_lake_held_bytes").set(bytes as f64);
        bytes >= self.buffer_bytes_max || parts >= PARTS_MAX
    }
}

impl Checkpoint for LakeWriter {
    type Error = LakeError;

    fn resume_at(&self, _job: &str, from: TopicPartition) -> Result<u64, LakeError> {
        let mut tables = self.tables.lock();
        tables.poisoned.resume(from)?;
        tables.of(from).resume(from)
    }

    fn applied(&self, _job: &str, _from: TopicPartition, _next: u64) {
        // Rows are filed by their own offsets; there is nothing to note.
    }

    fn commit(&self, _job: &str, offsets: &[(TopicPartition, u64)]) -> Result<(), LakeError> {
        let mut tables = self.tables.lock();
        let [poisoned, rest @ ..] = tables.all();
        poisoned.commit_rows(offsets)?;
        rest.into_iter().try_for_each(|table| table.commit_topic(offsets))
    }

    fn is_transient(error: &LakeError) -> bool {
        error.is_transient()
    }
}

impl Tables {
    /// The poisoned records first; see the file's header.
    fn all(&mut self) -> [&mut dyn WriteTable; 6] {
        [
            &mut self.poisoned,
            &mut self.views,
            &mut self.actions,
            &mut self.context,
            &mut self.served,
            &mut self.videos,
        ]
    }

    /// The table of a topic's offsets. Records of topics without a table of their own are all poisoned.
    fn of(&mut self, source: TopicPartition) -> &mut dyn WriteTable {
        match Table::of_topic(source.topic) {
            Some(Table::Views) => &mut self.views,
            Some(Table::Actions) => &mut self.actions,
            Some(Table::Context) => &mut self.context,
            Some(Table::Served) => &mut self.served,
            Some(Table::Videos) => &mut self.videos,
            Some(Table::Poisoned) | None => &mut self.poisoned,
        }
    }

    fn fold(&mut self, record: &Record) -> Result<(), &'static str> {
        let event = Event::decode(&record.payload).map_err(|error: DecodeError| error.reason())?;
        match (Table::of_topic(record.from.topic), event) {
            (Some(Table::Views), Event::Signal(signal)) => self.views.rows.push(record, &signal),
            (Some(Table::Context), Event::Signal(signal)) => self.context.rows.push(record, &signal),
            (Some(Table::Actions), Event::Action(action)) => self.actions.rows.push(record, &action),
            (Some(Table::Videos), Event::Video(change)) => self.videos.rows.push(record, &change),
            (Some(Table::Served), Event::Served(slate)) => {
                let (viewer, at_ms) = (slate.viewer, slate.at_ms);
                for (index, item) in (0..).zip(slate.items) {
                    let row = ServedRow {
                        viewer,
                        at_ms,
                        index,
                        item,
                    };
                    self.served.rows.push(record, &row);
                }
            }
            // They have no table of their own yet; the bytes are kept as they are.
            (Some(Table::Views), Event::Wish(_)) => return Err("wish"),
            _ => return Err("foreign"),
        }
        Ok(())
    }

    fn poison(&mut self, record: &Record, reason: &'static str) {
        if record.offset < self.poisoned.appender.committed(record.from) {
            return;
        }
        let row = PoisonedRow {
            topic: record.from.topic,
            reason,
            payload: record.payload.clone(),
        };
        self.poisoned.rows.push(record, &row);
    }
}

/// A table's writer, whatever its rows are.
trait WriteTable {
    fn resume(&mut self, source: TopicPartition) -> Result<u64, LakeError>;
    /// Commits the rows and the offsets of this table's topic.
    fn commit_topic(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), LakeError>;
    /// Commits the rows and the offsets of the partitions that they are from.
    fn commit_rows(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), LakeError>;
    fn held_bytes(&self) -> usize;
    fn parts(&self) -> usize;
}

impl<R: Fact> TableWriter<R> {
    fn new(log: DeltaLog, writer: u64) -> Self {
        let schema = TableSchema {
            table: log.table,
            columns: columns_of::<R>().collect(),
        };
        Self {
            rows: Buffer::default(),
            appender: Appender::new(log, schema, data_file::layout::<R>(), writer),
        }
    }

    fn commit(
        &mut self,
        offsets: &[(TopicPartition, u64)],
        concerns: impl Fn(TopicPartition) -> bool,
    ) -> Result<(), LakeError> {
        let own: Vec<_> = offsets
            .iter()
            .copied()
            .filter(|&(source, _)| concerns(source))
            .collect();
        self.appender.commit(&mut self.rows, &own)
    }
}

impl<R: Fact> WriteTable for TableWriter<R> {
    fn resume(&mut self, source: TopicPartition) -> Result<u64, LakeError> {
        // Rows of an earlier run of the job come again, from where the table is.
        self.rows.forget(source);
        self.appender.resume(source)
    }

    fn commit_topic(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), LakeError> {
        let own = self.appender.log.table;
        self.commit(offsets, |source| Table::of_topic(source.topic) == Some(own))
    }

    fn commit_rows(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), LakeError> {
        let with_rows = self.rows.sources();
        self.commit(offsets, |source| with_rows.contains(&source))
    }

    fn held_bytes(&self) -> usize {
        self.rows.bytes() + self.appender.pending_bytes()
    }

    fn parts(&self) -> usize {
        self.rows.parts()
    }
}

#[cfg(test)]
mod evolution_tests;
