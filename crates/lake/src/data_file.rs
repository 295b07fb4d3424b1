//! Parquet bytes of the rows of one hour, and the statistics that stand beside the file in the table's log.
//!
//! Compression is Zstandard at its fastest regular level. Numbers and times are delta-coded, words and ids have dictionaries
//! where they repeat. Nothing here knows where files are stored.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::column::Kind;
use crate::tables::Fact;

/// Rows of one row group: large enough for dictionaries to pay, small enough that several cores share a file.
const GROUP_ROWS_MAX: usize = 256 << 10;

/// How the files of a table are laid out.
pub(crate) fn layout<R: Fact>() -> WriterProperties {
    let mut layout = base();
    for column in R::COLUMNS {
        layout = match (column.kind(), column.repeats()) {
            (Kind::Long | Kind::Time, _) => delta_coded(layout, column.name, Encoding::DELTA_BINARY_PACKED),
            (Kind::Text, false) => delta_coded(layout, column.name, Encoding::DELTA_BYTE_ARRAY),
            (_, false) => layout.set_column_dictionary_enabled(ColumnPath::from(column.name), false),
            _ => layout,
        };
    }
    layout.build()
}

fn base() -> WriterPropertiesBuilder {
    let base = WriterProperties::builder()
        .set_created_by(concat!("riffle version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS_MAX));
    let base = delta_coded(base, "received_at", Encoding::DELTA_BINARY_PACKED);
    delta_coded(base, "offset", Encoding::DELTA_BINARY_PACKED)
}

fn delta_coded(layout: WriterPropertiesBuilder, column: &str, coding: Encoding) -> WriterPropertiesBuilder {
    layout
        .set_column_dictionary_enabled(ColumnPath::from(column), false)
        .set_column_encoding(ColumnPath::from(column), coding)
}

/// Writes a file in memory, batch by batch.
pub(crate) struct FileWriter(ArrowWriter<Vec<u8>>);

impl FileWriter {
    pub(crate) fn new(schema: Arc<Schema>, layout: WriterProperties) -> Result<Self, ParquetError> {
        // The Arrow schema is left out: it would repeat what every engine reads from Parquet's own.
        let options = ArrowWriterOptions::new()
            .with_properties(layout)
            .with_skip_arrow_metadata(true);
        ArrowWriter::try_new_with_options(Vec::new(), schema, options).map(Self)
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        self.0.write(batch)
    }

    pub(crate) fn finish(self) -> Result<Bytes, ParquetError> {
        self.0.into_inner().map(Bytes::from)
    }
}

/// Encodes the rows of one hour as one file.
pub(crate) fn encode(batches: &[RecordBatch], layout: WriterProperties) -> Result<Bytes, ParquetError> {
    let schema = batches
        .first()
        .map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let mut file = FileWriter::new(schema, layout)?;
    for batch in batches {
        file.write(batch)?;
    }
    file.finish()
}

/// What the table's log says of a file's rows (Delta transaction protocol, "Per-file Statistics"): how many there are.
///
/// Bounds of columns are left to the file's own footer. Within an hour they would exclude little, and there is a reader in
/// wide use that takes a column without bounds, beside columns that have some, for a column without rows.
pub(crate) fn stats_json(rows: u64) -> String {
    serde_json::json!({ "numRecords": rows }).to_string()
}
