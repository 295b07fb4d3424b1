//! How many candidates each source may give, and the merger that keeps to it.
//!
//! Quotas are floors: of [`Quota::candidates_max`] places 40 % are kept for collaborative sources, 30 % for content, 20 % for social, 5 % each
//! for trending and exploration. A class that cannot fill its floor leaves places over. They go to the others by marginal yield: a
//! class's *price* is how much value its candidates brought onto pages, for each candidate that it gave, as of the last pages (an average
//! that halves every [`PRICE_HALF_PAGES`] pages). Sources are asked for their floor and their part of what was left over lately, so that
//! hardly anything is found in vain. Prices and left-overs are learned by the process and begin anew with it: equal prices, nothing left.
//!
//! Back of the envelope: 10 000 entries through a table of 32 768 places of 8 bytes (256 kB, second-level cache): about 60 µs.

use candidate_pipeline::{Found, Merger, Stage, StageError};
use event::Source;
use parking_lot::Mutex;

use crate::model::{Query, VideoCandidate};

/// What kind of relation a source goes by; quotas are by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Collaborative,
    Content,
    Social,
    Trending,
    Exploration,
}

pub(crate) const CLASSES: usize = 5;

/// Parts of the candidates kept for each class.
const FLOORS: [f32; CLASSES] = [0.40, 0.30, 0.20, 0.05, 0.05];
/// How fast prices forget.
const PRICE_HALF_PAGES: f32 = 500.0;
/// The part of what a request left empty by which the next one asks for more.
const LEFT_STEP: f32 = 0.1;
/// No class gets less than this part of what is left over, in relation to equal parts: a price must be able to recover.
const PRICE_MIN: f32 = 0.1;

impl Class {
    pub(crate) const fn of(source: Source) -> Self {
        match source {
            Source::Collaborative | Source::Interest => Self::Collaborative,
            Source::Content | Source::Fresh => Self::Content,
            Source::Social | Source::Following => Self::Social,
            Source::Trending | Source::Popular | Source::Pinned => Self::Trending,
            Source::Explore | Source::Uniform => Self::Exploration,
        }
    }
}

/// How many candidates each class may give to a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asks([usize; CLASSES]);

impl Asks {
    pub(crate) fn of(&self, source: Source) -> usize {
        self.0[Class::of(source) as usize]
    }
}

/// What the last pages taught.
#[derive(Debug, Clone, Copy)]
struct Learned {
    /// Value brought onto pages, and candidates given, both fading.
    brought: [f32; CLASSES],
    given: [f32; CLASSES],
    /// Places asked for beyond the floors, all classes together.
    left: f32,
}

/// See the file's header.
pub(crate) struct Quota {
    candidates_max: usize,
    learned: Mutex<Learned>,
}

impl Quota {
    /// For requests of at most `candidates_max` candidates.
    pub(crate) fn new(candidates_max: usize) -> Self {
        Self {
            candidates_max,
            learned: Mutex::new(Learned {
                brought: [1.0; CLASSES],
                given: [1.0; CLASSES],
                left: 0.0,
            }),
        }
    }

    fn floors(&self) -> [usize; CLASSES] {
        FLOORS.map(|part| (part * self.candidates_max as f32) as usize)
    }

    /// What to ask the sources of the next request for.
    pub(crate) fn asks(&self) -> Asks {
        let learned = *self.learned.lock();
        let parts = learned.parts();
        let mut asks = self.floors();
        for (ask, part) in asks.iter_mut().zip(parts) {
            *ask += (part * learned.left) as usize;
        }
        Asks(asks)
    }

    /// Learns from what was given and left over.
    fn gave(&self, given: [usize; CLASSES]) {
        let unfilled = self.candidates_max as f32 - given.iter().sum::<usize>() as f32;
        let mut learned = self.learned.lock();
        let keep = (-1.0 / PRICE_HALF_PAGES).exp2();
        // Asks for more until requests are full, or until it is plain that there is no more.
        learned.left = (learned.left + unfilled * LEFT_STEP).clamp(0.0, self.candidates_max as f32);
        if unfilled <= 0.0 {
            learned.left *= 1.0 - LEFT_STEP * LEFT_STEP;
        }
        for (sum, given) in learned.given.iter_mut().zip(given) {
            *sum = *sum * keep + given as f32 / self.candidates_max.max(1) as f32;
        }
        learned.brought.iter_mut().for_each(|brought| *brought *= keep);
    }

    /// Learns from a page: the values of what stands on it.
    pub(crate) fn laid(&self, page: &[VideoCandidate]) {
        let mut learned = self.learned.lock();
        for one in page.iter().filter(|one| !one.explored) {
            learned.brought[Class::of(one.sources.first()) as usize] +=
                one.score.clamp(0.0, 1.0) / page.len() as f32;
        }
    }

    /// The part of left-over places that each class gets, adding up to 1.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> [f32; CLASSES] {
        self.learned.lock().parts()
    }
}

impl Learned {
    fn parts(&self) -> [f32; CLASSES] {
        let mut prices = [0.0; CLASSES];
        for (class, price) in prices.iter_mut().enumerate() {
            *price = self.brought[class] / self.given[class].max(1e-3);
        }
        let mean = prices.iter().sum::<f32>() / CLASSES as f32;
        let prices = prices.map(|price| price.max(PRICE_MIN * mean).max(f32::MIN_POSITIVE));
        let sum: f32 = prices.iter().sum();
        prices.map(|price| price / sum)
    }
}

/// Merger: floors first, then what is left by price.
pub(crate) struct Blend(pub std::sync::Arc<Quota>);

impl Stage for Blend {
    fn name(&self) -> &'static str {
        "blend"
    }

    fn about(&self) -> &'static str {
        "one list with each video once: 40 % collaborative, 30 % content, 20 % social, 5 % trending, 5 % exploration; what a class leaves over goes to the others by yield"
    }
}

impl Merger<Query, VideoCandidate> for Blend {
    fn merge(
        &self,
        query: &Query,
        found: &[Found<VideoCandidate>],
    ) -> Result<Vec<VideoCandidate>, StageError> {
        let total: usize = found.iter().map(|found| found.candidates.len()).sum();
        let mut merged = Vec::with_capacity(total.min(self.0.candidates_max));
        let mut places = Places::new(total);
        let mut given = [0; CLASSES];
        let floors = self.0.floors();
        // First round: each class to its floor. Second round: what is left, class by class as asked for.
        for limits in [floors, query.asks.0] {
            for found in found {
                for one in &found.candidates {
                    let class = Class::of(one.sources.first()) as usize;
                    match places.find(one.video.raw()) {
                        Ok(at) => {
                            let known: &mut VideoCandidate = &mut merged[at];
                            known.sources.add(one.sources);
                        }
                        Err(_) if given[class] >= limits[class] || merged.len() >= self.0.candidates_max => {}
                        Err(place) => {
                            places.set(place, one.video.raw(), merged.len());
                            merged.push(*one);
                            given[class] += 1;
                        }
                    }
                }
            }
            if merged.len() == total || floors == query.asks.0 {
                break;
            }
        }
        self.0.gave(given);
        Ok(merged)
    }
}

/// Where each video stands in the list: open addressing, half empty at least.
struct Places {
    /// Low half of the id's hash and the place, one more than it; 0 is free.
    table: Vec<(u64, u32)>,
    shift: u32,
}

impl Places {
    fn new(count: usize) -> Self {
        let bits = (count * 2).next_power_of_two().trailing_zeros().max(4);
        Self {
            table: vec![(0, 0); 1 << bits],
            shift: 64 - bits,
        }
    }

    /// Where `key` stands in the list, or else its free place in the table.
    fn find(&self, key: u64) -> Result<usize, usize> {
        let mut at = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        loop {
            match self.table[at] {
                (_, 0) => return Err(at),
                (known, place) if known == key => return Ok(place as usize - 1),
                _ => at = (at + 1) & (self.table.len() - 1),
            }
        }
    }

    fn set(&mut self, at: usize, key: u64, place: usize) {
        self.table[at] = (key, place as u32 + 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use types::{VideoId, ViewerId};

    use super::*;

    fn found(source: Source, from: u64, count: u64) -> Found<VideoCandidate> {
        let one = |n: u64| VideoCandidate::new(n as u32, VideoId::from_raw(n), source);
        Found {
            source: source.name(),
            candidates: (from..from + count).map(one).collect(),
        }
    }

    fn counts(merged: &[VideoCandidate]) -> [usize; CLASSES] {
        let mut counts = [0; CLASSES];
        for one in merged {
            counts[Class::of(one.sources.first()) as usize] += 1;
        }
        counts
    }

    #[test]
    fn classes_keep_to_their_floors_and_what_is_left_over_goes_to_the_others() {
        let quota = Arc::new(Quota::new(1_000));
        let blend = Blend(quota.clone());
        let all = [
            found(Source::Collaborative, 1, 1_000),
            found(Source::Content, 1_001, 1_000),
            found(Source::Social, 2_001, 50),
            found(Source::Trending, 3_001, 1_000),
            found(Source::Explore, 4_001, 1_000),
        ];
        let query = |asks| Query {
            asks,
            ..Query::new(ViewerId::from_raw(1), 0, 10)
        };
        let first = blend.merge(&query(quota.asks()), &all).expect("merges");
        assert_eq!(counts(&first), [400, 300, 50, 50, 50]);
        for _ in 0..200 {
            blend.merge(&query(quota.asks()), &all).expect("merges");
        }
        let later = blend.merge(&query(quota.asks()), &all).expect("merges");
        assert!((980..=1_000).contains(&later.len()), "{}", later.len());
        assert!(counts(&later)[0] > 400, "{:?}", counts(&later));
    }

    #[test]
    fn a_class_that_brings_more_onto_pages_gets_more_of_what_is_left_and_none_gets_nothing() {
        let quota = Quota::new(1_000);
        for _ in 0..2_000 {
            quota.gave([400, 300, 200, 50, 50]);
            let page: Vec<_> = (0..10)
                .map(|n| VideoCandidate {
                    score: 0.8,
                    ..VideoCandidate::new(n, VideoId::from_raw(n.into()), Source::Social)
                })
                .collect();
            quota.laid(&page);
        }
        let parts = quota.parts();
        assert!(parts[Class::Social as usize] > 0.6, "{parts:?}");
        assert!(parts.iter().all(|part| *part > 0.005), "{parts:?}");
        assert!((parts.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    }

    #[test]
    fn what_two_sources_found_stands_once_with_both() {
        let blend = Blend(Arc::new(Quota::new(100)));
        let all = [found(Source::Interest, 1, 5), found(Source::Fresh, 3, 5)];
        let query = Query {
            asks: blend.0.asks(),
            ..Query::new(ViewerId::from_raw(1), 0, 10)
        };
        let merged = blend.merge(&query, &all).expect("merges");
        let videos: Vec<u64> = merged.iter().map(|one| one.video.raw()).collect();
        assert_eq!(videos, [1, 2, 3, 4, 5, 6, 7]);
        assert!(merged[2].sources.has(Source::Fresh) && merged[2].sources.has(Source::Interest));
        assert!(!merged[0].sources.has(Source::Fresh));
    }
}
