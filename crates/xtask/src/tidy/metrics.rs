//! Rules about metrics: each is documented with its kind and its labels, each that is documented exists, and whatever reads one by
//! name (alert rules, the dashboard, the operator's page) reads one that is there.
//!
//! It reads names and labels; whether the meaning is told well is for the reviewer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::text::{TextFile, blank_rust, files, is_word};
use super::{Finding, TidyError, read};

const DOCUMENT: &str = "docs/operating/metrics.md";
const PREFIX: &str = "riffle_";
/// Folders whose files name metrics to read them.
const READERS: [&str; 4] = [
    "deploy/prometheus/",
    "crates/server/src/routes/admin",
    "web/src/admin/",
    "docs/operating/",
];
const KINDS: [&str; 3] = ["counter", "gauge", "histogram"];
/// What Prometheus puts behind the name of a histogram.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// A metric, as the code records it or as the document lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Metric {
    name: String,
    kind: String,
    labels: BTreeSet<String>,
    path: String,
    line: usize,
}

/// All findings about metrics.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>, TidyError> {
    let all = files(root)?;
    let (mut recorded, mut findings) = (Vec::new(), Vec::new());
    let is_code = |file: &&TextFile| {
        file.path.starts_with("crates/")
            && file.extension() == "rs"
            && !file.path.starts_with("crates/xtask/")
    };
    for file in all.iter().filter(is_code) {
        findings.extend(metrics_of(file, &mut recorded));
    }
    let document = all.iter().find(|file| file.path == DOCUMENT);
    let listed = document.map_or_else(Vec::new, rows_of);
    findings.extend(compare(&recorded, &listed));
    let known: BTreeSet<&str> = listed.iter().map(|metric| metric.name.as_str()).collect();
    for file in readers(root, &all)? {
        findings.extend(unknown_names(&file, &known));
    }
    Ok(findings)
}

/// Adds every metric that a file records; what is not written so that it can be found is a finding.
fn metrics_of(file: &TextFile, recorded: &mut Vec<Metric>) -> Vec<Finding> {
    let code = blank_rust(&file.text);
    let mut findings = Vec::new();
    for kind in KINDS {
        let call = format!("{kind}!(");
        for (at, _) in code.match_indices(&call) {
            let line = code[..at].matches('\n').count() + 1;
            let arguments = &file.text[at + call.len()..closing(&code, at + call.len())];
            match metric_of(arguments, kind, &file.path, line) {
                Some(metric) => {
                    findings.extend(badly_named(&metric));
                    recorded.push(metric);
                }
                None => findings.push(finding(
                    &file.path,
                    line,
                    "metric-name",
                    "the name of a metric is a literal that begins with `riffle_`, so that it can be found"
                        .to_owned(),
                )),
            }
        }
    }
    findings
}

/// Where the call that opened before `from` closes.
fn closing(code: &str, from: usize) -> usize {
    let mut depth = 1_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len()
}

/// `"name", "label" => value, …`.
fn metric_of(arguments: &str, kind: &str, path: &str, line: usize) -> Option<Metric> {
    let name = arguments.trim_start().strip_prefix('"')?.split('"').next()?;
    if !name.starts_with(PREFIX) {
        return None;
    }
    let mut pieces: Vec<&str> = arguments.split("=>").collect();
    pieces.pop();
    let label = |before: &str| {
        let before = before.trim_end().strip_suffix('"')?;
        before.rsplit('"').next().map(str::to_owned)
    };
    Some(Metric {
        name: name.to_owned(),
        kind: kind.to_owned(),
        labels: pieces.into_iter().filter_map(label).collect(),
        path: path.to_owned(),
        line,
    })
}

/// The conventions that Prometheus and its users know names by.
fn badly_named(metric: &Metric) -> Option<Finding> {
    let total = metric.name.ends_with("_total");
    let sized = ["_ms", "_seconds", "_bytes"]
        .iter()
        .any(|unit| metric.name.ends_with(unit));
    let wrong = match metric.kind.as_str() {
        "counter" if !total => "a counter ends with `_total`",
        "gauge" if total => "a gauge does not end with `_total`",
        "histogram" if !sized => "a histogram ends with its unit: `_ms`, `_seconds` or `_bytes`",
        _ => return None,
    };
    Some(finding(
        &metric.path,
        metric.line,
        "metric-name",
        format!("{}: {wrong}", metric.name),
    ))
}

/// The rows of the document: ``| `name` | kind | `label`, `label` | meaning |``.
fn rows_of(document: &TextFile) -> Vec<Metric> {
    let mut rows = Vec::new();
    for (number, line) in document.text.lines().enumerate() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let coded = |cell: &str| {
            cell.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let Some(name) = cells.next().map(coded).and_then(|mut names| names.pop()) else {
            continue;
        };
        if name.starts_with(PREFIX) {
            rows.push(Metric {
                name,
                kind: cells.next().unwrap_or_default().to_owned(),
                labels: coded(cells.next().unwrap_or_default()).into_iter().collect(),
                path: document.path.clone(),
                line: number + 1,
            });
        }
    }
    rows
}

/// Code and document against each other, and each against itself.
fn compare(recorded: &[Metric], listed: &[Metric]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut rows: BTreeMap<&str, &Metric> = BTreeMap::new();
    for row in listed {
        if rows.insert(&row.name, row).is_some() {
            findings.push(undocumented(row, "is listed twice".to_owned()));
        }
        if !recorded.iter().any(|metric| metric.name == row.name) {
            findings.push(undocumented(row, "is recorded nowhere".to_owned()));
        }
    }
    for metric in recorded {
        let Some(row) = rows.get(metric.name.as_str()) else {
            findings.push(undocumented(metric, format!("has no row in {DOCUMENT}")));
            continue;
        };
        if row.kind != metric.kind {
            findings.push(undocumented(
                metric,
                format!("is a {} here and a {} in {DOCUMENT}", metric.kind, row.kind),
            ));
        }
        if row.labels != metric.labels {
            let message = format!(
                "has labels {:?} here and {:?} in {DOCUMENT}",
                metric.labels, row.labels
            );
            findings.push(undocumented(metric, message));
        }
    }
    findings
}

/// The files that read metrics by name, those of formats that other rules do not look at included.
fn readers(root: &Path, all: &[TextFile]) -> Result<Vec<TextFile>, TidyError> {
    let is_test = |path: &str| path.ends_with("_tests.rs") || path.contains(".test.");
    let reads =
        |file: &&TextFile| READERS.iter().any(|folder| file.path.starts_with(folder)) && !is_test(&file.path);
    let mut found: Vec<TextFile> = all.iter().filter(reads).cloned().collect();
    let folder = root.join(READERS[0]);
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            found.push(TextFile {
                text: read(&entry.path())?,
                path: format!("{}{name}", READERS[0]),
            });
        }
    }
    Ok(found)
}

/// Names in a file that the document does not list.
fn unknown_names(file: &TextFile, known: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let text = file.text.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in text.lines().enumerate() {
        for name in names_in(line) {
            let whole = PARTS
                .iter()
                .find_map(|part| name.strip_suffix(part))
                .unwrap_or(name);
            if !known.contains(name) && !known.contains(whole) {
                let message = format!("{name} has no row in {DOCUMENT}");
                findings.push(finding(&file.path, number + 1, "metric-row", message));
            }
        }
    }
    findings
}

/// Words of a line that have the shape of a metric's name: the prefix, a crate, a thing.
fn names_in(line: &str) -> Vec<&str> {
    let starts = line.match_indices(PREFIX).map(|(at, _)| at);
    let whole = starts.filter(|&at| at == 0 || !is_word(line.as_bytes()[at - 1]));
    let words = whole.map(|at| {
        let rest = &line[at..];
        &rest[..rest.bytes().take_while(|&byte| is_word(byte)).count()]
    });
    words
        .filter(|word| word.matches('_').count() >= 2 && !word.ends_with('_'))
        .collect()
}

fn undocumented(metric: &Metric, message: String) -> Finding {
    finding(
        &metric.path,
        metric.line,
        "metric-row",
        format!("{} {message}", metric.name),
    )
}

fn finding(path: &str, line: usize, rule: &'static str, message: String) -> Finding {
    Finding {
        path: path.to_owned(),
        line,
        rule,
        message,
    }
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
