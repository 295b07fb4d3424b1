//! The one who changes the index: places items, moves centres, splits and merges clusters, and publishes codebooks.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::RwLock;

use super::centres::Centres;
use super::codebook::{Codebook, List};
use super::kernel::Kernel;
use super::postings::{Posting, Postings};
use super::row::{NarrowQuery, Row, WIDTH};
use super::split::{Half, halves};
use super::{Config, Stats, Tended};

/// Readers get new centres after so many placements at the latest.
const PUBLISH_EVERY: usize = 256;
/// A posting leaves its list for a cluster that is nearer by this share; less would make it wander.
const NEARER_BY: f32 = 0.02;
/// Every so many placements one is a second look at a posting that is there already: clusters that were split since it came may lie nearer.
const SECOND_LOOK_EVERY: u32 = 4;
/// A list is split above, and dissolved below, these multiples of the mean length.
const SPLIT_ABOVE: f32 = 4.0;
const MERGE_BELOW: f32 = 0.25;
/// The mean counts for so much at least when lists are split.
const LEN_MIN: f32 = 8.0;

/// Where an item is, and when it was placed last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub cluster: u32,
    pub slot: u32,
    step: u32,
}

/// See the module.
pub(super) struct Writer {
    config: Config,
    kernel: Kernel,
    centres: Centres,
    /// The next snapshot, always up to date.
    book: Codebook,
    lens: Vec<u32>,
    places: Places,
    /// Placements so far; wraps.
    step: u32,
    unpublished: usize,
    /// Where tending goes on: cluster and slot.
    hand: (usize, usize),
    splits: u64,
    merges: u64,
    moves: u64,
}

/// Where items are. Only the writer changes it, and holds it for moments.
pub(super) type Places = Arc<RwLock<HashMap<u64, Place>>>;

/// What readers share with the writer.
#[derive(Default)]
pub(super) struct Shared {
    pub book: ArcSwap<Codebook>,
    /// Odd while an item is in two visible lists; different afterwards.
    pub moving: AtomicU64,
}

impl Writer {
    pub fn new(config: Config, kernel: Kernel, places: Places) -> Self {
        Self {
            config,
            kernel,
            centres: Centres::default(),
            book: Codebook::default(),
            lens: Vec::new(),
            places,
            step: 0,
            unpublished: 0,
            hand: (0, 0),
            splits: 0,
            merges: 0,
            moves: 0,
        }
    }

    /// Adds an item, or gives it another vector; now and then looks at another one again.
    pub fn insert(&mut self, shared: &Shared, (item, tag): (u64, u32), vector: &[f32; WIDTH], bias: f32) {
        let (row, scale) = Row::of(vector);
        let posting = Posting {
            item,
            tag,
            row,
            scale,
            bias,
        };
        let cluster = self.place(shared, &posting, 0.0);
        self.keep_even(shared, cluster);
        self.publish_if_due(shared);
        if self.step.is_multiple_of(SECOND_LOOK_EVERY) {
            self.tend(shared, 1);
        }
    }

    /// Takes an item out; whether it was there.
    pub fn remove(&mut self, shared: &Shared, item: u64) -> bool {
        let gone = self.places.write().remove(&item);
        let Some(place) = gone else {
            return false;
        };
        self.leave(place);
        self.merge_if_small(shared, place.cluster as usize);
        self.publish_if_due(shared);
        true
    }

    /// Looks at the next `count` postings and moves those that lie nearer to another cluster by now; merges what has become small.
    pub fn tend(&mut self, shared: &Shared, count: usize) -> Tended {
        let before = (self.moves, self.splits, self.merges);
        let mut looked_at = 0;
        for _ in 0..count.min(self.items_len()) {
            let Some(posting) = self.next_in_hand(shared) else {
                break;
            };
            looked_at += 1;
            let cluster = self.place(shared, &posting, NEARER_BY);
            self.keep_even(shared, cluster);
            self.publish_if_due(shared);
        }
        Tended {
            looked_at,
            moved: self.moves - before.0,
            split: self.splits - before.1,
            merged: self.merges - before.2,
        }
    }

    pub fn stats(&self) -> Stats {
        let lists = self.book.lists.iter();
        let postings: usize = lists.map(|list| list.0.read().bytes()).sum();
        let clusters = self.book.len();
        let place = size_of::<(u64, Place)>() + 1;
        Stats {
            items: self.items_len(),
            clusters,
            longest: self.lens.iter().copied().max().unwrap_or(0) as usize,
            bytes: postings
                + self.places.read().capacity() * place
                + self.centres.bytes()
                // The next snapshot and the one that readers have.
                + 2 * clusters * (size_of::<Row>() + 16)
                + clusters * (size_of::<List>() + 16),
            splits: self.splits,
            merges: self.merges,
            moves: self.moves,
        }
    }

    fn items_len(&self) -> usize {
        self.places.read().len()
    }

    fn mean_len(&self) -> f32 {
        self.items_len() as f32 / self.book.len().max(1) as f32
    }

    /// Puts a posting where it belongs, and answers which cluster that is. One that is somewhere already moves only to a cluster that is nearer by the share `by`.
    fn place(&mut self, shared: &Shared, posting: &Posting, by: f32) -> usize {
        let vector = posting.row.values(posting.scale);
        let query = NarrowQuery::of(&vector);
        let old = self.places.read().get(&posting.item).copied();
        let current = old.map(|place| place.cluster as usize);
        let nearest = self.centres.nearest(self.kernel, &self.book, &query, current);
        let cluster = match (nearest, current) {
            (None, _) => self.found_cluster(shared, &vector, posting.bias),
            (Some((best, here)), Some(current)) if best.distance >= here * (1.0 - by) => current,
            (Some((best, _)), _) => best.cluster,
        };
        let items = self.items_len();
        let since = old.map_or(u32::MAX, |place| self.step.wrapping_sub(place.step));
        let lift = &mut self.book.factors[cluster][1];
        *lift = lift.max(posting.bias);
        self.centres
            .follow(&mut self.book, cluster, &vector, (since, items), &self.config);
        match old {
            Some(place) if place.cluster as usize == cluster => {
                let list = self.book.lists[cluster].clone();
                list.0.write().set(place.slot as usize, posting);
                self.note_place(posting.item, cluster, place.slot as usize);
            }
            Some(place) => {
                shared.moving.fetch_add(1, Ordering::AcqRel);
                self.enter(cluster, posting);
                self.leave(place);
                shared.moving.fetch_add(1, Ordering::AcqRel);
                self.moves += 1;
            }
            None => self.enter(cluster, posting),
        }
        self.step = self.step.wrapping_add(1);
        self.unpublished += 1;
        cluster
    }

    fn found_cluster(&mut self, shared: &Shared, vector: &[f32; WIDTH], bias: f32) -> usize {
        self.add_cluster(&Half::around(vector, bias), Postings::default());
        self.publish(shared);
        self.book.len() - 1
    }

    fn add_cluster(&mut self, half: &Half, postings: Postings) {
        self.centres.add(&mut self.book, half, &self.config);
        self.lens.push(postings.len() as u32);
        self.book.lists.push(Arc::new(List(RwLock::new(postings))));
    }

    /// Appends to a list and notes the place.
    fn enter(&mut self, cluster: usize, posting: &Posting) {
        let slot = {
            let mut postings = self.book.lists[cluster].0.write();
            postings.push(posting);
            postings.len() - 1
        };
        self.note_place(posting.item, cluster, slot);
        self.grew(cluster, slot + 1);
    }

    /// Takes the posting at `place` out of its list; nobody's place is forgotten here.
    fn leave(&mut self, place: Place) {
        let cluster = place.cluster as usize;
        let (moved, len) = {
            let mut postings = self.book.lists[cluster].0.write();
            (postings.swap_remove(place.slot as usize), postings.len())
        };
        if let Some(moved) = moved
            && let Some(other) = self.places.write().get_mut(&moved)
        {
            other.slot = place.slot;
        }
        self.grew(cluster, len);
    }

    fn note_place(&mut self, item: u64, cluster: usize, slot: usize) {
        let place = Place {
            cluster: cluster as u32,
            slot: slot as u32,
            step: self.step,
        };
        self.places.write().insert(item, place);
    }

    fn grew(&mut self, cluster: usize, len: usize) {
        self.lens[cluster] = len as u32;
        let mean = self.mean_len();
        self.centres.weigh(cluster, len, mean, &self.config);
    }

    /// After a placement in `cluster`: splits it when it has become too long, and looks at one cluster, by turns, for being too small.
    fn keep_even(&mut self, shared: &Shared, cluster: usize) {
        if self.lens[cluster] as usize > self.len_max() {
            self.split(shared, cluster);
        }
        let turn = self.step as usize % self.book.len();
        self.merge_if_small(shared, turn);
    }

    /// Members of a cluster at most: four times the mean, or twice the length aimed at while there are fewer clusters than that takes.
    fn len_max(&self) -> usize {
        let wanted = (self.items_len() / self.config.list_len).clamp(1, self.config.clusters_max);
        let far = (SPLIT_ABOVE * self.mean_len().max(LEN_MIN)) as usize;
        if self.book.len() < wanted {
            far.min(2 * self.config.list_len)
        } else {
            far
        }
    }

    fn split(&mut self, shared: &Shared, cluster: usize) {
        let whole = self.book.lists[cluster].0.read().clone();
        let (is_second, [first, second]) = halves(&whole);
        let mut parts = [Postings::default(), Postings::default()];
        for (at, second) in is_second.iter().enumerate() {
            parts[usize::from(*second)].push(&whole.get(at));
        }
        let [one, two] = parts;
        self.centres
            .replace(&mut self.book, cluster, &first, &self.config);
        self.lens[cluster] = one.len() as u32;
        self.book.lists[cluster] = Arc::new(List(RwLock::new(one)));
        self.add_cluster(&second, two);
        for cluster in [cluster, self.book.len() - 1] {
            self.renumber(cluster);
        }
        self.splits += 1;
        self.publish(shared);
    }

    /// Notes the places of all members of a cluster anew.
    fn renumber(&mut self, cluster: usize) {
        let list = self.book.lists[cluster].clone();
        let postings = list.0.read();
        let mut places = self.places.write();
        for (slot, item) in postings.items().iter().enumerate() {
            if let Some(place) = places.get_mut(item) {
                (place.cluster, place.slot) = (cluster as u32, slot as u32);
            }
        }
        drop(places);
        let len = postings.len();
        drop(postings);
        self.grew(cluster, len);
    }

    fn merge_if_small(&mut self, shared: &Shared, cluster: usize) {
        let small = MERGE_BELOW * self.mean_len();
        let len = self.lens.get(cluster).map_or(f32::MAX, |len| *len as f32);
        if self.book.len() > 1 && len < small.max(1.0) {
            self.merge(shared, cluster);
        }
    }

    /// Dissolves a cluster; its members go where they are nearest.
    fn merge(&mut self, shared: &Shared, cluster: usize) {
        let gone = self.book.lists[cluster].clone();
        self.centres.swap_remove(&mut self.book, cluster);
        self.lens.swap_remove(cluster);
        self.book.lists.swap_remove(cluster);
        if cluster < self.book.len() {
            self.renumber(cluster);
        }
        shared.moving.fetch_add(1, Ordering::AcqRel);
        let members = gone.0.read().clone();
        for at in 0..members.len() {
            self.places.write().remove(&members.items()[at]);
            self.place(shared, &members.get(at), 0.0);
        }
        self.merges += 1;
        self.publish(shared);
        shared.moving.fetch_add(1, Ordering::AcqRel);
    }

    fn next_in_hand(&mut self, shared: &Shared) -> Option<Posting> {
        for _ in 0..=self.book.len() {
            let (cluster, slot) = self.hand;
            let list = self.book.lists.get(cluster);
            if let Some(list) = list {
                let postings = list.0.read();
                if slot < postings.len() {
                    self.hand.1 += 1;
                    return Some(postings.get(slot));
                }
            }
            let next = cluster + 1;
            self.hand = (if next < self.book.len() { next } else { 0 }, 0);
            self.merge_if_small(shared, cluster);
        }
        None
    }

    fn publish_if_due(&mut self, shared: &Shared) {
        if self.unpublished >= PUBLISH_EVERY {
            self.publish(shared);
        }
    }

    /// Shows readers the centres as they are.
    pub fn publish(&mut self, shared: &Shared) {
        let mean = self.mean_len();
        for (cluster, len) in self.lens.iter().enumerate() {
            self.centres.weigh(cluster, *len as usize, mean, &self.config);
        }
        shared.book.store(Arc::new(self.book.clone()));
        self.unpublished = 0;
    }
}
