//! The sequence window of every playing session, exact across restarts. Written by the `counters` job alone.

use std::collections::{HashMap, HashSet};

use parking_lot::RwLock;
use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};
use types::{TimestampMs, ViewerId};

use crate::bytes::{Row, put_i64, put_u64};
use crate::sequence::SequenceWindow;
use crate::store::StoreError;

const TABLE: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("sessions");

/// Windows kept in memory; the ones longest unused leave first and are read back from the file when they return.
pub const SESSIONS_IN_MEMORY_MAX: usize = 200_000;

/// A producer: whose session, and the session's key.
pub(crate) type Producer = (ViewerId, u64);

#[derive(Debug, Clone, Default)]
struct Session {
    window: SequenceWindow,
    used_ms: TimestampMs,
}

#[derive(Default)]
pub(crate) struct Sessions {
    all: RwLock<HashMap<Producer, Session>>,
    dirty: RwLock<HashSet<Producer>>,
}

impl Sessions {
    pub(crate) fn prepare(txn: &WriteTransaction) -> Result<(), StoreError> {
        txn.open_table(TABLE)?;
        Ok(())
    }

    /// Notes that `sequence` of `producer` was folded in; false when it was already.
    pub(crate) fn first(
        &self,
        db: &Database,
        producer: Producer,
        sequence: u64,
        at_ms: TimestampMs,
    ) -> Result<bool, StoreError> {
        self.load(db, producer)?;
        let mut all = self.all.write();
        let session = all.entry(producer).or_default();
        session.used_ms = session.used_ms.max(at_ms);
        let first = session.window.insert(sequence);
        if first {
            self.dirty.write().insert(producer);
        }
        Ok(first)
    }

    /// The window as of the records folded in so far.
    pub(crate) fn window(&self, db: &Database, producer: Producer) -> Result<SequenceWindow, StoreError> {
        self.load(db, producer)?;
        Ok(self
            .all
            .read()
            .get(&producer)
            .map(|session| session.window.clone())
            .unwrap_or_default())
    }

    fn load(&self, db: &Database, producer: Producer) -> Result<(), StoreError> {
        if self.all.read().contains_key(&producer) {
            return Ok(());
        }
        let txn = db.begin_read()?;
        let table = txn.open_table(TABLE)?;
        if let Some(row) = table.get((producer.0.raw(), producer.1))? {
            let session = decode(row.value()).ok_or(StoreError::Row("sessions"))?;
            self.all.write().entry(producer).or_insert(session);
        }
        Ok(())
    }

    /// Writes what changed; it stays marked until [`Self::clean`], so a commit that fails loses nothing.
    pub(crate) fn flush(&self, txn: &WriteTransaction) -> Result<(), StoreError> {
        let mut table = txn.open_table(TABLE)?;
        let (all, dirty) = (self.all.read(), self.dirty.read());
        for producer in dirty.iter() {
            if let Some(session) = all.get(producer) {
                table.insert((producer.0.raw(), producer.1), encode(session).as_slice())?;
            }
        }
        Ok(())
    }

    /// After a commit.
    pub(crate) fn clean(&self) {
        self.dirty.write().clear();
    }

    /// Drops the longest unused clean windows above the bound; call after a commit.
    pub(crate) fn shrink(&self) {
        let mut all = self.all.write();
        if all.len() <= SESSIONS_IN_MEMORY_MAX {
            return;
        }
        let mut used: Vec<TimestampMs> = all.values().map(|session| session.used_ms).collect();
        let keep_from = used.len() - SESSIONS_IN_MEMORY_MAX * 3 / 4;
        let (_, &mut oldest_kept, _) = used.select_nth_unstable(keep_from);
        let dirty = self.dirty.read();
        all.retain(|producer, session| session.used_ms >= oldest_kept || dirty.contains(producer));
    }
}

fn encode(session: &Session) -> Vec<u8> {
    let (through, lost, ahead) = session.window.parts();
    let mut out = Vec::with_capacity(32);
    put_i64(&mut out, session.used_ms);
    put_u64(&mut out, through);
    put_u64(&mut out, lost);
    ahead.for_each(|sequence| put_u64(&mut out, sequence));
    out
}

fn decode(bytes: &[u8]) -> Option<Session> {
    let mut row = Row(bytes);
    let (used_ms, through, lost) = (row.i64()?, row.u64()?, row.u64()?);
    let mut ahead = std::collections::BTreeSet::new();
    while !row.0.is_empty() {
        ahead.insert(row.u64()?);
    }
    Some(Session {
        window: SequenceWindow::from_parts(through, lost, ahead),
        used_ms,
    })
}
