//! The records themselves: plain values, no bytes.

use std::sync::Arc;

use types::{
    Category, ContentVector, DurationMs, ImpressionId, Region, SoundId, TimestampMs, UserId, VideoId,
    ViewerId,
};

use crate::example::Example;
use crate::pool::PoolChange;
use crate::receipt::Receipt;
use crate::topic;
use crate::wish::Wish;

/// Anything the log holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Signal(Signal),
    Action(Action),
    Served(ServedSlate),
    Video(VideoChange),
    Example(Example),
    Pool(PoolChange),
    Wish(Wish),
}

impl Event {
    /// The topic this record belongs to (see [`crate::topic`]).
    pub fn topic(&self) -> u8 {
        match self {
            Self::Signal(signal) => signal.topic(),
            Self::Action(_) => topic::ACTIONS,
            Self::Served(_) => topic::SERVED,
            Self::Video(_) => topic::VIDEOS,
            Self::Example(_) => topic::EXAMPLES,
            Self::Pool(_) => topic::POOLS,
            Self::Wish(_) => topic::VIEWS,
        }
    }
}

/// One playing session of one viewer on one device, folded to 64 bits. With the viewer it names a producer,
/// whose sequence numbers start at 1 and grow by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub u64);

impl SessionKey {
    /// Folds the client's session text (FNV-1a, 64 bit); stable for ever.
    pub fn of(text: &str) -> Self {
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
    }
}

/// What a device noticed. A missing signal means unknown, never a skip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    pub viewer: ViewerId,
    pub session: SessionKey,
    /// From 1, one more for each event of the session: a gap is a loss, a repeat is a resend.
    pub sequence: u64,
    /// The device's clock, kept as it came.
    pub at_ms: TimestampMs,
    /// Our clock when the batch arrived.
    pub received_ms: TimestampMs,
    pub video: Option<VideoId>,
    /// The feed item this belongs to; none when watched from a profile or a link.
    pub impression: Option<ImpressionId>,
    /// Where the device seems to be, as the door could tell.
    pub region: Option<Region>,
    pub kind: SignalKind,
}

impl Signal {
    /// The topic this signal belongs to.
    pub fn topic(&self) -> u8 {
        match self.kind {
            SignalKind::Heartbeat | SignalKind::Context => topic::CONTEXT,
            _ => topic::VIEWS,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SignalKind {
    /// The video was on screen with a picture.
    Impression,
    /// The viewer left the video. Every watch is a view.
    Watch {
        watch_ms: DurationMs,
        /// The end was reached at least once.
        ended: bool,
        loops: u32,
    },
    /// It started over.
    Loop,
    /// Left early, at this position.
    Skip {
        position_ms: DurationMs,
    },
    Heartbeat,
    Context,
    /// Said from the player's menu.
    NotInterested,
    /// Taken back from the player's menu.
    NotInterestedUndo,
}

/// What a person did on purpose. It is a row in the metastore first; this record left through the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The outbox row it came through; grows within a partition, so a consumer recognises a repeat. 0 until stamped.
    pub outbox_id: u64,
    pub actor: UserId,
    pub at_ms: TimestampMs,
    pub kind: ActionKind,
    pub video: Option<VideoId>,
    /// Who is followed, or who made the video.
    pub target: Option<UserId>,
    /// See [`Signal::region`].
    pub region: Option<Region>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    Like,
    Unlike,
    Comment,
    Share,
    Save,
    Unsave,
    Follow,
    Unfollow,
    NotInterested,
    Report,
    NotInterestedUndo,
    /// The target is not shown to the actor, nor the actor to the target.
    Block,
    Unblock,
    /// The same fact, told of the one who was blocked: the target blocked the actor.
    BlockedBy,
    UnblockedBy,
}

/// One answer of the feed: what was shown where, why, and with what probability.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedSlate {
    pub viewer: ViewerId,
    pub at_ms: TimestampMs,
    pub items: Vec<ServedItem>,
    /// Why each of the items stands there, in their order; none in records from before version 5.
    pub receipts: Vec<Receipt>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ServedItem {
    pub impression: ImpressionId,
    pub video: VideoId,
    /// The video's length as it was known when served; 0 when it was not.
    pub duration_ms: DurationMs,
    pub position: u16,
    pub source: Source,
    pub score: f32,
    /// The probability with which the policy put this video at this position.
    pub propensity: f32,
    /// Id features, (slot, id), exactly as the scorer saw them.
    pub ids: Vec<(u16, u64)>,
    /// Numeric features, (slot, value), exactly as the scorer saw them; those at their defaults may be left out.
    pub features: Vec<(u16, f32)>,
}

/// Which candidate source found a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    Fresh,
    Popular,
    Interest,
    Following,
    /// Drawn to explore, by what it may be worth.
    Explore,
    /// Drawn evenly from all that the viewer may see: the yardstick that no opinion bends.
    Uniform,
    /// Near the viewer among vectors learned from what people watch.
    Collaborative,
    /// Like what the viewer liked, by picture, sound and words.
    Content,
    /// Liked by those whom the viewer follows.
    Social,
    /// On a list of what is rising, for a region, a category or everybody.
    Trending,
    /// Put first by those who look after the house.
    Pinned,
}

impl Source {
    /// Ever longer: a source's place is its number in the log.
    pub const ALL: [Self; 11] = [
        Self::Fresh,
        Self::Popular,
        Self::Interest,
        Self::Following,
        Self::Explore,
        Self::Uniform,
        Self::Collaborative,
        Self::Content,
        Self::Social,
        Self::Trending,
        Self::Pinned,
    ];

    /// Stable, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Popular => "popular",
            Self::Interest => "interest",
            Self::Following => "following",
            Self::Explore => "explore",
            Self::Uniform => "uniform",
            Self::Collaborative => "collaborative",
            Self::Content => "content",
            Self::Social => "social",
            Self::Trending => "trending",
            Self::Pinned => "pinned",
        }
    }
}

/// A step in a video's life that others follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoChange {
    Published {
        /// See [`Action::outbox_id`].
        outbox_id: u64,
        video: VideoId,
        creator: UserId,
        published_ms: TimestampMs,
        duration_ms: DurationMs,
        hashtags: Vec<String>,
        sound: Option<SoundId>,
        category: Option<Category>,
        /// Where its creator seemed to be.
        region: Option<Region>,
        /// What it is about; none until that is known.
        content: Option<Arc<ContentVector>>,
        /// The video that was here first, if this one is nearly the same.
        original: Option<VideoId>,
        /// As its creator wrote it; a long one is cut to 255 bytes. Empty in records from before version 5.
        caption: String,
    },
    /// What a published video is about, known later or anew.
    Described {
        outbox_id: u64,
        video: VideoId,
        at_ms: TimestampMs,
        content: Option<Arc<ContentVector>>,
        original: Option<VideoId>,
    },
    Removed {
        outbox_id: u64,
        video: VideoId,
        at_ms: TimestampMs,
    },
    /// What keeps a video from people from now on. Of a video with any such flag it comes before [`VideoChange::Published`], so that nobody
    /// finds it without.
    Flagged {
        outbox_id: u64,
        video: VideoId,
        at_ms: TimestampMs,
        /// Out of every feed and list, by an admin.
        hidden: bool,
        /// For people of age only.
        adults_only: bool,
    },
}

impl VideoChange {
    /// See [`Action::outbox_id`].
    pub const fn outbox_id(&self) -> u64 {
        match self {
            Self::Published { outbox_id, .. }
            | Self::Described { outbox_id, .. }
            | Self::Removed { outbox_id, .. }
            | Self::Flagged { outbox_id, .. } => *outbox_id,
        }
    }

    pub const fn video(&self) -> VideoId {
        match self {
            Self::Published { video, .. }
            | Self::Described { video, .. }
            | Self::Removed { video, .. }
            | Self::Flagged { video, .. } => *video,
        }
    }
}
