//! Compares the crates' real dependencies with the table of floors in ARCHITECTURE.md.
//!
//! A crate imports from floors below and along the same-floor edges that its row lists. The workshop stands above
//! the house: it may import anything, and nothing that is shipped imports it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::{Finding, TidyError, read};

const MAP: &str = "ARCHITECTURE.md";
/// Crates on the longest way up the stairs, counted with both ends.
const CHAIN_MAX: usize = 8;
const LICENCE: &str = "MIT OR Apache-2.0";
const WORKSHOP: u8 = u8::MAX;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// What cargo says of one crate of the workspace.
#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    license: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for what is shipped, `dev` or `build` otherwise.
    kind: Option<String>,
    /// Set for crates of this workspace.
    path: Option<String>,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    line: usize,
    floor: u8,
    same_floor: BTreeSet<String>,
}

type Table = BTreeMap<String, Row>;

/// Everything that differs between the map and the house.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>, TidyError> {
    let (table, mut findings) = parse(&read(&root.join(MAP))?);
    let packages = packages(root)?;
    findings.extend(compare(&table, &packages));
    Ok(findings)
}

fn packages(root: &Path) -> Result<Vec<Package>, TidyError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(TidyError::CargoStart)?;
    if !output.status.success() {
        return Err(TidyError::CargoFailed(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.packages)
}

/// Reads rows of the form ``| 1 | `stream` | `event-log` | what it is |``; floor `workshop` is above all.
fn parse(map: &str) -> (Table, Vec<Finding>) {
    let (mut table, mut findings) = (Table::new(), Vec::new());
    for (number, line) in map.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, floor, name, edges, _, _] = cells[..] else {
            continue;
        };
        let Some(floor) = floor_number(floor) else {
            continue;
        };
        let name = name.trim_matches('`').to_owned();
        let same_floor = edges.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let row = Row {
            line: number + 1,
            floor,
            same_floor,
        };
        if table.insert(name.clone(), row).is_some() {
            findings.push(in_map(number + 1, format!("crate {name} has two rows")));
        }
    }
    (table, findings)
}

fn floor_number(cell: &str) -> Option<u8> {
    if cell == "workshop" {
        Some(WORKSHOP)
    } else {
        cell.parse().ok()
    }
}

fn compare(table: &Table, packages: &[Package]) -> Vec<Finding> {
    let mut findings = rows_without_crate(table, packages);
    for package in packages {
        findings.extend(crate_itself(package));
        match table.get(&package.name) {
            Some(row) => findings.extend(edges(table, row, package)),
            None => findings.push(in_map(
                0,
                format!("crate {} has no row in the table of floors", package.name),
            )),
        }
    }
    let chain = longest_chain(packages);
    if chain.len() > CHAIN_MAX {
        findings.push(in_map(
            0,
            format!(
                "the stair {} has {} steps, at most {CHAIN_MAX}",
                chain.join(" → "),
                chain.len()
            ),
        ));
    }
    findings
}

fn rows_without_crate(table: &Table, packages: &[Package]) -> Vec<Finding> {
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    table
        .iter()
        .filter(|(name, _)| !names.contains(name.as_str()))
        .map(|(name, row)| in_map(row.line, format!("there is no crate {name}")))
        .collect()
}

fn crate_itself(package: &Package) -> Vec<Finding> {
    let path = format!("crates/{}/Cargo.toml", package.name);
    let mut findings = Vec::new();
    if !package.manifest_path.ends_with(&path) {
        findings.push(in_map(
            0,
            format!(
                "crate {} lives in {}, not in {path}",
                package.name, package.manifest_path
            ),
        ));
    }
    if package.license.as_deref() != Some(LICENCE) {
        let message = format!("the licence is {:?}, not {LICENCE:?}", package.license);
        findings.push(Finding {
            path,
            line: 0,
            rule: "licence",
            message,
        });
    }
    findings
}

/// Import edges of one crate that the table does not allow, and same-floor edges that it lists for nothing.
fn edges(table: &Table, row: &Row, package: &Package) -> Vec<Finding> {
    let mut unused = row.same_floor.clone();
    let mut findings = Vec::new();
    for dependency in package
        .dependencies
        .iter()
        .filter(|dependency| dependency.path.is_some())
    {
        let Some(target) = table.get(&dependency.name) else {
            continue;
        };
        let is_test_of_workshop = dependency.kind.as_deref() == Some("dev") && target.floor == WORKSHOP;
        let is_listed = target.floor == row.floor && row.same_floor.contains(&dependency.name);
        if is_listed && dependency.kind.is_none() {
            unused.remove(&dependency.name);
        }
        if target.floor >= row.floor && !is_listed && !is_test_of_workshop {
            findings.push(in_map(
                row.line,
                format!("{} may not import {}", package.name, dependency.name),
            ));
        }
    }
    findings.extend(
        unused
            .iter()
            .map(|edge| in_map(row.line, format!("{} does not import {edge}", package.name))),
    );
    findings
}

/// The longest way from a crate down to one that imports nothing of ours, over what is shipped.
fn longest_chain(packages: &[Package]) -> Vec<String> {
    let below: BTreeMap<&str, Vec<&str>> = packages
        .iter()
        .map(|package| (package.name.as_str(), shipped(package)))
        .collect();
    let mut known = BTreeMap::new();
    let chains = packages
        .iter()
        .map(|package| chain_from(&package.name, &below, &mut known));
    chains.max_by_key(Vec::len).unwrap_or_default()
}

fn shipped(package: &Package) -> Vec<&str> {
    let ours = package
        .dependencies
        .iter()
        .filter(|d| d.path.is_some() && d.kind.is_none());
    ours.map(|dependency| dependency.name.as_str()).collect()
}

/// Cargo refuses cycles among shipped edges; an entry made on the way in ends one all the same.
fn chain_from<'a>(
    name: &'a str,
    below: &BTreeMap<&'a str, Vec<&'a str>>,
    known: &mut BTreeMap<&'a str, Vec<String>>,
) -> Vec<String> {
    if let Some(chain) = known.get(name) {
        return chain.clone();
    }
    known.insert(name, Vec::new());
    let empty = Vec::new();
    let chains = below
        .get(name)
        .unwrap_or(&empty)
        .iter()
        .map(|next| chain_from(next, below, known));
    let mut chain = chains.max_by_key(Vec::len).unwrap_or_default();
    chain.push(name.to_owned());
    known.insert(name, chain.clone());
    chain
}

fn in_map(line: usize, message: String) -> Finding {
    Finding {
        path: MAP.to_owned(),
        line,
        rule: "floors",
        message,
    }
}

#[cfg(test)]
#[path = "floors_tests.rs"]
mod tests;
