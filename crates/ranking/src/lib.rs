//! Scores candidates with the live model: pins a version, gathers, multiplies.

mod schema;

pub use schema::{config, schema};
