//! What the viewer brings along, and the query hydrator that reads it from the feature store once a request.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use candidate_pipeline::{BoxFuture, QueryHydrator, Stage, StageError};
use event::FeedMode;
use feature_store::{FeatureStore, Flags, IdHashing, Taste, ViewerHandle, ViewerState, Wishes};
use parking_lot::RwLockReadGuard;
use types::{SoundId, TimestampMs, UserId, VideoId};

use crate::model::Query;

/// Tastes of each kind that a request looks at.
pub(crate) const TASTES_READ_MAX: usize = 60;
/// Creators of the previous page that the slate must not continue.
const LAST_CREATORS: usize = 2;
/// What a chosen interest counts, in watches to the end; so much is undone by as many skips.
const CHOSEN: f32 = 1.5;
/// What asking for more, or less, of a hashtag counts.
const MORE: f32 = 2.0;
const LESS: f32 = -6.0;

/// What the viewer brings along.
#[derive(Default)]
pub(crate) struct History {
    /// The newest state, for the seen filter.
    pub state: Option<ViewerHandle>,
    pub served: HashSet<VideoId, IdHashing>,
    /// Strongest first.
    pub hashtags: Vec<(Arc<str>, f32)>,
    /// The same by the catalog's numbers.
    pub topics: Leanings,
    /// Strongest first.
    pub creators: Vec<(UserId, f32)>,
    /// The same.
    pub by_creator: Leanings,
    pub following: HashSet<UserId, IdHashing>,
    /// Creators of the last videos served in this sitting, last one last.
    pub last_creators: Vec<UserId>,
    /// Sound of the last video served in this sitting.
    pub last_sound: Option<SoundId>,
    /// What the viewer liked last, newest first, and an even draw of what they liked before.
    pub positives: Vec<VideoId>,
    pub older_positives: Vec<VideoId>,
    /// Watches of all time, or since the last reset.
    pub watches: u64,
    /// What the viewer asked for.
    pub wishes: Arc<Wishes>,
    /// Whether the viewer is known to be of age.
    pub is_adult: bool,
}

impl History {
    pub(crate) fn hashtag_taste(&self, hashtag: &str) -> f32 {
        self.hashtags
            .iter()
            .find(|(known, _)| &**known == hashtag)
            .map_or(0.0, |(_, taste)| *taste)
    }

    pub(crate) fn creator_taste(&self, creator: UserId) -> f32 {
        self.by_creator.of(creator.raw())
    }

    /// What was seen, under one lock: ask all there is to ask and let go, and take no other lock of this viewer meanwhile.
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen {
            served: &self.served,
            state: self.state.as_ref().map(ViewerHandle::read),
            is_adult: self.is_adult,
        }
    }
}

/// See [`History::seen`].
pub(crate) struct Seen<'a> {
    served: &'a HashSet<VideoId, IdHashing>,
    state: Option<RwLockReadGuard<'a, ViewerState>>,
    is_adult: bool,
}

impl Seen<'_> {
    /// In any week on any device, or on an earlier page of this sitting.
    pub(crate) fn has(&self, video: VideoId) -> bool {
        self.served.contains(&video) || self.was_watched(video)
    }

    /// Whether a source may give a video with these flags; the filters have the last word.
    pub(crate) fn may_see(&self, flags: Flags) -> bool {
        !flags.keep_from(self.is_adult)
    }

    pub(crate) fn was_watched(&self, video: VideoId) -> bool {
        self.state.as_ref().is_some_and(|state| state.has_seen(video))
    }

    pub(crate) fn was_served(&self, video: VideoId) -> bool {
        self.served.contains(&video)
    }

    pub(crate) fn is_hidden(&self, video: VideoId) -> bool {
        self.state
            .as_ref()
            .is_some_and(|state| state.hidden.contains(&video))
    }
}

/// Places of the table: few enough for two cache lines of a level, so many that most questions end at the first look.
const LEANING_PLACES: usize = 256;

/// Leanings by number: a small table, for questions that are asked ten thousand times and mostly answered by nothing.
pub(crate) struct Leanings(Box<[(u64, f32); LEANING_PLACES]>);

impl Default for Leanings {
    fn default() -> Self {
        Self(Box::new([(0, 0.0); LEANING_PLACES]))
    }
}

impl Leanings {
    /// Of at most [`TASTES_READ_MAX`]; number 0 is nobody.
    pub(crate) fn new(leanings: impl Iterator<Item = (u64, f32)>) -> Self {
        let mut table = Self::default();
        for (number, leaning) in leanings.take(TASTES_READ_MAX).filter(|(number, _)| *number != 0) {
            let mut at = place(number);
            while table.0[at].0 != 0 && table.0[at].0 != number {
                at = (at + 1) % LEANING_PLACES;
            }
            table.0[at] = (number, leaning);
        }
        table
    }

    /// 0 when there is none.
    pub(crate) fn of(&self, number: u64) -> f32 {
        let mut at = place(number);
        loop {
            match self.0[at] {
                (0, _) => return 0.0,
                (known, leaning) if known == number => return leaning,
                _ => at = (at + 1) % LEANING_PLACES,
            }
        }
    }
}

fn place(number: u64) -> usize {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

pub(crate) struct ReadHistory(pub Arc<FeatureStore>);

impl Stage for ReadHistory {
    fn name(&self) -> &'static str {
        "history"
    }

    fn about(&self) -> &'static str {
        "reads what the viewer has seen, leans to and follows"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl QueryHydrator<Query> for ReadHistory {
    fn hydrate<'a>(&'a self, query: &'a mut Query) -> BoxFuture<'a, Result<(), StageError>> {
        Box::pin(async move {
            let handle = self
                .0
                .viewer(query.viewer)
                .map_err(|error| StageError(error.to_string()))?;
            let history = {
                // The catalog's lock comes before a viewer's everywhere; the other way round could deadlock.
                let catalog = self.0.catalog();
                let state = handle.read();
                let open = query.held.len() + query.dropped.len();
                let mut last = state.served_latest(query.sitting_ms, LAST_CREATORS + open);
                last.retain(|video| !query.is_open(*video));
                let last = last.split_off(last.len().saturating_sub(LAST_CREATORS));
                let last: Vec<_> = last.into_iter().filter_map(|video| catalog.get(video)).collect();
                let wishes = state.wishes.clone();
                let is_personal = wishes.mode != FeedMode::NonPersonal;
                let hashtags = match is_personal {
                    true => with_wishes(strongest(&state.hashtags, query.now_ms), &wishes),
                    false => Vec::new(),
                };
                let topics = hashtags
                    .iter()
                    .filter_map(|(hashtag, taste)| Some((catalog.topic_no(hashtag)?.into(), *taste)));
                let creators = match is_personal {
                    true => strongest(&state.creators, query.now_ms),
                    false => Vec::new(),
                };
                let by_creator = creators.iter().map(|(creator, taste)| (creator.raw(), *taste));
                let mut served: HashSet<VideoId, IdHashing> =
                    state.served_since(query.sitting_ms).into_iter().collect();
                served.retain(|video| !query.is_open(*video));
                History {
                    state: None,
                    served,
                    topics: Leanings::new(topics),
                    by_creator: Leanings::new(by_creator),
                    watches: if is_personal { state.watches } else { 0 },
                    positives: match is_personal {
                        true => state.positives.recent().map(|(video, _)| video).collect(),
                        false => Vec::new(),
                    },
                    older_positives: match is_personal {
                        true => state.positives.older().to_vec(),
                        false => Vec::new(),
                    },
                    following: match is_personal {
                        true => state.following.keys().copied().collect(),
                        false => HashSet::default(),
                    },
                    last_creators: last.iter().map(|profile| profile.creator).collect(),
                    last_sound: last.last().and_then(|profile| profile.sound),
                    hashtags,
                    creators,
                    wishes,
                    is_adult: query.is_adult,
                }
            };
            query.history = History {
                state: Some(handle),
                ..history
            };
            Ok(())
        })
    }
}

/// What was chosen and asked for stands beside what was learned, as if it had been watched.
fn with_wishes(mut tastes: Vec<(Arc<str>, f32)>, wishes: &Wishes) -> Vec<(Arc<str>, f32)> {
    let chosen = wishes.interests.iter().map(|hashtag| (hashtag, CHOSEN));
    let asked = wishes
        .hashtags
        .iter()
        .map(|(hashtag, more)| (hashtag, if *more { MORE } else { LESS }));
    for (hashtag, amount) in chosen.chain(asked) {
        match tastes.iter_mut().find(|(known, _)| known == hashtag) {
            Some((_, taste)) => *taste += amount,
            None => tastes.push((hashtag.clone(), amount)),
        }
    }
    tastes.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    tastes
}

/// By strength, leanings away included: they lower scores.
fn strongest<K: Clone + Eq + Hash + Ord>(tastes: &HashMap<K, Taste>, now_ms: TimestampMs) -> Vec<(K, f32)> {
    let mut all: Vec<(K, f32)> = tastes
        .iter()
        .map(|(key, taste)| (key.clone(), taste.at(now_ms)))
        .collect();
    // The key breaks ties, so that the same state gives the same feed.
    all.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
    all.truncate(TASTES_READ_MAX);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leanings_are_found_by_number_and_nothing_else_is() {
        let pairs = (1..=60_u64).map(|n| (n * 4_096, n as f32));
        let table = Leanings::new(pairs);
        assert!((1..=60_u64).all(|n| table.of(n * 4_096) == n as f32));
        assert!((1..=60_u64).all(|n| table.of(n * 4_096 + 1) == 0.0));
        assert_eq!(Leanings::default().of(7), 0.0);
    }
}
