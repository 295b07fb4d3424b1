//! Lives of a log: producers under both promises, readers that hold what they need, and a disk that loses
//! power, fails a sync, fills up or crawls.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use event_log::disk::{SimDisk, SimFaults, SplitMix};
use event_log::{
    Append, AppendError, Clock, Durable, EventLog, OpenError, Promise, SegmentLog, SegmentLogConfig, Stepper,
};

use crate::ledger::{Ledger, PARTITIONS, of};
use crate::{all_seeds, for_each_seed};

const SEEDS: u64 = 1200;
const ROUNDS: u64 = 3;
const ACTIONS_MAX: u64 = 120;
const READERS: [&str; 2] = ["counters", "joiner"];

/// Small enough that everything happens: segments fill, groups are cut, promises meet their bounds.
pub fn config(disk: &SimDisk, seed: u64) -> SegmentLogConfig {
    SegmentLogConfig {
        partitions: PARTITIONS,
        topics: 1,
        segment_bytes: 16 << 10,
        record_bytes_max: 2 << 10,
        group_bytes_max: 6 << 10,
        queue_bytes_max: 24 << 10,
        memory_bytes_max: 8 << 10,
        memory_ms_max: 20,
        cache_bytes_max: [0, 20 << 10][(seed / 2 % 2) as usize],
        retention_bytes: (seed % 3 == 1).then_some(40 << 10),
        retention_ms: (seed % 3 == 2).then_some(400),
        prepare_ahead: false,
        clock: Arc::new(disk.clock()),
        ..SegmentLogConfig::default()
    }
}

pub fn open(disk: &SimDisk, seed: u64) -> Result<(SegmentLog, Stepper), OpenError> {
    SegmentLog::open_stepped(Arc::new(disk.clone()), config(disk, seed))
}

/// Whether it has settled, without waiting.
pub fn poll(durable: &mut Durable) -> Option<Result<Vec<u64>, AppendError>> {
    match pin!(durable).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(settled) => Some(settled),
        Poll::Pending => None,
    }
}

/// One process's time with the log.
struct Life<'a> {
    log: SegmentLog,
    stepper: Stepper,
    clock: Arc<dyn Clock>,
    ledger: &'a mut Ledger,
    readers: &'a mut [Checkpoints; READERS.len()],
    /// Batches that wait for the disk: their offsets, and how long each partition was with them.
    pending: Vec<(Durable, Vec<u64>, [usize; PARTITIONS as usize])>,
    seen: &'a mut Seen,
}

/// What a reader has committed, the last time and the time before.
#[derive(Default, Clone, Copy)]
struct Checkpoints {
    last: [u64; PARTITIONS as usize],
    before: [u64; PARTITIONS as usize],
}

/// That the seeds reach what they are meant to reach.
#[derive(Default, Debug)]
struct Seen {
    cut_while_opening: u64,
    stopped: u64,
    memory: u64,
    deferred: u64,
    overloaded: u64,
    memory_lost: u64,
    trimmed: u64,
}

impl Life<'_> {
    /// Up to `actions` things that happen to a log; false once it has stopped.
    fn run(&mut self, random: &mut SplitMix, actions: u64) -> bool {
        for _ in 0..actions {
            let goes_on = match random.below(16) {
                0..=4 => self.append(random, Promise::Disk),
                5..=8 => self.append(random, Promise::Memory),
                9..=13 => self.step(),
                14 => self.checkpoint(random),
                _ => self.pass_time(random),
            };
            if !goes_on {
                return false;
            }
        }
        true
    }

    fn append(&mut self, random: &mut SplitMix, promise: Promise) -> bool {
        let batch = Ledger::batch(random, self.clock.now_ms());
        match self.log.append_promised(batch.clone(), promise) {
            Ok(mut durable) => {
                let offsets = self.ledger.accept(&batch);
                match poll(&mut durable) {
                    Some(settled) => {
                        assert_eq!(promise, Promise::Memory, "nothing is on disk yet");
                        assert_eq!(settled.expect("it was accepted"), offsets);
                        self.seen.memory += 1;
                    }
                    None => {
                        self.seen.deferred += u64::from(promise == Promise::Memory);
                        self.pending.push((durable, offsets, self.ledger.lengths()));
                    }
                }
                true
            }
            Err(AppendError::Overloaded { retry_after_ms }) => {
                assert!(retry_after_ms > 0);
                self.seen.overloaded += 1;
                true
            }
            Err(AppendError::Stopped(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    fn step(&mut self) -> bool {
        self.stepper.step();
        let mut waiting = Vec::new();
        for (mut durable, offsets, lengths) in self.pending.drain(..) {
            match poll(&mut durable) {
                Some(Ok(settled)) => {
                    assert_eq!(settled, offsets);
                    self.ledger.acknowledge(lengths);
                }
                Some(Err(AppendError::Stopped(_))) => {}
                Some(Err(error)) => panic!("{error}"),
                None => waiting.push((durable, offsets, lengths)),
            }
        }
        self.pending = waiting;
        self.log.stop_reason().is_none()
    }

    /// One reader commits somewhere between where it was and the end, and lets go of what is older than the
    /// commit before.
    fn checkpoint(&mut self, random: &mut SplitMix) -> bool {
        let reader = random.below(READERS.len() as u64) as usize;
        let mut last = self.readers[reader].last;
        for partition in 0..PARTITIONS {
            let at = &mut last[usize::from(partition)];
            let ahead = self.log.end(of(partition)).saturating_sub(*at);
            *at += random.below(ahead + 1);
        }
        self.readers[reader] = Checkpoints {
            last,
            before: self.readers[reader].last,
        };
        self.hold(reader);
        true
    }

    fn hold(&self, reader: usize) {
        let before = self.readers[reader].before;
        let offsets = [0, 1, 2].map(|partition: u16| (of(partition), before[usize::from(partition)]));
        self.log.retain(READERS[reader], &offsets);
    }

    fn pass_time(&self, random: &mut SplitMix) -> bool {
        // The keeper looks at retention from time to time; here it is when time passes.
        self.log
            .trim_before(self.clock.now_ms() - 300 - random.below(300) as i64);
        true
    }

    /// What must hold at any time in a life that loses nothing durable.
    fn check(&mut self) {
        self.ledger.check(&self.log);
        for partition in 0..PARTITIONS {
            let start = self.log.start(of(partition));
            self.seen.trimmed += u64::from(start > 0);
            for readers in self.readers.iter() {
                let held = readers.before[usize::from(partition)];
                assert!(
                    start <= held,
                    "{held} of {partition} is held, but it begins at {start}"
                );
            }
        }
    }
}

/// How this seed's disk is bad, from the operation it has reached on.
fn faults(random: &mut SplitMix, disk: &SimDisk) -> SimFaults {
    let mut faults = SimFaults::default();
    match random.below(6) {
        0..=2 => faults.power_off_at_op = Some(disk.ops() + random.below(140)),
        3 => faults.sync_fails_at = Some(disk.syncs() + random.below(70)),
        4 => faults.capacity_bytes = Some((40 << 10) + random.below(80 << 10)),
        _ => {}
    }
    if random.below(3) == 0 {
        faults.sync_us = Some(random.below(30_000));
        faults.bytes_per_s = Some(100_000 + random.below(4_000_000));
    }
    faults
}

fn live(seed: u64, seen: &mut Seen) {
    let mut random = SplitMix(seed);
    let mut ledger = Ledger::default();
    let mut readers = [Checkpoints::default(); READERS.len()];
    let mut disk = SimDisk::new(SimFaults::default());
    for round in 0..=ROUNDS {
        let is_last = round == ROUNDS;
        disk.faults_set(match is_last {
            true => SimFaults::default(),
            false => faults(&mut random, &disk),
        });
        let (log, stepper) = match open(&disk, seed) {
            Ok(opened) => opened,
            Err(OpenError::Io { .. }) if !is_last => {
                seen.cut_while_opening += 1;
                disk = disk.crash(random.draw());
                continue;
            }
            Err(error) => panic!("round {round}: {error}"),
        };
        let memory_before = ledger.lengths();
        let mut life = Life {
            log,
            stepper,
            clock: Arc::new(disk.clock()),
            ledger: &mut ledger,
            readers: &mut readers,
            pending: Vec::new(),
            seen,
        };
        (0..READERS.len()).for_each(|reader| life.hold(reader));
        life.check();
        life.seen.memory_lost += u64::from(life.ledger.lengths() != memory_before);
        let goes_on = life.run(&mut random, ACTIONS_MAX);
        life.seen.stopped += u64::from(!goes_on);
        if goes_on && (is_last || random.below(2) == 0) {
            let Life {
                log, stepper, ledger, ..
            } = life;
            stepper.close();
            let is_well = log.stop_reason().is_none();
            drop(log);
            if is_well && disk.is_powered() {
                ledger.acknowledge(ledger.lengths());
            }
        } else {
            drop(life);
        }
        disk = disk.crash(random.draw());
    }
    let (log, _) = open(&disk, seed).expect("it was closed on a good disk");
    ledger.check(&log);
}

#[test]
fn nothing_durable_is_lost_doubled_or_invented() {
    let mut seen = Seen::default();
    for_each_seed(SEEDS, |seed| live(seed, &mut seen));
    let Seen {
        cut_while_opening,
        stopped,
        memory,
        deferred,
        overloaded,
        memory_lost,
        trimmed,
    } = seen;
    let rows = [
        cut_while_opening,
        stopped,
        memory,
        deferred,
        overloaded,
        memory_lost,
        trimmed,
    ];
    let enough = rows.iter().all(|row| *row > SEEDS / 20);
    assert!(enough || !all_seeds(), "{seen:?}");
}

#[test]
fn a_disk_that_slows_down_is_told_by_refusals_and_recovers() {
    let disk = SimDisk::new(SimFaults::default());
    let config = SegmentLogConfig {
        segment_bytes: 4 << 20,
        record_bytes_max: 64 << 10,
        group_bytes_max: 2 << 20,
        queue_bytes_max: 16 << 20,
        memory_bytes_max: 16 << 20,
        retention_bytes: Some(8 << 20),
        ..config(&disk, 0)
    };
    let opened = SegmentLog::open_stepped(Arc::new(disk.clone()), config);
    let (log, mut stepper) = opened.expect("it opens");
    let record = Append {
        to: of(0),
        at_ms: 0,
        payload: vec![7; 60 << 10].into(),
    };
    // A burst of 3 MB, then time to write it: how many of its 50 batches were refused.
    let mut burst = || {
        let push = |_: &u32| {
            log.append_promised(vec![record.clone()], Promise::Memory)
                .is_err()
        };
        let refused = (0..50).filter(push).count();
        while stepper.step() {}
        refused
    };
    let mut bursts = |count: u32| (0..count).map(|_| burst()).sum::<usize>();
    assert_eq!(bursts(10), 0, "3 MB take this disk 3 ms");
    disk.faults_set(SimFaults {
        bytes_per_s: Some(20_000_000),
        ..SimFaults::default()
    });
    bursts(10);
    let refused = bursts(10);
    assert!(
        (400..490).contains(&refused),
        "100 kB take 5 ms now: {refused} of 500"
    );
    disk.faults_set(SimFaults::default());
    bursts(10);
    assert_eq!(bursts(10), 0, "it is quick again");
}
