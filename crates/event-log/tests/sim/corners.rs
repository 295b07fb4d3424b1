//! Corners of damage that a seed would have to be lucky to meet: the very end of the log, and two losses that
//! hide each other.

use bytes::Bytes;
use event_log::disk::{Disk, SimDisk, SimFaults, SplitMix};
use event_log::inspect::PartitionRange;
use event_log::{Append, EventLog, OpenError, SegmentLog, Stepper};

use crate::damage::{SECTOR_BYTES, closed_log, mend, open_all, segments, tamper_sector, verify};
use crate::ledger::of;
use crate::life::config;

/// The last record of a log that was closed in good order has nothing behind it to tell its partition by.
#[test]
fn a_bad_payload_costs_one_record_even_at_the_very_end() {
    const PAYLOAD: [u8; 100] = [0x5a; 100];
    let (disk, ledger) = closed_log(0);
    let (log, stepper) = open_all(&disk).expect("it is sound");
    let record = Append {
        to: of(2),
        at_ms: 0,
        payload: Bytes::from_static(&PAYLOAD),
    };
    drop(log.append(vec![record]).expect("there is room"));
    stepper.close();
    let last = segments(&disk).pop().expect("a segment");
    disk.tamper(&last, |bytes| {
        let at = bytes.windows(PAYLOAD.len()).rposition(|window| window == PAYLOAD);
        bytes[at.expect("it is written there")] ^= 1;
    });
    let found = verify(&disk);
    let start = ledger.queued[2].len() as u64;
    let expect = PartitionRange {
        of: of(2),
        start,
        end: start + 1,
    };
    assert_eq!((found.lost_unattributed, found.lost), (0, vec![expect]));
}

/// Appends a record whose group takes exactly one sector, as the segment's header does.
fn append_sector(log: &SegmentLog, stepper: &mut Stepper, partition: u16) {
    let record = Append {
        to: of(partition),
        at_ms: 1,
        payload: Bytes::from_static(b"lonely"),
    };
    drop(log.append(vec![record]).expect("there is room"));
    assert!(stepper.step());
}

/// An empty log's first segment, filled to the last sector.
fn full_segment() -> (SimDisk, SegmentLog, Stepper, usize) {
    let disk = SimDisk::new(SimFaults::default());
    let (log, mut stepper) = open_all(&disk).expect("an empty disk");
    let sectors = config(&disk, 0).segment_bytes as usize / SECTOR_BYTES;
    (1..sectors).for_each(|_| append_sector(&log, &mut stepper, 0));
    assert_eq!(segments(&disk).len(), 1, "it is full to the last sector");
    (disk, log, stepper, sectors)
}

/// Where the mark of a clean close has no room left in the last segment, it goes to a fresh one.
#[test]
fn the_last_group_of_a_full_segment_is_vouched_for() {
    let (disk, _, stepper, sectors) = full_segment();
    stepper.close();
    let first = segments(&disk).remove(0);
    disk.tamper(&first, |bytes| bytes[(sectors - 1) * SECTOR_BYTES + 54] ^= 1);
    assert!(!verify(&disk).is_sound());
    disk.remove(&first.replace(".seg", ".idx"))
        .expect("it was sealed");
    let opened = open_all(&disk).map(drop);
    assert!(matches!(opened, Err(OpenError::Damaged { .. })), "{opened:?}");
}

/// The end of one segment, the header of the next, and a record of unknown partition: each loss is found, though
/// the first shows only behind the second.
#[test]
fn losses_on_both_sides_of_a_lost_header_are_told_apart() {
    let (disk, log, mut stepper, sectors) = full_segment();
    [0, 0, 1]
        .into_iter()
        .for_each(|partition| append_sector(&log, &mut stepper, partition));
    stepper.close();
    let names = segments(&disk);
    let mut random = SplitMix(0);
    tamper_sector(&disk, &names[0], sectors - 1, &mut random);
    tamper_sector(&disk, &names[1], 0, &mut random);
    // The offset in the last record's header: nothing says whose it was.
    disk.tamper(&names[1], |bytes| bytes[3 * SECTOR_BYTES + 24 + 12] ^= 1);
    let found = verify(&disk);
    let last = sectors as u64 - 1;
    let ranges = [(0, last - 1, last), (0, last + 2, last + 3), (1, 0, 1), (2, 0, 1)];
    let ranges = ranges.map(|(partition, start, end)| PartitionRange {
        of: of(partition),
        start,
        end,
    });
    assert_eq!((found.lost_unattributed, &found.lost[..]), (1, &ranges[..]));
    mend(&disk).expect("it can be mended");
    assert_eq!(verify(&disk).holes, ranges);
    open_all(&disk).expect("it starts again");
}
