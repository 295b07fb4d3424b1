//! Exploration: which places of a page explore, who is drawn for them, and with which probability. What is drawn stands in the served record
//! with its propensity; whoever knows the house's seed can draw it again ([`weights::Counter`]).
//!
//! Two kinds of draws, told apart by the source in the record:
//!
//! - *weighted* (`explore`): inverse-gap weighting over at most [`weights::POOL_MAX`] candidates of the explore source, by the value that ranking
//!   gives them; a video behind the impressions it is owed has that part of its gap forgiven.
//! - *even* (`uniform`): about [`EVEN_SHARE`] of all places, whatever ranking thinks. Of the catalog a sample without replacement is drawn,
//!   the filters drop what this viewer must not see, and one of those that are left is shown. Where the sample is the whole catalog, the
//!   propensity is one by the number of eligible videos. Where the catalog is larger it is the sampled part of the catalog by the number of
//!   eligible videos in the sample: its inverse is then an unbiased weight, for both draws are known (two-phase sampling; Särndal, Swensson and Wretman 1992, ch. 9).
//!
//! A propensity is that of its kind of draw, given the draws before it on the page: which kind it is was decided by a coin that looks at nothing.
//!
//! Arithmetic for one page: 64 chances, 2 draws, about 1 µs; on one page in twelve an even sample of [`EVEN_SAMPLE_MAX`] candidates more.

pub mod weights;

use candidate_pipeline::{Hydrator, Stage, StageError};
use event::Source;
use types::VideoId;

use crate::model::{NO_PLACE, Query, VideoCandidate};
use crate::seeded::Seeded;
use weights::{Chance, Counter, POOL_MAX, fall, inverse_gap};

/// Of ten places of a sitting one explores, the fifth to begin with.
const EXPLORE_EVERY: u64 = 10;
const EXPLORE_AT: u64 = 4;
/// The part of exploring places that is drawn evenly: 0.4 % of all places.
const EVEN_SHARE: f64 = 0.04;
/// Videos of an even sample.
pub(crate) const EVEN_SAMPLE_MAX: usize = 384;

/// Streams of the counter, so that no two decisions share a number.
const STREAM_EVEN_PLACE: u64 = 1;
const STREAM_EVEN_DRAW: u64 = 2;
const STREAM_WEIGHTED: u64 = 3;
pub(crate) const STREAM_SAMPLE: u64 = 4;
pub(crate) const STREAM_FILL: u64 = 5;

/// What the explore sources leave for the draw; missing when they did not answer in time.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    /// Videos of the pool that are owed impressions, and how far behind they are, by video.
    pub owed: Vec<(VideoId, f32)>,
}

/// The even sample of a page that has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EvenSample {
    /// The part of the catalog that was sampled, 0 to 1.
    pub part: f64,
}

/// The numbers that decide about a page.
pub(crate) fn numbers(query: &Query) -> Counter {
    Counter::of_seed(query.seed)
}

/// Bits of the places of a page of `length` that explore. Places count on through a sitting, so that short pages explore as often as long ones.
/// Of what the client holds, those that explored before keep their places; behind it the count of the sitting goes on.
pub(crate) fn places(query: &Query, length: usize) -> u64 {
    if !query.held.is_empty() {
        let served = query.history.served.len() as u64;
        return (0..length.min(64))
            .filter(|place| match query.held.get(*place) {
                Some(held) => held.explored,
                None => (served + *place as u64) % EXPLORE_EVERY == EXPLORE_AT,
            })
            .fold(0, |bits, place| bits | 1 << place);
    }
    let from = query.page.wrapping_mul(query.count as u64);
    (0..length.min(64) as u64)
        .filter(|place| from.wrapping_add(*place) % EXPLORE_EVERY == EXPLORE_AT)
        .fold(0, |bits, place| bits | 1 << place)
}

/// The place of a page of `length` that is drawn evenly, if one is. No page has two.
pub(crate) fn even_place(query: &Query, length: usize) -> Option<usize> {
    let exploring: Vec<usize> = bits(places(query, length))
        .filter(|place| *place >= query.held.len())
        .collect();
    let numbers = numbers(query).with(STREAM_EVEN_PLACE);
    let is_even = numbers.unit(0) < EVEN_SHARE * exploring.len() as f64;
    is_even.then(|| exploring[numbers.below(1, exploring.len())])
}

/// The places whose bits are set, in order.
pub(crate) fn bits(places: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |place| places >> place & 1 == 1)
}

/// Hydrator: draws one of the even sample, as soon as the filters have dropped what must not be seen, and marks it.
pub(crate) struct Even;

impl Stage for Even {
    fn name(&self) -> &'static str {
        "even_draw"
    }

    fn about(&self) -> &'static str {
        "on a page in twelve, draws one video evenly from all that this viewer may see"
    }
}

impl Hydrator<Query, VideoCandidate> for Even {
    fn hydrate(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        let Some(sample) = query.even.get() else {
            return Ok(());
        };
        let mut eligible: Vec<usize> = (0..candidates.len())
            .filter(|&at| {
                candidates[at].sources.has(Source::Uniform) && query.holds(candidates[at].video).is_none()
            })
            .collect();
        // In an order that is the videos' own.
        eligible.sort_unstable_by_key(|&at| candidates[at].video);
        if eligible.is_empty() {
            metrics::counter!("riffle_feed_even_draws_total", "outcome" => "nothing_eligible").increment(1);
            return Ok(());
        }
        metrics::counter!("riffle_feed_even_draws_total", "outcome" => "drawn").increment(1);
        let drawn = eligible[numbers(query).with(STREAM_EVEN_DRAW).below(0, eligible.len())];
        let one = &mut candidates[drawn];
        one.explored = true;
        one.even = true;
        one.propensity = (sample.part / eligible.len() as f64).min(1.0) as f32;
        Ok(())
    }
}

/// Draws for the exploring `places` of a page, of the candidates at `order`, and marks who was drawn. `value` is what showing one is worth. The
/// answer is the candidate drawn for each place, in the order of places; the places beyond are those that nobody could be drawn for.
pub(crate) fn draw(
    query: &Query,
    places: u64,
    greed: f64,
    order: &[usize],
    candidates: &mut [VideoCandidate],
    value: impl Fn(&VideoCandidate) -> f32,
) -> Vec<(usize, usize)> {
    let even = order
        .iter()
        .copied()
        .find(|&at| candidates[at].even && query.holds(candidates[at].video).is_none());
    let even_place = even.and_then(|_| even_place(query, query.count));
    let mut pool: Vec<usize> = order
        .iter()
        .copied()
        .filter(|&at| may_be_drawn(query, &candidates[at]))
        .take(POOL_MAX)
        .collect();
    let mut chances: Vec<Chance> = pool
        .iter()
        .map(|&at| Chance {
            value: value(&candidates[at]),
            relief: relief(query, candidates[at].video),
        })
        .collect();
    let (mut probabilities, mut drawn) = (Vec::with_capacity(pool.len()), Vec::new());
    let numbers = numbers(query).with(STREAM_WEIGHTED);
    for place in bits(places) {
        if let Some(held) = query.held.get(place) {
            if let Some(at) = order
                .iter()
                .copied()
                .find(|&at| candidates[at].video == held.video)
            {
                let one = &mut candidates[at];
                (one.explored, one.even, one.propensity) = (true, held.even, held.propensity);
                drawn.push((place, at));
            }
            continue;
        }
        if let Some(even) = even.filter(|_| even_place == Some(place)) {
            drawn.push((place, even));
            continue;
        }
        inverse_gap(&chances, greed, &mut probabilities);
        let Some(at) = fall(&probabilities, numbers.unit(place as u64)) else {
            break;
        };
        let one = &mut candidates[pool[at]];
        one.explored = true;
        one.propensity = probabilities[at] as f32;
        drawn.push((place, pool[at]));
        pool.remove(at);
        chances.remove(at);
    }
    // One that was drawn evenly for a place that this page does not have is like any other.
    if let Some(even) = even.filter(|even| !drawn.iter().any(|(_, at)| at == even)) {
        candidates[even].leave_draw();
    }
    drawn
}

fn may_be_drawn(query: &Query, one: &VideoCandidate) -> bool {
    one.place != NO_PLACE
        && one.sources.has(Source::Explore)
        // A pinned video has its place already; drawn, it would leave it.
        && !one.sources.has(Source::Pinned)
        && !one.even
        && query.holds(one.video).is_none()
}

fn relief(query: &Query, video: VideoId) -> f32 {
    let owed = query.explored.get().map_or(&[][..], |explored| &explored.owed);
    let found = owed.binary_search_by_key(&video, |(video, _)| *video);
    found.map_or(0.0, |at| owed[at].1)
}

/// Exploration as it was shown: for the meters.
pub(crate) fn meter(selected: impl Iterator<Item = (bool, bool)>) {
    let (mut organic, mut explored, mut even) = (0u64, 0u64, 0u64);
    for (is_explored, is_even) in selected {
        organic += 1;
        explored += u64::from(is_explored);
        even += u64::from(is_even);
    }
    metrics::counter!("riffle_feed_exposures_total", "kind" => "organic").increment(organic - explored);
    metrics::counter!("riffle_feed_exposures_total", "kind" => "explore").increment(explored - even);
    metrics::counter!("riffle_feed_exposures_total", "kind" => "uniform").increment(even);
}

#[cfg(test)]
mod tests;

/// A sample of `count` of `0..bound` without replacement, in the order drawn.
pub(crate) fn sample(seed: u64, bound: usize, count: usize) -> Vec<u32> {
    if bound <= count {
        return (0..bound as u32).collect();
    }
    // Floyd's way: as many steps as there are to be drawn, however large the catalog.
    let (mut draw, mut taken, mut drawn) = (
        Seeded::new(seed),
        std::collections::HashSet::new(),
        Vec::with_capacity(count),
    );
    for top in bound - count..bound {
        let at = draw.below(top + 1) as u32;
        let at = if taken.insert(at) { at } else { top as u32 };
        taken.insert(at);
        drawn.push(at);
    }
    drawn
}
