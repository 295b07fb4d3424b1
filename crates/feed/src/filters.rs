//! What must not be shown, one rule each.

use candidate_pipeline::Filter;
use types::UserId;

use crate::model::{Query, VideoCandidate};

/// Seen before, on any device, in any week.
pub(crate) struct Seen;

impl Filter<Query, VideoCandidate> for Seen {
    fn name(&self) -> &'static str {
        "seen"
    }

    fn check(&self, query: &Query, candidate: &VideoCandidate) -> Result<(), &'static str> {
        let seen = query.history.state.as_ref();
        match seen.is_some_and(|state| state.read().has_seen(candidate.profile.video)) {
            true => Err("seen"),
            false => Ok(()),
        }
    }
}

/// On an earlier page of this sitting.
pub(crate) struct Served;

impl Filter<Query, VideoCandidate> for Served {
    fn name(&self) -> &'static str {
        "served"
    }

    fn check(&self, query: &Query, candidate: &VideoCandidate) -> Result<(), &'static str> {
        match query.history.served.contains(&candidate.profile.video) {
            true => Err("served_in_this_sitting"),
            false => Ok(()),
        }
    }
}

/// Said "not interested", or reported.
pub(crate) struct Hidden;

impl Filter<Query, VideoCandidate> for Hidden {
    fn name(&self) -> &'static str {
        "hidden"
    }

    fn check(&self, query: &Query, candidate: &VideoCandidate) -> Result<(), &'static str> {
        let state = query.history.state.as_ref();
        match state.is_some_and(|state| state.read().hidden.contains(&candidate.profile.video)) {
            true => Err("hidden_by_viewer"),
            false => Ok(()),
        }
    }
}

/// The viewer's own.
pub(crate) struct Own;

impl Filter<Query, VideoCandidate> for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn check(&self, query: &Query, candidate: &VideoCandidate) -> Result<(), &'static str> {
        match candidate.profile.creator == UserId::from_raw(query.viewer.raw()) {
            true => Err("own_video"),
            false => Ok(()),
        }
    }
}
