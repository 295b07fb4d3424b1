//! One worker: the partitions it reads, the state it owns, and the phases of an epoch.
//!
//! It decides nothing about when; see [`crate::keyed::engine`].

use std::sync::Arc;

use event_log::{EventLog, ReadError, Record, TopicPartition};

use crate::driver::lost_note;
use crate::keyed::contract::{Job, Key, KeyGroup, Value};
use crate::keyed::entries::{Entries, GLOBAL, LOCAL, LOCAL_TIMERS, PREFIX_BYTES, TIMERS};
use crate::keyed::local::{Fate, Folding, Lane, Local, Outbox};
use crate::keyed::shelf::Shelf;
use crate::keyed::table::{Slot, StateError, Table, group_of};
use crate::keyed::time::WATERMARK_NONE_MS;
use crate::keyed::timers::Timers;

/// Where one topic of one partition stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    pub(crate) of: TopicPartition,
    pub(crate) next: u64,
    pub(crate) watermark_ms: i64,
    /// Polled and found empty; never said of one that is held back.
    pub(crate) idle: bool,
}

/// One partition: its topics' cursors and the timers beside it.
pub(crate) struct Partition<J: Job> {
    pub(crate) number: u16,
    pub(crate) cursors: Vec<Cursor>,
    pub(crate) timers: Timers<J::LocalKey>,
}

/// What became of records since the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    pub(crate) counted: u64,
    pub(crate) duplicate: u64,
    pub(crate) late: u64,
    pub(crate) rejected: u64,
}

/// How much of the log an epoch takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) bytes_max: usize,
    /// The watermark of the slowest active cursor before the epoch.
    pub(crate) slowest_ms: i64,
    /// The engine's clock, for partitions that are idle.
    pub(crate) now_ms: i64,
}

/// Keys of stage two that are looked up together: their states then fit into the first cache.
const BATCH_MAX: usize = 256;

pub(crate) struct Worker<J: Job> {
    job: Arc<J>,
    pub(crate) partitions: Vec<Partition<J>>,
    local: Table<J::LocalKey, J::Local>,
    global: Table<J::Key, J::State>,
    timers: Timers<J::Key>,
    /// The states of the batch at hand.
    slots: Vec<Slot>,
    pub(crate) outbox: Outbox<J>,
    pub(crate) rows: Vec<J::Row>,
    pub(crate) tally: Tally,
}

impl<J: Job> Worker<J> {
    pub(crate) fn new(
        job: Arc<J>,
        partitions: Vec<Partition<J>>,
        workers: usize,
        shelf: &Arc<Shelf>,
        cache_bytes_max: usize,
    ) -> Self {
        Self {
            job,
            partitions,
            local: Table::new(LOCAL, shelf.clone(), cache_bytes_max / 2),
            global: Table::new(GLOBAL, shelf.clone(), cache_bytes_max / 2),
            timers: Timers::new(TIMERS),
            slots: Vec::with_capacity(BATCH_MAX),
            outbox: Outbox::new(workers),
            rows: Vec::new(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn cursors(&self) -> impl Iterator<Item = &Cursor> {
        self.partitions.iter().flat_map(|partition| &partition.cursors)
    }

    /// Stage one: reads a chunk of each cursor, and fires the timers beside its partitions.
    pub(crate) fn source(&mut self, log: &dyn EventLog, reach: Reach) -> Result<(), ReadError> {
        for at in 0..self.partitions.len() {
            for cursor in 0..self.partitions[at].cursors.len() {
                self.read(log, reach, at, cursor)?;
            }
            self.local_timers(at, reach.now_ms);
        }
        Ok(())
    }

    fn read(&mut self, log: &dyn EventLog, reach: Reach, at: usize, number: usize) -> Result<(), ReadError> {
        let policy = self.job.time_policy();
        let cursor = self.partitions[at].cursors[number];
        let end = log.end(cursor.of);
        self.partitions[at].cursors[number].idle = cursor.next >= end;
        let limit_ms = reach.slowest_ms.saturating_add(policy.ahead_ms_max);
        if cursor.next >= end || cursor.watermark_ms > limit_ms {
            return Ok(());
        }
        let records = match log.read(cursor.of, cursor.next, reach.bytes_max) {
            Err(ReadError::Lost { next, .. }) => {
                self.partitions[at].cursors[number].next =
                    lost_note(self.job.name(), cursor.of, cursor.next, next);
                return Ok(());
            }
            records => records?,
        };
        let (job, leads) = (self.job.clone(), cursor.watermark_ms > reach.slowest_ms);
        for record in records.iter().take_while(|record| record.offset < end) {
            // Only the slowest may go further than the limit: somebody has to.
            if leads && policy.watermark_ms(record.at_ms) > limit_ms {
                break;
            }
            self.prepare(&job, at, number, record);
            let cursor = &mut self.partitions[at].cursors[number];
            cursor.next = record.offset + 1;
            cursor.watermark_ms = cursor.watermark_ms.max(policy.watermark_ms(record.at_ms));
        }
        Ok(())
    }

    fn prepare(&mut self, job: &J, at: usize, number: usize, record: &Record) {
        let watermark_ms = self.partitions[at].cursors[number].watermark_ms;
        let mut local = self.local(at, watermark_ms);
        let fate = match job.prepare(record, &mut local) {
            Ok(()) => local.fate,
            Err(poisoned) => {
                let (job, reason) = (job.name(), poisoned.reason);
                metrics::counter!("riffle_stream_poisoned_records_total", "job" => job, "reason" => reason)
                    .increment(1);
                tracing::debug!(job, reason, from = ?record.from, offset = record.offset, "passed over a poisoned record");
                Fate::Rejected
            }
        };
        self.tally.records += 1;
        match fate {
            Fate::Counted => self.tally.counted += 1,
            Fate::Duplicate => self.tally.duplicate += 1,
            Fate::Late => self.tally.late += 1,
            Fate::Rejected => self.tally.rejected += 1,
        }
    }

    fn local(&mut self, at: usize, watermark_ms: i64) -> Local<'_, J> {
        let partition = &mut self.partitions[at];
        Local {
            table: &mut self.local,
            timers: &mut partition.timers,
            outbox: &mut self.outbox,
            rows: &mut self.rows,
            policy: self.job.time_policy(),
            partition: partition.number,
            watermark_ms,
            fate: Fate::Counted,
        }
    }

    fn local_timers(&mut self, at: usize, now_ms: i64) {
        let job = self.job.clone();
        let watermark_ms = self.partitions[at].watermark_ms(job.time_policy().watermark_ms(now_ms));
        while let Some((at_ms, key)) = self.partitions[at].timers.pop(watermark_ms) {
            job.local_timer(&key, at_ms, &mut self.local(at, watermark_ms));
        }
    }

    /// Stage two: folds what stage one of all workers sent here. What stage two sends lands in the outbox.
    pub(crate) fn fold(&mut self, incoming: &mut Lane<J>, watermark_ms: i64) {
        let job = self.job.clone();
        let mut deltas = incoming.drain();
        while !deltas.as_slice().is_empty() {
            let keys = deltas.as_slice().iter().map(|(key, _)| key).take(BATCH_MAX);
            self.states_mark(keys);
            for at in 0..self.slots.len() {
                let Some((key, delta)) = deltas.next() else {
                    return;
                };
                let (state, mut folding) = self.folding(self.slots[at], &key, watermark_ms);
                job.fold(&key, state, delta, &mut folding);
            }
        }
    }

    /// Fires the timers of stage two.
    pub(crate) fn timers(&mut self, watermark_ms: i64) {
        let (job, mut keys) = (self.job.clone(), Vec::new());
        while let Some(at_ms) = self.timers.pop_batch(watermark_ms, BATCH_MAX, &mut keys) {
            self.states_mark(keys.iter());
            for (at, key) in keys.drain(..).enumerate() {
                let (state, mut folding) = self.folding(self.slots[at], &key, watermark_ms);
                job.timer(&key, state, at_ms, &mut folding);
            }
        }
    }

    /// Finds the states of some keys, which are about to change.
    fn states_mark<'k>(&mut self, keys: impl Iterator<Item = &'k J::Key>) {
        self.slots.clear();
        self.slots.extend(keys.map(|key| self.global.find(key)));
        self.slots.iter().for_each(|&slot| self.global.mark(slot));
    }

    fn folding<'w>(
        &'w mut self,
        slot: Slot,
        key: &'w J::Key,
        watermark_ms: i64,
    ) -> (&'w mut J::State, Folding<'w, J>) {
        let folding = Folding {
            key,
            timers: &mut self.timers,
            outbox: &mut self.outbox,
            rows: &mut self.rows,
            watermark_ms,
        };
        (self.global.value(slot), folding)
    }

    /// Makes the rows of what changed in this epoch.
    pub(crate) fn rows_make(&mut self) -> Result<(), StateError> {
        let (job, rows) = (&self.job, &mut self.rows);
        self.local
            .drain_touched(|key, state| job.local_rows(key, state, rows));
        self.global.drain_touched(|key, state| job.rows(key, state, rows));
        let fault = self.local.fault_take().or_else(|| self.global.fault_take());
        fault.map_or(Ok(()), Err)
    }

    /// Writes what changed since the last checkpoint.
    pub(crate) fn drain_dirty(&mut self, version: u64) -> Entries {
        let mut entries = Entries::default();
        self.local.drain_dirty(version, &mut entries);
        self.global.drain_dirty(version, &mut entries);
        self.timers.drain_changed(&mut entries);
        for partition in &mut self.partitions {
            partition.timers.drain_changed(&mut entries);
        }
        entries
    }

    /// Makes room; see [`Table::sweep`].
    pub(crate) fn sweep(&mut self, shelved: u64) {
        self.local.sweep(shelved);
        self.global.sweep(shelved);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.local.is_over() || self.global.is_over()
    }

    pub(crate) fn dirty_len(&self) -> usize {
        self.local.dirty_len() + self.global.dirty_len()
    }

    pub(crate) fn state_bytes(&self) -> usize {
        self.local.bytes() + self.global.bytes()
    }

    pub(crate) fn keys_len(&self) -> usize {
        self.local.len() + self.global.len()
    }

    pub(crate) fn timers_len(&self) -> usize {
        self.timers.len()
            + self
                .partitions
                .iter()
                .map(|partition| partition.timers.len())
                .sum::<usize>()
    }

    /// Takes in a stored entry of a log with `partitions`; with `all_rows` also makes its rows. None when it does not decode.
    pub(crate) fn restore(
        &mut self,
        key: &[u8],
        value: &[u8],
        partitions: u16,
        all_rows: bool,
    ) -> Option<()> {
        let (&[table, _], key) = key.split_first_chunk::<PREFIX_BYTES>()?;
        match table {
            LOCAL => {
                let (key, state) = (J::LocalKey::decode(key)?, J::Local::decode(value)?);
                if all_rows {
                    self.job.local_rows(&key, &state, &mut self.rows);
                }
                self.local.restore(key, state);
            }
            GLOBAL => {
                let (key, state) = (J::Key::decode(key)?, J::State::decode(value)?);
                if all_rows {
                    self.job.rows(&key, &state, &mut self.rows);
                }
                self.global.restore(key, state);
            }
            TIMERS => self.timers.restore(key)?,
            LOCAL_TIMERS => {
                let group = Timers::<J::LocalKey>::group_of(key)?;
                let number = u16::from(group.0) % partitions;
                let mut beside = self.partitions.iter_mut();
                beside
                    .find(|partition| partition.number == number)?
                    .timers
                    .restore(key)?;
            }
            _ => return None,
        }
        Some(())
    }
}

impl<J: Job> Partition<J> {
    /// The watermark beside the partition: the slowest of its cursors that has records to read, or, when none has, the
    /// clock's.
    fn watermark_ms(&self, clock_ms: i64) -> i64 {
        let active = self.cursors.iter().filter(|cursor| !cursor.idle);
        let slowest_ms = active.map(|cursor| cursor.watermark_ms).min();
        slowest_ms.unwrap_or_else(|| {
            let newest_ms = self.cursors.iter().map(|cursor| cursor.watermark_ms).max();
            newest_ms.unwrap_or(WATERMARK_NONE_MS).max(clock_ms)
        })
    }
}

/// The worker that owns a stored entry, of `workers`, over `partitions`; None when the entry does not decode.
pub(crate) fn owner<J: Job>(key: &[u8], workers: usize, partitions: u16) -> Option<usize> {
    let (&[table, _], key) = key.split_first_chunk::<PREFIX_BYTES>()?;
    let beside = |group: KeyGroup| usize::from(group.0) % usize::from(partitions.max(1)) % workers;
    let spread = |group: KeyGroup| usize::from(group.0) % workers;
    match table {
        LOCAL => group_of::<J::LocalKey>(key).map(beside),
        LOCAL_TIMERS => Timers::<J::LocalKey>::group_of(key).map(beside),
        GLOBAL => group_of::<J::Key>(key).map(spread),
        TIMERS => Timers::<J::Key>::group_of(key).map(spread),
        _ => None,
    }
}
