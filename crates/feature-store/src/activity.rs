//! The part of the store that the `activity` job owns: features, sessions, trends, usage. Rows come in at any time and are seen at
//! once; a flush, beside that, makes them last.
//!
//! A video in viral mode has its rows written now and then instead of at every flush. What is held back goes into the flush's mark,
//! which the job keeps in its checkpoint, so that nothing is lost either way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use metrics::{counter, gauge};
use parking_lot::Mutex;
use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};
use types::{TimestampMs, VideoId};

use crate::bytes::{Row, put_varint};
use crate::counts::Measure;
use crate::entity::Entity;
use crate::features::{FeatureRow, Window};
use crate::sessions::{Producer, SessionRow};
use crate::shelf::{RowKey, Shelf, Stored, Taken};
use crate::store::{StoreConfig, StoreError};
use crate::trends::{TrendKey, TrendRow, UsageRow};

/// One row: the last version flushed.
const VERSION: TableDefinition<(), u64> = TableDefinition::new("activity_version");
/// Rows that one mark holds; more are written, viral or not.
const HELD_BACK_MAX: usize = 10_000;

pub(crate) struct Activity {
    /// Of videos, and of everybody else: lists walk only the former.
    pub(crate) videos: Shelf<Entity, FeatureRow>,
    pub(crate) others: Shelf<Entity, FeatureRow>,
    pub(crate) sessions: Shelf<Producer, SessionRow>,
    pub(crate) trends: Shelf<TrendKey, TrendRow>,
    pub(crate) usage: Shelf<Entity, UsageRow>,
    /// The job's clock, as it last said.
    pub(crate) now_ms: AtomicI64,
    viral: Viral,
}

/// Which videos are in viral mode, and when their rows were last written.
struct Viral {
    views_per_hour_min: f32,
    write_interval_ms: i64,
    written_ms: Mutex<HashMap<VideoId, TimestampMs>>,
}

/// What one commit takes from each shelf.
struct Batch {
    videos: Taken<Entity>,
    others: Taken<Entity>,
    sessions: Taken<Producer>,
    trends: Taken<TrendKey>,
    usage: Taken<Entity>,
}

impl Activity {
    pub(crate) fn load(txn: &WriteTransaction, config: &StoreConfig) -> Result<Self, StoreError> {
        txn.open_table(VERSION)?;
        Ok(Self {
            videos: Shelf::load(txn, "video_features", config.videos_in_memory_max)?,
            others: Shelf::load(txn, "features", config.features_in_memory_max)?,
            sessions: Shelf::load(txn, "sessions", config.sessions_in_memory_max)?,
            // Bounded by what happens within an hour: older rows are forgotten by their job.
            trends: Shelf::load(txn, "trends", usize::MAX)?,
            usage: Shelf::load(txn, "usage", usize::MAX)?,
            now_ms: AtomicI64::new(0),
            viral: Viral {
                views_per_hour_min: config.viral_views_per_hour_min as f32,
                write_interval_ms: config.viral_write_interval_ms,
                written_ms: Mutex::default(),
            },
        })
    }

    pub(crate) fn features(&self, entity: &Entity) -> &Shelf<Entity, FeatureRow> {
        match entity {
            Entity::Video(_) => &self.videos,
            _ => &self.others,
        }
    }

    /// Writes what changed, as of `version`; what the checkpoint must keep for [`Activity::restore`].
    pub(crate) fn flush(&self, db: &Database, version: u64) -> Result<Vec<u8>, StoreError> {
        let mut batch = Batch {
            videos: self.videos.take(),
            others: self.others.take(),
            sessions: self.sessions.take(),
            trends: self.trends.take(),
            usage: self.usage.take(),
        };
        let committed = self.commit(db, version, &mut batch);
        let mark = self.mark(&batch);
        let ok = committed.is_ok();
        self.videos.settle(batch.videos, ok);
        self.others.settle(batch.others, ok);
        self.sessions.settle(batch.sessions, ok);
        self.trends.settle(batch.trends, ok);
        self.usage.settle(batch.usage, ok);
        committed.map(|()| mark)
    }

    fn commit(&self, db: &Database, version: u64, batch: &mut Batch) -> Result<(), StoreError> {
        let txn = db.begin_write()?;
        let mut turns = self.viral.turns(self.now_ms.load(Ordering::Relaxed));
        self.videos
            .write(&txn, &mut batch.videos, |entity, row| turns.waits(entity, row))?;
        self.others.write(&txn, &mut batch.others, |_, _| false)?;
        self.sessions.write(&txn, &mut batch.sessions, |_, _| false)?;
        self.trends
            .write(&txn, &mut batch.trends, |key, _| turns.video_waits(key.video))?;
        self.usage.write(&txn, &mut batch.usage, |_, _| false)?;
        txn.open_table(VERSION)?.insert((), version)?;
        txn.commit()?;
        turns.done();
        meter("video_features", &batch.videos);
        meter("features", &batch.others);
        meter("sessions", &batch.sessions);
        meter("trends", &batch.trends);
        meter("usage", &batch.usage);
        Ok(())
    }

    /// The rows held back, in full.
    fn mark(&self, batch: &Batch) -> Vec<u8> {
        let mut mark = Vec::new();
        put_rows(&mut mark, &self.videos, &batch.videos);
        put_rows(&mut mark, &self.trends, &batch.trends);
        mark
    }

    /// Prepares for a job that resumes where `version` was flushed with `mark`; whether all its rows are here.
    pub(crate) fn restore(&self, db: &Database, version: u64, mark: &[u8]) -> Result<bool, StoreError> {
        if version == 0 {
            self.clear(db)?;
            return Ok(true);
        }
        let txn = db.begin_read()?;
        let flushed = match txn.open_table(VERSION) {
            Ok(table) => table.get(())?.map_or(0, |held| held.value()),
            Err(redb::TableError::TableDoesNotExist(_)) => 0,
            Err(error) => return Err(error.into()),
        };
        let mut row = Row(mark);
        let held = take_rows(&mut row, &self.videos).and_then(|()| take_rows(&mut row, &self.trends));
        Ok(flushed >= version && held.is_some())
    }

    /// The job begins from nothing: so does this.
    fn clear(&self, db: &Database) -> Result<(), StoreError> {
        let txn = db.begin_write()?;
        self.videos.clear(&txn)?;
        self.others.clear(&txn)?;
        self.sessions.clear(&txn)?;
        self.trends.clear(&txn)?;
        self.usage.clear(&txn)?;
        txn.open_table(VERSION)?.retain(|_, _| false)?;
        Ok(txn.commit()?)
    }
}

impl Viral {
    fn turns(&self, now_ms: TimestampMs) -> Turns<'_> {
        Turns {
            viral: self,
            now_ms,
            waiting: HashMap::new(),
        }
    }
}

/// Whose turn it is to be written in one commit.
struct Turns<'v> {
    viral: &'v Viral,
    now_ms: TimestampMs,
    /// Videos in viral mode: whether they wait.
    waiting: HashMap<VideoId, bool>,
}

impl Turns<'_> {
    fn waits(&mut self, entity: &Entity, row: &FeatureRow) -> bool {
        let &Entity::Video(video) = entity else {
            return false;
        };
        let is_viral = row.recent(Measure::View, Window::Hour, self.now_ms) >= self.viral.views_per_hour_min;
        if !is_viral || self.waiting.len() >= HELD_BACK_MAX {
            return false;
        }
        let written_ms = self.viral.written_ms.lock().get(&video).copied();
        let waits =
            written_ms.is_some_and(|at_ms| self.now_ms.saturating_sub(at_ms) < self.viral.write_interval_ms);
        self.waiting.insert(video, waits);
        waits
    }

    fn video_waits(&self, video: VideoId) -> bool {
        self.waiting.get(&video).copied().unwrap_or(false)
    }

    /// After the commit.
    fn done(self) {
        let mut written_ms = self.viral.written_ms.lock();
        let mode_end_ms = self
            .now_ms
            .saturating_sub(self.viral.write_interval_ms.saturating_mul(10));
        written_ms.retain(|_, at_ms| *at_ms > mode_end_ms);
        for (video, waits) in self.waiting {
            if !waits {
                written_ms.insert(video, self.now_ms);
            }
        }
        gauge!("riffle_feature_store_viral_videos").set(written_ms.len() as f64);
    }
}

fn meter<K>(table: &'static str, taken: &Taken<K>) {
    counter!("riffle_feature_store_written_rows_total", "table" => table)
        .increment(taken.written_len() as u64);
    counter!("riffle_feature_store_held_back_rows_total", "table" => table)
        .increment(taken.held_back().len() as u64);
}

fn put_rows<K: RowKey, V: Stored>(out: &mut Vec<u8>, shelf: &Shelf<K, V>, taken: &Taken<K>) {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = taken
        .held_back()
        .iter()
        .filter_map(|key| Some((key.encode(), shelf.held(key)?.encode())))
        .collect();
    put_varint(out, rows.len() as u64);
    for part in rows.iter().flat_map(|(key, row)| [key, row]) {
        put_varint(out, part.len() as u64);
        out.extend_from_slice(part);
    }
}

fn take_rows<K: RowKey, V: Stored>(row: &mut Row<'_>, shelf: &Shelf<K, V>) -> Option<()> {
    if row.is_done() {
        return Some(());
    }
    for _ in 0..row.varint()? {
        let length = row.varint()? as usize;
        let key = K::decode(row.bytes(length)?)?;
        let length = row.varint()? as usize;
        shelf.put(key, V::decode(row.bytes(length)?)?);
    }
    Some(())
}
