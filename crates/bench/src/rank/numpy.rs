//! The light scorer's twin in NumPy: the same sizes, random rows in half precision from as large a table, one thread.

use std::process::Command;

use crate::figures::Figures;
use crate::{BenchError, Setup};

/// Runs `deploy/rank-bench/run`; without Python or NumPy it says so and there are no figures.
pub(super) fn run(setup: &Setup, rows: u64, figures: &mut Figures) -> Result<(), BenchError> {
    let script = setup.root.join("deploy/rank-bench/run");
    let output = Command::new(script).arg(rows.to_string()).output();
    let output = output.map_err(BenchError::io("starting the twin in NumPy"))?;
    if !output.status.success() {
        println!(
            "rank: no twin in NumPy: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines() {
        let mut parts = line.split_whitespace();
        if let (Some(name), Some(Ok(value))) = (parts.next(), parts.next().map(str::parse)) {
            figures.add(&format!("rank.numpy.{name}"), value);
        }
    }
    Ok(())
}
