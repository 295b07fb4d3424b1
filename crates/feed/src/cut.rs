//! Cut: the best candidates by the light score, and what exploration may draw whatever its score, for only these are looked at as the
//! model does. And the hydrator that brings along what they need.

use std::sync::Arc;

use candidate_pipeline::{Cut, Hydrator, Stage, StageError};
use event::Source;
use feature_store::FeatureStore;

use crate::model::{NO_PLACE, Query, VideoCandidate};

/// Of the candidates that exploration may draw, those that go on at most.
pub(crate) const EXPLORED_MAX: usize = 64;

pub(crate) struct Best {
    pub name: &'static str,
    pub about: &'static str,
    /// How many go on, beside those of exploration.
    pub keep_max: usize,
}

impl Stage for Best {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl Cut<Query, VideoCandidate> for Best {
    fn keep_max(&self, query: &Query) -> usize {
        self.keep_max.max(query.count * 2)
    }

    fn keep(&self, query: &Query, candidates: &[VideoCandidate]) -> Result<Vec<usize>, StageError> {
        let keep_max = self.keep_max(query);
        let mut places: Vec<usize> = (0..candidates.len()).collect();
        if places.len() <= keep_max {
            return Ok(places);
        }
        places.select_nth_unstable_by(keep_max, |&a, &b| {
            let (a, b) = (&candidates[a], &candidates[b]);
            // Equals in an order of their own, so that the same state gives the same page.
            let by_light = b.light.total_cmp(&a.light);
            by_light.then_with(|| b.video.cmp(&a.video))
        });
        let beyond = places.split_off(keep_max);
        let is_kept = |at: &usize| {
            let one = &candidates[*at];
            one.even
                || one.sources.has(Source::Explore)
                || one.sources.has(Source::Pinned)
                || query.holds(one.video).is_some()
        };
        places.extend(
            beyond
                .into_iter()
                .filter(is_kept)
                .take(EXPLORED_MAX + 1 + query.held.len()),
        );
        places.sort_unstable();
        Ok(places)
    }
}

/// Hydrator: the profiles of those that went on, as a column of the query.
pub(crate) struct Profiles(pub Arc<FeatureStore>);

impl Stage for Profiles {
    fn name(&self) -> &'static str {
        "profiles"
    }

    fn about(&self) -> &'static str {
        "brings the profile of each candidate that went on"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl Profiles {
    /// Brings them where the hydrator failed: without them there would be no page. What other stages make of them is lost, so a page that was
    /// laid after this goes by the light score.
    pub(crate) fn ensure(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        match query.profiles.get() {
            Some(_) => Ok(()),
            None => self.hydrate(query, candidates),
        }
    }
}

impl Hydrator<Query, VideoCandidate> for Profiles {
    fn hydrate(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        let catalog = self.0.catalog();
        let mut profiles = Vec::with_capacity(candidates.len());
        for one in candidates {
            let profile = catalog
                .profile_at(one.slot)
                .filter(|profile| profile.video == one.video);
            // One that was removed a moment ago has no place, and cannot be chosen.
            one.place = profile.map_or(NO_PLACE, |_| profiles.len() as u32);
            profiles.extend(profile.cloned());
        }
        query
            .profiles
            .set(profiles)
            .map_err(|_| StageError("profiles were there already".into()))
    }
}
