//! What a viewer asked of the feed: less and more of something, mutes, blocks, words, interests, and how personal it may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::{FeedMode, Leaning, Subject};
use types::{Category, SoundId, TimestampMs, UserId, ViewerId};

use super::words::WordFilter;
use crate::bytes::{Row, put_i64, put_text, put_u64};

/// Hashtags, and as many creators and sounds, that a viewer can ask less or more of.
pub const LEANINGS_MAX: usize = 200;
/// Creators that a viewer can mute, or block.
pub const MUTED_MAX: usize = 1_000;

/// See the file's header.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    pub mode: FeedMode,
    /// When interests were reset last; 0 is never.
    pub reset_ms: TimestampMs,
    /// True is more, false is less.
    pub hashtags: BTreeMap<Arc<str>, bool>,
    pub creators: BTreeMap<UserId, bool>,
    pub sounds: BTreeMap<SoundId, bool>,
    pub muted: BTreeMap<UserId, TimestampMs>,
    pub blocked: BTreeMap<UserId, TimestampMs>,
    pub blocked_by: BTreeMap<UserId, TimestampMs>,
    /// As typed.
    pub muted_words: Vec<Arc<str>>,
    /// Chosen hashtags.
    pub interests: Vec<Arc<str>>,
    /// Chosen categories.
    pub categories: Vec<Category>,
    /// Made from the muted words.
    pub words: Arc<WordFilter>,
}

impl Wishes {
    /// Less or more of something, or neither. False when there is no room for another.
    pub fn lean(&mut self, of: &Subject, to: Leaning) -> bool {
        match of {
            Subject::Hashtag(hashtag) => put(&mut self.hashtags, Arc::from(hashtag.as_str()), to),
            Subject::Creator(creator) => put(&mut self.creators, *creator, to),
            Subject::Sound(sound) => put(&mut self.sounds, *sound, to),
        }
    }

    /// Mutes, or takes it back. False when there is no room for another.
    pub fn mute(&mut self, creator: UserId, muted: bool, at_ms: TimestampMs) -> bool {
        note(&mut self.muted, creator, muted, at_ms)
    }

    /// Blocks, or takes it back. False when there is no room for another.
    pub fn block(&mut self, other: UserId, blocked: bool, at_ms: TimestampMs) -> bool {
        note(&mut self.blocked, other, blocked, at_ms)
    }

    /// Somebody blocked the viewer, or took it back.
    pub fn block_by(&mut self, other: UserId, blocked: bool, at_ms: TimestampMs) -> bool {
        note(&mut self.blocked_by, other, blocked, at_ms)
    }

    /// Replaces the list of muted words.
    pub fn mute_words(&mut self, words: &[impl AsRef<str>]) {
        self.muted_words = words.iter().map(|word| Arc::from(word.as_ref())).collect();
        self.words = Arc::new(WordFilter::new(&self.muted_words));
    }

    /// Why nothing by this creator may be shown, if so.
    pub fn refuses(&self, creator: UserId) -> Option<&'static str> {
        if self.blocked.contains_key(&creator) {
            Some("blocked")
        } else if self.blocked_by.contains_key(&creator) {
            Some("blocked_by_creator")
        } else if self.muted.contains_key(&creator) {
            Some("muted_creator")
        } else {
            None
        }
    }

    /// Whether nobody is refused.
    pub fn refuses_nobody(&self) -> bool {
        self.blocked.is_empty() && self.blocked_by.is_empty() && self.muted.is_empty()
    }

    /// Whether less or more of anything was asked for.
    pub fn leans(&self) -> bool {
        !(self.hashtags.is_empty() && self.creators.is_empty() && self.sounds.is_empty())
    }

    /// What was asked for a video: less wins over more.
    pub fn leaning<'a>(
        &self,
        creator: UserId,
        sound: Option<SoundId>,
        hashtags: impl Iterator<Item = &'a Arc<str>>,
    ) -> Leaning {
        let of_hashtags = hashtags.filter_map(|hashtag| self.hashtags.get(hashtag));
        let sound = sound.and_then(|sound| self.sounds.get(&sound));
        let all = of_hashtags.chain(self.creators.get(&creator)).chain(sound);
        all.fold(Leaning::Neutral, |so_far, more| match (so_far, more) {
            (Leaning::Less, _) | (_, false) => Leaning::Less,
            _ => Leaning::More,
        })
    }

    /// Who the viewer is to what learns: somebody new after each reset, so that nothing learned before is found again.
    pub fn persona(&self, viewer: ViewerId) -> ViewerId {
        if self.reset_ms == 0 {
            return viewer;
        }
        let mixed = mix(mix(viewer.raw()) ^ self.reset_ms as u64);
        ViewerId::from_raw((mixed >> 1).max(1))
    }

    pub(super) fn reset(&mut self, at_ms: TimestampMs) {
        self.reset_ms = at_ms;
        self.hashtags.clear();
        self.creators.clear();
        self.sounds.clear();
        self.interests.clear();
        self.categories.clear();
    }

    /// A viewer who never asked for anything has no bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if *self == Self::default() {
            return;
        }
        out.push(match self.mode {
            FeedMode::Personal => 0,
            FeedMode::Frozen => 1,
            FeedMode::NonPersonal => 2,
        });
        put_i64(out, self.reset_ms);
        put_u64(out, self.hashtags.len() as u64);
        for (hashtag, more) in &self.hashtags {
            put_text(out, hashtag);
            out.push(u8::from(*more));
        }
        put_map(
            out,
            self.creators
                .iter()
                .map(|(id, more)| (id.raw(), i64::from(*more))),
        );
        put_map(
            out,
            self.sounds.iter().map(|(id, more)| (id.raw(), i64::from(*more))),
        );
        for list in [&self.muted, &self.blocked, &self.blocked_by] {
            put_map(out, list.iter().map(|(id, at_ms)| (id.raw(), *at_ms)));
        }
        put_texts(out, &self.muted_words);
        put_texts(out, &self.interests);
        put_u64(out, self.categories.len() as u64);
        out.extend(self.categories.iter().map(|category| category.number()));
    }

    pub(super) fn read(row: &mut Row<'_>) -> Option<Self> {
        let mut wishes = Self {
            mode: match row.u8()? {
                0 => FeedMode::Personal,
                1 => FeedMode::Frozen,
                2 => FeedMode::NonPersonal,
                _ => return None,
            },
            reset_ms: row.i64()?,
            ..Self::default()
        };
        for _ in 0..row.u64()? {
            wishes.hashtags.insert(Arc::from(row.text()?), row.u8()? != 0);
        }
        take_map(row, |id, more| {
            wishes.creators.insert(UserId::from_raw(id), more != 0)
        })?;
        take_map(row, |id, more| {
            wishes.sounds.insert(SoundId::from_raw(id), more != 0)
        })?;
        for list in [&mut wishes.muted, &mut wishes.blocked, &mut wishes.blocked_by] {
            take_map(row, |id, at_ms| list.insert(UserId::from_raw(id), at_ms))?;
        }
        let muted_words = take_texts(row)?;
        wishes.mute_words(&muted_words);
        wishes.interests = take_texts(row)?;
        for _ in 0..row.u64()? {
            wishes.categories.push(Category::from_number(row.u8()?)?);
        }
        Some(wishes)
    }
}

fn put<K: Ord>(all: &mut BTreeMap<K, bool>, key: K, to: Leaning) -> bool {
    match to {
        Leaning::Neutral => {
            all.remove(&key);
            true
        }
        _ if all.len() >= LEANINGS_MAX && !all.contains_key(&key) => false,
        to => {
            all.insert(key, to == Leaning::More);
            true
        }
    }
}

fn note(all: &mut BTreeMap<UserId, TimestampMs>, who: UserId, holds: bool, at_ms: TimestampMs) -> bool {
    if !holds {
        all.remove(&who);
        return true;
    }
    if all.len() >= MUTED_MAX && !all.contains_key(&who) {
        return false;
    }
    all.entry(who).or_insert(at_ms);
    true
}

fn put_map(out: &mut Vec<u8>, pairs: impl ExactSizeIterator<Item = (u64, i64)>) {
    put_u64(out, pairs.len() as u64);
    for (id, value) in pairs {
        put_u64(out, id);
        put_i64(out, value);
    }
}

fn take_map<T>(row: &mut Row<'_>, mut put: impl FnMut(u64, i64) -> T) -> Option<()> {
    for _ in 0..row.u64()? {
        put(row.u64()?, row.i64()?);
    }
    Some(())
}

fn put_texts(out: &mut Vec<u8>, texts: &[Arc<str>]) {
    put_u64(out, texts.len() as u64);
    texts.iter().for_each(|text| put_text(out, text));
}

fn take_texts(row: &mut Row<'_>) -> Option<Vec<Arc<str>>> {
    let count = row.u64()?;
    (0..count).map(|_| row.text().map(Arc::from)).collect()
}

/// The finaliser of splitmix64: stable for ever, because what it gives stands in the log.
fn mix(value: u64) -> u64 {
    let mut x = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
