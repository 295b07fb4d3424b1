//! What a learner is after it was interrupted, and what it does when parts of its past are gone.

mod common;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{append, barrier, examples_of, log_at, log_config, parts, twin};
use event_log::conformance::settle;
use event_log::disk::{Disk, SimDisk, SimFaults};
use event_log::{Append, EventLog, SegmentLog};
use stream::JobError;
use stream::keyed::{CheckpointError, JobTools, MemoryObjects, Objects};
use trainer::{Begin, Entry, JOURNAL, Range, Take, Trainer, TrainerParts, fixture};

/// A log in a folder that goes with it, objects, and the parts of a learner over both.
struct World {
    dir: tempfile::TempDir,
    objects: Arc<Fickle>,
    parts: TrainerParts,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let objects = Arc::new(Fickle::default());
        let parts = parts(log_at(dir.path(), log_config()), objects.clone());
        Self { dir, objects, parts }
    }

    fn append(&self, range: std::ops::Range<u64>) {
        append(&*self.parts.log, range);
    }

    fn open(&self) -> Trainer {
        Trainer::open(self.parts.clone()).expect("opens")
    }

    /// The entries of the journal.
    fn journal(&self) -> Vec<Entry> {
        barrier(&*self.parts.log);
        let records = event_log::conformance::read_all(&*self.parts.log, JOURNAL);
        let entry = |record: &event_log::Record| Entry::decode(&record.payload).expect("reads");
        records.iter().map(entry).collect()
    }

    fn write(&self, entry: &Entry) {
        let append = Append {
            to: JOURNAL,
            at_ms: 0,
            payload: entry.encode().into(),
        };
        settle(self.parts.log.append(vec![append]).expect("takes it")).expect("durable");
    }

    /// Whether learning has begun anew again.
    fn began_anew(&self) -> usize {
        let anew = |entry: &&Entry| matches!(entry, Entry::Begin(Begin { anew: Some(_), .. }));
        self.journal().iter().filter(anew).count()
    }
}

/// Learns what is durable and makes a checkpoint; the state's hash.
fn learned(parts: &TrainerParts) -> model::StateHash {
    let mut trainer = Trainer::open(parts.clone()).expect("opens");
    trainer.catch_up().expect("learns");
    trainer.close().expect("makes a checkpoint");
    trainer.state_hash()
}

/// Objects in memory with room for so many more.
struct Fickle {
    inner: MemoryObjects,
    room: AtomicUsize,
}

impl Default for Fickle {
    fn default() -> Self {
        Self {
            inner: MemoryObjects::default(),
            room: AtomicUsize::new(usize::MAX),
        }
    }
}

impl Fickle {
    fn room_set(&self, objects: usize) {
        self.room.store(objects, Ordering::SeqCst);
    }

    /// Flips a bit in the middle of an object.
    fn tamper(&self, key: &str) {
        let mut bytes = self.inner.get(key).expect("gets").expect("is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        self.inner.delete(key).expect("deletes");
        self.inner.put_if_absent(key, &bytes).expect("puts");
    }

    /// The keys of one kind, ascending.
    fn keys(&self, kind: &str) -> Vec<String> {
        self.inner.list(&format!("jobs/trainer/{kind}/")).expect("lists")
    }
}

impl Objects for Fickle {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        let room = self.room.load(Ordering::SeqCst);
        self.room_set(room.saturating_sub(usize::from(room < usize::MAX)));
        if room == 0 {
            // What a full disk leaves behind.
            self.inner
                .put_if_absent(&format!("{key}.tmp"), &bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.put_if_absent(key, bytes)
    }

    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        self.inner.get(key)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let keys = self.inner.list(prefix)?;
        Ok(keys.into_iter().filter(|key| !key.ends_with(".tmp")).collect())
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        self.inner.delete(key)
    }
}

#[test]
fn a_restart_goes_on_where_the_takes_end() {
    let world = World::new();
    world.append(0..700);
    learned(&world.parts);
    world.append(700..1_500);
    // This one makes no checkpoint: it is as if it had been killed.
    let mut killed = world.open();
    assert_eq!(killed.catch_up().expect("learns"), 800);
    let before = killed.state_hash();
    drop(killed);
    let mut again = world.open();
    assert_eq!(
        again.state_hash(),
        before,
        "the takes since the checkpoint were learned again"
    );
    assert_eq!(again.catch_up().expect("learns"), 0);
    assert_eq!(again.learner().tally().read, 1_500);
    assert_eq!(again.state_hash(), twin(&world.parts));
    assert_eq!(world.began_anew(), 1);
}

#[test]
fn a_take_that_was_written_and_not_learned_is_learned() {
    let world = World::new();
    world.append(0..512);
    learned(&world.parts);
    append(&*world.parts.log, 512..612);
    // The owner wrote the take and died before it learned it.
    let range = |partition| Range {
        partition,
        from: 256,
        to: 256 + 30,
        skipped: false,
    };
    let epoch = world.journal().last().expect("an entry").epoch();
    let rounds = world
        .journal()
        .iter()
        .filter(|entry| matches!(entry, Entry::Take(_)))
        .count() as u64;
    world.write(&Entry::Take(Take {
        epoch,
        round: rounds + 1,
        publish: true,
        trust: vec![(3, 0.5)],
        ranges: vec![range(0), range(1)],
    }));
    let mut trainer = world.open();
    assert_eq!(trainer.learner().tally().read, 512 + 60);
    assert_eq!(trainer.state_hash(), twin(&world.parts));
    assert_eq!(trainer.catch_up().expect("learns the rest"), 40);
}

#[test]
fn takes_that_were_lost_with_the_power_are_taken_again_otherwise() {
    let disk = SimDisk::new(SimFaults::default());
    let open = |disk: &SimDisk| -> Arc<dyn EventLog> {
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        Arc::new(SegmentLog::open_on(disk, log_config()).expect("opens"))
    };
    let objects: Arc<dyn Objects> = Arc::new(Fickle::default());
    let log = open(&disk);
    append(&*log, 0..1_024);
    let mut trainer = Trainer::open(parts(log.clone(), objects.clone())).expect("opens");
    trainer.catch_up().expect("learns");
    trainer.close().expect("makes a checkpoint");
    let checkpointed = trainer.state_hash();
    // The disk as the power may have left it, at moments of the rounds that follow.
    let mut crashes = Vec::new();
    for (seed, from) in (0..16).zip((1_024..).step_by(100)) {
        append(&*log, from..from + 100);
        trainer.catch_up().expect("learns");
        crashes.push((from + 100, disk.crash(seed)));
    }
    drop((trainer, log));
    let mut lost = 0;
    for (written, crashed) in crashes {
        let parts = parts(open(&crashed), Arc::new(copy_of(&*objects)));
        let mut trainer = Trainer::open(parts.clone()).expect("opens");
        lost += written - trainer.learner().tally().read;
        trainer.catch_up().expect("learns what was lost");
        assert_eq!(trainer.learner().tally().read, written, "everything once");
        assert_ne!(trainer.state_hash(), checkpointed);
        assert_eq!(trainer.state_hash(), twin(&parts));
    }
    println!("{lost} examples were learned and their takes lost");
}

fn copy_of(objects: &dyn Objects) -> Fickle {
    let copy = Fickle::default();
    for key in objects.list("jobs/").expect("lists") {
        let bytes = objects.get(&key).expect("gets").expect("is there");
        copy.inner.put_if_absent(&key, &bytes).expect("puts");
    }
    copy
}

#[test]
fn half_a_checkpoint_is_none() {
    let world = World::new();
    world.append(0..512);
    let hash = learned(&world.parts);
    world.append(512..1_024);
    let mut killed = world.open();
    killed.catch_up().expect("learns");
    killed.close().expect("makes a checkpoint");
    let whole = killed.state_hash();
    drop(killed);
    // As if it had died between the objects and the manifest.
    let manifests = world.objects.keys("manifest");
    let last = manifests.last().expect("there is one").clone();
    world.objects.delete(&last).expect("deletes");
    let mut again = world.open();
    assert_eq!(again.state_hash(), whole);
    assert_ne!(again.state_hash(), hash);
    assert_eq!(world.began_anew(), 1);
    again.catch_up().expect("nothing is new");
    world.append(1_024..1_280);
    again.catch_up().expect("learns");
    again
        .close()
        .expect("the objects of the half one are not in the way");
    drop(again);
    assert_eq!(world.objects.keys("manifest").len(), 3);
    assert_eq!(world.open().state_hash(), twin(&world.parts));
}

#[test]
fn of_two_owners_the_older_stops_and_what_it_wrote_is_void() {
    let world = World::new();
    world.append(0..512);
    let mut older = world.open();
    older.catch_up().expect("learns");
    let mut newer = world.open();
    world.append(512..1_024);
    // Both take the same examples; whoever began last is believed.
    let outcome = older.catch_up().and_then(|_| older.close());
    let Err(error) = outcome else {
        panic!("the older one must notice");
    };
    assert!(error.is_fenced() && !error.is_transient(), "{error}");
    newer.catch_up().expect("learns");
    newer.close().expect("makes a checkpoint");
    assert_eq!(newer.learner().tally().read, 1_024);
    assert_eq!(newer.state_hash(), twin(&world.parts));
    drop((older, newer));
    assert_eq!(world.open().state_hash(), twin(&world.parts));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    for kind in ["root", "pack", "manifest", "gone"] {
        let world = World::new();
        world.append(0..512);
        learned(&world.parts);
        let first = world.objects.keys("state");
        world.append(512..1_024);
        learned(&world.parts);
        let fresh: Vec<String> = world.objects.keys("state");
        let fresh: Vec<&String> = fresh.iter().filter(|key| !first.contains(key)).collect();
        match kind {
            // The root is the last of a checkpoint's objects.
            "root" => world.objects.tamper(fresh.last().expect("a root")),
            "pack" => world.objects.tamper(fresh.first().expect("a pack")),
            "gone" => world
                .objects
                .delete(fresh.first().expect("a pack"))
                .expect("deletes"),
            _ => world
                .objects
                .tamper(world.objects.keys("manifest").last().expect("a manifest")),
        }
        let mut again = world.open();
        assert_eq!(again.learner().tally().read, 1_024, "{kind}");
        assert_eq!(again.state_hash(), twin(&world.parts), "{kind}");
        assert_eq!(world.began_anew(), 1, "{kind}: the one before was enough");
        again.close().expect("makes a checkpoint");
        let hash = again.state_hash();
        drop(again);
        assert_eq!(world.open().state_hash(), hash, "{kind}");
    }
}

#[test]
fn with_no_checkpoint_left_it_learns_anew() {
    let world = World::new();
    world.append(0..512);
    learned(&world.parts);
    world
        .objects
        .keys("state")
        .iter()
        .for_each(|key| world.objects.tamper(key));
    let mut again = world.open();
    // The journal still has everything, so what was learned is learned again from it.
    assert_eq!(again.learner().tally().read, 512);
    assert_eq!(again.state_hash(), twin(&world.parts));
    drop(again);
    for key in world
        .objects
        .keys("state")
        .iter()
        .chain(&world.objects.keys("manifest"))
    {
        world.objects.delete(key).expect("deletes");
    }
    let epoch = world.journal().iter().map(Entry::epoch).max().expect("entries");
    let mut again = world.open();
    assert_eq!(world.began_anew(), 2);
    assert!(world.journal().last().expect("a beginning").epoch() > epoch);
    assert_eq!(again.catch_up().expect("learns"), 512);
    assert_eq!(again.state_hash(), twin(&world.parts));
}

#[test]
fn another_configuration_learns_the_journal_anew() {
    let world = World::new();
    world.append(0..512);
    learned(&world.parts);
    let mut changed = world.parts.clone();
    changed.learner.config.dense_batch = 16;
    let mut trainer = Trainer::open(changed.clone()).expect("opens");
    assert_eq!(
        trainer.catch_up().expect("nothing is new"),
        0,
        "the journal says what was learned, under any configuration"
    );
    let hash = trainer.state_hash();
    assert_eq!(hash, twin(&changed));
    assert_ne!(hash, twin(&world.parts));
    drop(trainer);
    let mut back = world.open();
    back.catch_up().expect("nothing is new");
    assert_eq!(back.state_hash(), twin(&world.parts));
    back.close().expect("makes a checkpoint");
    drop(back);
    // Without the checkpoint that stands where the journal begins there is nothing to begin with.
    let manifests = world.objects.keys("manifest");
    let (_, older) = manifests.split_last().expect("there are some");
    older
        .iter()
        .for_each(|key| world.objects.delete(key).expect("deletes"));
    let mut trainer = Trainer::open(changed.clone()).expect("opens");
    assert_eq!(world.began_anew(), 2);
    assert_eq!(trainer.catch_up().expect("learns"), 512);
    assert_eq!(trainer.state_hash(), twin(&changed));
}

#[test]
fn examples_that_retention_took_are_counted_or_cost_a_new_beginning() {
    // Never learned: passed over, and a replay passes over them too.
    let dir = tempfile::tempdir().expect("a temporary folder");
    let objects = Arc::new(Fickle::default());
    let open_log = |retention: Option<u64>| -> Arc<dyn EventLog> {
        let config = event_log::SegmentLogConfig {
            retention_bytes: retention,
            prepare_ahead: false,
            ..log_config()
        };
        log_at(dir.path(), config)
    };
    let log = open_log(None);
    append(&*log, 0..512);
    let mut trainer = Trainer::open(parts(log.clone(), objects.clone())).expect("opens");
    trainer.catch_up().expect("learns");
    trainer.close().expect("makes a checkpoint");
    drop(trainer);
    append(&*log, 512..8_192);
    drop(log);
    let log = open_log(Some(256 << 10));
    append(&*log, 8_192..9_216);
    let first = log.start(examples_of(0));
    assert!(
        first > 256,
        "retention took examples that nobody had learned: {first}"
    );
    let parts = parts(log.clone(), objects.clone());
    // Their checkpoint still stands, but its own journal went with them.
    let mut trainer = Trainer::open(parts.clone()).expect("opens");
    trainer.catch_up().expect("learns what is left");
    let left: u64 = (0..2)
        .map(|p| log.end(examples_of(p)) - log.start(examples_of(p)))
        .sum();
    assert!(trainer.learner().tally().read >= left);
    let hash = trainer.state_hash();
    drop(trainer);
    let mut again = Trainer::open(parts).expect("opens");
    assert_eq!(again.state_hash(), hash);
    // Gone between two rounds: what is missing is written down as skipped.
    again.close().expect("makes a checkpoint");
}

#[test]
fn a_full_store_costs_checkpoints_and_no_learning() {
    let world = World::new();
    world.append(0..512);
    let mut trainer = world.open();
    trainer.catch_up().expect("learns");
    // The rows find room, what names them does not.
    world.objects.room_set(1);
    assert!(matches!(
        trainer.close(),
        Err(JobError::Checkpoint {
            source: CheckpointError::Objects(_),
            ..
        })
    ));
    world.append(512..1_024);
    assert_eq!(trainer.catch_up().expect("learns all the same"), 512);
    world.parts.control.checkpoint_request();
    trainer.catch_up().expect("tries another, which fails too");
    world.append(1_024..1_100);
    trainer.catch_up().expect("learns");
    world.objects.room_set(2);
    assert!(trainer.close().is_err(), "only the manifest is missing");
    let manifests = world.objects.keys("manifest").len();
    world.objects.room_set(usize::MAX);
    trainer.close().expect("makes the checkpoint");
    assert_eq!(world.objects.keys("manifest").len(), manifests + 1);
    let hash = trainer.state_hash();
    drop(trainer);
    let mut again = world.open();
    assert_eq!((again.state_hash(), again.learner().tally().read), (hash, 1_100));
    assert_eq!(hash, twin(&world.parts));
    // A process that starts while the store is full may try again.
    drop(again);
    world.objects.room_set(0);
    let error = Trainer::open(world.parts.clone()).err().expect("cannot claim");
    assert!(error.is_transient(), "{error}");
    assert!(
        world.parts.live.get().is_some(),
        "answers as of the checkpoint meanwhile"
    );
}

#[test]
fn a_log_that_is_shorter_than_what_was_learned_stops_it() {
    let world = World::new();
    world.append(0..512);
    learned(&world.parts);
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let other = TrainerParts {
        log: log_at(elsewhere.path(), log_config()),
        ..world.parts.clone()
    };
    let error = Trainer::open(other).err().expect("refuses");
    assert!(matches!(error, JobError::Ahead { .. }), "{error}");
    assert!(world.dir.path().exists());
}

#[test]
fn operators_go_back_and_learn_anew() {
    let world = World::new();
    let tools = JobTools::new(world.objects.clone());
    world.append(0..512);
    learned(&world.parts);
    let version = tools
        .checkpoints("trainer")
        .expect("lists")
        .last()
        .expect("one")
        .version;
    world.append(512..1_024);
    let hash = learned(&world.parts);
    assert_eq!(tools.jobs().expect("lists"), ["trainer"]);
    tools.restore("trainer", version).expect("restores");
    let mut back = world.open();
    assert_eq!(
        back.state_hash(),
        hash,
        "the journal leads from any checkpoint to the same state"
    );
    drop(back);
    tools
        .replay("trainer", &[(examples_of(0), 100)])
        .expect("empties");
    let mut anew = world.open();
    assert_eq!(anew.catch_up().expect("learns"), 1_024 - 100);
    assert_eq!(world.began_anew(), 2);
    assert_eq!(anew.state_hash(), twin(&world.parts));
}

#[test]
fn trust_comes_into_force_at_its_place_in_the_journal() {
    let world = World::new();
    world.append(0..512);
    let mut trainer = world.open();
    trainer.catch_up().expect("learns");
    let viewer = fixture::example(3).viewer;
    assert!(world.parts.control.trust_set(viewer, 0.0));
    world.append(512..1_536);
    trainer.catch_up().expect("learns");
    let excluded = trainer.learner().tally().excluded;
    let theirs = (512..1_536)
        .filter(|i| fixture::example(*i).viewer == viewer)
        .count() as u64;
    assert_eq!(excluded, theirs);
    assert_eq!(trainer.state_hash(), twin(&world.parts));
}
