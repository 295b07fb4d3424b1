//! Turns one fragmented file of the encoder into a folder of segments, and writes the playlists over them.
//!
//! Bytes are moved, not changed: the encoder's fragments are the segments.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use crate::boxes::Track;
use crate::error::MediaError;
use crate::manifest::{
    AUDIO_FOLDER, DASH_FILE, HLS_FILE, MediaManifest, Segments, init_path, playlist_path, segment_path,
};

pub(crate) mod dash;
pub(crate) mod hls;

/// A track cut into files.
pub(crate) struct Packaged {
    pub(crate) codecs: String,
    pub(crate) segments: Segments,
}

/// Cuts `encoded` into `init.mp4` and numbered segments below `out_dir/folder`. None when it holds no sample.
pub(crate) fn cut(encoded: &Path, out_dir: &Path, folder: &str) -> Result<Option<Packaged>, MediaError> {
    let mut file = File::open(encoded).map_err(MediaError::io("open", encoded))?;
    let track = Track::read(&mut file)?;
    if track.duration() == 0 {
        return Ok(None);
    }
    let dir = out_dir.join(folder);
    fs::create_dir_all(&dir).map_err(MediaError::io("make the folder", &dir))?;
    let mut write = |range: &Range<u64>, path: String| {
        let path = out_dir.join(path);
        copy_range(&mut file, range, &path).map_err(MediaError::io("write", &path))
    };
    write(&track.init, init_path(folder))?;
    for (number, fragment) in track.fragments.iter().enumerate() {
        write(&fragment.bytes, segment_path(folder, number))?;
    }
    Ok(Some(Packaged {
        segments: segments(&track),
        codecs: track.codecs,
    }))
}

/// The reverse of [`cut`]: the initialisation segment and all segments in one file again.
pub(crate) fn join(published: &Path, folder: &str, count: usize, into: &Path) -> Result<(), MediaError> {
    let mut out = File::create(into).map_err(MediaError::io("write", into))?;
    let parts =
        std::iter::once(init_path(folder)).chain((0..count).map(|number| segment_path(folder, number)));
    for part in parts {
        let path = published.join(part);
        let mut file = File::open(&path).map_err(MediaError::io("open", &path))?;
        io::copy(&mut file, &mut out).map_err(MediaError::io("write", into))?;
    }
    Ok(())
}

/// Writes every playlist of the manifest, replacing older ones.
pub(crate) fn write_playlists(manifest: &MediaManifest, out_dir: &Path) -> Result<(), MediaError> {
    let write = |path: &str, text: String| {
        let path = out_dir.join(path);
        let folder = path.parent().unwrap_or(out_dir);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(MediaError::io("write", &path))
    };
    for rendition in &manifest.renditions {
        write(
            &playlist_path(&rendition.name),
            hls::media_playlist(&rendition.segments),
        )?;
    }
    if let Some(audio) = &manifest.audio {
        write(&playlist_path(AUDIO_FOLDER), hls::media_playlist(&audio.segments))?;
    }
    write(HLS_FILE, hls::master_playlist(manifest))?;
    write(DASH_FILE, dash::mpd(manifest))
}

fn segments(track: &Track) -> Segments {
    let bits_per_second =
        |bytes: u64, ticks: u64| (bytes * 8 * u64::from(track.timescale)).div_ceil(ticks.max(1));
    let bytes = |range: &Range<u64>| range.end - range.start;
    let whole = track
        .fragments
        .iter()
        .map(|fragment| bytes(&fragment.bytes))
        .sum();
    let peaks = track
        .fragments
        .iter()
        .map(|fragment| bits_per_second(bytes(&fragment.bytes), fragment.duration));
    // A short last segment says nothing about what a connection must carry.
    let full = track.fragments.len().saturating_sub(1).max(1);
    Segments {
        timescale: track.timescale,
        durations: track.fragments.iter().map(|fragment| fragment.duration).collect(),
        bitrate_bps: bits_per_second(whole, track.duration()),
        bitrate_peak_bps: peaks
            .take(full)
            .max()
            .unwrap_or(0)
            .max(bits_per_second(whole, track.duration())),
    }
}

fn copy_range(file: &mut File, range: &Range<u64>, path: &Path) -> io::Result<()> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut out = File::create(path)?;
    io::copy(&mut file.take(range.end - range.start), &mut out)?;
    out.flush()
}
