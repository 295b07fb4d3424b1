//! The sources of For You, one file each, and what they share. Each walks an index and leaves out early what the viewer has seen, so
//! that old corners of the catalog are reached; the filters have the last word. How many each may give is [`crate::quota`]'s.

mod chosen;
mod collaborative;
mod content;
mod explore;
mod following;
mod fresh;
mod interest;
mod pinned;
mod popular;
mod rising;
mod social;
mod trending;

pub(crate) use chosen::Chosen;
pub(crate) use collaborative::Collaborative;
pub(crate) use content::Content;
pub(crate) use explore::{EvenSampled, Explore};
pub(crate) use following::Followed;
pub(crate) use fresh::Fresh;
pub(crate) use interest::Interest;
pub(crate) use pinned::Pinned;
pub(crate) use popular::Popular;
pub(crate) use rising::Rising;
pub(crate) use social::LikedByFollowed;
pub(crate) use trending::OnLists;

use event::Source;
use feature_store::{Catalog, FeatureStore, Slot};
use types::VideoId;

use crate::history::Seen;
use crate::model::{Query, VideoCandidate};

/// Index steps of one walk; beyond it a source gives what it has.
const STEPS_MAX: usize = 20_000;

/// Takes unseen videos from a walk, each as found by `source`.
fn unseen<'a>(
    catalog: &'a Catalog,
    seen: &'a Seen<'_>,
    source: Source,
    walk: impl Iterator<Item = Slot> + 'a,
) -> impl Iterator<Item = VideoCandidate> + 'a {
    walk.take(STEPS_MAX).filter_map(move |slot| {
        let facts = catalog.facts_at(slot)?;
        let may_stay = seen.may_see(facts.flags) && !seen.has(facts.video);
        may_stay.then(|| VideoCandidate::new(slot, facts.video, source))
    })
}

/// Takes those unseen of what an index brought, best first, each as found by `source`.
fn found(
    store: &FeatureStore,
    query: &Query,
    source: Source,
    mut videos: Vec<(VideoId, f32)>,
) -> Vec<VideoCandidate> {
    videos.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let (catalog, seen) = (store.catalog(), query.history.seen());
    let slots = videos.iter().filter_map(|(video, _)| catalog.slot_of(*video));
    unseen(&catalog, &seen, source, slots).collect()
}
