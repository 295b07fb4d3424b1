//! The state that the model's features are read from, shared between the job that writes it and the feed that reads it. Memory only:
//! who writes it keeps its checkpoints.
//!
//! One lock. A writer holds it for one observation, a few microseconds; readers hold it together, for a slice of a page's candidates each,
//! so that a waiting writer, and the readers behind it, wait a fraction of a millisecond.

use std::sync::Arc;

use feature::{State, StateConfig};
use parking_lot::RwLock;

/// See the file's header. Clones share it.
#[derive(Debug, Clone)]
pub struct LiveFeatures(Arc<RwLock<State>>);

impl LiveFeatures {
    /// Knows nothing yet.
    pub fn new(config: StateConfig) -> Self {
        Self(Arc::new(RwLock::new(State::new(config))))
    }

    /// Reads it; writers wait meanwhile, so a reader of much comes in slices.
    pub fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.0.read())
    }

    /// Changes it; everybody waits meanwhile.
    pub fn write<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.0.write())
    }
}
