//! What the viewer asked for, at work in the recipe: filters for blocks, mutes and words, and a scorer for less, more and interests.

use std::sync::Arc;

use candidate_pipeline::{BoxFuture, Filter, Removals, Scorer, Source, Stage, StageError};
use event::Leaning;
use feature_store::FeatureStore;

use crate::model::{Query, VideoCandidate};

/// By how much "less of this" lowers a score: below everything that was not asked less of, above nothing at all.
const LESS: f32 = -2.0;
/// By how much "more of this" raises it.
const MORE: f32 = 0.25;
/// By how much a chosen category raises it.
const CATEGORY: f32 = 0.15;
/// By how much a video of the viewer's region is ahead before anything is known of the viewer; it fades over so many watches.
const REGION: f32 = 0.05;
const REGION_WATCHES: f32 = 20.0;

/// By someone the viewer blocked or muted, or who blocked the viewer.
pub(crate) struct Refused(pub Arc<FeatureStore>);

impl Stage for Refused {
    fn name(&self) -> &'static str {
        "refused"
    }

    fn about(&self) -> &'static str {
        "drops videos of people whom the viewer blocked or muted, or who blocked the viewer"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl Filter<Query, VideoCandidate> for Refused {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        let wishes = &query.history.wishes;
        if wishes.refuses_nobody() {
            return;
        }
        let catalog = self.0.catalog();
        for (place, one) in candidates.iter().enumerate() {
            let facts = catalog.facts_of(one.slot, one.video);
            if let Some(reason) = facts.and_then(|facts| wishes.refuses(facts.creator)) {
                removals.remove(place, reason);
            }
        }
    }
}

/// Holds a muted word or hashtag.
pub(crate) struct MutedWords(pub Arc<FeatureStore>);

impl Stage for MutedWords {
    fn name(&self) -> &'static str {
        "muted_words"
    }

    fn about(&self) -> &'static str {
        "drops videos whose caption or hashtags hold a word that the viewer muted"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl Filter<Query, VideoCandidate> for MutedWords {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        let words = &query.history.wishes.words;
        if words.is_empty() {
            return;
        }
        let catalog = self.0.catalog();
        for (place, one) in candidates.iter().enumerate() {
            let profile = catalog.profile_at(one.slot);
            if profile.is_some_and(|profile| words.finds(&profile.caption)) {
                removals.remove(place, "muted_words");
            }
        }
    }
}

/// Would be shown to explore, though the viewer asked for less of it.
pub(crate) struct Unexplored(pub Arc<FeatureStore>);

impl Stage for Unexplored {
    fn name(&self) -> &'static str {
        "unexplored"
    }

    fn about(&self) -> &'static str {
        "drops what exploration alone found and the viewer asked less of"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl Filter<Query, VideoCandidate> for Unexplored {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        let wishes = &query.history.wishes;
        if !wishes.leans() || !query.is_personal() {
            return;
        }
        let catalog = self.0.catalog();
        for (place, one) in candidates.iter().enumerate() {
            let explores = one
                .sources
                .iter()
                .all(|source| matches!(source, event::Source::Explore | event::Source::Uniform));
            let profile = catalog.profile_at(one.slot).filter(|_| explores);
            let less = profile.is_some_and(|profile| {
                wishes.leaning(profile.creator, profile.sound, profile.hashtags.iter()) == Leaning::Less
            });
            if less {
                removals.remove(place, "less_of_this");
            }
        }
    }
}

/// Moves scores by what was asked for, after everything that was learned.
pub(crate) struct Heed;

impl Stage for Heed {
    fn name(&self) -> &'static str {
        "wishes"
    }

    fn about(&self) -> &'static str {
        "lowers what the viewer asked less of below all else, raises what they asked more of or chose"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl Scorer<Query, VideoCandidate> for Heed {
    fn score(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        let history = &query.history;
        let wishes = &history.wishes;
        let region = REGION * (1.0 - history.watches as f32 / REGION_WATCHES).max(0.0);
        for candidate in candidates {
            let Some(profile) = query.profile(candidate) else {
                continue;
            };
            if query.region.is_some() && profile.region == query.region {
                candidate.score += region;
            }
            if !query.is_personal() {
                continue;
            }
            if profile
                .category
                .is_some_and(|category| wishes.categories.contains(&category))
            {
                candidate.score += CATEGORY;
            }
            candidate.score += match wishes.leaning(profile.creator, profile.sound, profile.hashtags.iter()) {
                Leaning::Less => {
                    // It is not drawn to explore either.
                    candidate.sources = candidate.sources.without_exploration();
                    LESS
                }
                Leaning::More => MORE,
                Leaning::Neutral => 0.0,
            };
        }
        Ok(())
    }
}

/// A source that is asked only where the feed may be personal.
pub(crate) struct Personal<S>(pub S);

impl<S: Stage> Stage for Personal<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn about(&self) -> &'static str {
        self.0.about()
    }

    fn is_switchable(&self) -> bool {
        self.0.is_switchable()
    }
}

impl<S: Source<Query, VideoCandidate>> Source<Query, VideoCandidate> for Personal<S> {
    fn retrieve<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<VideoCandidate>, StageError>> {
        match query.is_personal() {
            true => self.0.retrieve(query),
            false => Box::pin(async { Ok(Vec::new()) }),
        }
    }
}
