//! The stream engine at work: trending over a sliding hour, on one core and on two, with one video taking everything, with a kill in
//! the middle; and Flink beside it on the same bytes.
//!
//! A rate counts from the end of the first hour of event time, when windows are full and code is warm, to the last list. The rate *a core* divides by
//! the processor seconds of the whole process, all its threads included, so that a second thread is no free help to anybody and a
//! busy neighbour takes little from the figure. The lists of all runs must be equal to the last bit.

mod flink;
mod input;
mod job;
mod lists;
mod stopwatch;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use stream::JobError;
use stream::keyed::{Engine, EngineConfig, EngineParts, FolderObjects, JobControl, JobTools, Objects};

use crate::figures::Figures;
use crate::{BenchError, Setup};
use input::{FIRST_MS, InputLog, SPAN_MS};
use job::{BIN_MS, Trending, WINDOW_BINS};
use lists::{List, Lists};
use stopwatch::{Stopwatch, Used};

/// Events of a full run; another number of them may be asked for in the environment.
const EVENTS: u64 = 50_000_000;
const EVENTS_VARIABLE: &str = "RIFFLE_STREAM_EVENTS";
/// All state stays in memory, as it does on Flink's heap backend.
const CACHE_BYTES_MAX: usize = 4 << 30;
/// What recovery has to read again: ten seconds at 20 000 events a second.
const BACKLOG_EVENTS: u64 = 200_000;
const MIB: f64 = (1 << 20) as f64;

/// One of our runs over all events.
struct Run {
    used: Used,
    events: u64,
    lists: Vec<List>,
    keys: usize,
    state_bytes: usize,
    disk_bytes: u64,
}

impl Run {
    fn events_per_s(&self) -> f64 {
        self.events as f64 / self.used.wall_s
    }

    fn events_per_s_core(&self) -> f64 {
        self.events as f64 / self.used.cpu_s
    }
}

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let wanted = |point: &str| setup.only.as_deref().is_none_or(|only| only == point);
    let folder = tempfile::tempdir().map_err(BenchError::io("making a folder for the events"))?;
    let generated = input::generate(folder.path(), events());
    generated.map_err(BenchError::io("writing the events"))?;
    source(folder.path(), figures)?;
    let mut uniform = None;
    if wanted("uniform") {
        let run = straight(folder.path(), 1, None)?;
        report(figures, "stream.uniform.", &run);
        uniform = Some(run);
    }
    if wanted("workers2") {
        report_rates(figures, "stream.workers2.", &straight(folder.path(), 2, None)?);
    }
    if wanted("superstar") {
        let star = straight(folder.path(), 1, Some(input::SUPERSTAR))?;
        report_rates(figures, "stream.superstar.", &star);
        if let Some(uniform) = &uniform {
            figures.add(
                "stream.superstar.of_uniform",
                star.events_per_s_core() / uniform.events_per_s_core(),
            );
        }
    }
    if wanted("recovery") {
        let lists = killed(folder.path(), figures)?;
        same_lists(uniform.as_ref(), &lists, "the run with a kill in it")?;
    }
    if wanted("flink") {
        flink::run(setup, folder.path(), events(), uniform.as_ref(), figures)?;
    }
    Ok(())
}

fn events() -> u64 {
    let asked = std::env::var(EVENTS_VARIABLE)
        .ok()
        .and_then(|events| events.parse().ok());
    asked.unwrap_or(EVENTS).max(BACKLOG_EVENTS * 8)
}

fn same_lists(uniform: Option<&Run>, lists: &[List], who: &'static str) -> Result<(), BenchError> {
    match uniform {
        Some(uniform) if uniform.lists != lists => Err(BenchError::Peer(
            who,
            "its lists are not those of the straight run".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn report(figures: &mut Figures, prefix: &str, run: &Run) {
    report_rates(figures, prefix, run);
    figures.add(&format!("{prefix}keys"), run.keys as f64);
    figures.add(&format!("{prefix}state_memory_mib"), run.state_bytes as f64 / MIB);
    figures.add(&format!("{prefix}state_disk_mib"), run.disk_bytes as f64 / MIB);
}

fn report_rates(figures: &mut Figures, prefix: &str, run: &Run) {
    figures.add(&format!("{prefix}events_per_s_core"), run.events_per_s_core());
    figures.add(&format!("{prefix}events_per_s"), run.events_per_s());
}

/// What reading the events costs by itself: it is in every rate.
fn source(folder: &Path, figures: &mut Figures) -> Result<(), BenchError> {
    use event_log::{EventLog as _, TopicPartition};
    let log = open_input(folder, None)?;
    log.readable_set(u64::MAX);
    let stopwatch = Stopwatch::start();
    for partition in 0..input::PARTITIONS {
        let of = TopicPartition {
            topic: input::TOPIC,
            partition,
        };
        let mut next = 0;
        while next < log.end(of) {
            let records = log.read(of, next, EngineConfig::default().read_bytes_max);
            next += records
                .map_err(|error| BenchError::Peer("reading the events", error.to_string()))?
                .len() as u64;
        }
    }
    figures.add(
        "stream.source_ns",
        stopwatch.used().cpu_s * 1e9 / log.events() as f64,
    );
    Ok(())
}

fn open_input(folder: &Path, video: Option<u64>) -> Result<Arc<InputLog>, BenchError> {
    let log = InputLog::open(folder, video);
    log.map(Arc::new).map_err(BenchError::io("opening the events"))
}

/// A job with folders of its own, which go with it.
struct House {
    log: Arc<InputLog>,
    sink: Arc<Lists>,
    objects: Arc<FolderObjects>,
    control: JobControl,
    folder: tempfile::TempDir,
}

impl House {
    fn new(input: &Path, video: Option<u64>) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir().map_err(BenchError::io("making a folder for the state"))?;
        Ok(Self {
            log: open_input(input, video)?,
            sink: Arc::default(),
            objects: Arc::new(FolderObjects::new(folder.path().join("objects"))),
            control: JobControl::new(),
            folder,
        })
    }

    fn open(&self, config: EngineConfig) -> Result<Engine<Trending>, BenchError> {
        let parts = EngineParts {
            job: Arc::new(Trending),
            sink: self.sink.clone(),
            log: self.log.clone(),
            objects: self.objects.clone(),
            partition: None,
            dir: self.folder.path().join("state"),
            // Time stands still but for the records', so that a run that paused made the same lists.
            clock: Arc::new(|| FIRST_MS),
            config,
        };
        Engine::open(parts, &self.control).map_err(engine_failed)
    }

    /// Keys and bytes of the objects that the newest checkpoint consists of.
    fn objects(&self) -> HashMap<String, u64> {
        let all = JobTools::new(self.objects.clone() as Arc<dyn Objects>).checkpoints("trending");
        let newest = all.ok().and_then(|mut all| all.pop()).unwrap_or_default();
        let objects = newest.objects.into_iter();
        objects.map(|object| (object.key, object.bytes)).collect()
    }
}

fn engine_failed(error: JobError) -> BenchError {
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    BenchError::Peer(
        "the stream engine",
        format!("{error}{}", source.unwrap_or_default()),
    )
}

fn config(workers: usize) -> EngineConfig {
    EngineConfig {
        workers,
        cache_bytes_max: CACHE_BYTES_MAX,
        ..EngineConfig::default()
    }
}

/// All events, from the first to the last list.
fn straight(input: &Path, workers: usize, video: Option<u64>) -> Result<Run, BenchError> {
    let house = House::new(input, video)?;
    let mut engine = house.open(config(workers))?;
    let events = house.log.events();
    let warm = warm_up(events);
    house.log.readable_set(warm);
    engine.catch_up().map_err(engine_failed)?;
    let stopwatch = Stopwatch::start();
    house.log.readable_set(events);
    engine.catch_up().map_err(engine_failed)?;
    let (disk_bytes, state_bytes) = engine.state_bytes();
    let keys = house.control.status().keys;
    engine.drain().map_err(engine_failed)?;
    Ok(Run {
        used: stopwatch.used(),
        events: events - warm,
        lists: house.sink.lists(),
        keys,
        state_bytes,
        disk_bytes,
    })
}

/// The events of the first window.
fn warm_up(events: u64) -> u64 {
    events * (BIN_MS * WINDOW_BINS) as u64 / SPAN_MS as u64
}

/// Half of the events, then checkpoints, a kill with a backlog behind it, recovery, and the rest.
fn killed(input: &Path, figures: &mut Figures) -> Result<Vec<List>, BenchError> {
    let mut house = House::new(input, None)?;
    // Checkpoints only where this function asks for them.
    let manual = EngineConfig {
        checkpoint_interval_ms: u64::MAX,
        dirty_keys_max: usize::MAX,
        ..config(1)
    };
    let mut engine = house.open(manual.clone())?;
    let mut readable = house.log.events() / 2;
    // The first one has all of the state to tell, whether it calls itself a whole copy or not; the last one what changed.
    for name in [Some("whole"), None, Some("change")] {
        house.log.readable_set(readable);
        engine.catch_up().map_err(engine_failed)?;
        let (stopwatch, before) = (Stopwatch::start(), house.objects());
        engine.checkpoint().map_err(engine_failed)?;
        if let Some(name) = name {
            checkpoint_report(figures, name, stopwatch.used(), &before, house.objects());
        }
        readable += BACKLOG_EVENTS;
    }
    house.log.readable_set(readable);
    engine.catch_up().map_err(engine_failed)?;
    let lag_told = house.sink.lists();
    drop(engine);
    house.sink = Arc::default();
    let stopwatch = Stopwatch::start();
    let mut engine = house.open(manual)?;
    let opened_s = stopwatch.used().wall_s;
    let processed = engine.catch_up().map_err(engine_failed)?;
    let used = stopwatch.used();
    figures.add("stream.recovery_open_s", opened_s);
    figures.add("stream.recovery_s", used.wall_s);
    figures.add("stream.recovery_cpu_s", used.cpu_s);
    assert_eq!(
        processed, BACKLOG_EVENTS,
        "the backlog is what was not in the checkpoint"
    );
    house.log.readable_set(u64::MAX);
    engine.drain().map_err(engine_failed)?;
    Ok(joined(lag_told, house.sink.lists()))
}

fn checkpoint_report(
    figures: &mut Figures,
    name: &str,
    used: Used,
    before: &HashMap<String, u64>,
    mut written: HashMap<String, u64>,
) {
    written.retain(|key, _| !before.contains_key(key));
    let bytes: u64 = written.values().sum();
    figures.add(&format!("stream.checkpoint.{name}_s"), used.wall_s);
    figures.add(&format!("stream.checkpoint.{name}_mib"), bytes as f64 / MIB);
}

/// Lists told before the kill, and those after; one that was told twice must be the same both times.
fn joined(mut before: Vec<List>, after: Vec<List>) -> Vec<List> {
    for list in after {
        match before.iter().find(|told| told.end_ms == list.end_ms) {
            Some(told) => assert_eq!(*told, list, "a list told twice differs"),
            None => before.push(list),
        }
    }
    before
}
