//! Another process's model answers as the learner's does, to the bit, once it has heard the same: from the start, joined late, over restarts of the
//! learner, over a new beginning, and when rows expire.

mod common;

use std::sync::Arc;

use common::{append, barrier, examples_of, log_at, log_config, parts, twin};
use event::Event;
use event_log::conformance::settle;
use event_log::{Append, SegmentLogConfig};
use model::{Predictions, RowRef};
use stream::keyed::{JobTools, MemoryObjects};
use trainer::{
    DeltaConfig, Follower, FollowerParts, JOURNAL, LearnerParts, Live, Serving, Trainer, TrainerParts,
    fixture,
};

/// A learner that tells followers at once, and what they need.
struct World {
    _dir: tempfile::TempDir,
    objects: Arc<MemoryObjects>,
    parts: TrainerParts,
}

impl World {
    fn new() -> Self {
        Self::with(log_config())
    }

    fn with(config: SegmentLogConfig) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let objects = Arc::new(MemoryObjects::default());
        let log = log_at(dir.path(), config);
        let mut parts = parts(log, objects.clone());
        parts.config.deltas = Some(DeltaConfig {
            rows_ms: 0,
            dense_ms: 0,
        });
        Self {
            _dir: dir,
            objects,
            parts,
        }
    }

    fn leader(&self) -> Trainer {
        Trainer::open(self.parts.clone()).expect("opens")
    }

    fn follower(&self) -> (Follower, Live) {
        self.follower_of(self.parts.learner.clone())
    }

    fn follower_of(&self, learner: LearnerParts) -> (Follower, Live) {
        let live = Live::new();
        let parts = FollowerParts {
            log: self.parts.log.clone(),
            objects: self.objects.clone(),
            learner,
            live: live.clone(),
        };
        (Follower::open(parts).expect("opens"), live)
    }

    fn append(&self, range: std::ops::Range<u64>) {
        append(&*self.parts.log, range);
    }

    /// Lets the leader learn and the follower hear.
    fn round(&self, leader: &mut Trainer, follower: &mut Follower) {
        leader.catch_up().expect("learns");
        barrier(&*self.parts.log);
        follower.catch_up().expect("follows");
    }

    /// Both answer alike, to the bit.
    fn check(&self, live: &Live, what: &str) {
        let (leader, follower) = (self.parts.live.get(), live.get());
        let (leader, follower) = (
            leader.expect("the leader serves"),
            follower.expect("the follower serves"),
        );
        assert_eq!(follower.pin().0.number, leader.pin().0.number, "{what}: versions");
        assert_eq!(answers(&follower), answers(&leader), "{what}: answers");
    }
}

/// Answers to some rows, those of ids that nobody has seen among them, as bits.
fn answers(serving: &Serving) -> Vec<u32> {
    let (version, rows) = serving.pin();
    let dense: Vec<[f32; 2]> = (0..300).map(|i| [i as f32 / 300.0, 0.5]).collect();
    let ids: Vec<[(u16, u64); 3]> = (0..300u64)
        .map(|i| [(1, i % 61 + 1), (2, i % 97 + 1), (3, i % 7)])
        .collect();
    let row = |i: usize| RowRef {
        ids: &ids[i],
        dense: &dense[i],
        duration_s: 10.0,
    };
    let all: Vec<RowRef<'_>> = (0..300).map(row).collect();
    let mut out = Predictions::default();
    version.predict(rows, &all, &mut out);
    let bits = |i: usize| (0..8).map(move |head| (i, head));
    (0..300)
        .flat_map(bits)
        .map(|(i, head)| out.p(i, head).to_bits())
        .collect()
}

#[test]
fn a_follower_answers_as_the_learner_does() {
    let world = World::new();
    let (mut follower, live) = world.follower();
    follower.catch_up().expect("nothing is there");
    assert!(live.get().is_none());
    world.append(0..300);
    let mut leader = world.leader();
    let mut seen = Vec::new();
    for number in 1..6 {
        world.round(&mut leader, &mut follower);
        world.check(&live, "from the start");
        seen.push(answers(&live.get().expect("serves")));
        world.append(number * 300..(number + 1) * 300);
    }
    seen.dedup();
    assert_eq!(seen.len(), 5, "each round changed the answers");
    let status = follower.status();
    assert!(
        status.rows_put > 0 && status.version > 4 && status.lag_records == 0,
        "{status:?}"
    );
    assert_eq!((status.joins, status.refused, status.rows_refused), (0, 0, 0));
}

#[test]
fn a_late_follower_begins_with_the_checkpoint() {
    let world = World::new();
    world.append(0..600);
    let mut leader = world.leader();
    leader.catch_up().expect("learns");
    leader.close().expect("makes a checkpoint");
    let (mut follower, live) = world.follower();
    assert_eq!(follower.status().joins, 1);
    world.check(&live, "at once, with nothing read");
    world.append(600..900);
    world.round(&mut leader, &mut follower);
    world.check(&live, "and on from there");
    assert!(follower.status().version > 1);
}

#[test]
fn what_a_dead_learner_did_not_tell_the_next_one_tells() {
    let mut world = World::new();
    // It tells nothing by itself before the end of time.
    let quiet = DeltaConfig {
        rows_ms: u64::MAX,
        dense_ms: u64::MAX,
    };
    let loud = world.parts.config.deltas;
    world.append(0..300);
    let mut leader = world.leader();
    let (mut follower, live) = world.follower();
    world.round(&mut leader, &mut follower);
    drop(leader);
    world.parts.config.deltas = Some(quiet);
    let mut dead = world.leader();
    world.append(300..900);
    let before = answers(&live.get().expect("serves"));
    world.round(&mut dead, &mut follower);
    assert_eq!(answers(&live.get().expect("serves")), before, "it said nothing");
    drop(dead);
    world.parts.config.deltas = loud;
    let mut leader = world.leader();
    world.round(&mut leader, &mut follower);
    world.check(&live, "after the restart");
    assert_ne!(answers(&live.get().expect("serves")), before);
    // And one that comes only now, from a checkpoint of the second.
    leader.close().expect("makes a checkpoint");
    drop(leader);
    let mut leader = world.leader();
    let (mut late, late_live) = world.follower();
    world.append(900..1_000);
    world.round(&mut leader, &mut late);
    follower.catch_up().expect("follows");
    world.check(&late_live, "the late one");
    world.check(&live, "the old one");
    assert_eq!(leader.state_hash(), twin(&world.parts), "telling changes nothing");
}

#[test]
fn a_new_beginning_replaces_the_model_when_it_has_something_to_say() {
    let world = World::new();
    world.append(0..600);
    let mut leader = world.leader();
    let (mut follower, live) = world.follower();
    world.round(&mut leader, &mut follower);
    drop(leader);
    let old = answers(&live.get().expect("serves"));
    JobTools::new(world.objects.clone())
        .replay("trainer", &[(examples_of(0), 200)])
        .expect("empties");
    let mut leader = world.leader();
    barrier(&*world.parts.log);
    follower.catch_up().expect("hears of the beginning");
    assert_eq!(
        answers(&live.get().expect("serves")),
        old,
        "the old answers meanwhile"
    );
    world.round(&mut leader, &mut follower);
    world.check(&live, "after the new beginning");
    assert_ne!(answers(&live.get().expect("serves")), old);
}

#[test]
fn rows_that_expire_go_here_as_there() {
    let mut world = World::new();
    world.parts.learner.schema.slots[1].expiry_s = 20;
    let mut leader = world.leader();
    let (mut follower, live) = world.follower();
    // A video of its own every tenth example, never seen again.
    let lonely = |i: u64| {
        let mut record = common::record(i);
        let mut example = fixture::example(i);
        if i.is_multiple_of(10) {
            example.item.ids[1].1 = 1_000_000 + i;
            record.payload = Event::Example(example).encode().into();
        }
        record
    };
    for from in (0..18_000).step_by(600) {
        let batch: Vec<Append> = (from..from + 600).map(lonely).collect();
        settle(world.parts.log.append(batch).expect("takes it")).expect("durable");
        world.round(&mut leader, &mut follower);
    }
    let lengths = [leader.learner().model(), follower.model().expect("one")].map(|model| model.table().len());
    assert_eq!(lengths[0], lengths[1]);
    let removed = follower.status().rows_removed;
    assert!(removed > 300, "{removed} rows expired");
    world.check(&live, "after rows expired");
}

#[test]
fn who_was_overtaken_by_retention_begins_again() {
    let config = SegmentLogConfig {
        retention_bytes: Some(512 << 10),
        prepare_ahead: false,
        ..log_config()
    };
    let world = World::with(config);
    world.append(0..300);
    let mut leader = world.leader();
    let (mut follower, live) = world.follower();
    world.round(&mut leader, &mut follower);
    for number in 1..20 {
        world.append(number * 300..(number + 1) * 300);
        leader.catch_up().expect("learns");
        leader.close().expect("makes a checkpoint");
    }
    let start = world.parts.log.start(JOURNAL);
    assert!(start > 10, "the journal was cut: {start}");
    barrier(&*world.parts.log);
    follower.catch_up().expect("follows");
    assert_eq!(follower.status().joins, 1);
    world.check(&live, "from the newest checkpoint");
}

#[test]
fn another_configuration_is_not_believed() {
    let world = World::new();
    let mut other = world.parts.learner.clone();
    other.config.dense_batch = 16;
    world.append(0..300);
    let mut leader = world.leader();
    leader.catch_up().expect("learns");
    leader.close().expect("makes a checkpoint");
    let (mut follower, live) = world.follower_of(other);
    barrier(&*world.parts.log);
    follower.catch_up().expect("reads");
    assert!(live.get().is_none());
    assert!(follower.status().refused > 0);
}
