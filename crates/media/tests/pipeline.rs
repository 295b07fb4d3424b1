//! The pipeline from files to files: what is published, what is rejected, and that players can decode it.

use std::path::{Path, PathBuf};
use std::process::Command;

use media::{
    FirstPlayable, Hdr, MediaLimits, MediaManifest, ProcessError, Processor, Sandbox, init_path, segment_path,
};

/// A folder of generated sources and of what became of them.
struct Bench {
    folder: tempfile::TempDir,
    processor: Processor,
}

const SOUND: &str = "-f lavfi -i sine=f=440:r=44100:d=3";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

impl Bench {
    async fn new() -> Self {
        let sandbox = Sandbox::detect()
            .await
            .expect("bubblewrap and ffmpeg are installed");
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder,
            processor: Processor::new(sandbox, MediaLimits::default()),
        }
    }

    /// Runs ffmpeg outside the sandbox: these files are ours.
    fn make(&self, name: &str, args: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-y"])
            .args(args.split_whitespace())
            .arg(&path)
            .status();
        assert!(status.expect("ffmpeg runs").success(), "{args}");
        path
    }

    fn out(&self, source: &Path) -> PathBuf {
        source.with_extension("out")
    }

    async fn first(&self, source: &Path) -> Result<FirstPlayable, ProcessError> {
        self.processor
            .publish_first(source, &self.out(source), &mut |_| {})
            .await
    }

    async fn published(&self, source: &Path) -> FirstPlayable {
        self.first(source).await.expect("it is published")
    }

    async fn rejected(&self, source: &Path, code: &str) {
        match self.first(source).await {
            Err(ProcessError::Rejected(rejection)) => {
                assert_eq!(rejection.code, code, "{}", source.display())
            }
            other => panic!("{} should be rejected as {code}: {other:?}", source.display()),
        }
    }

    /// What ffprobe says of the initialisation segment with the first segment, as a player would join them.
    fn describe(&self, source: &Path, track: &str, entries: &str) -> String {
        let joined = self.folder.path().join("joined.mp4");
        let read = |path: String| std::fs::read(self.out(source).join(path)).expect("it was published");
        std::fs::write(
            &joined,
            [read(init_path(track)), read(segment_path(track, 0))].concat(),
        )
        .expect("written");
        let output = Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-count_frames",
                "-of",
                "csv=p=0",
                "-show_entries",
                entries,
            ])
            .arg(&joined)
            .output()
            .expect("ffprobe runs");
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn names(manifest: &MediaManifest) -> Vec<&str> {
    manifest
        .renditions
        .iter()
        .map(|rendition| rendition.name.as_str())
        .collect()
}

#[tokio::test]
async fn a_clip_becomes_a_first_rendition_and_then_a_ladder() {
    let bench = Bench::new().await;
    let source = bench.make(
        "clip",
        &format!("-f lavfi -i testsrc2=s=720x1280:r=30:d=5 {SOUND} {H264} -f mp4"),
    );
    let out = bench.out(&source);
    let mut progress = Vec::new();
    let first = bench
        .processor
        .publish_first(&source, &out, &mut |done| progress.push(done))
        .await
        .expect("published");
    assert!(progress.iter().all(|done| (0.0..=1.0).contains(done)) && !progress.is_empty());
    check_first(&bench, &source, &first.manifest);

    let manifest = bench
        .processor
        .complete_ladder(&source, &first, &out, &out, &mut |_| {})
        .await
        .expect("completed");
    check_ladder(&manifest);
    assert_eq!(
        bench.describe(&source, "720p", "stream=width,height,nb_read_frames"),
        "720,1280,60"
    );
    check_files(&out, &manifest);
}

fn check_first(bench: &Bench, source: &Path, manifest: &MediaManifest) {
    assert_eq!(names(manifest), ["480p"]);
    assert_eq!(
        (manifest.duration_ms, manifest.width, manifest.height),
        (5000, 720, 1280)
    );
    assert_eq!(
        manifest.renditions[0].segments.durations_ms().collect::<Vec<_>>(),
        [2000, 2000, 1000]
    );
    assert_eq!(
        manifest.audio.as_ref().map(|audio| audio.codecs.as_str()),
        Some("mp4a.40.2")
    );
    assert_eq!(
        bench.describe(
            source,
            "480p",
            "stream=codec_name,profile,width,height,nb_read_frames"
        ),
        "h264,High,480,854,60"
    );
    assert_eq!(
        bench.describe(
            source,
            "audio",
            "stream=codec_name,sample_rate,channels,start_time"
        ),
        "aac,48000,2,0.000000"
    );
}

fn check_ladder(manifest: &MediaManifest) {
    assert_eq!(names(manifest), ["360p", "480p", "720p"]);
    let durations: Vec<_> = manifest
        .renditions
        .iter()
        .map(|rendition| rendition.segments.durations.clone())
        .collect();
    assert!(
        durations.windows(2).all(|pair| pair[0] == pair[1]),
        "segments line up: {durations:?}"
    );
    assert!(
        manifest
            .renditions
            .windows(2)
            .all(|pair| pair[0].segments.bitrate_bps < pair[1].segments.bitrate_bps)
    );
    assert_eq!(manifest.mp4.as_deref(), Some("clip.mp4"));
}

fn check_files(out: &Path, manifest: &MediaManifest) {
    let mut named = vec![
        manifest.poster.clone(),
        "master.m3u8".into(),
        "manifest.mpd".into(),
        "clip.mp4".into(),
    ];
    named.extend(manifest.thumbnails.iter().cloned());
    for file in named {
        assert!(out.join(&file).metadata().expect("published").len() > 0, "{file}");
    }
    let left: Vec<_> = std::fs::read_dir(out)
        .expect("readable")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(
        left.iter().all(|name| !name.to_string_lossy().starts_with('.')),
        "{left:?}"
    );
}

/// A quarter turn written into the track header, as phones do.
fn turn(path: &Path) {
    let mut bytes = std::fs::read(path).expect("readable");
    let header = bytes.windows(4).position(|kind| kind == b"tkhd").expect("an MP4");
    let matrix: Vec<u8> = [0, 1 << 16, 0, -(1 << 16), 0, 0, 360 << 16, 0, 1 << 30]
        .iter()
        .flat_map(|n: &i32| n.to_be_bytes())
        .collect();
    bytes[header + 44..header + 80].copy_from_slice(&matrix);
    std::fs::write(path, bytes).expect("writable");
}

#[tokio::test]
async fn odd_but_good_files_are_published() {
    let bench = Bench::new().await;
    let size = "stream=width,height,pix_fmt,color_space,color_transfer,sample_aspect_ratio";

    let turned = bench.make(
        "turned",
        &format!("-f lavfi -i testsrc2=s=640x360:r=25:d=2 {H264} -f mp4"),
    );
    turn(&turned);
    let first = bench.published(&turned).await;
    assert_eq!(
        (
            names(&first.manifest),
            first.manifest.width,
            first.manifest.height
        ),
        (vec!["360p"], 360, 640)
    );
    assert_eq!(
        bench.describe(&turned, "360p", size),
        "360,640,1:1,yuv420p,bt709,bt709"
    );
    assert!(
        first.manifest.audio.is_none() && !bench.out(&turned).join("audio").exists(),
        "silent"
    );

    let odd = bench.make(
        "odd",
        "-f lavfi -i testsrc2=s=321x243:r=30:d=2 -c:v libx264 -pix_fmt yuv444p -f matroska",
    );
    assert_eq!(names(&bench.published(&odd).await.manifest), ["242p"]);
    assert_eq!(
        bench.describe(&odd, "242p", size),
        "320,242,1:1,yuv420p,bt709,bt709"
    );

    let wide = bench.make(
        "wide",
        &format!("-f lavfi -i testsrc2=s=320x240:r=30:d=2 -vf setsar=2/1 {H264} -f mpegts"),
    );
    let first = bench.published(&wide).await;
    assert_eq!((first.manifest.width, first.manifest.height), (640, 240));

    let hdr = "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -pix_fmt yuv420p10le -c:v libx264 -preset ultrafast";
    let hdr = bench.make(
        "hdr",
        &format!("-f lavfi -i testsrc2=s=320x240:r=30:d=1 {hdr} -f mp4"),
    );
    assert_eq!(bench.published(&hdr).await.probe.picture.hdr, Some(Hdr::Pq));
    assert_eq!(
        bench.describe(&hdr, "240p", size),
        "320,240,1:1,yuv420p,bt709,bt709"
    );

    let uneven =
        "-f lavfi -i testsrc2=s=320x240:r=30:d=5 -vf select='lt(mod(t,2),1)+not(mod(n,7))' -fps_mode vfr";
    let uneven = bench.make("uneven", &format!("{uneven} {H264} -f matroska"));
    let first = bench.published(&uneven).await;
    assert_eq!(first.probe.picture.frame_rate.fps(), 30.0);
    assert_eq!(
        first.manifest.renditions[0]
            .segments
            .durations_ms()
            .take(2)
            .collect::<Vec<_>>(),
        [2000, 2000]
    );
}

#[tokio::test]
async fn sound_stays_in_step_and_starts_at_zero() {
    let bench = Bench::new().await;
    // Silence, then a tone from exactly one second on; the sound begins half a second after the picture.
    let tone = "-f lavfi -itsoffset 0.5 -i aevalsrc=exprs='if(gte(t,0.5),0.4*sin(2764*t),0)':s=44100:d=2";
    let source = bench.make(
        "late",
        &format!("-f lavfi -i testsrc2=s=320x240:r=30:d=3 {tone} {H264} -c:a aac -f matroska"),
    );
    let first = bench.published(&source).await;
    let audio = first.manifest.audio.expect("it has sound");
    assert_eq!(audio.segments.timescale, 48_000);
    let out = bench.out(&source);
    let joined = bench.folder.path().join("sound.mp4");
    let parts = std::iter::once(init_path("audio"))
        .chain((0..audio.segments.count()).map(|n| segment_path("audio", n)));
    let bytes: Vec<u8> = parts
        .flat_map(|part| std::fs::read(out.join(part)).expect("published"))
        .collect();
    std::fs::write(&joined, bytes).expect("written");
    let pcm = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&joined)
        .args(["-ac", "1", "-f", "f32le", "-"])
        .output();
    let pcm = pcm.expect("ffmpeg runs").stdout;
    let samples = pcm
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    let onset_ms = samples.take_while(|sample| sample.abs() < 0.05).count() * 1000 / 48_000;
    assert!(
        (985..=1015).contains(&onset_ms),
        "the tone starts at {onset_ms} ms"
    );
}

#[tokio::test]
async fn bad_files_are_rejected_with_their_reason() {
    let bench = Bench::new().await;
    let write = |name: &str, bytes: &[u8]| {
        let path = bench.folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let video = format!("-f lavfi -i testsrc2=s=320x240:r=30:d=4 {SOUND} {H264}");
    let good =
        std::fs::read(bench.make("good", &format!("{video} -movflags +faststart -f mp4"))).expect("made");
    bench
        .rejected(&write("half.mp4", &good[..good.len() / 2]), "damaged")
        .await;
    let index_last = std::fs::read(bench.make("last", &format!("{video} -f mp4"))).expect("made");
    bench
        .rejected(
            &write("no-index.mp4", &index_last[..index_last.len() * 3 / 4]),
            "damaged",
        )
        .await;
    let mut torn = good.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 20_000]
        .iter_mut()
        .enumerate()
        .for_each(|(n, byte)| *byte = (n * 37 % 251) as u8);
    bench.rejected(&write("torn.mp4", &torn), "damaged").await;
    bench.rejected(&write("empty.mp4", b""), "empty_file").await;
    bench
        .rejected(
            &write("text.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
            "not_a_video",
        )
        .await;
    bench
        .rejected(
            &write("fake.mp4", b"\0\0\0\x18ftypmp42 and then nothing"),
            "damaged",
        )
        .await;
    bench
        .rejected(
            &bench.make("sound", &format!("{SOUND} -f mp4")),
            "no_video_stream",
        )
        .await;
    let short = bench.make(
        "short",
        &format!("-f lavfi -i testsrc2=s=320x240:r=30:d=0.5 {H264} -f mp4"),
    );
    bench.rejected(&short, "too_short").await;
    let small = bench.make(
        "small",
        &format!("-f lavfi -i testsrc2=s=32x32:r=30:d=2 {H264} -f mp4"),
    );
    bench.rejected(&small, "too_small_picture").await;
    let exotic = bench.make(
        "exotic",
        "-f lavfi -i testsrc2=s=320x240:r=30:d=2 -c:v ffv1 -f matroska",
    );
    bench.rejected(&exotic, "unsupported_codec").await;
}

#[tokio::test]
async fn limits_are_those_given() {
    let bench = Bench::new().await;
    let source = bench.make(
        "three",
        &format!("-f lavfi -i testsrc2=s=320x240:r=30:d=3 {H264} -f mp4"),
    );
    let sandbox = Sandbox::detect()
        .await
        .expect("bubblewrap and ffmpeg are installed");
    let default = MediaLimits::default();
    for (limits, code) in [
        (
            MediaLimits {
                duration_ms_max: 2000,
                ..default.clone()
            },
            "too_long",
        ),
        (
            MediaLimits {
                file_bytes_max: 1000,
                ..default.clone()
            },
            "file_too_large",
        ),
        (
            MediaLimits {
                pixels_max: 70_000,
                ..default.clone()
            },
            "too_large_picture",
        ),
        (
            MediaLimits {
                side_pixels_max: 300,
                ..default.clone()
            },
            "too_large_picture",
        ),
    ] {
        match Processor::new(sandbox.clone(), limits).probe(&source).await {
            Err(ProcessError::Rejected(rejection)) => assert_eq!(rejection.code, code),
            other => panic!("should be {code}: {other:?}"),
        }
    }
    bench
        .rejected(&bench.make("x", "-f lavfi -i sine=d=2 -f wav"), "not_a_video")
        .await;
}

#[tokio::test]
async fn demo_clips_are_distinct_and_one_of_them_is_published() {
    let clips = media::demo::clips();
    assert!(clips.len() >= 24);
    let distinct = |of: fn(&media::demo::DemoClip) -> String| {
        clips
            .iter()
            .map(of)
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    assert_eq!(distinct(|clip| clip.name.to_owned()), clips.len());
    assert_eq!(distinct(|clip| clip.caption.to_owned()), clips.len());
    assert_eq!(distinct(|clip| clip.topic.to_owned()), 6);
    assert_eq!(
        distinct(|clip| clip.ffmpeg_args(Path::new("x"))[6].clone()),
        clips.len()
    );
    assert!(
        clips
            .iter()
            .all(|clip| clip.hashtags[0] == clip.topic && (6..=20).contains(&clip.duration_s))
    );

    let bench = Bench::new().await;
    let clip = clips
        .iter()
        .find(|clip| clip.name == "aurora-dawn")
        .expect("it is listed");
    let source = bench.folder.path().join("demo");
    let status = Command::new("ffmpeg")
        .args(clip.ffmpeg_args(&source))
        .status()
        .expect("ffmpeg runs");
    assert!(status.success());
    let first = bench.published(&source).await;
    assert_eq!((first.manifest.width, first.manifest.height), (720, 1280));
    assert!(first.manifest.audio.is_some());
}
