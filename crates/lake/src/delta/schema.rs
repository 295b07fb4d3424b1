//! The columns of a table as its log spells them, and how they may change: columns are added at the end, nothing else.

use serde_json::{Value, json};
use types::TimestampMs;

use super::action::{Action, Format, MetaData, Protocol};
use crate::column::Kind;
use crate::error::LakeError;
use crate::tables::Table;

/// The columns that name the folder of a file; readers skip whole folders by them.
pub(crate) const PARTITION_COLUMNS: [(&str, Kind, &str); 2] = [
    ("day", Kind::Date, "day of receipt, UTC"),
    ("hour", Kind::Int, "hour of receipt, UTC, 0 to 23"),
];

const READER_VERSION: i32 = 1;
const WRITER_VERSION: i32 = 2;

/// What this program writes into a table.
#[derive(Debug)]
pub(crate) struct TableSchema {
    pub(crate) table: Table,
    /// Name, kind and comment of each column of the files.
    pub(crate) columns: Vec<(&'static str, Kind, &'static str)>,
}

impl TableSchema {
    /// The actions that make a new table.
    pub(crate) fn create(&self, writer: u64, at_ms: TimestampMs, history_ms: i64) -> Vec<Action> {
        let kept = format!("interval {} seconds", history_ms / 1_000);
        let configuration = [
            ("delta.logRetentionDuration", &kept),
            ("delta.deletedFileRetentionDuration", &kept),
        ];
        let fields: Vec<Value> = self
            .fields()
            .map(|(name, kind, comment)| field(name, kind, comment))
            .collect();
        vec![
            Action::Protocol(Protocol {
                min_reader_version: READER_VERSION,
                min_writer_version: WRITER_VERSION,
            }),
            Action::MetaData(MetaData {
                id: table_id(writer, at_ms),
                name: Some(self.table.name().to_owned()),
                description: None,
                format: Format {
                    provider: "parquet".to_owned(),
                    options: Default::default(),
                },
                schema_string: json!({"type": "struct", "fields": fields}).to_string(),
                partition_columns: PARTITION_COLUMNS
                    .iter()
                    .map(|(name, ..)| (*name).to_owned())
                    .collect(),
                configuration: configuration
                    .into_iter()
                    .map(|(key, to)| (key.to_owned(), to.clone()))
                    .collect(),
                created_time: Some(at_ms),
            }),
        ]
    }

    /// The table's description with the columns it lacks, if it lacks any. Columns that only the table knows stay: a newer
    /// program made them.
    ///
    /// # Errors
    /// [`LakeError::Schema`] when a column has another type there, or the description is not one.
    pub(crate) fn evolve(&self, now: &MetaData) -> Result<Option<MetaData>, LakeError> {
        let refuse = |reason: String| LakeError::Schema {
            table: self.table,
            reason,
        };
        let mut schema: Value = serde_json::from_str(&now.schema_string)
            .map_err(|error| refuse(format!("its schema is not JSON: {error}")))?;
        let fields = schema.get_mut("fields").and_then(Value::as_array_mut);
        let fields = fields.ok_or_else(|| refuse("its schema has no list of fields".to_owned()))?;
        let mut lacks = Vec::new();
        for (name, kind, comment) in self.fields() {
            match fields.iter().find(|field| field["name"] == name) {
                None => lacks.push(field(name, kind, comment)),
                Some(field) if alike(&field["type"], &kind.delta()) => {}
                Some(field) => {
                    let (found, expect) = (&field["type"], kind.delta());
                    return Err(refuse(format!(
                        "column {name} has type {found} there and {expect} here: a column that changes its type needs a new name"
                    )));
                }
            }
        }
        if lacks.is_empty() {
            return Ok(None);
        }
        fields.append(&mut lacks);
        Ok(Some(MetaData {
            schema_string: schema.to_string(),
            ..now.clone()
        }))
    }

    fn fields(&self) -> impl Iterator<Item = (&'static str, Kind, &'static str)> {
        self.columns.iter().copied().chain(PARTITION_COLUMNS)
    }
}

/// Whether a program of these versions may touch the table.
pub(crate) fn supported(protocol: Protocol) -> bool {
    protocol.min_reader_version <= READER_VERSION && protocol.min_writer_version <= WRITER_VERSION
}

/// All columns may be null, so that a column can be added to a table that has rows.
fn field(name: &str, kind: Kind, comment: &str) -> Value {
    json!({"name": name, "type": kind.delta(), "nullable": true, "metadata": {"comment": comment}})
}

/// Equal types. What is inside lists and structs is compared by name and type only.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(_), Value::Object(_)) => {
            let same = |key: &str| alike(&a[key], &b[key]);
            same("type") && same("name") && same("elementType") && same("fields")
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        _ => a == b,
    }
}

/// A UUID (version 8, RFC 9562) made of who creates the table and when.
fn table_id(writer: u64, at_ms: TimestampMs) -> String {
    let at = at_ms as u64;
    format!(
        "{:08x}-{:04x}-8{:03x}-a{:03x}-{:012x}",
        at >> 16 & 0xffff_ffff,
        at & 0xffff,
        writer >> 60 & 0xfff,
        writer >> 48 & 0xfff,
        writer & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(columns: &[(&'static str, Kind)]) -> TableSchema {
        let columns = columns
            .iter()
            .map(|&(name, kind)| (name, kind, "a word"))
            .collect();
        TableSchema {
            table: Table::Views,
            columns,
        }
    }

    fn made(schema: &TableSchema) -> MetaData {
        match schema.create(7, 1_700_000_000_000, 86_400_000).remove(1) {
            Action::MetaData(made) => made,
            other => panic!("the second action describes the table: {other:?}"),
        }
    }

    #[test]
    fn a_table_gains_columns_and_nothing_else() {
        let table = [("a", Kind::Text), ("b", Kind::Features)];
        let check = |program: &[(&'static str, Kind)], expect: Result<Option<&[&str]>, &str>| {
            let outcome = schema(program).evolve(&made(&schema(&table)));
            match (outcome, expect) {
                (Ok(None), Ok(None)) => {}
                (Ok(Some(now)), Ok(Some(names))) => {
                    let now: Value = serde_json::from_str(&now.schema_string).expect("JSON");
                    let found: Vec<_> = now["fields"]
                        .as_array()
                        .expect("fields")
                        .iter()
                        .map(|f| &f["name"])
                        .collect();
                    assert_eq!(found, names);
                }
                (Err(error), Err(word)) => assert!(error.to_string().contains(word), "{error}"),
                (outcome, expect) => panic!("{outcome:?}, expected {expect:?}"),
            }
        };
        check(&table, Ok(None));
        check(&table[..1], Ok(None));
        check(
            &[("a", Kind::Text), ("c", Kind::Long)],
            Ok(Some(&["a", "b", "day", "hour", "c"])),
        );
        check(
            &[("c", Kind::Texts), ("d", Kind::Time)],
            Ok(Some(&["a", "b", "day", "hour", "c", "d"])),
        );
        check(
            &[("a", Kind::Long)],
            Err("column a has type \"string\" there and \"long\" here"),
        );
        check(&[("b", Kind::Texts)], Err("column b has type"));
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        for text in ["", "[]", "{}", "{\"fields\":1}"] {
            let broken = MetaData {
                schema_string: text.to_owned(),
                ..made(&schema(&[]))
            };
            assert!(schema(&[("a", Kind::Text)]).evolve(&broken).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_table_has_an_id_of_its_own() {
        assert_eq!(
            table_id(0x1234_5678_9abc_def0, 0x018b_cfe5_6800),
            "018bcfe5-6800-8001-a234-56789abcdef0"
        );
    }
}
