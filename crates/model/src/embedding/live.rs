//! The real table as the network sees it: slots become rules, settings carry over, a snapshot is a chunk for each frame of the table.

use std::io::{self, Cursor, Read, Write};

use super::{EmbeddingRead, Embeddings};
use crate::config::EmbeddingConfig;
use crate::schema::{self, SchemaError, SlotSpec};
use crate::snapshot::{ChunkId, RestoreError};
use crate::table::{ADMIT_AT_MAX, Key, Reader, RowClass, SlotRule, Table, TableConfig, Writer};

/// The table hands over a frame in one write, and nothing else that is longer than this.
const LOOSE_BYTES_MAX: usize = 16;

impl EmbeddingRead for Reader {
    fn read(&self, keys: &[Key], stride: usize, out: &mut [f32]) {
        Self::read(self, keys, stride, out);
    }
}

impl EmbeddingRead for Writer {
    fn read(&self, keys: &[Key], stride: usize, out: &mut [f32]) {
        self.reader().read(keys, stride, out);
    }
}

impl Embeddings for Writer {
    fn create(slots: &[SlotSpec], config: &EmbeddingConfig, seed: u64) -> Result<Self, SchemaError> {
        let (writer, _) = Table::create(table_config(slots, config, seed))?;
        Ok(writer)
    }

    fn admit(&mut self, keys: &[Key], at_s: u32) {
        Self::admit(self, keys, at_s);
    }

    fn apply(&mut self, keys: &[Key], stride: usize, gradients: &[f32], at_s: u32, offset: u64) {
        self.apply_distinct(keys, stride, gradients, at_s, offset);
    }

    fn tick(&mut self, at_s: u32) {
        Self::tick(self, at_s);
    }

    fn rows(&self) -> u64 {
        self.len() as u64
    }

    fn digest(&mut self) -> u128 {
        u128::from_le_bytes(Self::digest(self).to_bytes())
    }

    fn write(&mut self, put: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut frames = Frames {
            loose: Vec::new(),
            put,
        };
        self.write_full(&mut frames).map_err(io::Error::other)?;
        frames.end()
    }

    fn read_back(
        slots: &[SlotSpec],
        config: &EmbeddingConfig,
        seed: u64,
        chunks: &[ChunkId],
        get: &mut dyn FnMut(&ChunkId) -> io::Result<Vec<u8>>,
    ) -> Result<Self, RestoreError> {
        let mut input = Chunks {
            left: chunks,
            current: Cursor::default(),
            get,
        };
        let (writer, _) = Table::restore(table_config(slots, config, seed), &mut input)?;
        Ok(writer)
    }
}

/// The table's settings; slot numbers that the schema leaves out get a rule that nobody uses.
fn table_config(slots: &[SlotSpec], config: &EmbeddingConfig, seed: u64) -> TableConfig {
    let count = slots.iter().map(|spec| usize::from(spec.slot) + 1).max();
    let mut rules = vec![SlotRule::fixed(RowClass::D8); count.unwrap_or(0)];
    for spec in slots {
        let class = match spec.class {
            schema::RowClass::D8 => RowClass::D8,
            schema::RowClass::D24 => RowClass::D24,
            schema::RowClass::D56 => RowClass::D56,
        };
        rules[usize::from(spec.slot)] = SlotRule {
            class,
            class_max: class,
            admit_at: spec.admission.clamp(1, ADMIT_AT_MAX),
            expire_after_s: spec.expiry_s,
            learning_rate: config.rate,
            init_scale: config.init_scale,
        };
    }
    TableConfig {
        rows_max: [config.rows_max; 3],
        seed,
        accumulator_initial: config.accumulator_initial,
        accumulator_half_life_s: if config.half_life_s == 0 {
            u32::MAX
        } else {
            config.half_life_s
        },
        ..TableConfig::new(rules)
    }
}

/// Makes a chunk of every frame, and one of what lies between two frames. A frame names its block, so a block that did not change
/// keeps its chunk's name, whatever was inserted before it.
struct Frames<'a> {
    loose: Vec<u8>,
    put: &'a mut dyn FnMut(&[u8]) -> io::Result<()>,
}

impl Frames<'_> {
    fn end(&mut self) -> io::Result<()> {
        if !self.loose.is_empty() {
            (self.put)(&self.loose)?;
            self.loose.clear();
        }
        Ok(())
    }
}

impl Write for Frames<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > LOOSE_BYTES_MAX {
            self.end()?;
            (self.put)(bytes)?;
        } else {
            self.loose.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The stream again, chunk after chunk, each checked against its name.
struct Chunks<'a> {
    left: &'a [ChunkId],
    current: Cursor<Vec<u8>>,
    get: &'a mut dyn FnMut(&ChunkId) -> io::Result<Vec<u8>>,
}

impl Read for Chunks<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.current.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            let Some((chunk, left)) = self.left.split_first() else {
                return Ok(0);
            };
            self.left = left;
            self.current = Cursor::new(chunk.fetch(self.get).map_err(io::Error::other)?);
        }
    }
}
