//! The delay curve without the rest of the binary: `cargo run --release -p evaluation --example delays -- LABEL MS[,MS…] FOLDER…`.

use std::path::PathBuf;

use evaluation::prequential::{Args, Refresh, delay_curve};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plain: Vec<String> = std::env::args().skip(1).collect();
    let [label, delays, folders @ ..] = plain.as_slice() else {
        return Err("usage: LABEL MS[,MS…] FOLDER…".into());
    };
    let delays = delays
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<i64>, _>>()?;
    let data = folders.iter().map(PathBuf::from).collect();
    let curve = delay_curve(&Args::new(data, label.parse()?, Refresh::Event), &delays)?;
    print!("{}", curve.csv());
    println!("{}", serde_json::to_string(&curve)?);
    Ok(())
}
