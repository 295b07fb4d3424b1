//! From upload to motion: 15 s of 1080p30 until the first rendition plays, and until the whole ladder is there; and what looking at its
//! content costs of that.

use std::time::Instant;

use testkit::{Clip, Server};

use crate::figures::Figures;
use crate::{BenchError, Setup};

/// Length of the clip.
const CLIP_SECONDS: f64 = 15.0;

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let server = Server::start(&setup.riffle);
    let creator = server.creator();
    let bytes = Clip::full_hd(1).bytes();
    figures.add("media.source_mb.15s_1080p", bytes.len() as f64 / 1e6);
    let begun = Instant::now();
    let video = creator.publish(&bytes, "a clip", &[]);
    figures.add("media.first_playable_s.15s_1080p", begun.elapsed().as_secs_f64());
    let video = creator.wait_complete(video["id"].as_str().expect("an id"));
    figures.add("media.ladder_s.15s_1080p", begun.elapsed().as_secs_f64());
    let renditions = video["playback"]["renditions"].as_array().map_or(0, Vec::len);
    figures.add("media.renditions.15s_1080p", renditions as f64);
    let page = String::from_utf8_lossy(&creator.get("/metrics").body).into_owned();
    if let Some(seconds) = content_seconds(&page) {
        figures.add(
            "media.content_ms_per_s.15s_1080p",
            seconds * 1_000.0 / CLIP_SECONDS,
        );
    }
    Ok(())
}

/// Time spent on content vectors and fingerprints, beside decoding.
fn content_seconds(page: &str) -> Option<f64> {
    let sum = |line: &str| {
        line.strip_prefix("riffle_media_content_seconds_sum ")?
            .trim()
            .parse()
            .ok()
    };
    page.lines().find_map(sum)
}
