//! The one thread that changes the table: admission, gradients, rows put in and taken out.
//!
//! All of it is a function of the calls and the seed: event time and log offsets come in as arguments. Work that is due
//! beside the calls (expiry, ageing, growth) is done in bounded slices, in [`Writer::tick`].

use std::sync::Arc;

use super::coalesce::Coalesced;
use super::config::{CLASSES, RowClass, SlotRule};
use super::cuckoo::{Entry, Index};
use super::expiry::Hand;
use super::key::Key;
use super::optimiser::Update;
use super::random::Stream;
use super::reader::{Reader, Shared};
use super::row::Row;
use super::sketch::{self, Sketch};
use super::slab::{self, Header, RowRef, Slab, WORDS_MAX};
use super::tracked::Tracked;
use super::wide;

/// Keys under way at once.
pub(super) const GROUP: usize = 48;
/// Names the stream of initial values; no log offset is as large.
const INITIAL: u64 = u64::MAX;

/// What the writer did, since it was made; not part of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows made, by admission or by intent.
    pub created: u64,
    /// Rows not made because their slab or the index was full.
    pub refused: u64,
    /// Rows dropped because they were not seen for too long.
    pub expired: u64,
    /// Rows dropped because memory ran short.
    pub evicted: u64,
    /// Rows taken out by [`Writer::remove`].
    pub removed: u64,
    /// Rows made wider.
    pub promoted: u64,
    /// Summed gradients that were not finite and left out.
    pub gradients_refused: u64,
    /// Rows dropped because their key found no place in an index that grew.
    pub lost: u64,
}

/// See the file's header. Dropping it ends training; readers read on.
#[derive(Debug)]
pub struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) reader: Reader,
    pub(super) slabs: [Slab; CLASSES],
    pub(super) rows: [Tracked; CLASSES],
    pub(super) index: Index,
    pub(super) sketch: Sketch,
    pub(super) sketch_lines: Tracked,
    pub(super) hand: Hand,
    /// The latest event time seen, seconds.
    pub(super) now_s: u32,
    pub(super) counts: Counts,
    pub(super) saved: super::snapshot::Saved,
    coalesced: Coalesced,
    /// Keys whose rows went, for somebody who copies the table elsewhere; none while nobody asks. Not part of the state.
    removals: Option<Vec<Key>>,
}

/// Removals remembered until they are taken; more are forgotten.
const REMOVALS_MAX: usize = 1 << 20;

impl Writer {
    /// An empty table on fresh memory, with the slots' default rows.
    pub(super) fn new(shared: Arc<Shared>, sketch_lines: Tracked, buckets: usize) -> Self {
        let lines = shared.config.sketch_lines;
        let mut writer = Self {
            reader: Reader::new(shared.clone()),
            slabs: [Slab::default(); CLASSES],
            rows: [0, 1, 2].map(|class: usize| Tracked::new(shared.slabs[class].clone())),
            index: Index::new(shared.clone(), buckets),
            sketch: Sketch::fresh(lines),
            sketch_lines,
            hand: Hand::default(),
            now_s: 0,
            counts: Counts::default(),
            saved: Default::default(),
            coalesced: Coalesced::default(),
            removals: None,
            shared,
        };
        for slot in 0..writer.shared.config.slots.len() {
            let rule = writer.shared.config.slots[slot];
            let header = writer.header_new(Key::default_of(slot));
            let created = writer.create(Key::default_of(slot), &Row::of(rule.class_max, header, &[]));
            debug_assert_eq!(created, Some(writer.shared.defaults[slot]));
        }
        writer.counts = Counts::default();
        writer
    }

    /// Reads on the writer's own thread: never disturbed, hence the same in every replay.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Rows, the slots' default rows among them.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True if the table has no slots.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows in use by class.
    pub fn rows_by_class(&self) -> [u32; CLASSES] {
        self.slabs.map(|slab| slab.live)
    }

    /// See [`Counts`].
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Remembers from now on whose rows expire, are evicted or removed; see [`Writer::removals_take`].
    pub fn removals_record(&mut self) {
        self.removals.get_or_insert_default();
    }

    /// The keys whose rows went since this was asked last; some may have a new row by now.
    pub fn removals_take(&mut self) -> Vec<Key> {
        self.removals.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The latest event time that a call named, seconds.
    pub fn now_s(&self) -> u32 {
        self.now_s
    }

    /// Counts one sighting of each key and makes rows for those that have reached their slot's threshold; how many.
    /// A row that has outlived its slot's time counts as absent.
    pub fn admit(&mut self, keys: &[Key], now_s: u32) -> usize {
        self.advance(now_s);
        let created = self.counts.created;
        for group in keys.chunks(GROUP) {
            self.fetch_ahead(group.iter().copied(), true);
            for entry in group.iter().filter_map(|key| self.index.locate(*key)) {
                self.shared.prefetch_row(entry.row);
            }
            for key in group {
                self.admit_one(*key);
            }
        }
        (self.counts.created - created) as usize
    }

    fn admit_one(&mut self, key: Key) {
        let Some(rule) = self.rule(key) else { return };
        if key.is_default() {
            return;
        }
        if let Some(entry) = self.index.locate(key) {
            if !self.outlived(&entry, &rule) {
                return;
            }
            self.drop_row(key, &entry);
            self.counts.expired += 1;
        }
        let seen = if rule.admit_at > 1 {
            let lines = self.shared.config.sketch_lines;
            sketch::sighted(&mut self.sketch_lines, lines, key.places())
        } else {
            1
        };
        if seen >= u32::from(rule.admit_at) {
            let row = self.initial(key, rule.class);
            self.create(key, &row);
        }
    }

    /// Steps the rows of `keys` by their gradients, row `i` of `gradients` at `i * stride`, as wide as the slot.
    ///
    /// Gradients of the same key are summed first and make one step; those of ids without a row are summed into their
    /// slot's default row. `offset` is the batch's place in the log; it names the randomness of the rounding.
    ///
    /// # Panics
    /// If `gradients` is too short.
    pub fn apply(&mut self, keys: &[Key], stride: usize, gradients: &[f32], now_s: u32, offset: u64) {
        self.apply_each(keys, |i| i * stride, gradients, now_s, offset);
    }

    /// As [`Writer::apply`], with row `i` of `gradients` at `places[i]`.
    pub fn apply_at(&mut self, keys: &[Key], places: &[u32], gradients: &[f32], now_s: u32, offset: u64) {
        self.apply_each(keys, |i| places[i] as usize, gradients, now_s, offset);
    }

    fn apply_each(
        &mut self,
        keys: &[Key],
        place: impl Fn(usize) -> usize,
        gradients: &[f32],
        now_s: u32,
        offset: u64,
    ) {
        self.advance(now_s);
        let mut batch = std::mem::take(&mut self.coalesced);
        let widest = self.shared.config.slots.iter().map(SlotRule::width).max();
        batch.begin(widest.unwrap_or(0), keys.len());
        for (i, key) in keys.iter().enumerate() {
            let width = self.shared.width(*key);
            if width > 0 {
                batch.add(*key, &gradients[place(i)..][..width], 1);
            }
        }
        let named = batch.len();
        for first in (0..named).step_by(GROUP) {
            let groups = first..named.min(first + GROUP);
            self.fetch_ahead(groups.clone().map(|group| batch.group(group).key), false);
            let entries: [Option<Entry>; GROUP] = std::array::from_fn(|i| {
                let entry = self
                    .index
                    .locate(batch.group((first + i < groups.end).then_some(first + i)?).key);
                if let Some(entry) = &entry {
                    self.shared.prefetch_row(entry.row);
                }
                entry
            });
            for (group, entry) in groups.zip(entries) {
                let key = batch.group(group).key;
                match entry {
                    Some(_) if key.is_default() => {}
                    Some(entry) => {
                        self.step((key, batch.group(group).seen), batch.sum(group), &entry, offset)
                    }
                    None => batch.lend(group, Key::default_of(key.slot())),
                }
            }
        }
        self.step_defaults(&batch, offset);
        self.coalesced = batch;
    }

    /// As [`Writer::apply`], for keys that are all different: their gradients are sums already.
    pub fn apply_distinct(
        &mut self,
        keys: &[Key],
        stride: usize,
        gradients: &[f32],
        now_s: u32,
        offset: u64,
    ) {
        self.advance(now_s);
        let mut lent = std::mem::take(&mut self.coalesced);
        let widest = self.shared.config.slots.iter().map(SlotRule::width).max();
        lent.begin(widest.unwrap_or(0), 0);
        for (group, gradients) in keys.chunks(GROUP).zip(gradients.chunks(GROUP * stride)) {
            self.fetch_ahead(group.iter().copied(), false);
            let entries: [Option<Entry>; GROUP] = std::array::from_fn(|i| {
                let entry = self.index.locate(*group.get(i)?);
                if let Some(entry) = &entry {
                    self.shared.prefetch_row(entry.row);
                }
                entry
            });
            for ((key, gradient), entry) in group.iter().zip(gradients.chunks(stride)).zip(entries) {
                let gradient = &gradient[..self.shared.width(*key)];
                match entry {
                    _ if gradient.is_empty() => {}
                    Some(entry) if !key.is_default() => self.step((*key, 1), gradient, &entry, offset),
                    _ => lent.add(Key::default_of(key.slot()), gradient, 1),
                }
            }
        }
        self.step_defaults(&lent, offset);
        self.coalesced = lent;
    }

    /// Default rows step last, when all that is lent to them is there.
    fn step_defaults(&mut self, batch: &Coalesced, offset: u64) {
        for group in 0..batch.len() {
            let key = batch.group(group).key;
            if key.is_default()
                && let Some(entry) = self.index.locate(key)
            {
                self.step((key, batch.group(group).seen), batch.sum(group), &entry, offset);
            }
        }
    }

    /// One row's step, and its promotion if that is due.
    fn step(&mut self, (key, seen): (Key, u32), gradient: &[f32], entry: &Entry, offset: u64) {
        let Some(rule) = self.rule(key) else { return };
        let class = entry.row.class();
        if !gradient[..class.width()].iter().all(|value| value.is_finite()) {
            self.counts.gradients_refused += 1;
            return;
        }
        let update = Update::new(&self.shared.config, &rule, key, seen, self.now_s, offset);
        let updates = match class {
            RowClass::D8 => self.step_words::<4, 8>(entry.row, &update, gradient),
            RowClass::D24 => self.step_words::<8, 24>(entry.row, &update, gradient),
            RowClass::D56 => self.step_words::<16, 56>(entry.row, &update, gradient),
        };
        let due = self.shared.config.promote_at.get(class.index());
        if class < rule.class_max && due.is_some_and(|due| updates >= *due) {
            self.promote(key, entry);
        }
    }

    fn step_words<const W: usize, const D: usize>(
        &mut self,
        row: RowRef,
        update: &Update,
        gradient: &[f32],
    ) -> u16 {
        let memory = &mut self.rows[row.class().index()];
        let mut words: [u64; W] = memory.cell_own(row.word());
        wide::step::<W, D>(update, &mut words, gradient);
        memory.cell_write(row.word(), &words);
        Header::of(words[0], words[1]).updates
    }

    /// Gives a row the next wider class; its new values are zero.
    fn promote(&mut self, key: Key, entry: &Entry) {
        let Some(class) = entry.row.class().wider() else {
            return;
        };
        let row = Row {
            class,
            ..self.row_at(entry.row)
        };
        if self.move_to(key, entry, &row) {
            self.counts.promoted += 1;
        }
    }

    /// Makes a row by intent, from content, or overwrites the values of the one there is.
    ///
    /// Values are rounded to nearest; missing ones, up to the row's width, are zero. The row is as wide as the slot
    /// begins, or as the values need. False if there is no such slot, the values are too many or not finite, or no room.
    pub fn insert(&mut self, key: Key, values: &[f32], now_s: u32) -> bool {
        self.advance(now_s);
        let Some(rule) = self.rule(key) else { return false };
        let needed = RowClass::ALL
            .into_iter()
            .find(|class| class.width() >= values.len());
        let Some(needed) = needed.filter(|needed| *needed <= rule.class_max) else {
            return false;
        };
        if !values.iter().all(|value| value.is_finite()) {
            return false;
        }
        let present = self.index.locate(key);
        let (class, header) = match &present {
            Some(entry) => (entry.row.class(), self.row_at(entry.row).header()),
            None => (rule.class, self.header_new(key)),
        };
        let header = Header {
            last_seen_s: self.now_s,
            ..header
        };
        self.place(key, present, &Row::of(class.max(needed), header, values))
    }

    /// The row of a key, exactly.
    pub fn row(&self, key: Key) -> Option<Row> {
        self.index.locate(key).map(|entry| self.row_at(entry.row))
    }

    /// Puts in a row exactly as [`Writer::row`] gave it, here or in another process.
    /// False if there is no such slot, the row is wider than the slot, or no room.
    pub fn put(&mut self, key: Key, row: &Row) -> bool {
        if self.rule(key).is_none_or(|rule| row.class > rule.class_max) {
            return false;
        }
        let mut row = *row;
        row.header_set(Header {
            tag: key.places().tag(),
            ..row.header()
        });
        let present = self.index.locate(key);
        // A default row never moves.
        if key.is_default() && present.is_some_and(|entry| entry.row.class() != row.class) {
            return false;
        }
        self.place(key, present, &row)
    }

    fn place(&mut self, key: Key, present: Option<Entry>, row: &Row) -> bool {
        match present {
            Some(entry) if entry.row.class() == row.class => {
                self.row_write(entry.row, row);
                true
            }
            Some(entry) => self.move_to(key, &entry, row),
            None => self.create(key, row).is_some(),
        }
    }

    /// Notes that ids were seen without a gradient, so that their rows do not expire.
    pub fn touch(&mut self, keys: &[Key], now_s: u32) {
        self.advance(now_s);
        for group in keys.chunks(GROUP) {
            self.fetch_ahead(group.iter().copied(), false);
            for key in group {
                let Some(entry) = self.index.locate(*key) else {
                    continue;
                };
                let mut row = self.row_at(entry.row);
                let header = row.header();
                if header.last_seen_s < self.now_s {
                    row.header_set(Header {
                        last_seen_s: self.now_s,
                        ..header
                    });
                    self.row_write(entry.row, &row);
                }
            }
        }
    }

    /// Takes a row out at once, as for erasure; false if there is none. Default rows stay.
    pub fn remove(&mut self, key: Key) -> bool {
        let entry = self.index.locate(key).filter(|_| !key.is_default());
        if let Some(entry) = &entry {
            self.drop_row(key, entry);
            self.counts.removed += 1;
        }
        entry.is_some()
    }

    /// Does what is due beside the calls, a bounded slice of it; call it once a batch.
    pub fn tick(&mut self, now_s: u32) {
        self.advance(now_s);
        let config = &self.shared.config;
        let (lines, age_s) = (config.sketch_lines, config.sketch_age_s);
        self.sketch.tick(&mut self.sketch_lines, lines, age_s, self.now_s);
        self.index.move_buckets(super::expiry::MOVED_PER_TICK);
        self.free_lost();
        self.sweep_due();
    }

    /// Event time only goes forward.
    fn advance(&mut self, now_s: u32) {
        self.now_s = self.now_s.max(now_s);
    }

    pub(super) fn rule(&self, key: Key) -> Option<SlotRule> {
        self.shared.config.slots.get(key.slot()).copied()
    }

    /// Fetches first buckets, then the second ones where they will be needed.
    fn fetch_ahead(&self, keys: impl Iterator<Item = Key> + Clone, sketch: bool) {
        for key in keys.clone() {
            self.index.prefetch(key);
            if sketch {
                let line = key.places().line(self.shared.config.sketch_lines);
                self.sketch_lines.region().prefetch(line * sketch::LINE_WORDS);
            }
        }
        for key in keys {
            self.index.prefetch_second(key);
        }
    }

    fn outlived(&self, entry: &Entry, rule: &SlotRule) -> bool {
        let header = self.header_at(entry.row);
        self.now_s.saturating_sub(header.last_seen_s) > rule.expire_after_s
    }

    fn header_new(&self, key: Key) -> Header {
        Header {
            last_seen_s: self.now_s,
            updates: 0,
            tag: key.places().tag(),
            accumulator: self.shared.config.accumulator_initial,
        }
    }

    /// The slot's default row plus a little noise of the key's own.
    fn initial(&self, key: Key, class: RowClass) -> Row {
        let config = &self.shared.config;
        let (slot, noise) = (key.slot(), Stream::new(config.seed, key.bits(), INITIAL));
        let mut values = self.row_at(self.shared.defaults[slot]).values();
        for (i, value) in values.iter_mut().enumerate() {
            *value += config.slots[slot].init_scale * noise.symmetric_at(i as u32);
        }
        Row::of(class, self.header_new(key), &values)
    }

    /// Takes a row of the slab and leads the key to it, once it is written.
    fn create(&mut self, key: Key, row: &Row) -> Option<RowRef> {
        let created = self.take(row.class).and_then(|at| {
            self.row_write(at, row);
            let inserted = self.index.insert(key, at);
            self.free_lost();
            if !inserted {
                self.give_back(at);
            }
            inserted.then_some(at)
        });
        match created {
            Some(_) => self.counts.created += 1,
            None => self.counts.refused += 1,
        }
        created
    }

    /// Writes `row` elsewhere, leads the key there, frees the old place; false if there is no room.
    fn move_to(&mut self, key: Key, entry: &Entry, row: &Row) -> bool {
        let Some(at) = self.take(row.class) else {
            self.counts.refused += 1;
            return false;
        };
        self.row_write(at, row);
        self.index.replace(entry, key, at);
        self.give_back(entry.row);
        true
    }

    pub(super) fn drop_row(&mut self, key: Key, entry: &Entry) {
        self.index.remove(entry);
        self.give_back(entry.row);
        self.note_removal(key);
    }

    fn note_removal(&mut self, key: Key) {
        if let Some(removals) = self.removals.as_mut().filter(|all| all.len() < REMOVALS_MAX) {
            removals.push(key);
        }
    }

    fn free_lost(&mut self) {
        while let Some((key, row)) = self.index.lost.pop() {
            self.give_back(row);
            self.note_removal(key);
            self.counts.lost += 1;
        }
    }

    fn take(&mut self, class: RowClass) -> Option<RowRef> {
        let (i, rows_max) = (class.index(), self.shared.config.rows_max[class.index()]);
        let (slab, memory) = (&mut self.slabs[i], &mut self.rows[i]);
        slab.take(memory, class, rows_max, self.now_s)
    }

    fn give_back(&mut self, row: RowRef) {
        let i = row.class().index();
        self.slabs[i].give_back(&mut self.rows[i], row, self.now_s);
    }

    pub(super) fn header_at(&self, row: RowRef) -> Header {
        let memory = &self.rows[row.class().index()];
        Header::of(memory.get(row.word()), memory.get(row.word() + 1))
    }

    pub(super) fn row_at(&self, row: RowRef) -> Row {
        let memory = &self.rows[row.class().index()];
        let mut words = [0; WORDS_MAX];
        for (i, word) in words[..row.class().words()].iter_mut().enumerate() {
            *word = memory.get(row.word() + i);
        }
        words[0] &= !0xffff_ffff;
        Row {
            class: row.class(),
            words,
        }
    }

    fn row_write(&mut self, at: RowRef, row: &Row) {
        slab::row_write(&mut self.rows[at.class().index()], at, &row.words);
    }
}
