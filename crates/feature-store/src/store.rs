//! The store as a whole: opening, reading, changing, committing with offsets.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use event_log::TopicPartition;
use parking_lot::{RwLock, RwLockReadGuard};
use redb::{Database, WriteTransaction};
use stream::Checkpoint;
use types::{TimestampMs, VideoId, ViewerId};

use crate::catalog::{Catalog, VideoProfile};
use crate::counters::{Counters, VideoCounters};
use crate::offsets::Offsets;
use crate::outbox::OutboxMarks;
use crate::sequence::SequenceWindow;
use crate::sessions::Sessions;
use crate::viewers::{ViewerState, Viewers};

/// The jobs that own a part of this store. A part is written by its job alone and committed with its offsets.
pub mod job {
    /// Owns counters and sessions.
    pub const COUNTERS: &str = "counters";
    /// Owns viewers.
    pub const USER_HISTORY: &str = "user_history";
    /// Owns the catalog.
    pub const CATALOG: &str = "catalog";
}

/// How long the list of the hottest videos may be reused.
const HOTTEST_MAX_AGE_MS: i64 = 500;
const HOTTEST_MAX: usize = 1_000;
const REDB_CACHE_BYTES: usize = 16 << 20;

/// Why state could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open the state file; if it is damaged, delete it: it is rebuilt from the log")]
    Open(#[from] redb::DatabaseError),
    #[error("the state file failed")]
    Storage(#[from] redb::StorageError),
    #[error("a table of the state file failed")]
    Table(#[from] redb::TableError),
    #[error("a transaction on the state file failed")]
    Transaction(#[from] redb::TransactionError),
    #[error("a commit to the state file failed")]
    Commit(#[from] redb::CommitError),
    #[error("a row of `{0}` does not read; delete the state file: it is rebuilt from the log")]
    Row(&'static str),
    #[error("job `{0}` owns no part of this store")]
    UnknownJob(String),
}

/// One viewer's state as it is at each reading. Hold the guard shortly: the job writes through the same lock.
#[derive(Clone)]
pub struct ViewerHandle(Arc<RwLock<ViewerState>>);

impl ViewerHandle {
    pub fn read(&self) -> RwLockReadGuard<'_, ViewerState> {
        self.0.read()
    }
}

/// See the crate's header.
pub struct FeatureStore {
    db: Database,
    counters: Counters,
    sessions: Sessions,
    viewers: Viewers,
    catalog: RwLock<Catalog>,
    outbox: OutboxMarks,
    offsets: Offsets,
    hottest: RwLock<(TimestampMs, Vec<VideoId>)>,
}

impl FeatureStore {
    /// Opens or makes the state file.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let db = Database::builder()
            .set_cache_size(REDB_CACHE_BYTES)
            .create(file)?;
        let txn = db.begin_write()?;
        Sessions::prepare(&txn)?;
        Viewers::prepare(&txn)?;
        let counters = Counters::load(&txn)?;
        let catalog = Catalog::load(&txn)?;
        let outbox = OutboxMarks::load(&txn)?;
        let offsets = Offsets::load(&txn)?;
        txn.commit()?;
        Ok(Self {
            db,
            counters,
            catalog: RwLock::new(catalog),
            outbox,
            offsets,
            sessions: Sessions::default(),
            viewers: Viewers::default(),
            hottest: RwLock::new((TimestampMs::MIN, Vec::new())),
        })
    }

    /// The counters of one video; zeros when nobody watched it.
    pub fn video_counters(&self, video: VideoId) -> VideoCounters {
        self.counters.get(video)
    }

    /// The counters of many, in the order asked.
    pub fn video_counters_many(&self, videos: &[VideoId]) -> Vec<VideoCounters> {
        self.counters.get_many(videos)
    }

    /// Changes a video's counters (job `counters`).
    pub fn video_counters_update(&self, video: VideoId, change: impl FnOnce(&mut VideoCounters)) {
        let (known, catalog_len) = {
            let catalog = self.catalog.read();
            (catalog.get(video).is_some(), catalog.len())
        };
        self.counters.update(video, known, catalog_len, change);
    }

    /// Notes a session's sequence number (job `counters`); false when it was folded in before.
    pub fn session_first(
        &self,
        viewer: ViewerId,
        session: u64,
        sequence: u64,
        at_ms: TimestampMs,
    ) -> Result<bool, StoreError> {
        self.sessions.first(&self.db, (viewer, session), sequence, at_ms)
    }

    /// The window of a session as folded in so far.
    pub fn session_window(&self, viewer: ViewerId, session: u64) -> Result<SequenceWindow, StoreError> {
        self.sessions.window(&self.db, (viewer, session))
    }

    /// Reads one viewer; an unknown one is empty.
    pub fn viewer_read<T>(
        &self,
        viewer: ViewerId,
        read: impl FnOnce(&ViewerState) -> T,
    ) -> Result<T, StoreError> {
        let state = self.viewers.get(&self.db, viewer)?;
        let state = state.read();
        Ok(read(&state))
    }

    /// A handle on one viewer, for a reader that asks many questions of the newest state.
    pub fn viewer(&self, viewer: ViewerId) -> Result<ViewerHandle, StoreError> {
        self.viewers.get(&self.db, viewer).map(ViewerHandle)
    }

    /// Changes one viewer as of `at_ms` (job `user_history`).
    pub fn viewer_update(
        &self,
        viewer: ViewerId,
        at_ms: TimestampMs,
        change: impl FnOnce(&mut ViewerState),
    ) -> Result<(), StoreError> {
        self.viewers.update(&self.db, viewer, at_ms, change)
    }

    /// Notes at once, in memory, what the feed just served; the `user_history` job makes it last from the log.
    pub fn viewer_served(
        &self,
        viewer: ViewerId,
        at_ms: TimestampMs,
        videos: &[VideoId],
    ) -> Result<(), StoreError> {
        let state = self.viewers.get(&self.db, viewer)?;
        let mut state = state.write();
        videos.iter().for_each(|&video| state.serve(video, at_ms));
        Ok(())
    }

    /// The catalog, locked for reading: keep it short.
    pub fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read()
    }

    /// Adds or replaces a published video (job `catalog`).
    pub fn catalog_put(&self, profile: VideoProfile) {
        self.catalog.write().put(profile);
    }

    /// Removes a video (job `catalog`).
    pub fn catalog_remove(&self, video: VideoId) {
        self.catalog.write().remove(video);
    }

    /// Published videos by heat, hottest first, at most `count_max`; up to half a second old.
    pub fn hottest(&self, now_ms: TimestampMs, count_max: usize) -> Vec<VideoId> {
        {
            let cached = self.hottest.read();
            if now_ms < cached.0.saturating_add(HOTTEST_MAX_AGE_MS) && now_ms >= cached.0 {
                return cached.1.iter().take(count_max).copied().collect();
            }
        }
        let hottest = self
            .counters
            .hottest(self.catalog.read().ids(), now_ms, HOTTEST_MAX);
        let answer = hottest.iter().take(count_max).copied().collect();
        *self.hottest.write() = (now_ms, hottest);
        answer
    }

    /// Whether an outbox row is new to `job`; see [`crate::outbox`].
    pub fn outbox_first(&self, job: &str, from: TopicPartition, outbox_id: u64) -> bool {
        self.outbox.first(job, from, outbox_id)
    }

    /// Waits until `job` has folded in everything before `end`; false when `patience` ran out first.
    pub async fn applied_wait(&self, job: &str, from: TopicPartition, end: u64, patience: Duration) -> bool {
        self.offsets.wait(job, from, end, patience).await
    }

    fn write(
        &self,
        job: &str,
        flush: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
        offsets: &[(TopicPartition, u64)],
    ) -> Result<(), StoreError> {
        let txn = self.db.begin_write()?;
        flush(&txn)?;
        self.outbox.flush(&txn, job)?;
        self.offsets.flush(&txn, job, offsets)?;
        txn.commit()?;
        self.offsets.committed_now(job, offsets);
        Ok(())
    }

    fn commit_counters(&self, offsets: &[(TopicPartition, u64)]) -> Result<(), StoreError> {
        let flush = |txn: &WriteTransaction| {
            self.counters.flush(txn)?;
            self.sessions.flush(txn)
        };
        self.write(job::COUNTERS, flush, offsets)?;
        self.counters.clean();
        self.sessions.clean();
        self.sessions.shrink();
        Ok(())
    }

    fn commit_viewers(&self, offsets: &[(TopicPartition, u64)]) -> Result<(), StoreError> {
        self.write(job::USER_HISTORY, |txn| self.viewers.flush(txn), offsets)?;
        self.viewers.clean();
        self.viewers.shrink();
        Ok(())
    }

    fn commit_catalog(&self, offsets: &[(TopicPartition, u64)]) -> Result<(), StoreError> {
        self.write(job::CATALOG, |txn| self.catalog.read().flush(txn), offsets)?;
        self.catalog.write().clean();
        Ok(())
    }
}

impl Checkpoint for FeatureStore {
    type Error = StoreError;

    fn resume_at(&self, job: &str, from: TopicPartition) -> Result<u64, StoreError> {
        Ok(self.offsets.committed(job, from))
    }

    fn applied(&self, job: &str, from: TopicPartition, next: u64) {
        self.offsets.apply(job, from, next);
    }

    fn commit(&self, job: &str, offsets: &[(TopicPartition, u64)]) -> Result<(), StoreError> {
        match job {
            job::COUNTERS => self.commit_counters(offsets),
            job::USER_HISTORY => self.commit_viewers(offsets),
            job::CATALOG => self.commit_catalog(offsets),
            other => Err(StoreError::UnknownJob(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use types::UserId;

    use super::*;

    /// A commit that breaks off after its rows were written, as on a full disk, must leave them marked for the next one.
    #[test]
    fn a_commit_that_fails_loses_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("state.redb");
        let (video, viewer) = (VideoId::from_raw(5), ViewerId::from_raw(9));
        {
            let store = FeatureStore::open(&file).expect("opens");
            store.catalog_put(VideoProfile {
                video,
                creator: UserId::from_raw(1),
                published_ms: 1,
                duration_ms: 1_000,
                hashtags: vec![],
            });
            store.video_counters_update(video, |counters| counters.views = 3);
            assert!(store.session_first(viewer, 7, 1, 10).expect("notes"));
            store
                .viewer_update(viewer, 10, |state| state.see(video, 10))
                .expect("updates");
            let broken = |txn: &WriteTransaction| {
                store.counters.flush(txn)?;
                store.sessions.flush(txn)?;
                store.viewers.flush(txn)?;
                store.catalog.read().flush(txn)?;
                Err(StoreError::Row("a full disk"))
            };
            assert!(store.write(job::COUNTERS, broken, &[]).is_err());
            for job in [job::COUNTERS, job::USER_HISTORY, job::CATALOG] {
                store.commit(job, &[]).expect("commits");
            }
        }
        let store = FeatureStore::open(&file).expect("opens again");
        assert_eq!(store.video_counters(video).views, 3);
        assert_eq!(store.session_window(viewer, 7).expect("reads").through(), 1);
        assert!(
            store
                .viewer_read(viewer, |state| state.has_seen(video))
                .expect("reads")
        );
        assert!(store.catalog().get(video).is_some());
    }
}
