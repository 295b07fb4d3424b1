//! From ids to vectors and back: distinct keys of a batch are read once, pooled per slot, and their gradients summed once.

use crate::embedding::EmbeddingRead;
use crate::kernels::{self, Isa};
use crate::layout::{Layout, UNKNOWN};
use crate::rng;
use crate::row::RowRef;
use crate::table::Key;

/// The ids of a batch and the rows they stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    /// Distinct keys in order of first sight.
    pub keys: Vec<Key>,
    /// All keys as they came.
    pub sightings: Vec<Key>,
    /// Place of the slot and of the key, row after row.
    pub uses: Vec<(u16, u32)>,
    /// End of each row's uses.
    pub ends: Vec<u32>,
    /// Keys × stride.
    pub rows: Vec<f32>,
    /// Keys × stride.
    pub gradients: Vec<f32>,
    index: KeyIndex,
    attention: Vec<f32>,
}

impl Gathered {
    /// Notes the ids of `rows`, without reading any.
    pub fn note<'a>(&mut self, layout: &Layout, rows: impl Iterator<Item = RowRef<'a>>) {
        self.keys.clear();
        self.sightings.clear();
        self.uses.clear();
        self.ends.clear();
        self.index.clear();
        for row in rows {
            for (slot, id) in row.ids {
                let place = layout.slot_place.get(usize::from(*slot)).copied();
                let Some(place) = place.filter(|place| *place != UNKNOWN) else {
                    continue;
                };
                let key = Key::new(layout.slots[usize::from(place)].key_slot, *id);
                let at = self.index.place(key, &mut self.keys);
                self.uses.push((place, at));
                self.sightings.push(key);
            }
            self.ends.push(self.uses.len() as u32);
        }
    }

    /// Reads the rows of all distinct keys.
    pub fn read(&mut self, layout: &Layout, table: &impl EmbeddingRead) {
        let size = self.keys.len() * layout.stride;
        if self.rows.len() < size {
            self.rows.resize(size, 0.0);
        }
        table.read(&self.keys, layout.stride, &mut self.rows[..size]);
    }

    pub fn uses_of(&self, row: usize) -> &[(u16, u32)] {
        let from = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.uses[from as usize..self.ends[row] as usize]
    }

    fn row(&self, layout: &Layout, at: u32) -> &[f32] {
        &self.rows[at as usize * layout.stride..][..layout.stride]
    }

    /// The pooled vectors of one row, slots × stride; absent slots are zero.
    pub fn pool(&mut self, layout: &Layout, row: usize, vectors: &mut [f32]) {
        vectors[..layout.slots.len() * layout.stride].fill(0.0);
        let mut counts = [0_u16; MAX_COUNTED];
        for (place, at) in self.uses_of(row) {
            let place = usize::from(*place);
            if layout.slots[place].target.is_some() {
                continue;
            }
            counts[place % MAX_COUNTED] += 1;
            let vector = &mut vectors[place * layout.stride..][..layout.stride];
            for (value, add) in vector.iter_mut().zip(self.row(layout, *at)) {
                *value += add;
            }
        }
        for (place, slot) in layout.slots.iter().enumerate() {
            let count = self.count(layout, row, place, counts[place % MAX_COUNTED]);
            if slot.target.is_none() && count > 1 {
                let share = 1.0 / f32::from(count);
                for value in &mut vectors[place * layout.stride..][..slot.width] {
                    *value *= share;
                }
            }
        }
        for (place, slot) in layout.slots.iter().enumerate() {
            if let Some(target) = slot.target {
                self.attend(layout, row, place, target, vectors);
            }
        }
    }

    /// Exact number of a slot's ids in a row; the quick count is right unless the schema has very many slots.
    fn count(&self, layout: &Layout, row: usize, place: usize, quick: u16) -> u16 {
        if layout.slots.len() <= MAX_COUNTED {
            return quick;
        }
        let same = self
            .uses_of(row)
            .iter()
            .filter(|(other, _)| usize::from(*other) == place);
        same.count() as u16
    }

    /// Softmax weights of the ids of an attending slot, left in `self.attention` in the order of use.
    fn attention(&mut self, layout: &Layout, row: usize, place: usize, target: &[f32]) {
        let mut attention = std::mem::take(&mut self.attention);
        attention.clear();
        for (_, at) in self.uses_of(row).iter().filter(|(p, _)| usize::from(*p) == place) {
            attention.push(dot(target, self.row(layout, *at)));
        }
        let top = attention.iter().copied().fold(f32::MIN, f32::max);
        let mut sum = 0.0;
        for score in &mut attention {
            *score = kernels::exp(*score - top);
            sum += *score;
        }
        for score in &mut attention {
            *score /= sum;
        }
        self.attention = attention;
    }

    fn attend(&mut self, layout: &Layout, row: usize, place: usize, target: usize, vectors: &mut [f32]) {
        let stride = layout.stride;
        let (target, out) = two(vectors, target, place, stride);
        self.attention(layout, row, place, target);
        let uses = self.uses_of(row).iter().filter(|(p, _)| usize::from(*p) == place);
        for ((_, at), share) in uses.zip(&self.attention) {
            for (out, value) in out.iter_mut().zip(self.row(layout, *at)) {
                *out += share * value;
            }
        }
    }

    /// Clears the gradients of all keys.
    pub fn begin_gradients(&mut self, layout: &Layout) {
        self.gradients.clear();
        self.gradients.resize(self.keys.len() * layout.stride, 0.0);
    }

    /// Adds the gradients of one row's pooled vectors to those of its keys. `vectors` are the pooled vectors, `l2` pulls towards zero.
    pub fn scatter(
        &mut self,
        (isa, l2): (Isa, f32),
        layout: &Layout,
        row: usize,
        vectors: &[f32],
        gradients: &mut [f32],
    ) {
        for (place, slot) in layout.slots.iter().enumerate() {
            if let Some(target) = slot.target {
                self.scatter_attention(layout, row, (place, target), vectors, gradients);
            }
        }
        let stride = layout.stride;
        let mut counts = [0_u16; MAX_COUNTED];
        for (place, _) in self.uses_of(row) {
            counts[usize::from(*place) % MAX_COUNTED] += 1;
        }
        let from = row.checked_sub(1).map_or(0, |before| self.ends[before]) as usize;
        for i in from..self.ends[row] as usize {
            let (place, at) = self.uses[i];
            let place = usize::from(place);
            if layout.slots[place].target.is_some() {
                continue;
            }
            let share = 1.0 / f32::from(self.count(layout, row, place, counts[place % MAX_COUNTED]));
            let own = &self.rows[at as usize * stride..][..stride];
            let sums = &mut self.gradients[at as usize * stride..][..stride];
            let gradient = &gradients[place * stride..][..stride];
            kernels::axpy(isa, share, gradient, sums);
            kernels::axpy(isa, l2, own, sums);
        }
    }

    /// Back through the softmax: to the attended rows, and to the target's pooled gradient.
    fn scatter_attention(
        &mut self,
        layout: &Layout,
        row: usize,
        (place, target): (usize, usize),
        vectors: &[f32],
        gradients: &mut [f32],
    ) {
        let stride = layout.stride;
        let query = &vectors[target * stride..][..stride];
        self.attention(layout, row, place, query);
        let (to_query, out) = two(gradients, target, place, stride);
        let from = row.checked_sub(1).map_or(0, |before| self.ends[before]) as usize;
        let uses = from..self.ends[row] as usize;
        let mut mean = 0.0;
        let mut next = 0;
        for i in uses.clone().filter(|i| usize::from(self.uses[*i].0) == place) {
            mean += self.attention[next] * dot(out, self.row(layout, self.uses[i].1));
            next += 1;
        }
        next = 0;
        for i in uses {
            let (p, at) = self.uses[i];
            if usize::from(p) != place {
                continue;
            }
            let share = self.attention[next];
            next += 1;
            let own = &self.rows[at as usize * stride..][..stride];
            let slope = share * (dot(out, own) - mean);
            let sums = &mut self.gradients[at as usize * stride..][..stride];
            for i in 0..stride {
                sums[i] += share * out[i] + slope * query[i];
                to_query[i] += slope * own[i];
            }
        }
    }
}

/// Slots for which counting ids needs no search.
const MAX_COUNTED: usize = 128;

fn dot(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Two different vectors of a list, the first to read and the second to write.
fn two(vectors: &mut [f32], read: usize, write: usize, stride: usize) -> (&mut [f32], &mut [f32]) {
    let (low, high) = (read.min(write), read.max(write));
    let (front, back) = vectors.split_at_mut(high * stride);
    let low = &mut front[low * stride..][..stride];
    let high = &mut back[..stride];
    if read < write { (low, high) } else { (high, low) }
}

/// Open addressing from key to place in the list of distinct keys; emptied by raising a generation.
#[derive(Debug, Clone, Default)]
struct KeyIndex {
    /// Generation and place; the key itself lies in the list.
    cells: Vec<(u32, u32)>,
    generation: u32,
    used: usize,
}

impl KeyIndex {
    fn clear(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.used = 0;
        if self.generation == 0 {
            self.cells.fill((0, 0));
            self.generation = 1;
        }
    }

    fn place(&mut self, key: Key, keys: &mut Vec<Key>) -> u32 {
        if self.used * 2 >= self.cells.len() {
            self.grow(keys);
        }
        let mask = self.cells.len() - 1;
        let mut at = rng::mix(key.bits()) as usize & mask;
        loop {
            let (generation, place) = self.cells[at];
            if generation != self.generation {
                let place = keys.len() as u32;
                keys.push(key);
                self.cells[at] = (self.generation, place);
                self.used += 1;
                return place;
            }
            if keys[place as usize] == key {
                return place;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self, keys: &[Key]) {
        let size = (self.cells.len() * 2).max(64);
        self.cells = vec![(0, 0); size];
        self.generation = 1;
        for (place, key) in keys.iter().enumerate() {
            let mut at = rng::mix(key.bits()) as usize & (size - 1);
            while self.cells[at].0 == 1 {
                at = (at + 1) & (size - 1);
            }
            self.cells[at] = (1, place as u32);
        }
    }
}
