//! Which frames and which sound are looked at, how the decoder is told so, and reading what it left.
//!
//! Frames come in pairs a moment apart, so that motion can be measured; both are small and full-range YCbCr (BT.709).

use std::fs;
use std::path::Path;

use crate::error::MediaError;
use crate::sandbox::OUTPUT;

/// Sides of a sampled frame, in pixels. Its shape is not kept: what is left of a crop lies near where it was.
pub(crate) const SIDE: usize = 64;
/// Bytes of a plane.
pub(crate) const PLANE: usize = SIDE * SIDE;
/// Moments that are looked at, spread evenly over the video.
pub(crate) const MOMENTS: usize = 16;
/// Time between the two frames of a moment.
const APART_S: f64 = 0.12;
/// Sides of the larger frames for encoders that are not ours, and how many of them there are.
pub(crate) const LARGE_SIDE: usize = 224;
pub(crate) const LARGE_FRAMES: usize = 8;
/// Samples a second of the sound.
pub(crate) const SOUND_RATE_HZ: usize = 11_025;
/// How much of the sound is heard.
const SOUND_S_MAX: usize = 60;

const FRAMES_FILE: &str = "content.yuv";
const LARGE_FILE: &str = "content.rgb";
const SOUND_FILE: &str = "content.pcm";

/// What to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SamplePlan {
    /// In order, each once.
    frames: Vec<u64>,
    /// Places in `frames`.
    pairs: Vec<(usize, usize)>,
    /// Whether larger frames are taken as well.
    large: bool,
}

/// One small frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a>(&'a [u8]);

impl Frame<'_> {
    /// Brightness, then the two differences of colour, as in YCbCr.
    pub(crate) fn plane(&self, number: usize) -> &[u8] {
        &self.0[number * PLANE..][..PLANE]
    }
}

/// What was taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    pub(crate) duration_ms: u64,
    frames: Vec<u8>,
    pairs: Vec<(usize, usize)>,
    /// RGB, [`LARGE_SIDE`] squared, up to [`LARGE_FRAMES`] one after another; empty unless asked for.
    pub(crate) large: Vec<u8>,
    /// One channel, [`SOUND_RATE_HZ`], from the start; empty for a silent clip.
    pub(crate) sound: Vec<i16>,
}

impl Samples {
    /// The moments in order, two frames each.
    pub(crate) fn moments(&self) -> impl Iterator<Item = (Frame<'_>, Frame<'_>)> {
        let frame = |number: usize| self.frames.get(number * PLANE * 3..(number + 1) * PLANE * 3);
        self.pairs
            .iter()
            .filter_map(move |&(first, second)| Some((Frame(frame(first)?), Frame(frame(second)?))))
    }
}

impl SamplePlan {
    /// For a video of so many frames.
    pub(crate) fn new(frame_count: u64, fps: f64, large: bool) -> Self {
        let last = frame_count.saturating_sub(1);
        let apart = ((APART_S * fps).round() as u64).max(1);
        let moment = |number: usize| {
            let first = (number as f64 + 0.5) / MOMENTS as f64 * frame_count as f64;
            let first = (first as u64).min(last.saturating_sub(apart));
            (first, (first + apart).min(last))
        };
        let moments: Vec<_> = (0..MOMENTS).map(moment).collect();
        let mut frames: Vec<u64> = moments.iter().flat_map(|&(a, b)| [a, b]).collect();
        frames.sort_unstable();
        frames.dedup();
        let place = |frame| frames.partition_point(|&known| known < frame);
        let pairs = moments.iter().map(|&(a, b)| (place(a), place(b))).collect();
        Self { frames, pairs, large }
    }

    /// From `[samples]` to `[content]`, and to `[large]` if that is asked for.
    pub(crate) fn picture_graph(&self) -> String {
        let small = format!(
            "{}scale={SIDE}:{SIDE}:flags=area+accurate_rnd+bitexact:in_color_matrix=bt709:out_color_matrix=bt709:out_range=pc,\
             format=yuv444p[content]",
            pick(&self.frames)
        );
        if !self.large {
            return format!("[samples]{small}");
        }
        let mut firsts: Vec<u64> = self
            .pairs
            .iter()
            .step_by(MOMENTS / LARGE_FRAMES)
            .map(|&(first, _)| self.frames[first])
            .collect();
        firsts.dedup();
        format!(
            "[samples]split=2[small][big];[small]{small};[big]{}scale={LARGE_SIDE}:{LARGE_SIDE}:\
             flags=bicubic+accurate_rnd+bitexact:in_color_matrix=bt709,format=rgb24[large]",
            pick(&firsts)
        )
    }

    /// From `[heard]` to `[content_sound]`.
    pub(crate) fn sound_graph() -> String {
        format!(
            "[heard]atrim=end={SOUND_S_MAX},aresample={SOUND_RATE_HZ},aformat=sample_fmts=s16:channel_layouts=mono[content_sound]"
        )
    }

    /// Where the graphs' ends go.
    pub(crate) fn outputs(&self, with_sound: bool) -> Vec<String> {
        let raw = ["-fps_mode", "passthrough", "-c:v", "rawvideo", "-f", "rawvideo"];
        let mut args: Vec<String> = ["-map", "[content]"]
            .into_iter()
            .chain(raw)
            .map(str::to_owned)
            .collect();
        args.push(format!("{OUTPUT}/{FRAMES_FILE}"));
        if self.large {
            args.extend(["-map", "[large]"].into_iter().chain(raw).map(str::to_owned));
            args.push(format!("{OUTPUT}/{LARGE_FILE}"));
        }
        if with_sound {
            args.extend(["-map", "[content_sound]", "-c:a", "pcm_s16le", "-f", "s16le"].map(str::to_owned));
            args.push(format!("{OUTPUT}/{SOUND_FILE}"));
        }
        args
    }

    /// Reads what the decoder left in `work`. A file that is not there is an empty one: a clip may have no sound.
    pub(crate) fn collect(&self, work: &Path, duration_ms: u64) -> Result<Samples, MediaError> {
        let sound = read(work, SOUND_FILE, SOUND_S_MAX * SOUND_RATE_HZ * 2)?;
        Ok(Samples {
            duration_ms,
            frames: read(work, FRAMES_FILE, self.frames.len() * PLANE * 3)?,
            pairs: self.pairs.clone(),
            large: match self.large {
                true => read(work, LARGE_FILE, LARGE_FRAMES * LARGE_SIDE * LARGE_SIDE * 3)?,
                false => Vec::new(),
            },
            sound: sound
                .chunks_exact(2)
                .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                .collect(),
        })
    }
}

fn pick(frames: &[u64]) -> String {
    let picked: Vec<_> = frames.iter().map(|frame| format!("eq(n,{frame})")).collect();
    format!("select='{}',", picked.join("+"))
}

/// At most `bytes_max` of a file.
fn read(work: &Path, name: &str, bytes_max: usize) -> Result<Vec<u8>, MediaError> {
    let path = work.join(name);
    match fs::read(&path) {
        Ok(mut bytes) => {
            bytes.truncate(bytes_max);
            Ok(bytes)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(MediaError::io("read", &path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_has_two_frames_that_exist() {
        for frames in [1u64, 2, 15, 31, 33, 900, 36_000] {
            let plan = SamplePlan::new(frames, 30.0, false);
            assert_eq!(plan.pairs.len(), MOMENTS);
            assert!(
                plan.frames.is_sorted() && plan.frames.last() < Some(&frames),
                "{frames}"
            );
            assert!(plan.pairs.iter().all(|&(a, b)| a <= b && b < plan.frames.len()));
            assert!(plan.frames.len() <= 2 * MOMENTS);
        }
    }
}
