//! Leaves a source alone that fails again and again, so that not every request waits for its deadline. One request in a while tries it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So many failures in a row, and a source rests.
pub const FAILURES_MAX: u32 = 5;
/// How long it rests before one request tries again.
pub const REST: Duration = Duration::from_secs(1);

/// The breaker of one source.
#[derive(Debug)]
pub(crate) struct Breaker {
    since: Instant,
    failures: AtomicU32,
    /// In milliseconds after `since`; who moves it on is the one that tries.
    rests_until_ms: AtomicU64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            failures: AtomicU32::new(0),
            rests_until_ms: AtomicU64::new(0),
        }
    }
}

impl Breaker {
    /// Whether to ask the source now.
    pub(crate) fn lets_pass(&self) -> bool {
        self.lets_pass_at(self.since.elapsed())
    }

    fn lets_pass_at(&self, now: Duration) -> bool {
        if self.failures.load(Ordering::Relaxed) < FAILURES_MAX {
            return true;
        }
        let now_ms = now.as_millis() as u64;
        let until_ms = self.rests_until_ms.load(Ordering::Relaxed);
        let next_ms = now_ms + REST.as_millis() as u64;
        now_ms >= until_ms
            && self
                .rests_until_ms
                .compare_exchange(until_ms, next_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    pub(crate) fn note(&self, failed: bool) {
        self.note_at(failed, self.since.elapsed());
    }

    fn note_at(&self, failed: bool, now: Duration) {
        if !failed {
            // Nearly always 0 already: a read shares the line among the cores, a write would not.
            if self.failures.load(Ordering::Relaxed) != 0 {
                self.failures.store(0, Ordering::Relaxed);
            }
            return;
        }
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 == FAILURES_MAX {
            let until_ms = (now + REST).as_millis() as u64;
            self.rests_until_ms.store(until_ms, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_keeps_failing_rests_and_one_request_tries_again() {
        let breaker = Breaker::default();
        let at = Duration::from_millis;
        for _ in 0..FAILURES_MAX {
            assert!(breaker.lets_pass_at(at(10)));
            breaker.note_at(true, at(10));
        }
        assert!(!breaker.lets_pass_at(at(1_009)));
        assert!(breaker.lets_pass_at(at(1_010)), "one tries");
        assert!(!breaker.lets_pass_at(at(1_010)), "only one");
        breaker.note_at(true, at(1_020));
        assert!(!breaker.lets_pass_at(at(2_000)));
        assert!(breaker.lets_pass_at(at(2_010)));
        breaker.note_at(false, at(2_011));
        assert!(breaker.lets_pass_at(at(2_012)) && breaker.lets_pass_at(at(2_012)));
    }
}
