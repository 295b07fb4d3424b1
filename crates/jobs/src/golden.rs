//! The same input, however it is run, gives the same bytes: straight, by other numbers of workers, in other bites, checkpointed and
//! taken up again after crashes. A harness for tests, over any log.

pub mod input;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::topic;
use event_log::{EventLog, Topic, TopicPartition};
use feature_store::FeatureStore;
use parking_lot::Mutex;
use stream::keyed::{
    Engine, EngineConfig, EngineParts, Job, JobControl, JobStatus, MemoryObjects, Sink, SinkError, SinkState,
};

use crate::activity::{ActivityJob, ActivityRow, ActivitySink};
use crate::joiner::{ExamplesSink, JoinerJob};
use input::{END_MS, Random};

/// How an input is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    pub workers: usize,
    /// What one read takes at most; small ones make many epochs.
    pub read_bytes_max: usize,
    /// Seeds crashes, orderly ends, checkpoints and other numbers of workers; none runs straight through.
    pub crashes: Option<u64>,
}

impl Way {
    /// Straight through, in large bites.
    pub const STRAIGHT: Self = Self {
        workers: 1,
        read_bytes_max: 1 << 20,
        crashes: None,
    };
}

/// What came of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The rows of `activity`, by what they are about.
    pub rows: BTreeMap<String, String>,
    /// The state of `activity`, then of `joiner`.
    pub states: [Vec<u8>; 2],
    /// The trending lists.
    pub trending: String,
    /// The records of the examples topic, in order.
    pub examples: Vec<Vec<u8>>,
    /// How the jobs stood; after crashes some records were read twice.
    pub status: [JobStatus; 2],
}

/// Runs both jobs over `input`, with examples going to `output` (empty, with as many partitions) and files below `dir`.
///
/// # Panics
/// When a job fails.
pub fn run(input: &Arc<dyn EventLog>, output: &Arc<dyn EventLog>, dir: &Path, way: Way) -> Outcome {
    let store = Arc::new(FeatureStore::open(&dir.join("features.redb")).expect("the store opens"));
    let watched = Arc::new(Watched {
        inner: ActivitySink::new(store.clone()),
        rows: Mutex::default(),
    });
    let run = Run {
        input,
        dir: dir.to_owned(),
        way,
    };
    let (activity, state) = run.job(ActivityJob, || watched.clone(), false);
    // The clock stands still, so the lists are as old as the first epoch.
    watched.inner.refresh(END_MS);
    let examples = || Arc::new(ExamplesSink::new(output.clone()));
    let (joiner, joined) = run.job(JoinerJob, examples, true);
    let trending = store.trending();
    let lists: BTreeMap<_, _> = trending.lists.iter().collect();
    let rows = watched.rows.lock().clone();
    Outcome {
        rows,
        states: [state, joined],
        trending: format!("{lists:#?} {:#?} {:#?}", trending.hashtags, trending.sounds),
        examples: examples_of(output),
        status: [activity, joiner],
    }
}

/// Every example, in an order of its own: rows of one epoch come in any.
fn examples_of(output: &Arc<dyn EventLog>) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for partition in 0..output.partitions() {
        let of = TopicPartition {
            topic: Topic(topic::EXAMPLES),
            partition,
        };
        let mut next = output.start(of);
        while next < output.end(of) {
            let records = output.read(of, next, 1 << 20).expect("examples read");
            next += records.len() as u64;
            all.extend(records.into_iter().map(|record| record.payload.to_vec()));
        }
    }
    all.sort_unstable();
    all
}

struct Run<'l> {
    input: &'l Arc<dyn EventLog>,
    dir: PathBuf,
    way: Way,
}

impl Run<'_> {
    /// Runs one job to the end of the input; how it stood, and its state. `drains` lets all its timers come due at the end.
    fn job<J: Job + Clone, S: Sink<J::Row>>(
        &self,
        job: J,
        sink: impl Fn() -> Arc<S>,
        drains: bool,
    ) -> (JobStatus, Vec<u8>) {
        let (control, objects) = (JobControl::new(), Arc::new(MemoryObjects::default()));
        let open = |workers: usize| {
            let parts = EngineParts {
                job: Arc::new(job.clone()),
                sink: sink(),
                log: self.input.clone(),
                objects: objects.clone(),
                partition: None,
                dir: self.dir.join(job.name()),
                clock: Arc::new(|| END_MS),
                config: EngineConfig {
                    workers,
                    read_bytes_max: self.way.read_bytes_max,
                    checkpoint_interval_ms: u64::MAX,
                    ..EngineConfig::default()
                },
            };
            Engine::open(parts, &control).expect("the engine opens")
        };
        let mut engine = open(self.way.workers);
        if let Some(seed) = self.way.crashes {
            engine = interrupted(engine, open, &mut Random(seed));
        }
        engine.catch_up().expect("the input is read");
        if drains {
            engine.drain().expect("timers come due");
        }
        let state = engine.snapshot().expect("the state is saved");
        let status = control.status();
        engine.close().expect("closes");
        (status, state)
    }
}

/// Crashes, closes, checkpoints and goes on with other numbers of workers, until the input is read.
fn interrupted<J: Job>(
    mut engine: Engine<J>,
    open: impl Fn(usize) -> Engine<J>,
    random: &mut Random,
) -> Engine<J> {
    while engine.lag() > 0 {
        for _ in 0..=random.below(60) {
            engine.epoch().expect("an epoch passes");
        }
        if random.once_in(2) {
            engine.checkpoint().expect("a checkpoint is made");
        }
        for _ in 0..random.below(20) {
            engine.epoch().expect("an epoch passes");
        }
        if random.once_in(3) {
            engine.close().expect("closes");
        } else {
            drop(engine);
        }
        engine = open(1 + random.below(4) as usize);
    }
    engine
}

/// Notes the rows on their way to the store.
struct Watched {
    inner: ActivitySink,
    rows: Mutex<BTreeMap<String, String>>,
}

impl Sink<ActivityRow> for Watched {
    fn apply(&self, rows: &mut Vec<ActivityRow>) -> Result<(), SinkError> {
        let mut noted = self.rows.lock();
        for row in rows.iter() {
            let (key, value) = match row {
                ActivityRow::Features(entity, row) => (format!("features {entity:?}"), format!("{row:?}")),
                ActivityRow::Trend(key, row) => (format!("trend {key:?}"), format!("{row:?}")),
                ActivityRow::Usage(entity, row) => (format!("usage {entity:?}"), format!("{row:?}")),
                ActivityRow::Pulse(entity, row) => (format!("pulse {entity:?}"), format!("{row:?}")),
                ActivityRow::Session {
                    viewer,
                    session,
                    window,
                    used_ms,
                } => (
                    format!("session {viewer:?} {session:?}"),
                    format!("{window:?} {used_ms}"),
                ),
            };
            noted.insert(key, value);
        }
        drop(noted);
        self.inner.apply(rows)
    }

    fn applied(&self, from: TopicPartition, next: u64) {
        self.inner.applied(from, next);
    }

    fn epoch_end(&self, watermark_ms: i64, now_ms: i64) {
        self.inner.epoch_end(watermark_ms, now_ms);
    }

    fn flush(&self, version: u64) -> Result<Vec<u8>, SinkError> {
        self.inner.flush(version)
    }

    fn restore(&self, version: u64, mark: &[u8]) -> Result<SinkState, SinkError> {
        self.inner.restore(version, mark)
    }
}

/// Runs `input` in many ways and compares each with running it straight; what came of it. `place` gives, for each way, an empty
/// log for examples and a folder of its own.
///
/// # Panics
/// When a way comes to another outcome.
pub fn check(
    input: &Arc<dyn EventLog>,
    mut place: impl FnMut() -> (Arc<dyn EventLog>, PathBuf),
    crashes: std::ops::Range<u64>,
) -> Outcome {
    let (output, dir) = place();
    let straight = run(input, &output, &dir, Way::STRAIGHT);
    let workers = [2, 3, 7].map(|workers| Way {
        workers,
        ..Way::STRAIGHT
    });
    let bites = [1, 2_000, 30_000].map(|read_bytes_max| Way {
        read_bytes_max,
        ..Way::STRAIGHT
    });
    let crashed = crashes.map(|seed| Way {
        workers: 1 + seed as usize % 3,
        read_bytes_max: 2_000 << (seed % 4),
        crashes: Some(seed),
    });
    for way in workers.into_iter().chain(bites).chain(crashed) {
        let (output, dir) = place();
        let other = run(input, &output, &dir, way);
        compare(&straight, &other, way);
    }
    straight
}

fn compare(straight: &Outcome, other: &Outcome, way: Way) {
    for (key, value) in &straight.rows {
        assert_eq!(other.rows.get(key), Some(value), "{key}, {way:?}");
    }
    assert_eq!(other.rows.len(), straight.rows.len(), "{way:?}");
    assert_eq!(other.trending, straight.trending, "{way:?}");
    assert!(
        other.states[0] == straight.states[0],
        "the state of activity, {way:?}"
    );
    assert!(
        other.states[1] == straight.states[1],
        "the state of joiner, {way:?}"
    );
    let twice = straight
        .examples
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .count();
    assert_eq!(twice, 0, "each example is written once");
    let missing = straight
        .examples
        .iter()
        .find(|example| !other.examples.contains(example));
    let missing = missing.map(|example| event::Event::decode(example));
    assert_eq!(missing, None, "an example is missing, {way:?}");
    assert_eq!(other.examples.len(), straight.examples.len(), "{way:?}");
    assert!(other.examples == straight.examples, "examples, {way:?}");
    if way.crashes.is_none() {
        assert_eq!(fates(other), fates(straight), "{way:?}");
    }
}

/// (records, counted, duplicate, late, rejected) of each job.
pub fn fates(outcome: &Outcome) -> [(u64, u64, u64, u64, u64); 2] {
    outcome.status.clone().map(|status| {
        (
            status.records,
            status.counted,
            status.duplicate,
            status.late,
            status.rejected,
        )
    })
}
