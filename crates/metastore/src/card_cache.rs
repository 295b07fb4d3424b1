//! Faces of cards and their counts in memory, so that a page needs no row of a video twice. It reads and writes no row itself.
//!
//! A page that needs a card sees every committed change, and never goes back behind one that it has shown. A change notes what it touches
//! ([`Touch`]). Before it commits, that is forgotten, and until it has committed nothing of it is kept ([`CardCache::change`]): who asks
//! meanwhile reads rows. Somebody may have read the old row before and be about to keep it: so every id has a version, taken before rows are
//! read ([`CardCache::version`]) and moved on by a change. What was read under an older version is shown once and not kept.

use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use types::{UserId, VideoId};

use crate::video_cards::CardFace;
use crate::videos::VideoCounts;

/// Ids share versions; a needless refusal to keep a row costs one more read.
const VERSIONS: usize = 256;
/// Of a face without its texts: the struct, its place in the cache, its counts.
const FACE_BYTES: u64 = 512;
/// What a card weighs about, to size the cache's tables.
const CARD_BYTES_TYPICAL: u64 = 4 * 1024;

/// What a change does to cards. Noted while the change runs, heeded once it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    /// The video's own row.
    Face(VideoId),
    /// Likes, comments, shares or saves of the video.
    Counts(VideoId),
    /// What the creator is called.
    Creator(UserId),
}

/// One video, the same for everybody.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) face: Arc<CardFace>,
    /// None after somebody moved them.
    pub(crate) counts: Option<VideoCounts>,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<VideoId, Kept> for Bytes {
    fn weight(&self, _: &VideoId, kept: &Kept) -> u64 {
        FACE_BYTES + kept.face.text_bytes() as u64
    }
}

/// How often ids of one remainder have been changed, and how many changes of them are on their way to the disk.
#[derive(Debug, Default)]
struct Changes {
    done: u64,
    underway: u32,
}

#[derive(Debug)]
pub(crate) struct CardCache {
    kept: Cache<VideoId, Kept, Bytes>,
    changes: Vec<Mutex<Changes>>,
}

/// A change on its way to the disk; dropped once that is known to be over.
#[derive(Debug)]
pub(crate) struct Changing<'a> {
    cache: &'a CardCache,
    touched: &'a [Touch],
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        for slot in self.touched.iter().flat_map(|&touch| self.cache.slots(touch)) {
            let mut changes = slot.lock();
            changes.done += 1;
            changes.underway -= 1;
        }
    }
}

impl CardCache {
    /// Holds about `bytes_max` bytes; 0 keeps nothing.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let cards = (bytes_max / CARD_BYTES_TYPICAL) as usize;
        Self {
            kept: Cache::with_weighter(cards, bytes_max, Bytes),
            changes: (0..VERSIONS).map(|_| Mutex::default()).collect(),
        }
    }

    pub(crate) fn get(&self, video: VideoId) -> Option<Kept> {
        self.kept.get(&video)
    }

    /// To be taken before the rows of `video` are read.
    pub(crate) fn version(&self, video: VideoId) -> u64 {
        self.slot(video).lock().done
    }

    /// Keeps what was read since `version` was taken, unless somebody changed it meanwhile or is about to; whether it is kept.
    pub(crate) fn keep(&self, video: VideoId, version: u64, kept: Kept) -> bool {
        let changes = self.slot(video).lock();
        let is_current = changes.done == version && changes.underway == 0;
        if is_current {
            self.kept.insert(video, kept);
        }
        is_current
    }

    /// Forgets what is touched, and keeps nothing of it as long as the answer lives: that is, until the change has committed or failed.
    pub(crate) fn change<'a>(&'a self, touched: &'a [Touch]) -> Changing<'a> {
        for &touch in touched {
            for slot in self.slots(touch) {
                slot.lock().underway += 1;
            }
            match touch {
                Touch::Face(video) => drop(self.kept.remove(&video)),
                Touch::Counts(video) => {
                    if let Some(Kept { face, .. }) = self.kept.peek(&video) {
                        self.kept.insert(video, Kept { face, counts: None });
                    }
                }
                Touch::Creator(user) => self.kept.retain(|_, kept| kept.face.video.creator != user),
            }
        }
        Changing { cache: self, touched }
    }

    /// Where changes of what is touched are counted: for a creator, whose videos nobody lists here, everywhere.
    fn slots(&self, touch: Touch) -> impl Iterator<Item = &Mutex<Changes>> {
        let (first, count) = match touch {
            Touch::Face(video) | Touch::Counts(video) => (Self::number(video), 1),
            Touch::Creator(_) => (0, VERSIONS),
        };
        self.changes.iter().skip(first).take(count)
    }

    fn slot(&self, video: VideoId) -> &Mutex<Changes> {
        &self.changes[Self::number(video)]
    }

    fn number(video: VideoId) -> usize {
        let mixed = video.raw().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 56) as usize % VERSIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::videos::{Video, VideoFacets, VideoFlags, VideoStatus};

    fn kept(raw: u64, creator: u64) -> Kept {
        let video = Video {
            id: VideoId::from_raw(raw),
            creator: UserId::from_raw(creator),
            status: VideoStatus::Published,
            progress: 1.0,
            caption: "a caption".to_owned(),
            hashtags: Vec::new(),
            duration_ms: 1,
            width: 1,
            height: 1,
            source_bytes: 1,
            created_at_ms: 1,
            published_at_ms: Some(1),
            rejection: None,
            manifest_json: None,
            facets: VideoFacets::default(),
            flags: VideoFlags::default(),
        };
        let face = CardFace {
            video,
            creator_username: "someone".to_owned(),
            creator_display_name: "Someone".to_owned(),
        };
        Kept {
            face: Arc::new(face),
            counts: Some(VideoCounts::default()),
        }
    }

    fn filled() -> CardCache {
        let cache = CardCache::new(1 << 20);
        for raw in 1..=6 {
            let video = VideoId::from_raw(raw);
            assert!(cache.keep(video, cache.version(video), kept(raw, raw % 2)));
        }
        cache
    }

    fn held(cache: &CardCache) -> Vec<u64> {
        (1..=6)
            .filter(|&raw| cache.get(VideoId::from_raw(raw)).is_some())
            .collect()
    }

    #[test]
    fn what_is_touched_is_forgotten_and_nothing_else() {
        let cache = filled();
        drop(cache.change(&[Touch::Face(VideoId::from_raw(2))]));
        assert_eq!(held(&cache), [1, 3, 4, 5, 6]);
        drop(cache.change(&[Touch::Counts(VideoId::from_raw(3))]));
        let third = cache.get(VideoId::from_raw(3)).expect("its face stays");
        assert_eq!(third.counts, None);
        drop(cache.change(&[Touch::Creator(UserId::from_raw(0))]));
        assert_eq!(held(&cache), [1, 3, 5]);
    }

    #[test]
    fn a_row_read_before_a_change_is_not_kept_after_it() {
        let video = VideoId::from_raw(4);
        for touch in [
            Touch::Face(video),
            Touch::Counts(video),
            Touch::Creator(UserId::from_raw(9)),
        ] {
            let cache = CardCache::new(1 << 20);
            let before = cache.version(video);
            let touched = [touch];
            let changing = cache.change(&touched);
            assert!(!cache.keep(video, before, kept(4, 9)), "before it, {touch:?}");
            let during = cache.version(video);
            assert!(!cache.keep(video, during, kept(4, 9)), "during it, {touch:?}");
            drop(changing);
            for version in [before, during] {
                assert!(!cache.keep(video, version, kept(4, 9)), "after it, {touch:?}");
            }
            assert!(
                cache.keep(video, cache.version(video), kept(4, 9)),
                "read after it, {touch:?}"
            );
            drop(cache.change(&[Touch::Face(video)]));
            assert!(cache.get(video).is_none());
        }
    }

    #[test]
    fn it_stays_within_its_bytes() {
        let cache = CardCache::new(64 * 1024);
        for raw in 1..=10_000 {
            let video = VideoId::from_raw(raw);
            cache.keep(video, cache.version(video), kept(raw, 1));
        }
        assert!(cache.kept.weight() <= 64 * 1024);
        assert!(!cache.kept.is_empty());
    }
}
