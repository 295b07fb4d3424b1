//! A job with everything in it: producers' numbers, sliding windows, timers, late records, and a sink that can lose its memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use event_log::conformance::settle;
use event_log::disk::{SimDisk, SimFaults, SplitMix};
use event_log::{Append, EventLog, Record, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use parking_lot::Mutex;
use stream::Poisoned;
use stream::keyed::{
    Bins, Delta, Engine, EngineConfig, EngineParts, Fate, Folding, Job, JobControl, JobTools, Key, KeyGroup,
    Lateness, Local, Manifest, MemoryObjects, Objects, Sink, SinkError, SinkState, TimePolicy, Value,
};

const TOPICS: &[Topic] = &[Topic(0), Topic(2)];
pub const PARTITIONS: u16 = 4;
const BIN_MS: i64 = 1_000;
const BINS_MAX: usize = 5;
pub const AHEAD_RECORDS_MAX: u64 = 40;

/// Sums amounts by key over all time and over the last five seconds; each number of a producer once.
pub struct Windows {
    folds: Arc<AtomicU64>,
}

/// A producer; its group is its partition's, as its records are there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Producer(u8);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(u8);

#[derive(Default)]
pub struct Numbers(BTreeSet<u16>);

#[derive(Default)]
pub struct Sums {
    total: u64,
    bins: Bins<u64>,
}

pub struct Amounts(Vec<(i64, u64)>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    Total(u8),
    Bin(u8, i64),
    Closed(u8, i64),
    Numbers(u8),
}

/// What a test record says.
struct Said {
    producer: u8,
    number: u16,
    subject: u8,
    amount: u8,
    age_ms: i64,
}

impl Said {
    fn read(record: &Record) -> Option<Self> {
        let &[producer, n0, n1, subject, amount, a0, a1] = &record.payload[..] else {
            return None;
        };
        Some(Self {
            producer,
            number: u16::from_le_bytes([n0, n1]),
            subject,
            amount,
            age_ms: i64::from(u16::from_le_bytes([a0, a1])),
        })
    }

    fn write(&self) -> Vec<u8> {
        let (number, age) = (self.number.to_le_bytes(), (self.age_ms as u16).to_le_bytes());
        vec![
            self.producer,
            number[0],
            number[1],
            self.subject,
            self.amount,
            age[0],
            age[1],
        ]
    }
}

fn number_key(bytes: &[u8]) -> Option<u8> {
    let &[number] = bytes else { return None };
    Some(number)
}

impl Key for Producer {
    fn group(&self) -> KeyGroup {
        KeyGroup(self.0)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        number_key(bytes).map(Self)
    }
}

impl Key for Subject {
    fn group(&self) -> KeyGroup {
        KeyGroup(self.0.wrapping_mul(37))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        number_key(bytes).map(Self)
    }
}

impl Value for Numbers {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|number| out.extend(number.to_be_bytes()));
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<2>() else {
            return None;
        };
        Some(Self(
            numbers.iter().map(|number| u16::from_be_bytes(*number)).collect(),
        ))
    }
}

impl Value for Sums {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.total.to_be_bytes());
        for (bin, sum) in self.bins.parts() {
            out.extend(bin.to_be_bytes());
            out.extend(sum.to_be_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (total, rest) = bytes.split_first_chunk::<8>()?;
        let (bins, []) = rest.as_chunks::<16>() else {
            return None;
        };
        let bin = |bytes: &[u8; 16]| {
            let (bin, sum) = bytes.split_first_chunk::<8>()?;
            Some((i64::from_be_bytes(*bin), u64::from_be_bytes(*sum.first_chunk()?)))
        };
        Some(Self {
            total: u64::from_be_bytes(*total),
            bins: Bins::from_parts(bins.iter().map(bin).collect::<Option<_>>()?)?,
        })
    }

    fn heap_bytes(&self) -> usize {
        self.bins.heap_bytes()
    }
}

impl Delta for Amounts {
    fn merge(&mut self, other: Self) {
        for (bin, amount) in other.0 {
            match self.0.iter_mut().find(|(held, _)| *held == bin) {
                Some((_, sum)) => *sum += amount,
                None => self.0.push((bin, amount)),
            }
        }
    }
}

impl Job for Windows {
    type LocalKey = Producer;
    type Local = Numbers;
    type Key = Subject;
    type State = Sums;
    type Delta = Amounts;
    type Row = (Row, u64);

    fn name(&self) -> &'static str {
        "windows"
    }

    fn topics(&self) -> &'static [Topic] {
        TOPICS
    }

    fn time_policy(&self) -> TimePolicy {
        TimePolicy {
            disorder_ms_max: 50,
            late_ms_max: 2_000,
            skew_ms_max: 60_000,
            ahead_ms_max: 30,
        }
    }

    fn prepare(&self, record: &Record, local: &mut Local<'_, Self>) -> Result<(), Poisoned> {
        let said = Said::read(record).ok_or(Poisoned { reason: "short" })?;
        if !local.state(&Producer(said.producer)).0.insert(said.number) {
            local.fate(Fate::Duplicate);
            return Ok(());
        }
        let time = local.event_time(record.at_ms - said.age_ms, record.at_ms);
        if time.lateness == Lateness::TooLate {
            local.fate(Fate::Late);
            return Ok(());
        }
        let bin = Bins::<u64>::number(time.at_ms, BIN_MS);
        local.send(
            Subject(said.subject),
            Amounts(vec![(bin, u64::from(said.amount))]),
        );
        Ok(())
    }

    fn fold(&self, _: &Subject, state: &mut Sums, delta: Amounts, folding: &mut Folding<'_, Self>) {
        self.folds.fetch_add(1, Ordering::Relaxed);
        for (bin, amount) in delta.0 {
            state.total += amount;
            if let Some(sum) = state.bins.entry(bin, BINS_MAX) {
                *sum += amount;
            }
            folding.timer((bin + 1) * BIN_MS);
        }
    }

    fn timer(&self, key: &Subject, state: &mut Sums, at_ms: i64, folding: &mut Folding<'_, Self>) {
        let bin = at_ms / BIN_MS - 1;
        // Corrected until the bin leaves; the sum of a bin that has left was told before.
        let _ = state
            .bins
            .range(bin, bin)
            .next()
            .map(|(bin, _)| folding.row((Row::Closed(key.0, bin), 1)));
    }

    fn local_rows(&self, key: &Producer, state: &Numbers, rows: &mut Vec<(Row, u64)>) {
        rows.push((Row::Numbers(key.0), state.0.len() as u64));
    }

    fn rows(&self, key: &Subject, state: &Sums, rows: &mut Vec<(Row, u64)>) {
        rows.push((Row::Total(key.0), state.total));
        let bins = state.bins.parts().iter();
        rows.extend(bins.map(|(bin, sum)| (Row::Bin(key.0, *bin), *sum)));
    }
}

/// Rows in memory beside the durable ones.
#[derive(Default)]
pub struct MapSink(Mutex<Held>);

#[derive(Default)]
struct Held {
    live: BTreeMap<Row, u64>,
    durable: BTreeMap<Row, u64>,
    version: u64,
    applied: BTreeMap<TopicPartition, u64>,
}

impl MapSink {
    /// The rows that do not depend on when an epoch ended: bins that have left were told at some moment or not.
    pub fn rows(&self) -> Vec<(Row, u64)> {
        newest_bins(self.0.lock().live.clone())
    }

    pub fn all_rows(&self) -> BTreeMap<Row, u64> {
        self.0.lock().live.clone()
    }

    pub fn crash(&self) {
        let mut held = self.0.lock();
        held.live = held.durable.clone();
    }

    pub fn flush_now(&self) {
        let mut held = self.0.lock();
        held.durable = held.live.clone();
    }

    pub fn forget(&self) {
        *self.0.lock() = Held::default();
    }

    pub fn applied_to(&self, of: TopicPartition) -> u64 {
        self.0.lock().applied.get(&of).copied().unwrap_or(0)
    }

    pub fn readable(log: &dyn EventLog) -> Vec<(TopicPartition, u64)> {
        let all = TOPICS
            .iter()
            .flat_map(|&topic| (0..PARTITIONS).map(move |partition| TopicPartition { topic, partition }));
        all.map(|of| (of, log.end(of))).collect()
    }
}

/// Without the bins that have left, and what was said when one closed.
pub fn newest_bins(rows: BTreeMap<Row, u64>) -> Vec<(Row, u64)> {
    let bin = |row: &Row| match row {
        Row::Bin(key, bin) => Some((*key, *bin)),
        _ => None,
    };
    let newest: BTreeMap<u8, i64> = rows.keys().filter_map(bin).collect();
    let kept = |row: &Row| match row {
        Row::Bin(key, bin) => *bin > newest[key] - BINS_MAX as i64,
        Row::Closed(..) => false,
        _ => true,
    };
    rows.into_iter().filter(|(row, _)| kept(row)).collect()
}

impl Sink<(Row, u64)> for MapSink {
    fn apply(&self, rows: &mut Vec<(Row, u64)>) -> Result<(), SinkError> {
        self.0.lock().live.extend(rows.drain(..));
        Ok(())
    }

    fn applied(&self, from: TopicPartition, next: u64) {
        self.0.lock().applied.insert(from, next);
    }

    fn flush(&self, version: u64) -> Result<Vec<u8>, SinkError> {
        self.flush_now();
        self.0.lock().version = version;
        Ok(version.to_le_bytes().to_vec())
    }

    fn restore(&self, version: u64, mark: &[u8]) -> Result<SinkState, SinkError> {
        assert!(version == 0 || mark == version.to_le_bytes());
        Ok(match self.0.lock().version >= version {
            true => SinkState::Intact,
            false => SinkState::Lost,
        })
    }
}

/// Everything a run needs that outlives an engine.
pub struct House {
    log: Arc<dyn EventLog>,
    pub sink: Arc<MapSink>,
    pub objects: Arc<dyn Objects>,
    folder: tempfile::TempDir,
    folds: Arc<AtomicU64>,
}

impl House {
    pub fn new(log: &Arc<dyn EventLog>) -> Self {
        Self {
            log: log.clone(),
            sink: Arc::default(),
            objects: Arc::new(MemoryObjects::default()),
            folder: tempfile::tempdir().expect("a temporary folder"),
            folds: Arc::default(),
        }
    }

    pub fn parts(&self, workers: usize, read_bytes_max: usize) -> EngineParts<Windows> {
        self.parts_in(self.folder.path().join("state"), workers, read_bytes_max)
    }

    pub fn parts_elsewhere(&self) -> EngineParts<Windows> {
        self.parts_in(self.folder.path().join("elsewhere"), 1, 256)
    }

    fn parts_in(&self, dir: PathBuf, workers: usize, read_bytes_max: usize) -> EngineParts<Windows> {
        EngineParts {
            job: Arc::new(Windows {
                folds: self.folds.clone(),
            }),
            sink: self.sink.clone(),
            log: self.log.clone(),
            objects: self.objects.clone(),
            partition: None,
            dir,
            // Never ahead of the records, so that only they move time.
            clock: Arc::new(|| 0),
            config: EngineConfig {
                workers,
                read_bytes_max,
                // Only when asked, so that a run depends on its seed alone.
                checkpoint_interval_ms: u64::MAX / 2,
                ..EngineConfig::default()
            },
        }
    }

    pub fn open(&self, workers: usize, read_bytes_max: usize) -> Engine<Windows> {
        Engine::open(self.parts(workers, read_bytes_max), &JobControl::new()).expect("opens")
    }

    pub fn folds(&self) -> u64 {
        self.folds.load(Ordering::Relaxed)
    }

    pub fn newest(&self) -> Manifest {
        let found = JobTools::new(self.objects.clone()).checkpoints("windows");
        found.expect("lists").pop().expect("is there")
    }
}

fn log() -> SegmentLog {
    let config = SegmentLogConfig {
        partitions: PARTITIONS,
        topics: 3,
        segment_bytes: 1 << 20,
        record_bytes_max: 1 << 10,
        group_bytes_max: 64 << 10,
        prepare_ahead: false,
        ..SegmentLogConfig::default()
    };
    SegmentLog::open_on(Arc::new(SimDisk::new(SimFaults::default())), config).expect("a simulated disk opens")
}

fn to(topic: u8, producer: u8) -> TopicPartition {
    TopicPartition {
        topic: Topic(topic),
        partition: u16::from(producer) % PARTITIONS,
    }
}

fn append(log: &dyn EventLog, batch: Vec<Append>) {
    settle(log.append(batch).expect("it fits")).expect("the disk is well");
}

/// Producers that repeat themselves, come out of order and late, and now and then send rubbish.
pub fn log_with(random: &mut SplitMix, count: u64) -> Arc<dyn EventLog> {
    let log = log();
    let batch = (0..count).map(|serial| {
        let topic = [0, 2][random.below(2) as usize];
        // Few are hot, many are cold.
        let breadth = 1 + random.below(40);
        let said = Said {
            producer: random.below(11) as u8,
            // A repeat is of the same topic, or which of the two came first would be anyone's guess.
            number: random.below(count / 8) as u16 + 10_000 * u16::from(topic),
            subject: random.below(breadth) as u8,
            amount: random.below(9) as u8,
            age_ms: match random.below(20) {
                0 => random.below(5_000) as i64,
                _ => random.below(30) as i64,
            },
        };
        let payload = if random.below(30) == 0 {
            vec![1]
        } else {
            said.write()
        };
        Append {
            to: to(topic, said.producer),
            at_ms: 100_000 + serial as i64 * 20 + random.below(10) as i64,
            payload: payload.into(),
        }
    });
    append(&log, batch.collect());
    Arc::new(log)
}

/// Everything about one subject.
pub fn superstar_log(count: u64) -> Arc<dyn EventLog> {
    let log = log();
    let batch = (0..count).map(|serial| Append {
        to: to(0, serial as u8),
        at_ms: 100_000,
        payload: Said {
            producer: serial as u8,
            number: serial as u16,
            subject: 7,
            amount: 1,
            age_ms: 0,
        }
        .write()
        .into(),
    });
    append(&log, batch.collect());
    Arc::new(log)
}

/// One partition with a record a millisecond, one with many records of one moment, and the others empty.
pub fn uneven_log() -> Arc<dyn EventLog> {
    let log = log();
    let record = |producer: u8, number: u16, at_ms: i64| Append {
        to: to(0, producer),
        at_ms,
        payload: Said {
            producer,
            number,
            subject: 1,
            amount: 1,
            age_ms: 0,
        }
        .write()
        .into(),
    };
    let slow = (0..400).map(|number| record(0, number, 100_000 + i64::from(number) / 100));
    let fast = (0..400).map(|number| record(1, number, 100_000 + i64::from(number)));
    append(&log, slow.chain(fast).collect());
    Arc::new(log)
}

/// How far the slow and the fast partition of [`uneven_log`] are.
pub fn uneven_progress(manifest: &Manifest) -> (u64, u64) {
    let next = |producer: u8| manifest.next(to(0, producer)).map_or(0, |offset| offset.next);
    (next(0), next(1))
}

/// The rows, counted by hand from the log with none of the engine's code.
pub fn ledger(log: &dyn EventLog) -> Vec<(Row, u64)> {
    let mut seen: BTreeSet<(u8, u16)> = BTreeSet::new();
    let (mut totals, mut bins) = (BTreeMap::<u8, u64>::new(), BTreeMap::<(u8, i64), u64>::new());
    let mut numbers = BTreeMap::<u8, u64>::new();
    for (of, _) in MapSink::readable(log) {
        let mut watermark_ms = i64::MIN;
        for record in log.read(of, 0, usize::MAX).expect("reads") {
            if let Some(said) = Said::read(&record)
                && seen.insert((said.producer, said.number))
            {
                *numbers.entry(said.producer).or_default() += 1;
                let at_ms = record.at_ms - said.age_ms;
                if at_ms >= watermark_ms.saturating_sub(2_000) {
                    *totals.entry(said.subject).or_default() += u64::from(said.amount);
                    *bins.entry((said.subject, at_ms / BIN_MS)).or_default() += u64::from(said.amount);
                }
            }
            watermark_ms = watermark_ms.max(record.at_ms - 50);
        }
    }
    let newest: BTreeMap<u8, i64> = bins.keys().copied().collect();
    let kept = bins
        .into_iter()
        .filter(|((key, bin), _)| *bin > newest[key] - BINS_MAX as i64);
    let totals = totals.into_iter().map(|(key, total)| (Row::Total(key), total));
    let bins = kept.map(|((key, bin), sum)| (Row::Bin(key, bin), sum));
    let numbers = numbers.into_iter().map(|(key, count)| (Row::Numbers(key), count));
    let mut rows: Vec<_> = totals.chain(bins).chain(numbers).collect();
    rows.sort_unstable();
    rows
}

/// Object storage whose n-th call fails, once.
pub struct FailingObjects {
    inner: MemoryObjects,
    left: AtomicI64,
}

impl FailingObjects {
    pub fn new(inner: MemoryObjects, fail_at: i64) -> Self {
        Self {
            inner,
            left: AtomicI64::new(fail_at),
        }
    }

    fn tick(&self) -> io::Result<()> {
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            0 => Err(io::Error::other("the storage is away")),
            _ => Ok(()),
        }
    }
}

impl Objects for FailingObjects {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        self.tick()?;
        self.inner.put_if_absent(key, bytes)
    }

    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        self.tick()?;
        self.inner.get(key)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.tick()?;
        self.inner.list(prefix)
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        self.tick()?;
        self.inner.delete(key)
    }
}
