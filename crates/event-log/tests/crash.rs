//! Power cuts, torn writes, failed syncs, full disks and flipped bits, each under a seed.
//!
//! The rule: what was acknowledged is there exactly once and in order, or the log says what is wrong.

use std::path::Path;
use std::sync::Arc;

use event_log::conformance::{read_all, settle};
use event_log::disk::{Disk, SimDisk, SimFaults, SplitMix};
use event_log::{
    Append, AppendError, EventLog, OpenError, ReadError, SegmentLog, SegmentLogConfig, Topic, TopicPartition,
};

const PARTITIONS: u16 = 3;

fn config() -> SegmentLogConfig {
    SegmentLogConfig {
        partitions: PARTITIONS,
        topics: 1,
        segment_bytes: 16 << 10,
        record_bytes_max: 2 << 10,
        group_bytes_max: 6 << 10,
        queue_bytes_max: 64 << 10,
        cache_bytes_max: 0,
        prepare_ahead: false,
        ..SegmentLogConfig::default()
    }
}

fn of(partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(0),
        partition,
    }
}

/// What was appended to each partition, and how much of it was acknowledged.
#[derive(Default, Clone)]
struct Ledger {
    appended: [Vec<(i64, Vec<u8>)>; PARTITIONS as usize],
    acknowledged: [usize; PARTITIONS as usize],
    serial: i64,
}

impl Ledger {
    fn batch(&mut self, random: &mut SplitMix) -> Vec<Append> {
        let records = 1 + random.below(6);
        (0..records).map(|_| self.record(random)).collect()
    }

    fn record(&mut self, random: &mut SplitMix) -> Append {
        let partition = random.below(u64::from(PARTITIONS)) as u16;
        let bytes = random.below(1500) as usize;
        let payload = (random.draw() | 0x0101_0101_0101_0101)
            .to_le_bytes()
            .repeat(bytes / 8);
        self.serial += 1;
        self.appended[usize::from(partition)].push((self.serial, payload.clone()));
        Append {
            to: of(partition),
            at_ms: self.serial,
            payload: payload.into(),
        }
    }

    fn acknowledge(&mut self) {
        self.acknowledged = [0, 1, 2].map(|partition: usize| self.appended[partition].len());
    }

    /// Checks the log against the ledger, then forgets what was neither acknowledged nor kept.
    fn check(&mut self, log: &SegmentLog, seed: u64) {
        for partition in 0..PARTITIONS {
            let appended = &mut self.appended[usize::from(partition)];
            let records = read_all(log, of(partition));
            let kept: Vec<(i64, Vec<u8>)> = records.iter().map(|r| (r.at_ms, r.payload.to_vec())).collect();
            let start = log.start(of(partition)) as usize;
            let end = start + kept.len();
            let acknowledged = self.acknowledged[usize::from(partition)];
            assert!(end >= acknowledged, "seed {seed}: lost acknowledged records");
            assert_eq!(
                kept,
                appended[start..end.min(appended.len())],
                "seed {seed}: not what was appended"
            );
            let mut numbered = records.iter().zip(start as u64..);
            assert!(numbered.all(|(record, due)| record.offset == due), "seed {seed}");
            appended.truncate(end);
        }
        self.acknowledge();
    }
}

/// Appends up to `batches` one after the other; stops where the disk does.
fn run(
    log: &SegmentLog,
    ledger: &mut Ledger,
    random: &mut SplitMix,
    batches: u64,
) -> Result<(), AppendError> {
    for _ in 0..batches {
        let batch = ledger.batch(random);
        settle(log.append(batch)?)?;
        ledger.acknowledge();
    }
    Ok(())
}

fn open(disk: &SimDisk) -> Result<SegmentLog, OpenError> {
    SegmentLog::open_on(Arc::new(disk.clone()), config())
}

/// As [`open`], keeping so little that segments are recycled all the time.
fn open_short(disk: &SimDisk) -> Result<SegmentLog, OpenError> {
    let config = SegmentLogConfig {
        retention_bytes: Some(40 << 10),
        ..config()
    };
    SegmentLog::open_on(Arc::new(disk.clone()), config)
}

#[test]
fn power_cuts_lose_nothing_acknowledged() {
    power_cuts(open);
}

#[test]
fn power_cuts_lose_nothing_acknowledged_where_segments_are_recycled() {
    power_cuts(open_short);
}

fn power_cuts(open: fn(&SimDisk) -> Result<SegmentLog, OpenError>) {
    let (mut cut_while_opening, mut cut_while_running) = (0, 0);
    for seed in 0..300 {
        let mut random = SplitMix(seed);
        let mut ledger = Ledger::default();
        let mut disk = SimDisk::new(SimFaults::default());
        for round in 0..3 {
            let power_off_at_op = Some(disk.ops() + random.below(120));
            disk.faults_set(SimFaults {
                power_off_at_op,
                ..SimFaults::default()
            });
            match open(&disk) {
                Ok(log) => {
                    ledger.check(&log, seed);
                    let stopped = run(&log, &mut ledger, &mut random, 60);
                    cut_while_running += u32::from(matches!(stopped, Err(AppendError::Stopped(_))));
                }
                Err(OpenError::Io { .. }) => cut_while_opening += 1,
                Err(error) => panic!("seed {seed} round {round}: {error}"),
            }
            disk = disk.crash(random.draw());
        }
        let log = open(&disk).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        ledger.check(&log, seed);
        run(&log, &mut ledger, &mut random, 5).expect("the disk is well again");
        drop(log);
        ledger.check(&open(&disk).expect("it closed cleanly"), seed);
    }
    assert!(
        cut_while_opening > 10 && cut_while_running > 300,
        "{cut_while_opening} {cut_while_running}"
    );
}

#[test]
fn a_failed_sync_or_a_full_disk_stops_the_log_for_good() {
    let mut stopped_seeds = 0;
    for seed in 0..100 {
        let mut random = SplitMix(seed);
        let faults = match seed % 2 {
            0 => SimFaults {
                sync_fails_at: Some(20 + random.below(60)),
                ..SimFaults::default()
            },
            _ => SimFaults {
                capacity_bytes: Some((40 << 10) + random.below(60 << 10)),
                ..SimFaults::default()
            },
        };
        let disk = SimDisk::new(faults);
        let mut ledger = Ledger::default();
        let log = open(&disk).expect("nothing fails that early");
        let stopped = run(&log, &mut ledger, &mut random, 200);
        if stopped.is_err() {
            stopped_seeds += 1;
            assert!(
                matches!(stopped, Err(AppendError::Stopped(_))),
                "seed {seed}: {stopped:?}"
            );
            assert!(
                matches!(log.append(Vec::new()).map(drop), Err(AppendError::Stopped(_))),
                "seed {seed}"
            );
            assert!(log.stop_reason().is_some());
        }
        drop(log);
        let disk = disk.crash(random.draw());
        ledger.check(
            &open(&disk).unwrap_or_else(|error| panic!("seed {seed}: {error}")),
            seed,
        );
    }
    // A sync of an index may fail without harm: it holds no record.
    assert!((90..100).contains(&stopped_seeds), "{stopped_seeds}");
}

#[test]
fn a_flipped_bit_is_never_passed_over() {
    let disk = SimDisk::new(SimFaults::default());
    let mut ledger = Ledger::default();
    run(&open(&disk).expect("it opens"), &mut ledger, &mut SplitMix(1), 60).expect("the disk is well");
    let mut names: Vec<String> = disk.names().expect("a simulated disk lists");
    names.retain(|name| name.ends_with(".seg"));
    names.sort();
    assert!(names.len() > 5, "{names:?}");
    let (mut refused, mut told, mut harmless) = (0, 0, 0);
    for seed in 0..400 {
        let mut random = SplitMix(seed);
        let disk = disk.crash(seed);
        let name = &names[random.below(names.len() as u64) as usize];
        if random.below(2) == 0 {
            // Without its index, opening has to scan the segment.
            disk.remove(&name.replace(".seg", ".idx"))
                .or_else(missing)
                .expect("it may be removed");
        }
        disk.tamper(name, |bytes| {
            let used = bytes
                .iter()
                .rposition(|byte| *byte != 0)
                .expect("it holds records")
                + 1;
            bytes[random.below(used as u64) as usize] ^= 1 << random.below(8);
        });
        match open(&disk) {
            Err(OpenError::Damaged { segment, .. }) => refused += u32::from(segment == *name),
            Err(error) => panic!("seed {seed}: {error}"),
            Ok(log) => match read_everything(&log) {
                Err(ReadError::Damaged { segment, .. }) => told += u32::from(segment == *name),
                Err(error) => panic!("seed {seed}: {error}"),
                Ok(()) => {
                    ledger.clone().check(&log, seed);
                    harmless += 1;
                }
            },
        }
    }
    // Harmless are bits of padding, and of the last mark of a clean close.
    assert_eq!(refused + told + harmless, 400, "another segment was blamed");
    assert!(
        refused > 100 && told > 50 && harmless < 150,
        "{refused} {told} {harmless}"
    );
}

fn missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}

fn read_everything(log: &SegmentLog) -> Result<(), ReadError> {
    for partition in 0..PARTITIONS {
        let mut next = log.start(of(partition));
        while next < log.end(of(partition)) {
            next += log.read(of(partition), next, 1 << 20)?.len() as u64;
        }
    }
    Ok(())
}

#[test]
fn a_torn_tail_in_a_real_folder_is_cut_off_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let name = "00000000000000000000.seg";
    // One batch is one group here.
    let config = SegmentLogConfig {
        segment_bytes: 256 << 10,
        group_bytes_max: 16 << 10,
        ..config()
    };
    let log = SegmentLog::open(&dir.path().join("log"), config.clone()).expect("it opens");
    let mut random = SplitMix(9);
    let mut ledgers = vec![Ledger::default()];
    let mut images = vec![std::fs::read(dir.path().join("log").join(name)).expect("the first segment")];
    for _ in 0..30 {
        let mut ledger = ledgers[ledgers.len() - 1].clone();
        run(&log, &mut ledger, &mut random, 1).expect("the disk is well");
        ledgers.push(ledger);
        images.push(std::fs::read(dir.path().join("log").join(name)).expect("the first segment"));
    }
    for seed in 0..200 {
        let mut random = SplitMix(seed);
        let at = 1 + random.below(images.len() as u64 - 1) as usize;
        let copy = dir.path().join(format!("copy-{seed}"));
        torn_copy(&copy, name, &images[at - 1], &images[at], &mut random);
        let log =
            SegmentLog::open(&copy, config.clone()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        // The last group was being written: all of the one before is acknowledged, of this one nothing.
        let mut ledger = Ledger {
            acknowledged: ledgers[at - 1].acknowledged,
            ..ledgers[at].clone()
        };
        ledger.check(&log, seed);
        run(&log, &mut ledger, &mut random, 2).expect("the disk is well");
        drop(log);
        ledger.check(
            &SegmentLog::open(&copy, config.clone()).expect("it closed cleanly"),
            seed,
        );
    }
}

/// Writes the segment as a crash may leave it while going from `before` to `after`.
fn torn_copy(dir: &Path, name: &str, before: &[u8], after: &[u8], random: &mut SplitMix) {
    std::fs::create_dir(dir).expect("a fresh folder");
    let start = before
        .iter()
        .zip(after)
        .position(|(old, new)| old != new)
        .expect("a group was written");
    let end = before
        .iter()
        .zip(after)
        .rposition(|(old, new)| old != new)
        .expect("a group was written")
        + 1;
    let within = |random: &mut SplitMix| start + random.below((end - start) as u64) as usize;
    let mut image = after.to_vec();
    match random.below(4) {
        0 => image.truncate(within(random)),
        1 => image[within(random)] ^= 1 << random.below(8),
        2 => {
            let from = within(random);
            image[from..end].fill(0);
        }
        _ => {
            let to = within(random);
            image[start..to].fill(random.draw() as u8);
        }
    }
    std::fs::write(dir.join(name), image).expect("a fresh file");
}
