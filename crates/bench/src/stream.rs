//! The stream engine at work: trending over a sliding hour, on one core and on two, with one video taking everything, with a kill in
//! the middle; and Flink beside it on the same bytes.
//!
//! A rate counts from the end of the first hour of event time, when windows are full and code is warm, to the last list. The rate
//! *a core* divides by the processor seconds of the whole process, all its threads included, so that a second thread is no free help to
//! anybody and a busy neighbour takes little from the figure. The lists of all runs must be equal to the last bit.

mod flink;
mod input;
mod job;
mod lists;
mod ours;

use std::path::Path;

use event_log::{EventLog as _, TopicPartition};
use stream::keyed::EngineConfig;

use crate::figures::Figures;
use crate::stopwatch::Stopwatch;
use crate::{BenchError, Setup};
use input::{InputLog, SPAN_MS};
use job::{BIN_MS, WINDOW_BINS};
use lists::List;
use ours::Run;

/// Events of a full run; another number of them may be asked for in the environment.
const EVENTS: u64 = 50_000_000;
const EVENTS_VARIABLE: &str = "RIFFLE_STREAM_EVENTS";
/// With fewer, an epoch would take more event time than the job has bins for, and there would be no backlog to recover.
const EVENTS_MIN: u64 = 2_000_000;
const MIB: f64 = (1 << 20) as f64;

/// Our straight runs that others are compared with; those that were asked for.
#[derive(Default)]
struct Ours {
    uniform: Option<Run>,
    superstar: Option<Run>,
}

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let asked = std::env::var(EVENTS_VARIABLE)
        .ok()
        .and_then(|events| events.parse().ok());
    let events = asked.unwrap_or(EVENTS).max(EVENTS_MIN);
    let folder = tempfile::tempdir().map_err(BenchError::io("making a folder for the events"))?;
    let generated = input::generate(folder.path(), events);
    generated.map_err(BenchError::io("writing the events"))?;
    let (input, wanted) = (folder.path(), |point: &str| {
        setup.only.as_deref().is_none_or(|only| only == point)
    });
    source(input, figures)?;
    let mut ours = Ours::default();
    if wanted("uniform") {
        ours.uniform = Some(uniform(input, figures)?);
    }
    if wanted("workers2") {
        let run = ours::straight(input, ours::config(2), None)?;
        report_rates(figures, "stream.workers2.", &run);
        lists_compare("two workers", &run.lists, ours.uniform.as_ref())?;
    }
    if wanted("superstar") {
        let run = ours::straight(input, ours::config(1), Some(input::SUPERSTAR))?;
        report_rates(figures, "stream.superstar.", &run);
        if let Some(uniform) = &ours.uniform {
            let ratio = run.events_per_s_core() / uniform.events_per_s_core();
            figures.add("stream.superstar.of_uniform", ratio);
        }
        ours.superstar = Some(run);
    }
    if wanted("recovery") {
        let lists = ours::killed(input, figures)?;
        lists_compare("the run with a kill in it", &lists, ours.uniform.as_ref())?;
    }
    if wanted("flink") {
        flink::run(setup, input, events, &ours, figures)?;
    }
    Ok(())
}

fn uniform(input: &Path, figures: &mut Figures) -> Result<Run, BenchError> {
    let run = ours::straight(input, ours::config(1), None)?;
    report_rates(figures, "stream.uniform.", &run);
    figures.add("stream.uniform.keys", run.keys as f64);
    figures.add("stream.uniform.state_memory_mib", run.state_bytes as f64 / MIB);
    figures.add("stream.uniform.state_disk_mib", run.disk_bytes as f64 / MIB);
    Ok(run)
}

fn report_rates(figures: &mut Figures, prefix: &str, run: &Run) {
    figures.add(&format!("{prefix}events_per_s_core"), run.events_per_s_core());
    figures.add(&format!("{prefix}events_per_s"), run.events_per_s());
}

fn lists_compare(who: &'static str, lists: &[List], straight: Option<&Run>) -> Result<(), BenchError> {
    match straight {
        Some(straight) if straight.lists != lists => {
            let text = "its lists are not those of the straight run";
            Err(BenchError::Peer(who, text.to_owned()))
        }
        _ => Ok(()),
    }
}

/// The events of the first window; no rate counts them.
fn warm_up(events: u64) -> u64 {
    events * (BIN_MS * WINDOW_BINS) as u64 / SPAN_MS as u64
}

/// What reading the events costs by itself: it is in every rate.
fn source(input: &Path, figures: &mut Figures) -> Result<(), BenchError> {
    let log = InputLog::open(input, None).map_err(BenchError::io("opening the events"))?;
    log.readable_set(u64::MAX);
    let (stopwatch, bytes_max) = (Stopwatch::start(), EngineConfig::default().read_bytes_max);
    for partition in 0..input::PARTITIONS {
        let of = TopicPartition {
            topic: input::TOPIC,
            partition,
        };
        let mut next = 0;
        while next < log.end(of) {
            let read = log.read(of, next, bytes_max);
            let read = read.map_err(|error| BenchError::Peer("reading the events", error.to_string()))?;
            next += read.len() as u64;
        }
    }
    let ns = stopwatch.used().cpu_s * 1e9 / log.events() as f64;
    figures.add("stream.source_ns", ns);
    Ok(())
}
