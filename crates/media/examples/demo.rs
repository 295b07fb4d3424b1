//! Makes every demo clip into the folder given: `cargo run -p media --example demo -- OUT [NAME…]`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let out = PathBuf::from(args.next().ok_or("usage: demo OUT [NAME…]")?);
    let names: Vec<String> = args.collect();
    std::fs::create_dir_all(&out)?;
    for clip in media::demo::clips()
        .iter()
        .filter(|clip| names.is_empty() || names.iter().any(|name| name == clip.name))
    {
        let started = Instant::now();
        let path = out.join(format!("{}.mp4", clip.name));
        let status = Command::new("ffmpeg").args(clip.ffmpeg_args(&path)).status()?;
        println!(
            "{}\t{status}\t{:.1} s",
            clip.name,
            started.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
