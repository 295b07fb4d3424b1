//! From the encoder's files to the published folder and its manifest. Files only; no tool runs here.

use std::path::Path;

use crate::encode::encoded_file;
use crate::error::{MediaError, ProcessError, Rejection};
use crate::ladder::Rung;
use crate::manifest::{AUDIO_FOLDER, AudioTrack, MediaManifest, Rendition};
use crate::package;
use crate::pictures::PicturePlan;
use crate::probe::Probe;

/// The progressive MP4.
pub(crate) const MP4_FILE: &str = "clip.mp4";
/// How much of the expected time may be missing after decoding, and still be a matter of rounding.
const MISSING_MS_MAX: u64 = 500;
const MISSING_PER_CENT_MAX: u64 = 5;

pub(crate) fn package_first(
    probe: &Probe,
    rung: &Rung,
    plan: &PicturePlan,
    work: &Path,
    out_dir: &Path,
) -> Result<MediaManifest, ProcessError> {
    let rendition = cut_rendition(probe, rung, work, out_dir)?;
    let audio = match probe.sound {
        Some(_) => package::cut(&work.join(encoded_file(AUDIO_FOLDER)), out_dir, AUDIO_FOLDER)?,
        None => None,
    };
    let pictures = plan.collect(work, out_dir)?;
    let segments = &rendition.segments;
    let manifest = MediaManifest {
        duration_ms: segments.duration() * 1000 / u64::from(segments.timescale),
        width: probe.picture.width,
        height: probe.picture.height,
        renditions: vec![rendition],
        audio: audio.map(|track| AudioTrack {
            codecs: track.codecs,
            segments: track.segments,
        }),
        poster: pictures.poster,
        thumbnails: pictures.thumbnails,
        thumbhash: pictures.thumbhash,
        mp4: None,
    };
    package::write_playlists(&manifest, out_dir)?;
    Ok(manifest)
}

pub(crate) fn package_ladder(
    mut manifest: MediaManifest,
    probe: &Probe,
    rungs: &[Rung],
    mp4: bool,
    work: &Path,
    out_dir: &Path,
) -> Result<MediaManifest, ProcessError> {
    for rung in rungs {
        manifest
            .renditions
            .push(cut_rendition(probe, rung, work, out_dir)?);
    }
    manifest.renditions.sort_by_key(Rendition::short_side);
    manifest.renditions = without_dominated(manifest.renditions);
    if mp4 {
        let (from, to) = (work.join(MP4_FILE), out_dir.join(MP4_FILE));
        std::fs::rename(&from, to).map_err(MediaError::io("move", &from))?;
        manifest.mp4 = Some(MP4_FILE.to_owned());
    }
    package::write_playlists(&manifest, out_dir)?;
    Ok(manifest)
}

/// Cuts an encoded rung, after making sure that all of the video was decoded into it.
fn cut_rendition(probe: &Probe, rung: &Rung, work: &Path, out_dir: &Path) -> Result<Rendition, ProcessError> {
    let track = package::cut(&work.join(encoded_file(&rung.name)), out_dir, &rung.name)?;
    let track = track.ok_or_else(Rejection::damaged)?;
    let decoded_ms = track.segments.duration() * 1000 / u64::from(track.segments.timescale);
    let missing_max_ms = MISSING_MS_MAX.max(probe.duration_ms * MISSING_PER_CENT_MAX / 100);
    if decoded_ms + missing_max_ms < probe.duration_ms {
        return Err(Rejection::damaged().into());
    }
    Ok(Rendition {
        name: rung.name.clone(),
        width: rung.width,
        height: rung.height,
        codecs: track.codecs,
        frame_rate: probe.picture.frame_rate,
        segments: track.segments,
    })
}

/// Leaves out every rendition that has as many bits as a larger one: nobody gains by it. Expects them from low to high.
pub(crate) fn without_dominated(renditions: Vec<Rendition>) -> Vec<Rendition> {
    let mut kept: Vec<Rendition> = Vec::new();
    for rendition in renditions {
        kept.retain(|lower| lower.segments.bitrate_bps < rendition.segments.bitrate_bps);
        kept.push(rendition);
    }
    kept
}
