//! A model that learns from every example: embedding rows, a wide part, shared layers and several heads, trained one micro-batch at a
//! time, predicted before they are learned. It knows ids and numbers, no video. It does no IO, reads no clock, draws from no shared generator:
//! equal examples in equal calls leave equal bytes.
//!
//! A [`Schema`] says what a row holds and what is asked; [`Config`] how it is learned. [`Model::learn`] answers and then learns; [`Model::publish`] gives
//! readers a new [`DenseVersion`], which answers exactly ([`DenseVersion::predict`]) or fast ([`DenseVersion::serve`]); [`Model::snapshot`] hands out named chunks. [`towers`] are the vectors of retrieval, [`kernels`] the arithmetic.
//!
//! Back of the envelope, for 23 slots of 8 values, 335 dense values, 24 outputs, layers of 64 and 32, 35 ids a row, steps of 64 examples:
//!
//! | what | figure |
//! |---|---|
//! | input | 184 vector values, 253 products of pairs if they are asked for, 335 dense values, the constant: 544 padded, with pairs 800 |
//! | dense weights | 544 × 96 + 64 × 32 + 32 × 32 ≈ 55 k, 0.2 MB; with moments, average and transposed 1 MB |
//! | CPU, one example | 0.11 MFLOP forward, as much for the weights' gradients, 0.04 for the rows': 3 to 4 µs at 70 to 90 GFLOP/s |
//! | CPU, rows | in batches of 64 a third of 35 ids are distinct: each looked up three times, 150 ns together, 2 µs; pooled and back 1 µs |
//! | CPU, a step | 55 k weights, five lists of 0.2 MB through the second-level cache: 50 µs, 0.8 µs an example |
//! | CPU, one example | 8 to 9 µs together; with pairs 12; one example a call 17 to 23, as all weights are read from the second-level cache for it |
//! | CPU, serving | 500 rows of one request about 1 ms in bfloat16 (`serve.rs`), a seventh of the exact way |
//! | a version | 0.2 MB, copied at each publishing |
//! | disk, network | none; a snapshot is the dense state, some 2 MB, and a chunk for each 64 KiB frame of the table |

pub mod calibration;
mod config;
pub mod embedding;
mod fold;
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
mod serve;
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
pub use fold::Folded;
pub use heads::HeadLoss;
pub use inputs::{Column, Columns};
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
