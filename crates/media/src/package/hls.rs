//! HLS playlists (RFC 8216, version 7): one multivariant, one a track.

use std::fmt::Write as _;

use crate::manifest::{AUDIO_FOLDER, AudioTrack, MediaManifest, Rendition, Segments, playlist_path};

/// The playlist of one track; a finished video, so all of it is there.
pub(crate) fn media_playlist(segments: &Segments) -> String {
    let seconds = |ticks: u64| ticks as f64 / f64::from(segments.timescale);
    let longest = segments.durations.iter().copied().max().unwrap_or(0);
    // Every EXTINF, rounded to the nearest integer, must not pass the target.
    let target = (seconds(longest).round() as u64).max(1);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n"
    );
    for (number, ticks) in segments.durations.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#EXTINF:{:.6},\n{number}.m4s", seconds(*ticks));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The multivariant playlist: the default rendition first, because players start with the first, then from low to high.
pub(crate) fn master_playlist(manifest: &MediaManifest) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    if manifest.audio.is_some() {
        let uri = playlist_path(AUDIO_FOLDER);
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Sound\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"{uri}\""
        );
    }
    let first = manifest
        .default_rendition()
        .map(|rendition| rendition.name.as_str());
    let (start, rest): (Vec<_>, Vec<_>) = manifest
        .renditions
        .iter()
        .partition(|rendition| Some(rendition.name.as_str()) == first);
    for rendition in start.into_iter().chain(rest) {
        text.push_str(&variant(rendition, manifest.audio.as_ref()));
    }
    text
}

fn variant(rendition: &Rendition, audio: Option<&AudioTrack>) -> String {
    let sum =
        |of: fn(&Segments) -> u64| of(&rendition.segments) + audio.map_or(0, |audio| of(&audio.segments));
    let peak = sum(|segments| segments.bitrate_peak_bps);
    let mean = sum(|segments| segments.bitrate_bps);
    let codecs = match audio {
        Some(audio) => format!("{},{}", rendition.codecs, audio.codecs),
        None => rendition.codecs.clone(),
    };
    let group = if audio.is_some() { ",AUDIO=\"audio\"" } else { "" };
    format!(
        "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={mean},RESOLUTION={}x{},FRAME-RATE={:.3},CODECS=\"{codecs}\"{group}\n{}\n",
        rendition.width,
        rendition.height,
        rendition.frame_rate.fps(),
        playlist_path(&rendition.name),
    )
}
