//! Rungs, and which of them are published.

use crate::assemble::without_dominated;
use crate::frame_rate::FrameRate;
use crate::ladder::{first, rungs};
use crate::manifest::{Rendition, Segments};

#[test]
fn rungs_fit_the_source() {
    let check = |width: u32, height: u32, expect: &[&str], starts: &str| {
        let rungs = rungs(width, height, 30.0);
        let sizes: Vec<_> = rungs
            .iter()
            .map(|rung| format!("{} {}x{}", rung.name, rung.width, rung.height))
            .collect();
        assert_eq!(sizes, expect, "{width}x{height}");
        assert_eq!(rungs[first(&rungs)].name, starts);
        assert!(
            rungs
                .iter()
                .all(|rung| rung.width % 2 == 0 && rung.height % 2 == 0)
        );
        assert!(
            rungs
                .iter()
                .all(|rung| rung.width <= width && rung.height <= height)
        );
        assert!(
            rungs
                .windows(2)
                .all(|pair| pair[0].bitrate_bps_max < pair[1].bitrate_bps_max)
        );
    };
    check(
        1080,
        1920,
        &["360p 360x640", "480p 480x854", "720p 720x1280", "1080p 1080x1920"],
        "480p",
    );
    check(
        3840,
        2160,
        &["360p 640x360", "480p 854x480", "720p 1280x720", "1080p 1920x1080"],
        "480p",
    );
    check(
        720,
        1280,
        &["360p 360x640", "480p 480x854", "720p 720x1280"],
        "480p",
    );
    check(
        1080,
        608,
        &["360p 640x360", "480p 852x480", "608p 1080x608"],
        "480p",
    );
    check(480, 480, &["360p 360x360", "480p 480x480"], "480p");
    check(641, 361, &["360p 640x360"], "360p");
    check(426, 241, &["240p 424x240"], "240p");
    check(64, 64, &["64p 64x64"], "64p");
}

#[test]
fn fast_pictures_get_more_bits() {
    let cap = |fps: f64| rungs(720, 1280, fps)[2].bitrate_bps_max;
    assert_eq!((cap(30.0), cap(60.0)), (2_800_000, 4_200_000));
}

#[test]
fn no_lower_rendition_has_more_bits_than_a_higher_one() {
    let check = |bitrates: &[u64], expect: &[u64]| {
        let renditions = bitrates
            .iter()
            .zip([360, 480, 720, 1080])
            .map(|(bitrate_bps, side)| Rendition {
                name: format!("{side}p"),
                width: side,
                height: side * 16 / 9,
                codecs: String::new(),
                frame_rate: FrameRate::new(30, 1),
                segments: Segments {
                    timescale: 30_000,
                    durations: vec![],
                    bitrate_bps: *bitrate_bps,
                    bitrate_peak_bps: 0,
                },
            });
        let kept = without_dominated(renditions.collect());
        assert_eq!(
            kept.iter()
                .map(|rendition| rendition.segments.bitrate_bps)
                .collect::<Vec<_>>(),
            expect
        );
    };
    check(&[1, 2, 3, 4], &[1, 2, 3, 4]);
    check(&[1, 3, 2, 4], &[1, 2, 4]);
    check(&[5, 6, 7, 4], &[4]);
    check(&[2, 2], &[2]);
    check(&[9], &[9]);
}
