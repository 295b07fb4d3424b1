//! What must not be shown, one rule each. All of them protect somebody: none is switched off by an experiment.

use std::sync::Arc;

use candidate_pipeline::{Filter, Removals, Stage};
use feature_store::{FeatureStore, Flags};
use types::UserId;

use crate::model::{Query, VideoCandidate};

macro_rules! stage {
    ($type:ty, $name:literal, $about:literal) => {
        impl Stage for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn about(&self) -> &'static str {
                $about
            }

            fn is_switchable(&self) -> bool {
                false
            }
        }
    };
}

/// Not in the catalog any more, taken out of feeds by an admin, or for adults when the viewer is not known to be one.
pub(crate) struct Listed(pub Arc<FeatureStore>);

stage!(
    Listed,
    "listed",
    "drops what was removed meanwhile, what an admin took out of feeds, and what is for adults unless the viewer is one"
);

impl Filter<Query, VideoCandidate> for Listed {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        let catalog = self.0.catalog();
        for (place, one) in candidates.iter().enumerate() {
            match catalog.facts_of(one.slot, one.video).map(|facts| facts.flags) {
                None => removals.remove(place, "removed"),
                Some(flags) if flags.has(Flags::HIDDEN) => removals.remove(place, "hidden_by_admin"),
                Some(flags) if flags.has(Flags::ADULTS) && !query.is_adult => {
                    removals.remove(place, "adults_only");
                }
                Some(_) => {}
            }
        }
    }
}

/// Seen before, on any device, in any week.
pub(crate) struct Seen;

stage!(
    Seen,
    "seen",
    "drops what the viewer has seen, on any device, in any week"
);

impl Filter<Query, VideoCandidate> for Seen {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        let seen = query.history.seen();
        for (place, one) in candidates.iter().enumerate() {
            if seen.was_watched(one.video) {
                removals.remove(place, "seen");
            }
        }
    }
}

/// On an earlier page of this sitting.
pub(crate) struct Served;

stage!(
    Served,
    "served",
    "drops what stood on an earlier page of this sitting"
);

impl Filter<Query, VideoCandidate> for Served {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        for (place, one) in candidates.iter().enumerate() {
            if query.history.served.contains(&one.video) {
                removals.remove(place, "served_in_this_sitting");
            }
        }
    }
}

/// Said "not interested", or reported.
pub(crate) struct Hidden;

stage!(
    Hidden,
    "hidden",
    "drops what the viewer is not interested in or reported"
);

impl Filter<Query, VideoCandidate> for Hidden {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        let seen = query.history.seen();
        for (place, one) in candidates.iter().enumerate() {
            if seen.is_hidden(one.video) {
                removals.remove(place, "hidden_by_viewer");
            }
        }
    }
}

/// Nearly the same as something seen, hidden, or served in this sitting.
pub(crate) struct Copies(pub Arc<FeatureStore>);

stage!(
    Copies,
    "copies",
    "drops near-duplicates of what the viewer has hidden, and of what they saw or were served while there are others"
);

impl Filter<Query, VideoCandidate> for Copies {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        let catalog = self.0.catalog();
        if !catalog.has_copies() {
            return;
        }
        let seen = query.history.seen();
        let (mut known, mut others) = (Vec::new(), candidates.len());
        for (place, one) in candidates.iter().enumerate() {
            if catalog.alike(one.video).any(|other| seen.is_hidden(other)) {
                removals.remove(place, "copy_of_hidden");
                others -= 1;
                continue;
            }
            let reason = catalog.alike(one.video).find_map(|other| match other {
                _ if seen.was_watched(other) => Some("copy_of_seen"),
                _ if seen.was_served(other) => Some("copy_of_served"),
                _ => None,
            });
            known.extend(reason.map(|reason| (place, reason)));
        }
        others -= known.len();
        if others >= query.count {
            let remove = |(place, reason)| removals.remove(place, reason);
            known.into_iter().for_each(remove);
        } else {
            // A fingerprint can be wrong, and what was published must be reached: behind everything else, rather than never.
            metrics::counter!("riffle_feed_copies_kept_total").increment(known.len() as u64);
        }
    }
}

/// The viewer's own.
pub(crate) struct Own(pub Arc<FeatureStore>);

stage!(Own, "own", "drops the viewer's own videos");

impl Filter<Query, VideoCandidate> for Own {
    fn filter(&self, query: &Query, candidates: &[VideoCandidate], removals: &mut Removals) {
        let own = UserId::from_raw(query.viewer.raw());
        let catalog = self.0.catalog();
        for (place, one) in candidates.iter().enumerate() {
            if catalog
                .facts_of(one.slot, one.video)
                .is_some_and(|facts| facts.creator == own)
            {
                removals.remove(place, "own_video");
            }
        }
    }
}
