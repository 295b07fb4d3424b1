//! Who watches: what each viewer likes and dislikes, for how long, and when they come. Everything here is hidden from a
//! policy except region and language.

use crate::config::{DAY_MS, HOUR_MS, START_MS, WorldConfig};
use crate::random::{Draws, Key};

/// Interests that a viewer holds at a time.
const INTERESTS_MIN: u64 = 4;
const INTERESTS_MAX: u64 = 8;
/// Topics that a viewer wants to be spared.
const DISLIKES: usize = 3;
const DISLIKE: f32 = -0.8;
/// An interest that comes or goes by drift does so over this long.
const RAMP_MS: i64 = 6 * HOUR_MS;
/// The head of the topics is this flat: the most frequent of 40 has about 9 % of the interests.
pub(crate) const TOPIC_FLAT: f64 = 4.0;

/// A liking for one topic, while it lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interest {
    pub topic: u16,
    /// From 0.45 to 1.
    pub strength: f32,
    pub from_ms: i64,
    pub until_ms: i64,
    /// How long it takes to come and to go; 0 for one that is switched.
    pub ramp_ms: i64,
}

impl Interest {
    /// How strong it is now.
    fn at(&self, now_ms: i64) -> f32 {
        if now_ms < self.from_ms || now_ms >= self.until_ms {
            return 0.0;
        }
        if self.ramp_ms == 0 {
            return self.strength;
        }
        let ramp = self.ramp_ms as f32;
        let (risen, left) = (now_ms - self.from_ms, self.until_ms - now_ms);
        self.strength * (risen as f32 / ramp).min(left as f32 / ramp).min(1.0)
    }
}

/// One synthetic person.
#[derive(Debug, Clone, PartialEq)]
pub struct Viewer {
    pub index: u32,
    pub region: u8,
    /// The language of a region has the region's number; some viewers speak another one.
    pub language: u8,
    pub(crate) interests: Vec<Interest>,
    dislikes: [u16; DISLIKES],
    /// Topics that a taste switch brings; empty for those whom none meets.
    switched_to: Vec<u16>,
    /// Natural logarithm of the duration they like best, in seconds.
    pub(crate) ln_duration_s: f64,
    /// How easily they press the heart, in log-odds around the mean.
    pub(crate) generosity: f64,
    /// How many videos they can take in a session before it tires them, around 1.
    pub(crate) patience: f64,
    pub(crate) visits_per_day: f64,
    /// The hour of their day's peak, local to the simulated clock.
    pub(crate) peak_hour: f64,
    base: Key,
}

impl Viewer {
    pub(crate) fn draw(config: &WorldConfig, index: u32) -> Self {
        let key = Key::new(config.seed).with(PURPOSE).with(u64::from(index));
        let mut draws = key.draws();
        let region = draws.zipf(u64::from(config.regions), 2.0) as u8;
        let speaks_other = draws.chance(0.12);
        let other = draws.below(u64::from(config.regions)) as u8;
        let mut viewer = Self {
            index,
            region,
            language: if speaks_other { other } else { region },
            interests: Vec::new(),
            dislikes: [0; DISLIKES],
            switched_to: Vec::new(),
            ln_duration_s: 18f64.ln() + 0.45 * draws.normal(),
            generosity: 0.8 * draws.normal(),
            patience: (0.35 * draws.normal()).exp(),
            visits_per_day: config.visits * (4.0 * (0.5 * draws.normal()).exp()).clamp(0.5, 16.0),
            peak_hour: 20.0 + 3.0 * draws.normal(),
            base: key.with(1),
        };
        viewer.draw_interests(config, &mut draws);
        viewer.switch_taste(config, key);
        viewer
    }

    /// A handful of chains: in each, an interest lives its time and the next takes its place.
    fn draw_interests(&mut self, config: &WorldConfig, draws: &mut Draws) {
        let chains = INTERESTS_MIN + draws.below(INTERESTS_MAX - INTERESTS_MIN + 1);
        for _ in 0..chains {
            let life = config.interest_days * DAY_MS as f64;
            let mut from_ms = START_MS - (life * draws.unit()) as i64;
            while from_ms < config.end_ms() {
                let until_ms = from_ms + RAMP_MS * 2 + (life * draws.exponential()) as i64;
                self.interests.push(Interest {
                    topic: draws.zipf(u64::from(config.topics), TOPIC_FLAT) as u16,
                    strength: draws.between(0.45, 1.0) as f32,
                    from_ms,
                    until_ms,
                    ramp_ms: RAMP_MS,
                });
                from_ms = until_ms - RAMP_MS;
            }
        }
        for slot in 0..DISLIKES {
            let topic = draws.below(u64::from(config.topics)) as u16;
            self.dislikes[slot] = topic;
        }
    }

    /// Ends all interests at the moment of the switch and begins as many others.
    fn switch_taste(&mut self, config: &WorldConfig, key: Key) {
        let Some(switch) = config.taste_switch else {
            return;
        };
        let mut draws = key.with(2).draws();
        if !draws.chance(switch.share) {
            return;
        }
        let at_ms = switch.at_ms();
        let mut taken: Vec<u16> = self.interests.iter().map(|interest| interest.topic).collect();
        taken.extend(self.dislikes);
        self.interests.retain(|interest| interest.from_ms < at_ms);
        let standing: Vec<_> = self
            .interests
            .iter()
            .filter(|interest| interest.until_ms > at_ms)
            .copied()
            .collect();
        for interest in &mut self.interests {
            interest.until_ms = interest.until_ms.min(at_ms);
        }
        for old in standing {
            // Topics are few and some are taken: after some tries any topic that is not an old one will do.
            let fresh = (0..64).map(|_| draws.zipf(u64::from(config.topics), TOPIC_FLAT) as u16);
            let Some(topic) = fresh.into_iter().find(|topic| !taken.contains(topic)) else {
                continue;
            };
            taken.push(topic);
            self.switched_to.push(topic);
            self.interests.push(Interest {
                topic,
                strength: old.strength,
                from_ms: at_ms,
                until_ms: i64::MAX,
                ramp_ms: 0,
            });
        }
    }

    /// Writes the viewer's liking of every topic, from −1 to about 1, into `taste` (one number a topic).
    pub(crate) fn taste_into(&self, now_ms: i64, taste: &mut [f32]) {
        for (topic, liking) in taste.iter_mut().enumerate() {
            let base = -0.15 + 0.12 * self.base.with(topic as u64).draws().normal() as f32;
            *liking = base.min(0.2);
        }
        for interest in &self.interests {
            let strength = interest.at(now_ms);
            if strength > 0.0 {
                let liking = &mut taste[usize::from(interest.topic)];
                *liking = liking.max(strength);
            }
        }
        for &topic in &self.dislikes {
            let liking = &mut taste[usize::from(topic)];
            if *liking < 0.3 {
                *liking = DISLIKE;
            }
        }
    }

    /// Topics that a taste switch brought; empty for those whom none meets.
    pub fn switched_to(&self) -> &[u16] {
        &self.switched_to
    }

    /// A liking for one creator that has no other reason: mean 0, standard deviation 1.
    pub(crate) fn chemistry(&self, creator: u32) -> f64 {
        self.base.with(1 << 32 | u64::from(creator)).draws().normal()
    }

    /// True when the viewer is of a global event's audience.
    pub fn is_audience(&self, share: f64) -> bool {
        self.base.with(2 << 32).draws().chance(share)
    }

    /// How likely a visit is at this moment, relative to the day's mean: a cosine around the peak hour.
    pub(crate) fn rhythm(&self, now_ms: i64) -> f64 {
        let hour = (now_ms.rem_euclid(DAY_MS)) as f64 / HOUR_MS as f64;
        1.0 + 0.9 * ((hour - self.peak_hour) / 24.0 * std::f64::consts::TAU).cos()
    }
}

/// Keeps the viewers' numbers apart from those of videos and creators.
const PURPOSE: u64 = 0x7669_6577;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TasteSwitch;

    fn taste(viewer: &Viewer, now_ms: i64) -> Vec<f32> {
        let mut taste = vec![0.0; 40];
        viewer.taste_into(now_ms, &mut taste);
        taste
    }

    #[test]
    fn tastes_are_few_strong_and_drift() {
        let config = WorldConfig {
            days: 60,
            ..WorldConfig::small(3)
        };
        let mut moved = 0.0;
        for index in 0..200 {
            let viewer = Viewer::draw(&config, index);
            let now = taste(&viewer, START_MS + DAY_MS);
            let later = taste(&viewer, START_MS + 40 * DAY_MS);
            let strong = now.iter().filter(|&&liking| liking > 0.3).count();
            assert!((1..=INTERESTS_MAX as usize + 2).contains(&strong), "{strong}");
            assert!(now.iter().all(|liking| (-1.0..=1.0).contains(liking)));
            moved += now.iter().zip(&later).map(|(a, b)| (a - b).abs()).sum::<f32>() / 200.0;
        }
        assert!(moved > 1.0, "after 40 days a viewer is {moved} away");
    }

    #[test]
    fn a_switch_leaves_nothing_of_the_old_taste() {
        let switch = TasteSwitch {
            at_days: 1.0,
            share: 0.5,
        };
        let config = WorldConfig {
            taste_switch: Some(switch),
            ..WorldConfig::small(4)
        };
        let (mut met, before, after) = (0, switch.at_ms() - 1, switch.at_ms());
        for index in 0..400 {
            let viewer = Viewer::draw(&config, index);
            if viewer.switched_to().is_empty() {
                continue;
            }
            met += 1;
            let (old, new) = (taste(&viewer, before), taste(&viewer, after));
            for topic in 0..40 {
                assert!(
                    !(old[topic] > 0.3 && new[topic] > 0.3),
                    "viewer {index} kept topic {topic}"
                );
                assert!(new[topic] <= 0.3 || viewer.switched_to().contains(&(topic as u16)));
            }
        }
        assert!((150..250).contains(&met), "{met} of 400 viewers met the switch");
    }
}
