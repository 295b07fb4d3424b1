//! Thirty short vertical videos with sound, made by ffmpeg's own generators, so that an empty installation has something
//! worth watching. No footage, no recordings, nothing to license.
//!
//! Only describes the clips; whoever wants them runs ffmpeg with [`DemoClip::ffmpeg_args`]. Making one costs 3 to 7 CPU
//! seconds: pictures are computed small and smooth, coloured in 16 bits, and scaled up.

use std::path::Path;
use std::sync::LazyLock;

mod aurora;
mod cells;
mod fractal;
mod kaleidoscope;
mod music;
mod neon;
mod ocean;
mod paint;

use music::Tune;

/// One clip: what it is about, and how to make it.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoClip {
    /// Unique, in kebab-case.
    pub name: &'static str,
    /// What it shows; also its first hashtag.
    pub topic: &'static str,
    /// Username of its creator.
    pub creator: &'static str,
    /// What the creator says about it.
    pub caption: &'static str,
    /// Without the number sign; the topic first.
    pub hashtags: Vec<&'static str>,
    /// Length.
    pub duration_s: u32,
    /// Filters from nothing to the last picture before scaling.
    picture: String,
    tune: Tune,
}

/// What differs between the clips of one topic.
struct Scene {
    name: &'static str,
    caption: &'static str,
    hashtags: [&'static str; 2],
    duration_s: u32,
    picture: String,
    tune: Tune,
}

impl Scene {
    fn of(self, topic: &'static str, creator: &'static str) -> DemoClip {
        let [second, third] = self.hashtags;
        let Self {
            name,
            caption,
            duration_s,
            picture,
            tune,
            ..
        } = self;
        DemoClip {
            name,
            topic,
            creator,
            caption,
            hashtags: vec![topic, second, third],
            duration_s,
            picture,
            tune,
        }
    }
}

/// All clips; topics take turns, so that any run of them is varied.
pub fn clips() -> &'static [DemoClip] {
    static CLIPS: LazyLock<Vec<DemoClip>> = LazyLock::new(|| {
        let topics = [
            ocean::clips(),
            neon::clips(),
            fractal::clips(),
            cells::clips(),
            aurora::clips(),
            kaleidoscope::clips(),
        ];
        let most = topics.iter().map(Vec::len).max().unwrap_or(0);
        (0..most)
            .flat_map(|turn| topics.iter().filter_map(move |clips| clips.get(turn).cloned()))
            .collect()
    });
    &CLIPS
}

impl DemoClip {
    /// The arguments that make ffmpeg write this clip, 720 by 1280 in an MP4, to `output`.
    pub fn ffmpeg_args(&self, output: &Path) -> Vec<String> {
        let graph = format!(
            "{},scale=720:1280:flags=bicubic,setsar=1,fade=d=0.3,format=yuv420p[v];{}[a]",
            self.picture,
            self.tune.graph(self.duration_s)
        );
        let fixed = "-map [v] -map [a] -c:v libx264 -preset superfast -crf 22 -c:a aac -b:a 128k -movflags +faststart -f mp4";
        let mut args: Vec<String> = [
            "-nostdin",
            "-hide_banner",
            "-v",
            "error",
            "-y",
            "-filter_complex",
            &graph,
        ]
        .map(str::to_owned)
        .into();
        args.extend(fixed.split(' ').map(str::to_owned));
        args.extend([
            "-t".into(),
            self.duration_s.to_string(),
            output.to_string_lossy().into_owned(),
        ]);
        args
    }
}
