//! What can go wrong with the lake, and what to do about it.

use arrow_schema::ArrowError;
use blob::{BlobError, KeyError};
use parquet::errors::ParquetError;

use crate::tables::Table;

/// Why rows could not be committed, or a table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The storage failed; the same call may succeed later.
    #[error("the storage of the lake failed")]
    Storage(#[from] BlobError),
    /// Another writer has committed this partition: it owns it now, and this one must not go on.
    #[error(
        "table {table}: {source_id} stands at offset {found}, not at {expected} as this writer left it: another writer \
         has taken over; stop this one"
    )]
    Fenced {
        table: Table,
        /// The source partition, by its application id.
        source_id: String,
        expected: u64,
        found: u64,
    },
    /// The files to be replaced were replaced by somebody else meanwhile.
    #[error("table {table}: {path} was removed meanwhile; begin again from the new state")]
    Outdated { table: Table, path: String },
    /// Others commit so often that this commit found no gap.
    #[error("table {table}: {tries} commits in a row went to others; try again")]
    Crowded { table: Table, tries: u32 },
    /// The table's columns and this program's contradict each other.
    #[error("table {table}: {reason}")]
    Schema { table: Table, reason: String },
    /// The table needs a newer program.
    #[error(
        "table {table} asks for reader version {reader} and writer version {writer}; this program has 1 and 2: upgrade \
         it, or undo what enabled a newer feature"
    )]
    Protocol { table: Table, reader: i32, writer: i32 },
    /// The log of a table is damaged or incomplete.
    #[error(
        "table {table}: {object} {reason}; restore it from a backup, or move the table's folder away to begin anew from the log"
    )]
    Damaged {
        table: Table,
        object: String,
        reason: String,
    },
    /// Rows could not be put into columns or read back.
    #[error("rows of table {table} could not be encoded or decoded")]
    Rows {
        table: Table,
        #[source]
        source: ParquetError,
    },
    /// An earlier failure lost rows from memory; they are still in the event log.
    #[error("table {table}: rows were lost from memory; resume from the table's offsets")]
    Spoiled { table: Table },
    /// The configured folder, or a path in a table's log, makes no key.
    #[error("{text:?} names no place in the storage")]
    Key {
        text: String,
        #[source]
        source: KeyError,
    },
    /// More rows than the reader was allowed to hold.
    #[error("table {table} has more than {rows_max} rows to hold at once; narrow the days")]
    TooMany { table: Table, rows_max: u64 },
}

impl LakeError {
    /// Whether the same call may succeed later, with nothing repaired by hand.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Storage(_) | Self::Crowded { .. } | Self::Outdated { .. }
        )
    }

    pub(crate) fn rows(table: Table) -> impl FnOnce(ParquetError) -> Self {
        move |source| Self::Rows { table, source }
    }

    pub(crate) fn arrow(table: Table) -> impl FnOnce(ArrowError) -> Self {
        move |source| Self::Rows {
            table,
            source: source.into(),
        }
    }
}
