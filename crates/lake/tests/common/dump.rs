//! Rows as text, so that a test can spell what it expects.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use lake::{LakeTable, Table};

use super::House;

impl House {
    /// Every row of a table with all its columns, in the order of partition and offset; nulls are left out.
    pub fn dump(&self, table: Table) -> Vec<String> {
        let mut rows = Vec::new();
        read_all(&self.table(table), |hour, columns, row| {
            let cells = columns.iter().filter(|(_, cells)| cells.is_valid(row));
            let cells: Vec<String> = cells
                .map(|(name, cells)| format!("{name}={}", cell(cells, row)))
                .collect();
            let place = |column: &str| {
                let found = columns.iter().find(|(name, _)| name == column);
                found.map_or(0, |(_, cells)| number(cells, row))
            };
            rows.push((
                (place("partition"), place("offset"), place("item")),
                format!("{hour} {}", cells.join(" ")),
            ));
        });
        rows.sort();
        rows.into_iter().map(|(_, text)| text).collect()
    }
}

fn read_all(table: &LakeTable, mut each: impl FnMut(String, &[(String, ArrayRef)], usize)) {
    let names = table.columns();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let read = table.read(&names, |hour, batch| {
        let schema = batch.schema();
        let named = schema.fields().iter().map(|field| field.name().clone());
        let columns: Vec<(String, ArrayRef)> = named.zip(batch.columns().iter().cloned()).collect();
        (0..batch.num_rows()).for_each(|row| each(hour.to_string(), &columns, row));
        Ok(())
    });
    read.expect("the table is whole");
}

fn number(cells: &ArrayRef, row: usize) -> i64 {
    match cells.data_type() {
        DataType::Int32 => i64::from(cells.as_primitive::<Int32Type>().value(row)),
        _ => cells.as_primitive::<Int64Type>().value(row),
    }
}

fn cell(cells: &ArrayRef, row: usize) -> String {
    match cells.data_type() {
        DataType::Utf8 => cells.as_string::<i32>().value(row).to_owned(),
        DataType::Int32 | DataType::Int64 => number(cells, row).to_string(),
        DataType::Float32 => cells.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Boolean => cells.as_boolean().value(row).to_string(),
        DataType::Timestamp(..) => format!(
            "{}us",
            cells.as_primitive::<TimestampMicrosecondType>().value(row)
        ),
        DataType::Binary => format!("{:02x?}", cells.as_binary::<i32>().value(row)),
        DataType::List(_) => {
            let items = cells.as_list::<i32>().value(row);
            let items: Vec<String> = (0..items.len()).map(|at| cell(&items, at)).collect();
            format!("[{}]", items.join(","))
        }
        DataType::Struct(_) => {
            let fields = cells.as_struct().columns();
            fields
                .iter()
                .map(|field| cell(field, row))
                .collect::<Vec<_>>()
                .join(":")
        }
        other => panic!("no table has a column of {other}"),
    }
}
