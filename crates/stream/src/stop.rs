//! A flag that asks a job to end, and that a job can sleep on.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Asks a job to commit and end. Clones share one flag; it is never taken back.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl StopSignal {
    /// A signal that nobody has given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal. A job that waits for records notices within its poll interval.
    pub fn stop(&self) {
        *self.0.stopped.lock() = true;
        self.0.changed.notify_all();
    }

    /// Whether the signal was given.
    pub fn is_stopped(&self) -> bool {
        *self.0.stopped.lock()
    }

    /// Sleeps up to `timeout`, less when the signal is given; whether it is.
    pub fn sleep(&self, timeout: Duration) -> bool {
        let mut stopped = self.0.stopped.lock();
        if !*stopped {
            self.0.changed.wait_for(&mut stopped, timeout);
        }
        *stopped
    }
}
