//! Guards the layout of the house: import edges, headers, sizes, words, documents, metrics.
//!
//! It knows nothing of what the code does; the compiler and clippy look after that.

mod documents;
mod exceptions;
mod floors;
mod metrics;
mod source;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the root, with forward slashes.
    pub path: String,
    /// Counted from 1; 0 when the finding is about the whole file.
    pub line: usize,
    /// The short name that the exception list uses.
    pub rule: &'static str,
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.path, self.line, self.rule, self.message)
    }
}

/// Why the tree could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum TidyError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot run cargo metadata")]
    CargoStart(#[source] std::io::Error),
    #[error("cargo metadata failed: {0}")]
    CargoFailed(String),
    #[error("cannot understand the answer of cargo metadata")]
    CargoAnswer(#[from] serde_json::Error),
}

/// Looks at the checkout at `root`; an empty list means that it is tidy.
pub fn check(root: &Path) -> Result<Vec<Finding>, TidyError> {
    let mut findings = floors::check(root)?;
    for file in text::files(root)? {
        findings.extend(source::check(&file));
    }
    findings.extend(documents::check(root)?);
    findings.extend(metrics::check(root)?);
    let mut left = exceptions::apply(root, findings)?;
    left.sort();
    Ok(left)
}

/// Reads a file, naming it in the error.
fn read(path: &Path) -> Result<String, TidyError> {
    std::fs::read_to_string(path).map_err(|source| TidyError::Read {
        path: path.to_path_buf(),
        source,
    })
}
