//! Id features: what the embedding table is asked for.

use crate::entity::{length_group, number};
use crate::facts::{Context, Trait, VideoFacts, ViewerFacts};
use crate::registry::Side;
use crate::ring::Ring;

/// Long-viewed videos of the viewer that a row names.
pub const RECENT_MAX: usize = 16;

/// One kind of id feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdSlot {
    /// Number in rows, records and keys; never reused.
    pub slot: u16,
    pub name: &'static str,
    pub side: Side,
    /// The slot whose rows it shares, when it names several things of that kind.
    pub of: Option<u16>,
    pub description: &'static str,
}

/// The slots' numbers.
pub mod slot {
    pub const VIEWER: u16 = 1;
    pub const VIDEO: u16 = 2;
    pub const CREATOR: u16 = 3;
    pub const SOUND: u16 = 4;
    pub const TOPIC: u16 = 5;
    pub const CATEGORY: u16 = 6;
    pub const SURFACE: u16 = 7;
    pub const LENGTH: u16 = 8;
    pub const HOUR: u16 = 9;
    pub const FORMAT: u16 = 10;
    pub const VIEWER_REGION: u16 = 11;
    pub const VIDEO_REGION: u16 = 12;
    pub const SURFACE_LENGTH: u16 = 13;
    pub const RECENT_VIDEO: u16 = 14;
    pub const RECENT_CREATOR: u16 = 15;
    /// The first of the traits' slots, by [`crate::Trait`].
    pub const TRAITS: u16 = 16;
}

const fn id(slot: u16, name: &'static str, side: Side, description: &'static str) -> IdSlot {
    IdSlot {
        slot,
        name,
        side,
        of: None,
        description,
    }
}

const fn of_trait(which: Trait) -> IdSlot {
    id(
        slot::TRAITS + which as u16,
        which.name(),
        Side::Viewer,
        "bucket of what the account is known for",
    )
}

/// All id features.
pub const ID_SLOTS: [IdSlot; 23] = [
    id(slot::VIEWER, "viewer", Side::Viewer, "who watches"),
    id(slot::VIDEO, "video", Side::Video, "what is shown"),
    id(slot::CREATOR, "creator", Side::Video, "who made it"),
    id(slot::SOUND, "sound", Side::Video, "the sound it uses"),
    id(slot::TOPIC, "topic", Side::Video, "its hashtags, up to three"),
    id(
        slot::CATEGORY,
        "category",
        Side::Video,
        "the category its creator chose",
    ),
    id(slot::SURFACE, "surface", Side::Viewer, "which page of the client"),
    id(slot::LENGTH, "length", Side::Video, "its group of lengths"),
    id(slot::HOUR, "hour", Side::Viewer, "hour of the viewer's day"),
    id(slot::FORMAT, "format", Side::Video, "how it was made"),
    id(
        slot::VIEWER_REGION,
        "viewer_region",
        Side::Viewer,
        "where the viewer seems to be",
    ),
    id(
        slot::VIDEO_REGION,
        "video_region",
        Side::Video,
        "where its creator seemed to be",
    ),
    id(
        slot::SURFACE_LENGTH,
        "surface_length",
        Side::Pair,
        "page and group of lengths together",
    ),
    IdSlot {
        slot: slot::RECENT_VIDEO,
        name: "recent_video",
        side: Side::Viewer,
        of: Some(slot::VIDEO),
        description: "the last videos the viewer watched long, up to 16",
    },
    IdSlot {
        slot: slot::RECENT_CREATOR,
        name: "recent_creator",
        side: Side::Viewer,
        of: Some(slot::CREATOR),
        description: "their creators",
    },
    of_trait(Trait::Activity),
    of_trait(Trait::Resting),
    of_trait(Trait::Streamer),
    of_trait(Trait::Creator),
    of_trait(Trait::Following),
    of_trait(Trait::Followers),
    of_trait(Trait::Friends),
    of_trait(Trait::Tenure),
];

/// Appends the ids of the viewer's side.
pub(crate) fn viewer(
    viewer: &ViewerFacts,
    context: &Context,
    ring: Option<&Ring>,
    out: &mut Vec<(u16, u64)>,
) {
    out.push((slot::VIEWER, viewer.viewer.raw()));
    if let Some(surface) = context.surface {
        out.push((slot::SURFACE, u64::from(surface)));
    }
    if let Some(hour) = context.hour {
        out.push((slot::HOUR, u64::from(hour)));
    }
    if let Some(region) = viewer.region {
        out.push((slot::VIEWER_REGION, number(region)));
    }
    for which in Trait::ALL {
        if viewer.of(which) != 0 {
            out.push((slot::TRAITS + which as u16, viewer.of(which)));
        }
    }
    let liked = ring
        .into_iter()
        .flat_map(Ring::newest)
        .filter(|seen| seen.outcome.long_view);
    for seen in liked.take(RECENT_MAX) {
        out.push((slot::RECENT_VIDEO, seen.video));
        out.push((slot::RECENT_CREATOR, seen.creator));
    }
}

/// Appends the ids of a candidate.
pub(crate) fn video(video: &VideoFacts, context: &Context, out: &mut Vec<(u16, u64)>) {
    out.push((slot::VIDEO, video.video.raw()));
    out.push((slot::CREATOR, video.creator.raw()));
    if let Some(sound) = video.sound {
        out.push((slot::SOUND, sound.raw()));
    }
    out.extend(
        video
            .topics
            .iter()
            .filter(|topic| **topic != 0)
            .map(|topic| (slot::TOPIC, *topic)),
    );
    if let Some(category) = video.category {
        out.push((slot::CATEGORY, category as u64));
    }
    let group = length_group(video.duration_ms);
    out.push((slot::LENGTH, group));
    if video.format != 0 {
        out.push((slot::FORMAT, video.format));
    }
    if let Some(region) = video.region {
        out.push((slot::VIDEO_REGION, number(region)));
    }
    if let Some(surface) = context.surface {
        out.push((slot::SURFACE_LENGTH, u64::from(surface) << 8 | group));
    }
}
