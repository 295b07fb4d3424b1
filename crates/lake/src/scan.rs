//! Reads a table back, file by file, as it was when it was opened. It knows what the log of the table says, not how the rows
//! came there.

use std::sync::Arc;

use arrow_array::RecordBatch;
use blob::BlobKey;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use crate::config::LakeConfig;
use crate::delta::{Add, DeltaLog, Snapshot};
use crate::error::LakeError;
use crate::hour::Hour;
use crate::objects::Objects;
use crate::tables::Table;

/// Rows of one batch.
const BATCH_ROWS: usize = 8_192;

/// A table at one version. Files that are replaced later stay readable for the table's history.
pub struct LakeTable {
    log: DeltaLog,
    snapshot: Snapshot,
}

/// What a table consists of, without reading its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// The last commit; none when there is no table yet.
    pub version: Option<u64>,
    /// Data files.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// Rows, as the statistics of the files say.
    pub rows: u64,
    /// The next offset of each source partition, by its application id.
    pub offsets: Vec<(String, u64)>,
}

impl LakeTable {
    /// Opens a table as it is now; one that does not exist yet has no rows.
    ///
    /// # Errors
    /// Storage, damage, or a table that needs a newer program.
    pub fn open(objects: Arc<dyn Objects>, config: &LakeConfig, table: Table) -> Result<Self, LakeError> {
        // A reader never needs the time.
        let log = DeltaLog::open(objects, Arc::new(|| 0), table, config)?;
        let snapshot = log.load()?;
        Ok(Self { log, snapshot })
    }

    /// What the table consists of.
    pub fn summary(&self) -> TableSummary {
        let files = self.snapshot.files.values();
        TableSummary {
            version: self.snapshot.version,
            files: files.len(),
            bytes: files.clone().map(|add| add.size.max(0) as u64).sum(),
            rows: files.filter_map(rows_of).sum(),
            offsets: self
                .snapshot
                .txns
                .keys()
                .map(|app| (app.clone(), self.snapshot.txn(app)))
                .collect(),
        }
    }

    /// The names of the columns of its files, in the order of the table's schema.
    pub fn columns(&self) -> Vec<String> {
        let schema = self
            .snapshot
            .metadata
            .as_ref()
            .map_or("{}", |metadata| &metadata.schema_string);
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap_or_default();
        let names = schema["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|field| field["name"].as_str());
        let partitioned = |name: &&str| {
            self.snapshot
                .metadata
                .iter()
                .any(|of| of.partition_columns.iter().any(|by| by == name))
        };
        names
            .filter(|name| !partitioned(name))
            .map(str::to_owned)
            .collect()
    }

    /// Gives the named columns of every row to `each`, in batches, hour by hour. A batch lacks the columns that its file lacks:
    /// they are younger than the file, and null in it.
    ///
    /// # Errors
    /// Storage, a file that is damaged or missing, or what `each` says.
    pub fn read(
        &self,
        columns: &[&str],
        mut each: impl FnMut(Hour, &RecordBatch) -> Result<(), LakeError>,
    ) -> Result<(), LakeError> {
        for add in self.snapshot.files.values() {
            let hour = hour_of(&self.log, add)?;
            let bytes = fetch(&self.log, add)?;
            let batches = batches(bytes, Some(columns)).map_err(LakeError::rows(self.log.table))?;
            for batch in batches {
                each(hour, &batch.map_err(LakeError::arrow(self.log.table))?)?;
            }
        }
        Ok(())
    }
}

/// The bytes of a data file.
pub(crate) fn fetch(log: &DeltaLog, add: &Add) -> Result<Bytes, LakeError> {
    let key = log.key(&add.path)?;
    log.objects.get(&key)?.ok_or_else(|| missing(log.table, &key))
}

fn missing(table: Table, key: &BlobKey) -> LakeError {
    LakeError::Damaged {
        table,
        object: key.to_string(),
        reason: "is missing".to_owned(),
    }
}

/// The hour a data file belongs to.
pub(crate) fn hour_of(log: &DeltaLog, add: &Add) -> Result<Hour, LakeError> {
    let value = |column: &str| add.partition_values.get(column).and_then(Option::as_deref);
    let hour = value("day")
        .zip(value("hour"))
        .and_then(|(day, hour)| Hour::parse(day, hour));
    hour.ok_or_else(|| LakeError::Damaged {
        table: log.table,
        object: add.path.clone(),
        reason: "has no day and hour in the table's log".to_owned(),
    })
}

/// Decodes a data file, whole or only some columns of it.
pub(crate) fn batches(
    bytes: Bytes,
    columns: Option<&[&str]>,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let builder = decoder(bytes)?.with_batch_size(BATCH_ROWS);
    let Some(columns) = columns else {
        return builder.build();
    };
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    builder.with_projection(mask).build()
}

/// A decoder that takes the types of Parquet for what they are: other engines leave hints on how they would hold the columns in
/// memory, which are not ours.
pub(crate) fn decoder(bytes: Bytes) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, ParquetError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
}

fn rows_of(add: &Add) -> Option<u64> {
    let stats: serde_json::Value = serde_json::from_str(add.stats.as_ref()?).ok()?;
    stats["numRecords"].as_u64()
}
