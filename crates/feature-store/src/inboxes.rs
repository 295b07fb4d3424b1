//! The Following feed at scale: who reads it has an inbox that publishing fills (fan-out on write), except from creators whom so many
//! readers follow that filling all their inboxes would cost more than looking them up at each reading (fan-out on read). Derived,
//! in memory alone, made when a viewer first reads; what it answers is what asking every followed creator would answer.
//!
//! | what | figure |
//! |---|---|
//! | an inbox | 16 B for each of at most 500 videos, 8 B a creator: about 12 KB; 20 000 of them, 240 MB at most |
//! | a reader's entry with a creator | about 20 B |
//! | publishing | about 100 ns a reader, at most 1 ms at the default bound of 10 000 readers |
//! | a page | 20 entries of the inbox, and 20 of each creator who is read: about 10 µs and 2 µs each |
//! | an inbox made | 5 000 creators × 20 videos: about 5 ms, once |

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use types::{TimestampMs, UserId, VideoId, ViewerId};

use crate::catalog::{Catalog, VideoProfile};
use crate::store::{FeatureStore, StoreError};

/// Videos of an inbox; older pages ask the creators.
pub const INBOX_MAX: usize = 500;
/// Inboxes held; of more, the one longest unread is forgotten and made anew when it is read again.
pub const INBOXES_MAX: usize = 20_000;
/// Followed creators that a feed is made of; enough for people, and a bound for machines.
pub const FOLLOWED_MAX: usize = 5_000;

/// Where a video stands: newer is greater.
type Place = (TimestampMs, VideoId);

/// What a viewer has not asked for yet, newest first.
#[derive(Default)]
struct Inbox {
    newest: VecDeque<Place>,
    /// Older videos than the last were left out.
    is_cut: bool,
    /// Who fills it.
    filled_by: Vec<UserId>,
    /// Who is asked at each reading.
    asked: Vec<UserId>,
    /// The reading it was last needed for.
    read: u64,
}

/// All inboxes.
pub(crate) struct Inboxes {
    held: Mutex<Held>,
    /// Readers whose inboxes one creator fills at most.
    fan_out_max: usize,
}

#[derive(Default)]
struct Held {
    of: HashMap<ViewerId, Inbox>,
    /// By creator, whose inboxes are filled.
    readers: HashMap<UserId, HashSet<ViewerId>>,
    /// Creators who are asked, and by how many inboxes.
    asked: HashMap<UserId, usize>,
    readings: u64,
}

impl Inboxes {
    pub(crate) fn new(fan_out_max: usize) -> Self {
        Self {
            held: Mutex::default(),
            fan_out_max,
        }
    }

    /// Fills the inboxes of the creator's readers. Call it with the catalog locked, once the video is in it.
    pub(crate) fn publish(&self, creator: UserId, place: Place) {
        let mut held = self.held.lock();
        let Held { of, readers, .. } = &mut *held;
        for reader in readers.get(&creator).into_iter().flatten() {
            if let Some(inbox) = of.get_mut(reader) {
                inbox.put(place);
            }
        }
    }

    /// Forgets an inbox: whom the viewer follows has changed. Call it with the viewer's state locked for writing.
    pub(crate) fn forget(&self, viewer: ViewerId) {
        self.held.lock().forget(viewer);
    }

    /// The newest videos before `before` of those whom the viewer follows, if there is an inbox that reaches so far. `catalog` says what is still there.
    fn read(
        &self,
        viewer: ViewerId,
        before: Option<Place>,
        count: usize,
        catalog: &Catalog,
    ) -> Option<Vec<Arc<VideoProfile>>> {
        let mut held = self.held.lock();
        held.readings += 1;
        let readings = held.readings;
        let inbox = held.of.get_mut(&viewer)?;
        inbox.read = readings;
        let is_older = |place: &Place| before.is_none_or(|before| *place < before);
        let start = inbox.newest.partition_point(|place| !is_older(place));
        let there = |place: &Place| catalog.get(place.1).filter(|profile| place_of(profile) == *place);
        let mut found: Vec<Arc<VideoProfile>> = inbox
            .newest
            .range(start..)
            .filter_map(there)
            .take(count)
            .cloned()
            .collect();
        if found.len() < count && inbox.is_cut {
            return None;
        }
        for creator in &inbox.asked {
            found.extend(newest_of(catalog, *creator, before, count));
        }
        drop(held);
        Some(newest_first(found, count))
    }

    /// Keeps an inbox of the newest videos of `creators`. Call it with the catalog and the viewer's state locked for reading.
    fn make(&self, viewer: ViewerId, creators: Vec<UserId>, catalog: &Catalog) {
        let mut held = self.held.lock();
        held.forget(viewer);
        if held.of.len() >= INBOXES_MAX {
            held.forget_longest_unread();
        }
        let mut inbox = Inbox {
            read: held.readings,
            ..Inbox::default()
        };
        for creator in creators {
            let is_asked = held.asked.contains_key(&creator)
                || held
                    .readers
                    .get(&creator)
                    .is_some_and(|readers| readers.len() >= self.fan_out_max)
                || self.fan_out_max == 0;
            if is_asked {
                held.ask_from_now_on(creator);
                *held.asked.entry(creator).or_default() += 1;
                inbox.asked.push(creator);
            } else {
                held.readers.entry(creator).or_default().insert(viewer);
                inbox.filled_by.push(creator);
            }
        }
        let found: Vec<_> = inbox
            .filled_by
            .iter()
            .flat_map(|creator| newest_of(catalog, *creator, None, INBOX_MAX + 1))
            .collect();
        let found = newest_first(found, INBOX_MAX + 1);
        inbox.is_cut = found.len() > INBOX_MAX;
        inbox.newest = found
            .iter()
            .take(INBOX_MAX)
            .map(|profile| place_of(profile))
            .collect();
        held.of.insert(viewer, inbox);
        metrics::gauge!("riffle_feature_store_inboxes").set(held.of.len() as f64);
    }
}

impl Held {
    fn forget(&mut self, viewer: ViewerId) {
        let Some(inbox) = self.of.remove(&viewer) else {
            return;
        };
        for creator in inbox.filled_by {
            if let Some(readers) = self.readers.get_mut(&creator) {
                readers.remove(&viewer);
                if readers.is_empty() {
                    self.readers.remove(&creator);
                }
            }
        }
        for creator in inbox.asked {
            if let Some(count) = self.asked.get_mut(&creator) {
                *count -= 1;
                if *count == 0 {
                    self.asked.remove(&creator);
                }
            }
        }
    }

    fn forget_longest_unread(&mut self) {
        let oldest = self
            .of
            .iter()
            .min_by_key(|(viewer, inbox)| (inbox.read, **viewer));
        if let Some(viewer) = oldest.map(|(viewer, _)| *viewer) {
            self.forget(viewer);
            metrics::counter!("riffle_feature_store_inboxes_forgotten_total").increment(1);
        }
    }

    /// A creator who has too many readers fills no inbox any more: those who have one ask.
    fn ask_from_now_on(&mut self, creator: UserId) {
        for reader in self.readers.remove(&creator).into_iter().flatten() {
            if let Some(inbox) = self.of.get_mut(&reader) {
                inbox.filled_by.retain(|one| *one != creator);
                inbox.asked.push(creator);
                *self.asked.entry(creator).or_default() += 1;
            }
        }
    }
}

impl Inbox {
    fn put(&mut self, place: Place) {
        let at = self.newest.partition_point(|held| *held > place);
        if self.newest.get(at) == Some(&place) {
            return;
        }
        self.newest.insert(at, place);
        if self.newest.len() > INBOX_MAX {
            self.newest.pop_back();
            self.is_cut = true;
        }
    }
}

impl FeatureStore {
    /// The newest published videos before `before` of those whom `viewer` follows, at most `count`, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn followed_newest(
        &self,
        viewer: ViewerId,
        before: Option<(TimestampMs, VideoId)>,
        count: usize,
    ) -> Result<Vec<Arc<VideoProfile>>, StoreError> {
        // The catalog's lock comes before a viewer's, and both before the inboxes'.
        let handle = self.viewer(viewer)?;
        let catalog = self.catalog();
        if let Some(found) = self.inboxes.read(viewer, before, count, &catalog) {
            metrics::counter!("riffle_feed_following_total", "from" => "inbox").increment(1);
            return Ok(found);
        }
        metrics::counter!("riffle_feed_following_total", "from" => "creators").increment(1);
        let state = handle.read();
        let mut creators: Vec<UserId> = state.following.keys().copied().collect();
        creators.sort_unstable();
        creators.truncate(FOLLOWED_MAX);
        if before.is_none() {
            self.inboxes.make(viewer, creators.clone(), &catalog);
        }
        let found = creators
            .into_iter()
            .flat_map(|creator| newest_of(&catalog, creator, before, count));
        Ok(newest_first(found.collect(), count))
    }
}

fn place_of(profile: &VideoProfile) -> Place {
    (profile.published_ms, profile.video)
}

fn newest_of(
    catalog: &Catalog,
    creator: UserId,
    before: Option<Place>,
    count: usize,
) -> impl Iterator<Item = Arc<VideoProfile>> {
    catalog
        .by_creator(creator)
        .filter(move |profile| before.is_none_or(|before| place_of(profile) < before))
        .take(count)
        .cloned()
}

fn newest_first(mut found: Vec<Arc<VideoProfile>>, count: usize) -> Vec<Arc<VideoProfile>> {
    found.sort_unstable_by_key(|profile| std::cmp::Reverse(place_of(profile)));
    found.dedup_by_key(|profile| profile.video);
    found.truncate(count);
    found
}

#[cfg(test)]
#[path = "inboxes_tests.rs"]
mod tests;
