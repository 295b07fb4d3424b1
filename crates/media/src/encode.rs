//! The ffmpeg command lines: one decode in, any number of renditions, the sound and the pictures out.
//!
//! Only builds arguments; running them and judging the outcome is the processor's.

use crate::content::SamplePlan;
use crate::ladder::Rung;
use crate::limits::MediaLimits;
use crate::pictures::PicturePlan;
use crate::probe::{Hdr, Probe, input_options};
use crate::sandbox::{INPUT, OUTPUT};

/// Segments are exactly this long, as far as whole frames allow.
const SEGMENT_S: u32 = 2;
/// Above any segment's frame count, so that only the forced key frames cut.
const KEY_FRAME_DISTANCE_MAX: u32 = 600;
const SOUND_RATE_HZ: u64 = 48_000;
/// What the AAC encoder puts before the first sample. As much is cut from the sound, so that the track starts at 0
/// without an edit list and every later sample is heard at its own time.
const PRIMING_SAMPLES: u64 = 1024;
/// Reads a little past the longest video, so that a longer one is seen to be longer.
const OVERRUN_MS: u64 = 1000;

/// Fragments of one key frame each, which are the segments; times start at 0 and need no edit list.
const FRAGMENTS: &str = "+empty_moov+default_base_moof+cmaf+skip_trailer";

/// One run of the encoder.
pub(crate) struct Encode<'a> {
    pub(crate) probe: &'a Probe,
    pub(crate) limits: &'a MediaLimits,
    pub(crate) rungs: &'a [Rung],
    /// Of x264.
    pub(crate) preset: &'static str,
    pub(crate) threads: usize,
    /// Pictures are taken from the first rung.
    pub(crate) pictures: Option<&'a PicturePlan>,
    /// Frames and sound to look at; they too come from the first rung.
    pub(crate) samples: Option<&'a SamplePlan>,
    pub(crate) with_sound: bool,
}

impl Encode<'_> {
    /// The whole command line after the program's name.
    pub(crate) fn args(&self) -> Vec<String> {
        let mut args = self.input_args();
        args.extend(["-filter_complex".into(), self.graph()]);
        for (number, rung) in self.rungs.iter().enumerate() {
            args.extend(self.video_output(number, rung));
        }
        if self.sound().is_some() {
            args.extend(sound_output());
        }
        if self.pictures.is_some() {
            args.extend(picture_outputs());
        }
        if let Some(samples) = self.samples {
            args.extend(samples.outputs(self.sound().is_some()));
        }
        args
    }

    /// The command line that takes the samples alone, as [`Self::args`] would take them.
    pub(crate) fn sample_args(&self, samples: &SamplePlan) -> Vec<String> {
        let mut args = self.input_args();
        let mut chains: Vec<String> = Vec::new();
        if let Some(rung) = self.rungs.first() {
            chains.push(format!("{},{}[samples]", self.base(), self.scale(rung)));
            chains.push(samples.picture_graph());
        }
        if let Some(sound) = self.sound_chain() {
            chains.push(format!("{sound}[heard]"));
            chains.push(SamplePlan::sound_graph());
        }
        args.extend(["-filter_complex".into(), chains.join(";")]);
        args.extend(samples.outputs(self.sound().is_some()));
        args
    }

    fn input_args(&self) -> Vec<String> {
        let mut args = words("-nostdin -hide_banner -y -v error -xerror -nostats -progress pipe:1 -threads");
        args.push(self.threads.to_string());
        args.extend(input_options(self.limits, self.probe.container));
        args.extend([
            "-t".into(),
            format!("{}ms", self.limits.duration_ms_max + OVERRUN_MS),
        ]);
        args.extend(["-i".into(), INPUT.into()]);
        args
    }

    fn graph(&self) -> String {
        let scales: Vec<_> = self.rungs.iter().map(|rung| self.scale(rung)).collect();
        let mut chains = vec![format!("{}{}", self.base(), split("s", scales.len()))];
        for (number, scale) in scales.iter().enumerate() {
            let end = match (number, self.pictures, self.samples) {
                (0, Some(_), Some(_)) => "split=3[v0][stills][samples]".to_owned(),
                (0, Some(_), None) => "split=2[v0][stills]".to_owned(),
                (0, None, Some(_)) => "split=2[v0][samples]".to_owned(),
                _ => format!("null[v{number}]"),
            };
            chains.push(format!("[s{number}]{scale},{end}"));
        }
        chains.extend(self.pictures.map(PicturePlan::graph));
        chains.extend(self.samples.map(SamplePlan::picture_graph));
        chains.extend(self.sound());
        chains.join(";")
    }

    /// From the decoder to frames at the final rate, in the colours of bt709 if they were of high dynamic range.
    fn base(&self) -> String {
        let picture = &self.probe.picture;
        let mut filters = Vec::new();
        if picture.interlaced {
            filters.push("bwdif=mode=send_frame:deint=interlaced".to_owned());
        }
        let rate = picture.frame_rate;
        filters.push(format!(
            "fps=fps={}/{}:start_time=0",
            rate.numerator, rate.denominator
        ));
        if let Some((hdr, top)) = picture.hdr.zip(self.rungs.last()) {
            filters.push(tone_map(hdr, top));
        }
        format!("[0:{}]{}", picture.index, filters.join(","))
    }

    fn scale(&self, rung: &Rung) -> String {
        let Rung { width, height, .. } = rung;
        let colours = match self.probe.picture.hdr {
            Some(_) => String::new(),
            None => format!(
                ":in_color_matrix={}:out_color_matrix=bt709:out_range=tv",
                self.probe.picture.matrix
            ),
        };
        format!("scale={width}:{height}:flags=bicubic{colours},setsar=1,format=yuv420p")
    }

    fn sound(&self) -> Option<String> {
        let chain = self.sound_chain()?;
        Some(match self.samples {
            Some(_) => format!("{chain},asplit=2[a][heard];{}", SamplePlan::sound_graph()),
            None => format!("{chain}[a]"),
        })
    }

    fn sound_chain(&self) -> Option<String> {
        let sound = self.probe.sound.as_ref().filter(|_| self.with_sound)?;
        let end = self.probe.duration_ms * SOUND_RATE_HZ / 1000;
        Some(format!(
            "[0:{}]aresample={SOUND_RATE_HZ}:async=1:min_hard_comp=0.05:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo,\
             volume={:.2}dB,alimiter=limit=0.84:level=disabled:attack=5:release=80,\
             atrim=start_sample={PRIMING_SAMPLES}:end_sample={},asetpts=PTS-STARTPTS",
            sound.index,
            sound.gain_db,
            end.max(PRIMING_SAMPLES * 2),
        ))
    }

    fn video_output(&self, number: usize, rung: &Rung) -> Vec<String> {
        let (cap, buffer) = (rung.bitrate_bps_max, rung.bitrate_bps_max * u64::from(SEGMENT_S));
        let mut args = vec!["-map".into(), format!("[v{number}]")];
        args.extend(words(
            "-map_metadata -1 -map_chapters -1 -fflags +bitexact -c:v libx264 -profile:v high -crf 23",
        ));
        args.extend([
            "-preset".into(),
            self.preset.into(),
            "-threads".into(),
            self.threads.to_string(),
        ]);
        args.extend([
            "-maxrate".into(),
            cap.to_string(),
            "-bufsize".into(),
            buffer.to_string(),
        ]);
        args.extend([
            "-g".into(),
            KEY_FRAME_DISTANCE_MAX.to_string(),
            "-sc_threshold".into(),
            "0".into(),
        ]);
        args.extend([
            "-force_key_frames".into(),
            format!("expr:gte(t,n_forced*{SEGMENT_S})"),
        ]);
        args.extend(words(
            "-pix_fmt yuv420p -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv",
        ));
        args.extend([
            "-video_track_timescale".into(),
            self.probe.picture.frame_rate.timescale().to_string(),
        ]);
        args.extend(["-movflags".into(), format!("+frag_keyframe{FRAGMENTS}")]);
        args.extend(["-f".into(), "mp4".into(), in_output(&encoded_file(&rung.name))]);
        args
    }
}

/// Name of the encoder's file for a track, in the work folder.
pub(crate) fn encoded_file(track: &str) -> String {
    format!("{track}.mp4")
}

/// Decodes what [`Encode`] decodes and throws it away: tells a damaged file from a fault of ours.
pub(crate) fn decode_args(probe: &Probe, limits: &MediaLimits) -> Vec<String> {
    let mut args = words("-nostdin -hide_banner -v error -xerror -nostats");
    args.extend(input_options(limits, probe.container));
    args.extend([
        "-t".into(),
        format!("{}ms", limits.duration_ms_max + OVERRUN_MS),
        "-i".into(),
        INPUT.into(),
    ]);
    let indices = std::iter::once(probe.picture.index).chain(probe.sound.iter().map(|sound| sound.index));
    args.extend(indices.flat_map(|index| ["-map".to_owned(), format!("0:{index}")]));
    args.extend(words("-f null -"));
    args
}

/// Puts finished tracks, unchanged, into one progressive file with its index in front.
pub(crate) fn remux_args(video: &str, sound: Option<&str>, into: &str) -> Vec<String> {
    let mut args = words("-nostdin -hide_banner -y -v error -xerror -protocol_whitelist file -f mov -i");
    args.push(in_output(video));
    if let Some(sound) = sound {
        args.extend(words("-f mov -i"));
        args.extend([in_output(sound)]);
        args.extend(words("-map 0:v -map 1:a"));
    }
    args.extend(words(
        "-c copy -map_metadata -1 -fflags +bitexact -movflags +faststart -f mp4",
    ));
    args.push(in_output(into));
    args
}

/// Makes the picture no larger than the highest rung, then linear light, then tone-mapped, then bt709. BT.2408 puts
/// reference white at 203 cd/m².
fn tone_map(hdr: Hdr, top: &Rung) -> String {
    let transfer = match hdr {
        Hdr::Pq => "smpte2084",
        Hdr::Hlg => "arib-std-b67",
    };
    let Rung { width, height, .. } = top;
    format!(
        "scale={width}:{height}:flags=bicubic,\
         zscale=pin=bt2020:tin={transfer}:min=bt2020nc:t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,\
         tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=limited,format=yuv420p"
    )
}

fn sound_output() -> Vec<String> {
    let mut args = words(
        "-map [a] -map_metadata -1 -map_chapters -1 -fflags +bitexact -c:a aac -b:a 128k -ar 48000 -ac 2",
    );
    args.extend([
        "-frag_duration".into(),
        format!("{SEGMENT_S}000000"),
        "-movflags".into(),
        FRAGMENTS.into(),
    ]);
    args.extend([
        "-f".into(),
        "mp4".into(),
        in_output(&encoded_file(crate::manifest::AUDIO_FOLDER)),
    ]);
    args
}

fn picture_outputs() -> Vec<String> {
    let mut args = words("-map [posters] -fps_mode passthrough -q:v 4 -f image2 -start_number 0");
    args.push(in_output("poster-%d.jpg"));
    args.extend(words(
        "-map [thumbs] -fps_mode passthrough -q:v 5 -f image2 -start_number 0",
    ));
    args.push(in_output("thumb-%d.jpg"));
    args.extend(words(
        "-map [tiny] -fps_mode passthrough -c:v rawvideo -f rawvideo",
    ));
    args.push(in_output("tiny.rgba"));
    args
}

fn split(prefix: &str, count: usize) -> String {
    let ends: String = (0..count).map(|number| format!("[{prefix}{number}]")).collect();
    format!(",split={count}{ends}")
}

fn in_output(file: &str) -> String {
    format!("{OUTPUT}/{file}")
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
