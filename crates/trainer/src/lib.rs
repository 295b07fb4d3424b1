//! The online learner: examples in, parameters out. No feed answer needs it.
//!
//! [`Learner`] is the pure part: it turns examples into targets, answers, learns, and watches how good its answers are. [`Trainer`] drives one over
//! the log: it writes down in a journal which examples it takes in which order, so that its state is a function of the log alone; it publishes what it
//! has learned and keeps checkpoints. Features are read as they were logged; none is computed here.

mod actors;
mod checkpoint;
mod deltas;
#[doc(hidden)]
pub mod fixture;
mod follower;
mod guard;
mod journal;
mod labels;
mod learner;
mod live;
mod meters;
mod open;
mod quality;
mod reading;
mod saver;
mod shape;
mod state;
mod task;
mod towers;
mod trainer;
mod writer;

pub use actors::{ActorLimits, TRUST_MAX};
pub use checkpoint::UnfitError;
pub use deltas::DeltaConfig;
pub use follower::{FOLLOWER, Follower, FollowerParts, FollowerStatus, FollowerTask};
pub use guard::GuardConfig;
pub use journal::{Begin, Dense, Discontinuity, Entry, JOURNAL, Range, Rows, Take};
pub use learner::{Learner, LearnerParts, LearnerSettings, MICRO_BATCH_MAX, Placed, Tally};
pub use live::{Learning, Live, Serving, ServingTowers, TrainerControl, TrainerStatus};
pub use quality::HeadFigures;
pub use shape::ExampleShape;
pub use state::{ReplayError, replay};
pub use task::TrainerTask;
pub use towers::{TowersFigures, TowersSettings};
pub use trainer::{TRAINER, Trainer, TrainerConfig, TrainerParts};
pub use writer::JournalError;
