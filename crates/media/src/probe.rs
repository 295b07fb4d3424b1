//! What an upload really is: container from its first bytes, streams from ffprobe in the sandbox, time from packets.
//!
//! Decides nothing about renditions and decodes nothing to its end: the decode check is part of the first transcode.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use crate::error::{MediaError, ProcessError, Rejection};
use crate::frame_rate::FrameRate;
use crate::limits::{JobLimits, MediaLimits};
use crate::sandbox::{Finished, INPUT, Job, Sandbox, SandboxError, Tool};
use crate::sniff::{Container, SNIFF_BYTES, sniff};

pub(crate) mod loudness;
mod streams;
pub(crate) mod times;

pub(crate) use streams::DECODERS;

/// Transfer curve of a high dynamic range source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hdr {
    /// SMPTE ST 2084.
    Pq,
    /// ARIB STD-B67.
    Hlg,
}

/// The picture stream that will be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Its index in the file.
    pub index: u32,
    /// ffmpeg's name of its codec.
    pub codec: String,
    /// Width as it is shown: rotated, with square pixels.
    pub width: u32,
    /// Height as it is shown.
    pub height: u32,
    /// The rate its renditions get.
    pub frame_rate: FrameRate,
    /// Set when it must be tone-mapped.
    pub hdr: Option<Hdr>,
    /// Whether the lines of a frame are from two moments.
    pub interlaced: bool,
    /// The matrix its colours were made with, as the scaler names it.
    pub matrix: String,
}

/// The sound stream that will be heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SoundTrack {
    /// Its index in the file.
    pub index: u32,
    /// Gain that brings it to the house's loudness, in decibels.
    pub gain_db: f64,
}

/// What an upload is, as far as it can be known without decoding it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Its container.
    pub container: Container,
    /// Length of the picture by packet times.
    pub duration_ms: u64,
    /// The picture.
    pub picture: Picture,
    /// The sound, if there is any.
    pub sound: Option<SoundTrack>,
}

/// Looks at an upload.
///
/// # Errors
/// [`ProcessError::Rejected`] when the file breaks a limit or is no video we can read.
pub async fn probe(sandbox: &Sandbox, limits: &MediaLimits, source: &Path) -> Result<Probe, ProcessError> {
    let container = sniff_file(limits, source).await?;
    let looking = Looking {
        sandbox,
        limits,
        source,
        container,
    };
    let streams = looking.streams().await?;
    let (picture, start_s) = streams::picture(&streams, limits)?;
    let sound_index = streams::sound_index(&streams)?;
    let (span, gain_db) = tokio::join!(looking.span(picture.index, start_s), looking.gain(sound_index));
    let span = span?;
    span.check(limits)?;
    let picture = Picture {
        frame_rate: FrameRate::of_times(&span.times_s, limits.fps_max),
        ..picture
    };
    let sound = sound_index
        .zip(gain_db?)
        .map(|(index, gain_db)| SoundTrack { index, gain_db });
    Ok(Probe {
        container,
        duration_ms: span.duration_ms(),
        picture,
        sound,
    })
}

async fn sniff_file(limits: &MediaLimits, source: &Path) -> Result<Container, ProcessError> {
    let failed = || MediaError::io("read", source);
    let file = tokio::fs::File::open(source).await.map_err(failed())?;
    let size_bytes = file.metadata().await.map_err(failed())?.len();
    if size_bytes > limits.file_bytes_max {
        let megabytes = limits.file_bytes_max / 1_000_000;
        let message =
            format!("The file is larger than {megabytes} MB. Export the video smaller and upload it again.");
        return Err(Rejection::new("file_too_large", message).into());
    }
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    file.take(SNIFF_BYTES as u64)
        .read_to_end(&mut head)
        .await
        .map_err(failed())?;
    Ok(sniff(&head)?)
}

/// Arguments that every tool gets before its input: one demuxer, one protocol, known decoders, bounded pictures.
pub(crate) fn input_options(limits: &MediaLimits, container: Container) -> Vec<String> {
    let demuxer = container.demuxer();
    [
        ("-protocol_whitelist", "file".to_owned()),
        ("-format_whitelist", demuxer.to_owned()),
        ("-codec_whitelist", DECODERS.to_owned()),
        ("-max_pixels", limits.pixels_max.to_string()),
        ("-max_streams", limits.streams_max.to_string()),
        ("-f", demuxer.to_owned()),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value])
    .collect()
}

/// One file under inspection.
struct Looking<'a> {
    sandbox: &'a Sandbox,
    limits: &'a MediaLimits,
    source: &'a Path,
    container: Container,
}

impl Looking<'_> {
    async fn run(
        &self,
        tool: Tool,
        args: Vec<String>,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Finished, SandboxError> {
        let job = Job {
            tool,
            args,
            input: Some(self.source),
            output: None,
            limits: JobLimits::probe(),
        };
        self.sandbox.run(&job, on_line).await
    }

    fn ffprobe_args(&self, options: &[&str]) -> Vec<String> {
        let mut args: Vec<String> = vec!["-v".into(), "error".into()];
        args.extend(input_options(self.limits, self.container));
        args.extend(options.iter().map(|option| (*option).to_owned()));
        args.push(INPUT.into());
        args
    }

    async fn streams(&self) -> Result<streams::Description, ProcessError> {
        let mut json = String::new();
        let args = self.ffprobe_args(&["-show_entries", streams::ENTRIES, "-of", "json=compact=1"]);
        let finished = self
            .run(Tool::Ffprobe, args, &mut |line| json.push_str(line))
            .await?;
        if !finished.status.success() {
            tracing::info!(stderr = %finished.stderr_tail, "ffprobe refused the file");
            return Err(verdict(&finished, Tool::Ffprobe));
        }
        serde_json::from_str(&json).map_err(|source| {
            MediaError::Unexpected {
                tool: "ffprobe",
                source,
            }
            .into()
        })
    }

    async fn span(&self, index: u32, start_s: f64) -> Result<times::Span, ProcessError> {
        let stream = index.to_string();
        let entries = "packet=pts_time,dts_time,duration_time,flags";
        let args = self.ffprobe_args(&[
            "-select_streams",
            &stream,
            "-show_entries",
            entries,
            "-of",
            "csv=p=0",
        ]);
        let mut span = times::SpanReader::new(start_s);
        match self.run(Tool::Ffprobe, args, &mut |line| span.read(line)).await {
            Ok(finished) if finished.status.success() => span.finish(),
            Ok(finished) => Err(verdict(&finished, Tool::Ffprobe)),
            Err(SandboxError::OutputTooLong { .. }) => Err(times::too_many_frames().into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The gain for the sound, or none when it holds no samples.
    async fn gain(&self, index: Option<u32>) -> Result<Option<f64>, ProcessError> {
        let Some(index) = index else { return Ok(None) };
        let args = loudness::args(
            input_options(self.limits, self.container),
            index,
            self.limits.duration_ms_max,
        );
        let finished = self.run(Tool::Ffmpeg, args, &mut |_| {}).await?;
        if !finished.status.success() {
            return Err(verdict(&finished, Tool::Ffmpeg));
        }
        Ok(loudness::gain_db(&finished.stderr_tail))
    }
}

/// Whose fault a failed tool is. Exit codes above 128 are signals; CPU time does not depend on how busy we are, and a
/// crash on a file is the file's doing, while a kill from outside says nothing about it.
pub(crate) fn verdict(finished: &Finished, tool: Tool) -> ProcessError {
    const SIGKILL: i32 = 128 + 9;
    const SIGXCPU: i32 = 128 + 24;
    const SIGXFSZ: i32 = 128 + 25;
    let code = finished.status.code();
    let starved = [
        "Cannot allocate memory",
        "No space left",
        "Resource temporarily unavailable",
        "bwrap:",
        "prlimit:",
    ];
    let ours = code.is_none_or(|code| code == SIGKILL)
        || starved.iter().any(|sign| finished.stderr_tail.contains(sign));
    match code {
        _ if ours => ProcessError::Failed(MediaError::Tool {
            tool: tool.name(),
            status: finished.status.to_string(),
            stderr: finished.stderr_tail.clone(),
        }),
        Some(SIGXCPU | SIGXFSZ) => Rejection::new(
            "too_complex",
            "The video takes too much work to convert. Export it at a lower resolution or bit rate and upload it again.",
        )
        .into(),
        _ if finished.stderr_tail.contains("not on whitelist") => Rejection::unsupported_codec("unknown").into(),
        _ if finished.stderr_tail.contains("exceeds specified max pixel count") => Rejection::too_large_picture().into(),
        _ => Rejection::damaged().into(),
    }
}
