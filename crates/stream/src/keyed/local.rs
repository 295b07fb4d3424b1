//! What a job sees while it works: its state, its timers, and the ways out.
//!
//! Nothing here decides when a stage runs; see [`crate::keyed::worker`].

use crate::keyed::contract::{Delta, Job, Key};
use crate::keyed::table::{FastMap, Table};
use crate::keyed::time::{EventTime, TimePolicy};
use crate::keyed::timers::Timers;

/// What became of a record. Every record has one fate, so in = counted + duplicate + late + rejected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    /// It had its effect, perhaps as a correction.
    #[default]
    Counted,
    /// It had been counted before.
    Duplicate,
    /// Too old to correct what was told; left to the batch recount.
    Late,
    /// No use; see [`crate::Poisoned`].
    Rejected,
}

/// Deltas on their way to one worker, one a key, in the order in which their keys came up.
pub(crate) struct Lane<J: Job> {
    index: FastMap<J::Key, u32>,
    deltas: Vec<(J::Key, J::Delta)>,
}

impl<J: Job> Default for Lane<J> {
    fn default() -> Self {
        Self {
            index: FastMap::default(),
            deltas: Vec::new(),
        }
    }
}

impl<J: Job> Lane<J> {
    fn send(&mut self, key: J::Key, delta: J::Delta) {
        if let Some(&at) = self.index.get(&key) {
            self.deltas[at as usize].1.merge(delta);
            return;
        }
        self.index.insert(key.clone(), self.deltas.len() as u32);
        self.deltas.push((key, delta));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.deltas.is_empty()
    }

    /// Takes the deltas out and keeps the room.
    pub(crate) fn drain(&mut self) -> std::vec::Drain<'_, (J::Key, J::Delta)> {
        self.index.clear();
        self.deltas.drain(..)
    }
}

/// Deltas on their way to stage two, a lane for each worker.
pub(crate) struct Outbox<J: Job> {
    pub(crate) to: Vec<Lane<J>>,
}

impl<J: Job> Outbox<J> {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            to: (0..workers.max(1)).map(|_| Lane::default()).collect(),
        }
    }

    fn send(&mut self, key: J::Key, delta: J::Delta) {
        let worker = usize::from(key.group().0) % self.to.len();
        self.to[worker].send(key, delta);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.to.iter().all(Lane::is_empty)
    }
}

/// Stage one's view: the state beside one partition.
pub struct Local<'w, J: Job> {
    pub(crate) table: &'w mut Table<J::LocalKey, J::Local>,
    pub(crate) timers: &'w mut Timers<J::LocalKey>,
    pub(crate) outbox: &'w mut Outbox<J>,
    pub(crate) rows: &'w mut Vec<J::Row>,
    pub(crate) policy: TimePolicy,
    pub(crate) partition: u16,
    pub(crate) watermark_ms: i64,
    pub(crate) fate: Fate,
}

impl<J: Job> Local<'_, J> {
    /// The state of `key`, to change. Its rows are asked for when the epoch ends.
    pub fn state(&mut self, key: &J::LocalKey) -> &mut J::Local {
        self.table.change(key)
    }

    /// Tells stage two; deltas of one key are merged on the way.
    pub fn send(&mut self, key: J::Key, delta: J::Delta) {
        self.outbox.send(key, delta);
    }

    /// Asks for [`Job::local_timer`] once the partition's watermark reaches `at_ms`. Setting the same one twice sets it once.
    pub fn timer(&mut self, key: &J::LocalKey, at_ms: i64) {
        self.timers.set(at_ms, key.clone());
    }

    /// Hands a row to the sink as it is, once; after a crash it is made again from the last checkpoint on.
    pub fn row(&mut self, row: J::Row) {
        self.rows.push(row);
    }

    /// Says what became of the record.
    pub fn fate(&mut self, fate: Fate) {
        self.fate = fate;
    }

    /// The believed time of something a device dated `at_ms` and we received at `received_ms`, and whether it is late for
    /// the topic and partition it came from.
    pub fn event_time(&self, at_ms: i64, received_ms: i64) -> EventTime {
        let at_ms = self.policy.believed_ms(at_ms, received_ms);
        EventTime {
            at_ms,
            lateness: self.policy.lateness(at_ms, self.watermark_ms),
        }
    }

    /// The partition at hand.
    pub fn partition(&self) -> u16 {
        self.partition
    }

    /// For a record: the watermark of its topic and partition before it. For a timer: the partition's.
    pub fn watermark_ms(&self) -> i64 {
        self.watermark_ms
    }
}

/// Stage two's view, beside the state of the key at hand.
pub struct Folding<'w, J: Job> {
    pub(crate) key: &'w J::Key,
    pub(crate) timers: &'w mut Timers<J::Key>,
    pub(crate) outbox: &'w mut Outbox<J>,
    pub(crate) rows: &'w mut Vec<J::Row>,
    pub(crate) watermark_ms: i64,
}

impl<J: Job> Folding<'_, J> {
    /// Tells another key, still within this epoch.
    pub fn send(&mut self, key: J::Key, delta: J::Delta) {
        self.outbox.send(key, delta);
    }

    /// Asks for [`Job::timer`] for the key at hand once the watermark reaches `at_ms`.
    pub fn timer(&mut self, at_ms: i64) {
        self.timers.set(at_ms, self.key.clone());
    }

    /// Takes a timer of the key at hand back.
    pub fn timer_cancel(&mut self, at_ms: i64) {
        self.timers.cancel(at_ms, self.key.clone());
    }

    /// Hands a row to the sink as it is; see [`Local::row`].
    pub fn row(&mut self, row: J::Row) {
        self.rows.push(row);
    }

    /// The watermark of all active partitions. It depends on what has been read so far: use it to free memory or to time
    /// output, never to decide what counts.
    pub fn watermark_ms(&self) -> i64 {
        self.watermark_ms
    }
}
