//! A hundred real `kill -9` of a learning process at seeded moments. What is there at the end must be, to the bit, what an uninterrupted learner
//! makes of the same journal.
//!
//! The process is this test's own executable, started again with a folder to work in. It writes examples to a log of its own, learns them, and
//! makes checkpoints all the time; before and after each thing that can be torn apart it writes a byte to its output. A moment is a number of
//! such bytes, not a time. Power loss is tested with a simulated disk elsewhere; a killed process leaves the page cache alive.

mod common;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::{append, examples_of, log_at, log_config, parts, twin};
use event_log::disk::SplitMix;
use event_log::{EventLog, SegmentLog};
use stream::StopSignal;
use stream::keyed::{FolderObjects, Objects};
use trainer::{DeltaConfig, Entry, JOURNAL, Trainer, TrainerConfig, TrainerParts};

const KILLS: usize = 100;
const SEED_DEFAULT: u64 = 7;
/// Bytes heard between a start and the kill.
const HEARD_MAX: u64 = 200;
/// Examples written at once.
const FEW: u64 = 24;
/// How often the writer looks whether the learner has moved.
const LOOK_EVERY: Duration = Duration::from_micros(200);
/// The folder to work in, for the process that is killed.
const FOLDER: &str = "RIFFLE_TEST_TRAINER_FOLDER";
/// The test in this file that is the process.
const LIFE: &str = "a_life";

/// Says aloud what is about to happen and what has happened.
struct Aloud<T>(T);

fn say() {
    let mut out = io::stdout().lock();
    // Whoever listens may be gone already.
    let _gone = out.write_all(b".").and_then(|()| out.flush());
}

impl Objects for Aloud<FolderObjects> {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        say();
        let put = self.0.put_if_absent(key, bytes);
        say();
        put
    }

    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        say();
        self.0.get(key)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.0.list(prefix)
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        say();
        self.0.delete(key)
    }
}

fn parts_at(dir: &Path, log: Arc<dyn EventLog>, objects: Arc<dyn Objects>) -> TrainerParts {
    std::fs::create_dir_all(dir).expect("a folder");
    let config = TrainerConfig {
        round_examples_max: 64,
        checkpoint_examples_max: 150,
        deltas: Some(DeltaConfig {
            rows_ms: 1,
            dense_ms: 5,
        }),
        ..common::config()
    };
    TrainerParts {
        config,
        ..parts(log, objects)
    }
}

fn folders(dir: &Path) -> (PathBuf, FolderObjects) {
    (dir.join("log"), FolderObjects::new(dir.join("objects")))
}

/// Examples in the log.
fn written(log: &dyn EventLog) -> u64 {
    (0..common::PARTITIONS)
        .map(|partition| log.end(examples_of(partition)))
        .sum()
}

/// Not a test when it is run with all others: it works where it is told to, until it is killed.
#[test]
fn a_life() {
    let Some(dir) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let (log_dir, objects) = folders(&dir);
    let log: Arc<SegmentLog> = log_at(&log_dir, log_config());
    let entries = Arc::new(AtomicU64::new(0));
    let counted = entries.clone();
    let parts = TrainerParts {
        // Asked for the time just before an entry is appended.
        clock: Arc::new(move || {
            say();
            counted.fetch_add(1, Ordering::Relaxed) as i64
        }),
        ..parts_at(&dir, log.clone(), Arc::new(Aloud(objects)))
    };
    let feeder = thread::spawn(move || feed(&*log, &entries));
    let mut trainer = Trainer::open(parts).expect("opens");
    say();
    trainer
        .run(&StopSignal::new())
        .expect("goes on until it is killed");
    feeder.join().expect("nobody comes here");
}

/// Writes examples, a few for each entry of the journal, each number once: what is in the log says which come next.
fn feed(log: &dyn EventLog, entries: &AtomicU64) {
    let (from, mut seen) = (written(log), 0);
    for few in (from..).step_by(FEW as usize) {
        append(log, few..few + FEW);
        while entries.load(Ordering::Relaxed) == seen {
            thread::park_timeout(LOOK_EVERY);
        }
        seen = entries.load(Ordering::Relaxed);
    }
}

/// Starts a life, listens for `moment` bytes, and ends it.
fn kill_at(dir: &Path, moment: u64) {
    let mut child: Child = Command::new(std::env::current_exe().expect("this test's own path"))
        .args([LIFE, "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut heard = child.stdout.take().expect("is piped");
    let mut byte = [0];
    let mut left = moment;
    while left > 0 && heard.read(&mut byte).is_ok_and(|count| count == 1) {
        left -= u64::from(byte == *b".");
    }
    // SIGKILL.
    child.kill().expect("is killed");
    let status = child.wait().expect("ends");
    assert_eq!((left, status.code()), (0, None), "it ended by itself: {status}");
}

#[test]
fn a_hundred_kills_change_nothing() {
    let seed = std::env::var("RIFFLE_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(SEED_DEFAULT);
    println!("RIFFLE_TEST_SEED={seed}");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut random = SplitMix(seed);
    for _ in 0..KILLS {
        kill_at(dir.path(), 1 + random.below(HEARD_MAX));
    }
    let (log_dir, objects) = folders(dir.path());
    let log: Arc<dyn EventLog> = log_at(&log_dir, log_config());
    let checkpoints = objects.list("jobs/trainer/manifest/").expect("lists");
    let last: u64 = last_number(&checkpoints);
    let parts = parts_at(dir.path(), log.clone(), Arc::new(objects));
    let mut trainer = Trainer::open(parts.clone()).expect("opens after all that");
    let learned = trainer.learner().tally().read;
    trainer.catch_up().expect("learns the rest");
    let hash = trainer.state_hash();
    assert_eq!(
        trainer.learner().tally().read,
        written(&*log),
        "every example once"
    );
    assert_eq!(
        hash,
        twin(&parts),
        "bit-identical to a learner that nobody interrupted"
    );
    drop(trainer);
    let mut again = Trainer::open(parts.clone()).expect("opens");
    assert_eq!(again.state_hash(), hash, "and once more");
    let takes = takes(&*log);
    println!(
        "{KILLS} kills: {} examples ({learned} before the last start), {takes} takes, {last} checkpoints and claims",
        written(&*log)
    );
    assert!(
        last > KILLS as u64 * 3 / 2,
        "checkpoints were made between the kills, beside the claims"
    );
    assert!(takes > KILLS as u64, "and there was something to learn");
}

fn last_number(keys: &[String]) -> u64 {
    let number = keys.last().and_then(|key| key.rsplit('/').next());
    number.and_then(|number| number.parse().ok()).expect("a manifest")
}

fn takes(log: &dyn EventLog) -> u64 {
    let records = event_log::conformance::read_all(log, JOURNAL);
    let is_take = |record: &&event_log::Record| matches!(Entry::decode(&record.payload), Ok(Entry::Take(_)));
    records.iter().filter(is_take).count() as u64
}
