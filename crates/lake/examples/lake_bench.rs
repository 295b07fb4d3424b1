//! Measures the lake by itself: rows a second of folding and committing, bytes a row on disk, packing, and reading back.
//!
//! `cargo run --release -p lake --example lake_bench -- [EVENTS] [FOLDER] [EVENTS_A_COMMIT]`; the folder is kept, so that another
//! engine can look at it. Rates are by processor time of the one thread that does the work, so neighbours hardly matter; seconds
//! of the clock stand beside them.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use blob::BlobStore;
use bytes::Bytes;
use event::{
    Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source, VideoChange,
};
use event_log::disk::SplitMix;
use event_log::{Record, Topic, TopicPartition};
use lake::{BlobObjects, LakeConfig, LakeJob, LakeKeeper, LakeTable, LakeWriter, Objects, Table, recount};
use stream::{Checkpoint, Operator};
use types::{Category, IdGenerator, ImpressionId, Region, UserId, VideoId, ViewerId};

/// 2026-01-31T05:00:00Z.
const START_MS: i64 = 1_769_835_600_000;
const EVENTS_A_SECOND: u64 = 20_000;
const PARTITIONS: u16 = 8;
const VIEWERS: u64 = 20_000;
const VIDEOS: u64 = 100_000;
const CHUNK: u64 = 50_000;

/// Seconds that something took: of this thread on a processor, and of the clock.
struct Stopwatch(f64, Instant);

impl Stopwatch {
    fn start() -> Self {
        Self(processor_s(), Instant::now())
    }

    fn stop(self) -> (f64, f64) {
        (processor_s() - self.0, self.1.elapsed().as_secs_f64())
    }
}

/// What the kernel has given this thread so far; 0 where it does not tell.
fn processor_s() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent_ns: f64 = told
        .split(' ')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0);
    spent_ns / 1e9
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let events: u64 = arguments.next().map_or(Ok(2_000_000), |text| text.parse())?;
    let kept = arguments.next().map(PathBuf::from);
    let temporary = tempfile::tempdir()?;
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()?;
    let objects: Arc<dyn Objects> = Arc::new(BlobObjects::new(
        BlobStore::folder(&folder)?,
        runtime.handle().clone(),
    ));
    let config = LakeConfig::default();
    let a_commit: u64 = arguments.next().map_or(Ok(u64::MAX), |text| text.parse())?;
    write(&objects, &config, events, a_commit)?;
    sizes(&objects, &config)?;
    pack(&objects, &config)?;
    sizes(&objects, &config)?;
    let watch = Stopwatch::start();
    let counted = recount(&objects, &config, u64::MAX)?;
    let views: u64 = counted.videos.values().map(|video| video.views).sum();
    let likes: i64 = counted.videos.values().map(|video| video.likes).sum();
    rate("recount", counted.rows as f64, watch.stop());
    println!(
        "               {} videos, {views} views, {likes} likes",
        counted.videos.len()
    );
    Ok(())
}

fn rate(what: &str, count: f64, (processor_s, clock_s): (f64, f64)) {
    println!(
        "{what:14} {:.2} M/s ({processor_s:.2} s of a processor, {clock_s:.2} s of the clock)",
        count / processor_s / 1e6
    );
}

fn write(
    objects: &Arc<dyn Objects>,
    config: &LakeConfig,
    events: u64,
    a_commit: u64,
) -> Result<(), Box<dyn Error>> {
    let writer = Arc::new(LakeWriter::new(objects.clone(), Arc::new(|| START_MS), config)?);
    let mut job = LakeJob::new(writer.clone());
    let mut people = People::new();
    let (mut folding, mut committing, mut commits, mut held_max) = ((0.0, 0.0), (0.0, 0.0), 0, 0);
    for &topic in job.topics() {
        for partition in 0..PARTITIONS {
            writer.resume_at("lake", TopicPartition { topic, partition })?;
        }
    }
    let size = CHUNK.min(a_commit);
    for chunk in 0..events.div_ceil(size) {
        let records: Vec<Record> = (0..size.min(events - chunk * size))
            .map(|_| people.act())
            .collect();
        let watch = Stopwatch::start();
        for record in &records {
            // A poisoned record becomes a row, too.
            let _ = job.process(record);
        }
        add(&mut folding, watch.stop());
        held_max = held_max.max(writer.held_bytes());
        let read = (chunk + 1) * size;
        if job.full() || read.is_multiple_of(a_commit) || read >= events {
            let watch = Stopwatch::start();
            writer.commit("lake", &people.offsets())?;
            add(&mut committing, watch.stop());
            commits += 1;
        }
    }
    let both = (folding.0 + committing.0, folding.1 + committing.1);
    rate("fold", events as f64, folding);
    rate("commit", events as f64, committing);
    rate("both", events as f64, both);
    println!(
        "               {commits} commits, {:.1} MiB held at most",
        held_max as f64 / 1_048_576.0
    );
    Ok(())
}

fn add(to: &mut (f64, f64), more: (f64, f64)) {
    *to = (to.0 + more.0, to.1 + more.1);
}

fn sizes(objects: &Arc<dyn Objects>, config: &LakeConfig) -> Result<(), Box<dyn Error>> {
    for table in Table::ALL {
        let of = LakeTable::open(objects.clone(), config, table)?.summary();
        if of.rows > 0 {
            let per_row = of.bytes as f64 / of.rows as f64;
            println!(
                "{:14} {} rows in {} files, {:.1} bytes a row",
                table.name(),
                of.rows,
                of.files,
                per_row
            );
        }
    }
    Ok(())
}

fn pack(objects: &Arc<dyn Objects>, config: &LakeConfig) -> Result<(), Box<dyn Error>> {
    let config = LakeConfig {
        writer: 1,
        ..config.clone()
    };
    let watch = Stopwatch::start();
    let kept = LakeKeeper::new(objects.clone(), Arc::new(|| START_MS + 48 * 3_600_000), config)?.round();
    let (processor_s, clock_s) = watch.stop();
    let (packed, written) = (kept.packed_files, kept.written_files);
    println!(
        "pack           {packed} files into {written} ({processor_s:.2} s of a processor, {clock_s:.2} s of the clock)"
    );
    kept.failures
        .into_iter()
        .next()
        .map_or(Ok(()), |(_, error)| Err(error.into()))
}

/// Synthetic people: a few videos take most of the traffic, everybody watches in sessions.
struct People {
    draw: SplitMix,
    ids: IdGenerator,
    acted: u64,
    sequences: Vec<u64>,
    offsets: std::collections::BTreeMap<TopicPartition, u64>,
}

impl People {
    fn new() -> Self {
        Self {
            draw: SplitMix(7),
            ids: IdGenerator::new(1),
            acted: 0,
            sequences: vec![0; VIEWERS as usize],
            offsets: Default::default(),
        }
    }

    fn offsets(&self) -> Vec<(TopicPartition, u64)> {
        self.offsets.iter().map(|(&of, &next)| (of, next)).collect()
    }

    fn act(&mut self) -> Record {
        self.acted += 1;
        let at_ms = START_MS + (self.acted * 1_000 / EVENTS_A_SECOND) as i64;
        let viewer = self.draw.below(VIEWERS);
        let event = match self.draw.below(100) {
            0 => Event::Video(self.published(viewer, at_ms)),
            1..5 => Event::Served(self.slate(viewer, at_ms)),
            5..15 => Event::Action(self.action(viewer, at_ms)),
            _ => Event::Signal(self.signal(viewer, at_ms)),
        };
        let viewer = ViewerId::from_raw(viewer_id(viewer));
        let from = TopicPartition {
            topic: Topic(event.topic()),
            partition: event::partition_of(viewer, PARTITIONS),
        };
        let next = self.offsets.entry(from).or_default();
        *next += 1;
        Record {
            from,
            offset: *next - 1,
            at_ms,
            payload: match self.draw.below(5_000) {
                0 => Bytes::from_static(b"not a record"),
                _ => Bytes::from(event.encode()),
            },
        }
    }

    fn published(&mut self, viewer: u64, at_ms: i64) -> VideoChange {
        VideoChange::Published {
            outbox_id: self.acted,
            video: VideoId::from_raw(self.ids.next(at_ms)),
            creator: UserId::from_raw(viewer_id(viewer)),
            published_ms: at_ms,
            duration_ms: 5_000 + self.draw.below(55_000) as i64,
            hashtags: (0..self.draw.below(5))
                .map(|tag| format!("tag{}", tag * 7))
                .collect(),
            sound: None,
            category: Category::from_number(self.draw.below(17) as u8),
            region: Region::from_bytes(*b"BR"),
            content: None,
            original: None,
            caption: String::new(),
        }
    }

    fn signal(&mut self, viewer: u64, at_ms: i64) -> Signal {
        let sequence = &mut self.sequences[viewer as usize];
        *sequence += 1;
        let sequence = *sequence;
        let kind = match self.draw.below(10) {
            0..4 => SignalKind::Impression,
            4 => SignalKind::Heartbeat,
            5 => SignalKind::Loop,
            _ => SignalKind::Watch {
                watch_ms: self.draw.below(30_000) as i64,
                ended: self.draw.below(3) == 0,
                loops: self.draw.below(2) as u32,
            },
        };
        Signal {
            viewer: ViewerId::from_raw(viewer_id(viewer)),
            session: SessionKey(viewer.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            sequence,
            at_ms: at_ms - self.draw.below(2_000) as i64,
            received_ms: at_ms,
            video: Some(self.video()),
            impression: Some(ImpressionId::from_raw(self.ids.next(at_ms - 30_000))),
            region: Region::from_bytes([*b"BR", *b"FR", *b"US", *b"IN"][viewer as usize % 4]),
            kind,
        }
    }

    fn action(&mut self, viewer: u64, at_ms: i64) -> Action {
        Action {
            outbox_id: self.acted,
            actor: UserId::from_raw(viewer_id(viewer)),
            at_ms: at_ms - 3,
            kind: [
                ActionKind::Like,
                ActionKind::Share,
                ActionKind::Save,
                ActionKind::Comment,
            ][self.draw.below(4) as usize],
            video: Some(self.video()),
            target: Some(UserId::from_raw(viewer_id(self.draw.below(VIEWERS)))),
            region: Region::from_bytes(*b"BR"),
        }
    }

    fn slate(&mut self, viewer: u64, at_ms: i64) -> ServedSlate {
        let items = (0..10).map(|position| ServedItem {
            impression: ImpressionId::from_raw(self.ids.next(at_ms)),
            video: self.video(),
            position,
            source: Source::Interest,
            score: self.draw.below(1 << 20) as f32 / 1e6,
            propensity: 0.9,
            duration_ms: 15_000,
            ids: vec![],
            features: (0..12)
                .map(|slot| (slot, self.draw.below(1 << 16) as f32 / 65_536.0))
                .collect(),
        });
        let items = items.collect();
        ServedSlate {
            viewer: ViewerId::from_raw(viewer_id(viewer)),
            at_ms,
            items,
            receipts: vec![],
        }
    }

    /// The square of the logarithm falls off about as views of short video do.
    fn video(&mut self) -> VideoId {
        let rank = (VIDEOS as f64).powf(self.draw.below(1 << 30) as f64 / f64::from(1 << 30)) as u64;
        VideoId::from_raw(viewer_id(VIEWERS + rank))
    }
}

/// Ids are times: these were minted a millisecond apart, some months ago.
fn viewer_id(number: u64) -> u64 {
    (60_000_000_000 + number) << 22 | 1 << 12
}
