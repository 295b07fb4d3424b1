//! What extraction is told: who watches, what is shown, where and when, and what became of it. Plain values; nothing here looks anything up.

use std::sync::Arc;

use types::{Category, DurationMs, Region, SoundId, TimestampMs, UserId, VideoId, ViewerId};

/// Topics of a video that are read; further ones are left out.
pub const TOPICS_MAX: usize = 3;

/// Something an account is known for, as a bucket number whose meaning is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// How often this person comes.
    Activity,
    /// Away for long.
    Resting,
    /// Goes live.
    Streamer,
    /// Uploads videos.
    Creator,
    Following,
    Followers,
    Friends,
    /// Age of the account.
    Tenure,
}

/// How many traits there are.
pub const TRAITS: usize = 8;

impl Trait {
    pub const ALL: [Self; TRAITS] = [
        Self::Activity,
        Self::Resting,
        Self::Streamer,
        Self::Creator,
        Self::Following,
        Self::Followers,
        Self::Friends,
        Self::Tenure,
    ];

    /// The trait's name in the registry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Resting => "resting",
            Self::Streamer => "streamer",
            Self::Creator => "is_creator",
            Self::Following => "following",
            Self::Followers => "followers",
            Self::Friends => "friends",
            Self::Tenure => "tenure",
        }
    }
}

/// Who watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewerFacts {
    pub viewer: ViewerId,
    pub region: Option<Region>,
    /// By [`Trait`]; 0 is unknown.
    pub traits: [u64; TRAITS],
    /// Creators that this person follows, ascending. Read when a row is extracted, and by no counter.
    pub following: Arc<[UserId]>,
}

impl ViewerFacts {
    /// Somebody of whom nothing but the id is known.
    pub fn new(viewer: ViewerId) -> Self {
        Self {
            viewer,
            region: None,
            traits: [0; TRAITS],
            following: Arc::default(),
        }
    }

    /// Whether this person follows a creator.
    pub fn follows(&self, creator: UserId) -> bool {
        self.following.binary_search(&creator).is_ok()
    }

    /// The bucket of a trait; 0 is unknown.
    pub fn of(&self, which: Trait) -> u64 {
        self.traits[which as usize]
    }
}

/// What is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoFacts {
    pub video: VideoId,
    pub creator: UserId,
    pub sound: Option<SoundId>,
    /// Hashtags or tags, folded to numbers, most telling first; 0 is none.
    pub topics: [u64; TOPICS_MAX],
    pub category: Option<Category>,
    /// Where its creator seemed to be.
    pub region: Option<Region>,
    /// How it was made (recorded, imported, pictures …), as a number; 0 is unknown.
    pub format: u64,
    /// 0 is unknown.
    pub duration_ms: DurationMs,
    pub published_ms: Option<TimestampMs>,
    /// Width over height; 0 is unknown.
    pub aspect: f32,
}

impl VideoFacts {
    /// A video of which nothing but the id and the creator is known.
    pub fn new(video: VideoId, creator: UserId) -> Self {
        Self {
            video,
            creator,
            sound: None,
            topics: [0; TOPICS_MAX],
            category: None,
            region: None,
            format: 0,
            duration_ms: 0,
            published_ms: None,
            aspect: 0.0,
        }
    }
}

/// Where and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    pub at_ms: TimestampMs,
    /// Which page of the client: the main feed, a profile, search … None when not known.
    pub surface: Option<u16>,
    /// On the viewer's clock, 0 to 23; None when not known.
    pub hour: Option<u8>,
    /// On the viewer's calendar, 0 is Monday; None when not known.
    pub weekday: Option<u8>,
}

impl Context {
    /// A moment of which nothing but the time is known.
    pub fn at(at_ms: TimestampMs) -> Self {
        Self {
            at_ms,
            surface: None,
            hour: None,
            weekday: None,
        }
    }
}

/// What became of one impression.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// Watched to the end, or long enough.
    pub long_view: bool,
    pub like: bool,
    /// The rest; None when only the above was recorded.
    pub told: Option<Told>,
}

/// What a full record says beside long view and like.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Told {
    /// The viewer turned to it: opened it, or stayed past the first seconds.
    pub open: bool,
    /// Left within two seconds.
    pub skip: bool,
    /// Commented, shared, saved, followed or looked at the creator's page.
    pub engage: bool,
    /// Said "not interested", or reported it.
    pub reject: bool,
    /// Watched time over duration, at most [`Told::RATIO_MAX`]; 0.5 when the duration is unknown.
    pub ratio: f32,
}

impl Told {
    /// Loops beyond this say no more.
    pub const RATIO_MAX: f32 = 3.0;

    /// The ratio of a watch, cut to its range.
    pub fn ratio_of(watch_ms: DurationMs, duration_ms: DurationMs) -> f32 {
        match duration_ms {
            ..=0 => 0.5,
            _ => (watch_ms.max(0) as f32 / duration_ms as f32).min(Self::RATIO_MAX),
        }
    }
}
