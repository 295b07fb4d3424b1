//! Selector: lays the page under the rules of `slate`, best value first. Drawn ones explore at fixed places.
//!
//! Value is the score times what a place of its own is worth: a video's first hour, a followed creator. Who explores is drawn before the
//! page is laid ([`explore`]), for places that are fixed: the draw alone decides who stands there, and its probability is logged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use candidate_pipeline::{Selector, Stage, StageError};
use event::Source;
use feature_store::{FeatureStore, VideoProfile};
use slate::{Before, Item, Page, Relaxed, Rules, lay, violations};

use crate::cut::Profiles;
use crate::explore::{self, weights};
use crate::facts;
use crate::learned::LearnerParts;
use crate::model::{Laid, NO_PLACE, Query, VideoCandidate};
use crate::rising::{self, is_rising, leaning};
use types::VideoId;

/// More for a video in its first hour (R6); the boost then fades within a quarter of an hour, so that no edge shows.
const FRESH_BOOST: f32 = 0.2;
const FRESH_MS: f32 = 3_600_000.0;
const FRESH_FADES_MS: f32 = 900_000.0;
/// More for a creator whom the viewer follows (R6).
const FOLLOWED_BOOST: f32 = 0.3;
/// More for a video of a topic that rises, for whom it concerns altogether (R11).
const RISING_BOOST: f32 = 0.5;
/// More than anything else: a pinned video stands first where it may stand at all.
const PIN_BOOST: f32 = 1_000.0;
/// More for what the client has loaded already: another one must be worth its bytes.
const HELD_BOOST: f32 = 0.1;
/// Below this a score is bent towards 0 and never beyond, in its order: a boost must not make what is bad worse.
const SCORE_BENT: f32 = 0.05;
/// The part of a page for videos of the viewer's region, where that is known (R6).
const REGIONAL_SHARE: f32 = 0.3;

pub(crate) struct Slate {
    /// Says how much was learned: the more, the less is explored of what seems bad.
    learner: Option<LearnerParts>,
    profiles: Profiles,
}

impl Slate {
    pub(crate) const fn new(learner: Option<LearnerParts>, store: Arc<FeatureStore>) -> Self {
        Self {
            learner,
            profiles: Profiles(store),
        }
    }

    fn greed(&self) -> f64 {
        let serving = self.learner.as_ref().and_then(|learner| learner.live.get());
        weights::greed(serving.map_or(0, |serving| serving.pin().0.examples))
    }
}

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
        self.profiles.ensure(query, candidates)?;
        let order = best_first(query, candidates);
        let length = query.count.min(order.len());
        let worth = |one: &VideoCandidate| {
            query
                .profile(one)
                .map_or(0.0, |profile| value(query, one, profile))
        };
        let places = explore::places(query, length);
        let drawn = explore::draw(query, places, self.greed(), &order, candidates, worth);
        let items: Vec<Item> = order
            .iter()
            .map(|&place| item(query, &candidates[place]))
            .collect();
        let rules = Rules {
            length,
            exploring: drawn.iter().fold(0, |bits, (place, _)| bits | 1 << place),
            regional_min: query.region.map_or(0, |_| regional_min(length)),
            ..Rules::default()
        };
        let rules = Rules {
            creator_total_max: creator_total_max(&items, &rules),
            ..rules
        };
        let mut page = lay(&items, &rules, &before(query));
        seat(&mut page, &drawn, &order, &items, &before(query));
        for (place, at) in &drawn {
            if page.rules.exploring >> place & 1 == 0 {
                // The supply left no place for it: it stands, if it does, by its value.
                candidates[*at].leave_draw();
            }
        }
        note(query, &page, drawn.len() < places.count_ones() as usize);
        Ok(page.places.iter().map(|&at| order[at]).collect())
    }
}

/// Puts each that was drawn at the place it was drawn for, where the rules let it: the page was laid with them in the order of their value.
fn seat(page: &mut Page, drawn: &[(usize, usize)], order: &[usize], items: &[Item], before: &Before) {
    let mut seated = page.places.clone();
    for (place, at) in drawn {
        let item = order.iter().position(|candidate| candidate == at);
        if let (Some(seat), Some(item)) = (seated.get_mut(*place), item) {
            *seat = item;
        }
    }
    if seated == page.places || page.rules.exploring.count_ones() as usize != drawn.len() {
        return;
    }
    let outcome = match violations(items, &page.rules, before, &seated).is_empty() {
        true => {
            page.places = seated;
            "moved"
        }
        false => "forbidden",
    };
    metrics::counter!("riffle_feed_explored_seats_total", "outcome" => outcome).increment(1);
}

/// The spare selector: the best by score, whatever the rules say.
pub(crate) struct BestFirst(pub Profiles);

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
        self.0.ensure(query, candidates)?;
        let mut order = best_first(query, candidates);
        candidates.iter_mut().for_each(VideoCandidate::leave_draw);
        order.truncate(query.count);
        Ok(order)
    }
}

/// Places of all that can be shown, the best score first; equals in an order of their own, so that the same state gives the same page.
/// Of near-duplicates only the best can be shown; what was drawn evenly was drawn whatever its score, and stays.
fn best_first(query: &Query, candidates: &[VideoCandidate]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len())
        .filter(|&place| candidates[place].place != NO_PLACE)
        .collect();
    order.sort_unstable_by(|&a, &b| {
        let (a, b) = (&candidates[a], &candidates[b]);
        b.score.total_cmp(&a.score).then_with(|| b.video.cmp(&a.video))
    });
    let (mut groups, before) = (HashSet::with_capacity(order.len()), order.len());
    let even = candidates.iter().find(|one| one.even && one.place != NO_PLACE);
    groups.extend(even.map(|even| group(query, even)));
    order.retain(|&place| candidates[place].even || groups.insert(group(query, &candidates[place])));
    metrics::counter!("riffle_feed_copies_dropped_total").increment((before - order.len()) as u64);
    rising::hold_back(query, candidates, &mut order);
    order
}

/// The original of a near-duplicate; the video itself for all others.
fn group(query: &Query, candidate: &VideoCandidate) -> VideoId {
    let original = query.profile(candidate).and_then(|profile| profile.original);
    original.unwrap_or(candidate.video)
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
    let (fresh, followed) = boosts(query, profile);
    let held = f32::from(u8::from(query.holds(candidate.video).is_some()));
    let rising = if is_rising(query, profile) {
        leaning(query, profile)
    } else {
        0.0
    };
    let steering = query.steering.as_ref();
    let steered = steering.map_or(1.0, |steering| {
        steering.factor(profile, query.region, query.now_ms)
    });
    let pinned = if candidate.sources.has(Source::Pinned) {
        PIN_BOOST
    } else {
        1.0
    };
    positive(candidate.score)
        * fresh
        * followed
        * (1.0 + RISING_BOOST * rising)
        * (1.0 + HELD_BOOST * held)
        * steered
        * pinned
}

/// What a video's first hour and a followed creator multiply the score by.
pub(crate) fn boosts(query: &Query, profile: &VideoProfile) -> (f32, f32) {
    let age_ms = (query.now_ms - profile.published_ms).max(0) as f32;
    let fresh = (1.0 - (age_ms - FRESH_MS) / FRESH_FADES_MS).clamp(0.0, 1.0);
    let followed = query.history.following.contains(&profile.creator);
    let followed = f32::from(u8::from(followed));
    (1.0 + FRESH_BOOST * fresh, 1.0 + FOLLOWED_BOOST * followed)
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

fn note(query: &Query, page: &Page, explores_less: bool) {
    let mut relaxed: Vec<&'static str> = page.relaxed.iter().map(|rule| rule.name()).collect();
    if explores_less && !relaxed.contains(&Relaxed::Exploring.name()) {
        relaxed.push(Relaxed::Exploring.name());
    }
    for &rule in &relaxed {
        metrics::counter!("riffle_feed_relaxed_total", "rule" => rule).increment(1);
    }
    // Only the first time: a second selector lays another page.
    let _ = query.laid.set(Laid {
        value: page.value,
        bound: page.bound,
        prices: page.prices,
        relaxed,
    });
}
