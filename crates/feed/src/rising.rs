//! What rises in the world, on a page: more of it for whom it concerns, and little for whom it does not (R11).
//!
//! A topic that rises is new, watched to the end by those who care, and everywhere; so every part of the score is for it, and a page would
//! be full of it for everybody. Whoever is known, and does not lean to it, is therefore shown one of it in twenty new videos: enough to tell us
//! that they care after all.

use feature_store::{Entity, VideoProfile};

use crate::explore::weights::Counter;
use crate::model::{Query, VideoCandidate};

/// Of new videos, those of rising topics that a viewer is shown who does not lean to them.
const UNASKED_SHARE: f64 = 0.05;
/// From this leaning to the topic on, a viewer cares; one watch to the end is 0.46.
const CARES_MIN: f32 = 0.2;
/// The same for who has not met the topic, by the other hashtags of a video: two watches to the end.
const CARES_UNMET_MIN: f32 = 0.75;
/// Before so many watches nobody knows what a viewer does not care for.
const WATCHES_MIN: u64 = 20;
/// Tells the draw of this file from others of the same page.
const PURPOSE: u64 = 0x7269_7365;

/// Whether the video is of a topic that rises at this moment.
pub(crate) fn is_rising(query: &Query, profile: &VideoProfile) -> bool {
    query
        .trending
        .rising
        .iter()
        .any(|topic| is_about(profile, &topic.what))
}

fn is_about(profile: &VideoProfile, what: &Entity) -> bool {
    match what {
        Entity::Hashtag(tag) => profile.hashtags.contains(tag),
        Entity::Sound(sound) => profile.sound == Some(*sound),
        Entity::Category(category) => profile.category == Some(*category),
        Entity::Video(_) | Entity::Creator(_) | Entity::Region(_) | Entity::Viewer(_) => false,
    }
}

/// How much the viewer's watching leans to what a video is about, 0 to 1. Who does not care gets no more of what rises, and a liked creator
/// is no reason to: in an hour in which something happens, everybody makes videos of it.
pub(crate) fn leaning(query: &Query, profile: &VideoProfile) -> f32 {
    let hashtags = profile.hashtags.iter();
    let tastes = hashtags.map(|tag| query.history.hashtag_taste(tag));
    strength(tastes.fold(0.0, f32::max))
}

/// Takes from `order` (places of candidates, the best first) what is of rising topics beyond what a viewer gets who does not lean to them, as
/// long as the rest fills the page. What the client holds, what was drawn evenly and what followed creators made stays. Whole categories
/// are too wide to be kept from anybody.
pub(crate) fn hold_back(query: &Query, candidates: &[VideoCandidate], order: &mut Vec<usize>) {
    if query.trending.rising.is_empty() || query.history.watches < WATCHES_MIN {
        return;
    }
    let mut spare = order.len().saturating_sub(query.count);
    let mut unasked = unasked(query);
    let before = order.len();
    order.retain(|&place| {
        let candidate = &candidates[place];
        if spare == 0 || candidate.even || query.holds(candidate.video).is_some() {
            return true;
        }
        let Some(profile) = query.profile(candidate) else {
            return true;
        };
        if query.history.following.contains(&profile.creator) || !is_unasked(query, profile) {
            return true;
        }
        let is_shown = unasked > 0;
        unasked = unasked.saturating_sub(1);
        spare -= usize::from(!is_shown);
        is_shown
    });
    metrics::counter!("riffle_feed_rising_held_back_total").increment((before - order.len()) as u64);
}

/// How many this page may have: their share of its new videos, the fraction by draw.
fn unasked(query: &Query) -> usize {
    let new = query.count.saturating_sub(query.held.len());
    let share = new as f64 * UNASKED_SHARE;
    let is_up = Counter::of_seed(query.seed).with(PURPOSE).unit(0) < share.fract();
    share as usize + usize::from(is_up)
}

/// What a viewer did with the topic that rises decides; before they met it, whether they lean to another hashtag of the video. Creators do not
/// count, as in [`leaning`].
fn is_unasked(query: &Query, profile: &VideoProfile) -> bool {
    let rising = query.trending.rising.iter().map(|topic| &topic.what);
    let mut about = rising
        .filter(|what| !matches!(what, Entity::Category(_)) && is_about(profile, what))
        .peekable();
    if about.peek().is_none() {
        return false;
    }
    let taste_of = |what: &Entity| match what {
        Entity::Hashtag(tag) => query.history.hashtag_taste(tag),
        _ => 0.0,
    };
    let met = about.map(taste_of).filter(|taste| *taste != 0.0).reduce(f32::max);
    met.map_or_else(
        || leaning(query, profile) < CARES_UNMET_MIN,
        |taste| strength(taste) < CARES_MIN,
    )
}

/// A taste, in watches to the end, as a leaning from 0 to 1.
fn strength(taste: f32) -> f32 {
    (taste.max(0.0) / 2.0).tanh()
}
