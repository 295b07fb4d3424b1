//! Something happens in the world. Days of ordinary life come first, so that the product knows its people. Then, on a busy evening, a topic that
//! few cared about is all that a part of the people want to see: videos about it appear by and by, and those who care hear of it
//! elsewhere and follow a link to one, each after a while of their own. All of these videos carry its name as a hashtag. From then on it is the product's turn.
//!
//! Measured, by the world's clock, from the moment the first of these videos is published:
//!
//! - *detected*: when the list of rising topics (`GET /trending/rising`, asked every second) names one of the topic's hashtags;
//! - *offered*: when the feed first puts one of the new videos into the hands of somebody who cares, from the event or from when they came;
//! - *flooded*: the share of what the feed showed that was of the topic, to those who care and to the others, before and after.
//!
//! Links are not feed views and are left out of shares. A busy evening: everybody takes up the phone in the six minutes before, and who puts it
//! away takes it up again within two minutes.

use std::collections::{BTreeMap, HashSet};

use sim::{DAY_MS, GlobalEvent, HOUR_MS, Key, MINUTE_MS, START_MS, World, WorldConfig, hashtag_text};

use crate::error::LoopError;
use crate::life::{Life, Pace, Unwatched, Witness};
use crate::wire::{From, Rising};

/// Ordinary days before.
const DAYS_BEFORE: u32 = 3;
/// When on the next day.
const AT_MS: i64 = DAYS_BEFORE as i64 * DAY_MS + 20 * HOUR_MS;
/// Everybody comes within so long before.
const GATHER_MS: i64 = 6 * MINUTE_MS;
/// How long it is looked at.
const AFTER_MS: i64 = 12 * MINUTE_MS;
/// Those who care hear of it within about this time, exponentially distributed.
const HEARD_MEAN_MS: f64 = 60_000.0;
/// Who puts the phone away on a busy evening takes it up again within so long.
const RECALL_MS: f64 = 120_000.0;
/// One video about it appears each such time.
const VIDEO_EVERY_MS: i64 = 15_000;
const LOOK_EVERY_MS: i64 = 1_000;
/// Hashtags of a topic, as the world numbers them.
const TAGS_PER_TOPIC: u16 = 8;
const AUDIENCE: f64 = 0.3;
/// What people call it: a hashtag of all videos about it, beside those of its topic.
const NAME: &str = "eclipse";
const PURPOSE: u64 = 0x6576_656e;

/// Days of life before: as the month's.
const PACE_BEFORE: Pace = crate::month::PACE;
/// The evening: requests within two seconds may be under way together, and jobs are at most five seconds behind.
const PACE: Pace = Pace {
    together_ms: 2_000,
    settle_ms: 5_000,
    ..PACE_BEFORE
};

/// What was found; seconds by the world's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub audience: usize,
    pub others: usize,
    /// None when it was not within the time looked at.
    pub detected_s: Option<f64>,
    /// Of each who cares, from the event or from their coming; infinite for those who came and were not offered one.
    pub offered_s: Vec<f64>,
    /// Share of the feed's views that were of the topic.
    pub audience_before: f64,
    pub audience_after: f64,
    pub others_before: f64,
    pub others_after: f64,
    /// Of the others' views of the topic, the part that exploration drew.
    pub others_explored: f64,
    /// By minute from the beginning of the evening: share to those who care, and to the others.
    pub by_minute: BTreeMap<i64, (f64, f64)>,
    /// Feed views in the time before and after.
    pub views: usize,
}

/// The world that figures are published for.
pub fn standard(seed: u64) -> WorldConfig {
    let topics = WorldConfig::small(seed).topics;
    let event = GlobalEvent {
        at_days: AT_MS as f64 / DAY_MS as f64,
        hours: 24.0,
        rise_ms: 1_000,
        topic: topics - 4,
        audience: AUDIENCE,
        videos: 0.9,
    };
    WorldConfig {
        viewers: 120,
        videos_at_start: 700,
        videos_per_day: 40,
        days: DAYS_BEFORE + 3,
        visits: 0.15,
        global_event: Some(event),
        ..crate::month::standard(seed)
    }
}

/// The moment.
pub const fn at_ms() -> i64 {
    START_MS + AT_MS
}

struct Evening {
    seed: u64,
    cares: Vec<bool>,
    /// Videos about it that are still to come.
    videos: Vec<u32>,
    tags: HashSet<String>,
    next_ms: i64,
    video_ms: i64,
    published: Vec<u32>,
    /// Who follows a link when; the last first.
    heard: Vec<(i64, u32)>,
    detected_ms: Option<i64>,
    recalls: u64,
}

impl Evening {
    fn new(life: &Life, event: &GlobalEvent) -> Self {
        let config = life.world.config();
        let key = Key::new(config.seed).with(PURPOSE);
        let cares: Vec<bool> = (0..config.viewers)
            .map(|index| life.world.viewer(index).is_audience(event.audience))
            .collect();
        let after = |index: u32| {
            let mut draws = key.with(u64::from(index)).draws();
            at_ms() + VIDEO_EVERY_MS / 3 + (draws.exponential() * HEARD_MEAN_MS) as i64
        };
        let mut heard: Vec<(i64, u32)> = (0..config.viewers)
            .filter(|index| cares[*index as usize])
            .map(|index| (after(index), index))
            .collect();
        heard.sort_unstable_by(|a, b| b.cmp(a));
        let mut videos = life.crowd.unborn_of(event.topic);
        videos.reverse();
        Self {
            seed: config.seed,
            cares,
            videos,
            tags: (event.topic * TAGS_PER_TOPIC..(event.topic + 1) * TAGS_PER_TOPIC)
                .map(hashtag_text)
                .chain([NAME.to_owned()])
                .map(|tag| format!("hashtag:{tag}"))
                .collect(),
            next_ms: at_ms() - GATHER_MS,
            video_ms: at_ms(),
            published: Vec::new(),
            heard,
            detected_ms: None,
            recalls: 0,
        }
    }

    fn gather(&self, life: &mut Life, from_ms: i64) {
        for viewer in 0..self.cares.len() as u32 {
            if !life.is_here(viewer) {
                let part = Key::new(self.seed)
                    .with(PURPOSE + 1)
                    .with(u64::from(viewer))
                    .draws()
                    .unit();
                life.crowd
                    .due_put(from_ms + (part * GATHER_MS as f64) as i64, viewer);
            }
        }
    }

    fn happen(&mut self, life: &mut Life, now_ms: i64) -> Result<(), LoopError> {
        while self.video_ms <= now_ms {
            self.video_ms += VIDEO_EVERY_MS;
            if let Some(video) = self.videos.pop() {
                life.publish_early(video, now_ms, NAME)?;
                self.published.push(video);
            }
        }
        while let Some((_, viewer)) = self.heard.pop_if(|(heard_ms, _)| *heard_ms <= now_ms) {
            let some = (viewer as usize) % self.published.len().max(1);
            if let Some(video) = self.published.get(some) {
                life.link(viewer, *video, now_ms);
            }
        }
        if self.detected_ms.is_none() {
            let rising: Rising = life
                .house
                .api
                .ask(("GET", "/trending/rising"), From::default(), None)?;
            let named = rising.items.iter().any(|topic| self.tags.contains(&topic.scope));
            self.detected_ms = named.then_some(now_ms);
        }
        Ok(())
    }
}

impl Witness for Evening {
    fn moment(&mut self, life: &mut Life, now_ms: i64) -> Result<(), LoopError> {
        if now_ms < at_ms() {
            self.gather(life, now_ms);
            self.next_ms = at_ms();
            return Ok(());
        }
        self.next_ms = now_ms + LOOK_EVERY_MS;
        self.happen(life, now_ms)
    }

    fn next_ms(&self) -> i64 {
        self.next_ms
    }

    fn recalled_ms(&mut self, viewer: u32, now_ms: i64) -> Option<i64> {
        self.recalls += 1;
        let key = Key::new(self.seed).with(PURPOSE + 2).with(u64::from(viewer));
        let part = key.with(self.recalls).draws().unit();
        Some(now_ms + (part * RECALL_MS) as i64)
    }
}

/// Lives through it.
///
/// # Errors
/// See [`Life::run`]; a world without an event.
pub fn evening(config: &WorldConfig) -> Result<Found, LoopError> {
    let world = World::new(config.clone())?;
    let event = config.global_event.ok_or(LoopError::Usage)?;
    let mut life = Life::begin(&world, PACE_BEFORE)?;
    life.run(at_ms() - GATHER_MS, &mut Unwatched)?;
    life.pace_set(PACE);
    let mut evening = Evening::new(&life, &event);
    life.run(at_ms() + AFTER_MS, &mut evening)?;
    let topic_of: Vec<u16> = (0..world.videos()).map(|video| life.crowd.topic(video)).collect();
    let (_, notes) = life.end()?;
    Ok(found(&evening, &notes, &topic_of, event.topic))
}

fn found(evening: &Evening, notes: &crate::life::Notes, topic_of: &[u16], topic: u16) -> Found {
    let from_ms = at_ms() - GATHER_MS;
    // Of who cares and of the others, before and after: all views of the feed, those of the topic, those of these that were drawn.
    let mut counts = [[0.0f64; 3]; 4];
    let mut minutes: BTreeMap<i64, [[f64; 2]; 2]> = BTreeMap::new();
    let mut came_ms: BTreeMap<u32, i64> = BTreeMap::new();
    let mut views = 0;
    for seen in notes.seen.iter().filter(|seen| seen.at_ms >= from_ms) {
        let cares = evening.cares[seen.viewer as usize];
        came_ms.entry(seen.viewer).or_insert(seen.at_ms);
        if !seen.from_feed {
            continue;
        }
        views += 1;
        let is_of_it = f64::from(u8::from(topic_of[seen.video as usize] == topic));
        let is_after = seen.at_ms >= at_ms();
        let count = &mut counts[usize::from(cares) * 2 + usize::from(is_after)];
        count[0] += 1.0;
        count[1] += is_of_it;
        count[2] += is_of_it * f64::from(u8::from(seen.explored));
        let minute = &mut minutes
            .entry((seen.at_ms - at_ms()).div_euclid(MINUTE_MS))
            .or_default()[usize::from(cares)];
        minute[0] += 1.0;
        minute[1] += is_of_it;
    }
    let new: HashSet<u32> = evening.published.iter().copied().collect();
    let offered = |viewer: u32, came_ms: i64| {
        let times = notes
            .offered_ms
            .iter()
            .filter(|((who, video), _)| *who == viewer && new.contains(video));
        let first = times.map(|(_, at_ms)| *at_ms).min();
        first.map_or(f64::INFINITY, |first| (first - came_ms.max(at_ms())) as f64 / 1e3)
    };
    let mut offered_s: Vec<f64> = came_ms
        .iter()
        .filter(|(viewer, _)| evening.cares[**viewer as usize])
        .map(|(viewer, came_ms)| offered(*viewer, *came_ms))
        .collect();
    offered_s.sort_by(f64::total_cmp);
    let share = |at: usize| counts[at][1] / counts[at][0].max(1.0);
    let part = |of: [f64; 2]| of[1] / of[0].max(1.0);
    Found {
        audience: evening.cares.iter().filter(|cares| **cares).count(),
        others: evening.cares.iter().filter(|cares| !**cares).count(),
        detected_s: evening.detected_ms.map(|ms| (ms - at_ms()) as f64 / 1e3),
        offered_s,
        others_before: share(0),
        others_after: share(1),
        audience_before: share(2),
        audience_after: share(3),
        others_explored: counts[1][2] / counts[1][1].max(1.0),
        by_minute: minutes
            .into_iter()
            .map(|(minute, [others, cares])| (minute, (part(cares), part(others))))
            .collect(),
        views,
    }
}
