//! The table said plainly: maps of rows, exact counts of sightings, no bound on rows, one thread.
//!
//! It has the [`super::Writer`]'s methods and meanings, to the bit; what it lacks is everything that makes the table fast,
//! small or shared: no index, no slabs, no sketch (it counts exactly), no eviction. Its rows expire when
//! [`PlainTable::sweep_all`] visits them.

use std::collections::HashMap;

use super::config::{ADMIT_AT_MAX, ConfigError, RowClass, SlotRule, TableConfig};
use super::half;
use super::key::Key;
use super::optimiser::halved;
use super::random::Stream;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct PlainRow {
    /// How wide it is.
    pub class: RowClass,
    /// Second of event time.
    pub last_seen_s: u32,
    /// Examples that trained it, at most 65 535.
    pub updates: u16,
    /// Of its Adagrad.
    pub accumulator: f32,
    /// Each is exactly a half.
    pub values: Vec<f32>,
}

/// See the file's header.
#[derive(Debug)]
pub struct PlainTable {
    config: TableConfig,
    rows: HashMap<Key, PlainRow>,
    sightings: HashMap<Key, u32>,
    now_s: u32,
}

impl PlainTable {
    /// A table with the slots' default rows.
    pub fn create(config: TableConfig) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        let mut table = Self {
            rows: HashMap::new(),
            sightings: HashMap::new(),
            now_s: 0,
            config,
        };
        for (slot, rule) in table.config.slots.clone().into_iter().enumerate() {
            table.create_row(Key::default_of(slot), rule.class_max, &[]);
        }
        Ok(table)
    }

    /// Rows, the slots' default rows among them.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if the table has no slots.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row of a key.
    pub fn row(&self, key: Key) -> Option<&PlainRow> {
        self.rows.get(&key)
    }

    /// As [`super::Reader::read`].
    pub fn read(&self, keys: &[Key], stride: usize, out: &mut [f32]) {
        for (key, out) in keys.iter().zip(out.chunks_exact_mut(stride)) {
            let default = Key::default_of(key.slot());
            let row = self.rows.get(key).or_else(|| self.rows.get(&default));
            let values = row.map_or(&[][..], |row| &row.values);
            out.fill(0.0);
            out[..values.len()].copy_from_slice(values);
        }
    }

    /// As [`super::Writer::admit`].
    pub fn admit(&mut self, keys: &[Key], now_s: u32) -> usize {
        self.advance(now_s);
        let admitted = |table: &mut Self, key: &Key| table.admit_one(*key);
        keys.iter().filter(|key| admitted(self, key)).count()
    }

    fn admit_one(&mut self, key: Key) -> bool {
        let Some(rule) = self.rule(key).filter(|_| !key.is_default()) else {
            return false;
        };
        match self.rows.get(&key) {
            Some(row) if self.now_s.saturating_sub(row.last_seen_s) <= rule.expire_after_s => return false,
            _ => self.rows.remove(&key),
        };
        if rule.admit_at > 1 {
            let sightings = self.sightings.entry(key).or_default();
            *sightings = (*sightings + 1).min(u32::from(ADMIT_AT_MAX));
            if *sightings < u32::from(rule.admit_at) {
                return false;
            }
        }
        let noise = Stream::new(self.config.seed, key.bits(), u64::MAX);
        let default = &self.rows[&Key::default_of(key.slot())].values;
        let value = |(i, value): (usize, &f32)| value + rule.init_scale * noise.symmetric_at(i as u32);
        let values: Vec<f32> = default.iter().enumerate().map(value).collect();
        self.create_row(key, rule.class, &values[..rule.class.width()]);
        true
    }

    /// As [`super::Writer::apply`].
    pub fn apply(&mut self, keys: &[Key], stride: usize, gradients: &[f32], now_s: u32, offset: u64) {
        self.advance(now_s);
        let mut named = Sums::default();
        for (key, gradient) in keys.iter().zip(gradients.chunks_exact(stride)) {
            if let Some(rule) = self.rule(*key) {
                named.add(*key, 1, &gradient[..rule.width()]);
            }
        }
        let mut sums = Sums::default();
        let (there, absent): (Vec<&Key>, Vec<&Key>) =
            named.order.iter().partition(|key| self.rows.contains_key(*key));
        for key in there {
            sums.add(*key, named.of[key].0, &named.of[key].1);
        }
        for key in absent {
            sums.add(Key::default_of(key.slot()), named.of[key].0, &named.of[key].1);
        }
        for key in &sums.order {
            self.step(*key, sums.of[key].0, &sums.of[key].1, offset);
        }
    }

    fn step(&mut self, key: Key, seen: u32, gradient: &[f32], offset: u64) {
        let (Some(rule), now_s) = (self.rule(key), self.now_s) else {
            return;
        };
        let Some(row) = self.rows.get_mut(&key) else {
            return;
        };
        let width = row.class.width();
        let gradient = &gradient[..width];
        if !gradient.iter().all(|value| value.is_finite()) {
            return;
        }
        let quiet_s = now_s.saturating_sub(row.last_seen_s);
        // Eight sums side by side, as the definition of the optimiser says.
        let squares = |lane: usize| {
            (lane..width)
                .step_by(8)
                .fold(0.0, |sum: f32, i| sum + gradient[i] * gradient[i])
        };
        let mean_square = (0..8).map(squares).sum::<f32>() / width as f32;
        let fading = halved(quiet_s as f32 / self.config.accumulator_half_life_s as f32);
        row.accumulator = row.accumulator * fading + mean_square;
        row.last_seen_s = row.last_seen_s.max(now_s);
        row.updates = row.updates.saturating_add(seen.min(65_535) as u16);
        let step = rule.learning_rate / (row.accumulator + self.config.epsilon).sqrt();
        let random = Stream::new(self.config.seed, key.bits(), offset);
        for (i, value) in row.values.iter_mut().enumerate() {
            *value = half::to_f32(half::rounded(*value - step * gradient[i], random.at(i as u32)));
        }
        let due = self.config.promote_at.get(row.class.index());
        if row.class < rule.class_max
            && due.is_some_and(|due| row.updates >= *due)
            && let Some(wider) = row.class.wider()
        {
            row.class = wider;
            row.values.resize(wider.width(), 0.0);
        }
    }

    /// As [`super::Writer::insert`].
    pub fn insert(&mut self, key: Key, values: &[f32], now_s: u32) -> bool {
        self.advance(now_s);
        let fits = |class: &RowClass| class.width() >= values.len();
        let (Some(rule), Some(needed)) = (self.rule(key), RowClass::ALL.into_iter().find(fits)) else {
            return false;
        };
        if needed > rule.class_max || !values.iter().all(|value| value.is_finite()) {
            return false;
        }
        let Some(row) = self.rows.get_mut(&key) else {
            self.create_row(key, rule.class.max(needed), values);
            return true;
        };
        row.class = row.class.max(needed);
        row.last_seen_s = self.now_s;
        row.values = exact(values, row.class);
        true
    }

    /// As [`super::Writer::touch`].
    pub fn touch(&mut self, keys: &[Key], now_s: u32) {
        self.advance(now_s);
        for key in keys {
            if let Some(row) = self.rows.get_mut(key) {
                row.last_seen_s = row.last_seen_s.max(self.now_s);
            }
        }
    }

    /// As [`super::Writer::remove`].
    pub fn remove(&mut self, key: Key) -> bool {
        !key.is_default() && self.rows.remove(&key).is_some()
    }

    /// Drops all rows that have outlived their slot's time.
    pub fn sweep_all(&mut self, now_s: u32) {
        self.advance(now_s);
        let (slots, now_s) = (&self.config.slots, self.now_s);
        self.rows.retain(|key, row| {
            key.is_default() || now_s.saturating_sub(row.last_seen_s) <= slots[key.slot()].expire_after_s
        });
    }

    fn advance(&mut self, now_s: u32) {
        self.now_s = self.now_s.max(now_s);
    }

    fn rule(&self, key: Key) -> Option<SlotRule> {
        self.config.slots.get(key.slot()).copied()
    }

    fn create_row(&mut self, key: Key, class: RowClass, values: &[f32]) {
        let row = PlainRow {
            class,
            last_seen_s: self.now_s,
            updates: 0,
            accumulator: self.config.accumulator_initial,
            values: exact(values, class),
        };
        self.rows.insert(key, row);
    }
}

/// Rounded to halves, with zeros up to the class's width.
fn exact(values: &[f32], class: RowClass) -> Vec<f32> {
    let halves = values.iter().map(|value| half::to_f32(half::nearest(*value)));
    let mut exact: Vec<f32> = halves.collect();
    exact.resize(class.width(), 0.0);
    exact
}

/// Sums by key, in the order of first occurrence.
#[derive(Default)]
struct Sums {
    order: Vec<Key>,
    of: HashMap<Key, (u32, Vec<f32>)>,
}

impl Sums {
    fn add(&mut self, key: Key, seen: u32, gradient: &[f32]) {
        let (count, sum) = self.of.entry(key).or_insert_with(|| {
            self.order.push(key);
            (0, vec![0.0; gradient.len()])
        });
        *count += seen;
        for (sum, value) in sum.iter_mut().zip(gradient) {
            *sum += value;
        }
    }
}
