//! Waiting for a condition with a deadline. The only place of the kit that sleeps.

use std::time::{Duration, Instant};

const POLL_MS: u64 = 20;

/// Asks again and again until `ask` answers; panics with `what` after `seconds_max`.
pub fn until<T>(what: &str, seconds_max: u64, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds_max);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {seconds_max} s");
        std::thread::sleep(Duration::from_millis(POLL_MS));
    }
}
