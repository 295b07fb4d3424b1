//! Clips made by ffmpeg: a moving test picture and a tone, different for each seed.
//!
//! Real camera material is for the acceptance script; here a clip must be small, quick to make, and told apart by eye.

use std::path::Path;
use std::process::{Command, Stdio};

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clip {
    pub width: u32,
    pub height: u32,
    pub frames_per_s: u32,
    pub seconds: u32,
    pub audio: bool,
    /// Turns the colours and the tone, so that two clips differ in every byte.
    pub seed: u32,
}

impl Clip {
    /// A few kilobytes of portrait video that is quick to make and to process.
    pub const fn small(seed: u32) -> Self {
        Self {
            width: 180,
            height: 320,
            frames_per_s: 15,
            seconds: 2,
            audio: true,
            seed,
        }
    }

    /// The reference clip of the media benchmark: 15 s of 1080p30 with sound.
    pub const fn full_hd(seed: u32) -> Self {
        Self {
            width: 1920,
            height: 1080,
            frames_per_s: 30,
            seconds: 15,
            audio: true,
            seed,
        }
    }

    /// Makes the clip and returns its bytes, an MP4 file.
    pub fn bytes(&self) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("clip.mp4");
        self.write(&file);
        std::fs::read(&file).expect("ffmpeg wrote the clip")
    }

    /// Makes the clip as an MP4 file at `path`.
    pub fn write(&self, path: &Path) {
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y"])
            .args(self.inputs())
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-pix_fmt",
                "yuv420p",
                "-c:a",
                "aac",
            ])
            .args(["-movflags", "+faststart", "-t", &self.seconds.to_string()])
            .arg(path)
            .stdin(Stdio::null())
            .status()
            .expect("ffmpeg is installed");
        assert!(status.success(), "ffmpeg failed to make {self:?}");
    }

    fn inputs(&self) -> Vec<String> {
        let Self {
            width,
            height,
            frames_per_s,
            seed,
            ..
        } = self;
        let hue = (seed * 47) % 360;
        let picture = format!("testsrc2=size={width}x{height}:rate={frames_per_s},hue=h={hue}");
        let mut inputs: Vec<String> = ["-f", "lavfi", "-i", &picture].map(str::to_owned).into();
        if self.audio {
            let tone = format!("sine=frequency={}:sample_rate=48000", 220 + (seed % 24) * 20);
            inputs.extend(["-f", "lavfi", "-i", &tone].map(str::to_owned));
        }
        inputs
    }
}
