//! From the rooms' values to wire shapes. Media links are signed here; nothing is read or decided.

use api::{AudioTrack, Creator, Playback, Rejection, Rendition, UserViewer, VideoStatus, VideoViewer};
use blob::BlobKey;
use media::{AUDIO_FOLDER, DASH_FILE, HLS_FILE, MediaManifest, init_path, playlist_path, segment_path};
use product::{Comment, Paged, Profile, VideoCard};
use types::VideoId;

use crate::parts::Rooms;

const SEGMENT_MS: u32 = 2_000;

pub(crate) fn user(profile: Profile) -> api::User {
    api::User {
        id: profile.id,
        username: profile.username,
        display_name: profile.display_name,
        bio: profile.bio,
        created_at_ms: profile.created_at_ms,
        counts: user_counts(profile.counts),
        viewer: UserViewer {
            following: profile.following,
            is_self: profile.is_self,
        },
        roles: Vec::new(),
    }
}

pub(crate) fn user_counts(counts: product::UserCounts) -> api::UserCounts {
    api::UserCounts {
        followers: unsigned(counts.followers),
        following: unsigned(counts.following),
        videos: unsigned(counts.videos),
        likes: unsigned(counts.likes),
    }
}

pub(crate) fn user_page(page: Paged<Profile>) -> api::UserPage {
    api::UserPage {
        items: page.items.into_iter().map(user).collect(),
        cursor: page.cursor,
    }
}

pub(crate) fn comment(comment: Comment) -> api::Comment {
    api::Comment {
        id: comment.id,
        video_id: comment.video,
        parent_id: comment.parent,
        text: comment.text,
        created_at_ms: comment.created_at_ms,
        author: api::Author {
            id: comment.author,
            username: comment.author_username,
            display_name: comment.author_display_name,
        },
        reply_count: unsigned(comment.reply_count),
    }
}

/// Views come from the stream, the other counts from the metastore.
pub(crate) fn video_counts(rooms: &Rooms, video: VideoId, counts: product::VideoCounts) -> api::VideoCounts {
    api::VideoCounts {
        views: rooms.parts.store.video_counters(video).views,
        likes: unsigned(counts.likes),
        comments: unsigned(counts.comments),
        shares: unsigned(counts.shares),
        saves: unsigned(counts.saves),
    }
}

pub(crate) fn video(rooms: &Rooms, card: VideoCard) -> api::Video {
    let VideoCard {
        video,
        creator_username,
        creator_display_name,
        counts,
        liked,
        saved,
        following,
    } = card;
    api::Video {
        id: video.id,
        status: status(video.status),
        progress: video.progress as f32,
        caption: video.caption,
        hashtags: video.hashtags,
        category: video.facets.category.map(|category| category.to_string()),
        duration_ms: video.duration_ms,
        width: video.width.try_into().unwrap_or(0),
        height: video.height.try_into().unwrap_or(0),
        created_at_ms: video.created_at_ms,
        published_at_ms: video.published_at_ms,
        creator: Creator {
            id: video.creator,
            username: creator_username,
            display_name: creator_display_name,
            following,
        },
        sound: None,
        counts: video_counts(rooms, video.id, counts),
        viewer: VideoViewer { liked, saved },
        playback: video
            .manifest_json
            .and_then(|text| playback(rooms, video.id, &text)),
        rejection: video.rejection.map(|no| Rejection {
            code: no.code,
            message: no.message,
        }),
    }
}

fn status(status: product::VideoStatus) -> VideoStatus {
    match status {
        product::VideoStatus::Uploading => VideoStatus::Uploading,
        product::VideoStatus::Processing => VideoStatus::Processing,
        product::VideoStatus::Published => VideoStatus::Published,
        product::VideoStatus::Rejected => VideoStatus::Rejected,
        product::VideoStatus::Failed => VideoStatus::Failed,
    }
}

fn playback(rooms: &Rooms, video: VideoId, manifest: &str) -> Option<Playback> {
    let manifest: MediaManifest = serde_json::from_str(manifest)
        .inspect_err(|error| tracing::error!(%video, %error, "stored manifest does not read"))
        .ok()?;
    let folder = BlobKey::parse(&format!("v/{video}")).ok()?;
    let expires_ms = rooms.now_ms().max(0) as u64 + rooms.parts.media_link_ms;
    let base = rooms.parts.signer.sign_prefix(&folder, expires_ms);
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

/// Counters are never negative; a broken one shows as none.
fn unsigned(count: i64) -> u64 {
    count.try_into().unwrap_or(0)
}
