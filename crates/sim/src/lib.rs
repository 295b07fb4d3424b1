//! Synthetic people and videos with known truth; deterministic by seed.
mod catalogue;
mod config;
mod mind;
mod outcome;
mod people;
pub mod policy;
mod random;
mod run;
mod world;

pub use catalogue::{Shown, Video};
pub use config::*;
pub use outcome::{Drawn, Expected, Odds, Outcome};
pub use run::{Run, View, run};
pub use world::{World, WorldError};
