//! What extraction is told about this viewer, this moment and a video, from what the feed has at hand.

use feature::{Context, TOPICS_MAX, Trait, VideoFacts, ViewerFacts};
use feature_store::VideoProfile;

use types::UserId;

use crate::clock;
use crate::model::Query;

/// The page of the client that For You is, among those that features tell apart.
const SURFACE_FOR_YOU: u16 = 1;

/// Ids that rows hold count by their low 54 bits.
const ID_BITS: u32 = 54;

pub(crate) fn viewer(query: &Query) -> ViewerFacts {
    let mut viewer = ViewerFacts::new(query.persona());
    viewer.region = query.region;
    let mut following: Vec<UserId> = query.history.following.iter().copied().collect();
    following.sort_unstable();
    viewer.following = following.into();
    viewer.traits[Trait::Activity as usize] = bucket(query.history.watches);
    viewer.traits[Trait::Following as usize] = bucket(query.history.following.len() as u64);
    viewer
}

/// Hour and weekday are those of the place where the viewer seems to be.
pub(crate) fn context(query: &Query) -> Context {
    let (hour, weekday) = clock::local(query.now_ms, query.region);
    Context {
        surface: Some(SURFACE_FOR_YOU),
        hour: Some(hour),
        weekday: Some(weekday),
        ..Context::at(query.now_ms)
    }
}

pub(crate) fn video(profile: &VideoProfile) -> VideoFacts {
    let mut facts = VideoFacts::new(profile.video, profile.creator);
    for (place, hashtag) in facts
        .topics
        .iter_mut()
        .zip(profile.hashtags.iter().take(TOPICS_MAX))
    {
        *place = topic(hashtag);
    }
    facts.sound = profile.sound;
    facts.category = profile.category;
    facts.region = profile.region;
    facts.duration_ms = profile.duration_ms;
    facts.published_ms = Some(profile.published_ms);
    facts
}

/// 1 for none, one more for each doubling.
fn bucket(count: u64) -> u64 {
    1 + u64::from(u64::BITS - count.leading_zeros())
}

/// A hashtag as a number, never 0 (FNV-1a, 64 bit, cut to the bits of an id); stable for ever, as it stands in the log.
pub(crate) fn topic(hashtag: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = hashtag.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    (hash >> (u64::BITS - ID_BITS)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_hashtags_stay_as_they_are() {
        assert_eq!(topic("sea"), 0x0020_8ede_8657_387e);
        assert_ne!(topic("sea"), topic("see"));
        assert!(topic("") > 0 && topic("ü") < 1 << ID_BITS);
        assert_eq!([0, 1, 2, 3, 4].map(bucket), [1, 2, 3, 3, 4]);
    }
}
