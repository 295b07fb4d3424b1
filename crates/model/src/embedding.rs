//! What the network asks of an embedding table. [`crate::table`] is the real one; [`PlainRows`] is the simplest.

mod live;
mod plain;

pub use plain::PlainRows;

use std::io;

use crate::config::EmbeddingConfig;
use crate::schema::{SchemaError, SlotSpec};
use crate::snapshot::{ChunkId, RestoreError};
use crate::table::Key;

/// Reads rows, from any thread.
pub trait EmbeddingRead {
    /// Row i of `out` is `out[i * stride..]`: the vector of `keys[i]`, zero-padded to `stride`.
    /// What an id without a row reads is the table's choice, and stays the same until the next write.
    fn read(&self, keys: &[Key], stride: usize, out: &mut [f32]);
}

/// Owns rows; one writer.
pub trait Embeddings: EmbeddingRead + Sized {
    /// An empty table.
    fn create(slots: &[SlotSpec], config: &EmbeddingConfig, seed: u64) -> Result<Self, SchemaError>;

    /// Notes sightings (`keys` may repeat) and makes rows for the ids that have been seen often enough.
    fn admit(&mut self, keys: &[Key], at_s: u32);

    /// Applies one summed gradient to each of the distinct `keys`; `offset` keys the rounding.
    fn apply(&mut self, keys: &[Key], stride: usize, gradients: &[f32], at_s: u32, offset: u64);

    /// A little upkeep, once a micro-batch.
    fn tick(&mut self, at_s: u32);

    /// Rows at the moment.
    fn rows(&self) -> u64;

    /// A digest of all state: equal sequences of calls give equal digests.
    fn digest(&mut self) -> u128;

    /// Hands over all state in pieces.
    fn write(&mut self, put: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>;

    /// The table that wrote these pieces.
    fn read_back(
        slots: &[SlotSpec],
        config: &EmbeddingConfig,
        seed: u64,
        chunks: &[ChunkId],
        get: &mut dyn FnMut(&ChunkId) -> io::Result<Vec<u8>>,
    ) -> Result<Self, RestoreError>;
}
