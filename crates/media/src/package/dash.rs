//! The DASH manifest (ISO/IEC 23009-1, live profile, static) over the same files as the HLS playlists.

use std::fmt::Write as _;

use crate::manifest::{AUDIO_FOLDER, AudioTrack, MediaManifest, Rendition, Segments};

/// The whole manifest. Everything put into it is a number or made by us, so nothing needs escaping.
pub(crate) fn mpd(manifest: &MediaManifest) -> String {
    let seconds = manifest.duration_ms as f64 / 1000.0;
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" \
         mediaPresentationDuration=\"PT{seconds:.3}S\" minBufferTime=\"PT2S\">\n<Period id=\"0\" start=\"PT0S\">\n\
         <AdaptationSet id=\"0\" contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">\n"
    );
    for rendition in &manifest.renditions {
        text.push_str(&video(rendition));
    }
    text.push_str("</AdaptationSet>\n");
    if let Some(track) = &manifest.audio {
        text.push_str(&audio(track));
    }
    text.push_str("</Period>\n</MPD>\n");
    text
}

fn video(rendition: &Rendition) -> String {
    let Rendition {
        name,
        width,
        height,
        codecs,
        frame_rate,
        segments,
    } = rendition;
    format!(
        "<Representation id=\"{name}\" bandwidth=\"{}\" codecs=\"{codecs}\" width=\"{width}\" height=\"{height}\" \
         frameRate=\"{}/{}\" sar=\"1:1\">\n{}</Representation>\n",
        segments.bitrate_peak_bps,
        frame_rate.numerator,
        frame_rate.denominator,
        template(segments),
    )
}

fn audio(track: &AudioTrack) -> String {
    format!(
        "<AdaptationSet id=\"1\" contentType=\"audio\" mimeType=\"audio/mp4\" startWithSAP=\"1\">\n\
         <Representation id=\"{AUDIO_FOLDER}\" bandwidth=\"{}\" codecs=\"{}\" audioSamplingRate=\"48000\">\n\
         <AudioChannelConfiguration schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" value=\"2\"/>\n\
         {}</Representation>\n</AdaptationSet>\n",
        track.segments.bitrate_peak_bps,
        track.codecs,
        template(&track.segments),
    )
}

fn template(segments: &Segments) -> String {
    let mut text = format!(
        "<SegmentTemplate timescale=\"{}\" initialization=\"$RepresentationID$/init.mp4\" \
         media=\"$RepresentationID$/$Number$.m4s\" startNumber=\"0\"><SegmentTimeline>",
        segments.timescale
    );
    for run in segments.durations.chunk_by(|a, b| a == b) {
        // Writing to a String cannot fail.
        let _ = match run.len() {
            1 => write!(text, "<S d=\"{}\"/>", run[0]),
            length => write!(text, "<S d=\"{}\" r=\"{}\"/>", run[0], length - 1),
        };
    }
    text.push_str("</SegmentTimeline></SegmentTemplate>\n");
    text
}
