//! The independent account of what was appended, and what was said about it.

use std::collections::BTreeMap;

use event_log::disk::SplitMix;
use event_log::inspect::PartitionRange;
use event_log::{Append, EventLog, ReadError, Record, SegmentLog, Topic, TopicPartition};

pub const PARTITIONS: u16 = 3;
const READ_BYTES_MAX: usize = 4 << 10;

pub fn of(partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(0),
        partition,
    }
}

/// A record as it was appended.
pub type Entry = (i64, Vec<u8>);

/// What was queued in each partition, by offset, and how much of it is durable for sure.
#[derive(Default, Clone)]
pub struct Ledger {
    pub queued: [Vec<Entry>; PARTITIONS as usize],
    pub durable: [usize; PARTITIONS as usize],
}

impl Ledger {
    /// Records to append, of which nothing is written down yet.
    pub fn batch(random: &mut SplitMix, at_ms: i64) -> Vec<Append> {
        let records = 1 + random.below(6);
        let record = |random: &mut SplitMix| {
            let words = random.below(random.clone().below(180) + 1) as usize;
            Append {
                to: of(random.below(u64::from(PARTITIONS)) as u16),
                at_ms,
                payload: random.draw().to_le_bytes().repeat(words).into(),
            }
        };
        (0..records).map(|_| record(random)).collect()
    }

    /// Writes down a batch that was accepted; returns the offsets its records must have.
    pub fn accept(&mut self, batch: &[Append]) -> Vec<u64> {
        let place = |record: &Append| {
            let entries = &mut self.queued[usize::from(record.to.partition)];
            entries.push((record.at_ms, record.payload.to_vec()));
            entries.len() as u64 - 1
        };
        batch.iter().map(place).collect()
    }

    /// How long each partition is.
    pub fn lengths(&self) -> [usize; PARTITIONS as usize] {
        [0, 1, 2].map(|partition: usize| self.queued[partition].len())
    }

    /// Everything up to these lengths is durable.
    pub fn acknowledge(&mut self, lengths: [usize; PARTITIONS as usize]) {
        for (durable, length) in self.durable.iter_mut().zip(lengths) {
            *durable = (*durable).max(length);
        }
    }

    /// Checks a log that lost no durable record, then forgets what the crash took.
    pub fn check(&mut self, log: &SegmentLog) {
        let lost = BTreeMap::new();
        self.check_but(log, &lost);
        for partition in 0..PARTITIONS {
            let end = log.end(of(partition)) as usize;
            assert!(
                end <= self.queued[usize::from(partition)].len(),
                "records that were never appended"
            );
            self.queued[usize::from(partition)].truncate(end);
        }
        self.acknowledge(self.lengths());
    }

    /// Checks a log of which exactly the `lost` offsets may be missing.
    pub fn check_but(&self, log: &SegmentLog, lost: &BTreeMap<TopicPartition, Vec<PartitionRange>>) {
        for partition in 0..PARTITIONS {
            let entries = &self.queued[usize::from(partition)];
            let lost = lost.get(&of(partition)).map_or(&[][..], Vec::as_slice);
            let is_lost = |offset: u64| {
                lost.iter()
                    .any(|range| (range.start..range.end).contains(&offset))
            };
            let (start, end) = (log.start(of(partition)), log.end(of(partition)));
            assert!(
                end as usize >= self.durable[usize::from(partition)],
                "a durable record is lost"
            );
            let mut due = start;
            for found in read_all(log, of(partition)) {
                match found {
                    Ok(record) => {
                        assert_eq!(record.offset, due, "the records of {partition} are in order");
                        assert!(!is_lost(due), "{due} of {partition} was told to be lost");
                        let entry = &entries[due as usize];
                        assert_eq!((record.at_ms, record.payload.as_ref()), (entry.0, &entry.1[..]));
                        due += 1;
                    }
                    Err((from, next)) => {
                        assert_eq!(from, due, "a hole begins where the records end");
                        assert!(
                            (from..next).all(is_lost),
                            "a hole {from}..{next} that nobody told"
                        );
                        due = next;
                    }
                }
            }
            assert_eq!(due, end, "everything up to the end is read or told");
        }
    }
}

/// Every record of a partition, and every hole as (first offset lost, next offset there).
fn read_all(log: &SegmentLog, of: TopicPartition) -> Vec<Result<Record, (u64, u64)>> {
    let (mut found, mut next) = (Vec::new(), log.start(of));
    while next < log.end(of) {
        match log.read(of, next, READ_BYTES_MAX) {
            Ok(records) => {
                assert!(!records.is_empty(), "offset {next} is durable but not read");
                next += records.len() as u64;
                found.extend(records.into_iter().map(Ok));
            }
            Err(ReadError::Lost {
                offset, next: after, ..
            }) => {
                assert!(offset == next && after > next);
                found.push(Err((offset, after)));
                next = after;
            }
            Err(error) => panic!("{error}"),
        }
    }
    found
}
