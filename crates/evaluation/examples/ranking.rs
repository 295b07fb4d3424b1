//! Protocol A from the command line: `cargo run --release -p evaluation --example ranking -- [--validation] FOLDER…`.

use std::path::PathBuf;
use std::time::Instant;

use evaluation::ranking::{Args, Split, run};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, folders): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let validation = flags.iter().any(|flag| flag == "--validation");
    let split = if validation {
        Split::Validation
    } else {
        Split::Test
    };
    let data = folders.into_iter().map(PathBuf::from).collect();
    let started = Instant::now();
    let report = run(&Args {
        data,
        eval_users: None,
        split,
    })?;
    println!("{report:#?}\n{:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}
