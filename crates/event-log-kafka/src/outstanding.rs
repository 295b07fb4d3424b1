//! Batches on their way, in the order in which they were taken, so that a barrier knows what it waits for.
//!
//! Acknowledgements arrive in any order. A barrier is settled when every batch before it is; it fails when one of
//! those that were still on their way fails.

use std::collections::VecDeque;

use event_log::AppendError;
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub(crate) type Settled = Result<(), AppendError>;

/// Barriers that may wait at once; batches are bounded by their bytes.
const BARRIERS_MAX: usize = 4096;

/// All batches and barriers that are not settled.
#[derive(Default)]
pub(crate) struct Outstanding {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of the first of `settled`.
    base: u64,
    /// Whether each batch from `base` on is settled; the first is not.
    settled: VecDeque<bool>,
    /// Oldest first.
    barriers: VecDeque<Barrier>,
}

struct Barrier {
    /// Waits for all batches below this number.
    before: u64,
    failed: Option<AppendError>,
    told: oneshot::Sender<Settled>,
}

impl Outstanding {
    /// A number for a batch that is about to be sent.
    pub(crate) fn begin(&self) -> u64 {
        let mut state = self.state.lock();
        state.settled.push_back(false);
        state.base + state.settled.len() as u64 - 1
    }

    /// The batch of that number is settled.
    pub(crate) fn end(&self, number: u64, result: &Settled) {
        let mut state = self.state.lock();
        let at = (number - state.base) as usize;
        state.settled[at] = true;
        if let Err(error) = result {
            for barrier in state
                .barriers
                .iter_mut()
                .filter(|barrier| barrier.before > number)
            {
                barrier.failed.get_or_insert_with(|| error.clone());
            }
        }
        while state.settled.front() == Some(&true) {
            state.settled.pop_front();
            state.base += 1;
        }
        while state
            .barriers
            .front()
            .is_some_and(|barrier| barrier.before <= state.base)
        {
            let Some(barrier) = state.barriers.pop_front() else {
                break;
            };
            // Whoever asked may have stopped waiting.
            let _ = barrier.told.send(barrier.failed.map_or(Ok(()), Err));
        }
    }

    /// Told when everything begun until now is settled.
    pub(crate) fn barrier(&self) -> Result<oneshot::Receiver<Settled>, AppendError> {
        let (told, hear) = oneshot::channel();
        let mut state = self.state.lock();
        if state.settled.is_empty() {
            // The receiver is in our hand.
            let _ = told.send(Ok(()));
            return Ok(hear);
        }
        if state.barriers.len() >= BARRIERS_MAX {
            return Err(AppendError::Overloaded { retry_after_ms: 10 });
        }
        let before = state.base + state.settled.len() as u64;
        state.barriers.push_back(Barrier {
            before,
            failed: None,
            told,
        });
        Ok(hear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad() -> Settled {
        Err(AppendError::Stopped("x".to_owned()))
    }

    #[test]
    fn a_barrier_waits_for_all_before_it_and_for_nothing_after() {
        let outstanding = Outstanding::default();
        assert!(
            outstanding
                .barrier()
                .expect("room")
                .try_recv()
                .expect("settled")
                .is_ok()
        );
        let (a, b) = (outstanding.begin(), outstanding.begin());
        let mut barrier = outstanding.barrier().expect("room");
        let c = outstanding.begin();
        let mut late = outstanding.barrier().expect("room");
        outstanding.end(b, &Ok(()));
        assert!(barrier.try_recv().is_err());
        outstanding.end(a, &Ok(()));
        assert!(barrier.try_recv().expect("settled").is_ok());
        assert!(late.try_recv().is_err());
        outstanding.end(c, &Ok(()));
        assert!(late.try_recv().expect("settled").is_ok());
    }

    #[test]
    fn a_barrier_fails_with_what_it_waited_for() {
        let outstanding = Outstanding::default();
        let (a, b) = (outstanding.begin(), outstanding.begin());
        let mut barrier = outstanding.barrier().expect("room");
        let c = outstanding.begin();
        outstanding.end(c, &bad());
        outstanding.end(b, &bad());
        outstanding.end(a, &Ok(()));
        assert!(barrier.try_recv().expect("settled").is_err());
        assert!(
            outstanding
                .barrier()
                .expect("room")
                .try_recv()
                .expect("settled")
                .is_ok()
        );
    }
}
