//! From ids to vectors and back: distinct keys of a batch are read once, pooled per slot, and their gradients summed once.

use crate::embedding::EmbeddingRead;
use crate::kernels::{self, COLUMNS, Isa};
use crate::layout::{Layout, UNKNOWN};
use crate::rng;
use crate::row::RowRef;
use crate::table::Key;

/// The ids of a batch and the rows they stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    /// Distinct keys in order of first sight.
    pub keys: Vec<Key>,
    /// What the table is to be told: each key once, those of counted slots each time.
    pub sightings: Vec<Key>,
    /// Whether a key is among the sightings.
    sighted: Vec<bool>,
    /// Place of the slot and of the key, row after row.
    pub uses: Vec<(u16, u32)>,
    /// Beside the uses: the weight of an attended id in its row, as [`Self::pool`] found it.
    shares: Vec<f32>,
    /// End of each row's uses.
    ends: Vec<u32>,
    /// Keys × stride.
    pub rows: Vec<f32>,
    /// Keys × stride.
    pub gradients: Vec<f32>,
    index: KeyIndex,
    /// Of one slot of one row, in the order of its uses.
    scores: Vec<f32>,
    /// Ids of each slot of one row.
    counts: Vec<u16>,
}

impl Gathered {
    /// Notes the ids of `rows`, without reading any. The ids of a row beside which stands `true` are sighted.
    pub fn note<'a>(&mut self, layout: &Layout, rows: impl Iterator<Item = (RowRef<'a>, bool)>) {
        self.keys.clear();
        self.sightings.clear();
        self.sighted.clear();
        self.uses.clear();
        self.ends.clear();
        self.index.clear();
        for (row, is_sighted) in rows {
            for (slot, id) in row.ids {
                let place = layout.slot_place.get(usize::from(*slot)).copied();
                let Some(place) = place.filter(|place| *place != UNKNOWN) else {
                    continue;
                };
                let slot = &layout.slots[usize::from(place)];
                let key = Key::new(slot.key_slot, *id);
                let at = self.index.place(key, &mut self.keys);
                self.uses.push((place, at));
                self.sighted.resize(self.keys.len(), false);
                let sighted = &mut self.sighted[at as usize];
                if is_sighted && (slot.counted || !*sighted) {
                    *sighted = true;
                    self.sightings.push(key);
                }
            }
            self.ends.push(self.uses.len() as u32);
        }
        self.shares.resize(self.uses.len(), 0.0);
    }

    /// Reads the rows of all distinct keys.
    pub fn read(&mut self, layout: &Layout, table: &impl EmbeddingRead) {
        let size = self.keys.len() * layout.stride;
        if self.rows.len() < size {
            self.rows.resize(size, 0.0);
        }
        table.read(&self.keys, layout.stride, &mut self.rows[..size]);
    }

    /// Places of a row's uses.
    pub fn uses_of(&self, row: usize) -> std::ops::Range<usize> {
        let from = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        from as usize..self.ends[row] as usize
    }

    fn row(&self, layout: &Layout, at: u32) -> &[f32] {
        &self.rows[at as usize * layout.stride..][..layout.stride]
    }

    /// How many ids of each slot a row has.
    fn count_ids(&self, layout: &Layout, row: usize, counts: &mut Vec<u16>) {
        counts.clear();
        counts.resize(layout.slots.len(), 0);
        for (place, _) in &self.uses[self.uses_of(row)] {
            counts[usize::from(*place)] += 1;
        }
    }

    /// The pooled vectors of one row, slots × stride; absent slots are zero.
    pub fn pool(&mut self, isa: Isa, layout: &Layout, row: usize, vectors: &mut [f32]) {
        let stride = layout.stride;
        vectors[..layout.slots.len() * stride].fill(0.0);
        let mut counts = std::mem::take(&mut self.counts);
        self.count_ids(layout, row, &mut counts);
        for (place, at) in &self.uses[self.uses_of(row)] {
            let place = usize::from(*place);
            if layout.slots[place].target.is_none() {
                add(&mut vectors[place * stride..][..stride], self.row(layout, *at));
            }
        }
        for (place, (slot, count)) in layout.slots.iter().zip(&counts).enumerate() {
            if slot.target.is_none() && *count > 1 {
                let share = 1.0 / f32::from(*count);
                for value in &mut vectors[place * stride..][..slot.width] {
                    *value *= share;
                }
            }
        }
        for (place, (slot, count)) in layout.slots.iter().zip(&counts).enumerate() {
            if let Some(target) = slot.target.filter(|_| *count > 0) {
                self.attend(isa, layout, row, (place, target), vectors);
            }
        }
        self.counts = counts;
    }

    /// One attending slot's vector: softmax over its ids by their product with the target's vector.
    fn attend(
        &mut self,
        isa: Isa,
        layout: &Layout,
        row: usize,
        (place, target): (usize, usize),
        vectors: &mut [f32],
    ) {
        let (query, out) = two(vectors, target, place, layout.stride);
        let mut scores = std::mem::take(&mut self.scores);
        scores.clear();
        let own = |(other, _): &&(u16, u32)| usize::from(*other) == place;
        for (_, at) in self.uses[self.uses_of(row)].iter().filter(own) {
            scores.push(dot(query, self.row(layout, *at)));
        }
        let top = scores.iter().copied().fold(f32::MIN, f32::max);
        kernels::exps(isa, top, &mut scores);
        let share = 1.0 / scores.iter().sum::<f32>();
        let mut next = scores.iter();
        for i in self.uses_of(row) {
            let (other, at) = self.uses[i];
            if usize::from(other) == place {
                self.shares[i] = share * next.next().copied().unwrap_or(0.0);
                add_scaled(out, self.shares[i], self.row(layout, at));
            }
        }
        self.scores = scores;
    }

    /// Clears the gradients of all keys.
    pub fn begin_gradients(&mut self, layout: &Layout) {
        self.gradients.clear();
        self.gradients.resize(self.keys.len() * layout.stride, 0.0);
    }

    /// Adds the gradients of one row's pooled vectors to those of its keys. `vectors` are the pooled vectors, `l2` pulls towards zero.
    /// The row must have been pooled since its ids were noted.
    pub fn scatter(&mut self, l2: f32, layout: &Layout, row: usize, vectors: &[f32], gradients: &mut [f32]) {
        let mut counts = std::mem::take(&mut self.counts);
        self.count_ids(layout, row, &mut counts);
        for (place, (slot, count)) in layout.slots.iter().zip(&counts).enumerate() {
            if let Some(target) = slot.target.filter(|_| *count > 0) {
                self.scatter_attention(layout, row, (place, target), vectors, gradients);
            }
        }
        let stride = layout.stride;
        for i in self.uses_of(row) {
            let (place, at) = self.uses[i];
            let place = usize::from(place);
            if layout.slots[place].target.is_some() {
                continue;
            }
            let share = 1.0 / f32::from(counts[place]);
            let own = &self.rows[at as usize * stride..][..stride];
            let sums = &mut self.gradients[at as usize * stride..][..stride];
            add_scaled(sums, share, &gradients[place * stride..][..stride]);
            add_scaled(sums, l2, own);
        }
        self.counts = counts;
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
        let (to_query, out) = two(gradients, target, place, stride);
        let mut scores = std::mem::take(&mut self.scores);
        scores.clear();
        let mut mean = 0.0;
        for i in self.uses_of(row) {
            let (other, at) = self.uses[i];
            if usize::from(other) == place {
                let along = dot(out, self.row(layout, at));
                mean += self.shares[i] * along;
                scores.push(along);
            }
        }
        let mut next = scores.iter();
        for i in self.uses_of(row) {
            let (other, at) = self.uses[i];
            if usize::from(other) != place {
                continue;
            }
            let share = self.shares[i];
            let slope = share * (next.next().copied().unwrap_or(0.0) - mean);
            let sums = &mut self.gradients[at as usize * stride..][..stride];
            add_scaled(sums, share, out);
            add_scaled(sums, slope, query);
            add_scaled(to_query, slope, &self.rows[at as usize * stride..][..stride]);
        }
        self.scores = scores;
    }
}

/// A vector in pieces of [`COLUMNS`] values, which the compiler computes side by side. A stride is a multiple of it.
fn pieces(x: &[f32]) -> &[[f32; COLUMNS]] {
    x.as_chunks().0
}

fn add(sums: &mut [f32], x: &[f32]) {
    for (sums, x) in sums.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(pieces(x)) {
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum += x;
        }
    }
}

fn add_scaled(sums: &mut [f32], share: f32, x: &[f32]) {
    for (sums, x) in sums.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(pieces(x)) {
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum += share * x;
        }
    }
}

/// The products are summed in [`COLUMNS`] chains, and these by halves: a fixed order.
fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut sums = [0.0; COLUMNS];
    for (x, y) in pieces(x).iter().zip(pieces(y)) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    let mut width = COLUMNS / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
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
