//! Compressed tab-separated tables: a header line, then rows, read one line at a time. Knows no column by name.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::DatasetError;

/// Longest line accepted, in bytes: a corrupt file must not fill the memory.
pub const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Most rows accepted from one file.
pub const ROWS_MAX: u64 = 200_000_000;
/// Most columns accepted.
pub const COLUMNS_MAX: usize = 256;

/// An open table. Rows come by [`Table::next_row`]; the table owns the line buffer that they borrow.
pub struct Table {
    path: PathBuf,
    lines: BufReader<MultiGzDecoder<File>>,
    header: Vec<String>,
    line: String,
    /// 1-based number of the line in `line`.
    number: u64,
}

impl Table {
    /// Opens a `.tsv.gz` file and reads its header.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = File::open(path).map_err(|source| DatasetError::Open {
            path: path.to_owned(),
            source,
        })?;
        let mut table = Self {
            path: path.to_owned(),
            lines: BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file)),
            header: Vec::new(),
            line: String::new(),
            number: 0,
        };
        if !table.read_line()? {
            return Err(DatasetError::NoHeader { path: table.path });
        }
        table.header = table.line.split('\t').map(str::to_owned).collect();
        if table.header.len() > COLUMNS_MAX {
            return Err(DatasetError::TooLarge {
                path: table.path,
                what: "more columns",
            });
        }
        Ok(table)
    }

    /// Where a column stands.
    pub fn column(&self, name: &'static str) -> Result<usize, DatasetError> {
        self.header
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| DatasetError::NoColumn {
                path: self.path.clone(),
                column: name,
            })
    }

    /// The columns' names, in order.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row; None at the end.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, DatasetError> {
        if !self.read_line()? {
            return Ok(None);
        }
        if self.number > ROWS_MAX {
            return Err(DatasetError::TooLarge {
                path: self.path.clone(),
                what: "more rows",
            });
        }
        let mut fields = [(0, 0); COLUMNS_MAX];
        let mut count = 0;
        let mut start = 0;
        for field in self.line.split('\t') {
            if count < self.header.len() {
                fields[count] = (start, start + field.len());
            }
            start += field.len() + 1;
            count += 1;
        }
        if count != self.header.len() {
            return Err(DatasetError::Shape {
                path: self.path.clone(),
                line: self.number,
                found: count,
                expected: self.header.len(),
            });
        }
        Ok(Some(Row { table: self, fields }))
    }

    fn read_line(&mut self) -> Result<bool, DatasetError> {
        self.line.clear();
        let read = self
            .lines
            .by_ref()
            .take(LINE_BYTES_MAX + 1)
            .read_line(&mut self.line);
        let bytes = read.map_err(|source| DatasetError::Read {
            path: self.path.clone(),
            line: self.number + 1,
            source,
        })?;
        if bytes as u64 > LINE_BYTES_MAX {
            return Err(DatasetError::TooLarge {
                path: self.path.clone(),
                what: "a longer line",
            });
        }
        self.number += 1;
        if self.line.ends_with('\n') {
            self.line.pop();
        }
        Ok(bytes > 0)
    }
}

/// One row: as many fields as the header has columns.
pub struct Row<'a> {
    table: &'a Table,
    fields: [(usize, usize); COLUMNS_MAX],
}

impl Row<'_> {
    /// A field's text; empty when missing.
    pub fn text(&self, column: usize) -> &str {
        let (start, end) = self.fields[column];
        &self.table.line[start..end]
    }

    /// A number that must be there.
    pub fn number<N: std::str::FromStr>(&self, column: usize) -> Result<N, DatasetError> {
        self.text(column).parse().map_err(|_| self.bad(column))
    }

    /// A number, or `missing` when the field is empty.
    pub fn number_or<N: std::str::FromStr>(&self, column: usize, missing: N) -> Result<N, DatasetError> {
        if self.text(column).is_empty() {
            return Ok(missing);
        }
        self.number(column)
    }

    /// A flag: 0 or 1; empty is 0.
    pub fn flag(&self, column: usize) -> Result<bool, DatasetError> {
        match self.text(column) {
            "0" | "" => Ok(false),
            "1" => Ok(true),
            _ => Err(self.bad(column)),
        }
    }

    /// What is wrong with a field of this row.
    pub fn bad(&self, column: usize) -> DatasetError {
        DatasetError::Field {
            path: self.table.path.clone(),
            line: self.table.number,
            column: self.table.header[column].clone(),
            value: self.text(column).chars().take(40).collect(),
        }
    }
}
