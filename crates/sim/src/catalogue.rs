//! What there is to watch, and who makes it. A policy sees [`Shown`]; quality, clickbait and looks are the truth behind it.

use types::{Category, Region, SoundId, UserId, VideoId, ViewerId};

use crate::config::{DAY_MS, START_MS, WorldConfig};
use crate::people::TOPIC_FLAT;
use crate::random::{Draws, Key};

/// Hashtags that belong to a topic.
const TAGS_PER_TOPIC: u64 = 8;
/// Hashtags that everybody uses and that say nothing.
const TAGS_COMMON: u64 = 12;
/// Most hashtags on a video.
const TAGS_MAX: usize = 5;
/// Videos above this quality are one in ten.
pub(crate) const GEM_QUALITY: f64 = 1.28;
/// Clickbait above this is what a viewer would call clickbait.
pub(crate) const CLICKBAIT: f64 = 0.5;
/// Creators beyond this share of the ranking by reach are unknown to most.
const UNKNOWN_FROM: f64 = 0.3;

const REGIONS: [&[u8; 2]; 8] = [b"BR", b"DE", b"FR", b"JP", b"IN", b"MX", b"KE", b"PL"];

/// Keeps the numbers of videos and creators apart from others.
const VIDEO: u64 = 0x7669_6465;
const CREATOR: u64 = 0x6372_6561;
const LOOKS: u64 = 0x6c6f_6f6b;

/// What anybody can see of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub index: u32,
    pub creator: u32,
    pub sound: u32,
    pub region: u8,
    pub language: u8,
    pub hashtags: Vec<u16>,
    /// As its creator chose it: coarser than the topic it is really about.
    pub category: Category,
    pub duration_ms: i64,
    pub born_ms: i64,
}

/// A video with its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    pub shown: Shown,
    /// What it is about, with weights that add up to 1.
    pub(crate) topics: [(u16, f32); 2],
    /// Mean 0, standard deviation about 1.
    pub(crate) quality: f64,
    /// From 0 to 1: promises more than it keeps.
    pub(crate) clickbait: f64,
    /// How good the first second looks; half of it is quality.
    pub(crate) looks: f64,
    /// Somebody speaks, so the language matters.
    pub(crate) spoken: bool,
    /// Excellent, not of a frequent topic, by somebody whom few follow.
    pub(crate) is_gem: bool,
}

/// Somebody who makes videos. Creators with small numbers make more and are better known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Creator {
    pub region: u8,
    pub language: u8,
    pub topics: [u16; 2],
    pub skill: f64,
    /// Share of their videos that are bait.
    pub baits: f64,
}

impl Creator {
    pub(crate) fn draw(config: &WorldConfig, index: u32) -> Self {
        let mut draws = Key::new(config.seed).with(CREATOR).with(u64::from(index)).draws();
        let region = draws.zipf(u64::from(config.regions), 2.0) as u8;
        let topic = |draws: &mut Draws| draws.zipf(u64::from(config.topics), TOPIC_FLAT) as u16;
        Self {
            region,
            language: region,
            topics: [topic(&mut draws), topic(&mut draws)],
            skill: 0.6 * draws.normal(),
            baits: if draws.chance(0.15) { 0.6 } else { 0.04 },
        }
    }

    pub(crate) fn hand(&self) -> Maker {
        Maker {
            skill: self.skill,
            baits: self.baits,
        }
    }
}

/// How somebody makes videos.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Maker {
    pub skill: f64,
    /// Share of their videos that are bait.
    pub baits: f64,
}

impl Maker {
    /// What nobody sees of a video of theirs: quality, clickbait and looks.
    pub(crate) fn draw_hidden(&self, draws: &mut Draws) -> [f64; 3] {
        let quality = self.skill + 0.8 * draws.normal();
        let clickbait = if draws.chance(self.baits) {
            draws.between(0.6, 1.0)
        } else {
            0.2 * draws.unit()
        };
        [quality, clickbait, 0.5 * quality + 0.6 * draws.normal()]
    }
}

impl Video {
    pub(crate) fn draw(config: &WorldConfig, index: u32) -> Self {
        let mut draws = Key::new(config.seed).with(VIDEO).with(u64::from(index)).draws();
        let born_ms = born_ms(config, index);
        let creator = draws.zipf(u64::from(config.creators), 12.0) as u32;
        let maker = Creator::draw(config, creator);
        let topics = draw_topics(config, &maker, born_ms, &mut draws);
        let hashtags = draw_hashtags(config, topics, &mut draws);
        let [quality, clickbait, looks] = maker.hand().draw_hidden(&mut draws);
        let unknown = f64::from(creator) >= UNKNOWN_FROM * f64::from(config.creators);
        Self {
            is_gem: unknown
                && quality > GEM_QUALITY
                && clickbait < CLICKBAIT
                && topics[0].0 >= config.topics / 8,
            looks,
            spoken: draws.chance(0.45),
            shown: Shown {
                index,
                creator,
                sound: draws.zipf(u64::from(config.sounds), 3.0) as u32,
                region: maker.region,
                language: maker.language,
                hashtags,
                category: category_of(topics[0].0),
                duration_ms: draw_duration_ms(&mut draws),
                born_ms,
            },
            topics,
            quality,
            clickbait,
        }
    }
}

/// When a video is born: those of the start in the days before it, evenly; the others evenly through each day.
fn born_ms(config: &WorldConfig, index: u32) -> i64 {
    let spread = |index: u32, count: u32, ms: i64| {
        (i128::from(index) * i128::from(ms) / i128::from(count.max(1))) as i64
    };
    match index.checked_sub(config.videos_at_start) {
        None => {
            let before_ms = i64::from(config.video_life_days) * DAY_MS;
            START_MS - before_ms + spread(index, config.videos_at_start, before_ms)
        }
        Some(later) => START_MS + spread(later + 1, config.videos_per_day, DAY_MS),
    }
}

fn draw_topics(config: &WorldConfig, maker: &Creator, born_ms: i64, draws: &mut Draws) -> [(u16, f32); 2] {
    let home = draws.unit();
    let any = draws.zipf(u64::from(config.topics), TOPIC_FLAT) as u16;
    let mut main = match home {
        x if x < 0.6 => maker.topics[0],
        x if x < 0.85 => maker.topics[1],
        _ => any,
    };
    let joins_event = draws.unit();
    if let Some(event) = config.global_event {
        let lasts = (event.from_ms()..event.until_ms()).contains(&born_ms);
        if lasts && joins_event < event.videos {
            main = event.topic;
        }
    }
    let beside = draws.zipf(u64::from(config.topics), TOPIC_FLAT) as u16;
    let weight = if beside == main {
        1.0
    } else {
        draws.between(0.6, 1.0) as f32
    };
    [(main, weight), (beside, 1.0 - weight)]
}

fn draw_hashtags(config: &WorldConfig, topics: [(u16, f32); 2], draws: &mut Draws) -> Vec<u16> {
    let count = draws.zipf(TAGS_MAX as u64 + 1, 3.0) as usize;
    let mut tags = Vec::with_capacity(count);
    for _ in 0..count {
        let tag = match draws.unit() {
            x if x < 0.25 => u64::from(config.topics) * TAGS_PER_TOPIC + draws.zipf(TAGS_COMMON, 2.0),
            x if x < 0.25 + 0.75 * f64::from(topics[0].1) => tag_of(topics[0].0, draws),
            _ => tag_of(topics[1].0, draws),
        } as u16;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

fn tag_of(topic: u16, draws: &mut Draws) -> u64 {
    u64::from(topic) * TAGS_PER_TOPIC + draws.zipf(TAGS_PER_TOPIC, 1.5)
}

/// Median 17 s, from 4 s to 3 min.
fn draw_duration_ms(draws: &mut Draws) -> i64 {
    let seconds = 17.0 * (0.65 * draws.normal()).exp();
    (seconds.clamp(4.0, 180.0) * 1000.0) as i64
}

impl Video {
    /// What an encoder would make of its pictures: a direction of `width` numbers, half of it what it is about, half its own.
    pub fn looks(&self, config: &WorldConfig, width: usize) -> Vec<f32> {
        let key = Key::new(config.seed).with(LOOKS);
        let normal = |key: Key, at: usize| key.with(at as u64).draws().normal() as f32;
        let own = key.with(1 << 32 | u64::from(self.shown.index));
        let component = |at| {
            let about = |(topic, weight): (u16, f32)| weight * normal(key.with(u64::from(topic)), at);
            self.topics.map(about).iter().sum::<f32>() + normal(own, at)
        };
        (0..width).map(component).collect()
    }
}

impl Shown {
    /// The id that stands for it in records.
    pub fn id(&self) -> VideoId {
        VideoId::from_raw(id_of(VIDEO, self.index))
    }

    pub fn creator_id(&self) -> UserId {
        creator_id(self.creator)
    }

    pub fn sound_id(&self) -> SoundId {
        SoundId::from_raw(id_of(0x736f_756e, self.sound))
    }

    /// The texts of its hashtags.
    pub fn hashtag_texts(&self) -> impl Iterator<Item = String> {
        self.hashtags.iter().map(|&tag| hashtag_text(tag))
    }
}

/// The text of a hashtag.
pub fn hashtag_text(tag: u16) -> String {
    format!("tag{tag}")
}

/// The id that stands for a viewer in records.
pub fn viewer_id(index: u32) -> ViewerId {
    ViewerId::from_raw(id_of(0x7669_6577, index))
}

/// The id of a creator; in the order of the numbers.
pub fn creator_id(index: u32) -> UserId {
    UserId::from_raw(id_of(CREATOR, index))
}

/// The region that stands for a number.
pub fn region_of(number: u8) -> Region {
    let code = REGIONS[usize::from(number) % REGIONS.len()];
    Region::from_bytes(*code).expect("the codes are two capital letters")
}

/// The category that stands for a topic: several topics share one, so it says less than the topic.
fn category_of(topic: u16) -> Category {
    Category::ALL[usize::from(topic) % Category::ALL.len()]
}

/// The main topic of a video weighs so much on average.
const MAIN_WEIGHT: f32 = 0.8;

/// What a video's hashtags and category tell of its topics, of which there are `topics`: weights that add up to at most 1.
pub(crate) fn topics_seen(shown: &Shown, topics: u16) -> Vec<(u16, f32)> {
    let of_tags = || {
        let topic = |tag: &u16| tag / TAGS_PER_TOPIC as u16;
        shown.hashtags.iter().map(topic).filter(|topic| *topic < topics)
    };
    let is_main = |topic: &u16| category_of(*topic) == shown.category;
    let mut seen: Vec<(u16, f32)> = match of_tags().find(is_main) {
        Some(main) => vec![(main, MAIN_WEIGHT)],
        None => {
            // As frequent as they are everywhere.
            let weight = |topic: u16| 1.0 / (f32::from(topic) + 0.5 + TOPIC_FLAT as f32);
            let all: f32 = (0..topics).filter(is_main).map(weight).sum();
            let share = |topic: u16| (topic, MAIN_WEIGHT * weight(topic) / all);
            (0..topics).filter(is_main).map(share).collect()
        }
    };
    let beside = of_tags().find(|topic| !is_main(topic));
    seen.extend(beside.map(|topic| (topic, 1.0 - MAIN_WEIGHT)));
    seen
}

/// Ids of different kinds never meet: the kind is in the upper half.
const fn id_of(kind: u64, index: u32) -> u64 {
    ((kind & 0x7fff_ffff) << 32) | (index as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_are_born_in_order_and_around_the_start() {
        let config = WorldConfig::small(1);
        let born: Vec<i64> = (0..1000).map(|index| born_ms(&config, index)).collect();
        assert!(born.is_sorted());
        assert!(born[599] < START_MS && born[600] >= START_MS);
        assert_eq!(born[799], START_MS + DAY_MS);
    }

    #[test]
    fn the_catalogue_has_gems_bait_and_a_long_tail() {
        let config = WorldConfig::standard(2);
        let videos: Vec<Video> = (0..4000).map(|index| Video::draw(&config, index)).collect();
        let share =
            |test: &dyn Fn(&Video) -> bool| videos.iter().filter(|video| test(video)).count() as f64 / 4000.0;
        let (gems, bait) = (
            share(&|video| video.is_gem),
            share(&|video| video.clickbait > CLICKBAIT),
        );
        assert!((0.01..0.08).contains(&gems), "{gems}");
        assert!((0.05..0.25).contains(&bait), "{bait}");
        let (head, tail) = (
            share(&|video| video.topics[0].0 < 4),
            share(&|video| video.topics[0].0 >= 20),
        );
        assert!((0.2..0.45).contains(&head), "{head}");
        assert!(tail > 0.15, "{tail}");
        let short = share(&|video| video.shown.duration_ms <= 30_000);
        assert!((0.7..0.9).contains(&short), "{short}");
    }

    #[test]
    fn ids_of_different_kinds_never_meet() {
        let video = Video::draw(&WorldConfig::small(1), 5);
        assert_ne!(video.shown.id().raw(), video.shown.creator_id().raw());
        assert_ne!(video.shown.id().raw(), viewer_id(5).raw());
    }
}
