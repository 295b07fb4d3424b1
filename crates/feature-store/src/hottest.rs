//! The list of the hottest videos: made by one at a time, commonly by job `activity`, so that no request pays for the walk over all of them.

use types::{TimestampMs, VideoId};

use crate::entity::Entity;
use crate::store::FeatureStore;

/// How long the list of the hottest videos may be reused.
const HOTTEST_MAX_AGE_MS: i64 = 1_000;
const HOTTEST_MAX: usize = 1_000;
/// Below this nobody is hot.
const HEAT_MIN: f32 = 0.01;

impl FeatureStore {
    /// Published videos by heat, hottest first, at most `count_max`; up to two seconds old. One makes the list at a time, commonly job
    /// `activity`; who comes meanwhile gets the last one.
    pub fn hottest(&self, now_ms: TimestampMs, count_max: usize) -> Vec<VideoId> {
        self.hottest_make(now_ms, 2 * HOTTEST_MAX_AGE_MS);
        self.hottest.read().1.iter().take(count_max).copied().collect()
    }

    /// Makes the list of the hottest videos anew when it is a second old (job `activity`): a walk over all videos in memory, some milliseconds,
    /// that no request should pay for.
    pub fn hottest_refresh(&self, now_ms: TimestampMs) {
        self.hottest_make(now_ms, HOTTEST_MAX_AGE_MS);
    }

    fn hottest_make(&self, now_ms: TimestampMs, age_ms_max: i64) {
        let is_due = |made_ms: TimestampMs| now_ms < made_ms || now_ms >= made_ms.saturating_add(age_ms_max);
        let made_ms = self.hottest.read().0;
        if !is_due(made_ms) {
            return;
        }
        // The first list is waited for.
        let making = match made_ms {
            TimestampMs::MIN => Some(self.hottest_making.lock()),
            _ => self.hottest_making.try_lock(),
        };
        if making.is_some() && is_due(self.hottest.read().0) {
            let hottest = self.hottest_now(now_ms);
            *self.hottest.write() = (now_ms, hottest);
        }
    }

    /// Of the videos in memory: one that has left was not watched for long.
    fn hottest_now(&self, now_ms: TimestampMs) -> Vec<VideoId> {
        let mut warm: Vec<(f32, VideoId)> = Vec::new();
        self.activity.videos.each(|entity, row| {
            let heat = row.heat(now_ms);
            if let (Entity::Video(video), true) = (entity, heat > HEAT_MIN) {
                warm.push((heat, *video));
            }
        });
        let catalog = self.catalog.read();
        warm.retain(|(_, video)| catalog.get(*video).is_some());
        warm.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        warm.truncate(HOTTEST_MAX);
        warm.into_iter().map(|(_, video)| video).collect()
    }
}
