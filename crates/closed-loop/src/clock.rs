//! The clock of the simulated world: it stands still until the loop moves it on, and never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Clones are the same clock.
#[derive(Debug, Clone)]
pub struct WorldClock(Arc<AtomicI64>);

impl WorldClock {
    /// Milliseconds since the Unix epoch.
    pub fn new(at_ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(at_ms)))
    }

    /// What time it is.
    pub fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Moves on to `at_ms`; a moment that has passed changes nothing.
    pub fn advance_to(&self, at_ms: i64) {
        self.0.fetch_max(at_ms, Ordering::Relaxed);
    }

    /// The same for the rooms of the house.
    pub(crate) fn of_house(&self) -> product::Clock {
        let clock = self.clone();
        Arc::new(move || clock.now_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back() {
        let clock = WorldClock::new(5);
        let other = clock.clone();
        clock.advance_to(9);
        other.advance_to(7);
        assert_eq!((clock.now_ms(), clock.of_house()()), (9, 9));
    }
}
