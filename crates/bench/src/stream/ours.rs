//! Our runs: all events from the first to the last list, and one with a kill in the middle.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use stream::JobError;
use stream::keyed::{Engine, EngineConfig, EngineParts, FolderObjects, JobControl, JobTools, Objects};

use super::input::{FIRST_MS, InputLog};
use super::job::Trending;
use super::lists::{List, Lists};
use super::{MIB, warm_up};
use crate::BenchError;
use crate::figures::Figures;
use crate::stopwatch::{Stopwatch, Used};

/// All state stays in memory, as it does on Flink's heap backend.
const CACHE_BYTES_MAX: usize = 4 << 30;
/// What recovery has to read again: ten seconds at 20 000 events a second.
const BACKLOG_EVENTS: u64 = 200_000;

/// A run over all events; its rates leave the warm-up out.
pub(super) struct Run {
    used: Used,
    events: u64,
    pub(super) lists: Vec<List>,
    pub(super) keys: usize,
    pub(super) state_bytes: usize,
    pub(super) disk_bytes: u64,
}

impl Run {
    pub(super) fn events_per_s(&self) -> f64 {
        self.events as f64 / self.used.wall_s
    }

    pub(super) fn events_per_s_core(&self) -> f64 {
        self.events as f64 / self.used.cpu_s
    }
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
        let log = InputLog::open(input, video).map_err(BenchError::io("opening the events"))?;
        Ok(Self {
            log: Arc::new(log),
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
            // Time stands still but for the records', so that a run that paused makes the same lists.
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

/// As a server has it, but for the room that state has.
pub(super) fn config(workers: usize) -> EngineConfig {
    EngineConfig {
        workers,
        cache_bytes_max: CACHE_BYTES_MAX,
        ..EngineConfig::default()
    }
}

/// All events, from the first to the last list; `video`, if given, takes all of them.
pub(super) fn straight(input: &Path, config: EngineConfig, video: Option<u64>) -> Result<Run, BenchError> {
    let house = House::new(input, video)?;
    let mut engine = house.open(config)?;
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

/// Half of the events, then checkpoints, a kill with a backlog behind it, recovery, and the rest; the lists of before and after.
pub(super) fn killed(input: &Path, figures: &mut Figures) -> Result<Vec<List>, BenchError> {
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
    let told = house.sink.lists();
    drop(engine);
    house.sink = Arc::default();
    let mut engine = recover(&house, manual, figures)?;
    house.log.readable_set(u64::MAX);
    engine.drain().map_err(engine_failed)?;
    joined(told, house.sink.lists())
}

/// From the opening until the backlog is done.
fn recover(
    house: &House,
    config: EngineConfig,
    figures: &mut Figures,
) -> Result<Engine<Trending>, BenchError> {
    let stopwatch = Stopwatch::start();
    let mut engine = house.open(config)?;
    figures.add("stream.recovery_open_s", stopwatch.used().wall_s);
    let processed = engine.catch_up().map_err(engine_failed)?;
    let used = stopwatch.used();
    figures.add("stream.recovery_s", used.wall_s);
    figures.add("stream.recovery_cpu_s", used.cpu_s);
    match processed {
        BACKLOG_EVENTS => Ok(engine),
        other => Err(BenchError::Peer(
            "recovery",
            format!("it read {other} events again"),
        )),
    }
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
fn joined(mut before: Vec<List>, after: Vec<List>) -> Result<Vec<List>, BenchError> {
    for list in after {
        match before.iter().find(|told| told.end_ms == list.end_ms) {
            Some(told) if *told == list => {}
            Some(_) => {
                let text = format!("the list of {} was told twice and differs", list.end_ms);
                return Err(BenchError::Peer("recovery", text));
            }
            None => before.push(list),
        }
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use event_log::{EventLog as _, TopicPartition};

    use super::super::input::{self, Event, PARTITIONS, SPAN_MS, TOPIC};
    use super::super::job::{BIN_MS, Sums, WINDOW_BINS};
    use super::super::lists::Ranked;
    use super::*;

    /// So many that a partition is never further behind another one than the second that disorder leaves to the watermark.
    const EVENTS: u64 = 120_000;

    /// The lists, counted window by window with none of the engine's code.
    fn recount(input: &Path) -> Vec<List> {
        let log = InputLog::open(input, None).expect("opens");
        log.readable_set(u64::MAX);
        let mut windows: BTreeMap<i64, BTreeMap<u64, Sums>> = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let of = TopicPartition {
                topic: TOPIC,
                partition,
            };
            for record in log.read(of, 0, usize::MAX).expect("reads") {
                let event = Event::read(&record.payload).expect("is an event");
                let first = event.at_ms.div_euclid(BIN_MS) + 1;
                for end in first..first + WINDOW_BINS {
                    let window = windows.entry(end * BIN_MS).or_default();
                    let sums = Sums::of(&event).expect("has a kind");
                    window.entry(event.video).or_default().add(&sums);
                }
            }
        }
        let list = |(end_ms, window): (i64, BTreeMap<u64, Sums>)| {
            let mut best: Vec<_> = window
                .into_iter()
                .map(|(video, sums)| Ranked {
                    score: sums.score(video, end_ms),
                    video,
                })
                .collect();
            best.sort_unstable_by(|one, other| other.cmp(one));
            best.truncate(100);
            List { end_ms, best }
        };
        windows.into_iter().map(list).collect()
    }

    #[test]
    fn the_lists_are_what_a_recount_finds() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        input::generate(folder.path(), EVENTS).expect("writes");
        let expect = recount(folder.path());
        // Events of the first minutes are dated before the first border.
        let windows = SPAN_MS / BIN_MS + WINDOW_BINS - 1;
        assert_eq!(expect.len() as i64, windows + 1);
        for workers in [1, 2] {
            // An epoch takes less event time than there are bins to keep it.
            let config = EngineConfig {
                read_bytes_max: 16 << 10,
                ..config(workers)
            };
            let run = straight(folder.path(), config, None).expect("runs");
            assert!(run.lists == expect, "{workers} workers");
        }
    }
}
