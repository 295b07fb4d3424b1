//! What a viewer liked: the last videos, and an even draw of everything before.
//!
//! Retrieval asks around them: the last ones are what the viewer is in the mood for, the older ones keep interests alive that the last
//! hour did not touch. The draw is a reservoir keyed by the log's own numbers, so a replay draws the same.

use std::collections::VecDeque;

use types::{TimestampMs, VideoId};

use crate::bytes::{Row, put_i64, put_u64};

/// Last positives remembered.
pub const RECENT_MAX: usize = 32;
/// Older ones remembered.
pub const OLDER_MAX: usize = 32;

/// See the file's header; at most 1.1 kB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positives {
    /// Newest last.
    recent: VecDeque<(VideoId, TimestampMs)>,
    older: Vec<VideoId>,
    /// How many have left `recent` so far.
    left: u64,
}

impl Positives {
    /// Notes that the viewer liked `video`. One of the last again becomes the newest.
    pub fn note(&mut self, video: VideoId, at_ms: TimestampMs) {
        self.recent.retain(|(known, _)| *known != video);
        self.recent.push_back((video, at_ms));
        if self.recent.len() > RECENT_MAX
            && let Some((old, _)) = self.recent.pop_front()
        {
            self.age(old);
        }
    }

    /// The viewer took it back, or the video is not wanted any more.
    pub fn forget(&mut self, video: VideoId) {
        self.recent.retain(|(known, _)| *known != video);
        self.older.retain(|known| *known != video);
    }

    /// Forgets what was liked up to `at_ms`.
    pub fn reset(&mut self, at_ms: TimestampMs) {
        self.recent.retain(|(_, liked_ms)| *liked_ms > at_ms);
        self.older.clear();
        self.left = 0;
    }

    /// The last ones, newest first.
    pub fn recent(&self) -> impl Iterator<Item = (VideoId, TimestampMs)> + '_ {
        self.recent.iter().rev().copied()
    }

    /// The draw of those before, in no order.
    pub fn older(&self) -> &[VideoId] {
        &self.older
    }

    fn age(&mut self, video: VideoId) {
        self.left += 1;
        if self.older.contains(&video) {
            return;
        }
        if self.older.len() < OLDER_MAX {
            self.older.push(video);
            return;
        }
        let place = (mixed(video.raw() ^ self.left.rotate_left(32)) % self.left) as usize;
        if let Some(kept) = self.older.get_mut(place) {
            *kept = video;
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.left);
        put_u64(out, self.recent.len() as u64);
        for (video, at_ms) in &self.recent {
            put_u64(out, video.raw());
            put_i64(out, *at_ms);
        }
        self.older.iter().for_each(|video| put_u64(out, video.raw()));
    }

    /// Reads to the end of `row`.
    pub(crate) fn read(row: &mut Row<'_>) -> Option<Self> {
        let mut positives = Self {
            left: row.u64()?,
            ..Self::default()
        };
        for _ in 0..row.u64()? {
            let video = VideoId::from_raw(row.u64()?);
            positives.recent.push_back((video, row.i64()?));
        }
        while !row.0.is_empty() {
            positives.older.push(VideoId::from_raw(row.u64()?));
        }
        Some(positives)
    }
}

/// Spreads the bits of a number (splitmix64's finish).
fn mixed(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(count: u64) -> Positives {
        let mut positives = Positives::default();
        (1..=count).for_each(|video| positives.note(VideoId::from_raw(video), video as i64));
        positives
    }

    #[test]
    fn the_last_come_first_and_the_older_are_drawn_from_all_before() {
        let positives = noted(10_000);
        let recent: Vec<u64> = positives.recent().map(|(video, _)| video.raw()).collect();
        let expected: Vec<u64> = (9_969..=10_000).rev().collect();
        assert_eq!(recent, expected);
        let older = positives.older();
        assert_eq!(older.len(), OLDER_MAX);
        let early = older.iter().filter(|video| video.raw() < 5_000).count();
        assert!(
            (6..=26).contains(&early),
            "about half are of the first half: {early}"
        );
    }

    #[test]
    fn one_again_is_the_newest_and_one_forgotten_is_gone() {
        let mut positives = noted(40);
        positives.note(VideoId::from_raw(20), 50);
        assert_eq!(positives.recent().next(), Some((VideoId::from_raw(20), 50)));
        assert_eq!(positives.recent().count(), RECENT_MAX);
        let old = positives.older()[0];
        positives.forget(old);
        positives.forget(VideoId::from_raw(20));
        assert!(!positives.older().contains(&old));
        assert!(positives.recent().all(|(video, _)| video.raw() != 20));
    }

    #[test]
    fn bytes_there_and_back() {
        for positives in [Positives::default(), noted(5), noted(100)] {
            let mut bytes = Vec::new();
            positives.encode(&mut bytes);
            assert_eq!(Positives::read(&mut Row(&bytes)), Some(positives));
        }
        assert_eq!(Positives::read(&mut Row(&[1, 2, 3])), None);
    }
}
