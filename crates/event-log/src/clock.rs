//! Where the log takes time from: a steady clock for how long commits take, a calendar for retention.
//!
//! Nothing that is written to a record comes from here; records bring their own time.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that a simulation can take over.
pub trait Clock: Send + Sync + Debug + 'static {
    /// Since some fixed moment; never goes back.
    fn elapsed(&self) -> Duration;

    /// Milliseconds since the epoch, as people count them.
    fn now_ms(&self) -> i64;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    began: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            began: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn now_ms(&self) -> i64 {
        // A clock before 1970 is a broken machine; at zero nothing is old enough to be removed.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as i64)
    }
}

/// A clock that stands still until it is told to go on; clones share it.
#[derive(Debug, Clone, Default)]
pub struct SimClock {
    us: Arc<AtomicU64>,
}

impl SimClock {
    /// Lets `time` pass.
    pub fn advance(&self, time: Duration) {
        self.us.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.us.load(Ordering::Relaxed))
    }

    fn now_ms(&self) -> i64 {
        self.elapsed().as_millis() as i64
    }
}
