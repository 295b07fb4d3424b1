//! The trending lists as last made. Making them is the `activity` job's part; nothing is scored here.

use std::collections::HashMap;
use std::sync::Arc;

use types::{Category, Region, SoundId, TimestampMs, VideoId};

use crate::entity::Entity;
use crate::trends::Usage;

/// Videos of one list.
pub const TRENDING_MAX: usize = 100;
/// Hashtags, and as many sounds, in the lists of what is used most.
pub const USED_MAX: usize = 100;

/// Which videos compete in a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Global,
    /// By what viewers of the region do, wherever the video is from.
    Region(Region),
    Category(Category),
    /// Lower case, without `#`.
    Hashtag(Arc<str>),
    Sound(SoundId),
}

/// A video in a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    pub video: VideoId,
    pub score: f64,
    /// Within the last hour, in the list's scope.
    pub views: u64,
}

/// How often something was used this hour and in the whole hour before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used<T> {
    pub what: T,
    pub this_hour: Usage,
    pub hour_before: Usage,
}

/// Topics that rise at one time, at most.
pub const RISING_MAX: usize = 50;

/// A topic that draws far more interest than it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Rising {
    /// A hashtag, a sound or a category.
    pub what: Entity,
    /// When it was found to rise.
    pub since_ms: TimestampMs,
    /// Its interest by what was to be expected, at least 1.
    pub lift: f32,
    /// Interest in the last minute: completions, likes, comments, shares, saves.
    pub per_minute: u32,
    /// By how many viewers within the last minutes, about; a lower bound above 200.
    pub viewers: u32,
}

/// All lists, made at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trending {
    /// When they were made; 0 before the first time.
    pub as_of_ms: TimestampMs,
    /// Best first, at most [`TRENDING_MAX`] each; a scope nobody is in has none.
    pub lists: HashMap<Scope, Vec<Ranked>>,
    /// Most used first, at most [`USED_MAX`].
    pub hashtags: Vec<Used<Arc<str>>>,
    /// As above.
    pub sounds: Vec<Used<SoundId>>,
    /// The strongest rise first, at most [`RISING_MAX`].
    pub rising: Vec<Rising>,
}

impl Trending {
    /// The best of a scope.
    pub fn top(&self, scope: &Scope) -> &[Ranked] {
        self.lists.get(scope).map_or(&[], Vec::as_slice)
    }
}
