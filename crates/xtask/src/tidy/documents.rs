//! Rules about the documents: licences are there, decisions are listed, links lead somewhere.
//!
//! It reads structure only; whether a text is true is for the reviewer.

use std::path::Path;

use super::text::{TextFile, files};
use super::{Finding, TidyError};

const MAP: &str = "ARCHITECTURE.md";
/// Folders whose files the map names in its walks.
const MAPPED: [&str; 4] = ["crates/", "web/", "e2e/", "config/"];
const DECISIONS: &str = "docs/adr/";
const DECISIONS_LIST: &str = "docs/adr/README.md";
/// Files that every checkout has, with words that they must hold.
const REQUIRED: [(&str, &str); 8] = [
    ("LICENSE-MIT", "MIT License"),
    ("LICENSE-APACHE", "Version 2.0, January 2004"),
    ("README.md", "./dev up"),
    ("CONTRIBUTING.md", "./dev test"),
    ("CHANGELOG.md", "## Unreleased"),
    ("ARCHITECTURE.md", "## Invariants"),
    ("docs/glossary.md", "**impression**"),
    (DECISIONS_LIST, "0001"),
];

/// All findings about documents.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>, TidyError> {
    let mut findings = required(root);
    let documents: Vec<TextFile> = files(root)?
        .into_iter()
        .filter(|file| file.extension() == "md")
        .collect();
    for document in &documents {
        let exists = |target: &str| root.join(parent(&document.path)).join(target).exists();
        findings.extend(links(document, exists));
    }
    let map = documents.iter().filter(|document| document.path == MAP);
    findings.extend(map.flat_map(|map| paths(map, |path| root.join(path).exists())));
    findings.extend(decisions(&documents));
    Ok(findings)
}

fn required(root: &Path) -> Vec<Finding> {
    let holds = |path: &str, words: &str| {
        std::fs::read_to_string(root.join(path)).is_ok_and(|text| text.contains(words))
    };
    REQUIRED
        .iter()
        .filter(|(path, words)| !holds(path, words))
        .map(|(path, words)| finding(path, 0, "required", format!("must exist and hold {words:?}")))
        .collect()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Relative links whose target does not exist.
fn links(document: &TextFile, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in document.text.lines().enumerate() {
        let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let shown = line
            .split("src=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        let targets = linked.chain(shown);
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let path = target.split('#').next().unwrap_or(target);
            if !exists(path) {
                findings.push(finding(
                    &document.path,
                    number + 1,
                    "link",
                    format!("{target} does not exist"),
                ));
            }
        }
    }
    findings
}

/// Files named in code style that are not there: a walk must lead through rooms that exist.
fn paths(map: &TextFile, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in map.text.lines().enumerate() {
        let named = line.split('`').skip(1).step_by(2);
        for path in named.filter(|name| MAPPED.iter().any(|folder| name.starts_with(folder))) {
            if !exists(path) {
                findings.push(finding(
                    &map.path,
                    number + 1,
                    "link",
                    format!("{path} does not exist"),
                ));
            }
        }
    }
    findings
}

/// Decision records are numbered without a gap, say their status, and are listed.
fn decisions(documents: &[TextFile]) -> Vec<Finding> {
    let list = documents
        .iter()
        .find(|file| file.path == DECISIONS_LIST)
        .map_or("", |file| file.text.as_str());
    let records = documents
        .iter()
        .filter(|file| file.path.starts_with(DECISIONS) && file.path != DECISIONS_LIST);
    let mut findings = Vec::new();
    for (record, number) in records.zip(1..) {
        let name = &record.path[DECISIONS.len()..];
        if !name.starts_with(&format!("{number:04}-")) {
            findings.push(finding(
                &record.path,
                0,
                "decisions",
                format!("expected number {number:04}"),
            ));
        }
        if !list.contains(&format!("]({name})")) {
            findings.push(finding(
                DECISIONS_LIST,
                0,
                "decisions",
                format!("{name} is not listed"),
            ));
        }
        if !record.text.contains("\nStatus: ") {
            findings.push(finding(
                &record.path,
                0,
                "decisions",
                "a record has a line `Status: …`".to_owned(),
            ));
        }
    }
    findings
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
mod tests {
    use super::*;

    fn document(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn links_must_lead_somewhere() {
        let rows = [
            ("no link", 0),
            ("[a](there.md) and [b](there.md#part)", 0),
            ("[a](gone.md)", 1),
            ("<img src=\"gone.png\" alt=\"x\"><img src=\"there.md\">", 1),
            ("![a](gone.png) [b](there.md) [c](gone.md)", 2),
            ("[a](https://example.org/gone.md) [b](#part)", 0),
        ];
        for (text, expect) in rows {
            let found = links(&document("docs/x.md", text), |target| target == "there.md");
            assert_eq!(found.len(), expect, "{text}");
        }
    }

    #[test]
    fn the_map_names_what_is_there() {
        let rows = [
            ("`crates/there.rs` then `crates/gone.rs` and `web/gone.ts`", 2),
            ("`crates/there.rs`", 0),
            ("crates/gone.rs `GET /crates`", 0),
        ];
        for (text, expect) in rows {
            let found = paths(&document(MAP, text), |path| path == "crates/there.rs");
            assert_eq!(found.len(), expect, "{text}");
        }
    }

    #[test]
    fn decisions_are_numbered_listed_and_have_a_status() {
        let list = document(DECISIONS_LIST, "[one](0001-one.md) [two](0002-two.md)");
        let good = "# One\n\nStatus: accepted\n";
        let rows = [
            (vec![("0001-one.md", good), ("0002-two.md", good)], 0),
            (vec![("0002-two.md", good)], 1),
            (vec![("0001-other.md", good)], 1),
            (vec![("0001-one.md", "# One\n")], 1),
        ];
        for (records, expect) in rows {
            let mut documents = vec![list.clone()];
            documents.extend(
                records
                    .iter()
                    .map(|(name, text)| document(&format!("{DECISIONS}{name}"), text)),
            );
            assert_eq!(decisions(&documents).len(), expect, "{records:?}");
        }
    }
}
