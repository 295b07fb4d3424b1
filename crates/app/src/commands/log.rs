//! `riffle log`: the event log from outside. `ls`, `cat` and `verify` only read and may run beside a server;
//! `repair` wants the log for itself.
//!
//! What can be known of a log is the log's business; here it is only asked for and printed.

mod decoded;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use event_log::inspect::{Inspector, PartitionRange, Seen, SegmentInfo, Verified};
use event_log::{Repaired, Topic, TopicPartition, repair};
use serde_json::{Value, json};

use crate::cli::{LogCommand, LogOptions};
use crate::config::Config;
use crate::error::AppError;

/// The topics by name, in the order of their numbers.
const TOPICS: [(&str, u8); 8] = [
    ("views", event::topic::VIEWS),
    ("actions", event::topic::ACTIONS),
    ("context", event::topic::CONTEXT),
    ("served", event::topic::SERVED),
    ("videos", event::topic::VIDEOS),
    ("examples", event::topic::EXAMPLES),
    ("model", event::topic::MODEL),
    ("pools", event::topic::POOLS),
];

pub fn run(options: &LogOptions) -> Result<ExitCode, AppError> {
    let config = Config::load(options.config.as_deref(), std::env::vars())?;
    let folder = folder(options, &config)?;
    let mut out = io::stdout().lock();
    let done = match &options.command {
        LogCommand::Ls { partitions } => {
            let segments = Inspector::open(&folder)?.segments()?;
            list(&mut out, &segments, *partitions, options.json)
        }
        LogCommand::Cat {
            topic,
            partition,
            offset,
            count,
        } => {
            let of = TopicPartition {
                topic: topic_of(topic)?,
                partition: *partition,
            };
            let inspector = Inspector::open(&folder)?;
            let mut printed = Ok(());
            inspector.cat(of, *offset, &mut cat(&mut out, *count, &mut printed))?;
            printed.map(|()| ExitCode::SUCCESS)
        }
        LogCommand::Verify => {
            let verified = Inspector::open(&folder)?.verify()?;
            report(&mut out, &verified, options.json).map(|()| match verified.is_sound() {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        }
        LogCommand::Repair => {
            let repaired = repair(&folder, &crate::log::segment_config(&config.log))?;
            mended(&mut out, &repaired, options.json).map(|()| ExitCode::SUCCESS)
        }
    };
    match done {
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        done => done.map_err(AppError::io("write to", "the standard output".as_ref())),
    }
}

fn folder(options: &LogOptions, config: &Config) -> Result<PathBuf, AppError> {
    crate::log::folder(&options.data, config).ok_or_else(|| AppError::Settings {
        what: format!(
            "event_log = \"{}\" is not in a folder: look at it with the broker's own tools",
            config.event_log
        ),
    })
}

fn topic_of(text: &str) -> Result<Topic, AppError> {
    let named = TOPICS
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, number)| *number);
    let number = named.or_else(|| text.parse().ok());
    number.map(Topic).ok_or_else(|| AppError::Settings {
        what: format!(
            "\"{text}\" is no topic; there are {}, or a number",
            TOPICS.map(|(name, _)| name).join(", ")
        ),
    })
}

fn topic_name(topic: Topic) -> String {
    let named = TOPICS.iter().find(|(_, number)| *number == topic.0);
    named.map_or_else(|| topic.0.to_string(), |(name, _)| (*name).to_owned())
}

fn list(
    out: &mut impl Write,
    segments: &[SegmentInfo],
    partitions: bool,
    json: bool,
) -> io::Result<ExitCode> {
    if json {
        let segments: Vec<Value> = segments.iter().map(segment_json).collect();
        writeln!(out, "{}", Value::Array(segments))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "{:<24} {:>12} {:>12} {:>12} {:>14} {:>14}  state",
        "segment", "records", "bytes used", "of", "first ms", "newest ms"
    )?;
    for segment in segments {
        writeln!(
            out,
            "{:<24} {:>12} {:>12} {:>12} {:>14} {:>14}  {}",
            segment.name,
            segment.records,
            or_dash(segment.bytes_used),
            segment.bytes,
            or_dash(segment.first_ms),
            or_dash(segment.newest_ms),
            state(segment),
        )?;
        for range in segment
            .partitions
            .iter()
            .filter(|range| partitions && range.end > range.start)
        {
            writeln!(out, "    {}", range_text(range))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn or_dash(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

fn state(segment: &SegmentInfo) -> &'static str {
    match (segment.problem, segment.is_sealed) {
        (Some(problem), _) => problem,
        (None, true) => "sealed",
        (None, false) => "active",
    }
}

/// Prints what `cat` hands out, until `count` records or a failed write.
fn cat<'a>(
    out: &'a mut impl Write,
    count: u64,
    printed: &'a mut io::Result<()>,
) -> impl FnMut(Seen) -> ControlFlow<()> + 'a {
    let mut left = count;
    move |seen| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= u64::from(matches!(seen, Seen::Record(_)));
        let line = match seen {
            Seen::Record(record) => {
                let mut line = json!({
                    "topic": topic_name(record.from.topic), "partition": record.from.partition,
                    "offset": record.offset, "at_ms": record.at_ms,
                });
                match decoded::event(&record.payload) {
                    Some(event) => line["event"] = event,
                    None => line["hex"] = decoded::hex(&record.payload).into(),
                }
                line
            }
            Seen::Lost(range) => json!({ "lost": range_json(&range) }),
        };
        *printed = writeln!(out, "{line}");
        match printed.is_ok() && left > 0 {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}

/// What `verify` found.
fn report(out: &mut impl Write, verified: &Verified, json: bool) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", verified_json(verified));
    }
    writeln!(
        out,
        "{} segments, {} intact records, {} bytes",
        verified.segments, verified.records, verified.bytes
    )?;
    ranges_print(out, "given up by earlier repairs:", &verified.holes)?;
    if let Some(unfinished) = &verified.unfinished {
        writeln!(
            out,
            "{} at byte {}: {}; nobody was told that it was stored, and the next start cuts it off",
            unfinished.segment, unfinished.position, unfinished.reason
        )?;
    }
    for index in &verified.indexes_stale {
        writeln!(
            out,
            "{index} is missing or out of date; the next start writes it anew"
        )?;
    }
    for damage in &verified.damages {
        writeln!(
            out,
            "DAMAGED {} at byte {}: {}",
            damage.segment, damage.position, damage.reason
        )?;
    }
    if verified.damages_untold > 0 {
        writeln!(out, "DAMAGED in {} more places", verified.damages_untold)?;
    }
    if verified.is_sound() {
        return writeln!(out, "sound");
    }
    lost_print(out, "a repair would give up", verified)?;
    writeln!(
        out,
        "restore the damaged files from a copy, or stop the server and run `riffle log repair`"
    )
}

/// What `repair` did.
fn mended(out: &mut impl Write, repaired: &Repaired, json: bool) -> io::Result<()> {
    if json {
        let mended = json!({
            "found": verified_json(&repaired.found), "rewritten": repaired.rewritten, "kept": repaired.kept,
            "indexes_removed": repaired.indexes_removed,
        });
        return writeln!(out, "{mended}");
    }
    if repaired.rewritten.is_empty() && repaired.indexes_removed.is_empty() {
        return writeln!(out, "the log is sound; nothing was changed");
    }
    for (segment, kept) in repaired.rewritten.iter().zip(&repaired.kept) {
        writeln!(
            out,
            "{segment} was written anew; the damaged file is kept as {kept}"
        )?;
    }
    for index in &repaired.indexes_removed {
        writeln!(
            out,
            "{index} contradicted its segment and was removed; the next start writes it anew"
        )?;
    }
    lost_print(out, "given up:", &repaired.found)?;
    writeln!(
        out,
        "the server may start again; jobs count what they miss and go on behind it"
    )
}

fn lost_print(out: &mut impl Write, what: &str, verified: &Verified) -> io::Result<()> {
    ranges_print(out, what, &verified.lost)?;
    if verified.lost_unattributed > 0 {
        writeln!(
            out,
            "    of them {} records whose partition is not known: so many offsets are passed over in each",
            verified.lost_unattributed
        )?;
    }
    if verified.lost.is_empty() {
        writeln!(out, "no record is lost")?;
    }
    Ok(())
}

fn ranges_print(out: &mut impl Write, what: &str, ranges: &[PartitionRange]) -> io::Result<()> {
    if ranges.is_empty() {
        return Ok(());
    }
    writeln!(out, "{what}")?;
    ranges
        .iter()
        .try_for_each(|range| writeln!(out, "    {}", range_text(range)))
}

fn range_text(range: &PartitionRange) -> String {
    format!(
        "{}:{} offsets {} to {} ({})",
        topic_name(range.of.topic),
        range.of.partition,
        range.start,
        range.end - 1,
        range.end - range.start
    )
}

fn range_json(range: &PartitionRange) -> Value {
    json!({
        "topic": topic_name(range.of.topic), "partition": range.of.partition,
        "start": range.start, "end": range.end,
    })
}

fn segment_json(segment: &SegmentInfo) -> Value {
    json!({
        "segment": segment.name, "sealed": segment.is_sealed, "records": segment.records,
        "bytes": segment.bytes, "bytes_used": segment.bytes_used, "first_ms": segment.first_ms,
        "newest_ms": segment.newest_ms, "problem": segment.problem,
        "partitions": segment.partitions.iter().map(range_json).collect::<Vec<_>>(),
    })
}

fn verified_json(verified: &Verified) -> Value {
    let place = |damage: &event_log::inspect::Damage| json!({ "segment": damage.segment, "position": damage.position, "reason": damage.reason });
    json!({
        "sound": verified.is_sound(), "segments": verified.segments, "records": verified.records,
        "bytes": verified.bytes,
        "damages": verified.damages.iter().map(place).collect::<Vec<_>>(),
        "damages_untold": verified.damages_untold,
        "lost": verified.lost.iter().map(range_json).collect::<Vec<_>>(),
        "lost_unattributed": verified.lost_unattributed,
        "holes": verified.holes.iter().map(range_json).collect::<Vec<_>>(),
        "unfinished": verified.unfinished.as_ref().map(place),
        "indexes_stale": verified.indexes_stale,
    })
}
