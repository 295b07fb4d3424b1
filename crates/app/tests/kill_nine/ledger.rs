//! Counts what was acknowledged, wakes whoever waits for a number of it, and tells the writers when to stop.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

const ROUND_SECONDS_MAX: u64 = 120;

#[derive(Debug, Default)]
struct State {
    acknowledged: u64,
    stopped: bool,
}

/// Shared by the writers and the one who kills.
#[derive(Debug, Default)]
pub struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
}

/// Stops the writers when dropped, also when an assertion ends the test early.
pub struct StopGuard<'a>(&'a Ledger);

impl Drop for StopGuard<'_> {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.state.lock() {
            state.stopped = true;
        }
    }
}

impl Ledger {
    pub fn stop_guard(&self) -> StopGuard<'_> {
        StopGuard(self)
    }

    /// One more request was acknowledged; returns whether to go on.
    pub fn acknowledge(&self) -> bool {
        let mut state = self.state.lock().expect("nobody panics with the ledger");
        state.acknowledged += 1;
        self.changed.notify_all();
        !state.stopped
    }

    /// Blocks until `more` requests were acknowledged from now on.
    pub fn wait_for_more(&self, more: u64) {
        let state = self.state.lock().expect("nobody panics with the ledger");
        let target = state.acknowledged + more;
        let bound = Duration::from_secs(ROUND_SECONDS_MAX);
        let waited = self
            .changed
            .wait_timeout_while(state, bound, |state| state.acknowledged < target);
        let (state, timeout) = waited.expect("nobody panics with the ledger");
        assert!(
            !timeout.timed_out(),
            "only {} of {target} requests were acknowledged",
            state.acknowledged
        );
    }
}
