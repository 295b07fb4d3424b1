//! The whole: people, catalogue and what goes on. Any part of it is drawn from the seed when it is asked for, so that a
//! world of a million viewers takes no memory; a closed loop keeps what it uses.

use crate::catalogue::{Creator, Video};
use crate::config::{DAY_MS, HOUR_MS, START_MS, TOPICS_MAX, WorldConfig};
use crate::people::Viewer;
use crate::random::Key;

/// Share of the topics, and of the sounds, that have a good day each day.
const TRENDING_SHARE: f64 = 0.05;
const TOPIC_LIFT: f64 = 0.8;
const SOUND_LIFT: f64 = 0.5;
/// What an audience feels for the topic of its event.
const EVENT_LIKING: f32 = 1.3;
/// Creators that a viewer follows before the start, on average.
const FOLLOWS: f64 = 6.0;

const TRENDS: u64 = 0x7472_656e;
const FOLLOWING: u64 = 0x666f_6c6c;
const LUCK: u64 = 0x6c75_636b;

/// Why a world cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    #[error("a world needs at least one {0}")]
    Empty(&'static str),
    #[error("a world has at most {TOPICS_MAX} topics, not {0}")]
    Topics(u16),
    #[error("topic {0} of the global event does not exist")]
    EventTopic(u16),
}

/// See the file's header. Cheap to clone.
#[derive(Debug, Clone)]
pub struct World {
    config: WorldConfig,
}

impl World {
    /// Checks the numbers; draws nothing.
    pub fn new(config: WorldConfig) -> Result<Self, WorldError> {
        let needed = [
            ("viewer", config.viewers),
            ("creator", config.creators),
            ("sound", config.sounds),
            ("topic", u32::from(config.topics)),
            ("region", u32::from(config.regions)),
            ("video", config.videos_at_start),
            ("candidate", config.candidates),
            ("place in a slate", config.slate),
        ];
        if let Some((name, _)) = needed.iter().find(|(_, count)| *count == 0) {
            return Err(WorldError::Empty(name));
        }
        if config.topics > TOPICS_MAX {
            return Err(WorldError::Topics(config.topics));
        }
        match config.global_event {
            Some(event) if event.topic >= config.topics => Err(WorldError::EventTopic(event.topic)),
            _ => Ok(Self { config }),
        }
    }

    pub fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// Viewer number `index`; any number is somebody.
    pub fn viewer(&self, index: u32) -> Viewer {
        Viewer::draw(&self.config, index)
    }

    /// Video number `index`, oldest first; any number is a video.
    pub fn video(&self, index: u32) -> Video {
        Video::draw(&self.config, index)
    }

    pub(crate) fn creator(&self, index: u32) -> Creator {
        Creator::draw(&self.config, index)
    }

    /// How many videos are born before the watching ends.
    pub fn videos(&self) -> u32 {
        self.config.videos_at_start + self.config.videos_per_day * self.config.days
    }

    /// Whom a viewer follows at the start: mostly well-known creators, mostly of topics they like. Sorted.
    pub fn follows(&self, viewer: &Viewer) -> Vec<u32> {
        let mut draws = Key::new(self.config.seed)
            .with(FOLLOWING)
            .with(u64::from(viewer.index))
            .draws();
        let count = (FOLLOWS * draws.exponential()) as usize;
        let mut taste = vec![0.0; usize::from(self.config.topics)];
        viewer.taste_into(START_MS, &mut taste);
        let mut follows = Vec::with_capacity(count);
        for _ in 0..count {
            let mut pick = || draws.zipf(u64::from(self.config.creators), 4.0) as u32;
            let drawn: [u32; 5] = std::array::from_fn(|_| pick());
            let liked = drawn.iter().find(|&&creator| {
                self.creator(creator)
                    .topics
                    .iter()
                    .any(|&topic| taste[usize::from(topic)] > 0.3)
            });
            follows.push(*liked.unwrap_or(&drawn[0]));
        }
        follows.sort_unstable();
        follows.dedup();
        follows
    }

    /// How much better than on other days this topic is liked now, in log-odds: up to 0.8 around noon of its good day.
    pub(crate) fn topic_lift(&self, topic: u16, now_ms: i64) -> f64 {
        TOPIC_LIFT * self.swell(0, u64::from(topic), now_ms)
    }

    /// The same for a sound, up to 0.5.
    pub(crate) fn sound_lift(&self, sound: u32, now_ms: i64) -> f64 {
        SOUND_LIFT * self.swell(1, u64::from(sound), now_ms)
    }

    /// From 0 to 1: rises and falls within the days that are drawn for this thing.
    fn swell(&self, kind: u64, index: u64, now_ms: i64) -> f64 {
        let day = (now_ms - START_MS).div_euclid(DAY_MS);
        let mut draws = Key::new(self.config.seed)
            .with(TRENDS)
            .with(kind)
            .with(index)
            .with(day as u64)
            .draws();
        if !draws.chance(TRENDING_SHARE) {
            return 0.0;
        }
        let of_day = (now_ms - START_MS).rem_euclid(DAY_MS) as f64 / DAY_MS as f64;
        (of_day * std::f64::consts::PI).sin()
    }

    /// Lifts the event's topic in the taste of its audience while it lasts; three hours to fade.
    pub(crate) fn add_event(&self, viewer: &Viewer, now_ms: i64, taste: &mut [f32]) {
        let Some(event) = self.config.global_event else {
            return;
        };
        let (from_ms, until_ms) = (event.from_ms(), event.until_ms());
        if now_ms < from_ms || now_ms >= until_ms || !viewer.is_audience(event.audience) {
            return;
        }
        let risen = (now_ms - from_ms) as f32 / event.rise_ms.max(1) as f32;
        let left = (until_ms - now_ms) as f32 / (3 * HOUR_MS) as f32;
        let liking = &mut taste[usize::from(event.topic)];
        *liking = liking.max(EVENT_LIKING * risen.min(left).min(1.0));
    }

    /// The luck of one viewer with one video at one step: the same whatever was chosen before.
    pub(crate) fn luck(&self, viewer: u32, video: u32, step: u32) -> Key {
        self.luck_of(0, viewer)
            .with(u64::from(video))
            .with(u64::from(step))
    }

    /// The luck of one viewer for a purpose.
    pub(crate) fn luck_of(&self, purpose: u64, viewer: u32) -> Key {
        Key::new(self.config.seed)
            .with(LUCK)
            .with(purpose)
            .with(u64::from(viewer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GlobalEvent;

    #[test]
    fn impossible_worlds_are_refused() {
        let small = || WorldConfig::small(1);
        let event = GlobalEvent {
            at_days: 1.0,
            hours: 6.0,
            rise_ms: HOUR_MS / 2,
            topic: 40,
            audience: 0.3,
            videos: 0.3,
        };
        for (config, error) in [
            (
                WorldConfig {
                    viewers: 0,
                    ..small()
                },
                WorldError::Empty("viewer"),
            ),
            (
                WorldConfig { slate: 0, ..small() },
                WorldError::Empty("place in a slate"),
            ),
            (
                WorldConfig {
                    topics: 65,
                    ..small()
                },
                WorldError::Topics(65),
            ),
            (
                WorldConfig {
                    global_event: Some(event),
                    ..small()
                },
                WorldError::EventTopic(40),
            ),
        ] {
            assert_eq!(World::new(config).map(|_| ()), Err(error));
        }
    }

    #[test]
    fn the_same_seed_is_the_same_world_and_another_is_another() {
        let [a, b, c] = [1, 1, 2].map(|seed| World::new(WorldConfig::small(seed)).expect("possible"));
        assert_eq!(a.viewer(7), b.viewer(7));
        assert_eq!(a.video(7), b.video(7));
        assert_ne!(a.video(7), c.video(7));
        assert_ne!(a.viewer(7), c.viewer(7));
    }

    #[test]
    fn well_known_creators_have_most_followers() {
        let world = World::new(WorldConfig::standard(3)).expect("possible");
        let mut followers = vec![0u32; 300];
        for index in 0..300 {
            for creator in world.follows(&world.viewer(index)) {
                followers[creator as usize] += 1;
            }
        }
        let sum = |range: std::ops::Range<usize>| followers[range].iter().sum::<u32>();
        assert!(sum(0..30) > sum(30..300) / 2, "{} of {}", sum(0..30), sum(0..300));
        assert!((800..3000).contains(&sum(0..300)), "{}", sum(0..300));
    }

    #[test]
    fn about_one_topic_in_twenty_trends() {
        let world = World::new(WorldConfig::small(5)).expect("possible");
        let noon = |day: i64| START_MS + day * DAY_MS + 12 * HOUR_MS;
        let lifts = (0..40).flat_map(|topic| (0..50).map(move |day| (topic, day)));
        let lifted = lifts
            .filter(|&(topic, day)| world.topic_lift(topic, noon(day)) > 0.7)
            .count();
        assert!((50..160).contains(&lifted), "{lifted} of 2000");
    }
}
