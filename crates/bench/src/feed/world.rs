//! The generated corpus as laws: who made which video, what it is about, who watches what and how it ends. No store and no clock here.
//!
//! Popularity, topics, creators and viewers all follow Zipf's law; every fact is a function of the seed and a number, so that a client can tell
//! from an id alone how its viewer would like a video, and two runs meet the same world.
//!
//! Back of the envelope, a million videos and as many viewers: tables of 12 MB, made in 0.1 s; five million watches.

use testkit::Random;
use types::{CONTENT_WIDTH, ContentVector, SoundId, TimestampMs, UserId, VideoId, ViewerId};

/// The space that the product's own encoder writes to.
const CONTENT_VERSION: u8 = 1;
const SEED: u64 = 0x00fe_ed01;
pub(super) const TOPICS: usize = 1_000;
/// Topics that a viewer likes.
const TASTES: u64 = 4;
/// Of the watches, those of a liked topic.
const TASTE_PERCENT: u64 = 70;
/// A creator for so many videos.
const VIDEOS_PER_CREATOR: u64 = 20;
const VIDEOS_PER_SOUND: u64 = 10;
const FOLLOWS: u64 = 3;
/// The most active viewer's watches.
const WATCHES_MAX: u64 = 500;
/// Watches of the average viewer.
pub(super) const WATCHES_MEAN: f64 = 5.0;
/// 2024-01-01, from which ids count, and the bits below an id's milliseconds.
const ID_EPOCH_MS: i64 = 1_704_067_200_000;
const ID_TIME_SHIFT: u32 = 22;
/// Nodes of the id space that no server takes.
const VIDEO_NODE: u64 = 901 << 12;
const PERSON_NODE: u64 = 902 << 12;
const SOUND_NODE: u64 = 903 << 12;
/// Videos were published, and people came, within so long before the corpus was made.
pub(super) const PUBLISHED_MS: i64 = 60 * 86_400_000;
/// What was watched lies within so long.
pub(super) const WATCHED_MS: i64 = 7 * 86_400_000;
const REGIONS: [&str; 8] = ["US", "BR", "ID", "DE", "FR", "JP", "IN", "GB"];

/// See the file's header.
pub(super) struct World {
    pub(super) videos: u64,
    pub(super) viewers: u64,
    /// When the corpus was made.
    pub(super) made_ms: TimestampMs,
    /// A video's main topic.
    topics: Vec<u16>,
    /// The videos of each topic, the most popular first.
    by_topic: Vec<Vec<u32>>,
}

/// How a watch went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    pub(super) watch_ms: i64,
    pub(super) ended: bool,
}

/// A number of `0..bound`; small ones are likelier, by Zipf's law with exponent one.
fn zipf(random: &mut Random, bound: u64) -> u64 {
    let share = (random.bits() >> 11) as f64 / (1u64 << 53) as f64;
    (((bound as f64 + 1.0).powf(share) - 1.0) as u64).min(bound - 1)
}

fn of(kind: u64, number: u64) -> Random {
    Random::new(SEED ^ kind << 56).fork(number)
}

impl World {
    pub(super) fn new(videos: u64, viewers: u64, made_ms: TimestampMs) -> Self {
        let topics: Vec<u16> = (0..videos)
            .map(|video| zipf(&mut of(1, video), TOPICS as u64) as u16)
            .collect();
        // Numbers are ages, so popularity has an order of its own.
        let mut order: Vec<u32> = (0..videos as u32).collect();
        let mut random = of(2, 0);
        for place in (1..order.len()).rev() {
            order.swap(place, random.below(place as u64 + 1) as usize);
        }
        let mut by_topic = vec![Vec::new(); TOPICS];
        for video in order {
            by_topic[usize::from(topics[video as usize])].push(video);
        }
        Self {
            videos,
            viewers,
            made_ms,
            topics,
            by_topic,
        }
    }

    fn spread(&self, number: u64, count: u64) -> TimestampMs {
        self.made_ms - PUBLISHED_MS + (u128::from(number) * PUBLISHED_MS as u128 / u128::from(count)) as i64
    }

    fn id(at_ms: TimestampMs, node: u64, number: u64) -> u64 {
        ((at_ms - ID_EPOCH_MS) as u64) << ID_TIME_SHIFT | node | number & 0xfff
    }

    pub(super) fn published_ms(&self, video: u64) -> TimestampMs {
        self.spread(video, self.videos)
    }

    pub(super) fn video_id(&self, video: u64) -> VideoId {
        VideoId::from_raw(Self::id(self.published_ms(video), VIDEO_NODE, video))
    }

    /// The number of a video of the corpus.
    pub(super) fn video_of(&self, id: VideoId) -> Option<u64> {
        let at_ms = (id.raw() >> ID_TIME_SHIFT) as i64 + ID_EPOCH_MS - (self.made_ms - PUBLISHED_MS);
        let near = u64::try_from(at_ms).ok()? as u128 * u128::from(self.videos) / PUBLISHED_MS as u128;
        // The division that made the time rounded down.
        (near as u64..=near as u64 + 1).find(|&video| video < self.videos && self.video_id(video) == id)
    }

    pub(super) fn viewer_id(&self, viewer: u64) -> ViewerId {
        ViewerId::from_raw(Self::id(self.spread(viewer, self.viewers), PERSON_NODE, viewer))
    }

    /// Every other viewer has an account; the others are guests.
    pub(super) fn has_account(viewer: u64) -> bool {
        viewer % 2 == 1
    }

    pub(super) fn creators(&self) -> u64 {
        (self.videos / VIDEOS_PER_CREATOR).clamp(1, self.viewers / 2)
    }

    /// Creator `number` is one of the accounts.
    pub(super) fn creator_id(&self, number: u64) -> UserId {
        UserId::from_raw(self.viewer_id(number * 2 + 1).raw())
    }

    pub(super) fn creator_of(&self, video: u64) -> u64 {
        zipf(&mut of(3, video), self.creators())
    }

    pub(super) fn sound_of(&self, video: u64) -> Option<SoundId> {
        let mut random = of(4, video);
        let sound = zipf(&mut random, (self.videos / VIDEOS_PER_SOUND).max(1));
        (!random.chance(20)).then(|| SoundId::from_raw(SOUND_NODE | sound << ID_TIME_SHIFT))
    }

    pub(super) fn duration_ms(video: u64) -> i64 {
        of(5, video).between(7_000, 60_000) as i64
    }

    pub(super) fn region_of(&self, video: u64) -> &'static str {
        REGIONS[of(6, self.creator_of(video)).below(REGIONS.len() as u64) as usize]
    }

    pub(super) fn topic_of(&self, video: u64) -> u16 {
        self.topics[video as usize]
    }

    /// The main topic first, then another.
    pub(super) fn hashtags(&self, video: u64) -> Vec<String> {
        let main = self.topic_of(video);
        let other = zipf(&mut of(7, video), TOPICS as u64) as u16;
        let mut tags = vec![tag(main)];
        tags.extend((other != main).then(|| tag(other)));
        tags
    }

    pub(super) fn caption(&self, video: u64) -> String {
        format!("video {video} about #{}", self.hashtags(video).join(" #"))
    }

    /// What it is about: its topic's direction, and as much of its own.
    pub(super) fn content(&self, video: u64) -> Option<ContentVector> {
        let (mut topic, mut own) = (of(10, u64::from(self.topic_of(video))), of(11, video));
        let mut component = || {
            let [shared, own] =
                [&mut topic, &mut own].map(|random| (random.bits() as i32) as f32 / i32::MAX as f32);
            shared + own
        };
        let values: Vec<f32> = (0..CONTENT_WIDTH).map(|_| component()).collect();
        ContentVector::of(CONTENT_VERSION, &values)
    }

    /// The most popular videos of a topic first.
    pub(super) fn topic(&self, topic: u16) -> &[u32] {
        &self.by_topic[usize::from(topic)]
    }

    fn taste(viewer: u64, number: u64) -> u16 {
        zipf(&mut of(8, viewer * TASTES + number), TOPICS as u64) as u16
    }

    pub(super) fn likes(viewer: u64, topic: u16) -> bool {
        (0..TASTES).any(|number| Self::taste(viewer, number) == topic)
    }

    /// Creators whom an account follows.
    pub(super) fn follows(&self, viewer: u64) -> Vec<UserId> {
        let mut random = of(9, viewer);
        let creators = (0..FOLLOWS).map(|_| zipf(&mut random, self.creators()));
        let mut followed: Vec<UserId> = creators.map(|creator| self.creator_id(creator)).collect();
        followed.sort_unstable();
        followed.dedup();
        followed
    }

    /// Watches of the viewer at `rank` of activity: a power law with exponent ½, the mean as stated.
    pub(super) fn watches(&self, rank: u64) -> u64 {
        let share = self.viewers as f64 / (rank as f64 + 1.0);
        ((share.sqrt() * WATCHES_MEAN / 2.0) as u64).clamp(1, WATCHES_MAX)
    }

    /// Who asks next: the more active, the likelier.
    pub(super) fn asker(&self, random: &mut Random) -> u64 {
        let share = (random.bits() >> 11) as f64 / (1u64 << 53) as f64;
        (share * share * self.viewers as f64) as u64
    }

    /// A video that the viewer comes upon.
    pub(super) fn meets(&self, viewer: u64, random: &mut Random) -> u64 {
        let topic = match random.chance(TASTE_PERCENT) {
            true => Self::taste(viewer, random.below(TASTES)),
            false => zipf(random, TOPICS as u64) as u16,
        };
        let videos = self.topic(topic);
        match videos.is_empty() {
            true => random.below(self.videos),
            false => u64::from(videos[zipf(random, videos.len() as u64) as usize]),
        }
    }

    /// How the viewer watches it: mostly to the end where the topic is liked, mostly not where it is not.
    pub(super) fn watch(&self, viewer: u64, video: u64, random: &mut Random) -> Watched {
        let duration_ms = Self::duration_ms(video) as u64;
        let finishes = if Self::likes(viewer, self.topic_of(video)) {
            75
        } else {
            20
        };
        match random.chance(finishes) {
            true => Watched {
                watch_ms: random.between(duration_ms, duration_ms * 3 / 2) as i64,
                ended: true,
            },
            false => Watched {
                watch_ms: random.between(300, duration_ms * 4 / 5) as i64,
                ended: false,
            },
        }
    }
}

pub(super) fn tag(topic: u16) -> String {
    format!("topic{topic}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_in_disguise() {
        let world = World::new(3_001, 500, 1_790_000_000_000);
        for video in 0..3_001 {
            assert_eq!(world.video_of(world.video_id(video)), Some(video));
        }
        assert_eq!(world.video_of(VideoId::from_raw(77)), None);
    }

    #[test]
    fn activity_has_the_stated_mean_and_a_long_tail() {
        let world = World::new(100, 100_000, 1_790_000_000_000);
        let all: u64 = (0..100_000).map(|rank| world.watches(rank)).sum();
        let mean = all as f64 / 100_000.0;
        assert!((WATCHES_MEAN * 0.7..WATCHES_MEAN * 1.1).contains(&mean), "{mean}");
        assert!(world.watches(0) == WATCHES_MAX && world.watches(99_999) <= 3);
    }
}
