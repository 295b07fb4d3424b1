//! Selector: lays the page under the rules of `slate`, best value first. Drawn ones explore at fixed places.
//!
//! Value is the score times what a place of its own is worth: a video's first hour, a followed creator. Exploration is drawn evenly
//! before the page is laid, so the probability that is logged is the draw's.

use std::collections::{HashMap, HashSet};

use candidate_pipeline::{Selector, Stage, StageError};
use event::Source;
use feature_store::VideoProfile;
use slate::{Before, Item, Page, Rules, exploring_every, lay};

use crate::facts;
use crate::model::{Laid, NO_PLACE, Query, VideoCandidate};
use crate::seeded::Seeded;
use types::VideoId;

/// Places 4, 14, 24 … of a page explore.
const EXPLORE_EVERY: usize = 10;
const EXPLORE_AT: usize = 4;
/// More for a video in its first hour (R6); the boost then fades within a quarter of an hour, so that no edge shows.
const FRESH_BOOST: f32 = 0.2;
const FRESH_MS: f32 = 3_600_000.0;
const FRESH_FADES_MS: f32 = 900_000.0;
/// More for a creator whom the viewer follows (R6).
const FOLLOWED_BOOST: f32 = 0.3;
/// Below this a score is bent towards 0 and never beyond, in its order: a boost must not make what is bad worse.
const SCORE_BENT: f32 = 0.05;
/// The part of a page for videos of the viewer's region, where that is known (R6).
const REGIONAL_SHARE: f32 = 0.3;

pub(crate) struct Slate;

impl Stage for Slate {
    fn name(&self) -> &'static str {
        "slate"
    }

    fn about(&self) -> &'static str {
        "lays the page under all rules at once: creators, sounds, region, exploration"
    }
}

impl Selector<Query, VideoCandidate> for Slate {
    fn select(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<Vec<usize>, StageError> {
        let order = best_first(query, candidates);
        let length = query.count.min(order.len());
        let rules = Rules {
            length,
            exploring: exploring_every(length, EXPLORE_EVERY, EXPLORE_AT),
            regional_min: query.region.map_or(0, |_| regional_min(length)),
            ..Rules::default()
        };
        draw(query, rules.exploring.count_ones() as usize, &order, candidates);
        let items: Vec<Item> = order
            .iter()
            .map(|&place| item(query, &candidates[place]))
            .collect();
        let rules = Rules {
            creator_total_max: creator_total_max(&items, &rules),
            ..rules
        };
        let page = lay(&items, &rules, &before(query));
        note(query, &page);
        Ok(page.places.iter().map(|&at| order[at]).collect())
    }
}

/// The spare selector: the best by score, whatever the rules say.
pub(crate) struct BestFirst;

impl Stage for BestFirst {
    fn name(&self) -> &'static str {
        "best_first"
    }

    fn about(&self) -> &'static str {
        "lays the page by score alone, when the slate could not be laid"
    }
}

impl Selector<Query, VideoCandidate> for BestFirst {
    fn select(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<Vec<usize>, StageError> {
        let mut order = best_first(query, candidates);
        order.truncate(query.count);
        Ok(order)
    }
}

/// Places of all that can be shown, the best score first; equals in an order of their own, so that the same state gives the same page.
/// Of near-duplicates only the best can be shown.
fn best_first(query: &Query, candidates: &[VideoCandidate]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len())
        .filter(|&place| candidates[place].place != NO_PLACE)
        .collect();
    order.sort_unstable_by(|&a, &b| {
        let (a, b) = (&candidates[a], &candidates[b]);
        b.score.total_cmp(&a.score).then_with(|| b.video.cmp(&a.video))
    });
    let (mut groups, before) = (HashSet::with_capacity(order.len()), order.len());
    order.retain(|&place| groups.insert(group(query, &candidates[place])));
    metrics::counter!("riffle_feed_copies_dropped_total").increment((before - order.len()) as u64);
    order
}

/// The original of a near-duplicate; the video itself for all others.
fn group(query: &Query, candidate: &VideoCandidate) -> VideoId {
    let original = query.profile(candidate).and_then(|profile| profile.original);
    original.unwrap_or(candidate.video)
}

/// Marks those that explore, drawn evenly from what the explore source found.
fn draw(query: &Query, count: usize, order: &[usize], candidates: &mut [VideoCandidate]) {
    let mut draw = Seeded::new(query.seed ^ 0x51a7e);
    let mut pool: Vec<usize> = order
        .iter()
        .copied()
        .filter(|&place| candidates[place].sources.has(Source::Explore))
        .collect();
    for _ in 0..count.min(pool.len()) {
        let propensity = 1.0 / pool.len() as f32;
        let candidate = &mut candidates[pool.swap_remove(draw.below(pool.len()))];
        candidate.explored = true;
        candidate.propensity = propensity;
    }
}

fn item(query: &Query, candidate: &VideoCandidate) -> Item {
    let Some(profile) = query.profile(candidate) else {
        return Item {
            value: 0.0,
            creator: 0,
            sound: 0,
            topic: 0,
            regional: false,
            exploring: candidate.explored,
        };
    };
    Item {
        value: value(query, candidate, profile),
        creator: profile.creator.raw(),
        sound: profile.sound.map_or(0, |sound| sound.raw()),
        topic: profile
            .hashtags
            .first()
            .map_or(0, |hashtag| facts::topic(hashtag)),
        regional: query.region.is_some() && profile.region == query.region,
        exploring: candidate.explored,
    }
}

/// The cap on one creator's part of a page holds where the others could fill it twice. Where they could not, it would spend them on this
/// page, and leave the next ones to one creator.
fn creator_total_max(items: &[Item], rules: &Rules) -> usize {
    let mut made: HashMap<u64, usize> = HashMap::new();
    for item in items {
        *made.entry(item.creator).or_default() += 1;
    }
    let varied: usize = made
        .values()
        .map(|&count| count.min(rules.creator_total_max))
        .sum();
    match varied >= rules.length * 2 {
        true => rules.creator_total_max,
        false => rules.length,
    }
}

fn value(query: &Query, candidate: &VideoCandidate, profile: &VideoProfile) -> f32 {
    let age_ms = (query.now_ms - profile.published_ms).max(0) as f32;
    let fresh = (1.0 - (age_ms - FRESH_MS) / FRESH_FADES_MS).clamp(0.0, 1.0);
    let followed = query.history.following.contains(&profile.creator);
    let followed = f32::from(u8::from(followed));
    positive(candidate.score) * (1.0 + FRESH_BOOST * fresh) * (1.0 + FOLLOWED_BOOST * followed)
}

/// Keeps the order, and makes the lowest score a small positive value.
fn positive(score: f32) -> f32 {
    match score >= SCORE_BENT {
        true => score,
        false => SCORE_BENT * (score / SCORE_BENT - 1.0).exp(),
    }
}

fn before(query: &Query) -> Before {
    Before {
        creators: query
            .history
            .last_creators
            .iter()
            .map(|creator| creator.raw())
            .collect(),
        sound: query.history.last_sound.map_or(0, |sound| sound.raw()),
        ..Before::default()
    }
}

fn regional_min(count: usize) -> usize {
    (count as f32 * REGIONAL_SHARE).ceil() as usize
}

fn note(query: &Query, page: &Page) {
    for rule in &page.relaxed {
        metrics::counter!("riffle_feed_relaxed_total", "rule" => rule.name()).increment(1);
    }
    // Only the first time: a second selector lays another page.
    let _ = query.laid.set(Laid {
        value: page.value,
        bound: page.bound,
        prices: page.prices,
        relaxed: page.relaxed.iter().map(|rule| rule.name()).collect(),
    });
}
