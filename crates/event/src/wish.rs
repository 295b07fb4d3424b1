//! What a viewer asks of the feed, whether they have an account or not.

use types::{Category, SoundId, TimestampMs, UserId, ViewerId};

/// One wish. It holds from its time on, until another takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub viewer: ViewerId,
    /// Our clock when it was said.
    pub at_ms: TimestampMs,
    pub kind: WishKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WishKind {
    /// Less or more of something, or as it comes.
    Lean {
        of: Subject,
        to: Leaning,
    },
    /// A creator's videos are not shown, or are again.
    Mute {
        creator: UserId,
        muted: bool,
    },
    /// Videos whose caption or hashtags hold one of these are not shown. The whole list, as typed.
    MutedWords(Vec<String>),
    /// What the viewer says they like. The whole list.
    Interests {
        /// Lower case, without `#`.
        hashtags: Vec<String>,
        categories: Vec<Category>,
    },
    Mode(FeedMode),
    /// Forget what was learned: from now on the feed treats the viewer as new, except that what was seen stays seen.
    Reset,
}

/// What a viewer can ask less or more of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Lower case, without `#`.
    Hashtag(String),
    Creator(UserId),
    Sound(SoundId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaning {
    Less,
    /// Takes a former one back.
    Neutral,
    More,
}

/// How personal the feed is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FeedMode {
    /// It follows what the viewer watches.
    #[default]
    Personal,
    /// It is made from the interests as they are, and learns no more.
    Frozen,
    /// It is the same for everyone in a region, and learns nothing.
    NonPersonal,
}
