//! The receipt of an impression: what spoke for a video when the page was laid. It goes to the log with the served record; the words are
//! the door's.

use event::{Leaning, PlacedBy, Receipt, Said, Source, Spoke};
use feature_store::VideoProfile;

use crate::model::{Query, VideoCandidate};
use crate::slate::boosts;

/// Reasons of one receipt.
const SPOKE_MAX: usize = 6;
/// The weakest leaning worth a word.
const NAMED_MIN: f32 = 0.2;
/// Weights of what has no strength of its own, on the scale of tastes.
const FOLLOWING: f32 = 1.5;
const ASKED: f32 = 4.0;
const REGION: f32 = 0.3;
const POPULAR: f32 = 0.5;
const FRESH: f32 = 0.4;

pub(crate) fn receipt(query: &Query, candidate: &VideoCandidate) -> Receipt {
    let Some(profile) = query.profile(candidate) else {
        return Receipt {
            found_by: candidate.sources.iter().collect(),
            ..Receipt::default()
        };
    };
    let (fresh_boost, followed_boost) = boosts(query, profile);
    let first = candidate.sources.first();
    let others = candidate.sources.iter().filter(|source| *source != first);
    Receipt {
        found_by: std::iter::once(first).chain(others).collect(),
        spoke: spoke(query, candidate, profile),
        light: candidate.light,
        learned_share: query.learned_share.get().copied().unwrap_or(0.0),
        fresh_boost,
        followed_boost,
        placed_by: placed_by(query, candidate, profile),
    }
}

/// The strongest first.
fn spoke(query: &Query, candidate: &VideoCandidate, profile: &VideoProfile) -> Vec<Spoke> {
    let (history, wishes) = (&query.history, &query.history.wishes);
    let mut all: Vec<Spoke> = Vec::new();
    let mut say = |said, weight: f32| all.push(Spoke { said, weight });
    if query.is_personal() {
        for hashtag in &profile.hashtags {
            let taste = history.hashtag_taste(hashtag);
            if wishes.interests.contains(hashtag) {
                say(Said::Chosen(hashtag.to_string()), taste.max(NAMED_MIN));
            } else if taste.abs() >= NAMED_MIN {
                say(Said::Hashtag(hashtag.to_string()), taste);
            }
        }
        if let Some(category) = profile.category.filter(|one| wishes.categories.contains(one)) {
            say(Said::Chosen(category.to_string()), FOLLOWING);
        }
        let creator = history.creator_taste(profile.creator);
        if creator.abs() >= NAMED_MIN {
            say(Said::Creator, creator);
        }
        if history.following.contains(&profile.creator) {
            say(Said::Following, FOLLOWING);
        }
        match wishes.leaning(profile.creator, profile.sound, profile.hashtags.iter()) {
            Leaning::Less => say(Said::Less, -ASKED),
            Leaning::More => say(Said::More, ASKED),
            Leaning::Neutral => {}
        }
    }
    if query.region.is_some() && profile.region == query.region {
        say(Said::Region, REGION);
    }
    if candidate.sources.has(Source::Popular) || candidate.sources.has(Source::Trending) {
        say(Said::Popular, POPULAR);
    }
    if candidate.sources.has(Source::Fresh) {
        say(Said::Fresh, FRESH);
    }
    all.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    all.truncate(SPOKE_MAX);
    all
}

/// A quota that costs nothing gave no place.
fn placed_by(query: &Query, candidate: &VideoCandidate, profile: &VideoProfile) -> Option<PlacedBy> {
    let prices = query.laid.get().map(|laid| laid.prices);
    if candidate.explored {
        let price = prices.map_or(0.0, |prices| prices.exploring as f32);
        return Some(PlacedBy::Exploring { price });
    }
    let price = prices.map_or(0.0, |prices| prices.regional as f32);
    let regional = query.region.is_some() && profile.region == query.region;
    (regional && price > 0.0).then_some(PlacedBy::Regional { price })
}
