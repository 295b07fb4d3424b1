//! What followers in other processes get: the rows that moved, and the dense weights of the version in service.
//!
//! Rows and weights are absolute, so a follower may begin anywhere and read anything twice.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use model::table::Key;

use crate::journal::{Dense, Entry, Rows};
use crate::learner::{Learner, Placed};

/// Rows of one entry: about 280 KB of the widest.
const ENTRY_ROWS_MAX: usize = 2_048;
const DENSE_PART_BYTES: usize = 256 << 10;
/// Rows that wait; at more they go out early.
const TOUCHED_MAX: usize = 1 << 18;

/// How often followers hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeltaConfig {
    /// Rows that moved go out so often, milliseconds.
    pub rows_ms: u64,
    /// So does a new version of the dense weights.
    pub dense_ms: u64,
}

impl Default for DeltaConfig {
    fn default() -> Self {
        Self {
            rows_ms: 200,
            dense_ms: 500,
        }
    }
}

/// What moved since followers were told last.
pub(crate) struct Deltas {
    config: DeltaConfig,
    fingerprint: u64,
    touched: HashSet<Key>,
    rows_at: Instant,
    dense_at: Instant,
    dense_number: u64,
}

impl Deltas {
    pub(crate) fn new(config: DeltaConfig, fingerprint: u64) -> Self {
        let now = Instant::now();
        Self {
            config,
            fingerprint,
            touched: HashSet::new(),
            rows_at: now,
            dense_at: now,
            dense_number: 0,
        }
    }

    /// How often followers hear.
    pub(crate) fn config(&self) -> DeltaConfig {
        self.config
    }

    /// Notes whose rows examples moved, and whose rows went.
    pub(crate) fn note(&mut self, examples: &[Placed], removed: Vec<Key>) {
        self.touched.extend(removed);
        let ids = examples.iter().flat_map(|placed| &placed.example.item.ids);
        self.touched.extend(ids.map(|&(slot, id)| Key::new(slot, id)));
    }

    /// Until something is due, when something waits.
    pub(crate) fn due_in(&self) -> Option<Duration> {
        let rows = Duration::from_millis(self.config.rows_ms);
        (!self.touched.is_empty()).then(|| rows.saturating_sub(self.rows_at.elapsed()))
    }

    /// The entries that are due; all there is when `all`.
    pub(crate) fn take(
        &mut self,
        learner: &Learner,
        (epoch, round, at_ms): (u64, u64, i64),
        all: bool,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        let is_due = |at: Instant, ms| all || at.elapsed() >= Duration::from_millis(ms);
        let is_full = self.touched.len() >= TOUCHED_MAX;
        if !self.touched.is_empty() && (is_full || is_due(self.rows_at, self.config.rows_ms)) {
            self.rows_at = Instant::now();
            self.rows(learner, (epoch, round), &mut entries);
        }
        let version = learner.model().published().pin();
        if version.number != self.dense_number && is_due(self.dense_at, self.config.dense_ms) {
            self.dense_at = Instant::now();
            self.dense_number = version.number;
            let bytes = version.encode();
            let parts = bytes.len().div_ceil(DENSE_PART_BYTES) as u16;
            for (part, bytes) in (0..).zip(bytes.chunks(DENSE_PART_BYTES)) {
                entries.push(Entry::Dense(Dense {
                    epoch,
                    round,
                    fingerprint: self.fingerprint,
                    at_ms,
                    part,
                    parts,
                    bytes: bytes.to_vec(),
                }));
            }
        }
        entries
    }

    fn rows(&mut self, learner: &Learner, (epoch, round): (u64, u64), entries: &mut Vec<Entry>) {
        let table = learner.model().table();
        // What stands in for ids without a row moves with them.
        let slots = learner.model().schema().slots.iter();
        self.touched
            .extend(slots.map(|spec| Key::new(spec.slot, Key::DEFAULT_ID)));
        let mut keys: Vec<Key> = self.touched.drain().collect();
        keys.sort_unstable();
        let row = |key: Key| (key.bits(), table.row(key).map(|row| row.to_bytes()));
        let rows: Vec<_> = keys.into_iter().map(row).collect();
        for rows in rows.chunks(ENTRY_ROWS_MAX) {
            let rows = rows.to_vec();
            entries.push(Entry::Rows(Rows { epoch, round, rows }));
        }
    }
}
