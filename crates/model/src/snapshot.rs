//! The snapshot format: a small manifest that names chunks by the hash of their bytes.
//!
//! Equal chunks have equal names, so a sink that knows a name need not store it again: that is what makes frequent snapshots cheap.
//! All numbers are little-endian. A manifest starts with a magic word and a version; every version ever written is read.
//! Nothing here touches a disk: the caller stores and fetches.

mod codec;

pub use codec::{Decoder, Encoder};

use std::fmt;
use std::io;

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};

use crate::config::Config;
use crate::schema::{Schema, SchemaError};
use crate::table::SnapshotError;

const MAGIC: u32 = 0x4d4c_4652;
/// The newest version, the one that is written.
const VERSION: u32 = 1;
/// Chunks that a manifest may name.
const CHUNKS_MAX: usize = 1 << 20;

/// BLAKE2b-256 over state or bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateHash(pub [u8; 32]);

/// The name of a chunk: the hash of its bytes.
pub type ChunkId = StateHash;

impl StateHash {
    /// Hashes one piece of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = Self::begin();
        hash.update(bytes);
        hash.end()
    }

    pub(crate) fn begin() -> Hashing {
        Hashing(Blake2b::new())
    }

    /// The first half as a number.
    pub fn low(&self) -> u128 {
        let mut low = [0; 16];
        low.copy_from_slice(&self.0[..16]);
        u128::from_le_bytes(low)
    }

    /// The bytes of this name, checked.
    pub(crate) fn fetch(
        &self,
        get: &mut dyn FnMut(&Self) -> io::Result<Vec<u8>>,
    ) -> Result<Vec<u8>, RestoreError> {
        let bytes = get(self).map_err(|source| RestoreError::Fetch { chunk: *self, source })?;
        if Self::of(&bytes) != *self {
            return Err(RestoreError::Corrupt { chunk: *self });
        }
        Ok(bytes)
    }
}

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A hash in the making.
pub(crate) struct Hashing(Blake2b<U32>);

impl Hashing {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn end(self) -> StateHash {
        StateHash(self.0.finalize().into())
    }
}

/// What a snapshot consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub schema: Schema,
    pub config: Config,
    pub seed: u64,
    /// Examples learned when it was taken.
    pub examples: u64,
    /// Everything but embedding rows, in one chunk.
    pub dense: ChunkId,
    /// Embedding rows, in order.
    pub rows: Vec<ChunkId>,
}

/// Why a snapshot could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("this is not a manifest, or it is damaged: {0}")]
    Format(&'static str),
    #[error("manifest version {0} is newer than this program")]
    Version(u32),
    #[error("chunk {chunk} could not be fetched")]
    Fetch { chunk: ChunkId, source: io::Error },
    #[error("chunk {chunk} has other bytes than its name says")]
    Corrupt { chunk: ChunkId },
    #[error("the description of the model could not be read")]
    Description(#[from] serde_json::Error),
    #[error("the model of the snapshot is refused")]
    Schema(#[from] SchemaError),
    #[error("the embedding rows could not be read")]
    Table(#[from] SnapshotError),
}

impl Manifest {
    /// As bytes, with its own hash at the end.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u32(MAGIC).u32(VERSION).u64(self.seed).u64(self.examples);
        for part in [serde_json::to_vec(&self.schema), serde_json::to_vec(&self.config)] {
            // Plain structs of numbers, strings and lists always serialise.
            out.bytes(&part.unwrap_or_default());
        }
        out.raw(&self.dense.0).u32(self.rows.len() as u32);
        for chunk in &self.rows {
            out.raw(&chunk.0);
        }
        let mut bytes = out.end();
        let hash = StateHash::of(&bytes);
        bytes.extend_from_slice(&hash.0);
        bytes
    }

    /// Reads every version ever written.
    pub fn decode(bytes: &[u8]) -> Result<Self, RestoreError> {
        let body = bytes
            .len()
            .checked_sub(32)
            .ok_or(RestoreError::Format("too short"))?;
        let (body, hash) = bytes.split_at(body);
        let mut from = Decoder::new(body);
        if from.u32()? != MAGIC {
            return Err(RestoreError::Format("magic word"));
        }
        match from.u32()? {
            VERSION => {}
            other => return Err(RestoreError::Version(other)),
        }
        if StateHash::of(body).0 != hash {
            return Err(RestoreError::Format("hash"));
        }
        let seed = from.u64()?;
        let examples = from.u64()?;
        let schema = serde_json::from_slice(from.bytes()?)?;
        let config = serde_json::from_slice(from.bytes()?)?;
        let dense = from.hash()?;
        let count = from.u32()? as usize;
        if count > CHUNKS_MAX {
            return Err(RestoreError::Format("too many chunks"));
        }
        let rows = (0..count).map(|_| from.hash()).collect::<Result<_, _>>()?;
        Ok(Self {
            schema,
            config,
            seed,
            examples,
            dense,
            rows,
        })
    }
}
