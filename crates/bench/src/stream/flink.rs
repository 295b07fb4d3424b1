//! Flink beside us: the script of `deploy/flink-bench` on the same events, once a variant, and whether its lists are ours.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::lists::List;
use super::{Run, warm_up};
use crate::figures::Figures;
use crate::{BenchError, Setup};

/// Name in the figures, what the script calls it, and tasks of each kind.
const VARIANTS: [(&str, &str, usize); 3] = [
    ("sliced", "sliced", 1),
    ("sliced_p2", "sliced", 2),
    ("sliding", "sliding", 1),
];
const WHO: &str = "Flink";

/// Measures every variant over all `events`. The best of them counts as Flink's figure.
pub(crate) fn run(
    setup: &Setup,
    input: &Path,
    events: u64,
    uniform: Option<&Run>,
    figures: &mut Figures,
) -> Result<(), BenchError> {
    let script = setup.root.join("deploy/flink-bench/run");
    let fetched = Command::new(&script).arg("fetch").stdin(Stdio::null()).status();
    if !fetched
        .map_err(BenchError::io("running deploy/flink-bench"))?
        .success()
    {
        println!("Flink is not measured: see above for what it lacks");
        return Ok(());
    }
    let (mut best, ours) = (0.0_f64, uniform.map(|run| lines(&run.lists)));
    for (name, variant, parallelism) in VARIANTS {
        let lists = input.join(format!("{name}.lists"));
        let settings = [
            format!("variant={variant}"),
            format!("parallelism={parallelism}"),
            format!("warm_up={}", warm_up(events)),
        ];
        let told = job(&script, input, &lists, &settings)?;
        let figure = |key: &str| told[key].as_f64().unwrap_or(0.0);
        best = best.max(figure("events_per_s_core"));
        for key in ["events_per_s_core", "events_per_s"] {
            figures.add(&format!("stream.flink.{name}.{key}"), figure(key));
        }
        let theirs = std::fs::read_to_string(&lists).map_err(BenchError::io("reading Flink's lists"))?;
        if ours.as_ref().is_some_and(|ours| *ours != theirs) {
            return Err(BenchError::Peer(WHO, format!("the lists of {name} are not ours")));
        }
    }
    figures.add("stream.flink.events_per_s_core", best);
    if let Some(uniform) = uniform {
        figures.add("stream.of_flink", uniform.events_per_s_core() / best);
    }
    Ok(())
}

/// Runs the script; the last line that it prints is its figures.
fn job(script: &Path, input: &Path, lists: &Path, settings: &[String]) -> Result<Value, BenchError> {
    let mut command = Command::new(script);
    command.arg("job").arg(input).arg(lists).args(settings);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(BenchError::io("running deploy/flink-bench"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let told = text
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok());
    match (output.status.success(), told) {
        (true, Some(told)) => Ok(told),
        _ => Err(BenchError::Peer(
            WHO,
            format!("the job of {settings:?} failed: {text}"),
        )),
    }
}

/// Lists as the script writes them: end, video, the score's bits.
fn lines(lists: &[List]) -> String {
    let mut lines = String::new();
    for list in lists {
        for ranked in &list.best {
            let (end_ms, video, bits) = (list.end_ms, ranked.video, ranked.score.to_bits());
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{end_ms} {video} {bits:x}");
        }
    }
    lines
}
