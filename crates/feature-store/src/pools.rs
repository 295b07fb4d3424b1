//! How far each video has come on the traffic ladder: what was counted, what was decided, and the board the feed explores from.
//! Written by the `pools` job alone; the board is made anew now and then by the `ladder`. It decides nothing.
//!
//! A row is a function of the log whatever the order in which its topics are read: counts add up, and steps are of one partition.
//!
//! Back of the envelope: a row with its places in the indexes takes about 250 B in memory and 40 B on disk, and all rows are in memory: 250 MB for a million videos. The board
//! holds what is owed and what is tried, at most [`BOARD_VIDEOS_MAX`] of each: 2 MB.

mod debt;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use event::{PoolChange, PoolVerdict};
use parking_lot::RwLock;
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use types::{Category, DurationMs, TimestampMs, UserId, VideoId};

use crate::bytes::{Row, put_f32, put_i64, put_signed, put_u64, put_varint};
use crate::store::StoreError;

pub use debt::{
    CREATOR_OWED_MAX, Debt, HEAD_START, OWED_IMPRESSIONS, OWED_WITHIN_MS, WRITTEN_OFF_MS, due_impressions,
};

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("pools");
/// The first byte of a row.
const ROW_VERSION: u8 = 1;

/// Impressions of each pool, from the first; a video that has left the last one is open to all.
pub const POOL_SIZES: [u64; 4] = [200, 1_000, 5_000, 25_000];
/// Owed videos, and videos that are tried, which a board holds at most.
pub const BOARD_VIDEOS_MAX: usize = 16_384;
/// Lengths below which videos are of one group, and compared with one another; the last group has no end.
pub const LENGTH_EDGES_MS: [DurationMs; 5] = [7_000, 15_000, 30_000, 60_000, 180_000];
/// A creator's earlier videos of a day are counted so far.
const BEFORE_MAX: usize = 64;
const DAY_MS: i64 = 86_400_000;
/// Groups of videos of similar length.
pub const LENGTH_GROUPS: usize = LENGTH_EDGES_MS.len() + 1;

/// The group of videos of similar length.
pub fn length_group(duration_ms: DurationMs) -> usize {
    LENGTH_EDGES_MS.partition_point(|&edge_ms| edge_ms <= duration_ms)
}

/// What was counted. Signed, so that additions in any order come to the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Times on a screen.
    pub impressions: i64,
    /// Of these, those whose outcome is known; a share counts as one more.
    pub trials: i64,
    /// Of the trials, those that went well: watched for long, or shared.
    pub successes: i64,
}

impl PoolCounts {
    pub fn add(&mut self, other: Self) {
        self.impressions = self.impressions.wrapping_add(other.impressions);
        self.trials = self.trials.wrapping_add(other.trials);
        self.successes = self.successes.wrapping_add(other.successes);
    }

    fn since(self, before: Self) -> Self {
        Self {
            impressions: self.impressions.saturating_sub(before.impressions).max(0),
            trials: self.trials.saturating_sub(before.trials).max(0),
            successes: self.successes.saturating_sub(before.successes).max(0),
        }
    }

    /// Successes for each trial; none without a trial.
    pub fn rate(&self) -> Option<f64> {
        (self.trials > 0).then(|| (self.successes as f64 / self.trials as f64).clamp(0.0, 1.0))
    }
}

/// One decision, as it stands in the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolStep {
    pub at_ms: TimestampMs,
    pub verdict: PoolVerdict,
    /// All that had been counted by then.
    pub counts: PoolCounts,
    /// What it was compared with, and the probability of being better.
    pub median: f32,
    pub better: f32,
}

/// Where a video stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolState {
    /// In the pool of this level.
    In(usize),
    /// Left the last pool: as open as any video.
    Open,
    /// Explored no more.
    Stopped,
}

/// What is known of a video's way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PoolRow {
    /// None while the publication has not been read.
    pub published: Option<PoolProfile>,
    pub counts: PoolCounts,
    /// By level, from 0.
    pub steps: Vec<PoolStep>,
    /// Nothing else is kept of it.
    pub removed: bool,
}

/// What the ladder needs of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolProfile {
    pub creator: UserId,
    pub published_ms: TimestampMs,
    pub duration_ms: DurationMs,
}

impl PoolRow {
    /// Where it stands.
    pub fn state(&self) -> PoolState {
        match self.steps.last().map(|step| step.verdict) {
            Some(PoolVerdict::Stopped) => PoolState::Stopped,
            _ if self.steps.len() >= POOL_SIZES.len() => PoolState::Open,
            _ => PoolState::In(self.steps.len()),
        }
    }

    /// What was counted since it came into the pool it is in.
    pub fn evidence(&self) -> PoolCounts {
        let before = self
            .steps
            .last()
            .map_or(PoolCounts::default(), |step| step.counts);
        self.counts.since(before)
    }

    /// What was counted in a pool that it has left.
    pub fn evidence_of(&self, level: usize) -> Option<PoolCounts> {
        let before = match level {
            0 => PoolCounts::default(),
            _ => self.steps.get(level - 1)?.counts,
        };
        Some(self.steps.get(level)?.counts.since(before))
    }

    /// Takes a decision; false when it is not the next one: it was taken before, or something else was decided first.
    pub fn step(&mut self, change: &PoolChange) -> bool {
        let is_next = self.state() == PoolState::In(usize::from(change.level));
        if self.removed || !is_next {
            return false;
        }
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.steps.push(PoolStep {
            at_ms: change.at_ms,
            verdict: change.verdict,
            counts: PoolCounts {
                impressions: signed(change.impressions),
                trials: signed(change.trials),
                successes: signed(change.successes),
            },
            median: change.median,
            better: change.better,
        });
        true
    }

    fn is_tried(&self) -> bool {
        !self.removed && self.published.is_some() && matches!(self.state(), PoolState::In(_))
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![ROW_VERSION, u8::from(self.removed)];
        if self.removed {
            return out;
        }
        out.push(u8::from(self.published.is_some()));
        if let Some(published) = self.published {
            put_u64(&mut out, published.creator.raw());
            put_i64(&mut out, published.published_ms);
            put_signed(&mut out, published.duration_ms);
        }
        put_counts(&mut out, self.counts);
        put_varint(&mut out, self.steps.len() as u64);
        for step in &self.steps {
            put_i64(&mut out, step.at_ms);
            out.push(u8::from(step.verdict == PoolVerdict::Stopped));
            put_counts(&mut out, step.counts);
            put_f32(&mut out, step.median);
            put_f32(&mut out, step.better);
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut row = Row(bytes);
        if row.u8()? != ROW_VERSION {
            return None;
        }
        if row.u8()? != 0 {
            return Some(Self {
                removed: true,
                ..Self::default()
            });
        }
        let published = match row.u8()? {
            0 => None,
            _ => Some(PoolProfile {
                creator: UserId::from_raw(row.u64()?),
                published_ms: row.i64()?,
                duration_ms: row.signed()?,
            }),
        };
        let counts = take_counts(&mut row)?;
        let steps = (0..row.varint()?.min(POOL_SIZES.len() as u64)).map(|_| {
            Some(PoolStep {
                at_ms: row.i64()?,
                verdict: match row.u8()? {
                    0 => PoolVerdict::Promoted,
                    _ => PoolVerdict::Stopped,
                },
                counts: take_counts(&mut row)?,
                median: row.f32()?,
                better: row.f32()?,
            })
        });
        Some(Self {
            published,
            counts,
            steps: steps.collect::<Option<_>>()?,
            removed: false,
        })
    }
}

fn put_counts(out: &mut Vec<u8>, counts: PoolCounts) {
    [counts.impressions, counts.trials, counts.successes]
        .into_iter()
        .for_each(|count| put_signed(out, count));
}

fn take_counts(row: &mut Row<'_>) -> Option<PoolCounts> {
    Some(PoolCounts {
        impressions: row.signed()?,
        trials: row.signed()?,
        successes: row.signed()?,
    })
}

/// A video that is owed impressions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Owed {
    pub video: VideoId,
    /// How far behind its schedule, 0 to 1.
    pub urgency: f32,
}

/// What the feed explores from, as of one moment.
#[derive(Debug, Clone, Default)]
pub struct PoolBoard {
    pub at_ms: TimestampMs,
    /// Most behind first.
    pub owed: Vec<Owed>,
    /// Places in `owed`, in its order.
    pub owed_by_hashtag: HashMap<Arc<str>, Vec<u32>>,
    /// Places in `owed`, in its order.
    pub owed_by_category: HashMap<Category, Vec<u32>>,
    /// Had what they were owed and are not decided on, newest first.
    pub tried: Vec<VideoId>,
    /// Impressions owed to all videos together.
    pub owed_impressions: u64,
    /// By level and group of length: the median success rate, and of how many videos.
    pub medians: [[Median; LENGTH_GROUPS]; POOL_SIZES.len()],
}

/// What peers come to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Median {
    pub rate: f32,
    /// Videos it was taken of; 0 where there are too few and `rate` is what is assumed of newcomers.
    pub videos: u32,
}

/// All rows, in memory.
#[derive(Default)]
pub(crate) struct Pools {
    rows: RwLock<Rows>,
    board: RwLock<Arc<PoolBoard>>,
}

#[derive(Default)]
struct Rows {
    all: HashMap<VideoId, PoolRow>,
    /// By publication: those in a pool.
    tried: BTreeSet<(TimestampMs, VideoId)>,
    by_creator: HashMap<UserId, BTreeSet<(TimestampMs, VideoId)>>,
    dirty: BTreeSet<VideoId>,
}

impl Rows {
    /// Takes a row out of the indexes, before it changes.
    fn leave(&mut self, video: VideoId) {
        let Some(row) = self.all.get(&video) else { return };
        let Some(published) = row.published else { return };
        let place = (published.published_ms, video);
        self.tried.remove(&place);
        if let Some(made) = self.by_creator.get_mut(&published.creator) {
            made.remove(&place);
            if made.is_empty() {
                self.by_creator.remove(&published.creator);
            }
        }
    }

    /// Puts it back, as it is now.
    fn enter(&mut self, video: VideoId) {
        let Some(row) = self.all.get(&video) else { return };
        let Some(published) = row.published else { return };
        let place = (published.published_ms, video);
        if row.is_tried() {
            self.tried.insert(place);
        }
        self.by_creator
            .entry(published.creator)
            .or_default()
            .insert(place);
    }

    /// How many videos of the same creator and day came before it, counted up to `count_max`.
    fn before_on_day(&self, video: VideoId, row: &PoolRow, count_max: usize) -> usize {
        let Some(published) = row.published else { return 0 };
        let day_ms = published.published_ms.div_euclid(DAY_MS).saturating_mul(DAY_MS);
        let made = self.by_creator.get(&published.creator);
        let before =
            made.map(|made| made.range((day_ms, VideoId::from_raw(0))..(published.published_ms, video)));
        before.map_or(0, |before| before.take(count_max).count())
    }
}

impl Pools {
    pub(crate) fn load(txn: &WriteTransaction) -> Result<Self, StoreError> {
        let table = txn.open_table(TABLE)?;
        let mut rows = Rows::default();
        for entry in table.iter()? {
            let (key, value) = entry?;
            let video = VideoId::from_raw(key.value());
            let row = PoolRow::decode(value.value()).ok_or(StoreError::Row("pools"))?;
            rows.all.insert(video, row);
            rows.enter(video);
        }
        Ok(Self {
            rows: RwLock::new(rows),
            board: RwLock::default(),
        })
    }

    pub(crate) fn update<T>(&self, video: VideoId, change: impl FnOnce(&mut PoolRow) -> T) -> T {
        let mut rows = self.rows.write();
        rows.leave(video);
        let row = rows.all.entry(video).or_default();
        let answer = change(row);
        if row.removed {
            *row = PoolRow {
                removed: true,
                ..PoolRow::default()
            };
        }
        rows.enter(video);
        rows.dirty.insert(video);
        answer
    }

    pub(crate) fn read(&self, video: VideoId) -> Option<PoolRow> {
        let rows = self.rows.read();
        rows.all.get(&video).filter(|row| !row.removed).cloned()
    }

    /// With the number of its creator's videos of that day before it.
    pub(crate) fn read_numbered(&self, video: VideoId) -> Option<(PoolRow, usize)> {
        let rows = self.rows.read();
        let row = rows.all.get(&video).filter(|row| !row.removed)?;
        Some((row.clone(), rows.before_on_day(video, row, BEFORE_MAX)))
    }

    pub(crate) fn tried_each(&self, since_ms: TimestampMs, mut visit: impl FnMut(VideoId, &PoolRow, usize)) {
        let rows = self.rows.read();
        let tried = rows.tried.range((since_ms, VideoId::from_raw(0))..).rev();
        for (_, video) in tried {
            if let Some(row) = rows.all.get(video) {
                visit(*video, row, rows.before_on_day(*video, row, BEFORE_MAX));
            }
        }
    }

    pub(crate) fn each(&self, mut visit: impl FnMut(VideoId, &PoolRow)) {
        let rows = self.rows.read();
        rows.all.iter().for_each(|(video, row)| visit(*video, row));
    }

    pub(crate) fn board(&self) -> Arc<PoolBoard> {
        self.board.read().clone()
    }

    pub(crate) fn board_put(&self, board: PoolBoard) {
        *self.board.write() = Arc::new(board);
    }

    /// Writes what changed; it stays marked until [`Self::clean`], so a commit that fails loses nothing.
    pub(crate) fn flush(&self, txn: &WriteTransaction) -> Result<(), StoreError> {
        let rows = self.rows.read();
        let mut table = txn.open_table(TABLE)?;
        for video in &rows.dirty {
            if let Some(row) = rows.all.get(video) {
                table.insert(video.raw(), row.encode().as_slice())?;
            }
        }
        Ok(())
    }

    /// After a commit. Its job alone writes, and it waits meanwhile.
    pub(crate) fn clean(&self) {
        self.rows.write().dirty.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(level: u8, verdict: PoolVerdict) -> PoolChange {
        PoolChange {
            video: VideoId::from_raw(9),
            at_ms: 77,
            level,
            verdict,
            impressions: 200,
            trials: 190,
            successes: 80,
            median: 0.4,
            better: 0.9,
        }
    }

    #[test]
    fn a_row_takes_each_step_once_and_comes_back_from_its_bytes() {
        let mut row = PoolRow {
            published: Some(PoolProfile {
                creator: UserId::from_raw(3),
                published_ms: 5,
                duration_ms: 15_000,
            }),
            counts: PoolCounts {
                impressions: 260,
                trials: 250,
                successes: 100,
            },
            ..PoolRow::default()
        };
        assert!(
            !row.step(&change(1, PoolVerdict::Promoted)),
            "the first is level 0"
        );
        assert!(row.step(&change(0, PoolVerdict::Promoted)));
        assert!(!row.step(&change(0, PoolVerdict::Stopped)), "decided before");
        assert_eq!(row.state(), PoolState::In(1));
        assert_eq!(row.evidence().impressions, 60);
        assert_eq!(row.evidence_of(0).map(|counts| counts.successes), Some(80));
        assert_eq!(PoolRow::decode(&row.encode()), Some(row.clone()));
        assert!(row.step(&change(1, PoolVerdict::Stopped)));
        assert_eq!(row.state(), PoolState::Stopped);
        assert!(!row.step(&change(2, PoolVerdict::Promoted)), "it is over");
        assert_eq!(PoolRow::decode(&row.encode()), Some(row));
        assert_eq!(PoolRow::decode(&[9]), None);
    }

    #[test]
    fn a_removed_video_leaves_nothing_but_that_and_is_not_tried() {
        let pools = Pools::default();
        let video = VideoId::from_raw(9);
        let tried = || {
            let mut count = 0;
            pools.tried_each(i64::MIN, |_, _, _| count += 1);
            count
        };
        pools.update(video, |row| {
            row.published = Some(PoolProfile {
                creator: UserId::from_raw(3),
                published_ms: 5,
                duration_ms: 1,
            });
        });
        assert_eq!(tried(), 1);
        pools.update(video, |row| row.removed = true);
        assert_eq!((tried(), pools.read(video)), (0, None));
        pools.update(video, |row| row.counts.impressions = 7);
        let mut left = Vec::new();
        pools.each(|_, row| left.push(row.encode()));
        assert_eq!(left, [[ROW_VERSION, 1]], "not even counts that came after");
    }

    #[test]
    fn a_creators_videos_of_a_day_are_numbered_by_their_publication() {
        let pools = Pools::default();
        let published = |creator: u64, published_ms: i64| PoolProfile {
            creator: UserId::from_raw(creator),
            published_ms,
            duration_ms: 1,
        };
        for (video, creator, at_ms) in [(1, 3, 10), (2, 3, 20), (3, 4, 30), (4, 3, DAY_MS), (5, 3, 20)] {
            pools.update(VideoId::from_raw(video), |row| {
                row.published = Some(published(creator, at_ms));
            });
        }
        let mut numbers = Vec::new();
        pools.tried_each(i64::MIN, |video, _, before| numbers.push((video.raw(), before)));
        numbers.sort_unstable();
        assert_eq!(numbers, [(1, 0), (2, 1), (3, 0), (4, 0), (5, 2)]);
    }

    #[test]
    fn lengths_have_groups_with_edges() {
        let check = |duration_ms: i64, group: usize| assert_eq!(length_group(duration_ms), group);
        check(0, 0);
        check(6_999, 0);
        check(7_000, 1);
        check(59_999, 3);
        check(180_000, 5);
        check(i64::MAX, LENGTH_GROUPS - 1);
    }
}
