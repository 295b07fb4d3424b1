//! A job in several members at once: partitions move, members die and are fenced, and the parts add up to the whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use event_log::disk::SplitMix;
use event_log::membership::{Change, Membership, MembershipError, Owned};
use event_log::{EventLog, TopicPartition};
use parking_lot::{Condvar, Mutex};
use stream::keyed::{EngineConfig, EngineParts, GroupTask, JobControl, Sink};
use stream::{JobHandle, spawn};

use crate::job::{self, House, MapSink, PARTITIONS, Row, Windows, log_with};

/// A member that does what the test says, one word at a time.
struct Told {
    changes: Receiver<Change>,
    releases: Sender<()>,
    owned: Vec<Owned>,
}

impl Membership for Told {
    fn poll(&mut self, timeout: Duration) -> Result<Option<Change>, MembershipError> {
        Ok(self.changes.recv_timeout(timeout).ok())
    }

    fn owned(&self) -> &[Owned] {
        &self.owned
    }

    fn generation(&self) -> u64 {
        0
    }

    fn release(&mut self) -> Result<(), MembershipError> {
        // The test may be over.
        let _ = self.releases.send(());
        Ok(())
    }

    fn mark(&mut self, _: &[(TopicPartition, u64)]) {}
}

struct Member {
    changes: Sender<Change>,
    released: Receiver<()>,
    handle: JobHandle,
}

impl Member {
    fn assign(&self, partitions: &[u16]) {
        let owned = partitions.iter().map(|&partition| Owned { partition, epoch: 1 });
        self.changes
            .send(Change::Assigned(owned.collect()))
            .expect("it listens");
    }

    fn revoke(&self, partitions: &[u16]) {
        self.changes
            .send(Change::Revoked(partitions.to_vec()))
            .expect("it listens");
        self.released.recv().expect("it lets go");
    }
}

/// One sink a partition, outliving members, and a bell that rings at each progress.
#[derive(Default)]
struct Sinks {
    all: Mutex<BTreeMap<u16, Arc<MapSink>>>,
    /// How far each member has come.
    applied: Mutex<BTreeMap<(&'static str, TopicPartition), u64>>,
    moved: Condvar,
}

/// Passes on, and rings.
struct Ringing {
    member: &'static str,
    sink: Arc<MapSink>,
    sinks: Arc<Sinks>,
}

impl Sink<(Row, u64)> for Ringing {
    fn apply(&self, rows: &mut Vec<(Row, u64)>) -> Result<(), stream::keyed::SinkError> {
        self.sink.apply(rows)
    }

    fn applied(&self, from: TopicPartition, next: u64) {
        self.sinks.applied.lock().insert((self.member, from), next);
        self.sinks.moved.notify_all();
    }

    fn flush(&self, version: u64) -> Result<Vec<u8>, stream::keyed::SinkError> {
        self.sink.flush(version)
    }

    fn restore(
        &self,
        version: u64,
        mark: &[u8],
    ) -> Result<stream::keyed::SinkState, stream::keyed::SinkError> {
        self.sink.restore(version, mark)
    }
}

impl Sinks {
    fn of(self: &Arc<Self>, member: &'static str, partition: u16) -> Arc<dyn Sink<(Row, u64)>> {
        let sink = self.all.lock().entry(partition).or_default().clone();
        Arc::new(Ringing {
            member,
            sink,
            sinks: self.clone(),
        })
    }

    /// Blocks until a member has read each of `partitions` to its end.
    fn wait(&self, log: &dyn EventLog, member: &'static str, partitions: &[u16]) {
        let ends: Vec<_> = MapSink::readable(log)
            .into_iter()
            .filter(|(of, _)| partitions.contains(&of.partition))
            .collect();
        let mut applied = self.applied.lock();
        let behind = |applied: &mut BTreeMap<(&'static str, TopicPartition), u64>| {
            !ends
                .iter()
                .all(|(of, end)| applied.get(&(member, *of)).is_some_and(|next| next >= end))
        };
        let waited = self
            .moved
            .wait_while_for(&mut applied, behind, Duration::from_secs(60));
        assert!(!waited.timed_out(), "{member} stands still");
    }

    /// What the partitions say together: totals and bins add up.
    fn rows(&self) -> Vec<(Row, u64)> {
        let mut sums: BTreeMap<Row, u64> = BTreeMap::new();
        for sink in self.all.lock().values() {
            for (row, value) in sink.all_rows() {
                *sums.entry(row).or_default() += value;
            }
        }
        job::newest_bins(sums)
    }
}

fn member(house: &House, sinks: &Arc<Sinks>, name: &'static str) -> Member {
    let (changes, listener) = channel();
    let (releases, released) = channel();
    let mut told = Some(Told {
        changes: listener,
        releases,
        owned: vec![],
    });
    let whole = house.parts(1, 256);
    let parts = EngineParts {
        dir: whole.dir.join(name),
        config: EngineConfig {
            poll_ms_max: 1,
            ..whole.config
        },
        ..whole
    };
    let of = sinks.clone();
    let join = move || match told.take() {
        Some(member) => Ok(Box::new(member) as Box<dyn Membership>),
        None => Err(MembershipError::Ended("the test says so once".to_owned())),
    };
    let task = GroupTask::<Windows>::new(
        parts,
        Arc::new(move |partition| of.of(name, partition)),
        Box::new(join),
        JobControl::new(),
    );
    Member {
        changes,
        released,
        handle: spawn(task).expect("a thread"),
    }
}

#[test]
fn partitions_move_between_members_and_nothing_counts_twice() {
    let log = log_with(&mut SplitMix(11), 1_200);
    let (house, sinks) = (House::new(&log), Arc::new(Sinks::default()));
    let (one, two) = (member(&house, &sinks, "one"), member(&house, &sinks, "two"));
    let all: Vec<u16> = (0..PARTITIONS).collect();
    one.assign(&all);
    one.revoke(&[1, 3]);
    two.assign(&[1, 3]);
    two.revoke(&[3]);
    one.assign(&[3]);
    sinks.wait(&*log, "one", &[0, 2, 3]);
    sinks.wait(&*log, "two", &[1]);
    one.handle.stop();
    two.handle.stop();
    one.handle.join().expect("ends well");
    two.handle.join().expect("ends well");
    assert_eq!(sinks.rows(), job::ledger(&*log));
}

#[test]
fn a_member_that_hangs_is_fenced_by_the_next_owner() {
    let log = log_with(&mut SplitMix(12), 1_200);
    let (house, sinks) = (House::new(&log), Arc::new(Sinks::default()));
    let (hung, heir) = (member(&house, &sinks, "hung"), member(&house, &sinks, "heir"));
    hung.assign(&[0, 1, 2, 3]);
    sinks.wait(&*log, "hung", &[0, 1, 2, 3]);
    // Nobody told the first; the second takes two partitions from their last checkpoints.
    heir.assign(&[1, 2]);
    sinks.wait(&*log, "heir", &[1, 2]);
    heir.revoke(&[1, 2]);
    hung.handle.stop();
    let fenced = hung.handle.join().expect_err("its last checkpoint is refused");
    assert!(fenced.is_fenced(), "{fenced:?}");
    assert_eq!(sinks.rows(), job::ledger(&*log));
}
