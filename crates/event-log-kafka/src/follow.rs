//! The follower: one thread that fetches what is new in the partitions that somebody reads, into the [`Tail`].
//!
//! A partition is followed from the first question about it on, and let go of when nobody has asked for a while: a
//! process that only appends fetches nothing. What lies further back is [`crate::replay`]'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::ask::{self, Edge};
use crate::client::{Voice, reader_settings};
use crate::config::KafkaConfig;
use crate::error::OpenError;
use crate::fetched::Gathered;
use crate::marks::Marks;
use crate::replay::Replay;
use crate::table::Table;
use crate::tail::{Pushed, Tail};

/// How long a broker holds an empty fetch back; a partition that is followed anew waits for it.
pub(crate) const FETCH_WAIT_MS_MAX: u32 = 50;
/// A round of the thread waits so long for something to come.
const POLL: Duration = Duration::from_millis(50);
/// What one round takes before readers see it.
const ROUND_RECORDS_MAX: usize = 4096;
const ROUND_BYTES_MAX: usize = 256 << 10;
/// A partition that nobody asked about for so long is let go of.
const IDLE_MS_MAX: u64 = 60_000;
/// How often idle partitions are looked for.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// How often the first offsets are asked for: only retention moves them.
const STARTS_EVERY: Duration = Duration::from_secs(30);
/// After brokers did not answer, a partition is not asked about again for so long.
const REFUSED_MS: u64 = 1_000;
/// How long a question that a reader waits for may take.
const QUESTION_MAX: Duration = Duration::from_secs(1);

/// Starts and stops the thread; readers come here.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    consumer: Arc<BaseConsumer<Voice>>,
    table: Arc<Table>,
    marks: Arc<Marks>,
    tail: Arc<Tail>,
    replay: Arc<Replay>,
    slots: Vec<Slot>,
    /// Held while a partition is taken up or let go of.
    assigning: Mutex<()>,
    began: Instant,
    stop: AtomicBool,
}

#[derive(Default)]
struct Slot {
    followed: AtomicBool,
    /// When somebody last asked, in milliseconds after `began`.
    asked_ms: AtomicU64,
    /// Until when it is not worth asking the brokers again.
    refused_ms: AtomicU64,
}

/// The client that follows; opening a log also asks its first questions with it.
pub(crate) fn consumer(config: &KafkaConfig) -> Result<Arc<BaseConsumer<Voice>>, OpenError> {
    let mut settings = reader_settings(config, FETCH_WAIT_MS_MAX);
    settings
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.message.max.bytes", "1048576")
        .set("fetch.max.bytes", "16777216")
        .set("fetch.queue.backoff.ms", "5");
    let consumer = settings.create_with_context(Voice("follow"));
    consumer.map(Arc::new).map_err(OpenError::Client)
}

impl Follower {
    pub(crate) fn spawn(
        consumer: Arc<BaseConsumer<Voice>>,
        table: Arc<Table>,
        marks: Arc<Marks>,
        tail: Arc<Tail>,
        replay: Arc<Replay>,
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared {
            consumer,
            slots: std::iter::repeat_with(Slot::default)
                .take(table.slots())
                .collect(),
            table,
            marks,
            tail,
            replay,
            assigning: Mutex::new(()),
            began: Instant::now(),
            stop: AtomicBool::new(false),
        });
        let runs = shared.clone();
        let thread = thread::Builder::new()
            .name("log-follow".to_owned())
            .spawn(move || runs.run())
            .map_err(OpenError::Thread)?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Notes that somebody asks about `slot`, and takes it up if it is not followed. After this its end is exact,
    /// unless no broker answered.
    pub(crate) fn ask(&self, slot: usize) {
        let shared = &self.shared;
        let now_ms = shared.now_ms();
        let state = &shared.slots[slot];
        state.asked_ms.store(now_ms, Ordering::Relaxed);
        if !state.followed.load(Ordering::Acquire) && now_ms >= state.refused_ms.load(Ordering::Relaxed) {
            shared.take_up(slot);
        }
    }

    /// Asks for the first offset of one slot, after a reader found that something is gone.
    pub(crate) fn start_refresh(&self, slot: usize) {
        self.shared.starts_refresh(&[slot]);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the log's following thread panicked");
        }
    }
}

impl Shared {
    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn take_up(&self, slot: usize) {
        let _one_at_a_time = self.assigning.lock();
        let state = &self.slots[slot];
        if state.followed.load(Ordering::Acquire) {
            return;
        }
        let asked = ask::offsets(&self.consumer, &self.table, &[slot], Edge::End, QUESTION_MAX);
        let taken = asked.and_then(|ends| {
            let (end, known) = (ends[0], self.marks.end(slot));
            if end < known {
                // A new leader may be behind for a moment. If it stays so, acknowledged records are lost.
                tracing::error!(of = ?self.table.of(slot), end, known, "a partition ends before records that were acknowledged");
            }
            self.marks.end_raise(slot, end);
            self.assign(slot, end)
        });
        match taken {
            Ok(()) => state.followed.store(true, Ordering::Release),
            Err(error) => {
                state
                    .refused_ms
                    .store(self.now_ms() + REFUSED_MS, Ordering::Relaxed);
                tracing::warn!(of = ?self.table.of(slot), %error, "a partition cannot be followed now");
            }
        }
    }

    fn assign(&self, slot: usize, offset: u64) -> KafkaResult<()> {
        self.tail.open(slot, offset);
        let mut list = self.table.list(slot);
        list.set_all_offsets(Offset::Offset(offset as i64))?;
        self.consumer.incremental_assign(&list)
    }

    fn run(&self) {
        let (mut tidied, mut asked_starts) = (Instant::now(), Instant::now());
        while !self.stop.load(Ordering::Relaxed) {
            self.round();
            if tidied.elapsed() >= TIDY_EVERY {
                self.let_go_idle();
                self.replay.tidy();
                tidied = Instant::now();
            }
            if asked_starts.elapsed() >= STARTS_EVERY {
                self.starts_refresh(&self.followed());
                asked_starts = Instant::now();
            }
        }
    }

    /// Takes what has come, up to a bound, and shows it to the readers.
    fn round(&self) {
        let mut gathered = Gathered::new(&self.table);
        let mut patience = POLL;
        while gathered.records() < ROUND_RECORDS_MAX && gathered.bytes() < ROUND_BYTES_MAX {
            match self.consumer.poll(patience) {
                Some(Ok(message)) => gathered.add(&message),
                Some(Err(error)) => {
                    self.stumble(&error);
                    break;
                }
                None => break,
            }
            patience = Duration::ZERO;
        }
        let mut news = false;
        for (slot, records) in gathered.finish() {
            news |= self.show(slot, records);
        }
        if news {
            self.marks.announce();
        }
    }

    fn show(&self, slot: usize, records: Vec<event_log::Record>) -> bool {
        match self.tail.push(slot, records) {
            Pushed::Until(end) => self.marks.end_raise(slot, end),
            Pushed::AfterGap(missing, end) => {
                metrics::counter!("riffle_event_log_kafka_gap_records_total").increment(missing);
                tracing::warn!(of = ?self.table.of(slot), missing, end, "the brokers passed over offsets");
                self.marks.end_raise(slot, end)
            }
            Pushed::NotFollowed => false,
        }
    }

    /// Most faults pass by themselves. An offset that is out of range does not: the partitions that it may be about
    /// are taken up where they are now.
    fn stumble(&self, error: &KafkaError) {
        metrics::counter!("riffle_event_log_kafka_fetch_errors_total").increment(1);
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.find_strays(error)
            }
            _ => tracing::warn!(%error, "following stumbled"),
        }
    }

    fn find_strays(&self, error: &KafkaError) {
        let _one_at_a_time = self.assigning.lock();
        let followed = self.followed();
        self.starts_refresh(&followed);
        let ends = match ask::offsets(&self.consumer, &self.table, &followed, Edge::End, QUESTION_MAX) {
            Ok(ends) => ends,
            Err(error) => return tracing::warn!(%error, "the ends of partitions could not be asked for"),
        };
        for (slot, end) in followed.into_iter().zip(ends) {
            let start = self.marks.start(slot);
            let next = self.tail.next(slot).unwrap_or(start);
            if next < start || next > end {
                tracing::error!(of = ?self.table.of(slot), next, start, end, %error, "a partition is not where it was left");
                self.let_go(slot);
            }
        }
    }

    fn followed(&self) -> Vec<usize> {
        let followed = |slot: &usize| self.slots[*slot].followed.load(Ordering::Acquire);
        (0..self.slots.len()).filter(followed).collect()
    }

    fn let_go_idle(&self) {
        let _one_at_a_time = self.assigning.lock();
        let now_ms = self.now_ms();
        for slot in self.followed() {
            if self.slots[slot].asked_ms.load(Ordering::Relaxed) + IDLE_MS_MAX < now_ms {
                self.let_go(slot);
            }
        }
        let followed = self.followed().len();
        metrics::gauge!("riffle_event_log_kafka_followed_partitions").set(followed as f64);
    }

    /// The next question takes it up again. Only with `assigning` held.
    fn let_go(&self, slot: usize) {
        self.slots[slot].followed.store(false, Ordering::Release);
        if let Err(error) = self.consumer.incremental_unassign(&self.table.list(slot)) {
            tracing::warn!(of = ?self.table.of(slot), %error, "a partition could not be let go of");
        }
        self.tail.close(slot);
    }

    fn starts_refresh(&self, slots: &[usize]) {
        match ask::offsets(&self.consumer, &self.table, slots, Edge::Start, QUESTION_MAX) {
            Ok(starts) => {
                for (slot, start) in slots.iter().zip(starts) {
                    self.marks.start_raise(*slot, start);
                }
            }
            Err(error) => tracing::warn!(%error, "the first offsets could not be asked for"),
        }
    }
}
