//! Protocol B without the rest of the binary: `cargo run --release -p evaluation --example prequential -- LABEL[,LABEL] REFRESH[,AGAINST…] [NAME=VALUE…] FOLDER…`.
//!
//! `NAME=VALUE` replaces one of the model's settings, such as `adam.rate=1e-4`: for choosing defaults, on the tuning window only.

use std::path::PathBuf;

use evaluation::prequential::{Args, Label, Refresh, run_labels};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, plain): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.contains('='));
    let [labels, refresh, folders @ ..] = plain.as_slice() else {
        return Err("usage: LABEL[,LABEL] REFRESH[,AGAINST…] [NAME=VALUE…] FOLDER…".into());
    };
    let labels = labels
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<Label>, _>>()?;
    let refreshes = refresh
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<Refresh>, _>>()?;
    let data = folders.iter().map(PathBuf::from).collect();
    let mut args = Args::new(data, labels[0], refreshes[0]);
    args.against = refreshes[1..].to_vec();
    let mut config = serde_json::to_value(&args.config)?;
    for setting in &settings {
        let (name, value) = setting.split_once('=').unwrap_or_default();
        let pointer = format!("/{}", name.replace('.', "/"));
        *config.pointer_mut(&pointer).ok_or(name)? = serde_json::from_str::<Value>(value)?;
    }
    args.config = serde_json::from_value(config)?;
    for report in run_labels(&args, &labels)? {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}
