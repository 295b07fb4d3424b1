//! The published videos, each at a dense slot, and three ways to walk them: by age, by creator, by hashtag. Written by the `catalog` job
//! alone; only how videos fare is told by the `activity` job.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use types::{Category, ContentVector, DurationMs, Region, SoundId, TimestampMs, UserId, VideoId};

use crate::bytes::{Row, put_i64, put_text, put_u64};
use crate::copies::Copies;
use crate::facts::{FACT_TOPICS, Facts, Flags, TopicNo};
use crate::features::VideoCounters;
use crate::hashing::IdHashing;
use crate::store::StoreError;

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("catalog");
const FLAGS: TableDefinition<u64, u8> = TableDefinition::new("catalog_flags");

/// What the feed knows about a video before anyone watched it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoProfile {
    pub video: VideoId,
    pub creator: UserId,
    pub published_ms: TimestampMs,
    pub duration_ms: DurationMs,
    /// Lower case, without `#`.
    pub hashtags: Vec<Arc<str>>,
    pub sound: Option<SoundId>,
    pub category: Option<Category>,
    /// Where its creator seemed to be.
    pub region: Option<Region>,
    /// The words of its caption and its hashtags, folded ([`crate::fold`]).
    pub caption: Arc<str>,
    /// What it is about; none until the media plane has said so.
    pub content: Option<Arc<ContentVector>>,
    /// The video that was here first, if this one is nearly the same; see [`Catalog::copies`].
    pub original: Option<VideoId>,
}

/// A video's place in the catalog. Places are dense and used again after a removal: whoever keeps one while nobody holds the catalog
/// keeps the [`VideoId`] beside it, and compares ([`Catalog::facts_of`]).
pub type Slot = u32;

/// Newest last.
type ByAge = BTreeMap<(TimestampMs, VideoId), Slot>;

/// The index in memory.
#[derive(Debug, Default)]
pub struct Catalog {
    slots: HashMap<VideoId, Slot, IdHashing>,
    /// By slot.
    facts: Vec<Facts>,
    /// By slot; none where the place is free.
    profiles: Vec<Option<Arc<VideoProfile>>>,
    free: Vec<Slot>,
    topics: Topics,
    by_age: ByAge,
    by_creator: HashMap<UserId, ByAge, IdHashing>,
    /// By the number of the hashtag.
    by_topic: Vec<ByAge>,
    copies: Copies,
    /// Also of videos that are not here yet, so that a flag outlives a new profile.
    flags: BTreeMap<VideoId, Flags>,
    dirty: BTreeSet<VideoId>,
}

/// Hashtags by number. A number whose last video left is used again.
#[derive(Debug, Default)]
struct Topics {
    numbers: HashMap<Arc<str>, TopicNo>,
    free: Vec<TopicNo>,
}

impl Catalog {
    pub fn get(&self, video: VideoId) -> Option<&Arc<VideoProfile>> {
        self.profile_at(self.slot_of(video)?)
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Slots ever used: what a table beside the catalog has to hold.
    pub fn capacity(&self) -> usize {
        self.facts.len()
    }

    pub fn slot_of(&self, video: VideoId) -> Option<Slot> {
        self.slots.get(&video).copied()
    }

    /// The facts of `slot`; none when the place is free.
    pub fn facts_at(&self, slot: Slot) -> Option<&Facts> {
        self.facts
            .get(slot as usize)
            .filter(|facts| facts.video.raw() != 0)
    }

    /// The facts of `slot` if `video` still stands there.
    pub fn facts_of(&self, slot: Slot, video: VideoId) -> Option<&Facts> {
        self.facts.get(slot as usize).filter(|facts| facts.video == video)
    }

    pub fn profile_at(&self, slot: Slot) -> Option<&Arc<VideoProfile>> {
        self.profiles.get(slot as usize)?.as_ref()
    }

    /// The number of a hashtag that some video has.
    pub fn topic_no(&self, hashtag: &str) -> Option<TopicNo> {
        self.topics.numbers.get(hashtag).copied()
    }

    /// All videos, in no order.
    pub fn ids(&self) -> impl Iterator<Item = VideoId> + '_ {
        self.slots.keys().copied()
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Arc<VideoProfile>> {
        self.profiles_of(self.newest_slots())
    }

    /// Newest first.
    pub fn by_creator(&self, creator: UserId) -> impl Iterator<Item = &Arc<VideoProfile>> {
        self.profiles_of(self.by_creator_slots(creator))
    }

    /// Newest first.
    pub fn by_hashtag(&self, hashtag: &str) -> impl Iterator<Item = &Arc<VideoProfile>> {
        self.profiles_of(self.by_hashtag_slots(hashtag))
    }

    /// Newest first.
    pub fn newest_slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.by_age.values().rev().copied()
    }

    /// Newest first.
    pub fn by_creator_slots(&self, creator: UserId) -> impl Iterator<Item = Slot> + '_ {
        walk(self.by_creator.get(&creator))
    }

    /// Newest first.
    pub fn by_hashtag_slots(&self, hashtag: &str) -> impl Iterator<Item = Slot> + '_ {
        let number = self.topic_no(hashtag);
        walk(number.and_then(|number| self.by_topic.get(number as usize)))
    }

    /// The near-duplicates of `original` that are here, in order of their ids; the original itself is not among them.
    pub fn copies(&self, original: VideoId) -> &[VideoId] {
        self.copies.of(original)
    }

    /// Whether any video here is a near-duplicate of another.
    pub fn has_copies(&self) -> bool {
        !self.copies.is_empty()
    }

    /// The near-duplicates of a video, its original first, 64 at most; for most videos nobody.
    pub fn alike(&self, video: VideoId) -> impl Iterator<Item = VideoId> + '_ {
        self.copies.alike(video)
    }

    fn profiles_of<'a>(
        &'a self,
        slots: impl Iterator<Item = Slot> + 'a,
    ) -> impl Iterator<Item = &'a Arc<VideoProfile>> {
        slots.filter_map(|slot| self.profile_at(slot))
    }

    /// The flags of a video, whether it is here or not.
    pub fn flags(&self, video: VideoId) -> Flags {
        self.flags.get(&video).copied().unwrap_or_default()
    }

    pub(crate) fn flag(&mut self, video: VideoId, flags: Flags) {
        match flags == Flags::default() {
            true => self.flags.remove(&video),
            false => self.flags.insert(video, flags),
        };
        if let Some(slot) = self.slot_of(video) {
            self.facts[slot as usize].flags = flags;
        }
        self.dirty.insert(video);
    }

    /// Takes a video's counters over; nothing happens when it is not here.
    pub(crate) fn count(&self, video: VideoId, counters: &VideoCounters) {
        let facts = self.slot_of(video).and_then(|slot| self.facts.get(slot as usize));
        if let Some(facts) = facts {
            facts.count(counters);
        }
    }

    pub(crate) fn put(&mut self, profile: VideoProfile) {
        let fared = self
            .slot_of(profile.video)
            .map(|slot| self.facts[slot as usize].fared());
        self.remove(profile.video);
        let (video, place) = (profile.video, (profile.published_ms, profile.video));
        let slot = self.free.pop().unwrap_or_else(|| {
            self.facts.push(Facts::free());
            self.profiles.push(None);
            self.facts.len() as Slot - 1
        });
        self.by_age.insert(place, slot);
        self.by_creator
            .entry(profile.creator)
            .or_default()
            .insert(place, slot);
        let mut topics = [0; FACT_TOPICS];
        for (at, hashtag) in profile.hashtags.iter().enumerate() {
            let number = self.topics.number(hashtag);
            if self.by_topic.len() <= number as usize {
                self.by_topic.resize_with(number as usize + 1, ByAge::new);
            }
            self.by_topic[number as usize].insert(place, slot);
            if let Some(topic) = topics.get_mut(at) {
                *topic = number;
            }
        }
        let mut facts = Facts::new(
            video,
            profile.creator,
            profile.published_ms,
            profile.sound,
            profile.region,
            profile.category.map_or(0, Category::number),
            topics,
        );
        facts.flags = self.flags(video);
        if let Some(fared) = fared {
            facts.carry(fared);
        }
        if let Some(original) = profile.original {
            self.copies.put(video, original);
        }
        self.facts[slot as usize] = facts;
        self.profiles[slot as usize] = Some(Arc::new(profile));
        self.slots.insert(video, slot);
        self.dirty.insert(video);
    }

    pub(crate) fn remove(&mut self, video: VideoId) {
        let Some(slot) = self.slots.remove(&video) else {
            return;
        };
        self.facts[slot as usize] = Facts::free();
        self.free.push(slot);
        self.dirty.insert(video);
        let Some(profile) = self.profiles[slot as usize].take() else {
            return;
        };
        let place = (profile.published_ms, video);
        self.by_age.remove(&place);
        self.copies.remove(video);
        if let Some(places) = self.by_creator.get_mut(&profile.creator) {
            places.remove(&place);
            if places.is_empty() {
                self.by_creator.remove(&profile.creator);
            }
        }
        for hashtag in &profile.hashtags {
            let Some(number) = self.topic_no(hashtag) else {
                continue;
            };
            let places = &mut self.by_topic[number as usize];
            places.remove(&place);
            if places.is_empty() {
                self.topics.leave(hashtag);
            }
        }
    }

    /// What the media plane says of a video later on; nothing for a video that is gone.
    pub(crate) fn describe(
        &mut self,
        video: VideoId,
        content: Option<Arc<ContentVector>>,
        original: Option<VideoId>,
    ) {
        if let Some(profile) = self.get(video) {
            let profile = VideoProfile::clone(profile);
            self.put(VideoProfile {
                content,
                original,
                ..profile
            });
        }
    }

    pub(crate) fn load(txn: &WriteTransaction) -> Result<Self, StoreError> {
        let mut catalog = Self::default();
        for row in txn.open_table(FLAGS)?.iter()? {
            let (key, value) = row?;
            let video = VideoId::from_raw(key.value());
            catalog.flags.insert(video, Flags(value.value()));
        }
        for row in txn.open_table(TABLE)?.iter()? {
            let (key, value) = row?;
            let profile = decode(VideoId::from_raw(key.value()), value.value());
            catalog.put(profile.ok_or(StoreError::Row("catalog"))?);
        }
        catalog.dirty.clear();
        Ok(catalog)
    }

    /// Writes what changed; it stays marked until [`Self::clean`], so a commit that fails loses nothing.
    pub(crate) fn flush(&self, txn: &WriteTransaction) -> Result<(), StoreError> {
        let (mut table, mut flags) = (txn.open_table(TABLE)?, txn.open_table(FLAGS)?);
        for video in &self.dirty {
            match self.get(*video) {
                Some(profile) => table.insert(video.raw(), encode(profile).as_slice())?,
                None => table.remove(video.raw())?,
            };
            match self.flags.get(video) {
                Some(set) => flags.insert(video.raw(), set.0)?,
                None => flags.remove(video.raw())?,
            };
        }
        Ok(())
    }

    /// After a commit.
    pub(crate) fn clean(&mut self) {
        self.dirty.clear();
    }
}

impl Topics {
    /// The number of a hashtag; it gets one at its first video.
    fn number(&mut self, hashtag: &Arc<str>) -> TopicNo {
        if let Some(&number) = self.numbers.get(hashtag) {
            return number;
        }
        let next = self.numbers.len() + self.free.len() + 1;
        let number = self.free.pop().unwrap_or(next as TopicNo);
        self.numbers.insert(hashtag.clone(), number);
        number
    }

    fn leave(&mut self, hashtag: &Arc<str>) {
        self.free.extend(self.numbers.remove(hashtag));
    }
}

fn walk(index: Option<&ByAge>) -> impl Iterator<Item = Slot> + '_ {
    index.into_iter().flat_map(|index| index.values().rev().copied())
}

fn encode(profile: &VideoProfile) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    put_u64(&mut out, profile.creator.raw());
    put_i64(&mut out, profile.published_ms);
    put_i64(&mut out, profile.duration_ms);
    put_u64(&mut out, profile.sound.map_or(0, SoundId::raw));
    out.push(profile.category.map_or(0, Category::number));
    out.extend_from_slice(&profile.region.map_or([0; 2], Region::bytes));
    put_u64(&mut out, profile.original.map_or(0, VideoId::raw));
    out.push(u8::from(profile.content.is_some()));
    if let Some(content) = &profile.content {
        out.extend_from_slice(&content.to_bytes());
    }
    put_text(&mut out, &profile.caption);
    profile
        .hashtags
        .iter()
        .for_each(|hashtag| put_text(&mut out, hashtag));
    out
}

fn decode(video: VideoId, bytes: &[u8]) -> Option<VideoProfile> {
    let mut row = Row(bytes);
    let (creator, published_ms, duration_ms) = (UserId::from_raw(row.u64()?), row.i64()?, row.i64()?);
    let sound = Some(row.u64()?).filter(|&raw| raw != 0).map(SoundId::from_raw);
    let [category, region @ ..] = row.take::<3>()?;
    let original = Some(row.u64()?).filter(|&raw| raw != 0).map(VideoId::from_raw);
    let content = match row.u8()? {
        0 => None,
        _ => Some(Arc::new(ContentVector::from_bytes(
            row.bytes(ContentVector::BYTES)?,
        )?)),
    };
    let caption = Arc::from(row.text()?);
    let mut hashtags = Vec::new();
    while !row.0.is_empty() {
        hashtags.push(Arc::from(row.text()?));
    }
    Some(VideoProfile {
        video,
        creator,
        published_ms,
        duration_ms,
        hashtags,
        sound,
        category: Category::from_number(category),
        region: Region::from_bytes(region),
        caption,
        content,
        original,
    })
}
