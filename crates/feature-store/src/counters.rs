//! What viewers did with each video, in numbers. Written by the `counters` job alone.

use std::collections::{HashMap, HashSet};

use metrics::counter;
use parking_lot::RwLock;
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use types::{TimestampMs, VideoId};

use crate::bytes::{Row, put_f32, put_i64, put_u64};
use crate::store::StoreError;

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("video_counters");

/// Heat halves in this time.
pub const HEAT_HALF_LIFE_MS: f32 = 6.0 * 3_600_000.0;

/// Videos that have counters but are not in the catalog; more are dropped and counted.
const STRANGERS_MAX: usize = 100_000;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct VideoCounters {
    pub impressions: u64,
    /// Accepted watches.
    pub views: u64,
    /// Watches that reached the end.
    pub completions: u64,
    /// Watches of less than a tenth.
    pub early_skips: u64,
    pub watch_ms: u64,
    pub loops: u64,
    heat: f32,
    heat_at_ms: TimestampMs,
}

impl VideoCounters {
    /// Recent views, each halving in weight every [`HEAT_HALF_LIFE_MS`].
    pub fn heat(&self, now_ms: TimestampMs) -> f32 {
        let age_ms = (now_ms - self.heat_at_ms).max(0) as f32;
        self.heat * (-age_ms / HEAT_HALF_LIFE_MS).exp2()
    }

    /// Adds one view at `at_ms` to the heat; an older time never cools it.
    pub fn warm(&mut self, at_ms: TimestampMs) {
        let at_ms = at_ms.max(self.heat_at_ms);
        self.heat = self.heat(at_ms) + 1.0;
        self.heat_at_ms = at_ms;
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        for value in [
            self.impressions,
            self.views,
            self.completions,
            self.early_skips,
            self.watch_ms,
            self.loops,
        ] {
            put_u64(&mut out, value);
        }
        put_f32(&mut out, self.heat);
        put_i64(&mut out, self.heat_at_ms);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut row = Row(bytes);
        Some(Self {
            impressions: row.u64()?,
            views: row.u64()?,
            completions: row.u64()?,
            early_skips: row.u64()?,
            watch_ms: row.u64()?,
            loops: row.u64()?,
            heat: row.f32()?,
            heat_at_ms: row.i64()?,
        })
    }
}

/// All counters, in memory, with the set of those changed since the last commit.
#[derive(Default)]
pub(crate) struct Counters {
    all: RwLock<HashMap<VideoId, VideoCounters>>,
    dirty: RwLock<HashSet<VideoId>>,
}

impl Counters {
    pub(crate) fn load(txn: &WriteTransaction) -> Result<Self, StoreError> {
        let table = txn.open_table(TABLE)?;
        let mut all = HashMap::new();
        for row in table.iter()? {
            let (key, value) = row?;
            let counters = VideoCounters::decode(value.value()).ok_or(StoreError::Row("video_counters"))?;
            all.insert(VideoId::from_raw(key.value()), counters);
        }
        Ok(Self {
            all: RwLock::new(all),
            dirty: RwLock::default(),
        })
    }

    pub(crate) fn get(&self, video: VideoId) -> VideoCounters {
        self.all.read().get(&video).copied().unwrap_or_default()
    }

    pub(crate) fn get_many(&self, videos: &[VideoId]) -> Vec<VideoCounters> {
        let all = self.all.read();
        videos
            .iter()
            .map(|video| all.get(video).copied().unwrap_or_default())
            .collect()
    }

    /// `known` says whether the catalog has the video; unknown ones are admitted up to a bound, because a first view may overtake
    /// the publication.
    pub(crate) fn update(
        &self,
        video: VideoId,
        known: bool,
        catalog_len: usize,
        change: impl FnOnce(&mut VideoCounters),
    ) {
        let mut all = self.all.write();
        if !known && !all.contains_key(&video) && all.len() >= catalog_len + STRANGERS_MAX {
            counter!("riffle_feature_store_dropped_total", "reason" => "unknown_video").increment(1);
            return;
        }
        change(all.entry(video).or_default());
        self.dirty.write().insert(video);
    }

    /// The videos of `among` with the most heat at `now_ms`, hottest first.
    pub(crate) fn hottest(
        &self,
        among: impl Iterator<Item = VideoId>,
        now_ms: TimestampMs,
        count_max: usize,
    ) -> Vec<VideoId> {
        let all = self.all.read();
        let mut warm: Vec<(f32, VideoId)> = among
            .filter_map(|video| all.get(&video).map(|counters| (counters.heat(now_ms), video)))
            .filter(|(heat, _)| *heat > 0.01)
            .collect();
        warm.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        warm.truncate(count_max);
        warm.into_iter().map(|(_, video)| video).collect()
    }

    /// Writes what changed; it stays marked until [`Self::clean`], so a commit that fails loses nothing.
    pub(crate) fn flush(&self, txn: &WriteTransaction) -> Result<(), StoreError> {
        let mut table = txn.open_table(TABLE)?;
        let (all, dirty) = (self.all.read(), self.dirty.read());
        for video in dirty.iter() {
            if let Some(counters) = all.get(video) {
                table.insert(video.raw(), counters.encode().as_slice())?;
            }
        }
        Ok(())
    }

    /// After a commit.
    pub(crate) fn clean(&self) {
        self.dirty.write().clear();
    }
}
