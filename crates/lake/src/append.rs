//! Brings sealed rows into a table: write the files, then one commit that names them and moves the offsets.
//!
//! A crash in between leaves files that no commit names; they are never read, and swept later. A failure that leaves open
//! whether the commit was made is settled before anything else is committed: the attempt stays as it is, and is tried again.

use event_log::TopicPartition;
use parquet::file::properties::WriterProperties;
use types::TimestampMs;

use crate::buffer::{Sealable, SealedHour};
use crate::data_file;
use crate::delta::{Action, Add, CommitInfo, DeltaLog, Plan, Snapshot, TableSchema, Txn};
use crate::error::LakeError;
use crate::names::{self, FileNames};
use crate::tables::Table;

/// An attempt older than this stores its files anew before it commits, long before the sweeper takes them for orphans.
const ATTEMPT_MS_MAX: i64 = 3_600_000;

/// The one who adds rows to a table.
pub(crate) struct Appender {
    pub(crate) log: DeltaLog,
    schema: TableSchema,
    layout: WriterProperties,
    names: FileNames,
    /// The table as this writer last saw it; none before the first resume.
    snapshot: Option<Snapshot>,
    /// What is sealed and not known to be committed.
    pending: Option<Attempt>,
    /// Rows were lost on their way from the buffer to an attempt.
    spoiled: bool,
    /// The snapshot was read in this burst of resumes: a driver resumes all its partitions in a row.
    fresh: bool,
}

/// Rows that become one commit.
struct Attempt {
    files: Vec<NewFile>,
    moves: Vec<Move>,
    stored_ms: TimestampMs,
}

/// Rows that become one file.
struct NewFile {
    /// None until it is stored.
    path: Option<String>,
    sealed: SealedHour,
    /// None until the rows are encoded; the rows are dropped then.
    bytes: Option<bytes::Bytes>,
}

/// The step of one source partition.
struct Move {
    app_id: String,
    from: u64,
    to: u64,
}

impl Appender {
    pub(crate) fn new(log: DeltaLog, schema: TableSchema, layout: WriterProperties, writer: u64) -> Self {
        Self {
            log,
            schema,
            layout,
            names: FileNames::new(writer),
            snapshot: None,
            pending: None,
            spoiled: false,
            fresh: false,
        }
    }

    /// The next offset of `source` that the table lacks. Settles what is pending first.
    pub(crate) fn resume(&mut self, source: TopicPartition) -> Result<u64, LakeError> {
        match self.settle() {
            // Somebody else owns the rows of that attempt now.
            Err(LakeError::Fenced { .. }) => self.pending = None,
            settled => settled?,
        }
        self.spoiled = false;
        let snapshot = self.snapshot.get_or_insert_default();
        if !self.fresh {
            self.log.refresh(snapshot)?;
            self.fresh = true;
        }
        Ok(snapshot.txn(&app_id(self.log.table, source)))
    }

    /// The next offset of `source` as this writer last saw it.
    pub(crate) fn committed(&self, source: TopicPartition) -> u64 {
        self.snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.txn(&app_id(self.log.table, source)))
    }

    /// Bytes that wait in memory for their commit.
    pub(crate) fn pending_bytes(&self) -> usize {
        let files = self.pending.iter().flat_map(|attempt| &attempt.files);
        files.map(NewFile::bytes_held).sum()
    }

    /// Commits everything in `buffer`, with `offsets` (next to read) in the same step. Offsets that do not move are passed over;
    /// when none does, nothing is written.
    pub(crate) fn commit(
        &mut self,
        buffer: &mut dyn Sealable,
        offsets: &[(TopicPartition, u64)],
    ) -> Result<(), LakeError> {
        let table = self.log.table;
        self.fresh = false;
        if self.spoiled {
            return Err(LakeError::Spoiled { table });
        }
        self.settle()?;
        let moves: Vec<Move> = offsets
            .iter()
            .filter_map(|&(source, to)| self.step(source, to))
            .collect();
        if moves.is_empty() {
            return Ok(());
        }
        self.spoiled = true;
        let hours = buffer.seal().map_err(LakeError::arrow(table))?;
        self.spoiled = false;
        self.pending = Some(Attempt {
            files: hours.into_iter().map(NewFile::new).collect(),
            moves,
            stored_ms: (self.log.clock)(),
        });
        self.settle()
    }

    fn step(&self, source: TopicPartition, to: u64) -> Option<Move> {
        let from = self.committed(source);
        (to > from).then(|| Move {
            app_id: app_id(self.log.table, source),
            from,
            to,
        })
    }

    /// Brings the pending attempt to its end, if there is one.
    fn settle(&mut self) -> Result<(), LakeError> {
        let Some(mut attempt) = self.pending.take() else {
            return Ok(());
        };
        let settled = self.store(&mut attempt).and_then(|()| self.publish(&attempt));
        if settled.is_err() {
            self.pending = Some(attempt);
            return settled;
        }
        let table = self.log.table.name();
        let rows: u64 = attempt.files.iter().map(|file| file.sealed.rows).sum();
        let bytes: usize = attempt.files.iter().map(NewFile::bytes_held).sum();
        metrics::counter!("riffle_lake_rows_total", "table" => table).increment(rows);
        metrics::counter!("riffle_lake_files_total", "table" => table).increment(attempt.files.len() as u64);
        metrics::counter!("riffle_lake_written_bytes_total", "table" => table).increment(bytes as u64);
        Ok(())
    }

    /// Encodes and stores the files that are not stored yet.
    fn store(&mut self, attempt: &mut Attempt) -> Result<(), LakeError> {
        let now_ms = (self.log.clock)();
        if now_ms - attempt.stored_ms > ATTEMPT_MS_MAX {
            attempt.files.iter_mut().for_each(|file| file.path = None);
            attempt.stored_ms = now_ms;
        }
        for file in attempt.files.iter_mut().filter(|file| file.path.is_none()) {
            let bytes = file.encoded(self.log.table, &self.layout)?;
            file.path = Some(self.names.store(&self.log, names::NEW, file.sealed.hour, bytes)?);
        }
        Ok(())
    }

    fn publish(&mut self, attempt: &Attempt) -> Result<(), LakeError> {
        let (schema, writer) = (&self.schema, self.names.writer);
        let (table, now_ms, history_ms) = (self.log.table, (self.log.clock)(), self.log.history_ms);
        let snapshot = self.snapshot.get_or_insert_default();
        self.log.commit(snapshot, |snapshot| {
            if attempt.is_in(snapshot) {
                return Ok(Plan::Done);
            }
            attempt.refuse_fenced(table, snapshot)?;
            let mut actions = vec![Action::CommitInfo(CommitInfo::new("WRITE", now_ms))];
            match &snapshot.metadata {
                None => actions.extend(schema.create(writer, now_ms, history_ms)),
                Some(metadata) => actions.extend(schema.evolve(metadata)?.map(Action::MetaData)),
            }
            actions.extend(attempt.moves.iter().map(|step| step.action(now_ms)));
            actions.extend(attempt.files.iter().map(|file| Action::Add(file.action(now_ms))));
            Ok(Plan::Commit(actions))
        })
    }
}

impl Attempt {
    /// Whether the table has exactly these offsets already: then it has these rows.
    fn is_in(&self, snapshot: &Snapshot) -> bool {
        self.moves
            .iter()
            .all(|step| snapshot.txn(&step.app_id) == step.to)
    }

    fn refuse_fenced(&self, table: Table, snapshot: &Snapshot) -> Result<(), LakeError> {
        let taken = self
            .moves
            .iter()
            .find(|step| snapshot.txn(&step.app_id) != step.from);
        let Some(step) = taken else { return Ok(()) };
        metrics::counter!("riffle_lake_fenced_total", "table" => table.name()).increment(1);
        Err(LakeError::Fenced {
            table,
            source_id: step.app_id.clone(),
            expected: step.from,
            found: snapshot.txn(&step.app_id),
        })
    }
}

impl NewFile {
    fn new(sealed: SealedHour) -> Self {
        Self {
            path: None,
            sealed,
            bytes: None,
        }
    }

    /// The file's bytes; encodes the rows the first time, and lets go of them.
    fn encoded(&mut self, table: Table, layout: &WriterProperties) -> Result<bytes::Bytes, LakeError> {
        if let Some(bytes) = &self.bytes {
            return Ok(bytes.clone());
        }
        let bytes =
            data_file::encode(&self.sealed.batches, layout.clone()).map_err(LakeError::rows(table))?;
        self.sealed.batches.clear();
        Ok(self.bytes.insert(bytes).clone())
    }

    fn bytes_held(&self) -> usize {
        let rows = self
            .sealed
            .batches
            .iter()
            .map(arrow_array::RecordBatch::get_array_memory_size);
        self.bytes.as_ref().map_or_else(|| rows.sum(), bytes::Bytes::len)
    }

    fn action(&self, now_ms: TimestampMs) -> Add {
        Add {
            path: self.path.clone().unwrap_or_default(),
            partition_values: self.sealed.hour.partition_values(),
            size: self.bytes.as_ref().map_or(0, |bytes| bytes.len() as i64),
            modification_time: now_ms,
            data_change: true,
            stats: Some(data_file::stats_json(self.sealed.rows)),
        }
    }
}

impl Move {
    fn action(&self, now_ms: TimestampMs) -> Action {
        Action::Txn(Txn {
            app_id: self.app_id.clone(),
            version: i64::try_from(self.to).unwrap_or(i64::MAX),
            last_updated: Some(now_ms),
        })
    }
}

/// What the log of a table calls a source partition. In the table of poisoned records the topic is part of it.
fn app_id(table: Table, source: TopicPartition) -> String {
    let topic = Table::of_topic(source.topic).map_or("unknown", Table::name);
    match table {
        Table::Poisoned => format!("riffle-lake-poisoned-{topic}-{}", source.partition),
        _ => format!("riffle-lake-{topic}-{}", source.partition),
    }
}
