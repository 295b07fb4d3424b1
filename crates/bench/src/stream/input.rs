//! The events of the stream bench: made once, as bytes in files, so that every contender reads the same and pays little for it.
//!
//! An event is [`EVENT_BYTES`] long, integers little-endian: `at_ms i64, video u64, viewer u64, delay_ms u32, kind u8,
//! completion u8, region u16`. Partition `p` is the file `p.events`; its event `o` is number `o * PARTITIONS + p` of the whole, and
//! was received that far into the span. The device's own time is earlier by less than [`DISORDER_MS_MAX`]: nothing is ever late.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use event_log::disk::SplitMix;
use event_log::{Append, AppendError, Durable, EventLog, ReadError, Record, Topic, TopicPartition};

pub(crate) const EVENT_BYTES: usize = 32;
pub(crate) const PARTITIONS: u16 = 4;
pub(crate) const TOPIC: Topic = Topic(0);
/// When the first event is received: a border of bins, in October 2025.
pub(crate) const FIRST_MS: i64 = 1_760_000_400_000;
/// Event time that the events cover.
pub(crate) const SPAN_MS: i64 = 6 * 3_600_000;
/// Events reach us out of order by less than this.
pub(crate) const DISORDER_MS_MAX: i64 = 9_000;
/// The video that a superstar's run puts into every event.
pub(crate) const SUPERSTAR: u64 = video(0);

const VIDEOS: usize = 1_000_000;
const ZIPF_EXPONENT: f64 = 1.1;
const VIEWERS: u64 = 10_000_000;
const REGIONS: u64 = 60;
const SEED: u64 = 0x5713_a3b0;
/// Of a hundred events, how many are views, likes, comments and shares.
const KINDS: [u64; 4] = [85, 8, 2, 5];
/// Writes of the generator.
const WRITE_BYTES: usize = 1 << 20;

/// What a job looks at; the rest of the bytes travels along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at_ms: i64,
    pub(crate) video: u64,
    pub(crate) kind: u8,
    /// Percent watched; 0 unless it is a view.
    pub(crate) completion: u8,
}

impl Event {
    /// None unless `payload` is an event.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let payload: &[u8; EVENT_BYTES] = payload.try_into().ok()?;
        let (at_ms, rest) = payload.split_first_chunk()?;
        let (video, _) = rest.split_first_chunk()?;
        Some(Self {
            at_ms: i64::from_le_bytes(*at_ms),
            video: u64::from_le_bytes(*video),
            kind: payload[28],
            completion: payload[29],
        })
    }
}

/// The id of the video of a popularity rank; the factor is odd, so no two ranks share one.
const fn video(rank: u64) -> u64 {
    (rank + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) & (u64::MAX >> 1)
}

/// Draws ranks by Zipf's law, in two steps whatever their number (the alias method of Walker and Vose).
struct Zipf {
    /// Below it the column's own rank is drawn, else its alias.
    columns: Vec<(u32, u32)>,
}

impl Zipf {
    fn new(ranks: usize, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=ranks).map(|rank| (rank as f64).powf(-exponent)).collect();
        let mean = weights.iter().sum::<f64>() / ranks as f64;
        let mut shares: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut columns: Vec<(u32, u32)> = (0..ranks as u32).map(|rank| (u32::MAX, rank)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..ranks).partition(|&rank| shares[rank] < 1.0);
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            columns[low] = ((shares[low] * f64::from(u32::MAX)) as u32, high as u32);
            shares[high] -= 1.0 - shares[low];
            if shares[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Self { columns }
    }

    fn draw(&self, random: &mut SplitMix) -> u64 {
        let drawn = random.draw();
        let column = ((drawn >> 32) * self.columns.len() as u64) >> 32;
        let (border, alias) = self.columns[column as usize];
        if (drawn as u32) < border {
            column
        } else {
            u64::from(alias)
        }
    }
}

/// Writes the files of `events` events below `dir` and waits until they are on disk, so that nobody's measurement pays for it.
pub(crate) fn generate(dir: &Path, events: u64) -> io::Result<()> {
    let zipf = Zipf::new(VIDEOS, ZIPF_EXPONENT);
    std::thread::scope(|scope| {
        let partitions: Vec<_> = (0..PARTITIONS)
            .map(|partition| {
                let zipf = &zipf;
                scope.spawn(move || generate_partition(&path(dir, partition), partition, events, zipf))
            })
            .collect();
        let joined = partitions.into_iter().map(|partition| match partition.join() {
            Ok(written) => written,
            Err(panicked) => std::panic::resume_unwind(panicked),
        });
        joined.collect()
    })
}

fn path(dir: &Path, partition: u16) -> std::path::PathBuf {
    dir.join(format!("{partition}.events"))
}

fn generate_partition(path: &Path, partition: u16, events: u64, zipf: &Zipf) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(WRITE_BYTES, File::create(path)?);
    let mut random = SplitMix(SEED + u64::from(partition));
    for number in (u64::from(partition)..events).step_by(usize::from(PARTITIONS)) {
        let received_ms = FIRST_MS + (number as i128 * i128::from(SPAN_MS) / i128::from(events)) as i64;
        out.write_all(&event(received_ms, zipf, &mut random))?;
    }
    out.into_inner()?.sync_all()
}

fn event(received_ms: i64, zipf: &Zipf, random: &mut SplitMix) -> [u8; EVENT_BYTES] {
    let video = video(zipf.draw(random));
    let delay_ms = random.below(DISORDER_MS_MAX as u64);
    let mut chance = random.below(KINDS.iter().sum());
    let mut kind = 0;
    while chance >= KINDS[kind] {
        chance -= KINDS[kind];
        kind += 1;
    }
    let completion = if kind == 0 { random.below(101) as u8 } else { 0 };
    let mut event = [0; EVENT_BYTES];
    event[..8].copy_from_slice(&(received_ms - delay_ms as i64).to_le_bytes());
    event[8..16].copy_from_slice(&video.to_le_bytes());
    event[16..24].copy_from_slice(&random.below(VIEWERS).to_le_bytes());
    event[24..28].copy_from_slice(&(delay_ms as u32).to_le_bytes());
    (event[28], event[29]) = (kind as u8, completion);
    event[30..].copy_from_slice(&(random.below(REGIONS) as u16).to_le_bytes());
    event
}

/// The files as a log, of which a growing part is readable.
pub(crate) struct InputLog {
    partitions: Vec<Part>,
    events: u64,
    /// Put into every event in place of its own video.
    video: Option<u64>,
}

struct Part {
    file: File,
    readable: AtomicU64,
}

impl InputLog {
    /// Opens what [`generate`] made; nothing is readable yet.
    pub(crate) fn open(dir: &Path, video: Option<u64>) -> io::Result<Self> {
        let open = |partition| -> io::Result<(Part, u64)> {
            let file = File::open(path(dir, partition))?;
            let events = file.metadata()?.len() / EVENT_BYTES as u64;
            let readable = AtomicU64::new(0);
            Ok((Part { file, readable }, events))
        };
        let opened: Vec<_> = (0..PARTITIONS).map(open).collect::<io::Result<_>>()?;
        let events = opened.iter().map(|(_, events)| events).sum();
        Ok(Self {
            partitions: opened.into_iter().map(|(part, _)| part).collect(),
            events,
            video,
        })
    }

    /// Makes the first `events` of the whole readable.
    pub(crate) fn readable_set(&self, events: u64) {
        let (partitions, events) = (u64::from(PARTITIONS), events.min(self.events));
        for (number, part) in (0..).zip(&self.partitions) {
            let readable = (events + partitions - 1 - number) / partitions;
            part.readable.store(readable, Ordering::Release);
        }
    }

    /// All the events there are.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }
}

impl EventLog for InputLog {
    fn partitions(&self) -> u16 {
        PARTITIONS
    }

    fn append(&self, _: Vec<Append>) -> Result<Durable, AppendError> {
        Err(AppendError::Stopped("the bench's input is only read".to_owned()))
    }

    fn read(&self, from: TopicPartition, offset: u64, bytes_max: usize) -> Result<Vec<Record>, ReadError> {
        let part = &self.partitions[usize::from(from.partition)];
        let count = self.end(from).saturating_sub(offset);
        let count = count.min((bytes_max / EVENT_BYTES).max(1) as u64) as usize;
        let mut chunk = vec![0; count * EVENT_BYTES];
        part.file.read_exact_at(&mut chunk, offset * EVENT_BYTES as u64)?;
        if let Some(video) = self.video {
            let events = chunk.chunks_exact_mut(EVENT_BYTES);
            events.for_each(|event| event[8..16].copy_from_slice(&video.to_le_bytes()));
        }
        let chunk = Bytes::from(chunk);
        let record = |(offset, at): (u64, usize)| {
            let payload = chunk.slice(at..at + EVENT_BYTES);
            let at_ms = payload
                .first_chunk()
                .map_or(0, |bytes| i64::from_le_bytes(*bytes));
            let delay_ms = payload[24..]
                .first_chunk()
                .map_or(0, |bytes| u32::from_le_bytes(*bytes));
            Record {
                from,
                offset,
                at_ms: at_ms + i64::from(delay_ms),
                payload,
            }
        };
        let ats = (0..chunk.len()).step_by(EVENT_BYTES);
        Ok((offset..).zip(ats).map(record).collect())
    }

    fn start(&self, _: TopicPartition) -> u64 {
        0
    }

    fn end(&self, of: TopicPartition) -> u64 {
        self.partitions[usize::from(of.partition)]
            .readable
            .load(Ordering::Acquire)
    }

    fn wait(&self, generation: u64, _: Duration) -> u64 {
        generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularity_follows_the_law() {
        let (zipf, draws) = (Zipf::new(1_000, ZIPF_EXPONENT), 1_000_000);
        let mut counts = vec![0_u32; 1_000];
        let mut random = SplitMix(1);
        for _ in 0..draws {
            counts[zipf.draw(&mut random) as usize] += 1;
        }
        let sum: f64 = (1..=1_000).map(|rank| f64::from(rank).powf(-ZIPF_EXPONENT)).sum();
        for rank in [1, 2, 10, 100] {
            let expect = f64::from(rank).powf(-ZIPF_EXPONENT) / sum * f64::from(draws);
            let drawn = f64::from(counts[rank as usize - 1]);
            assert!(
                (drawn / expect - 1.0).abs() < 0.1,
                "rank {rank}: {drawn} for {expect}"
            );
        }
    }

    #[test]
    fn events_come_in_the_order_of_receipt_and_a_superstar_takes_all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        generate(folder.path(), 1_001).expect("writes");
        let plain = InputLog::open(folder.path(), None).expect("opens");
        let star = InputLog::open(folder.path(), Some(7)).expect("opens");
        assert_eq!(plain.events(), 1_001);
        plain.readable_set(11);
        star.readable_set(u64::MAX);
        let of = |partition| TopicPartition {
            topic: TOPIC,
            partition,
        };
        assert_eq!(
            (0..PARTITIONS).map(|p| plain.end(of(p))).collect::<Vec<_>>(),
            [3, 3, 3, 2]
        );
        let read = |log: &InputLog, p| log.read(of(p), 0, 1 << 20).expect("reads");
        assert!(
            read(&plain, 1)
                .windows(2)
                .all(|pair| pair[0].at_ms <= pair[1].at_ms)
        );
        let event = |record: &Record| Event::read(&record.payload).expect("is an event");
        assert!(read(&star, 3).iter().all(|record| event(record).video == 7));
        let late = |record: &Record| record.at_ms - event(record).at_ms;
        assert!(
            read(&star, 0)
                .iter()
                .all(|record| (0..DISORDER_MS_MAX).contains(&late(record)))
        );
    }
}
