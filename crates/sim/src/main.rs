//! Puts a question to the simulated world: see the `command` module of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    match sim::command(std::env::args().skip(1)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let source = std::error::Error::source(&error)
                .map(|source| format!(": {source}"))
                .unwrap_or_default();
            eprintln!("riffle-sim: {error}{source}");
            ExitCode::FAILURE
        }
    }
}
