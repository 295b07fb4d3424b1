//! What is counted: the entities of an impression, and their pairs. One table for observing and for extracting.

use types::Region;

use crate::facts::{Context, TOPICS_MAX, Trait, VideoFacts, ViewerFacts};

/// One thing with a counter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity {
    Viewer = 0,
    Video = 1,
    Creator = 2,
    Sound = 3,
    Topic = 4,
    /// The video's second topic; it shares the counters of [`Entity::Topic`].
    SecondTopic = 5,
    Surface = 6,
    Length = 7,
    Hour = 8,
    Format = 9,
    Category = 10,
    /// Where the video's creator seemed to be.
    Region = 11,
}

/// How many entities an impression has.
pub const ENTITIES: usize = 12;

impl Entity {
    pub const ALL: [Self; ENTITIES] = [
        Self::Viewer,
        Self::Video,
        Self::Creator,
        Self::Sound,
        Self::Topic,
        Self::SecondTopic,
        Self::Surface,
        Self::Length,
        Self::Hour,
        Self::Format,
        Self::Category,
        Self::Region,
    ];

    /// The entity's name in the registry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Video => "video",
            Self::Creator => "creator",
            Self::Sound => "sound",
            Self::Topic => "topic",
            Self::SecondTopic => "topic2",
            Self::Surface => "surface",
            Self::Length => "length",
            Self::Hour => "hour",
            Self::Format => "format",
            Self::Category => "category",
            Self::Region => "region",
        }
    }

    /// Whose counters are used.
    const fn kind(self) -> u8 {
        match self {
            Self::SecondTopic => Self::Topic as u8,
            other => other as u8,
        }
    }
}

/// One pair with a counter of its own. Its rates are read as a lift over those of its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cross {
    pub name: &'static str,
    pub parent: Entity,
    pub parts: (Part, Part),
}

/// One side of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Entity(Entity),
    Trait(Trait),
    /// A quarter of the day by the hour / 3: coarser than [`Entity::Hour`].
    Daypart,
    /// Surface and length group together.
    SurfaceLength,
    /// Where the viewer seems to be.
    ViewerRegion,
}

const fn cross(name: &'static str, parent: Entity, other: Part) -> Cross {
    Cross {
        name,
        parent,
        parts: (Part::Entity(parent), other),
    }
}

/// How many pairs an impression has.
pub const CROSSES: usize = 23;

/// The pairs, in the registry's order.
pub const CROSS_TABLE: [Cross; CROSSES] = [
    cross("viewer_creator", Entity::Viewer, Part::Entity(Entity::Creator)),
    cross("viewer_topic", Entity::Viewer, Part::Entity(Entity::Topic)),
    cross("viewer_length", Entity::Viewer, Part::Entity(Entity::Length)),
    cross("viewer_surface", Entity::Viewer, Part::Entity(Entity::Surface)),
    cross("viewer_sound", Entity::Viewer, Part::Entity(Entity::Sound)),
    cross("viewer_format", Entity::Viewer, Part::Entity(Entity::Format)),
    cross("viewer_video", Entity::Viewer, Part::Entity(Entity::Video)),
    cross("viewer_daypart", Entity::Viewer, Part::Daypart),
    cross("viewer_surface_length", Entity::Viewer, Part::SurfaceLength),
    cross("video_surface", Entity::Video, Part::Entity(Entity::Surface)),
    cross("creator_surface", Entity::Creator, Part::Entity(Entity::Surface)),
    cross("topic_surface", Entity::Topic, Part::Entity(Entity::Surface)),
    cross("length_surface", Entity::Length, Part::Entity(Entity::Surface)),
    cross("topic_length", Entity::Topic, Part::Entity(Entity::Length)),
    cross("video_activity", Entity::Video, Part::Trait(Trait::Activity)),
    cross("creator_activity", Entity::Creator, Part::Trait(Trait::Activity)),
    cross("topic_activity", Entity::Topic, Part::Trait(Trait::Activity)),
    cross("video_tenure", Entity::Video, Part::Trait(Trait::Tenure)),
    cross("video_following", Entity::Video, Part::Trait(Trait::Following)),
    cross("video_daypart", Entity::Video, Part::Daypart),
    cross("viewer_category", Entity::Viewer, Part::Entity(Entity::Category)),
    cross("viewer_region", Entity::Viewer, Part::Entity(Entity::Region)),
    cross("region_viewer_region", Entity::Region, Part::ViewerRegion),
];

/// The first pair of the registry that stands behind the older features in a row.
pub(crate) const CROSSES_FIRST: usize = 20;
/// Kind of the counters of a viewer with each of a video's topics; those of entities and pairs lie below.
const VIEWER_TOPICS: u64 = 1 << 32;

/// Upper bounds of the length groups in seconds; one more group lies above, and group 0 is "unknown".
const LENGTHS_S: [f32; 17] = [
    3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 18.0, 22.0, 30.0, 40.0, 55.0, 60.0, 80.0, 110.0, 160.0, 240.0,
];

/// The length group of a video: 1 to 18; 0 when the length is unknown.
pub fn length_group(duration_ms: i64) -> u64 {
    if duration_ms <= 0 {
        return 0;
    }
    let seconds = duration_ms as f32 / 1_000.0;
    1 + LENGTHS_S.iter().filter(|bound| seconds > **bound).count() as u64
}

/// The ids of an impression's entities and pairs, as keys of counters. None where the id is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keys {
    pub entities: [Option<u64>; ENTITIES],
    pub crosses: [Option<u64>; CROSSES],
    /// The viewer with each of the video's topics: one thing, read together.
    pub topics: [Option<u64>; TOPICS_MAX],
}

impl Keys {
    /// The keys of `video` shown to `viewer`. None of both sides' ids is 0 where it is known.
    pub fn new(viewer: &ViewerFacts, video: &VideoFacts, context: &Context) -> Self {
        let ids = Ids {
            viewer,
            video,
            context,
        };
        Self {
            entities: Entity::ALL
                .map(|entity| ids.entity(entity).map(|id| mix(u64::from(entity.kind()), id, 0))),
            crosses: std::array::from_fn(|at| {
                let (a, b) = CROSS_TABLE[at].parts;
                Some(mix(64 + at as u64, ids.part(a)?, ids.part(b)?))
            }),
            topics: video
                .topics
                .map(|topic| (topic != 0).then(|| mix(VIEWER_TOPICS, viewer.viewer.raw(), topic))),
        }
    }

    /// The keys of all pairs.
    pub fn pairs(&self) -> impl Iterator<Item = u64> {
        self.crosses.into_iter().chain(self.topics).flatten()
    }

    /// The viewer's counter alone.
    pub fn viewer(viewer: &ViewerFacts) -> u64 {
        mix(u64::from(Entity::Viewer.kind()), viewer.viewer.raw(), 0)
    }
}

struct Ids<'a> {
    viewer: &'a ViewerFacts,
    video: &'a VideoFacts,
    context: &'a Context,
}

impl Ids<'_> {
    fn entity(&self, entity: Entity) -> Option<u64> {
        let some = |id: u64| (id != 0).then_some(id);
        match entity {
            Entity::Viewer => Some(self.viewer.viewer.raw()),
            Entity::Video => Some(self.video.video.raw()),
            Entity::Creator => Some(self.video.creator.raw()),
            Entity::Sound => self.video.sound.map(|sound| sound.raw()),
            Entity::Topic => some(self.video.topics[0]),
            Entity::SecondTopic => some(self.video.topics[1]),
            Entity::Surface => self.context.surface.map(u64::from),
            Entity::Length => some(length_group(self.video.duration_ms)),
            Entity::Hour => self.context.hour.map(u64::from),
            Entity::Format => some(self.video.format),
            Entity::Category => self.video.category.map(|category| u64::from(category.number())),
            Entity::Region => self.video.region.map(number),
        }
    }

    fn part(&self, part: Part) -> Option<u64> {
        match part {
            Part::Entity(entity) => self.entity(entity),
            Part::Trait(which) => Some(self.viewer.of(which)).filter(|bucket| *bucket != 0),
            Part::ViewerRegion => self.viewer.region.map(number),
            Part::Daypart => self.context.hour.map(|hour| u64::from(hour / 3)),
            Part::SurfaceLength => {
                Some(u64::from(self.context.surface?) << 8 | length_group(self.video.duration_ms))
            }
        }
    }
}

/// A region as a number, never 0.
pub(crate) fn number(region: Region) -> u64 {
    u64::from(u16::from_be_bytes(region.bytes()))
}

/// Folds a kind and two ids to 64 bits. Two different triples share a key with a chance of 2⁻⁶⁴ a pair.
fn mix(kind: u64, a: u64, b: u64) -> u64 {
    let step = |hash: u64, value: u64| {
        let mut x = (hash ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    step(step(step(0, kind), a), b)
}
