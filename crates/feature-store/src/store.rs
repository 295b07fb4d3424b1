//! The store as a whole: opening, reading, changing, committing with offsets.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event_log::TopicPartition;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use redb::{Database, WriteTransaction};
use stream::Checkpoint;
use types::{ContentVector, TimestampMs, VideoId, ViewerId};

use crate::activity::Activity;
use crate::catalog::{Catalog, VideoProfile};
use crate::entity::Entity;
use crate::facts::Flags;
use crate::features::{FeatureRow, VideoCounters};
use crate::format;
use crate::inboxes::Inboxes;
use crate::offsets::Offsets;
use crate::outbox::OutboxMarks;
use crate::pools::{PoolBoard, PoolRow, Pools};
use crate::pulse::{PulseRow, Pulses};
use crate::sequence::SequenceWindow;
use crate::sessions::{Producer, SessionRow};
use crate::trending::Trending;
use crate::trends::{TrendKey, TrendRow, UsageRow};
use crate::viewers::{ViewerState, Viewers};
use crate::watch::CatalogObserver;

/// The jobs that own a part of this store. A part is written by its job alone and committed with its offsets.
pub mod job {
    /// Owns features, sessions, trends and the lists made of them. It keeps its own offsets; here are its rows.
    pub const ACTIVITY: &str = "activity";
    /// Owns viewers.
    pub const USER_HISTORY: &str = "user_history";
    /// Owns the catalog.
    pub const CATALOG: &str = "catalog";
    /// Owns how far each video has come on the traffic ladder.
    pub const POOLS: &str = "pools";
    /// Owns what the model reads ([`crate::LiveFeatures`]), and keeps checkpoints of it.
    pub const FEATURE_STATE: &str = "feature_state";
}

pub(crate) const REDB_CACHE_BYTES: usize = 16 << 20;

/// Bounds of what is held in memory, and when a video's rows are written less often.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Feature rows of videos; about 500 B each.
    pub videos_in_memory_max: usize,
    /// Feature rows of everybody else.
    pub features_in_memory_max: usize,
    /// Session windows; about 150 B each.
    pub sessions_in_memory_max: usize,
    /// A video with at least as many views within an hour is in viral mode.
    pub viral_views_per_hour_min: u64,
    /// How often its rows are written then.
    pub viral_write_interval_ms: i64,
    /// Readers of Following whose inboxes one creator fills at most; a creator with more is asked by them instead.
    pub inbox_fan_out_max: usize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            videos_in_memory_max: 300_000,
            features_in_memory_max: 200_000,
            sessions_in_memory_max: 200_000,
            viral_views_per_hour_min: 1_000_000,
            viral_write_interval_ms: 10_000,
            inbox_fan_out_max: 10_000,
        }
    }
}

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
    #[error("the state file of an older program cannot be removed; delete it: it is rebuilt from the log")]
    Remove(#[source] std::io::Error),
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
    pub(crate) activity: Activity,
    viewers: Viewers,
    pub(crate) catalog: RwLock<Catalog>,
    pools: Pools,
    observers: RwLock<Vec<Arc<dyn CatalogObserver>>>,
    outbox: OutboxMarks,
    offsets: Offsets,
    pub(crate) hottest: RwLock<(TimestampMs, Vec<VideoId>)>,
    /// Held by who makes that list.
    pub(crate) hottest_making: Mutex<()>,
    trending: RwLock<Arc<Trending>>,
    pulses: Pulses,
    pub(crate) inboxes: Inboxes,
}

impl FeatureStore {
    /// Opens or makes the state file.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        Self::open_with(file, &StoreConfig::default())
    }

    /// As [`FeatureStore::open`], with bounds of one's own.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open_with(file: &Path, config: &StoreConfig) -> Result<Self, StoreError> {
        let db = format::open(file)?;
        let txn = db.begin_write()?;
        Viewers::prepare(&txn)?;
        let activity = Activity::load(&txn, config)?;
        let catalog = Catalog::load(&txn)?;
        let pools = Pools::load(&txn)?;
        activity.videos.scan(&txn, |entity, row| {
            if let Entity::Video(video) = entity {
                catalog.count(*video, &VideoCounters::from(row));
            }
        })?;
        let outbox = OutboxMarks::load(&txn)?;
        let offsets = Offsets::load(&txn)?;
        txn.commit()?;
        Ok(Self {
            db,
            activity,
            catalog: RwLock::new(catalog),
            pools,
            observers: RwLock::default(),
            outbox,
            offsets,
            viewers: Viewers::default(),
            hottest: RwLock::new((TimestampMs::MIN, Vec::new())),
            hottest_making: Mutex::new(()),
            trending: RwLock::default(),
            pulses: Pulses::default(),
            inboxes: Inboxes::new(config.inbox_fan_out_max),
        })
    }

    /// What is known of one entity; zeros when nothing is.
    ///
    /// # Errors
    /// See [`StoreError`]; the file is asked only for what has left memory.
    pub fn features(&self, entity: &Entity) -> Result<FeatureRow, StoreError> {
        let shelf = self.activity.features(entity);
        shelf.read(&self.db, entity, FeatureRow::clone)
    }

    /// Of many, in the order asked.
    ///
    /// # Errors
    /// As [`FeatureStore::features`].
    pub fn features_many(&self, entities: &[Entity]) -> Result<Vec<FeatureRow>, StoreError> {
        entities.iter().map(|entity| self.features(entity)).collect()
    }

    /// The counters of one video; zeros when nobody watched it. A row that cannot be read counts as zeros, and is told.
    pub fn video_counters(&self, video: VideoId) -> VideoCounters {
        let entity = Entity::Video(video);
        let read = self
            .activity
            .videos
            .read(&self.db, &entity, |row| VideoCounters::from(row));
        read.unwrap_or_else(|error| {
            tracing::error!(%video, error = &error as &dyn std::error::Error, "counters could not be read");
            VideoCounters::default()
        })
    }

    /// The counters of many, in the order asked.
    pub fn video_counters_many(&self, videos: &[VideoId]) -> Vec<VideoCounters> {
        videos.iter().map(|&video| self.video_counters(video)).collect()
    }

    /// The window of a session as folded in so far.
    ///
    /// # Errors
    /// As [`FeatureStore::features`].
    pub fn session_window(&self, viewer: ViewerId, session: u64) -> Result<SequenceWindow, StoreError> {
        let producer = Producer { viewer, session };
        let sessions = &self.activity.sessions;
        sessions.read(&self.db, &producer, |row| row.window.clone())
    }

    /// The lists as last made.
    pub fn trending(&self) -> Arc<Trending> {
        self.trending.read().clone()
    }

    /// Takes an entity's features (job `activity`).
    pub fn feature_put(&self, entity: Entity, row: FeatureRow) {
        if let Entity::Video(video) = &entity {
            self.catalog.read().count(*video, &VideoCounters::from(&row));
        }
        self.activity.features(&entity).put(entity, row);
    }

    /// Takes a session's window; an empty one is forgotten (job `activity`).
    pub fn session_put(&self, viewer: ViewerId, session: u64, window: SequenceWindow, used_ms: TimestampMs) {
        let producer = Producer { viewer, session };
        self.activity
            .sessions
            .put(producer, SessionRow { window, used_ms });
    }

    /// Takes a video's last hour; one without bins is forgotten (job `activity`).
    pub fn trend_put(&self, key: TrendKey, row: TrendRow) {
        self.activity.trends.put(key, row);
    }

    /// Visits every trend row; writers wait meanwhile.
    pub fn trends_each(&self, visit: impl FnMut(&TrendKey, &TrendRow)) {
        self.activity.trends.each(visit);
    }

    /// Takes the use of a hashtag or sound; one without hours is forgotten (job `activity`).
    pub fn usage_put(&self, entity: Entity, row: UsageRow) {
        self.activity.usage.put(entity, row);
    }

    /// Visits every usage row; writers wait meanwhile.
    pub fn usage_each(&self, visit: impl FnMut(&Entity, &UsageRow)) {
        self.activity.usage.each(visit);
    }

    /// Sets the pulse of a topic (job `activity`); a new one beyond the bound is counted and left out.
    pub fn pulse_put(&self, entity: Entity, row: PulseRow) {
        if !self.pulses.put(entity, row) {
            metrics::counter!("riffle_feature_store_pulses_refused_total").increment(1);
        }
    }

    /// Visits the pulse of every topic that was heard of after `from_ms`; the others are forgotten.
    pub fn pulses_each_since(&self, from_ms: TimestampMs, visit: impl FnMut(&Entity, &PulseRow)) {
        self.pulses.each_since(from_ms, visit);
    }

    /// Replaces the lists (job `activity`).
    pub fn trending_put(&self, trending: Trending) {
        *self.trending.write() = Arc::new(trending);
    }

    /// The time of job `activity`, by which viral mode is judged.
    pub fn activity_now(&self, now_ms: TimestampMs) {
        self.activity.now_ms.store(now_ms, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn activity_len(&self) -> (usize, usize) {
        (self.activity.videos.len(), self.activity.sessions.len())
    }

    /// Makes the rows of job `activity` durable as of its checkpoint `version`; what that checkpoint must keep.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing is lost, another flush takes it along.
    pub fn activity_flush(&self, version: u64) -> Result<Vec<u8>, StoreError> {
        self.activity.flush(&self.db, version)
    }

    /// Job `activity` resumes where `version` (0: never) was flushed and returned `mark`; whether all rows of that are here.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn activity_restore(&self, version: u64, mark: &[u8]) -> Result<bool, StoreError> {
        self.activity.restore(&self.db, version, mark)
    }

    /// Reads one viewer; an unknown one is empty.
    ///
    /// # Errors
    /// See [`StoreError`].
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
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn viewer(&self, viewer: ViewerId) -> Result<ViewerHandle, StoreError> {
        self.viewers.get(&self.db, viewer).map(ViewerHandle)
    }

    /// Changes one viewer as of `at_ms` (job `user_history`).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn viewer_update(
        &self,
        viewer: ViewerId,
        at_ms: TimestampMs,
        change: impl FnOnce(&mut ViewerState),
    ) -> Result<(), StoreError> {
        self.viewers.update(&self.db, viewer, at_ms, |state| {
            let follows = state.follow_changes();
            change(state);
            // Still locked: an inbox made meanwhile would be of those followed before.
            if state.follow_changes() != follows {
                self.inboxes.forget(viewer);
            }
        })
    }

    /// Notes at once, in memory, what the feed just served; the `user_history` job makes it last from the log.
    ///
    /// # Errors
    /// See [`StoreError`].
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
        let (video, creator, published_ms) = (profile.video, profile.creator, profile.published_ms);
        // Before the lock: the file may be asked.
        let counters = self.video_counters(video);
        let mut catalog = self.catalog.write();
        catalog.put(profile);
        catalog.count(video, &counters);
        // Still locked: an inbox made meanwhile would miss it.
        self.inboxes.publish(creator, (published_ms, video));
        drop(catalog);
        self.tell_put(video);
    }

    /// Sets the flags of a video, known or not (job `catalog`).
    pub fn catalog_flag(&self, video: VideoId, flags: Flags) {
        self.catalog.write().flag(video, flags);
    }

    /// From now on `observer` hears of every change of the catalog. What is in it already, it reads by itself.
    pub fn catalog_observe(&self, observer: Arc<dyn CatalogObserver>) {
        self.observers.write().push(observer);
    }

    /// Without the catalog's lock, so that observers may read it.
    fn tell_put(&self, video: VideoId) {
        let observers = self.observers.read();
        if observers.is_empty() {
            return;
        }
        let profile = self.catalog.read().get(video).cloned();
        if let Some(profile) = profile {
            observers.iter().for_each(|observer| observer.video_put(&profile));
        }
    }

    /// Replaces what is known of a video's content; nothing for a video that is not there (job `catalog`).
    pub fn catalog_describe(
        &self,
        video: VideoId,
        content: Option<Arc<ContentVector>>,
        original: Option<VideoId>,
    ) {
        self.catalog.write().describe(video, content, original);
        self.tell_put(video);
    }

    /// Removes a video (job `catalog`).
    pub fn catalog_remove(&self, video: VideoId) {
        self.catalog.write().remove(video);
        let observers = self.observers.read();
        observers
            .iter()
            .for_each(|observer| observer.video_removed(video));
    }

    /// Changes how far one video has come (job `pools`).
    pub fn pool_update<T>(&self, video: VideoId, change: impl FnOnce(&mut PoolRow) -> T) -> T {
        self.pools.update(video, change)
    }

    /// How far one video has come; none when it is not known, or removed.
    pub fn pool_row(&self, video: VideoId) -> Option<PoolRow> {
        self.pools.read(video)
    }

    /// The same, with the number of its creator's videos of the same day before it.
    pub fn pool_row_numbered(&self, video: VideoId) -> Option<(PoolRow, usize)> {
        self.pools.read_numbered(video)
    }

    /// Visits the videos in a pool that were published since, newest first, each with the number of its creator's videos of the same day
    /// before it; their job waits meanwhile.
    pub fn pools_tried_each(&self, since_ms: TimestampMs, visit: impl FnMut(VideoId, &PoolRow, usize)) {
        self.pools.tried_each(since_ms, visit);
    }

    /// Visits all videos of the ladder, in no order; their job waits meanwhile.
    pub fn pools_each(&self, visit: impl FnMut(VideoId, &PoolRow)) {
        self.pools.each(visit);
    }

    /// What to explore from, as last made.
    pub fn pool_board(&self) -> Arc<PoolBoard> {
        self.pools.board()
    }

    /// Replaces what to explore from (the ladder).
    pub fn pool_board_put(&self, board: PoolBoard) {
        self.pools.board_put(board);
    }

    /// Whether an outbox row is new to `job`; see [`crate::outbox`].
    pub fn outbox_first(&self, job: &str, from: TopicPartition, outbox_id: u64) -> bool {
        self.outbox.first(job, from, outbox_id)
    }

    /// Everything before `next` of `from` has had its effect on what `job` wrote here, in memory.
    pub fn applied(&self, job: &str, from: TopicPartition, next: u64) {
        self.offsets.apply(job, from, next);
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

    fn commit_pools(&self, offsets: &[(TopicPartition, u64)]) -> Result<(), StoreError> {
        self.write(job::POOLS, |txn| self.pools.flush(txn), offsets)?;
        self.pools.clean();
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
            job::USER_HISTORY => self.commit_viewers(offsets),
            job::CATALOG => self.commit_catalog(offsets),
            job::POOLS => self.commit_pools(offsets),
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
                caption: Arc::from(""),
                video,
                creator: UserId::from_raw(1),
                published_ms: 1,
                duration_ms: 1_000,
                hashtags: vec![],
                sound: None,
                category: None,
                region: None,
                content: None,
                original: None,
            });
            store
                .viewer_update(viewer, 10, |state| state.see(video, 10))
                .expect("updates");
            let broken = |txn: &WriteTransaction| {
                store.viewers.flush(txn)?;
                store.catalog.read().flush(txn)?;
                Err(StoreError::Row("a full disk"))
            };
            assert!(store.write(job::USER_HISTORY, broken, &[]).is_err());
            for job in [job::USER_HISTORY, job::CATALOG] {
                store.commit(job, &[]).expect("commits");
            }
        }
        let store = FeatureStore::open(&file).expect("opens again");
        assert!(
            store
                .viewer_read(viewer, |state| state.has_seen(video))
                .expect("reads")
        );
        assert!(store.catalog().get(video).is_some());
    }
}
