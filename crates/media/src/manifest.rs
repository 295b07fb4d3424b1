//! What a published video consists of; stored as JSON, and all that players, playlists and the ladder need to know.
//!
//! Paths are relative to the video's folder. No file is read here.

use serde::{Deserialize, Serialize};

use crate::frame_rate::FrameRate;

/// The segments of one track: `init.mp4`, then `0.m4s`, `1.m4s` … in the folder of that name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    /// Ticks per second of the durations.
    pub timescale: u32,
    /// Exact length of each segment, in ticks; they follow each other from time 0 without a gap.
    pub durations: Vec<u64>,
    /// Mean bits per second over the whole track.
    pub bitrate_bps: u64,
    /// Bits per second of the heaviest segment.
    pub bitrate_peak_bps: u64,
}

impl Segments {
    /// How many segments there are.
    pub fn count(&self) -> usize {
        self.durations.len()
    }

    /// Length of the track in ticks.
    pub fn duration(&self) -> u64 {
        self.durations.iter().sum()
    }

    /// Lengths in whole milliseconds, for players that want an estimate.
    pub fn durations_ms(&self) -> impl Iterator<Item = u64> + '_ {
        self.durations
            .iter()
            .map(|ticks| ticks * 1000 / u64::from(self.timescale))
    }
}

/// One rung of the ladder: pictures only, H.264 in CMAF.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Short side and `p`: 480x854 is `480p`. Also the folder of its segments.
    pub name: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// As RFC 6381 writes it, read from the initialisation segment.
    pub codecs: String,
    /// Constant.
    pub frame_rate: FrameRate,
    /// Its segments.
    pub segments: Segments,
}

impl Rendition {
    /// The shorter side, in pixels.
    pub fn short_side(&self) -> u32 {
        self.width.min(self.height)
    }
}

/// The one sound track: AAC in CMAF, in the folder `audio`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioTrack {
    /// As RFC 6381 writes it.
    pub codecs: String,
    /// Its segments.
    pub segments: Segments,
}

/// Everything that is published of one video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaManifest {
    /// Length of the picture.
    pub duration_ms: u64,
    /// Size as shown, of the source.
    pub width: u32,
    /// Size as shown, of the source.
    pub height: u32,
    /// From low to high; a higher one always has more bits.
    pub renditions: Vec<Rendition>,
    /// Absent for silent clips.
    pub audio: Option<AudioTrack>,
    /// JPEG.
    pub poster: String,
    /// JPEGs, in the order of time.
    pub thumbnails: Vec<String>,
    /// Base64 of a ThumbHash of the poster.
    pub thumbhash: String,
    /// Progressive MP4, for short clips, once the ladder is complete.
    pub mp4: Option<String>,
}

/// Short side of the rendition a player starts with.
const DEFAULT_SHORT_SIDE_MAX: u32 = 480;

/// File of the HLS multivariant playlist.
pub const HLS_FILE: &str = "master.m3u8";
/// File of the DASH manifest.
pub const DASH_FILE: &str = "manifest.mpd";
/// Folder of the sound track.
pub const AUDIO_FOLDER: &str = "audio";

impl MediaManifest {
    /// The rendition a player starts with: the highest at or below 480p, else the lowest.
    pub fn default_rendition(&self) -> Option<&Rendition> {
        let small = self
            .renditions
            .iter()
            .rfind(|rendition| rendition.short_side() <= DEFAULT_SHORT_SIDE_MAX);
        small.or(self.renditions.first())
    }
}

/// Path of a track's playlist.
pub fn playlist_path(folder: &str) -> String {
    format!("{folder}/index.m3u8")
}

/// Path of a track's initialisation segment.
pub fn init_path(folder: &str) -> String {
    format!("{folder}/init.mp4")
}

/// Path of a track's segment, from 0.
pub fn segment_path(folder: &str, number: usize) -> String {
    format!("{folder}/{number}.m4s")
}

/// The content type a published file is served with, by its ending; nothing else is ever published.
pub fn content_type(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "m3u8" => Some("application/vnd.apple.mpegurl"),
        "mpd" => Some("application/dash+xml"),
        "m4s" => Some("video/iso.segment"),
        "mp4" => Some("video/mp4"),
        "jpg" => Some("image/jpeg"),
        _ => None,
    }
}
