//! Scores candidates with the live model: pins a version, gathers, multiplies.

mod light;
mod ranker;
mod schema;
mod value;

pub use light::{Light, LightScratch, Precision};
pub use ranker::{Ranker, row_ref};
pub use schema::{config, schema};
pub use value::{Value, WEIGHTS};
