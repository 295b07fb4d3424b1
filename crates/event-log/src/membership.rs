//! The port that tells a process which partitions are its own, and since which epoch.
//!
//! Ownership is advice that a slow process may hear late: it keeps two owners apart only together with a fence. Every
//! assignment therefore carries an epoch that is higher than all before it, and whoever writes a checkpoint refuses to
//! replace one of a higher epoch. Offsets are none of its business: a new owner reads on from the checkpoint. A partition
//! number means that part of *every* topic, because what belongs together meets in one partition.

use std::time::Duration;

use crate::port::TopicPartition;

/// A partition that this member owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owned {
    pub partition: u16,
    /// The fence: above every epoch under which anybody has owned this partition before.
    pub epoch: u64,
}

/// What happened to this member's partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// New ones: load the state of each from its last checkpoint and read on from there.
    Assigned(Vec<Owned>),
    /// These are wanted elsewhere, and stay owned until [`Membership::release`]: write their last checkpoint, stop, release.
    Revoked(Vec<u16>),
    /// These belong to somebody else already, because this member was not heard of in time: stop and write nothing.
    Lost(Vec<u16>),
}

/// Why a member could not learn what it owns.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// Passes by itself; what is owned stays owned until a change says otherwise.
    #[error("the group's coordinator does not answer; poll again")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("membership of the group ended for good: {0}; restart the process")]
    Ended(String),
}

/// One member of a group that shares the partitions among its members.
///
/// One thread owns it and polls it at least every few seconds, also while it catches up: a member that is not heard of
/// loses what it owns. A writer whom the fence turned away drops its membership and joins again: somebody owned its
/// partition in between. Dropping it leaves the group, and gives away what it still owns without asking; checkpoint first.
pub trait Membership: Send {
    /// The next change, waiting for one up to `timeout`.
    ///
    /// # Errors
    /// See [`MembershipError`].
    fn poll(&mut self, timeout: Duration) -> Result<Option<Change>, MembershipError>;

    /// What is owned now, in ascending order; partitions that are revoked and not released yet are among it.
    fn owned(&self) -> &[Owned];

    /// The highest epoch this member was given; it only grows. 0 before the first.
    fn generation(&self) -> u64;

    /// Work on everything that the last [`Change::Revoked`] named has ended. Without one it does nothing.
    ///
    /// # Errors
    /// See [`MembershipError`].
    fn release(&mut self) -> Result<(), MembershipError>;

    /// Tells monitors how far this member is. Nobody reads on from here, and a mark that is lost does no harm.
    fn mark(&mut self, offsets: &[(TopicPartition, u64)]);
}

/// The membership of a process that is alone: it owns every partition, for as long as it lives.
#[derive(Debug)]
pub struct OwnAll {
    owned: Vec<Owned>,
    generation: u64,
    told: bool,
}

impl OwnAll {
    /// Owns `partitions` partitions under `epoch`. Take an epoch that is higher than the one in the last checkpoint; what
    /// keeps a second process out is the lock on the log's folder.
    pub fn new(partitions: u16, epoch: u64) -> Self {
        let owned = (0..partitions).map(|partition| Owned { partition, epoch });
        Self {
            owned: owned.collect(),
            generation: epoch,
            told: false,
        }
    }
}

impl Membership for OwnAll {
    /// Everything at first, and never a change after that; then it waits like any other, so that loops are alike.
    fn poll(&mut self, timeout: Duration) -> Result<Option<Change>, MembershipError> {
        if !self.told {
            self.told = true;
            return Ok(Some(Change::Assigned(self.owned.clone())));
        }
        std::thread::sleep(timeout);
        Ok(None)
    }

    fn owned(&self) -> &[Owned] {
        if self.told { &self.owned } else { &[] }
    }

    fn generation(&self) -> u64 {
        if self.told { self.generation } else { 0 }
    }

    fn release(&mut self) -> Result<(), MembershipError> {
        Ok(())
    }

    fn mark(&mut self, _offsets: &[(TopicPartition, u64)]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lonely_process_owns_everything_from_its_first_poll_on() {
        let mut alone = OwnAll::new(3, 7);
        assert_eq!((alone.owned(), alone.generation()), (&[][..], 0));
        let all: Vec<Owned> = (0..3).map(|partition| Owned { partition, epoch: 7 }).collect();
        let told = alone.poll(Duration::ZERO).expect("a change");
        assert_eq!(told, Some(Change::Assigned(all.clone())));
        for _ in 0..2 {
            assert_eq!(alone.poll(Duration::ZERO).expect("none"), None);
            alone.release().expect("nothing to release");
            assert_eq!((alone.owned(), alone.generation()), (&all[..], 7));
        }
    }
}
