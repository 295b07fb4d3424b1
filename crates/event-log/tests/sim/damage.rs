//! Disks that lose what they had made durable: flipped bits, bad sectors, cut and missing files. The log must
//! notice before it hands out anything wrong, and after a repair have everything but what it tells is lost.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use event_log::disk::{Disk, SimDisk, SimFaults, SplitMix};
use event_log::inspect::{Inspector, PartitionRange, Seen, Verified};
use event_log::{
    EventLog, OpenError, Promise, ReadError, RepairError, Repaired, SegmentLog, Stepper, TopicPartition,
    repair_on,
};

use crate::ledger::{Ledger, PARTITIONS, of};
use crate::life::{config, open, poll};
use crate::{all_seeds, for_each_seed};

const SEEDS: u64 = 1200;
pub const SECTOR_BYTES: usize = 512;
/// Batches appended before the damage: about fifteen segments.
const BATCHES: u64 = 150;

/// A log that was closed in good order, and what it holds.
pub fn closed_log(seed: u64) -> (SimDisk, Ledger) {
    let disk = SimDisk::new(SimFaults::default());
    let mut ledger = Ledger::default();
    // Reopened twice, so that marks of clean closes stand in the middle.
    for life in 0..3 {
        append(&disk, &mut ledger, &mut SplitMix(seed ^ life), BATCHES / 3);
    }
    if seed % 2 == 1 {
        // Begins anywhere, as after retention.
        let (log, stepper) = open_all(&disk).expect("it is sound");
        assert!(log.trim_before(BATCHES as i64) > 0);
        stepper.close();
    }
    (disk, ledger)
}

fn append(disk: &SimDisk, ledger: &mut Ledger, random: &mut SplitMix, batches: u64) {
    let (log, mut stepper) = open_all(disk).expect("it is sound");
    for at_ms in 0..batches {
        let batch = Ledger::batch(random, at_ms as i64);
        let mut durable = log
            .append_promised(batch.clone(), Promise::Disk)
            .expect("there is room");
        let offsets = ledger.accept(&batch);
        // Groups of one batch and of several.
        if random.below(3) > 0 {
            while stepper.step() {}
            assert_eq!(
                poll(&mut durable).expect("it was stepped").expect("a good disk"),
                offsets
            );
        }
    }
    stepper.close();
    ledger.acknowledge(ledger.lengths());
}

/// Without retention.
pub fn open_all(disk: &SimDisk) -> Result<(SegmentLog, Stepper), OpenError> {
    open(disk, 0)
}

pub fn segments(disk: &SimDisk) -> Vec<String> {
    let mut names = disk.names().expect("a simulated disk lists");
    names.retain(|name| name.ends_with(".seg"));
    names.sort();
    names
}

/// The most records that a damage may cost.
const GROUP_RECORDS_MAX: u64 = 40;
const SEGMENT_RECORDS_MAX: u64 = 100;

/// Damages the log in one way or two, and returns how many records that may cost at most; a missing or shortened file is never the last, whose end nothing vouches
/// for, nor the first, whose absence looks like retention.
fn damage(disk: &SimDisk, random: &mut SplitMix) -> u64 {
    let names = segments(disk);
    let last = names.len() - 1;
    let (mut hit, mut cost_max) = (Vec::new(), 0);
    for _ in 0..=random.below(2) {
        let at = random.below(names.len() as u64) as usize;
        if hit.contains(&at) {
            continue;
        }
        hit.push(at);
        if random.below(3) == 0 {
            // Without its index, opening has to scan the segment.
            let _ = disk.remove(&names[at].replace(".seg", ".idx"));
        }
        cost_max += match random.below(12) {
            0 if (1..last).contains(&at) => {
                disk.remove(&names[at]).expect("it is there");
                SEGMENT_RECORDS_MAX
            }
            1 if at < last => {
                disk.tamper(&names[at], |bytes| {
                    bytes.truncate(random.below(bytes.len() as u64) as usize)
                });
                SEGMENT_RECORDS_MAX
            }
            2 => {
                tamper_sector(disk, &names[at], 0, random);
                0
            }
            3..=5 => {
                let sector = random.below(sectors_used(disk, &names[at])) as usize;
                tamper_sector(disk, &names[at], sector, random);
                GROUP_RECORDS_MAX
            }
            _ => {
                let bytes = sectors_used(disk, &names[at]) * SECTOR_BYTES as u64;
                disk.tamper(&names[at], |file| {
                    file[random.below(bytes) as usize] ^= 1 << random.below(8)
                });
                GROUP_RECORDS_MAX
            }
        };
    }
    disk.sync_names().expect("a simulated disk");
    cost_max
}

fn sectors_used(disk: &SimDisk, name: &str) -> u64 {
    let mut sectors = 0;
    disk.tamper(name, |bytes| {
        let used = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(1, |last| last + 1);
        sectors = used.div_ceil(SECTOR_BYTES);
    });
    sectors as u64
}

pub fn tamper_sector(disk: &SimDisk, name: &str, sector: usize, random: &mut SplitMix) {
    let fill = [0, 0xff, random.draw() as u8][random.below(3) as usize];
    disk.tamper(name, |bytes| {
        let start = (sector * SECTOR_BYTES).min(bytes.len());
        let end = bytes.len().min(start + SECTOR_BYTES);
        bytes[start..end].fill(fill);
    });
}

pub fn verify(disk: &SimDisk) -> Verified {
    Inspector::on(Arc::new(disk.clone()))
        .verify()
        .expect("a simulated disk reads")
}

fn by_partition(ranges: &[PartitionRange]) -> BTreeMap<TopicPartition, Vec<PartitionRange>> {
    let mut sorted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for range in ranges {
        sorted.entry(range.of).or_default().push(*range);
    }
    sorted
}

/// Whether the log opens and hands out everything; panics where it hands out anything else.
fn reads_well(disk: &SimDisk, ledger: &Ledger) -> bool {
    let log = match open_all(disk) {
        Ok((log, _)) => log,
        Err(OpenError::Damaged { .. }) => return false,
        Err(error) => panic!("{error}"),
    };
    for partition in 0..PARTITIONS {
        let mut next = log.start(of(partition));
        while next < log.end(of(partition)) {
            match log.read(of(partition), next, 4 << 10) {
                Ok(records) => next += records.len() as u64,
                Err(ReadError::Damaged { .. }) => return false,
                Err(error) => panic!("{error}"),
            }
        }
    }
    ledger.clone().check(&log);
    true
}

pub fn mend(disk: &SimDisk) -> Result<Repaired, RepairError> {
    repair_on(Arc::new(disk.clone()), &config(disk, 0))
}

/// Repairs the log, with the power going once in the middle on some seeds.
fn repair_through_cuts(disk: SimDisk, random: &mut SplitMix) -> (SimDisk, Repaired) {
    let before = verify(&disk);
    if random.below(2) == 0 {
        return (disk.clone(), mend(&disk).expect("it can be mended"));
    }
    disk.faults_set(SimFaults {
        power_off_at_op: Some(disk.ops() + random.below(160)),
        ..SimFaults::default()
    });
    let cut = mend(&disk);
    assert!(
        matches!(cut, Ok(_) | Err(RepairError::Io { .. })),
        "only the power fails here: {cut:?}"
    );
    let disk = disk.crash(random.draw());
    let mut repaired = mend(&disk).expect("it can be mended");
    // What is lost does not depend on how often it was tried.
    repaired.found = before;
    (disk, repaired)
}

#[derive(Default, Debug)]
struct Count {
    sound: u64,
    mended: u64,
    rewritten_two: u64,
    unattributed: u64,
}

fn suffer(seed: u64, count: &mut Count) {
    let mut random = SplitMix(seed);
    let (disk, mut ledger) = closed_log(seed % 16);
    let cost_max = damage(&disk, &mut random);
    let found = verify(&disk);
    let reads = reads_well(&disk.crash(0), &ledger);
    assert!(
        reads || !found.is_sound(),
        "it does not read, but verifies: {found:?}"
    );
    if found.is_sound() {
        count.sound += 1;
        return;
    }
    let lost: u64 = found.lost.iter().map(|range| range.end - range.start).sum();
    let skipped = found.lost_unattributed * u64::from(PARTITIONS - 1);
    assert!(
        lost - skipped <= cost_max,
        "{lost} lost, of which {skipped} are only skipped: {found:?}"
    );
    cat_agrees(&disk, &ledger);
    let damaged = disk.crash(0);
    let (disk, repaired) = repair_through_cuts(disk, &mut random);
    assert_eq!(repaired.found.lost, found.lost);
    count.mended += 1;
    count.rewritten_two += u64::from(found.damages.len() > 1);
    count.unattributed += u64::from(found.lost_unattributed > 0);

    let after = verify(&disk);
    assert!(after.is_sound(), "{after:?}");
    assert_eq!(after.holes, found.lost, "what was lost is told for good");
    let lost = by_partition(&found.lost);
    let (log, stepper) = open_all(&disk).expect("it was mended");
    ledger.check_but(&log, &lost);
    // No offset is used twice: new records come after the hole.
    let ends = [0, 1, 2].map(|partition: u16| log.end(of(partition)) as usize);
    drop((log, stepper));
    for (partition, end) in ends.into_iter().enumerate() {
        assert!(end >= ledger.durable[partition]);
        assert!(found.lost_unattributed > 0 || end == ledger.durable[partition]);
        ledger.queued[partition].resize(end, (0, Vec::new()));
    }
    append(&disk, &mut ledger, &mut random, 5);
    let (log, _) = open_all(&disk).expect("it was closed in good order");
    ledger.check_but(&log, &lost);
    let again = mend(&disk).expect("it is sound");
    assert!(again.rewritten.is_empty() && again.kept.is_empty(), "{again:?}");
    for (kept, segment) in repaired.kept.iter().zip(&repaired.rewritten) {
        assert!(kept.contains(".damaged"), "{kept} of {segment}");
        let original = kept.split(".damaged").next().expect("it has a name");
        assert_eq!(contents(&disk, kept), contents(&damaged, original));
    }
}

fn contents(disk: &SimDisk, name: &str) -> Vec<u8> {
    let mut contents = Vec::new();
    assert!(
        disk.tamper(name, |bytes| contents = bytes.clone()),
        "there is no {name}"
    );
    contents
}

/// Whatever `cat` shows of a damaged log was appended there.
fn cat_agrees(disk: &SimDisk, ledger: &Ledger) {
    let inspector = Inspector::on(Arc::new(disk.clone()));
    for partition in 0..PARTITIONS {
        let mut next = 0;
        let mut check = |seen| {
            let end = match seen {
                Seen::Record(record) => {
                    assert!(record.offset >= next);
                    let entry = &ledger.queued[usize::from(partition)][record.offset as usize];
                    assert_eq!((record.at_ms, record.payload.as_ref()), (entry.0, &entry.1[..]));
                    record.offset + 1
                }
                Seen::Lost(range) => {
                    assert!(range.start >= next && range.end > range.start);
                    range.end
                }
            };
            next = end;
            ControlFlow::Continue(())
        };
        inspector
            .cat(of(partition), 0, &mut check)
            .expect("a simulated disk reads");
    }
}

#[test]
fn damage_is_told_and_repair_keeps_all_else() {
    let mut count = Count::default();
    for_each_seed(SEEDS, |seed| suffer(seed, &mut count));
    let Count {
        sound,
        mended,
        rewritten_two,
        unattributed,
    } = count;
    let enough =
        sound > SEEDS / 20 && mended > SEEDS / 2 && rewritten_two > SEEDS / 20 && unattributed > SEEDS / 100;
    assert!(enough || !all_seeds(), "{count:?}");
}
