//! The state of a table as one Parquet file (Delta transaction protocol, "Checkpoints", version 1).
//!
//! Each row is one action in a column of its kind, null in the others; so each kind is written as a batch of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, MapArray, RecordBatch, StringArray, StructArray,
    new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};
use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::action::{Action, Add, Format, MetaData, Protocol, Remove, Txn};
use crate::data_file::FileWriter;
use crate::scan;

type Values = BTreeMap<String, Option<String>>;

/// Writes the state, given as actions.
pub(super) fn encode(actions: &[Action]) -> Result<Bytes, ParquetError> {
    let columns = columns(actions)?;
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let layout = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut file = FileWriter::new(schema.clone(), layout)?;
    for (name, column) in columns.iter().filter(|(_, column)| !column.is_empty()) {
        let cells = columns.iter().map(|(other, empty)| match name == other {
            true => Arc::new(column.clone()) as ArrayRef,
            false => new_null_array(empty.data_type(), column.len()),
        });
        file.write(&RecordBatch::try_new(schema.clone(), cells.collect())?)?;
    }
    file.finish()
}

/// The actions of each kind as one column, without nulls.
fn columns(actions: &[Action]) -> Result<[(&'static str, StructArray); 5], ArrowError> {
    let (mut protocols, mut tables, mut txns, mut adds, mut removes) =
        (vec![], vec![], vec![], vec![], vec![]);
    for action in actions {
        match action {
            Action::CommitInfo(_) => {}
            Action::Protocol(protocol) => protocols.push(protocol),
            Action::MetaData(table) => tables.push(table),
            Action::Txn(txn) => txns.push(txn),
            Action::Add(add) => adds.push(add),
            Action::Remove(remove) => removes.push(remove),
        }
    }
    Ok([
        ("protocol", protocol_column(&protocols)?),
        ("metaData", table_column(&tables)?),
        ("txn", txn_column(&txns)?),
        ("remove", remove_column(&removes)?),
        ("add", add_column(&adds)?),
    ])
}

fn protocol_column(all: &[&Protocol]) -> Result<StructArray, ArrowError> {
    let versions =
        |of: fn(&Protocol) -> i32| Arc::new(Int32Array::from_iter_values(all.iter().map(|one| of(one))));
    structs(vec![
        (
            "minReaderVersion",
            versions(|protocol| protocol.min_reader_version),
        ),
        (
            "minWriterVersion",
            versions(|protocol| protocol.min_writer_version),
        ),
    ])
}

fn table_column(all: &[&MetaData]) -> Result<StructArray, ArrowError> {
    let provider: ArrayRef = text(all, |table| Some(&table.format.provider));
    let options = maps(all, |table| Some(present(&table.format.options)))?;
    let mut partition_columns = ListBuilder::new(StringBuilder::new()).with_field(list_element());
    for table in all {
        partition_columns.append_value(table.partition_columns.iter().map(Some));
    }
    structs(vec![
        ("id", text(all, |table| Some(&table.id))),
        ("name", text(all, |table| table.name.as_ref())),
        ("description", text(all, |table| table.description.as_ref())),
        (
            "format",
            Arc::new(structs(vec![("provider", provider), ("options", options)])?),
        ),
        ("schemaString", text(all, |table| Some(&table.schema_string))),
        ("partitionColumns", Arc::new(partition_columns.finish())),
        (
            "configuration",
            maps(all, |table| Some(present(&table.configuration)))?,
        ),
        ("createdTime", longs(all, |table| table.created_time)),
    ])
}

fn txn_column(all: &[&Txn]) -> Result<StructArray, ArrowError> {
    structs(vec![
        ("appId", text(all, |txn| Some(&txn.app_id))),
        ("version", longs(all, |txn| Some(txn.version))),
        ("lastUpdated", longs(all, |txn| txn.last_updated)),
    ])
}

fn remove_column(all: &[&Remove]) -> Result<StructArray, ArrowError> {
    structs(vec![
        ("path", text(all, |remove| Some(&remove.path))),
        (
            "deletionTimestamp",
            longs(all, |remove| remove.deletion_timestamp),
        ),
        ("dataChange", flags(all, |remove| Some(remove.data_change))),
        (
            "extendedFileMetadata",
            flags(all, |remove| remove.extended_file_metadata),
        ),
        (
            "partitionValues",
            maps(all, |remove| remove.partition_values.clone())?,
        ),
        ("size", longs(all, |remove| remove.size)),
    ])
}

fn add_column(all: &[&Add]) -> Result<StructArray, ArrowError> {
    structs(vec![
        ("path", text(all, |add| Some(&add.path))),
        (
            "partitionValues",
            maps(all, |add| Some(add.partition_values.clone()))?,
        ),
        ("size", longs(all, |add| Some(add.size))),
        ("modificationTime", longs(all, |add| Some(add.modification_time))),
        ("dataChange", flags(all, |add| Some(add.data_change))),
        ("stats", text(all, |add| add.stats.as_ref())),
    ])
}

fn structs(columns: Vec<(&str, ArrayRef)>) -> Result<StructArray, ArrowError> {
    let field = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let fields: Fields = columns.iter().map(field).collect();
    StructArray::try_new(
        fields,
        columns.into_iter().map(|(_, column)| column).collect(),
        None,
    )
}

fn text<T>(all: &[&T], of: fn(&T) -> Option<&String>) -> ArrayRef {
    Arc::new(all.iter().map(|one| of(one)).collect::<StringArray>())
}

fn longs<T>(all: &[&T], of: fn(&T) -> Option<i64>) -> ArrayRef {
    Arc::new(all.iter().map(|one| of(one)).collect::<Int64Array>())
}

fn flags<T>(all: &[&T], of: fn(&T) -> Option<bool>) -> ArrayRef {
    Arc::new(all.iter().map(|one| of(one)).collect::<BooleanArray>())
}

fn maps<T>(all: &[&T], of: impl Fn(&T) -> Option<Values>) -> Result<ArrayRef, ArrowError> {
    // The names that Parquet's specification gives the parts of a map.
    let names = MapFieldNames {
        entry: "key_value".to_owned(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for one in all {
        let values = of(one);
        for (key, value) in values.iter().flatten() {
            maps.keys().append_value(key);
            maps.values().append_option(value.as_ref());
        }
        maps.append(values.is_some())?;
    }
    Ok(Arc::new(maps.finish()))
}

fn list_element() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, true))
}

fn present(values: &BTreeMap<String, String>) -> Values {
    values
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())))
        .collect()
}

/// Reads a checkpoint, ours or another program's.
pub(super) fn decode(bytes: Bytes) -> Result<Vec<Action>, ParquetError> {
    let mut actions = Vec::new();
    for batch in scan::decoder(bytes)?.build()? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            actions.extend(action_at(&batch, row)?);
        }
    }
    Ok(actions)
}

fn action_at(batch: &RecordBatch, row: usize) -> Result<Option<Action>, ParquetError> {
    let of = |name: &str| {
        let column = batch.column_by_name(name)?.as_struct_opt()?;
        column.is_valid(row).then_some(Cells { column, row })
    };
    Ok(if let Some(cells) = of("add") {
        Some(Action::Add(cells.add()?))
    } else if let Some(cells) = of("remove") {
        Some(Action::Remove(cells.remove()?))
    } else if let Some(cells) = of("txn") {
        Some(Action::Txn(cells.txn()?))
    } else if let Some(cells) = of("metaData") {
        Some(Action::MetaData(cells.table()?))
    } else if let Some(cells) = of("protocol") {
        Some(Action::Protocol(cells.protocol()?))
    } else {
        None
    })
}

/// One row of a column of structs.
#[derive(Clone, Copy)]
struct Cells<'a> {
    column: &'a StructArray,
    row: usize,
}

impl Cells<'_> {
    fn add(self) -> Result<Add, ParquetError> {
        Ok(Add {
            path: must("path", self.text("path"))?,
            partition_values: must("partitionValues", self.map("partitionValues"))?,
            size: must("size", self.long("size"))?,
            modification_time: must("modificationTime", self.long("modificationTime"))?,
            data_change: self.flag("dataChange").unwrap_or(false),
            stats: self.text("stats"),
        })
    }

    fn remove(self) -> Result<Remove, ParquetError> {
        Ok(Remove {
            path: must("path", self.text("path"))?,
            deletion_timestamp: self.long("deletionTimestamp"),
            data_change: self.flag("dataChange").unwrap_or(false),
            extended_file_metadata: self.flag("extendedFileMetadata"),
            partition_values: self.map("partitionValues"),
            size: self.long("size"),
        })
    }

    fn txn(self) -> Result<Txn, ParquetError> {
        Ok(Txn {
            app_id: must("appId", self.text("appId"))?,
            version: must("version", self.long("version"))?,
            last_updated: self.long("lastUpdated"),
        })
    }

    fn table(self) -> Result<MetaData, ParquetError> {
        let format = self.inner("format");
        let partition_columns = self
            .cell("partitionColumns")
            .and_then(|column| column.as_list_opt::<i32>());
        let partition_columns = must("partitionColumns", partition_columns)?.value(self.row);
        let partition_columns = must("partitionColumns", partition_columns.as_string_opt::<i32>())?;
        Ok(MetaData {
            id: must("id", self.text("id"))?,
            name: self.text("name"),
            description: self.text("description"),
            format: Format {
                provider: must("format", format.and_then(|format| format.text("provider")))?,
                options: format
                    .and_then(|format| format.map("options"))
                    .map(whole)
                    .unwrap_or_default(),
            },
            schema_string: must("schemaString", self.text("schemaString"))?,
            partition_columns: partition_columns.iter().flatten().map(str::to_owned).collect(),
            configuration: self.map("configuration").map(whole).unwrap_or_default(),
            created_time: self.long("createdTime"),
        })
    }

    fn protocol(self) -> Result<Protocol, ParquetError> {
        let version = |name| {
            let column = self.cell(name)?.as_primitive_opt::<Int32Type>()?;
            column.is_valid(self.row).then(|| column.value(self.row))
        };
        Ok(Protocol {
            min_reader_version: must("minReaderVersion", version("minReaderVersion"))?,
            min_writer_version: must("minWriterVersion", version("minWriterVersion"))?,
        })
    }

    /// The column of that name, if this row is not null there.
    fn cell(&self, name: &str) -> Option<&ArrayRef> {
        self.column
            .column_by_name(name)
            .filter(|column| column.is_valid(self.row))
    }

    fn inner(&self, name: &str) -> Option<Cells<'_>> {
        let column = self.cell(name)?.as_struct_opt()?;
        Some(Cells {
            column,
            row: self.row,
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        let column = self.cell(name)?.as_string_opt::<i32>()?;
        Some(column.value(self.row).to_owned())
    }

    fn long(&self, name: &str) -> Option<i64> {
        let column = self.cell(name)?.as_primitive_opt::<Int64Type>()?;
        Some(column.value(self.row))
    }

    fn flag(&self, name: &str) -> Option<bool> {
        let column = self.cell(name)?.as_boolean_opt()?;
        Some(column.value(self.row))
    }

    fn map(&self, name: &str) -> Option<Values> {
        let column: &MapArray = self.cell(name)?.as_map_opt()?;
        let entries = column.value(self.row);
        let (keys, values) = (
            entries.column(0).as_string_opt::<i32>()?,
            entries.column(1).as_string_opt::<i32>()?,
        );
        let pairs = keys.iter().zip(values.iter());
        Some(
            pairs
                .filter_map(|(key, value)| Some((key?.to_owned(), value.map(str::to_owned))))
                .collect(),
        )
    }
}

fn whole(values: Values) -> BTreeMap<String, String> {
    values
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn must<T>(name: &str, found: Option<T>) -> Result<T, ParquetError> {
    found.ok_or_else(|| ParquetError::General(format!("an action lacks its {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, Option<&str>)]) -> Values {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)))
            .collect()
    }

    fn state() -> Vec<Action> {
        let add = |path: &str, stats: Option<&str>| Add {
            path: path.to_owned(),
            partition_values: values(&[("day", Some("2026-01-31")), ("hour", None)]),
            size: 10,
            modification_time: 5,
            data_change: true,
            stats: stats.map(str::to_owned),
        };
        let removed = Remove {
            partition_values: None,
            ..add("c", None).removed(9)
        };
        vec![
            Action::Protocol(Protocol {
                min_reader_version: 1,
                min_writer_version: 2,
            }),
            Action::MetaData(MetaData {
                id: "an id".to_owned(),
                name: None,
                description: Some("a table".to_owned()),
                format: Format {
                    provider: "parquet".to_owned(),
                    options: BTreeMap::new(),
                },
                schema_string: "{}".to_owned(),
                partition_columns: vec!["day".to_owned(), "hour".to_owned()],
                configuration: whole(values(&[("a", Some("b"))])),
                created_time: Some(3),
            }),
            Action::Txn(Txn {
                app_id: "x".to_owned(),
                version: 7,
                last_updated: None,
            }),
            Action::Txn(Txn {
                app_id: "y".to_owned(),
                version: 8,
                last_updated: Some(1),
            }),
            Action::Remove(removed),
            Action::Remove(add("d", None).removed(9)),
            Action::Add(add("a", Some("{\"numRecords\":1}"))),
            Action::Add(add("b", None)),
        ]
    }

    #[test]
    fn the_state_survives_the_round_trip() {
        let all = state();
        for kept in 0..=all.len() {
            let bytes = encode(&all[..kept]).expect("encodes");
            assert_eq!(decode(bytes).expect("decodes"), all[..kept], "the first {kept}");
        }
    }

    #[test]
    fn garbage_is_refused() {
        let whole = encode(&state()).expect("encodes");
        for end in [0, 4, whole.len() / 2, whole.len() - 1] {
            assert!(decode(whole.slice(..end)).is_err(), "cut at {end}");
        }
    }
}
