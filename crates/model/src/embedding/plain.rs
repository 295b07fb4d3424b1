//! The simplest embedding table: a hash map of rows of f32. The measure of the real one, and enough for tests.

use std::collections::HashMap;
use std::io;

use foldhash::fast::FixedState;

use super::{EmbeddingRead, Embeddings};
use crate::config::EmbeddingConfig;
use crate::rng;
use crate::schema::{SLOTS_MAX, SchemaError, SlotSpec};
use crate::snapshot::{ChunkId, Decoder, Encoder, RestoreError, StateHash};
use crate::table::Key;

/// Bytes of a chunk, about.
const CHUNK_BYTES: usize = 1 << 20;

/// See the file's header.
#[derive(Debug, Clone)]
pub struct PlainRows {
    config: EmbeddingConfig,
    seed: u64,
    /// Width and admission of each slot number; width 0 for unknown slots.
    rules: Vec<(usize, u8)>,
    rows: HashMap<Key, Row, FixedState>,
    sightings: HashMap<Key, u8, FixedState>,
}

#[derive(Debug, Clone)]
struct Row {
    values: Box<[f32]>,
    accumulator: f32,
    seen_s: u32,
}

impl EmbeddingRead for PlainRows {
    fn read(&self, keys: &[Key], stride: usize, out: &mut [f32]) {
        for (key, out) in keys.iter().zip(out.chunks_mut(stride)) {
            out.fill(0.0);
            if let Some(row) = self.rows.get(key) {
                out[..row.values.len()].copy_from_slice(&row.values);
            }
        }
    }
}

impl Embeddings for PlainRows {
    fn create(slots: &[SlotSpec], config: &EmbeddingConfig, seed: u64) -> Result<Self, SchemaError> {
        let mut rules = vec![(0, 0); usize::from(SLOTS_MAX)];
        for spec in slots {
            rules[usize::from(spec.slot)] = (spec.class.width(), spec.admission);
        }
        Ok(Self {
            config: *config,
            seed,
            rules,
            rows: HashMap::default(),
            sightings: HashMap::default(),
        })
    }

    fn admit(&mut self, keys: &[Key], at_s: u32) {
        for key in keys {
            let (width, admission) = self.rules[key.slot()];
            if width == 0 || self.rows.contains_key(key) || self.rows.len() >= self.config.rows_max as usize {
                continue;
            }
            let seen = self.sightings.entry(*key).or_default();
            *seen = seen.saturating_add(1);
            if *seen >= admission {
                self.sightings.remove(key);
                let row = self.new_row(*key, width, at_s);
                self.rows.insert(*key, row);
            }
        }
    }

    fn apply(&mut self, keys: &[Key], stride: usize, gradients: &[f32], at_s: u32, _offset: u64) {
        let config = self.config;
        for (key, gradient) in keys.iter().zip(gradients.chunks(stride)) {
            let Some(row) = self.rows.get_mut(key) else {
                continue;
            };
            let gradient = &gradient[..row.values.len()];
            let square: f32 = gradient.iter().map(|g| g * g).sum();
            let age_s = at_s.saturating_sub(row.seen_s);
            if config.half_life_s > 0 && age_s > 0 {
                row.accumulator *= 0.5_f32.powf(age_s as f32 / config.half_life_s as f32);
            }
            row.seen_s = row.seen_s.max(at_s);
            row.accumulator += square / gradient.len() as f32;
            let rate = config.rate / (row.accumulator + config.accumulator_initial).sqrt();
            for (value, g) in row.values.iter_mut().zip(gradient) {
                *value -= rate * g;
            }
        }
    }

    fn tick(&mut self, _at_s: u32) {}

    fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    fn digest(&mut self) -> u128 {
        let mut hash = StateHash::begin();
        // Writing to a hasher cannot fail.
        let _ = self.write(&mut |bytes| {
            hash.update(bytes);
            Ok(())
        });
        hash.end().low()
    }

    fn write(&mut self, put: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut keys: Vec<Key> = self.rows.keys().copied().collect();
        keys.sort_unstable();
        let mut encoder = Encoder::default();
        for key in keys {
            let row = &self.rows[&key];
            encoder
                .u8(1)
                .u64(key.bits())
                .f32(row.accumulator)
                .u32(row.seen_s)
                .f32s(&row.values);
            if encoder.len() >= CHUNK_BYTES {
                put(&std::mem::take(&mut encoder).end())?;
            }
        }
        let mut sighted: Vec<(Key, u8)> = self.sightings.iter().map(|(key, seen)| (*key, *seen)).collect();
        sighted.sort_unstable();
        for (key, seen) in sighted {
            encoder.u8(2).u64(key.bits()).u8(seen);
        }
        put(&encoder.end())
    }

    fn read_back(
        slots: &[SlotSpec],
        config: &EmbeddingConfig,
        seed: u64,
        chunks: &[ChunkId],
        get: &mut dyn FnMut(&ChunkId) -> io::Result<Vec<u8>>,
    ) -> Result<Self, RestoreError> {
        let mut table = Self::create(slots, config, seed)?;
        for chunk in chunks {
            let bytes = chunk.fetch(get)?;
            let mut decoder = Decoder::new(&bytes);
            while !decoder.is_empty() {
                let kind = decoder.u8()?;
                let key = Key::from_bits(decoder.u64()?);
                if kind == 1 {
                    let accumulator = decoder.f32()?;
                    let seen_s = decoder.u32()?;
                    let values = decoder.f32s()?.into_boxed_slice();
                    let row = Row {
                        values,
                        accumulator,
                        seen_s,
                    };
                    table.rows.insert(key, row);
                } else {
                    table.sightings.insert(key, decoder.u8()?);
                }
            }
        }
        Ok(table)
    }
}

impl PlainRows {
    fn new_row(&self, key: Key, width: usize, at_s: u32) -> Row {
        let value = |i: usize| rng::symmetric(self.seed, key.bits(), i as u64) * self.config.init_scale;
        Row {
            values: (0..width).map(value).collect(),
            accumulator: 0.0,
            seen_s: at_s,
        }
    }
}
