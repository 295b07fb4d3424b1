//! Which picture and which sound of a file are used, from ffprobe's description of its streams.

use serde::Deserialize;

use super::{Hdr, Picture};
use crate::error::Rejection;
use crate::frame_rate::FrameRate;
use crate::limits::MediaLimits;

/// What ffprobe is asked for.
pub(super) const ENTRIES: &str = "format=start_time:stream=index,codec_type,codec_name,width,height,\
sample_aspect_ratio,color_space,color_transfer,field_order:stream_disposition=attached_pic:stream_side_data=rotation";

/// Decoders that may run. ffmpeg has hundreds; each is code that reads hostile bytes.
pub(crate) const DECODERS: &str = "h264,hevc,vp8,vp9,libdav1d,libaom-av1,av1,mpeg4,mpeg2video,h263,mjpeg,prores,\
aac,mp3float,mp3,mp2float,mp2,vorbis,opus,libopus,flac,ac3,eac3,alac,amrnb,amrwb,pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,\
pcm_s24be,pcm_f32le,pcm_mulaw,pcm_alaw";

const PICTURE_CODECS: [&str; 10] = [
    "h264",
    "hevc",
    "vp8",
    "vp9",
    "av1",
    "mpeg4",
    "mpeg2video",
    "h263",
    "mjpeg",
    "prores",
];
const SOUND_CODECS: [&str; 13] = [
    "aac",
    "mp3",
    "mp2",
    "vorbis",
    "opus",
    "flac",
    "ac3",
    "eac3",
    "alac",
    "amr_nb",
    "amr_wb",
    "pcm_mulaw",
    "pcm_alaw",
];
/// Pixels further from square than this are a lie or a mistake; they are shown as they are.
const PIXEL_RATIO_MAX: f64 = 4.0;
/// At and above this height, untagged colours are high definition ones.
const HIGH_DEFINITION_LINES: u32 = 720;

/// ffprobe's answer.
#[derive(Debug, Deserialize)]
pub(super) struct Description {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Deserialize)]
struct Format {
    start_time: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    index: u32,
    #[serde(default)]
    codec_type: String,
    #[serde(default)]
    codec_name: String,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    sample_aspect_ratio: Option<String>,
    color_space: Option<String>,
    color_transfer: Option<String>,
    field_order: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Debug, Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

/// The picture to show and the time the file starts at, in seconds. The frame rate is set once the packets are known.
pub(super) fn picture(description: &Description, limits: &MediaLimits) -> Result<(Picture, f64), Rejection> {
    let moving = |stream: &&Stream| stream.codec_type == "video" && stream.disposition.attached_pic == 0;
    let stream = description.streams.iter().find(moving).ok_or_else(|| {
        Rejection::new(
            "no_video_stream",
            "The file has no moving picture in it. Upload a video, not only sound.",
        )
    })?;
    if !PICTURE_CODECS.contains(&stream.codec_name.as_str()) {
        return Err(Rejection::unsupported_codec(&stream.codec_name));
    }
    check_size(stream, limits)?;
    let (width, height) = stream.shown_size();
    let picture = Picture {
        index: stream.index,
        codec: stream.codec_name.clone(),
        width,
        height,
        frame_rate: FrameRate::new(1, 1),
        hdr: stream.hdr(),
        interlaced: matches!(stream.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt")),
        matrix: stream.matrix().to_owned(),
    };
    let start_s = description
        .format
        .start_time
        .as_deref()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0);
    Ok((picture, start_s))
}

/// The first sound we can decode; phones put an exotic track beside a plain one.
pub(super) fn sound_index(description: &Description) -> Result<Option<u32>, Rejection> {
    let mut sounds = description
        .streams
        .iter()
        .filter(|stream| stream.codec_type == "audio")
        .peekable();
    let Some(first) = sounds.peek().map(|stream| stream.codec_name.clone()) else {
        return Ok(None);
    };
    let known = |stream: &&Stream| {
        SOUND_CODECS.contains(&stream.codec_name.as_str())
            || DECODERS.split(',').any(|name| name == stream.codec_name)
    };
    sounds
        .find(known)
        .map(|stream| Some(stream.index))
        .ok_or_else(|| Rejection::unsupported_codec(&first))
}

fn check_size(stream: &Stream, limits: &MediaLimits) -> Result<(), Rejection> {
    let (width, height) = (stream.width, stream.height);
    let (long, short) = (width.max(height), width.min(height));
    if u64::from(width) * u64::from(height) > limits.pixels_max || long > limits.side_pixels_max {
        return Err(Rejection::too_large_picture());
    }
    if short < limits.side_pixels_min {
        let message = format!(
            "The picture is {width}x{height}; each side needs at least {} pixels. Upload a larger version.",
            limits.side_pixels_min
        );
        return Err(Rejection::new("too_small_picture", message));
    }
    Ok(())
}

impl Stream {
    fn shown_size(&self) -> (u32, u32) {
        let (mut width, height) = (f64::from(self.width), f64::from(self.height));
        if let Some(ratio) = self.pixel_ratio() {
            width = (width * ratio).round();
        }
        let (width, height) = (width as u32, height as u32);
        let quarter_turns = self
            .side_data_list
            .iter()
            .find_map(|data| data.rotation)
            .unwrap_or(0.0)
            / 90.0;
        if quarter_turns.round() as i64 % 2 == 0 {
            (width, height)
        } else {
            (height, width)
        }
    }

    fn pixel_ratio(&self) -> Option<f64> {
        let (across, down) = self.sample_aspect_ratio.as_deref()?.split_once(':')?;
        let ratio = across.parse::<f64>().ok()? / down.parse::<f64>().ok()?;
        (ratio.is_finite() && ratio * PIXEL_RATIO_MAX >= 1.0 && ratio <= PIXEL_RATIO_MAX).then_some(ratio)
    }

    fn hdr(&self) -> Option<Hdr> {
        match self.color_transfer.as_deref() {
            Some("smpte2084") => Some(Hdr::Pq),
            Some("arib-std-b67") => Some(Hdr::Hlg),
            _ => None,
        }
    }

    fn matrix(&self) -> &'static str {
        match self.color_space.as_deref() {
            Some("bt709") => "bt709",
            Some("smpte170m" | "bt470bg") => "smpte170m",
            Some("smpte240m") => "smpte240m",
            Some("bt2020nc" | "bt2020c") => "bt2020",
            _ if self.width.min(self.height) >= HIGH_DEFINITION_LINES => "bt709",
            _ => "smpte170m",
        }
    }
}
