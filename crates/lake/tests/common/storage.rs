//! Storage for tests: in memory, so that thousands of crashes do not wait for a disk; and failing where a test wants it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use blob::{BlobEntry, BlobError, BlobKey, Listing};
use bytes::Bytes;
use lake::{Clock, Objects};

/// Objects in memory, dated by the test's clock.
pub struct Memory {
    stored: Mutex<BTreeMap<String, (Bytes, i64)>>,
    clock: Clock,
}

impl Memory {
    pub fn new(clock: Clock) -> Self {
        Self {
            stored: Mutex::default(),
            clock,
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, (Bytes, i64)>> {
        self.stored.lock().expect("no test panics inside")
    }
}

impl Objects for Memory {
    fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, BlobError> {
        Ok(self.all().get(key.as_str()).map(|(bytes, _)| bytes.clone()))
    }

    fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        self.all().insert(key.to_string(), (bytes, (self.clock)()));
        Ok(())
    }

    fn put_if_absent(&self, key: &BlobKey, bytes: Bytes) -> Result<bool, BlobError> {
        let mut all = self.all();
        let absent = !all.contains_key(key.as_str());
        if absent {
            all.insert(key.to_string(), (bytes, (self.clock)()));
        }
        Ok(absent)
    }

    fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.all().remove(key.as_str());
        Ok(())
    }

    fn list(&self, prefix: &BlobKey, entries_max: usize) -> Result<Listing, BlobError> {
        let all = self.all();
        let below = format!("{prefix}/");
        let mut found = all
            .range(below.clone()..)
            .take_while(|(key, _)| key.starts_with(&below));
        let entry = |(key, (bytes, _)): (&String, &(Bytes, i64))| BlobEntry {
            key: BlobKey::parse(key).expect("stored under a key"),
            size_bytes: bytes.len() as u64,
        };
        let entries = found.by_ref().take(entries_max).map(entry).collect();
        let truncated = found.next().is_some();
        Ok(Listing { entries, truncated })
    }

    fn modified_ms(&self, key: &BlobKey) -> Result<Option<i64>, BlobError> {
        Ok(self.all().get(key.as_str()).map(|&(_, stored_ms)| stored_ms))
    }
}

/// When a storage operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was done.
    Before,
    /// It was done, and the answer was lost.
    After,
}

/// Storage whose `n`-th operation fails, alone or with all that follow.
pub struct Frail {
    inner: Arc<dyn Objects>,
    ops: AtomicU64,
    /// Which operation fails; none when negative.
    fails_at: AtomicI64,
    failure: Failure,
    /// The process is dead from then on.
    for_good: bool,
}

impl Frail {
    pub fn new(inner: Arc<dyn Objects>, fails_at: i64, failure: Failure, for_good: bool) -> Self {
        Self {
            inner,
            ops: AtomicU64::new(0),
            fails_at: AtomicI64::new(fails_at),
            failure,
            for_good,
        }
    }

    fn call<T>(&self, run: impl FnOnce() -> Result<T, BlobError>) -> Result<T, BlobError> {
        let op = self.ops.fetch_add(1, Ordering::Relaxed) as i64;
        let fails_at = self.fails_at.load(Ordering::Relaxed);
        let dead = self.for_good && fails_at >= 0 && op > fails_at;
        if dead || (op == fails_at && self.failure == Failure::Before) {
            return Err(outage());
        }
        let done = run()?;
        if op == fails_at { Err(outage()) } else { Ok(done) }
    }

    /// Operations so far.
    pub fn ops(&self) -> u64 {
        self.ops.load(Ordering::Relaxed)
    }

    /// Whether the operation that was to fail was reached.
    pub fn has_failed(&self) -> bool {
        self.ops() as i64 > self.fails_at.load(Ordering::Relaxed)
    }

    /// After `more` operations nothing works.
    pub fn break_after(&self, more: u64) {
        self.fails_at.store((self.ops() + more) as i64, Ordering::Relaxed);
    }

    pub fn heal(&self) {
        self.fails_at.store(-1, Ordering::Relaxed);
    }
}

fn outage() -> BlobError {
    BlobError::Io {
        action: "reach",
        target: "the storage".to_owned(),
        source: std::io::Error::other("outage"),
    }
}

impl Objects for Frail {
    fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, BlobError> {
        self.call(|| self.inner.get(key))
    }
    fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        self.call(|| self.inner.put(key, bytes))
    }
    fn put_if_absent(&self, key: &BlobKey, bytes: Bytes) -> Result<bool, BlobError> {
        self.call(|| self.inner.put_if_absent(key, bytes))
    }
    fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.call(|| self.inner.delete(key))
    }
    fn list(&self, prefix: &BlobKey, entries_max: usize) -> Result<Listing, BlobError> {
        self.call(|| self.inner.list(prefix, entries_max))
    }
    fn modified_ms(&self, key: &BlobKey) -> Result<Option<i64>, BlobError> {
        self.call(|| self.inner.modified_ms(key))
    }
}
