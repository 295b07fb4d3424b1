//! From the rooms' values to wire shapes. Nothing is read or decided; media links are signed in [`crate::links`].

use api::{Creator, Rejection, Sound, UserViewer, VideoStatus, VideoViewer};
use product::{CardFace, Comment, Paged, Profile, VideoCard};
use types::VideoId;

use crate::parts::Rooms;

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

pub(crate) fn video(rooms: &Rooms, card: &VideoCard) -> api::Video {
    let CardFace {
        video,
        creator_username,
        creator_display_name,
    } = &*card.face;
    api::Video {
        id: video.id,
        status: status(video.status),
        progress: video.progress as f32,
        caption: video.caption.clone(),
        hashtags: video.hashtags.clone(),
        category: video.facets.category.map(|category| category.to_string()),
        duration_ms: video.duration_ms,
        width: video.width.try_into().unwrap_or(0),
        height: video.height.try_into().unwrap_or(0),
        created_at_ms: video.created_at_ms,
        published_at_ms: video.published_at_ms,
        creator: Creator {
            id: video.creator,
            username: creator_username.clone(),
            display_name: creator_display_name.clone(),
            following: card.following,
        },
        sound: video.facets.sound.map(|id| Sound { id, title: None }),
        counts: video_counts(rooms, video.id, card.counts),
        viewer: VideoViewer {
            liked: card.liked,
            saved: card.saved,
        },
        playback: rooms.links.playback(rooms, &card.face),
        rejection: video.rejection.as_ref().map(|no| Rejection {
            code: no.code.clone(),
            message: no.message.clone(),
        }),
        adults_only: video.flags.adults_only,
        hidden: video.flags.hidden,
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

/// Counters are never negative; a broken one shows as none.
fn unsigned(count: i64) -> u64 {
    count.try_into().unwrap_or(0)
}
