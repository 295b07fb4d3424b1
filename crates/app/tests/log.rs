//! `riffle log` as a person runs it: on a sound log, on a damaged one, and on none.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use event::{Action, ActionKind, Event};
use event_log::conformance::settle;
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use testkit::Value;
use types::{UserId, VideoId};

const RECORDS: u64 = 300;
const SEGMENT: &str = "00000000000000000000.seg";
/// A topic that this program does not know, of one that came after it.
const NAMELESS: u8 = 15;

fn with_a_topic_of_no_name() -> SegmentLogConfig {
    SegmentLogConfig {
        topics: NAMELESS + 1,
        ..SegmentLogConfig::default()
    }
}

/// A log of likes in one partition and of opaque bytes in another.
fn write_log(data: &Path) {
    let config = SegmentLogConfig {
        segment_bytes: 128 << 10,
        group_bytes_max: 16 << 10,
        record_bytes_max: 8 << 10,
        ..with_a_topic_of_no_name()
    };
    let log = SegmentLog::open(&data.join("log"), config).expect("it opens");
    for serial in 0..RECORDS {
        let like = Event::Action(Action {
            outbox_id: serial,
            actor: UserId::from_raw(7),
            at_ms: serial as i64,
            kind: ActionKind::Like,
            video: Some(VideoId::from_raw(9)),
            target: None,
            region: None,
        });
        let record = |topic, payload: Vec<u8>| Append {
            to: TopicPartition {
                topic: Topic(topic),
                partition: 3,
            },
            at_ms: 1_000 + serial as i64,
            payload: payload.into(),
        };
        let batch = vec![
            record(event::topic::ACTIONS, like.encode()),
            record(NAMELESS, vec![0xab; 3]),
        ];
        settle(log.append(batch).expect("accepted")).expect("durable");
    }
}

fn riffle(data: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riffle"));
    command
        .arg("log")
        .args(arguments.split_whitespace())
        .arg("--data")
        .arg(data);
    command.output().expect("the binary runs")
}

/// What it printed, after checking how it ended.
fn said(data: &Path, arguments: &str, exit_code: i32) -> String {
    let output = riffle(data, arguments);
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit_code), "{arguments}: {text}");
    text
}

fn json(data: &Path, arguments: &str, exit_code: i32) -> Value {
    let text = said(data, &format!("{arguments} --json"), exit_code);
    serde_json::from_str(&text).expect("JSON")
}

fn lines(data: &Path, arguments: &str) -> Vec<Value> {
    let text = said(data, arguments, 0);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_log_is_listed_and_printed_also_while_it_is_open() {
    let data = tempfile::tempdir().expect("a folder");
    write_log(data.path());
    let _held = SegmentLog::open(&data.path().join("log"), with_a_topic_of_no_name()).expect("it opens");
    let segments = json(data.path(), "ls", 0);
    let segments = segments.as_array().expect("a list");
    assert!(segments.len() > 1, "{segments:?}");
    let records: u64 = segments
        .iter()
        .filter_map(|segment| segment["records"].as_u64())
        .sum();
    assert_eq!(records, 2 * RECORDS);
    let table = said(data.path(), "ls --partitions", 0);
    for expect in [
        SEGMENT,
        "sealed",
        "active",
        "actions:3 offsets 0 to",
        "15:3 offsets 0 to",
    ] {
        assert!(table.contains(expect), "{expect}: {table}");
    }
    let likes = lines(
        data.path(),
        "cat --topic actions --partition 3 --offset 120 --count 2",
    );
    assert_eq!(likes.len(), 2);
    assert_eq!(
        (likes[0]["offset"].as_u64(), likes[0]["at_ms"].as_u64()),
        (Some(120), Some(1_120))
    );
    assert_eq!(likes[1]["event"]["kind"], "Like");
    assert_eq!(likes[1]["event"]["video"], VideoId::from_raw(9).to_string());
    let opaque = lines(data.path(), "cat --topic 15 --partition 3 --offset 299");
    assert_eq!((opaque.len(), opaque[0]["hex"].as_str()), (1, Some("ababab")));
    assert!(said(data.path(), "cat --topic songs", 1).contains("is no topic"));
    assert!(said(data.path(), "cat --topic 200", 1).contains("no segment holds"));
    assert!(said(data.path(), "verify", 0).contains("sound"));
    assert!(said(data.path(), "repair", 1).contains("in use by another process"));
}

#[test]
fn a_damaged_log_is_told_and_mended() {
    let data = tempfile::tempdir().expect("a folder");
    write_log(data.path());
    let path = data.path().join("log").join(SEGMENT);
    let mut bytes = fs::read(&path).expect("the first segment");
    // The first byte of a payload in the tenth group; a group of two records takes one sector here.
    let at = bytes
        .windows(3)
        .rposition(|bytes| bytes == [0xab; 3])
        .expect("a payload");
    bytes[at] ^= 1;
    fs::write(&path, &bytes).expect("it is ours");

    let verified = json(data.path(), "verify", 1);
    assert_eq!(verified["damages"][0]["segment"], SEGMENT);
    let lost = &verified["lost"][0];
    assert_eq!(
        (lost["topic"].as_str(), lost["partition"].as_u64()),
        (Some("15"), Some(3))
    );
    let start = lost["start"].as_u64().expect("an offset");
    assert_eq!(lost["end"].as_u64(), Some(start + 1), "one record is lost");
    let told = said(data.path(), "verify", 1);
    assert!(
        told.contains("DAMAGED") && told.contains("riffle log repair"),
        "{told}"
    );
    let mended = said(data.path(), "repair", 0);
    assert!(mended.contains(&format!("{SEGMENT}.damaged")), "{mended}");
    assert!(
        mended.contains(&format!("15:3 offsets {start} to {start} (1)")),
        "{mended}"
    );
    assert_eq!(
        fs::read(path.with_extension("seg.damaged")).expect("it was kept"),
        bytes
    );

    assert!(said(data.path(), "verify", 0).contains("given up by earlier repairs"));
    let around = lines(
        data.path(),
        &format!("cat --topic 15 --partition 3 --offset {} --count 2", start - 1),
    );
    assert_eq!(around.len(), 3, "a record, the hole, a record: {around:?}");
    assert_eq!(around[1]["lost"]["start"].as_u64(), Some(start));
    assert!(said(data.path(), "repair", 0).contains("nothing was changed"));
    SegmentLog::open(&data.path().join("log"), with_a_topic_of_no_name()).expect("it starts again");
}

#[test]
fn where_there_is_no_log_it_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    for command in ["ls", "verify", "repair", "cat --topic views"] {
        assert!(
            said(data.path(), command, 1).contains("there is no log in"),
            "{command}"
        );
    }
    assert!(!data.path().join("log").exists(), "looking makes nothing");
}
