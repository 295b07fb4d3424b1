//! One viewer: what was seen and served, which way the viewer leans, what they asked for. It knows no table and no bytes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use event::FeedMode;
use types::{TimestampMs, UserId, VideoId};

use super::wishes::Wishes;
use crate::hashing::IdHashing;
use crate::positives::Positives;

/// Videos remembered as seen by one viewer; beyond it the oldest may be shown again.
pub const SEEN_MAX: usize = 50_000;
/// Served videos remembered for one viewer, so that pages of one sitting never repeat.
pub const SERVED_MAX: usize = 1_000;
/// Hashtags, and as many creators, remembered as tastes of one viewer.
pub const TASTES_MAX: usize = 200;
/// A taste halves in this time.
pub const TASTE_HALF_LIFE_MS: f32 = 14.0 * 86_400_000.0;
const TASTE_LIMIT: f32 = 8.0;
/// Watches kept to name as reasons.
pub const RECENT_MAX: usize = 100;
/// Slates whose place in the log is remembered: receipts of what was served in them can be read.
pub const SLATES_MAX: usize = 100;
/// Deeds kept for a reset that is read late.
const DEEDS_MAX: usize = 32;

/// A leaning towards (positive) or away from (negative) something, fading with time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Taste {
    pub(super) weight: f32,
    pub(super) at_ms: TimestampMs,
}

impl Taste {
    /// The leaning as of `now_ms`, within ±8.
    pub fn at(&self, now_ms: TimestampMs) -> f32 {
        self.weight * (-((now_ms - self.at_ms).max(0) as f32) / TASTE_HALF_LIFE_MS).exp2()
    }

    /// Adds `amount` as of `at_ms`.
    pub fn add(&mut self, amount: f32, at_ms: TimestampMs) {
        let at_ms = at_ms.max(self.at_ms);
        self.weight = (self.at(at_ms) + amount).clamp(-TASTE_LIMIT, TASTE_LIMIT);
        self.at_ms = at_ms;
    }
}

/// A watch, as far as it may be named as a reason later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    pub at_ms: TimestampMs,
    pub video: VideoId,
    /// Watched to the end, or nearly.
    pub finished: bool,
}

/// Something done on purpose that moved tastes: kept for a while, because a reset may be read after it that was said before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deed {
    pub at_ms: TimestampMs,
    pub video: VideoId,
    pub amount: f32,
}

/// One viewer.
#[derive(Debug, Clone, Default)]
pub struct ViewerState {
    pub(super) seen: HashMap<VideoId, TimestampMs, IdHashing>,
    /// Seen since the last commit; the file learns them then.
    pub(super) seen_unsaved: Vec<VideoId>,
    /// Forgotten since the last commit; so does the file then.
    pub(super) seen_dropped: Vec<VideoId>,
    pub(super) served: VecDeque<(TimestampMs, VideoId)>,
    pub hashtags: HashMap<Arc<str>, Taste>,
    pub creators: HashMap<UserId, Taste>,
    /// Whom the viewer follows, and since when; changed by [`Self::follow`] and [`Self::unfollow`].
    pub following: HashMap<UserId, TimestampMs>,
    /// Counts the changes of the field above, in memory alone.
    pub(super) follow_changes: u32,
    /// Said "not interested" or reported.
    pub hidden: HashSet<VideoId>,
    /// Watches so far, or since the last reset.
    pub watches: u64,
    /// The last watches, oldest first.
    pub recent: VecDeque<Watched>,
    /// What the viewer liked: the last videos, and a draw of those before.
    pub positives: Positives,
    /// What the viewer asked for.
    pub wishes: Arc<Wishes>,
    /// Where the last slates stand in the log: when, and the offset in the viewer's partition.
    pub(super) slates: VecDeque<(TimestampMs, u64)>,
    pub(super) deeds: VecDeque<Deed>,
    pub(super) touched_ms: TimestampMs,
}

impl ViewerState {
    /// Notes that the viewer follows `creator` since `at_ms`.
    pub fn follow(&mut self, creator: UserId, at_ms: TimestampMs) {
        self.following.insert(creator, at_ms);
        self.follow_changes = self.follow_changes.wrapping_add(1);
    }

    /// Notes that the viewer does not follow `creator`.
    pub fn unfollow(&mut self, creator: UserId) {
        self.following.remove(&creator);
        self.follow_changes = self.follow_changes.wrapping_add(1);
    }

    /// Another number whenever whom the viewer follows may have changed since this state was read.
    pub(crate) fn follow_changes(&self) -> u32 {
        self.follow_changes
    }

    pub fn has_seen(&self, video: VideoId) -> bool {
        self.seen.contains_key(&video)
    }

    /// What was liked, saved, shared or commented on lately, newest first, each once; at most as many as deeds are kept.
    pub fn liked(&self) -> impl Iterator<Item = VideoId> + '_ {
        let good = |at: usize| self.deeds.get(at).filter(|deed| deed.amount > 0.0);
        let is_last = move |at: &usize| {
            let newer = at + 1..self.deeds.len();
            good(*at).is_some_and(|deed| {
                newer
                    .into_iter()
                    .all(|other| self.deeds[other].video != deed.video)
            })
        };
        (0..self.deeds.len())
            .rev()
            .filter(is_last)
            .filter_map(move |at| Some(good(at)?.video))
    }

    pub fn seen_count(&self) -> usize {
        self.seen.len()
    }

    pub fn see(&mut self, video: VideoId, at_ms: TimestampMs) {
        if self.seen.insert(video, at_ms).is_none() {
            self.seen_unsaved.push(video);
        }
        if self.seen.len() > SEEN_MAX + SEEN_MAX / 10 {
            let mut ages: Vec<TimestampMs> = self.seen.values().copied().collect();
            let (_, &mut cut, _) = ages.select_nth_unstable(SEEN_MAX / 10);
            let dropped = self.seen.extract_if(|_, at_ms| *at_ms < cut);
            self.seen_dropped.extend(dropped.map(|(video, _)| video));
        }
    }

    /// Notes that a feed answer of `at_ms` held `video`.
    pub fn serve(&mut self, video: VideoId, at_ms: TimestampMs) {
        if self
            .served
            .iter()
            .rev()
            .any(|&(at, served)| served == video && at == at_ms)
        {
            return;
        }
        self.served.push_back((at_ms, video));
        if self.served.len() > SERVED_MAX {
            self.served.pop_front();
        }
    }

    /// The videos served at or after `from_ms`.
    pub fn served_since(&self, from_ms: TimestampMs) -> HashSet<VideoId> {
        self.served
            .iter()
            .filter(|(at_ms, _)| *at_ms >= from_ms)
            .map(|&(_, video)| video)
            .collect()
    }

    /// The last `count` videos served at or after `from_ms`, the last one last.
    pub fn served_latest(&self, from_ms: TimestampMs, count: usize) -> Vec<VideoId> {
        let since = self
            .served
            .iter()
            .filter(|(at_ms, _)| *at_ms >= from_ms)
            .map(|&(_, video)| video);
        let mut latest: Vec<VideoId> = since.collect();
        latest.split_off(latest.len().saturating_sub(count))
    }

    /// Adds to the taste for a video's hashtags (shared among them) and for its creator.
    /// Nothing changes while the viewer wants nothing learned, or for what was before a reset.
    pub fn lean(&mut self, hashtags: &[Arc<str>], creator: UserId, amount: f32, at_ms: TimestampMs) {
        if !self.learns(at_ms) {
            return;
        }
        let each = amount / (hashtags.len().max(1) as f32).sqrt();
        for hashtag in hashtags {
            self.hashtags.entry(hashtag.clone()).or_default().add(each, at_ms);
        }
        self.creators.entry(creator).or_default().add(amount, at_ms);
        forget_faint(&mut self.hashtags, at_ms);
        forget_faint(&mut self.creators, at_ms);
    }

    /// Whether what happened at `at_ms` may change what is known of the viewer's tastes.
    pub fn learns(&self, at_ms: TimestampMs) -> bool {
        self.wishes.mode == FeedMode::Personal && (self.wishes.reset_ms == 0 || at_ms > self.wishes.reset_ms)
    }

    /// Notes a watch.
    pub fn watched(&mut self, watched: Watched) {
        if !self.learns(watched.at_ms) {
            return;
        }
        self.watches += 1;
        self.recent.push_back(watched);
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    /// Notes something that moved tastes and that may have to be done again after a reset.
    pub fn did(&mut self, deed: Deed) {
        self.deeds.push_back(deed);
        if self.deeds.len() > DEEDS_MAX {
            self.deeds.pop_front();
        }
    }

    /// Forgets what was learned up to `at_ms`, and answers what was done on purpose after it, to be leaned to again. What was seen stays
    /// seen, what is hidden, muted or blocked stays so, and so does whom the viewer follows.
    pub fn reset(&mut self, at_ms: TimestampMs) -> Vec<Deed> {
        let wishes = Arc::make_mut(&mut self.wishes);
        if at_ms <= wishes.reset_ms {
            return Vec::new();
        }
        wishes.reset(at_ms);
        self.hashtags.clear();
        self.creators.clear();
        self.positives.reset(at_ms);
        self.recent.retain(|watched| watched.at_ms > at_ms);
        self.watches = self.recent.len() as u64;
        self.deeds.retain(|deed| deed.at_ms > at_ms);
        self.deeds.iter().copied().collect()
    }

    /// Changes what the viewer asked for.
    pub fn wish(&mut self, change: impl FnOnce(&mut Wishes)) {
        change(Arc::make_mut(&mut self.wishes));
    }

    /// Notes where a slate stands in the log.
    pub fn served_at(&mut self, at_ms: TimestampMs, offset: u64) {
        if self.slates.iter().any(|&(_, known)| known == offset) {
            return;
        }
        self.slates.push_back((at_ms, offset));
        if self.slates.len() > SLATES_MAX {
            self.slates.pop_front();
        }
    }

    /// Offsets of the last slates in the viewer's partition of the served topic, newest first.
    pub fn slates(&self) -> impl Iterator<Item = u64> + '_ {
        self.slates.iter().rev().map(|&(_, offset)| offset)
    }
}

fn forget_faint<K: Clone + Ord + std::hash::Hash>(tastes: &mut HashMap<K, Taste>, now_ms: TimestampMs) {
    if tastes.len() <= TASTES_MAX + TASTES_MAX / 4 {
        return;
    }
    let strength = |taste: &Taste| taste.at(now_ms).abs();
    let mut all: Vec<(f32, K)> = tastes
        .iter()
        .map(|(key, taste)| (strength(taste), key.clone()))
        .collect();
    // The key breaks ties, so that a replay forgets the same ones.
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    for (_, key) in &all[..all.len() - TASTES_MAX] {
        tastes.remove(key);
    }
}
