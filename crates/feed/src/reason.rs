//! Why this video: the strongest true reason, as a value. The words are the door's.

use std::sync::Arc;

use event::Source;
use feature_store::VideoProfile;

use crate::model::{Query, VideoCandidate};
use crate::rising;

/// The weakest leaning that may be named as a reason.
const TASTE_NAMED_MIN: f32 = 0.3;

/// Why a video stands in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The viewer follows its creator.
    Following,
    /// The viewer's watching leans to this hashtag.
    Hashtag(Arc<str>),
    /// The viewer chose this hashtag or category.
    Chosen(Arc<str>),
    /// The viewer's watching leans to its creator.
    Creator,
    /// Many watched it lately.
    Popular,
    /// Drawn evenly, to learn something new.
    Explore,
    /// Newly published.
    Fresh,
    /// Of a topic that suddenly draws many people.
    Rising,
    /// Put first by those who look after the house, for this reason.
    Pinned(Arc<str>),
}

impl Reason {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::Hashtag(_) => "interest_hashtag",
            Self::Chosen(_) => "chosen",
            Self::Creator => "interest_creator",
            Self::Popular => "popular",
            Self::Explore => "explore",
            Self::Fresh => "fresh",
            Self::Rising => "rising",
            Self::Pinned(_) => "pinned",
        }
    }

    pub(crate) fn of(query: &Query, candidate: &VideoCandidate, profile: &VideoProfile) -> Self {
        let history = &query.history;
        if let Some(reason) = pinned(query, candidate) {
            return Self::Pinned(reason);
        }
        let hashtag = profile
            .hashtags
            .iter()
            .map(|hashtag| (history.hashtag_taste(hashtag), hashtag))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(taste, _)| *taste >= TASTE_NAMED_MIN);
        let creator = history.creator_taste(profile.creator);
        let category = profile
            .category
            .filter(|one| history.wishes.categories.contains(one));
        let category = category
            .filter(|_| query.is_personal())
            .map(|one| Arc::from(one.as_str()));
        match (candidate.explored, hashtag) {
            (true, _) => Self::Explore,
            _ if history.following.contains(&profile.creator) => Self::Following,
            (_, Some((_, hashtag))) if history.wishes.interests.contains(hashtag) => {
                Self::Chosen(hashtag.clone())
            }
            (_, Some((taste, hashtag))) if taste >= creator => Self::Hashtag(hashtag.clone()),
            _ if creator >= TASTE_NAMED_MIN => Self::Creator,
            (_, Some((_, hashtag))) => Self::Hashtag(hashtag.clone()),
            _ if category.is_some() => category.map_or(Self::Fresh, Self::Chosen),
            _ if rising::is_rising(query, profile) => Self::Rising,
            _ if candidate.sources.has(Source::Popular) => Self::Popular,
            _ => Self::Fresh,
        }
    }
}

fn pinned(query: &Query, candidate: &VideoCandidate) -> Option<Arc<str>> {
    let steering = query
        .steering
        .as_ref()
        .filter(|_| candidate.sources.has(Source::Pinned))?;
    let mut pins = steering.pins(query.region, query.now_ms);
    pins.find(|pin| pin.video == candidate.video)
        .map(|pin| pin.reason.clone())
}
