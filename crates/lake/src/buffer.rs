//! Rows that wait for their commit, in columns, by hour and partition.
//!
//! Rows of one partition come in the order of their offsets, so what is sealed is sorted by partition and offset
//! however the driver took turns. Nothing here writes anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, Int32Array, RecordBatch};
use arrow_schema::{ArrowError, Field, Schema};
use event_log::{Record, TopicPartition};

use crate::column::{Filler, Kind, micros, times};
use crate::hour::{Hour, filed};
use crate::tables::Fact;

/// The columns that every table begins with: they name the record a row came from.
pub(crate) const IDENTITY: [(&str, Kind, &str); 3] = [
    (
        "received_at",
        Kind::Time,
        "when we received the record; day and hour follow it",
    ),
    ("partition", Kind::Int, "the partition of the log it stands in"),
    ("offset", Kind::Long, "its place in that partition"),
];
/// Bytes of the identity of a row.
const IDENTITY_BYTES: usize = 16;

/// Uncommitted rows of one table.
pub(crate) struct Buffer<R: Fact> {
    parts: BTreeMap<(Hour, TopicPartition), Part<R>>,
    bytes: usize,
}

/// The rows of one hour from one partition.
struct Part<R: 'static> {
    received: TimestampMicrosecondBuilder,
    offsets: Int64Builder,
    fillers: Vec<Filler<R>>,
    bytes: usize,
    rows: u64,
}

/// All rows of one hour, ready to be written: one batch a partition.
#[derive(Debug, Clone)]
pub(crate) struct SealedHour {
    pub(crate) hour: Hour,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) rows: u64,
}

/// What a table's writer needs of its buffer, whatever the rows are.
pub(crate) trait Sealable: Send {
    /// About how much memory the rows take.
    fn bytes(&self) -> usize;
    /// Hours × partitions that hold rows.
    fn parts(&self) -> usize;
    /// The partitions that have rows here.
    fn sources(&self) -> Vec<TopicPartition>;
    /// Takes all rows.
    fn seal(&mut self) -> Result<Vec<SealedHour>, ArrowError>;
    /// Drops the rows of one partition.
    fn forget(&mut self, source: TopicPartition);
}

impl<R: Fact> Default for Buffer<R> {
    fn default() -> Self {
        Self {
            parts: BTreeMap::new(),
            bytes: 0,
        }
    }
}

impl<R: Fact> Buffer<R> {
    /// Adds the row that `fact`, found in `record`, becomes.
    pub(crate) fn push(&mut self, record: &Record, fact: &R) {
        let place = (Hour::of(record.at_ms), record.from);
        let part = self.parts.entry(place).or_insert_with(Part::new);
        self.bytes += part.push(record, fact);
    }
}

impl<R: Fact> Sealable for Buffer<R> {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn parts(&self) -> usize {
        self.parts.len()
    }

    fn sources(&self) -> Vec<TopicPartition> {
        let mut sources: Vec<_> = self.parts.keys().map(|&(_, source)| source).collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    fn seal(&mut self) -> Result<Vec<SealedHour>, ArrowError> {
        self.bytes = 0;
        let mut hours: Vec<SealedHour> = Vec::new();
        for ((hour, source), mut part) in std::mem::take(&mut self.parts) {
            let batch = part.finish(source)?;
            match hours.last_mut().filter(|last| last.hour == hour) {
                Some(last) => {
                    last.batches.push(batch);
                    last.rows += part.rows;
                }
                None => hours.push(SealedHour {
                    hour,
                    batches: vec![batch],
                    rows: part.rows,
                }),
            }
        }
        Ok(hours)
    }

    fn forget(&mut self, source: TopicPartition) {
        self.parts.retain(|&(_, of), _| of != source);
        self.bytes = self.parts.values().map(|part| part.bytes).sum();
    }
}

impl<R: Fact> Part<R> {
    fn new() -> Self {
        Self {
            received: times(),
            offsets: Int64Builder::with_capacity(64),
            fillers: R::COLUMNS
                .iter()
                .map(|column| Filler::new(&column.cell))
                .collect(),
            bytes: 0,
            rows: 0,
        }
    }

    fn push(&mut self, record: &Record, fact: &R) -> usize {
        self.received.append_value(micros(filed(record.at_ms)));
        self.offsets.append_value(record.offset as i64);
        let cells: usize = self.fillers.iter_mut().map(|filler| filler.push(fact)).sum();
        self.rows += 1;
        self.bytes += IDENTITY_BYTES + cells;
        IDENTITY_BYTES + cells
    }

    fn finish(&mut self, source: TopicPartition) -> Result<RecordBatch, ArrowError> {
        let rows = self.rows as usize;
        let partition = Int32Array::from_value(i32::from(source.partition), rows);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.received.finish()),
            Arc::new(partition),
            Arc::new(self.offsets.finish()),
        ];
        for filler in &mut self.fillers {
            columns.push(filler.finish()?);
        }
        RecordBatch::try_new(file_schema::<R>(), columns)
    }
}

/// The columns of a table's files, in order.
pub(crate) fn columns_of<R: Fact>() -> impl Iterator<Item = (&'static str, Kind, &'static str)> {
    let own = R::COLUMNS
        .iter()
        .map(|column| (column.name, column.kind(), column.comment));
    IDENTITY.into_iter().chain(own)
}

fn file_schema<R: Fact>() -> Arc<Schema> {
    let fields = columns_of::<R>().map(|(name, kind, _)| Field::new(name, kind.arrow(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
