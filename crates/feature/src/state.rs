//! What extraction reads: counters of entities and pairs, and each viewer's last impressions. Advanced by [`State::observe`] in event
//! time, and a function of the calls alone: equal calls leave equal bytes ([`State::encode`]). It reads no clock and no store.
//!
//! Everything is bounded by [`StateConfig`]. When a map is full, the eighth of it that changed longest ago goes, and a pair that nobody
//! touched for [`CROSS_EXPIRY_MS`] goes with the next sweep; both are counted. A pair's key is a fold of its ids, so
//! [`State::forget_viewer`] cannot name the pairs of a viewer: they hold no id and leave by expiry.

mod bytes;

use types::{TimestampMs, ViewerId};

use crate::counter::{Counter, Full, Measure, Slim};
use crate::entity::{Entity, Keys};
use crate::facts::{Context, Outcome, VideoFacts, ViewerFacts};
use crate::map::Map;
use crate::ring::{Ring, Seen};

pub use bytes::StateError;

/// A pair that nobody touched for so long goes.
pub const CROSS_EXPIRY_MS: i64 = 45 * 86_400_000;
/// Observations between two sweeps for expired pairs.
const SWEEP_EVERY: u64 = 1 << 20;

/// How much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateConfig {
    /// Counters of entities, 144 bytes each.
    pub entities_max: usize,
    /// Counters of pairs, 40 bytes each.
    pub crosses_max: usize,
    /// Viewers with a ring, up to 5.2 kB each.
    pub rings_max: usize,
}

impl Default for StateConfig {
    /// About 1.5 GB when full.
    fn default() -> Self {
        Self {
            entities_max: 2 << 20,
            crosses_max: 16 << 20,
            rings_max: 128 << 10,
        }
    }
}

/// One impression and what became of it.
#[derive(Debug, Clone, Copy)]
pub struct Impression<'a> {
    pub viewer: &'a ViewerFacts,
    pub video: &'a VideoFacts,
    pub context: &'a Context,
    /// False when `context.at_ms` is only a bound: the order is known, the time is not.
    pub timed: bool,
    pub outcome: Outcome,
}

/// How many entries left for want of room or of use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    pub evicted: u64,
    pub expired: u64,
}

/// See the file's header.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(crate) config: StateConfig,
    pub(crate) overall: Full,
    pub(crate) entities: Map<Full>,
    pub(crate) crosses: Map<Slim>,
    pub(crate) rings: Map<Ring>,
    pub(crate) observed: u64,
    pub(crate) left: Left,
}

impl Default for State {
    fn default() -> Self {
        Self::new(StateConfig::default())
    }
}

impl State {
    /// Knows nothing.
    pub fn new(config: StateConfig) -> Self {
        Self {
            config,
            overall: Full::default(),
            entities: Map::default(),
            crosses: Map::default(),
            rings: Map::default(),
            observed: 0,
            left: Left::default(),
        }
    }

    /// The same state under other bounds. What is too much leaves with the next observations.
    pub fn with_config(self, config: StateConfig) -> Self {
        Self { config, ..self }
    }

    /// Counts an impression and its outcome.
    pub fn observe(&mut self, impression: &Impression<'_>) {
        let Impression {
            viewer,
            video,
            context,
            outcome,
            ..
        } = *impression;
        let at_ms = context.at_ms;
        self.overall.add(at_ms, &outcome);
        let keys = Keys::new(viewer, video, context);
        self.prefetch(&keys);
        for key in keys.entities.into_iter().flatten() {
            self.entities.entry(key).or_default().add(at_ms, &outcome);
        }
        for key in keys.pairs() {
            self.crosses.entry(key).or_default().add(at_ms, &outcome);
        }
        let seen = Seen {
            at_ms: impression.timed.then_some(at_ms),
            video: video.video.raw(),
            creator: video.creator.raw(),
            topics: video.topics,
            category: video.category.map_or(0, |category| category.number()),
            duration_ms: u32::try_from(video.duration_ms.max(0)).unwrap_or(u32::MAX),
            surface: context.surface,
            outcome,
        };
        self.rings.entry(viewer.viewer.raw()).or_default().push(seen);
        self.observed += 1;
        self.keep_bounds(at_ms);
    }

    /// A like that came after the impression was counted (`yes`), or was taken back.
    pub fn amend_like(&mut self, viewer: &ViewerFacts, video: &VideoFacts, context: &Context, yes: bool) {
        let by = if yes { 1.0 } else { -1.0 };
        let keys = Keys::new(viewer, video, context);
        for key in keys.entities.into_iter().flatten() {
            if let Some(counter) = self.entities.get_mut(&key) {
                counter.amend(context.at_ms, Measure::Like, by);
            }
        }
        for key in keys.pairs() {
            if let Some(counter) = self.crosses.get_mut(&key) {
                counter.amend(context.at_ms, Measure::Like, by);
            }
        }
        self.overall.amend(context.at_ms, Measure::Like, by);
        let ring = self.rings.get_mut(&viewer.viewer.raw());
        if let Some(seen) = ring.and_then(|ring| ring.find_mut(video.video.raw())) {
            seen.outcome.like = yes;
        }
    }

    /// Drops a viewer's ring and counter; see the file's header for the pairs.
    pub fn forget_viewer(&mut self, viewer: ViewerId) {
        self.rings.remove(&viewer.raw());
        self.entities.remove(&Keys::viewer(&ViewerFacts::new(viewer)));
    }

    /// How often a viewer was seen.
    pub fn seen_of_viewer(&self, viewer: &ViewerFacts) -> u64 {
        self.entities.get(&Keys::viewer(viewer)).map_or(0, shown)
    }

    /// How often a video was seen.
    pub fn seen_of_video(&self, video: &VideoFacts) -> u64 {
        let nobody = ViewerFacts::new(ViewerId::from_raw(0));
        let keys = Keys::new(&nobody, video, &Context::at(0));
        let key = keys.entities[Entity::Video as usize];
        key.and_then(|key| self.entities.get(&key)).map_or(0, shown)
    }

    /// Impressions observed.
    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// Entities, pairs and viewers remembered.
    pub fn sizes(&self) -> [usize; 3] {
        [self.entities.len(), self.crosses.len(), self.rings.len()]
    }

    /// What had to leave.
    pub fn left(&self) -> Left {
        self.left
    }

    /// Starts to fetch the counters of these keys.
    #[inline(always)]
    pub(crate) fn prefetch(&self, keys: &Keys) {
        keys.entities
            .iter()
            .flatten()
            .for_each(|key| self.entities.prefetch(*key));
        let topics = keys.topics.iter();
        let crosses = keys.crosses.iter().chain(topics);
        crosses.flatten().for_each(|key| self.crosses.prefetch(*key));
    }

    pub(crate) fn entity(&self, key: Option<u64>, now_ms: TimestampMs) -> Full {
        key.and_then(|key| self.entities.get(&key))
            .map_or(Full::default(), |counter| counter.at(now_ms))
    }

    pub(crate) fn cross(&self, key: Option<u64>, now_ms: TimestampMs) -> Slim {
        key.and_then(|key| self.crosses.get(&key))
            .map_or(Slim::default(), |counter| counter.at(now_ms))
    }

    fn keep_bounds(&mut self, now_ms: TimestampMs) {
        if self.observed.is_multiple_of(SWEEP_EVERY) {
            let before = self.crosses.len();
            self.crosses
                .retain(|_, counter| now_ms.saturating_sub(counter.at_ms) < CROSS_EXPIRY_MS);
            self.left.expired += (before - self.crosses.len()) as u64;
        }
        let counter_age = |counter: &Full| counter.at_ms;
        self.left.evicted += evict(&mut self.entities, self.config.entities_max, counter_age);
        self.left.evicted += evict(&mut self.crosses, self.config.crosses_max, |counter: &Slim| {
            counter.at_ms
        });
        let ring_age = |ring: &Ring| ring.newest().next().and_then(|seen| seen.at_ms).unwrap_or(0);
        self.left.evicted += evict(&mut self.rings, self.config.rings_max, ring_age);
    }
}

fn shown<const W: usize, const M: usize>(counter: &Counter<W, M>) -> u64 {
    counter.sum(crate::counter::Window::All, Measure::Shown) as u64
}

/// When there are more than `max`, drops those that changed longest ago down to seven eighths; equal ages by key. How many went.
fn evict<V: Default>(map: &mut Map<V>, max: usize, age: impl Fn(&V) -> TimestampMs) -> u64 {
    if map.len() <= max {
        return 0;
    }
    let before = map.len();
    let mut ages: Vec<(TimestampMs, u64)> = map.iter().map(|(key, value)| (age(value), key)).collect();
    let gone = before - max / 8 * 7;
    let (_, last_gone, _) = ages.select_nth_unstable(gone - 1);
    let last_gone = *last_gone;
    map.retain(|key, value| (age(value), *key) > last_gone);
    (before - map.len()) as u64
}

#[cfg(test)]
mod tests;
