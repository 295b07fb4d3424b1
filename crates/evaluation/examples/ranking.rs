//! Protocol A from the command line, without the product around it:
//! `cargo run --release -p evaluation --example ranking -- [--validation] [--baselines] [--eval-users=FILE] FOLDER…`.

use std::path::PathBuf;

use evaluation::ranking::{Args, Split, run};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, folders): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let on = |name: &str| flags.iter().any(|flag| flag == name);
    let eval_users = flags.iter().find_map(|flag| flag.strip_prefix("--eval-users="));
    let report = run(&Args {
        data: folders.into_iter().map(PathBuf::from).collect(),
        eval_users: eval_users.map(PathBuf::from),
        split: if on("--validation") {
            Split::Validation
        } else {
            Split::Test
        },
        baselines: on("--baselines"),
    })?;
    println!("{report:#?}");
    Ok(())
}
