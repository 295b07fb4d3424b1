//! Measures what content vectors and fingerprints are worth on a folder of clips: `cargo run --release -p media --example content_check FOLDER…`.
//!
//! Makes altered copies of every clip, describes clips and copies, and prints how often a copy's nearest clip is its original, and how
//! often a fingerprint knows a copy again or takes another clip for one. It changes nothing in the folders.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use media::{Looks, MediaLimits, Processor, Sandbox, Words};
use types::ContentVector;

/// What a copy went through: name, whether it still is the same video to a fingerprint, and arguments of ffmpeg.
const COPIES: [(&str, bool, &str); 9] = [
    ("re-encoded at a third of the bits", true, "-crf 35 -b:a 64k"),
    (
        "half the size",
        true,
        "-vf scale=trunc(iw/4)*2:trunc(ih/4)*2 -crf 28",
    ),
    (
        "cropped by 4 %",
        true,
        "-vf crop=trunc(iw*0.48)*2:trunc(ih*0.48)*2 -crf 26",
    ),
    (
        "cropped by 15 %",
        true,
        "-vf crop=trunc(iw*0.425)*2:trunc(ih*0.425)*2 -crf 26",
    ),
    (
        "brighter, more colour",
        true,
        "-vf eq=brightness=0.04:saturation=1.15 -crf 26",
    ),
    (
        "warmer, 25 fps, quieter",
        true,
        "-vf colorbalance=rm=0.06:bm=-0.06,fps=25 -crf 26 -af volume=-6dB",
    ),
    ("mirrored", false, "-vf hflip -crf 26"),
    ("the middle half", false, "-crf 26"),
    (
        "centre of 9:16",
        false,
        "-vf crop=min(iw\\,trunc(ih*9/32)*2):ih,scale=trunc(iw/4)*2:trunc(ih/4)*2 -crf 26",
    ),
];

/// How much of a clip is looked at.
const SECONDS: &str = "8";

struct Described {
    name: String,
    looks: Looks,
    vector: ContentVector,
}

#[tokio::main]
async fn main() {
    let sandbox = Sandbox::detect()
        .await
        .expect("bubblewrap and ffmpeg are installed");
    let processor = Processor::new(sandbox, MediaLimits::default());
    let folder = tempfile::tempdir().expect("a folder");
    let mut clips: Vec<PathBuf> = std::env::args()
        .skip(1)
        .flat_map(|path| files(Path::new(&path)))
        .collect();
    clips.sort();
    let mut known = Vec::new();
    let originals: Vec<PathBuf> = clips
        .iter()
        .filter_map(|clip| shorten(clip, folder.path()))
        .collect();
    for clip in &originals {
        let began = Instant::now();
        match describe(&processor, clip, folder.path()).await {
            Some(described) => {
                println!("{:6} ms  {}", began.elapsed().as_millis(), described.name);
                known.push((clip, described));
            }
            None => println!("   none  {}", clip.display()),
        }
    }
    spread(&known.iter().map(|(_, known)| known).collect::<Vec<_>>());
    println!(
        "\n| copy | nearest is the original | in the first three | cosine, median | lowest | known again | taken for another |"
    );
    println!("|---|---|---|---|---|---|---|");
    for copy in &COPIES {
        check(&processor, &known, copy, folder.path()).await;
    }
}

fn files(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).expect("a folder of clips");
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file())
        .collect()
}

async fn describe(processor: &Processor, clip: &Path, work: &Path) -> Option<Described> {
    let looks = processor.describe(clip, work).await.ok()?;
    let vector = looks.vector(&Words::default())?;
    let name = clip.file_name()?.to_string_lossy().into_owned();
    Some(Described { name, looks, vector })
}

/// How alike different clips are, and which of them a fingerprint takes for one.
fn spread(known: &[&Described]) {
    let mut cosines = Vec::new();
    let (mut pairs, mut wrong, mut shared) = (0, 0, 0);
    for (at, one) in known.iter().enumerate() {
        for other in &known[..at] {
            if family(&one.name) == family(&other.name) {
                continue;
            }
            cosines.push(cosine(one, other));
            pairs += 1;
            shared += usize::from(share_key(one, other));
            if is_copy(one, other) {
                wrong += 1;
                println!("TAKEN FOR A COPY: {} {}", one.name, other.name);
            }
        }
    }
    cosines.sort_unstable_by(f32::total_cmp);
    let at = |part: f32| {
        cosines
            .get((cosines.len() as f32 * part) as usize)
            .copied()
            .unwrap_or(0.0)
    };
    println!(
        "\ncosine of {pairs} pairs of different clips: 5 % {:.2}, median {:.2}, 95 % {:.2}, highest {:.2}; taken for copies: {wrong}, sharing a key: {shared}",
        at(0.05),
        at(0.5),
        at(0.95),
        at(0.9999)
    );
}

async fn check(
    processor: &Processor,
    known: &[(&PathBuf, Described)],
    (name, is_same, args): &(&str, bool, &str),
    work: &Path,
) {
    let (mut made, mut first, mut third, mut again, mut wrong, mut pairs) = (0, 0, 0, 0, 0, 0);
    let mut cosines = Vec::new();
    for (clip, original) in known {
        let copy = work.join("copy.mp4");
        if !make(clip, &copy, args, *name == "the middle half") {
            continue;
        }
        let Some(copy) = describe(processor, &copy, work).await else {
            continue;
        };
        made += 1;
        let own = cosine(&copy, original);
        cosines.push(own);
        let nearer = known
            .iter()
            .filter(|(_, other)| family(&other.name) != family(&original.name) && cosine(&copy, other) > own)
            .count();
        first += usize::from(nearer == 0);
        third += usize::from(nearer < 3);
        again += usize::from(is_copy(&copy, original) && share_key(&copy, original));
        for (_, other) in known
            .iter()
            .filter(|(_, other)| family(&other.name) != family(&original.name))
        {
            pairs += 1;
            wrong += usize::from(is_copy(&copy, other));
        }
        if *is_same
            && std::env::var_os("MISSED").is_some()
            && !(is_copy(&copy, original) && share_key(&copy, original))
        {
            println!("missed: {} keys {}", original.name, share_key(&copy, original));
        }
    }
    cosines.sort_unstable_by(f32::total_cmp);
    let median = cosines.get(cosines.len() / 2).copied().unwrap_or(0.0);
    let lowest = cosines.first().copied().unwrap_or(0.0);
    println!(
        "| {name}{} | {first} of {made} | {third} of {made} | {median:.2} | {lowest:.2} | {again} of {made} | {wrong} of {pairs} |",
        if *is_same {
            ""
        } else {
            " (another video to a fingerprint)"
        }
    );
}

fn make(clip: &Path, copy: &Path, args: &str, middle: bool) -> bool {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]);
    if middle {
        let seconds = duration_s(clip);
        command.args([
            "-ss",
            &format!("{:.2}", seconds / 4.0),
            "-t",
            &format!("{:.2}", (seconds / 2.0).max(1.1)),
        ]);
    }
    let status = command
        .arg("-i")
        .arg(clip)
        .args([
            "-map",
            "0:v:0",
            "-map",
            "0:a:0?",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
        ])
        .args(args.split_whitespace())
        .arg(copy)
        .status();
    status.is_ok_and(|status| status.success())
}

/// The first seconds of a clip, with the same frames: minutes of it would measure the encoder.
fn shorten(clip: &Path, folder: &Path) -> Option<PathBuf> {
    let short = folder.join(clip.file_stem()?).with_extension("mkv");
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-i"])
        .arg(clip)
        .args(["-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-t", SECONDS])
        .arg(&short)
        .status();
    status.is_ok_and(|status| status.success()).then_some(short)
}

fn duration_s(clip: &Path) -> f64 {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "format=duration",
            "-of",
            "csv=p=0",
        ])
        .arg(clip)
        .output();
    output
        .ok()
        .and_then(|output| String::from_utf8_lossy(&output.stdout).trim().parse().ok())
        .unwrap_or(4.0)
}

/// Clips that were cut from one source say so in their names: what follows `v-` up to the first digit or dash.
fn family(name: &str) -> String {
    let name = name.strip_prefix("v-").unwrap_or(name);
    let stem: String = name.chars().take_while(|letter| letter.is_alphabetic()).collect();
    match stem.as_str() {
        "tos" => "tears".to_owned(),
        "no" | "audio" => "butterfly".to_owned(),
        "odd" => "bee".to_owned(),
        _ => stem,
    }
}

fn cosine(one: &Described, other: &Described) -> f32 {
    one.vector.cosine(&other.vector).unwrap_or(0.0)
}

fn is_copy(one: &Described, other: &Described) -> bool {
    let prints = one
        .looks
        .fingerprint
        .as_ref()
        .zip(other.looks.fingerprint.as_ref());
    prints.is_some_and(|(one, other)| one.is_copy_of(other))
}

fn share_key(one: &Described, other: &Described) -> bool {
    let prints = one
        .looks
        .fingerprint
        .as_ref()
        .zip(other.looks.fingerprint.as_ref());
    prints.is_some_and(|(one, other)| {
        let keys = other.keys();
        one.keys().iter().any(|key| keys.contains(key))
    })
}
