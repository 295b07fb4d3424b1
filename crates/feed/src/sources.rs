//! The five sources of For You, one file each, and what they share. Each walks an index of the catalog and leaves out early what the
//! viewer has seen, so that old corners of the catalog are reached; the filters have the last word.

mod explore;
mod following;
mod fresh;
mod interest;
mod popular;

pub(crate) use explore::Explore;
pub(crate) use following::Followed;
pub(crate) use fresh::Fresh;
pub(crate) use interest::Interest;
pub(crate) use popular::Popular;

use std::sync::Arc;

use event::Source;
use feature_store::VideoProfile;

use crate::model::{Query, VideoCandidate};

/// Index steps of one walk; beyond it a source gives what it has.
const STEPS_MAX: usize = 20_000;

/// Takes up to `count_max` unseen videos from a walk.
fn unseen<'a>(
    query: &'a Query,
    source: Source,
    walk: impl Iterator<Item = &'a Arc<VideoProfile>> + 'a,
    count_max: usize,
) -> impl Iterator<Item = VideoCandidate> + 'a {
    walk.take(STEPS_MAX)
        .filter(|profile| !query.history.has_seen(profile.video))
        .take(count_max)
        .map(move |profile| VideoCandidate::new(profile.clone(), source))
}
