//! One viewer while the world runs: mood, boredom with what was seen often lately, tiredness, follows, and when they leave
//! and come back. The truth about a video at this moment is asked here.

mod known;

use crate::catalogue::Video;
use crate::config::{HOUR_MS, MINUTE_MS, START_MS};
use crate::outcome::{Drawn, Inputs, Odds};
use crate::people::Viewer;
use crate::world::World;

pub(crate) use known::Known;

/// Tastes move slowly: they are looked up anew after this long, and at each visit.
const TASTE_FRESH_MS: i64 = 10 * MINUTE_MS;
/// Boredom halves in this time, and shrinks with each video seen.
const LOAD_HALF_MS: f64 = 4.0 * HOUR_MS as f64;
const TOPIC_LOAD_KEPT: f32 = 0.94;
const OTHER_LOAD_KEPT: f32 = 0.9;
/// Creators and sounds that a viewer can be bored with at a time.
const LOADS_MAX: usize = 24;
/// Longest and shortest time between two visits.
const GAP_MS_MAX: i64 = 72 * HOUR_MS;
const GAP_MS_MIN: i64 = 5 * MINUTE_MS;
/// Visits stand this much thicker at a peak hour of a happy viewer than on average.
const RHYTHM_MAX: f64 = 2.8;

/// How much a liking for a creator that has no other reason moves the log-odds.
pub(crate) const CHEMISTRY: f64 = 0.5;

const MOOD: u64 = 1;
const LEAVE: u64 = 2;
const RETURN: u64 = 3;
const ARRIVE: u64 = 4;

/// See the file's header.
#[derive(Debug, Clone)]
pub(crate) struct Mind {
    pub viewer: Viewer,
    /// Sorted.
    pub follows: Vec<u32>,
    /// Visits so far, the present one included.
    pub session: u32,
    /// Videos shown in this visit.
    pub in_session: u32,
    /// Videos shown in this life.
    pub step: u32,
    taste: Vec<f32>,
    taste_ms: i64,
    mood: [u16; 2],
    topic_load: Vec<f32>,
    creator_load: Vec<(u32, f32)>,
    sound_load: Vec<(u32, f32)>,
    load_ms: i64,
    /// Moving share of videos that were worth it.
    joy: f64,
}

impl Mind {
    pub(crate) fn new(world: &World, index: u32) -> Self {
        let viewer = world.viewer(index);
        let topics = usize::from(world.config().topics);
        Self {
            follows: world.follows(&viewer),
            viewer,
            session: 0,
            in_session: 0,
            step: 0,
            taste: vec![0.0; topics],
            taste_ms: i64::MIN,
            mood: [0; 2],
            topic_load: vec![0.0; topics],
            creator_load: Vec::new(),
            sound_load: Vec::new(),
            load_ms: START_MS,
            joy: 0.4,
        }
    }

    /// Makes the state that of this moment: call it before asking for odds.
    pub(crate) fn settle(&mut self, world: &World, now_ms: i64) {
        let config = world.config();
        let switch_ms = config.taste_switch.map(|switch| switch.at_ms());
        let event_ms = config.global_event.map(|event| event.from_ms() + event.rise_ms);
        let mut moments = switch_ms.into_iter().chain(event_ms);
        let switched = moments.any(|at_ms| self.taste_ms < at_ms && at_ms <= now_ms);
        if switched || self.taste_ms == i64::MIN || now_ms - self.taste_ms >= TASTE_FRESH_MS {
            self.refresh_taste(world, now_ms);
        }
        let kept = (-((now_ms - self.load_ms) as f64) / LOAD_HALF_MS).exp2() as f32;
        self.load_ms = now_ms;
        self.topic_load.iter_mut().for_each(|load| *load *= kept);
        self.fade_others(kept);
    }

    fn refresh_taste(&mut self, world: &World, now_ms: i64) {
        self.viewer.taste_into(now_ms, &mut self.taste);
        for (topic, liking) in self.taste.iter_mut().enumerate() {
            if *liking > 0.3 {
                let in_mood = self.mood.contains(&(topic as u16));
                *liking += if in_mood { 0.25 } else { -0.1 };
            }
        }
        world.add_event(&self.viewer, now_ms, &mut self.taste);
        self.taste_ms = now_ms;
    }

    fn fade_others(&mut self, kept: f32) {
        for loads in [&mut self.creator_load, &mut self.sound_load] {
            loads.iter_mut().for_each(|(_, load)| *load *= kept);
            loads.retain(|(_, load)| *load > 0.05);
        }
    }

    /// A visit begins: the viewer is in the mood for up to two of their interests.
    pub(crate) fn begin_session(&mut self, world: &World, now_ms: i64) {
        self.session += 1;
        self.in_session = 0;
        let mut draws = world
            .luck_of(MOOD, self.viewer.index)
            .with(u64::from(self.session))
            .draws();
        self.viewer.taste_into(now_ms, &mut self.taste);
        let liked: Vec<u16> = (0..self.taste.len() as u16)
            .filter(|&k| self.taste[usize::from(k)] > 0.3)
            .collect();
        if !liked.is_empty() {
            let count = liked.len() as u64;
            self.mood = std::array::from_fn(|_| liked[draws.below(count) as usize]);
        }
        self.refresh_taste(world, now_ms);
    }

    /// The truth about showing this video now. The state must be settled.
    pub(crate) fn odds(&self, world: &World, video: &Video, now_ms: i64) -> Odds {
        Odds::of(&self.inputs(world, video, now_ms))
    }

    /// What that truth is made of.
    pub(crate) fn inputs(&self, world: &World, video: &Video, now_ms: i64) -> Inputs {
        Inputs {
            interest: self.interest(world, video, now_ms),
            looks: video.looks,
            quality: video.quality,
            clickbait: video.clickbait,
            generosity: self.viewer.generosity,
            duration_ms: video.shown.duration_ms,
            follows: self.follows.binary_search(&video.shown.creator).is_ok(),
        }
    }

    fn interest(&self, world: &World, video: &Video, now_ms: i64) -> f64 {
        let (shown, viewer) = (&video.shown, &self.viewer);
        let (mut liking, mut load) = (0.0, 0.0);
        for (topic, weight) in video.topics {
            liking += f64::from(weight * self.taste[usize::from(topic)]);
            load += f64::from(weight * self.topic_load[usize::from(topic)]);
        }
        let follows = self.follows.binary_search(&shown.creator).is_ok();
        let off = (shown.duration_ms as f64 / 1000.0).ln() - viewer.ln_duration_s;
        let bored = (0.3 * load).min(3.0)
            + 0.5 * f64::from(load_of(&self.creator_load, shown.creator))
            + 0.3 * f64::from(load_of(&self.sound_load, shown.sound));
        let tired = (0.012 * f64::from(self.in_session) / viewer.patience).min(1.0);
        let home = if shown.region == viewer.region {
            0.25
        } else {
            -0.15
        };
        let understood = !video.spoken || shown.language == viewer.language;
        3.0 * liking
            + CHEMISTRY * viewer.chemistry(shown.creator)
            + if follows { 0.6 } else { 0.0 }
            + home
            + if understood { 0.0 } else { -1.2 }
            + world.topic_lift(video.topics[0].0, now_ms)
            + world.sound_lift(shown.sound, now_ms)
            - 0.25 * (off * off).min(4.0)
            - bored
            - tired
    }

    /// The viewer has seen it: boredom, joy and follows move.
    pub(crate) fn saw(&mut self, video: &Video, drawn: &Drawn) {
        let outcome = &drawn.outcome;
        let portion = (outcome.watch_ms as f32 / video.shown.duration_ms as f32).clamp(0.2, 1.0);
        self.topic_load
            .iter_mut()
            .for_each(|load| *load *= TOPIC_LOAD_KEPT);
        self.fade_others(OTHER_LOAD_KEPT);
        for (topic, weight) in video.topics {
            self.topic_load[usize::from(topic)] += weight * portion;
        }
        add_load(&mut self.creator_load, video.shown.creator, portion);
        add_load(&mut self.sound_load, video.shown.sound, portion);
        if outcome.followed
            && let Err(place) = self.follows.binary_search(&video.shown.creator)
        {
            self.follows.insert(place, video.shown.creator);
        }
        self.joy += 0.05 * (f64::from(u8::from(drawn.satisfied)) - self.joy);
        self.step += 1;
        self.in_session += 1;
    }

    /// Whether the viewer puts the phone away after this video.
    pub(crate) fn leaves(&self, world: &World, drawn: &Drawn) -> bool {
        let bit = |yes: bool| f64::from(u8::from(yes));
        let log_odds = -3.4 + 0.02 * f64::from(self.in_session) / self.viewer.patience
            - 0.6 * bit(drawn.satisfied)
            + 0.3 * bit(drawn.outcome.skipped)
            + 1.0 * bit(drawn.outcome.not_interested)
            - 1.2 * (self.joy - 0.4);
        let step = (u64::from(self.session) << 32) | u64::from(self.in_session);
        let mut draws = world.luck_of(LEAVE, self.viewer.index).with(step).draws();
        draws.chance(1.0 / (1.0 + (-log_odds).exp()))
    }

    /// When the viewer comes back after leaving now: their daily rhythm, sooner the better it was.
    pub(crate) fn returns_ms(&self, world: &World, now_ms: i64) -> i64 {
        let mut draws = world
            .luck_of(RETURN, self.viewer.index)
            .with(u64::from(self.session))
            .draws();
        let per_ms = self.viewer.visits_per_day / (24 * HOUR_MS) as f64;
        let gladness = 0.5 + 1.2 * self.joy;
        let mut at_ms = now_ms + GAP_MS_MIN;
        // Thinning (Lewis and Shedler 1979): visits at the highest rate, of which the rhythm keeps some.
        while at_ms < now_ms + GAP_MS_MAX {
            at_ms += (draws.exponential() / (per_ms * RHYTHM_MAX)) as i64;
            if draws.chance(self.viewer.rhythm(at_ms) * gladness / RHYTHM_MAX) {
                break;
            }
        }
        at_ms
    }

    /// When the viewer comes for the first time.
    pub(crate) fn arrives_ms(&self, world: &World) -> i64 {
        let mut draws = world.luck_of(ARRIVE, self.viewer.index).draws();
        START_MS + (draws.exponential() * 24.0 * HOUR_MS as f64 / self.viewer.visits_per_day) as i64
    }

    /// How much the viewer likes this topic now, mood and events included.
    pub(crate) fn liking(&self, topic: u16) -> f32 {
        self.taste[usize::from(topic)]
    }
}

fn load_of(loads: &[(u32, f32)], index: u32) -> f32 {
    loads
        .iter()
        .find(|(known, _)| *known == index)
        .map_or(0.0, |(_, load)| *load)
}

fn add_load(loads: &mut Vec<(u32, f32)>, index: u32, portion: f32) {
    match loads.iter().position(|(known, _)| *known == index) {
        Some(place) => loads[place].1 += portion,
        None if loads.len() < LOADS_MAX => loads.push((index, portion)),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WorldConfig;
    use crate::outcome::Outcome;

    fn world() -> World {
        World::new(WorldConfig::small(11)).expect("possible")
    }

    fn finished(video: &Video) -> Drawn {
        let watch_ms = video.shown.duration_ms;
        Drawn {
            outcome: Outcome {
                watch_ms,
                completed: true,
                ..Outcome::default()
            },
            satisfied: true,
            value_s: 10.0,
        }
    }

    #[test]
    fn too_much_of_one_thing_bores_and_time_heals() {
        let world = world();
        let mut mind = Mind::new(&world, 0);
        mind.begin_session(&world, START_MS);
        mind.settle(&world, START_MS);
        let video = world.video(3);
        let value = |mind: &Mind| mind.odds(&world, &video, START_MS).expected().value_s;
        let at_first = value(&mind);
        for _ in 0..8 {
            mind.saw(&video, &finished(&video));
        }
        let bored = value(&mind);
        assert!(bored < 0.7 * at_first, "{bored} after {at_first}");
        mind.settle(&world, START_MS + 24 * HOUR_MS);
        mind.in_session = 0;
        assert!(load_of(&mind.creator_load, video.shown.creator) < 0.1);
    }

    #[test]
    fn a_follow_is_kept_once_and_in_order() {
        let world = world();
        let mut mind = Mind::new(&world, 1);
        let before = mind.follows.len();
        let video = (0..100)
            .map(|index| world.video(index))
            .find(|video| !mind.follows.contains(&video.shown.creator));
        let video = video.expect("nobody follows everybody");
        let mut drawn = finished(&video);
        drawn.outcome.followed = true;
        mind.saw(&video, &drawn);
        mind.saw(&video, &drawn);
        assert_eq!(mind.follows.len(), before + 1);
        assert!(mind.follows.is_sorted());
        assert_eq!(mind.odds(&world, &video, START_MS).follow, 0.0);
    }

    #[test]
    fn people_come_back_within_days_and_mostly_at_their_hours() {
        let world = world();
        let (mut near, mut count) = (0, 0);
        for index in 0..300 {
            let mut mind = Mind::new(&world, index);
            let mut now_ms = mind.arrives_ms(&world);
            for _ in 0..10 {
                mind.session += 1;
                let next_ms = mind.returns_ms(&world, now_ms);
                assert!(next_ms - now_ms >= GAP_MS_MIN);
                near += usize::from(mind.viewer.rhythm(next_ms) > 1.0);
                count += 1;
                now_ms = next_ms;
            }
        }
        assert!(
            near * 100 > count * 62,
            "{near} of {count} visits in the better half of the day"
        );
    }
}
