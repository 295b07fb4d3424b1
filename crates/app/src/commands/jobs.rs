//! `riffle jobs`: the checkpoints of stream jobs, seen and changed from outside.
//!
//! Reading and changing works on the data folder, with or without a server on it: a change is one more checkpoint, which
//! fences the job in a running server, so stop that first and start it afterwards. `checkpoint` alone needs a running server.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::{Topic, TopicPartition};
use stream::keyed::{FolderObjects, JobTools, Manifest};

use crate::cli::{JobsCommand, JobsOptions};
use crate::error::AppError;
use crate::process;
use crate::wire::now_ms;

/// A checkpoint that was asked for has this long to appear.
const CHECKPOINT_WAIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub fn run(options: &JobsOptions) -> Result<ExitCode, AppError> {
    let data = &options.data;
    let tools = JobTools::new(Arc::new(FolderObjects::new(data.join("blobs"))));
    match &options.command {
        JobsCommand::Ls { json } => list(&tools, *json)?,
        JobsCommand::Lag { json } => lag(&tools, data, *json)?,
        JobsCommand::Checkpoint => checkpoint(&tools, data)?,
        JobsCommand::Restore { job, version } => {
            let version = tools
                .restore(job, *version)
                .map_err(AppError::start("the restore"))?;
            println!("{job}: checkpoint {version} is the newest now; start the server to go on from it");
        }
        JobsCommand::Replay { job, from } => {
            let from = from
                .iter()
                .map(|text| offset(text))
                .collect::<Result<Vec<_>, _>>()?;
            let version = tools.replay(job, &from).map_err(AppError::start("the replay"))?;
            println!("{job}: checkpoint {version} is empty; start the server to read the log anew");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every job with its checkpoints, oldest first.
fn all(tools: &JobTools) -> Result<Vec<(String, Vec<Manifest>)>, AppError> {
    let failed = || AppError::start("reading the checkpoints");
    let names = tools.jobs().map_err(failed())?;
    let with_checkpoints = names.into_iter().map(|job| {
        let checkpoints = tools.checkpoints(&job).map_err(failed())?;
        Ok((job, checkpoints))
    });
    with_checkpoints.collect()
}

fn list(tools: &JobTools, json: bool) -> Result<(), AppError> {
    let jobs = all(tools)?;
    if json {
        let jobs: serde_json::Map<_, _> = jobs
            .into_iter()
            .map(|(job, checkpoints)| (job, serde_json::json!(checkpoints)))
            .collect();
        println!("{}", serde_json::Value::Object(jobs));
        return Ok(());
    }
    println!(
        "{:<12} {:>9} {:>6} {:>12} {:>8} {:>12} {:>14}",
        "job", "version", "epoch", "age", "objects", "bytes", "records read"
    );
    for (job, checkpoints) in jobs {
        for manifest in checkpoints {
            let age_s = (now_ms() - manifest.at_ms) / 1_000;
            let read: u64 = manifest.offsets.iter().map(|offset| offset.next).sum();
            println!(
                "{job:<12} {:>9} {:>6} {:>10} s {:>8} {:>12} {read:>14}",
                manifest.version,
                manifest.epoch,
                age_s,
                manifest.objects.len(),
                manifest.bytes(),
            );
        }
    }
    Ok(())
}

/// How far each job's newest checkpoint is behind the log, by partition.
fn lag(tools: &JobTools, data: &Path, json: bool) -> Result<(), AppError> {
    let ends = event_log::inspect::ends(&data.join("log")).map_err(AppError::start("reading the log"))?;
    let mut rows = Vec::new();
    for (job, checkpoints) in all(tools)? {
        let Some(newest) = checkpoints.last() else {
            continue;
        };
        for offset in &newest.offsets {
            let end = ends
                .iter()
                .find(|(of, _)| *of == offset.from())
                .map_or(0, |(_, end)| *end);
            let behind = end.saturating_sub(offset.next);
            rows.push(serde_json::json!({
                "job": job, "topic": offset.topic, "partition": offset.partition,
                "next": offset.next, "end": end, "behind": behind,
            }));
        }
    }
    if json {
        println!("{}", serde_json::Value::Array(rows));
        return Ok(());
    }
    println!("behind the log as of each job's newest checkpoint; a running job is ahead of it");
    println!(
        "{:<12} {:>6} {:>10} {:>14} {:>14} {:>10}",
        "job", "topic", "partition", "next", "end", "behind"
    );
    for row in rows {
        println!(
            "{:<12} {:>6} {:>10} {:>14} {:>14} {:>10}",
            row["job"].as_str().unwrap_or_default(),
            row["topic"],
            row["partition"],
            row["next"],
            row["end"],
            row["behind"],
        );
    }
    Ok(())
}

/// Asks the running server for a checkpoint of every job, and waits until they are published.
fn checkpoint(tools: &JobTools, data: &Path) -> Result<(), AppError> {
    let newest = |(job, checkpoints): (String, Vec<Manifest>)| {
        (job, checkpoints.last().map_or(0, |manifest| manifest.version))
    };
    let before: Vec<(String, u64)> = all(tools)?.into_iter().map(newest).collect();
    process::checkpoint_request(data)?;
    let asked = Instant::now();
    loop {
        let now: Vec<(String, u64)> = all(tools)?.into_iter().map(newest).collect();
        let waiting = before
            .iter()
            .find(|(job, version)| now.iter().any(|(name, new)| name == job && new <= version));
        let Some((job, _)) = waiting else {
            now.iter()
                .for_each(|(job, version)| println!("{job}: checkpoint {version}"));
            return Ok(());
        };
        if asked.elapsed() > CHECKPOINT_WAIT {
            return Err(AppError::Settings {
                what: format!(
                    "job {job} made no checkpoint within {} s; look at the server's log",
                    CHECKPOINT_WAIT.as_secs()
                ),
            });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// `TOPIC:PARTITION:OFFSET`, all numbers.
fn offset(text: &str) -> Result<(TopicPartition, u64), AppError> {
    let parse = || {
        let mut parts = text.split(':');
        let topic = Topic(parts.next()?.parse().ok()?);
        let partition = parts.next()?.parse().ok()?;
        let offset = parts.next()?.parse().ok()?;
        parts
            .next()
            .is_none()
            .then_some((TopicPartition { topic, partition }, offset))
    };
    parse().ok_or_else(|| AppError::Settings {
        what: format!("--from {text} is not TOPIC:PARTITION:OFFSET, such as 0:3:1200"),
    })
}
