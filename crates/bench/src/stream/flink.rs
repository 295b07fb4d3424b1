//! Flink beside us: the script of `deploy/flink-bench` on the same events, once a variant, and whether its lists are ours.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::lists::List;
use super::{Ours, Run, input, warm_up};
use crate::figures::Figures;
use crate::peers::figures_of;
use crate::{BenchError, Setup};

/// Name in the figures, what the script calls it, tasks of each kind, and whether one video takes all events.
///
/// `totals` is written by hand for this one question and Flink's best; `sliding` is how its documentation does it.
const VARIANTS: [(&str, &str, usize, bool); 4] = [
    ("totals", "totals", 1, false),
    ("totals_p2", "totals", 2, false),
    ("superstar", "totals", 1, true),
    ("sliding", "sliding", 1, false),
];
const WHO: &str = "Flink";

/// Measures every variant over all `events`. The best of those on Zipf's law counts as Flink's figure.
pub(crate) fn run(
    setup: &Setup,
    input: &Path,
    events: u64,
    ours: &Ours,
    figures: &mut Figures,
) -> Result<(), BenchError> {
    let script = setup.root.join("deploy/flink-bench/run");
    let fetched = Command::new(&script).arg("fetch").stdin(Stdio::null()).status();
    let fetched = fetched.map_err(BenchError::io("running deploy/flink-bench"))?;
    if !fetched.success() {
        println!("Flink is not measured; what it lacks is said above");
        return Ok(());
    }
    let mut best = 0.0_f64;
    for (name, variant, parallelism, is_superstar) in VARIANTS {
        let lists = input.join(format!("{name}.lists"));
        let video = if is_superstar { input::SUPERSTAR as i64 } else { -1 };
        let settings = [
            format!("variant={variant}"),
            format!("parallelism={parallelism}"),
            format!("video={video}"),
            format!("warm_up={}", warm_up(events)),
        ];
        let told = job(&script, input, &lists, &settings)?;
        let figure = |key: &str| told[key].as_f64().unwrap_or(0.0);
        for key in ["events_per_s_core", "events_per_s"] {
            figures.add(&format!("stream.flink.{name}.{key}"), figure(key));
        }
        if !is_superstar {
            best = best.max(figure("events_per_s_core"));
        }
        let counterpart = if is_superstar {
            &ours.superstar
        } else {
            &ours.uniform
        };
        compare(name, &lists, counterpart.as_ref())?;
    }
    figures.add("stream.flink.events_per_s_core", best);
    if let Some(uniform) = &ours.uniform {
        figures.add("stream.of_flink", uniform.events_per_s_core() / best);
    }
    Ok(())
}

fn compare(name: &str, theirs: &Path, ours: Option<&Run>) -> Result<(), BenchError> {
    let theirs = std::fs::read_to_string(theirs).map_err(BenchError::io("reading Flink's lists"))?;
    match ours {
        Some(ours) if lines(&ours.lists) != theirs => {
            let text = format!("the lists of {name} are not ours");
            Err(BenchError::Peer(WHO, text))
        }
        _ => Ok(()),
    }
}

/// Runs the script; the last line that it prints is its figures.
fn job(script: &Path, input: &Path, lists: &Path, settings: &[String]) -> Result<Value, BenchError> {
    let mut command = Command::new(script);
    command.arg("job").arg(input).arg(lists).args(settings);
    figures_of(&mut command, WHO)
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
