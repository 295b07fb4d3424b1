//! Measures the lake by itself: rows a second of folding and committing, bytes a row on disk, packing, and reading back.
//!
//! `cargo run --release -p lake --example lake_bench -- [EVENTS] [FOLDER]`; the folder is kept, so that another
//! engine can look at it. It compares with nothing and asserts nothing.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use blob::BlobStore;
use bytes::Bytes;
use event::{Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source};
use event_log::disk::SplitMix;
use event_log::{Record, Topic, TopicPartition};
use lake::{BlobObjects, LakeConfig, LakeJob, LakeKeeper, LakeTable, LakeWriter, Objects, Table, recount};
use stream::{Checkpoint, Operator};
use types::{IdGenerator, ImpressionId, Region, UserId, VideoId, ViewerId};

/// 2026-01-31T05:00:00Z.
const START_MS: i64 = 1_769_835_600_000;
const EVENTS_A_SECOND: u64 = 20_000;
const PARTITIONS: u16 = 8;
const VIEWERS: u64 = 20_000;
const VIDEOS: u64 = 100_000;
const CHUNK: u64 = 50_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let events: u64 = arguments.next().map_or(Ok(2_000_000), |text| text.parse())?;
    let kept = arguments.next().map(PathBuf::from);
    let temporary = tempfile::tempdir()?;
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let objects: Arc<dyn Objects> =
        Arc::new(BlobObjects::new(BlobStore::folder(&folder)?, runtime.handle().clone()));
    let config = LakeConfig::default();
    write(&objects, &config, events)?;
    sizes(&objects, &config)?;
    pack(&objects, &config)?;
    sizes(&objects, &config)?;
    let began = Instant::now();
    let counted = recount(&objects, &config, u64::MAX)?;
    let views: u64 = counted.videos.values().map(|video| video.views).sum();
    let likes: i64 = counted.videos.values().map(|video| video.likes).sum();
    println!(
        "recount        {:.2} M rows/s, {} rows, {} videos, {views} views, {likes} likes",
        counted.rows as f64 / began.elapsed().as_secs_f64() / 1e6,
        counted.rows,
        counted.videos.len()
    );
    Ok(())
}

fn write(objects: &Arc<dyn Objects>, config: &LakeConfig, events: u64) -> Result<(), Box<dyn Error>> {
    let writer = Arc::new(LakeWriter::new(objects.clone(), Arc::new(|| START_MS), config)?);
    let mut job = LakeJob::new(writer.clone());
    let mut people = People::new();
    let (mut folding, mut committing, mut commits, mut held_max) = (0.0, 0.0, 0, 0);
    for &topic in job.topics() {
        for partition in 0..PARTITIONS {
            writer.resume_at("lake", TopicPartition { topic, partition })?;
        }
    }
    for chunk in 0..events.div_ceil(CHUNK) {
        let records: Vec<Record> = (0..CHUNK.min(events - chunk * CHUNK)).map(|_| people.act()).collect();
        let began = Instant::now();
        for record in &records {
            job.process(record)?;
        }
        folding += began.elapsed().as_secs_f64();
        held_max = held_max.max(writer.held_bytes());
        if job.full() || (chunk + 1) * CHUNK >= events {
            let began = Instant::now();
            writer.commit("lake", &people.offsets())?;
            committing += began.elapsed().as_secs_f64();
            commits += 1;
        }
    }
    let total = events as f64;
    println!("fold           {:.2} M events/s", total / folding / 1e6);
    println!("commit         {:.2} M events/s, {commits} commits of {:.2} s each", total / committing / 1e6, committing / f64::from(commits));
    println!("both           {:.2} M events/s on one thread, {:.1} MiB held at most", total / (folding + committing) / 1e6, held_max as f64 / 1048576.0);
    Ok(())
}

fn sizes(objects: &Arc<dyn Objects>, config: &LakeConfig) -> Result<(), Box<dyn Error>> {
    for table in Table::ALL {
        let of = LakeTable::open(objects.clone(), config, table)?.summary();
        if of.rows > 0 {
            let per_row = of.bytes as f64 / of.rows as f64;
            println!("{:14} {} rows in {} files, {:.1} bytes a row", table.name(), of.rows, of.files, per_row);
        }
    }
    Ok(())
}

fn pack(objects: &Arc<dyn Objects>, config: &LakeConfig) -> Result<(), Box<dyn Error>> {
    let config = LakeConfig { writer: 1, ..config.clone() };
    let began = Instant::now();
    let kept = LakeKeeper::new(objects.clone(), Arc::new(|| START_MS + 48 * 3_600_000), config)?.round();
    println!("pack           {} files into {} in {:.2} s", kept.packed_files, kept.written_files, began.elapsed().as_secs_f64());
    kept.failures.into_iter().next().map_or(Ok(()), |(_, error)| Err(error.into()))
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
            0..5 => Event::Served(self.slate(viewer, at_ms)),
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
            payload: Bytes::from(event.encode()),
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
            kind: [ActionKind::Like, ActionKind::Share, ActionKind::Save, ActionKind::Comment][self.draw.below(4) as usize],
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
            features: (0..12).map(|slot| (slot, self.draw.below(1 << 16) as f32 / 65_536.0)).collect(),
        });
        let items = items.collect();
        ServedSlate {
            viewer: ViewerId::from_raw(viewer_id(viewer)),
            at_ms,
            items,
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
