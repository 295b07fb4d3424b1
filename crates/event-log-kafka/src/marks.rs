//! How far each partition reaches, as far as this process knows: the first offset kept and the end.
//!
//! Ends only grow. They move with acknowledgements of our own records and with records fetched, whoever wrote
//! those; a partition that nobody follows is asked about anew. Waiting for any of it happens here too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Marks of every slot.
pub(crate) struct Marks {
    starts: Vec<AtomicU64>,
    ends: Vec<AtomicU64>,
    generation: Mutex<u64>,
    moved: Condvar,
}

impl Marks {
    pub(crate) fn new(slots: usize) -> Self {
        let zeros = || std::iter::repeat_with(AtomicU64::default).take(slots).collect();
        Self {
            starts: zeros(),
            ends: zeros(),
            generation: Mutex::new(0),
            moved: Condvar::new(),
        }
    }

    pub(crate) fn start(&self, slot: usize) -> u64 {
        self.starts[slot].load(Ordering::Acquire)
    }

    pub(crate) fn end(&self, slot: usize) -> u64 {
        self.ends[slot].load(Ordering::Acquire)
    }

    pub(crate) fn start_raise(&self, slot: usize, start: u64) {
        self.starts[slot].fetch_max(start, Ordering::AcqRel);
    }

    /// Whether that was news. Call [`Marks::announce`] once the readers may look.
    pub(crate) fn end_raise(&self, slot: usize, end: u64) -> bool {
        self.ends[slot].fetch_max(end, Ordering::AcqRel) < end
    }

    /// Wakes whoever waits for new records.
    pub(crate) fn announce(&self) {
        *self.generation.lock() += 1;
        self.moved.notify_all();
    }

    pub(crate) fn wait(&self, generation: u64, timeout: Duration) -> u64 {
        let mut now = self.generation.lock();
        self.moved
            .wait_while_for(&mut now, |now| *now <= generation, timeout);
        *now
    }
}
