//! The embedded log against the conformance suite, and its own promises about files.
//!
//! Crashes are in `crash.rs`.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use event_log::conformance::{all, read_all, retaining, settle};
use event_log::disk::{Disk, SimDisk, SimFaults};
use event_log::{
    Append, Clock, EventLog, OpenError, Promise, ReadError, Record, SegmentLog, SegmentLogConfig, Stepper,
    Topic, TopicPartition,
};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use parking_lot::Mutex;

/// Segments so small that every case rolls, and no cache unless a row asks for one.
fn small() -> SegmentLogConfig {
    SegmentLogConfig {
        partitions: 2,
        topics: 2,
        segment_bytes: 256 << 10,
        record_bytes_max: 64 << 10,
        group_bytes_max: 66 << 10,
        cache_bytes_max: 0,
        ..SegmentLogConfig::default()
    }
}

fn of(topic: u8, partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(topic),
        partition,
    }
}

/// Appends `count` records of 1 000 bytes, one group each, telling serials apart.
fn fill(log: &SegmentLog, to: TopicPartition, serials: std::ops::Range<u32>) {
    for serial in serials {
        let mut payload = serial.to_le_bytes().to_vec();
        payload.resize(1000, 0xab);
        let batch = vec![Append {
            to,
            at_ms: i64::from(serial),
            payload: payload.into(),
        }];
        settle(log.append(batch).expect("accepted")).expect("durable");
    }
}

fn serials(records: &[Record]) -> Vec<i64> {
    records.iter().map(|record| record.at_ms).collect()
}

fn segments(dir: &Path, suffix: &str) -> Vec<String> {
    let names = std::fs::read_dir(dir).expect("the folder is there");
    let names = names.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("an ascii name")
    });
    let mut names: Vec<String> = names.filter(|name| name.ends_with(suffix)).collect();
    names.sort();
    names
}

#[test]
fn conformance_in_a_folder_with_and_without_a_cache() {
    for cache_bytes_max in [0, 1 << 20] {
        let dir = tempfile::tempdir().expect("a folder");
        all(&|name| {
            let config = SegmentLogConfig {
                cache_bytes_max,
                ..small()
            };
            Arc::new(SegmentLog::open(&dir.path().join(name), config).expect("it opens"))
        });
    }
}

#[test]
fn conformance_on_the_simulated_disk() {
    let disks = Mutex::new(HashMap::new());
    all(&|name| {
        let mut disks = disks.lock();
        let disk = disks
            .entry(name.to_owned())
            .or_insert_with(|| SimDisk::new(SimFaults::default()));
        Arc::new(SegmentLog::open_on(Arc::new(disk.clone()), small()).expect("it opens"))
    });
}

#[test]
fn conformance_of_retention() {
    let dir = tempfile::tempdir().expect("a folder");
    retaining(&|name| {
        let config = SegmentLogConfig {
            retention_bytes: Some(1 << 20),
            prepare_ahead: false,
            ..small()
        };
        Arc::new(SegmentLog::open(&dir.path().join(name), config).expect("it opens"))
    });
}

#[test]
fn a_folder_is_held_by_one_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let held = SegmentLog::open(dir.path(), small()).expect("it opens");
    assert!(matches!(
        SegmentLog::open(dir.path(), small()),
        Err(OpenError::Locked { .. })
    ));
    drop(held);
    SegmentLog::open(dir.path(), small()).expect("it is free again");
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let check = |config: SegmentLogConfig| {
        let opened = SegmentLog::open_on(Arc::new(SimDisk::new(SimFaults::default())), config.clone());
        assert!(
            matches!(opened.map(drop), Err(OpenError::Config(_))),
            "{config:?}"
        );
    };
    check(SegmentLogConfig {
        partitions: 0,
        ..small()
    });
    check(SegmentLogConfig {
        partitions: 40_000,
        ..small()
    });
    check(SegmentLogConfig {
        segment_bytes: 66 << 10,
        ..small()
    });
    check(SegmentLogConfig {
        segment_bytes: 1 << 33,
        ..small()
    });
    check(SegmentLogConfig {
        record_bytes_max: 67 << 10,
        ..small()
    });
    check(SegmentLogConfig {
        queue_bytes_max: 1 << 10,
        ..small()
    });
    check(SegmentLogConfig {
        group_records_max: 0,
        ..small()
    });
}

#[test]
fn indexes_are_rebuilt_when_missing_or_bad() {
    let dir = tempfile::tempdir().expect("a folder");
    fill(
        &SegmentLog::open(dir.path(), small()).expect("it opens"),
        of(0, 1),
        0..600,
    );
    let indexes = segments(dir.path(), ".idx");
    assert!(
        indexes.len() >= 3 && segments(dir.path(), ".seg").len() == indexes.len() + 1,
        "{indexes:?}"
    );
    let original = std::fs::read(dir.path().join(&indexes[1])).expect("an index");
    for damage in [None, Some(Vec::new()), Some(vec![7; 100])] {
        let path = dir.path().join(&indexes[1]);
        match damage {
            None => std::fs::remove_file(&path).expect("it is there"),
            Some(bytes) => std::fs::write(&path, bytes).expect("it is ours"),
        }
        let log = SegmentLog::open(dir.path(), small()).expect("an index is never needed");
        assert_eq!(serials(&read_all(&log, of(0, 1))), (0..600).collect::<Vec<_>>());
        assert_eq!(std::fs::read(&path).expect("it was written again"), original);
    }
}

#[test]
fn retention_by_bytes_removes_whole_segments_and_says_so() {
    let config = SegmentLogConfig {
        retention_bytes: Some(512 << 10),
        prepare_ahead: false,
        ..small()
    };
    let disk = SimDisk::new(SimFaults::default());
    let log = SegmentLog::open_on(Arc::new(disk.clone()), config.clone()).expect("it opens");
    fill(&log, of(1, 0), 0..1);
    fill(&log, of(0, 0), 0..900);
    let start = log.start(of(0, 0));
    assert!(start > 200, "{start}");
    assert!(
        matches!(log.read(of(0, 0), start - 1, 1), Err(ReadError::Trimmed { first, .. }) if first == start)
    );
    assert_eq!(
        serials(&read_all(&log, of(0, 0))),
        (start as i64..900).collect::<Vec<_>>()
    );
    // A partition with nothing left still goes on counting, also after a restart.
    assert_eq!((log.start(of(1, 0)), log.end(of(1, 0))), (1, 1));
    drop(log);
    let log = SegmentLog::open_on(Arc::new(disk), config).expect("it opens");
    assert_eq!((log.start(of(0, 0)), log.end(of(1, 0))), (start, 1));
}

#[test]
fn a_log_with_retention_lives_in_the_same_few_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = SegmentLogConfig {
        retention_bytes: Some(512 << 10),
        ..small()
    };
    let log = SegmentLog::open(dir.path(), config).expect("it opens");
    let mut files = std::collections::HashSet::new();
    let mut names = std::collections::HashSet::new();
    for round in 0..40 {
        fill(&log, of(0, 0), round * 60..(round + 1) * 60);
        for name in segments(dir.path(), ".seg") {
            let inode = std::fs::metadata(dir.path().join(&name)).map(|metadata| metadata.ino());
            // The keeper may have renamed it since it was listed.
            files.extend(inode.ok());
            names.insert(name);
        }
    }
    // Two sealed, one active, a spare, and the ones that were sealed before the first was removed.
    assert!(
        names.len() >= 10 && files.len() <= 6,
        "{} names on {} files",
        names.len(),
        files.len()
    );
}

#[test]
fn retention_by_time_keeps_what_is_newer() {
    let config = SegmentLogConfig {
        prepare_ahead: false,
        ..small()
    };
    let log = SegmentLog::open_on(Arc::new(SimDisk::new(SimFaults::default())), config).expect("it opens");
    fill(&log, of(0, 0), 0..600);
    assert_eq!(log.trim_before(0), 0);
    assert!(log.trim_before(300) >= 1);
    let start = log.start(of(0, 0));
    assert!((1..=300).contains(&start), "{start}");
    log.trim_before(i64::MAX);
    assert!(log.start(of(0, 0)) < 600, "the active segment stays");
}

#[test]
fn retention_by_time_removes_what_is_old_and_nobody_holds() {
    let disk = SimDisk::new(SimFaults::default());
    let clock = disk.clock();
    let config = SegmentLogConfig {
        retention_ms: Some(800_000),
        clock: Arc::new(clock.clone()),
        ..small()
    };
    let open = || SegmentLog::open_stepped(Arc::new(disk.clone()), config.clone()).expect("it opens");
    let (log, mut stepper) = open();
    let append_later = |log: &SegmentLog, stepper: &mut Stepper, at_ms: Option<i64>| {
        clock.advance(Duration::from_secs(100));
        let record = Append {
            to: of(0, 0),
            at_ms: at_ms.unwrap_or_else(|| clock.now_ms()),
            payload: Bytes::from_static(b"x"),
        };
        drop(log.append(vec![record]).expect("accepted"));
        assert!(stepper.step());
    };
    log.retain("slow", &[(of(0, 0), 0)]);
    (0..36).for_each(|_| append_later(&log, &mut stepper, None));
    assert_eq!(log.start(of(0, 0)), 0, "it is held");
    // Each record has a segment of its own: an eighth of the time has passed since the one before.
    assert_eq!(segments_on(&disk).len(), 36);
    log.retain("slow", &[(of(0, 0), 36)]);
    append_later(&log, &mut stepper, None);
    let kept = log.end(of(0, 0)) - log.start(of(0, 0));
    assert_eq!(kept, 8, "one for each hundred seconds");
    stepper.close();
    let (log, mut stepper) = open();
    append_later(&log, &mut stepper, Some(i64::MAX));
    (0..12).for_each(|_| append_later(&log, &mut stepper, None));
    let kept = log.end(of(0, 0)) - log.start(of(0, 0));
    assert_eq!(
        kept, 8,
        "a record from the future went as if it were from its day"
    );
}

fn segments_on(disk: &SimDisk) -> Vec<String> {
    let mut names = disk.names().expect("a simulated disk lists");
    names.retain(|name| name.ends_with(".seg"));
    names.sort();
    names
}

#[test]
fn a_failed_write_counts_what_memory_had_promised() {
    let counts = Counts::default();
    let disk = SimDisk::new(SimFaults::default());
    let (log, mut stepper) = SegmentLog::open_stepped(Arc::new(disk.clone()), small()).expect("it opens");
    metrics::with_local_recorder(&counts, || {
        let promise = |count| {
            for _ in 0..count {
                let record = Append {
                    to: of(0, 0),
                    at_ms: 0,
                    payload: Bytes::from_static(b"x"),
                };
                settle(
                    log.append_promised(vec![record], Promise::Memory)
                        .expect("accepted"),
                )
                .expect("promised");
            }
        };
        promise(3);
        assert!(stepper.step());
        promise(5);
        disk.faults_set(SimFaults {
            sync_fails_at: Some(disk.syncs()),
            ..SimFaults::default()
        });
        assert!(!stepper.step());
    });
    let count = |name: &str| {
        counts
            .0
            .lock()
            .get(name)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    };
    assert_eq!(count("riffle_event_log_memory_promised_records_total"), 3);
    assert_eq!(count("riffle_event_log_memory_lost_records_total"), 5);
}

/// Counters only.
#[derive(Default)]
struct Counts(Mutex<HashMap<String, Arc<AtomicU64>>>);

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.0.lock().entry(key.name().to_owned()).or_default().clone())
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn damage_is_refused_with_the_way_out() {
    let disk = SimDisk::new(SimFaults::default());
    let log = SegmentLog::open_on(Arc::new(disk.clone()), small()).expect("it opens");
    fill(&log, of(0, 0), 0..3);
    drop(log);
    disk.tamper("00000000000000000000.seg", |bytes| bytes[512 + 100] ^= 1);
    let refused = SegmentLog::open_on(Arc::new(disk), small()).map(drop);
    let told = refused.expect_err("a durable record is damaged").to_string();
    assert!(
        told.contains("at byte 512") && told.contains("riffle log repair"),
        "{told}"
    );
}

#[test]
fn partitions_may_grow_and_never_shrink() {
    let disk = SimDisk::new(SimFaults::default());
    let open = |partitions| {
        SegmentLog::open_on(
            Arc::new(disk.clone()),
            SegmentLogConfig {
                partitions,
                ..small()
            },
        )
    };
    fill(&open(2).expect("it opens"), of(1, 1), 0..600);
    let grown = open(5).expect("more partitions are fine");
    assert_eq!(read_all(&grown, of(1, 1)).len(), 600);
    fill(&grown, of(0, 4), 0..3);
    drop(grown);
    assert!(matches!(open(2), Err(OpenError::UnknownPartition(at)) if at == of(0, 4)));
    assert_eq!(read_all(&open(5).expect("as it was"), of(0, 4)).len(), 3);
}

#[test]
fn a_missing_segment_is_refused() {
    let disk = SimDisk::new(SimFaults::default());
    fill(
        &SegmentLog::open_on(Arc::new(disk.clone()), small()).expect("it opens"),
        of(0, 0),
        0..900,
    );
    let mut names = disk.names().expect("a simulated disk lists");
    names.retain(|name| name.ends_with(".seg"));
    names.sort();
    disk.remove(&names[1]).expect("it is there");
    assert!(matches!(
        SegmentLog::open_on(Arc::new(disk), small()),
        Err(OpenError::Damaged { .. })
    ));
}

#[test]
fn a_payload_that_looks_like_a_group_does_not_stop_a_start() {
    let disk = SimDisk::new(SimFaults::default());
    let config = SegmentLogConfig {
        prepare_ahead: false,
        ..small()
    };
    fill(
        &SegmentLog::open_on(Arc::new(disk.clone()), config.clone()).expect("it opens"),
        of(0, 0),
        0..3,
    );
    // A real group copied, with its place, into the middle of what a torn write left behind.
    disk.tamper("00000000000000000000.seg", |bytes| {
        let group = bytes[512..1024].to_vec();
        bytes[8192..8704].copy_from_slice(&group);
    });
    let log = SegmentLog::open_on(Arc::new(disk), config).expect("a stale group is not a later group");
    assert_eq!(serials(&read_all(&log, of(0, 0))), [0, 1, 2]);
    settle(
        log.append(vec![Append {
            to: of(0, 0),
            at_ms: 3,
            payload: Bytes::new(),
        }])
        .expect("ok"),
    )
    .expect("ok");
}
