//! A log without threads, for simulations: nothing is written until the test says so, so a seed decides
//! everything.

use std::sync::Arc;

use crate::commit::Committer;
use crate::config::{OpenError, SegmentLogConfig};
use crate::disk::Disk;
use crate::log::SegmentLog;

/// The commit thread's work, by hand. Dropping it leaves the disk as a killed process would.
pub struct Stepper(Committer);

impl SegmentLog {
    /// As [`SegmentLog::open_on`], with commits left to the [`Stepper`].
    ///
    /// # Errors
    /// See [`OpenError`].
    #[doc(hidden)]
    pub fn open_stepped(disk: Arc<dyn Disk>, config: SegmentLogConfig) -> Result<(Self, Stepper), OpenError> {
        let (log, committer) = Self::assemble(disk, config)?;
        Ok((log, Stepper(committer)))
    }
}

impl Stepper {
    /// Commits what is queued up to one group; whether something became durable.
    pub fn step(&mut self) -> bool {
        self.0.step()
    }

    /// Commits all that is queued and, unless that failed, closes in good order.
    pub fn close(mut self) {
        while self.0.step() {}
        if self.0.queue.stop_reason().is_none() {
            self.0.close();
        }
    }
}
