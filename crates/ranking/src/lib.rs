//! Scores candidates with the live model: pins a version, gathers, multiplies.

mod ranker;
mod schema;
mod value;

pub use ranker::{Ranker, row_ref};
pub use schema::{config, schema};
pub use value::{Value, WEIGHTS};
