//! Scores candidates with the live model: pins a version, gathers, multiplies.

mod light;
mod ranker;
mod schema;
mod value;

pub use light::{LIGHT, Light, LightScratch, light_columns};
pub use model::kernels::Precision;
pub use ranker::{Ranker, row_ref};
pub use schema::{config, schema};
pub use value::{Value, WEIGHTS};
