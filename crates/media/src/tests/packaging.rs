//! Playlists, as text that must not change by accident.

use crate::frame_rate::FrameRate;
use crate::manifest::{AudioTrack, MediaManifest, Rendition, Segments, content_type};
use crate::package::{dash, hls};

fn segments(timescale: u32, durations: &[u64], bitrate_bps: u64) -> Segments {
    let bitrate_peak_bps = bitrate_bps * 5 / 4;
    Segments {
        timescale,
        durations: durations.to_vec(),
        bitrate_bps,
        bitrate_peak_bps,
    }
}

fn manifest(with_sound: bool) -> MediaManifest {
    let rendition = |name: &str, width, height, bitrate_bps| Rendition {
        name: name.to_owned(),
        width,
        height,
        codecs: "avc1.64001f".to_owned(),
        frame_rate: FrameRate::new(30_000, 1001),
        segments: segments(30_000, &[60_060, 60_060, 17_017], bitrate_bps),
    };
    let audio = AudioTrack {
        codecs: "mp4a.40.2".to_owned(),
        segments: segments(48_000, &[96_256, 96_256, 26_728], 128_000),
    };
    MediaManifest {
        duration_ms: 4571,
        width: 720,
        height: 1280,
        renditions: vec![
            rendition("360p", 360, 640, 400_000),
            rendition("480p", 480, 854, 800_000),
            rendition("720p", 720, 1280, 1_600_000),
        ],
        audio: with_sound.then_some(audio),
        poster: "poster.jpg".to_owned(),
        thumbnails: vec!["thumbs/0.jpg".to_owned()],
        thumbhash: String::new(),
        mp4: None,
    }
}

#[test]
fn the_master_playlist_starts_with_the_default_rendition() {
    let expect = r#"#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1160000,AVERAGE-BANDWIDTH=928000,RESOLUTION=480x854,FRAME-RATE=29.970,CODECS="avc1.64001f,mp4a.40.2",AUDIO="audio"
480p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=660000,AVERAGE-BANDWIDTH=528000,RESOLUTION=360x640,FRAME-RATE=29.970,CODECS="avc1.64001f,mp4a.40.2",AUDIO="audio"
360p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2160000,AVERAGE-BANDWIDTH=1728000,RESOLUTION=720x1280,FRAME-RATE=29.970,CODECS="avc1.64001f,mp4a.40.2",AUDIO="audio"
720p/index.m3u8
"#;
    assert_eq!(hls::master_playlist(&manifest(true)), expect);
    let silent = hls::master_playlist(&manifest(false));
    assert!(!silent.contains("AUDIO"), "{silent}");
    assert!(
        silent.contains("BANDWIDTH=1000000,AVERAGE-BANDWIDTH=800000"),
        "{silent}"
    );
}

#[test]
fn a_media_playlist_has_exact_durations() {
    let expect = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
        #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2.002000,\n0.m4s\n#EXTINF:2.002000,\n1.m4s\n\
        #EXTINF:0.567233,\n2.m4s\n#EXT-X-ENDLIST\n";
    assert_eq!(
        hls::media_playlist(&manifest(true).renditions[0].segments),
        expect
    );
}

#[test]
fn the_dash_manifest_names_the_same_files() {
    let text = dash::mpd(&manifest(true));
    let check = |part: &str, count: usize| assert_eq!(text.matches(part).count(), count, "{part} in {text}");
    check("mediaPresentationDuration=\"PT4.571S\"", 1);
    check("<AdaptationSet ", 2);
    check(
        "<Representation id=\"480p\" bandwidth=\"1000000\" codecs=\"avc1.64001f\" width=\"480\" height=\"854\" frameRate=\"30000/1001\"",
        1,
    );
    check(
        "<SegmentTimeline><S d=\"60060\" r=\"1\"/><S d=\"17017\"/></SegmentTimeline>",
        3,
    );
    check(
        "<SegmentTimeline><S d=\"96256\" r=\"1\"/><S d=\"26728\"/></SegmentTimeline>",
        1,
    );
    check("media=\"$RepresentationID$/$Number$.m4s\" startNumber=\"0\"", 4);
    assert_eq!(dash::mpd(&manifest(false)).matches("<AdaptationSet ").count(), 1);
}

#[test]
fn a_player_starts_at_or_below_480p() {
    let check = |keep: &[&str], expect: Option<&str>| {
        let mut manifest = manifest(true);
        manifest
            .renditions
            .retain(|rendition| keep.contains(&rendition.name.as_str()));
        assert_eq!(
            manifest
                .default_rendition()
                .map(|rendition| rendition.name.as_str()),
            expect
        );
    };
    check(&["360p", "480p", "720p"], Some("480p"));
    check(&["360p", "720p"], Some("360p"));
    check(&["720p"], Some("720p"));
    check(&[], None);
}

#[test]
fn manifests_survive_json() {
    let manifest = manifest(true);
    let json = serde_json::to_string(&manifest).expect("serialises");
    assert_eq!(
        serde_json::from_str::<MediaManifest>(&json).expect("parses"),
        manifest
    );
}

#[test]
fn content_types_are_fixed() {
    let check = |path: &str, expect: Option<&str>| assert_eq!(content_type(path), expect, "{path}");
    check("480p/init.mp4", Some("video/mp4"));
    check("480p/0.m4s", Some("video/iso.segment"));
    check("master.m3u8", Some("application/vnd.apple.mpegurl"));
    check("manifest.mpd", Some("application/dash+xml"));
    check("thumbs/0.jpg", Some("image/jpeg"));
    check("x.html", None);
    check("x", None);
}
