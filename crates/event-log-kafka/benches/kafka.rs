//! Measures the backend against one real broker on this machine: `cargo bench -p event-log-kafka [-- KEY=VALUE…]`.
//!
//! Arguments are settings of the address, for example `linger_us=0` or `sync=always`. It compares with nothing: client and
//! broker share the cores, and a broker's numbers are its own.

#[path = "../tests/broker/broker.rs"]
mod broker;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use event_log::conformance::settle;
use event_log::disk::SplitMix;
use event_log::{Append, EventLog, Topic, TopicPartition};
use event_log_kafka::{KafkaConfig, KafkaLog};

use broker::{Broker, PARTITIONS, TOPICS};

const EVENT_BYTES: usize = 200;
const SPELL: Duration = Duration::from_secs(5);

fn of(partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(0),
        partition,
    }
}

/// Payloads that no compression makes smaller; each batch takes the next ones.
struct Payloads {
    pool: Vec<bytes::Bytes>,
    next: AtomicUsize,
}

impl Payloads {
    fn new() -> Self {
        let mut random = SplitMix(1);
        let words = EVENT_BYTES / 8;
        let payload = |_| (0..words).flat_map(|_| random.draw().to_le_bytes()).collect();
        Self {
            pool: (0..4096).map(payload).collect(),
            next: AtomicUsize::new(0),
        }
    }

    fn batch(&self, producer: usize, events: usize) -> Vec<Append> {
        let to = of((producer % usize::from(PARTITIONS)) as u16);
        let first = self.next.fetch_add(events, Ordering::Relaxed);
        let event = |at: usize| Append {
            to,
            at_ms: 1_700_000_000_000,
            payload: self.pool[at % self.pool.len()].clone(),
        };
        (first..first + events).map(event).collect()
    }
}

/// Producers that each wait for their acknowledgement: events a second, and the median and 99th percentile in ms.
fn closed_loop(log: &dyn EventLog, payloads: &Payloads, producers: usize, events: usize) -> (f64, f64, f64) {
    let (began, acknowledged) = (Instant::now(), AtomicU64::new(0));
    let mut waits: Vec<Duration> = thread::scope(|scope| {
        let spawn = |producer| {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let mut waits = Vec::new();
                while began.elapsed() < SPELL {
                    let sent = Instant::now();
                    settle(log.append(payloads.batch(producer, events)).expect("accepted"))
                        .expect("acknowledged");
                    waits.push(sent.elapsed());
                    acknowledged.fetch_add(events as u64, Ordering::Relaxed);
                }
                waits
            })
        };
        let threads: Vec<_> = (0..producers).map(spawn).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a producer"))
            .collect()
    });
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    (
        acknowledged.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64(),
        at(0.5),
        at(0.99),
    )
}

/// Reads everything once, partition by partition: events a second.
fn read_everything(log: &dyn EventLog) -> f64 {
    let (began, mut events) = (Instant::now(), 0);
    for partition in 0..PARTITIONS {
        let mut next = log.start(of(partition));
        while next < log.end(of(partition)) {
            let records = log.read(of(partition), next, 256 << 10).expect("readable").len();
            next += records as u64;
            events += records;
        }
    }
    events as f64 / began.elapsed().as_secs_f64()
}

/// From the append's acknowledgement to the record in another process's hands: median and 99th percentile in ms.
fn freshness(from: &dyn EventLog, to: &dyn EventLog, payloads: &Payloads) -> (f64, f64) {
    let mut waits: Vec<Duration> = (0..500)
        .map(|_| {
            let offset =
                settle(from.append(payloads.batch(0, 1)).expect("accepted")).expect("acknowledged")[0];
            let (acknowledged, mut generation) = (Instant::now(), 0);
            while to.end(of(0)) <= offset {
                generation = to.wait(generation, SPELL);
            }
            to.read(of(0), offset, 1).expect("readable");
            acknowledged.elapsed()
        })
        .collect();
    waits.sort_unstable();
    (waits[250].as_secs_f64() * 1e3, waits[495].as_secs_f64() * 1e3)
}

fn main() {
    let settings: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument.contains('='))
        .collect();
    let broker = Broker::shared();
    let uri = format!(
        "kafka://{}/bench?partitions={PARTITIONS}&{}",
        broker.address,
        settings.join("&")
    );
    let config: KafkaConfig = uri.parse().expect("settings of a kafka:// address");
    let open = || KafkaLog::open(&config, &TOPICS).expect("the log opens");
    let (log, payloads) = (open(), Payloads::new());
    println!(
        "{} | {EVENT_BYTES}-byte events | {}",
        broker.address,
        settings.join(" ")
    );
    closed_loop(&log, &payloads, 16, 10);
    for (producers, events) in [(1, 1), (64, 1), (256, 1), (64, 10), (64, 100)] {
        let (rate, median, late) = closed_loop(&log, &payloads, producers, events);
        println!(
            "append  {producers:>3} producers x {events:>3}  {rate:>9.0} events/s   p50 {median:6.2} ms   p99 {late:6.2} ms"
        );
    }
    let other = open();
    println!(
        "replay  all                {:>9.0} events/s",
        read_everything(&other)
    );
    let (median, late) = freshness(&log, &other, &payloads);
    println!("fresh   in another process                      p50 {median:6.2} ms   p99 {late:6.2} ms");
}
