//! How fast producers that each wait for their acknowledgement get through the log, beside a floor.
//!
//! The floor is what no log can beat: the same producers, the same bytes, one append and one `fdatasync` a
//! group, and nothing else. Both run in turns, slice by slice, so that a noisy disk harms them alike; only
//! their ratio means anything on another machine. A producer that is refused waits as it is told and tries
//! again; `refused` counts that. Prints one flat JSON object.
//!
//! `cargo bench -p event-log -- [--seconds N] [--row NAME] [--json FILE]`; `N` is the time a row and side.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::future::Future;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use event_log::{Append, AppendError, EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

const PAYLOAD_BYTES: usize = 200;
/// What the log adds to a payload; the floor writes as much.
const FRAME_HEADER_BYTES: usize = 28;
const PARTITIONS: u16 = 8;
const SLICES: u32 = 10;
const WARM_UP: Duration = Duration::from_secs(2);
const FLOOR_FILE_BYTES: u64 = 64 << 20;

/// Producers at once, and records each of them appends before it waits.
struct Row {
    name: &'static str,
    producers: u16,
    batch: usize,
}

const ROWS: [Row; 4] = [
    Row {
        name: "c1",
        producers: 1,
        batch: 1,
    },
    Row {
        name: "c64",
        producers: 64,
        batch: 1,
    },
    Row {
        name: "c256",
        producers: 256,
        batch: 1,
    },
    Row {
        name: "c64_batch100",
        producers: 64,
        batch: 100,
    },
];

type Done = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something that makes batches durable.
trait Sink: Send + Sync + 'static {
    fn append(&self, producer: u16, batch: usize) -> Done;

    /// How often somebody was sent away since this was asked.
    fn refused(&self) -> u64 {
        0
    }
}

fn main() {
    let Arguments {
        seconds,
        json,
        row: only,
    } = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on a real disk");
    let config = SegmentLogConfig {
        partitions: PARTITIONS,
        retention_bytes: Some(1 << 30),
        ..Default::default()
    };
    let ours: Arc<dyn Sink> = Arc::new(Ours {
        log: Arc::new(SegmentLog::open(&dir.path().join("log"), config).expect("a log")),
        refused: Arc::default(),
    });
    let floor: Arc<dyn Sink> = Arc::new(Floor::start(&dir.path().join("floor")));
    // Past the first segments, which are zeroed, to where files are recycled.
    for sink in [&ours, &floor] {
        runtime.block_on(Side::default().run(sink, &ROWS[ROWS.len() - 1], WARM_UP));
        sink.refused();
    }
    let mut figures = BTreeMap::new();
    for row in ROWS
        .iter()
        .filter(|row| only.as_deref().is_none_or(|only| only == row.name))
    {
        let (mut our_side, mut floor_side) = (Side::default(), Side::default());
        for _ in 0..SLICES {
            let slice = Duration::from_secs_f64(seconds / f64::from(SLICES));
            runtime.block_on(our_side.run(&ours, row, slice));
            runtime.block_on(floor_side.run(&floor, row, slice));
        }
        figures.insert(format!("log.{}.refused", row.name), ours.refused() as f64);
        our_side.tell(row.name, "", &mut figures);
        floor_side.tell(row.name, "floor_", &mut figures);
        figures.insert(
            format!("log.{}.ratio", row.name),
            our_side.events_per_s() / floor_side.events_per_s(),
        );
    }
    let lines: Vec<String> = figures
        .iter()
        .map(|(name, figure)| format!("  \"{name}\": {figure:.3}"))
        .collect();
    let text = format!("{{\n{}\n}}\n", lines.join(",\n"));
    print!("{text}");
    if let Some(path) = json {
        std::fs::write(path, text).expect("the figures' file can be written");
    }
}

struct Arguments {
    seconds: f64,
    json: Option<String>,
    row: Option<String>,
}

fn arguments() -> Arguments {
    let mut parsed = Arguments {
        seconds: 4.0,
        json: None,
        row: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .unwrap_or_else(|| panic!("{argument} wants a value"))
        };
        match argument.as_str() {
            "--seconds" => parsed.seconds = value().parse().expect("--seconds wants a number"),
            "--json" => parsed.json = Some(value()),
            "--row" => parsed.row = Some(value()),
            _ => {} // cargo adds arguments of its own.
        }
    }
    parsed
}

/// What one side of a row measured, over all its slices.
#[derive(Default)]
struct Side {
    latencies_us: Vec<u32>,
    events: u64,
    took: Duration,
}

impl Side {
    async fn run(&mut self, sink: &Arc<dyn Sink>, row: &Row, slice: Duration) {
        let began = Instant::now();
        let (end, batch) = (began + slice, row.batch);
        let producers: Vec<_> = (0..row.producers)
            .map(|producer| {
                let sink = sink.clone();
                tokio::spawn(async move {
                    let mut latencies_us = Vec::new();
                    let mut sent = Instant::now();
                    while sent < end {
                        sink.append(producer, batch).await;
                        let acked = Instant::now();
                        latencies_us.push((acked - sent).as_micros() as u32);
                        sent = acked;
                    }
                    latencies_us
                })
            })
            .collect();
        for producer in producers {
            self.latencies_us
                .extend(producer.await.expect("a producer ends well"));
        }
        self.took += began.elapsed();
        self.events = (self.latencies_us.len() * row.batch) as u64;
    }

    fn events_per_s(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }

    fn tell(&mut self, row: &str, side: &str, figures: &mut BTreeMap<String, f64>) {
        self.latencies_us.sort_unstable();
        let at = |share: f64| {
            let rank = ((self.latencies_us.len() as f64 * share) as usize).min(self.latencies_us.len() - 1);
            f64::from(self.latencies_us[rank]) / 1e3
        };
        figures.insert(format!("log.{row}.{side}events_per_s"), self.events_per_s());
        figures.insert(format!("log.{row}.{side}p50_ms"), at(0.5));
        figures.insert(format!("log.{row}.{side}p99_ms"), at(0.99));
    }
}

struct Ours {
    log: Arc<SegmentLog>,
    refused: Arc<AtomicU64>,
}

impl Sink for Ours {
    fn append(&self, producer: u16, batch: usize) -> Done {
        static PAYLOAD: [u8; PAYLOAD_BYTES] = [7; PAYLOAD_BYTES];
        let to = TopicPartition {
            topic: Topic(0),
            partition: producer % PARTITIONS,
        };
        let batch = vec![
            Append {
                to,
                at_ms: 0,
                payload: Bytes::from_static(&PAYLOAD)
            };
            batch
        ];
        match self.log.append(batch.clone()) {
            Ok(durable) => Box::pin(async move {
                durable.await.expect("the disk is well");
            }),
            Err(error) => Box::pin(insist(self.log.clone(), self.refused.clone(), batch, error)),
        }
    }

    fn refused(&self) -> u64 {
        self.refused.swap(0, Ordering::Relaxed)
    }
}

/// Comes back as often as it takes.
async fn insist(log: Arc<SegmentLog>, refused: Arc<AtomicU64>, batch: Vec<Append>, first: AppendError) {
    let mut error = first;
    loop {
        let AppendError::Overloaded { retry_after_ms } = error else {
            panic!("{error}");
        };
        refused.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(retry_after_ms)).await;
        match log.append(batch.clone()) {
            Ok(durable) => {
                durable.await.expect("the disk is well");
                return;
            }
            Err(again) => error = again,
        }
    }
}

/// The bare loop: swap the buffer, write, sync, wake.
struct Floor {
    shared: Arc<FloorShared>,
    committer: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct FloorShared {
    state: Mutex<FloorState>,
    ready: Condvar,
}

#[derive(Default)]
struct FloorState {
    bytes: Vec<u8>,
    acks: Vec<oneshot::Sender<()>>,
    closed: bool,
}

impl Floor {
    fn start(path: &Path) -> Self {
        let file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .open(path)
            .expect("a fresh file");
        let zeros = vec![0; 1 << 20];
        for position in (0..FLOOR_FILE_BYTES).step_by(zeros.len()) {
            file.write_all_at(&zeros, position).expect("there is room");
        }
        file.sync_all().expect("the disk is well");
        let shared = Arc::new(FloorShared::default());
        let theirs = shared.clone();
        let committer = std::thread::spawn(move || theirs.commit_loop(&file));
        Self {
            shared,
            committer: Some(committer),
        }
    }
}

impl FloorShared {
    fn commit_loop(&self, file: &File) {
        let mut group = FloorState::default();
        let mut position = 0;
        loop {
            {
                let mut state = self.state.lock();
                self.ready
                    .wait_while(&mut state, |state| state.acks.is_empty() && !state.closed);
                if state.acks.is_empty() {
                    return;
                }
                std::mem::swap(&mut state.bytes, &mut group.bytes);
                std::mem::swap(&mut state.acks, &mut group.acks);
            }
            if position + group.bytes.len() as u64 > FLOOR_FILE_BYTES {
                position = 0;
            }
            file.write_all_at(&group.bytes, position)
                .expect("the disk is well");
            file.sync_data().expect("the disk is well");
            position += group.bytes.len() as u64;
            group.bytes.clear();
            for ack in group.acks.drain(..) {
                let _ = ack.send(());
            }
        }
    }
}

impl Sink for Floor {
    fn append(&self, _producer: u16, batch: usize) -> Done {
        static RECORD: [u8; FRAME_HEADER_BYTES + PAYLOAD_BYTES] = [7; FRAME_HEADER_BYTES + PAYLOAD_BYTES];
        let (ack, acked) = oneshot::channel();
        let mut state = self.shared.state.lock();
        for _ in 0..batch {
            state.bytes.extend_from_slice(&RECORD);
        }
        state.acks.push(ack);
        drop(state);
        self.shared.ready.notify_one();
        Box::pin(async move {
            acked.await.expect("the loop runs until it is dropped");
        })
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.ready.notify_all();
        if let Some(committer) = self.committer.take() {
            committer.join().expect("the loop ends well");
        }
    }
}
