//! Workshop commands, one a row: `cargo run -p xtask -- tidy`.
//!
//! Nothing here is shipped, and nothing here changes a file.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(),
        _ => {
            eprintln!("usage: xtask tidy    check floors, headers, sizes, documents and metrics");
            ExitCode::from(2)
        }
    }
}

fn tidy() -> ExitCode {
    let findings = match xtask::tidy::check(Path::new(xtask::ROOT)) {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("tidy could not look at the tree: {error}");
            return ExitCode::FAILURE;
        }
    };
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
