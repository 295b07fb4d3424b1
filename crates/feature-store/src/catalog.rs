//! The published videos and three ways to walk them: by age, by creator, by hashtag. Written by the `catalog` job alone.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use types::{Category, ContentVector, DurationMs, Region, SoundId, TimestampMs, UserId, VideoId};

use crate::bytes::{Row, put_i64, put_text, put_u64};
use crate::store::StoreError;

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("catalog");

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
    /// What it is about; none until the media plane has said so.
    pub content: Option<Arc<ContentVector>>,
    /// The video that was here first, if this one is nearly the same; see [`Catalog::copies`].
    pub original: Option<VideoId>,
}

/// Newest last.
type ByAge = BTreeSet<(TimestampMs, VideoId)>;

/// The index in memory.
#[derive(Debug, Default)]
pub struct Catalog {
    all: HashMap<VideoId, Arc<VideoProfile>>,
    by_age: ByAge,
    by_creator: HashMap<UserId, ByAge>,
    by_hashtag: HashMap<Arc<str>, ByAge>,
    /// Near-duplicates by what they are copies of; lists only what has copies.
    copies: HashMap<VideoId, Vec<VideoId>>,
    dirty: BTreeSet<VideoId>,
}

impl Catalog {
    pub fn get(&self, video: VideoId) -> Option<&Arc<VideoProfile>> {
        self.all.get(&video)
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All videos, in no order.
    pub fn ids(&self) -> impl Iterator<Item = VideoId> + '_ {
        self.all.keys().copied()
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Arc<VideoProfile>> {
        self.walk(Some(&self.by_age))
    }

    /// Newest first.
    pub fn by_creator(&self, creator: UserId) -> impl Iterator<Item = &Arc<VideoProfile>> {
        self.walk(self.by_creator.get(&creator))
    }

    /// Newest first.
    pub fn by_hashtag(&self, hashtag: &str) -> impl Iterator<Item = &Arc<VideoProfile>> {
        self.walk(self.by_hashtag.get(hashtag))
    }

    /// The near-duplicates of `original` that are here, in order of their ids; the original itself is not among them.
    pub fn copies(&self, original: VideoId) -> &[VideoId] {
        self.copies.get(&original).map_or(&[], Vec::as_slice)
    }

    fn walk<'a>(&'a self, index: Option<&'a ByAge>) -> impl Iterator<Item = &'a Arc<VideoProfile>> {
        index
            .into_iter()
            .flat_map(|index| index.iter().rev())
            .filter_map(|(_, video)| self.all.get(video))
    }

    pub(crate) fn put(&mut self, profile: VideoProfile) {
        self.remove(profile.video);
        let (video, place) = (profile.video, (profile.published_ms, profile.video));
        self.by_age.insert(place);
        self.by_creator.entry(profile.creator).or_default().insert(place);
        for hashtag in &profile.hashtags {
            self.by_hashtag.entry(hashtag.clone()).or_default().insert(place);
        }
        if let Some(original) = profile.original {
            let copies = self.copies.entry(original).or_default();
            if let Err(at) = copies.binary_search(&video) {
                copies.insert(at, video);
            }
        }
        self.all.insert(video, Arc::new(profile));
        self.dirty.insert(video);
    }

    pub(crate) fn remove(&mut self, video: VideoId) {
        let Some(profile) = self.all.remove(&video) else {
            return;
        };
        let place = (profile.published_ms, video);
        self.by_age.remove(&place);
        leave(&mut self.by_creator, &profile.creator, place);
        for hashtag in &profile.hashtags {
            leave(&mut self.by_hashtag, hashtag, place);
        }
        if let Some(original) = profile.original {
            self.leave_copies(original, video);
        }
        self.dirty.insert(video);
    }

    /// What the media plane says of a video later on; nothing for a video that is gone.
    pub(crate) fn describe(
        &mut self,
        video: VideoId,
        content: Option<Arc<ContentVector>>,
        original: Option<VideoId>,
    ) {
        if let Some(profile) = self.all.get(&video) {
            let profile = VideoProfile::clone(profile);
            self.put(VideoProfile {
                content,
                original,
                ..profile
            });
        }
    }

    fn leave_copies(&mut self, original: VideoId, video: VideoId) {
        if let Some(copies) = self.copies.get_mut(&original) {
            copies.retain(|&copy| copy != video);
            if copies.is_empty() {
                self.copies.remove(&original);
            }
        }
    }

    pub(crate) fn load(txn: &WriteTransaction) -> Result<Self, StoreError> {
        let table = txn.open_table(TABLE)?;
        let mut catalog = Self::default();
        for row in table.iter()? {
            let (key, value) = row?;
            let profile = decode(VideoId::from_raw(key.value()), value.value());
            catalog.put(profile.ok_or(StoreError::Row("catalog"))?);
        }
        catalog.dirty.clear();
        Ok(catalog)
    }

    /// Writes what changed; it stays marked until [`Self::clean`], so a commit that fails loses nothing.
    pub(crate) fn flush(&self, txn: &WriteTransaction) -> Result<(), StoreError> {
        let mut table = txn.open_table(TABLE)?;
        for video in &self.dirty {
            match self.all.get(video) {
                Some(profile) => table.insert(video.raw(), encode(profile).as_slice())?,
                None => table.remove(video.raw())?,
            };
        }
        Ok(())
    }

    /// After a commit.
    pub(crate) fn clean(&mut self) {
        self.dirty.clear();
    }
}

fn leave<K: std::hash::Hash + Eq>(index: &mut HashMap<K, ByAge>, key: &K, place: (TimestampMs, VideoId)) {
    if let Some(places) = index.get_mut(key) {
        places.remove(&place);
        if places.is_empty() {
            index.remove(key);
        }
    }
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
        content,
        original,
    })
}
