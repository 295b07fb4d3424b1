//! Who may enter: unacknowledged bytes against their bound, and how long a refused caller should stay away.
//!
//! Refusing happens before anything of a batch is queued, so that a refused batch leaves nothing.

use std::time::{Duration, Instant};

use event_log::AppendError;
use parking_lot::Mutex;

/// What the client library and this crate keep for each record beside its payload.
const RECORD_OVERHEAD_BYTES: usize = 256;
/// Assumed until acknowledgements have been timed.
const ACK_BYTES_PER_S_FIRST: u64 = 10 << 20;
/// The pace is measured over spells of at least this.
const SPELL: Duration = Duration::from_millis(100);
/// A refused caller is not sent away for longer than this.
const RETRY_AFTER_MS_MAX: u64 = 10_000;

/// The bound, shared by all who append and the thread that hears acknowledgements.
pub(crate) struct Admission {
    bytes_max: usize,
    state: Mutex<State>,
}

struct State {
    /// Admitted and not acknowledged yet.
    bytes: usize,
    acked_bytes_per_s: u64,
    spell_began: Instant,
    spell_bytes: usize,
}

impl Admission {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let state = State {
            bytes: 0,
            acked_bytes_per_s: ACK_BYTES_PER_S_FIRST,
            spell_began: Instant::now(),
            spell_bytes: 0,
        };
        Self {
            bytes_max,
            state: Mutex::new(state),
        }
    }

    /// What a record of this payload counts for.
    pub(crate) fn weight(payload_bytes: usize) -> usize {
        payload_bytes + RECORD_OVERHEAD_BYTES
    }

    /// Takes in a batch that weighs `bytes`, or says when to come again.
    pub(crate) fn enter(&self, bytes: usize) -> Result<(), AppendError> {
        if bytes > self.bytes_max {
            return Err(AppendError::TooLarge {
                bytes,
                bytes_max: self.bytes_max,
            });
        }
        let mut state = self.state.lock();
        if state.bytes + bytes > self.bytes_max {
            let wait_ms = state.bytes as u64 * 1000 / state.acked_bytes_per_s.max(1);
            drop(state);
            metrics::counter!("riffle_event_log_kafka_overloaded_total").increment(1);
            return Err(AppendError::Overloaded {
                retry_after_ms: wait_ms.clamp(1, RETRY_AFTER_MS_MAX),
            });
        }
        if state.bytes == 0 {
            // An idle spell says nothing about the pace.
            (state.spell_began, state.spell_bytes) = (Instant::now(), 0);
        }
        state.bytes += bytes;
        Ok(())
    }

    /// Lets a batch go, acknowledged or failed.
    pub(crate) fn leave(&self, bytes: usize) {
        let mut state = self.state.lock();
        state.bytes -= bytes;
        state.spell_bytes += bytes;
        let spell = state.spell_began.elapsed();
        if spell >= SPELL {
            let now = (state.spell_bytes as u128 * 1000 / spell.as_millis().max(1)) as u64;
            state.acked_bytes_per_s = (state.acked_bytes_per_s * 3 + now) / 4;
            (state.spell_began, state.spell_bytes) = (Instant::now(), 0);
        }
        let waiting = state.bytes;
        drop(state);
        metrics::gauge!("riffle_event_log_kafka_queue_bytes").set(waiting as f64);
    }
}
