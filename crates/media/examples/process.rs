//! Processes every file of the folders given and prints one line each: what became of it and how long it took.
//!
//! `cargo run -p media --example process -- OUT FOLDER…`; the files of each video are left below `OUT`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use media::{MediaLimits, ProcessError, Processor, Sandbox};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let out = args.next().ok_or("usage: process OUT FOLDER…")?;
    let processor = Processor::new(Sandbox::detect().await?, MediaLimits::default());
    for folder in args {
        let mut files: Vec<_> = match folder.is_dir() {
            true => std::fs::read_dir(&folder)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()?,
            false => vec![folder],
        };
        files.sort();
        for file in files {
            let name = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            println!("{name}\t{}", process(&processor, &file, &out.join(&name)).await);
        }
    }
    Ok(())
}

async fn process(processor: &Processor, source: &Path, out: &Path) -> String {
    let started = Instant::now();
    let first = match processor.publish_first(source, out, &mut |_| {}).await {
        Ok(first) => first,
        Err(ProcessError::Rejected(rejection)) => return format!("rejected\t{rejection}"),
        Err(ProcessError::Failed(error)) => return format!("failed\t{error:?}"),
    };
    let first_s = started.elapsed().as_secs_f64();
    let ladder = processor
        .complete_ladder(source, &first, out, out, &mut |_| {})
        .await;
    let ladder_s = started.elapsed().as_secs_f64();
    match ladder {
        Ok(manifest) => {
            let rungs: Vec<_> = manifest
                .renditions
                .iter()
                .map(|r| {
                    format!(
                        "{} {}x{} {}k",
                        r.name,
                        r.width,
                        r.height,
                        r.segments.bitrate_bps / 1000
                    )
                })
                .collect();
            let fps = first.probe.picture.frame_rate.fps();
            let sound = first
                .probe
                .sound
                .as_ref()
                .map_or("silent".to_owned(), |sound| format!("{:+.1} dB", sound.gain_db));
            format!(
                "published\t{:.1} s\t{fps:.2} fps\t{sound}\tfirst {first_s:.2} s\tall {ladder_s:.2} s\t{}",
                manifest.duration_ms as f64 / 1000.0,
                rungs.join(", ")
            )
        }
        Err(error) => format!("ladder failed\t{error:?}"),
    }
}
