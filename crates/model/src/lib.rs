//! A model that learns from every example: embedding rows, a wide part, shared layers and several heads, trained one micro-batch at a
//! time, predicted before they are learned. It knows ids and numbers, no video. It does no IO, reads no clock, draws from no shared generator:
//! equal examples in equal calls leave equal bytes.
//!
//! A [`Schema`] says what a row holds and what is asked; [`Config`] how it is learned. [`Model::learn`] answers and then learns; [`Model::publish`] gives
//! readers a new [`DenseVersion`]; [`Model::snapshot`] hands out named chunks. [`towers`] are the vectors of retrieval, [`kernels`] the arithmetic.
//!
//! Back of the envelope, for 24 slots of 24 values, 128 dense values, 24 outputs, layers of 64 and 32:
//!
//! | what | figure |
//! |---|---|
//! | input | 576 vector values, 276 products of pairs, 128 dense places, the constant: 1 008 padded |
//! | dense weights | 1 008 × 96 + 64 × 32 + 32 × 32 ≈ 100 k, 0.4 MB; with moments, average and transposed 2 MB |
//! | wide weights | 128 × 17 addresses × 32 × 3 lists ≈ 0.8 MB |
//! | CPU, one example | 0.2 MFLOP forward, 0.4 back: about 8 µs at 70 GFLOP/s; rows and wide part 3 µs |
//! | CPU, one example a call | weights are read from the second-level cache for each: about 25 µs |
//! | a version | 0.8 MB, copied at each publishing |
//! | disk, network | none |

pub mod calibration;
mod config;
pub mod embedding;
mod gather;
mod heads;
mod inputs;
pub mod kernels;
mod layout;
mod model;
mod net;
pub mod rng;
mod row;
mod schema;
pub mod snapshot;
pub mod table;
pub mod towers;
mod version;
mod watch;
mod wide;

pub use config::{
    AdamConfig, BalanceConfig, CalibrationConfig, CalibrationMethod, Config, EmbeddingConfig, FtrlConfig,
    InputConfig, InputMethod, WatchConfig,
};
pub use embedding::{EmbeddingRead, Embeddings, PlainRows};
pub use heads::HeadLoss;
pub use model::{Learned, Model};
pub use row::{ExampleKind, ExampleRef, Predictions, RowRef, Watch};
pub use schema::{
    DenseSpec, HeadKind, HeadSpec, Pool, RowClass, SLOTS_MAX, Schema, SchemaError, Side, SlotSpec,
};
pub use snapshot::{ChunkId, Manifest, RestoreError, StateHash};
pub use version::{DenseVersion, Published};
pub use watch::WatchEdges;

#[cfg(test)]
mod tests;
