//! `riffle features`: every feature that a row has, as the extraction itself describes them.

use std::process::ExitCode;

use feature::{COLUMNS, Registry};
use serde_json::{Map, Value};

use crate::cli::FeaturesOptions;
use crate::error::AppError;

/// Blanks between two columns.
const GAP: usize = 2;

pub fn run(options: &FeaturesOptions) -> Result<ExitCode, AppError> {
    let registry = Registry::new();
    let rows = registry.table();
    if options.json {
        println!("{}", json(&rows));
    } else {
        print!("{}", table(&rows));
        println!(
            "{} features: {} ids, {} dense",
            registry.len(),
            registry.ids.len(),
            registry.dense.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// An array of objects, one a feature, keyed by column.
fn json(rows: &[[String; COLUMNS.len()]]) -> Value {
    let object = |row: &[String; COLUMNS.len()]| {
        let fields = COLUMNS.iter().zip(row);
        let fields = fields.map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str())));
        Value::Object(fields.collect::<Map<_, _>>())
    };
    rows.iter().map(object).collect()
}

/// Columns under their headings, each as wide as its widest text.
fn table(rows: &[[String; COLUMNS.len()]]) -> String {
    let heading = COLUMNS.map(str::to_owned);
    let all = || std::iter::once(&heading).chain(rows);
    let widths: [usize; COLUMNS.len()] =
        std::array::from_fn(|at| all().map(|row| row[at].chars().count()).max().unwrap_or(0) + GAP);
    let mut out = String::new();
    for row in all() {
        let line: String = row
            .iter()
            .zip(widths)
            .map(|(text, width)| format!("{text:<width$}"))
            .collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_headings() {
        let rows = Registry::new().table();
        let text = table(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), rows.len() + 1);
        let at = lines[0].find("name").expect("a heading");
        for (line, row) in lines[1..].iter().zip(&rows) {
            assert_eq!(line.get(at..at + row[1].len()), Some(row[1].as_str()), "{line}");
        }
    }

    #[test]
    fn json_has_one_object_a_feature() {
        let rows = Registry::new().table();
        let value = json(&rows);
        let objects = value.as_array().expect("an array");
        assert_eq!(objects.len(), rows.len());
        assert_eq!(objects[0]["name"], rows[0][1].as_str());
        assert_eq!(objects[0].as_object().map(Map::len), Some(COLUMNS.len()));
    }
}
