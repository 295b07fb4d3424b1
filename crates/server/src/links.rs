//! Where the picture and sound of a video are: signed links, written out once an hour and kept.
//!
//! A video of a minute has some two hundred links, 10 to 15 KB of JSON, the same for everybody until the hour in which they end moves on
//! or the video changes. So a page copies text instead of reading a manifest and signing.

use std::sync::Arc;

use api::{AudioTrack, Playback, Rendition, Written};
use blob::BlobKey;
use media::{AUDIO_FOLDER, DASH_FILE, HLS_FILE, MediaManifest, init_path, playlist_path, segment_path};
use product::CardFace;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use types::VideoId;

use crate::parts::Rooms;

const SEGMENT_MS: u32 = 2_000;
/// Of all texts together.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Of one, to size the table.
const BYTES_TYPICAL: u64 = 6 * 1024;
/// Of an entry without its text.
const ENTRY_BYTES: u64 = 256;

/// The links of one video as they were written.
#[derive(Debug, Clone)]
struct Links {
    /// Whose they are: the same face, not an equal one.
    face: Arc<CardFace>,
    /// The folder, with its signature.
    base: Arc<str>,
    written: Written<Playback>,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<VideoId, Links> for Bytes {
    fn weight(&self, _: &VideoId, links: &Links) -> u64 {
        ENTRY_BYTES + links.written.text().len() as u64
    }
}

/// Written links by video.
#[derive(Debug)]
pub(crate) struct LinkCache(Cache<VideoId, Links, Bytes>);

impl Default for LinkCache {
    fn default() -> Self {
        let videos = (BYTES_MAX / BYTES_TYPICAL) as usize;
        Self(Cache::with_weighter(videos, BYTES_MAX, Bytes))
    }
}

impl LinkCache {
    /// None while nothing plays.
    pub(crate) fn playback(&self, rooms: &Rooms, face: &Arc<CardFace>) -> Option<Written<Playback>> {
        let video = face.video.id;
        let manifest = face.video.manifest_json.as_deref()?;
        let folder = BlobKey::parse(&format!("v/{video}")).ok()?;
        let expires_ms = rooms.now_ms().max(0) as u64 + rooms.parts.media_link_ms;
        let base = rooms.parts.signer.sign_prefix(&folder, expires_ms);
        if let Some(links) = self.0.get(&video)
            && Arc::ptr_eq(&links.face, face)
            && *links.base == *base
        {
            return Some(links.written);
        }
        let manifest: MediaManifest = serde_json::from_str(manifest)
            .inspect_err(|error| tracing::error!(%video, %error, "stored manifest does not read"))
            .ok()?;
        let written = Written::of(&playback(&base, &manifest)?)
            .inspect_err(|error| tracing::error!(%video, %error, "links cannot be written"))
            .ok()?;
        let links = Links {
            face: Arc::clone(face),
            base: base.into(),
            written: written.clone(),
        };
        self.0.insert(video, links);
        Some(written)
    }
}

fn playback(base: &str, manifest: &MediaManifest) -> Option<Playback> {
    let link = |path: &str| format!("{base}/{path}");
    let first = manifest.default_rendition()?;
    Some(Playback {
        hls: link(HLS_FILE),
        dash: link(DASH_FILE),
        mp4: manifest.mp4.as_deref().map(link),
        poster: link(&manifest.poster),
        thumbnails: manifest.thumbnails.iter().map(|path| link(path)).collect(),
        thumbhash: manifest.thumbhash.clone(),
        init: link(&init_path(&first.name)),
        first_segment: link(&segment_path(&first.name, 0)),
        segment_ms: SEGMENT_MS,
        audio: manifest.audio.as_ref().map(|audio| AudioTrack {
            codecs: audio.codecs.clone(),
            bitrate_bps: audio.segments.bitrate_bps,
            playlist: link(&playlist_path(AUDIO_FOLDER)),
            init: link(&init_path(AUDIO_FOLDER)),
            first_segment: link(&segment_path(AUDIO_FOLDER, 0)),
            segments: segments(&link, AUDIO_FOLDER, audio.segments.count()),
        }),
        renditions: manifest
            .renditions
            .iter()
            .map(|rendition| shown(&link, rendition))
            .collect(),
    })
}

fn shown(link: &dyn Fn(&str) -> String, rendition: &media::Rendition) -> Rendition {
    Rendition {
        name: rendition.name.clone(),
        width: rendition.width,
        height: rendition.height,
        bitrate_bps: rendition.segments.bitrate_bps,
        codecs: rendition.codecs.clone(),
        playlist: link(&playlist_path(&rendition.name)),
        init: link(&init_path(&rendition.name)),
        segments: segments(link, &rendition.name, rendition.segments.count()),
    }
}

fn segments(link: &dyn Fn(&str) -> String, folder: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| link(&segment_path(folder, number)))
        .collect()
}
