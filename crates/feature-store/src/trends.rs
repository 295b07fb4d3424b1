//! What trending lists are made from: the last hour of each video that was watched in it, everywhere and by region, and how often
//! hashtags and sounds were used. Written by the `activity` job; kept so that a restart begins with full lists.

use std::sync::Arc;

use types::{Category, DurationMs, Region, SoundId, TimestampMs, VideoId};

use crate::bytes::{Row, put_i64, put_signed, put_text, put_varint};
use crate::entity::Entity;
use crate::shelf::{RowKey, Stored};

/// Width of a bin of [`TrendRow`].
pub const TREND_BIN_MS: i64 = 300_000;
/// Width of a bin of [`UsageRow`].
pub const USAGE_BIN_MS: i64 = 3_600_000;

/// A video, everywhere or as watched from one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrendKey {
    pub region: Option<Region>,
    pub video: VideoId,
}

/// What a score is made from, for five minutes. Numbers may be negative for a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrendBin {
    pub views: i64,
    pub likes: i64,
    pub comments: i64,
    pub shares: i64,
    pub watch_ms: i64,
}

/// What scores and lists need to know of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendProfile {
    pub published_ms: TimestampMs,
    pub duration_ms: DurationMs,
    pub sound: Option<SoundId>,
    pub category: Option<Category>,
    pub hashtags: Vec<Arc<str>>,
}

/// The bins of a video. Without any it is to be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrendRow {
    /// (bin number, sums), ascending.
    pub bins: Vec<(i64, TrendBin)>,
    /// Only in rows that are of no region.
    pub profile: Option<Arc<TrendProfile>>,
}

/// How often a hashtag or a sound was used, by the hour; the newest hours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageRow {
    /// (hour number, use), ascending.
    pub hours: Vec<(i64, Usage)>,
}

/// Use within one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Videos published with it.
    pub videos: i64,
    /// Watches of videos that have it.
    pub views: i64,
}

impl RowKey for TrendKey {
    fn encode(&self) -> Vec<u8> {
        let region = self.region.map_or([0; 2], Region::bytes);
        [&region[..], &self.video.raw().to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (region, video) = bytes.split_first_chunk::<2>()?;
        Some(Self {
            region: Region::from_bytes(*region),
            video: VideoId::from_raw(u64::from_be_bytes(video.try_into().ok()?)),
        })
    }
}

impl RowKey for Entity {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        Self::encode(self, &mut out);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::decode(bytes)
    }
}

impl TrendBin {
    fn numbers(&self) -> [i64; 5] {
        [self.views, self.likes, self.comments, self.shares, self.watch_ms]
    }
}

impl Stored for TrendRow {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        put_varint(&mut out, self.bins.len() as u64);
        for (number, bin) in &self.bins {
            put_signed(&mut out, *number);
            bin.numbers()
                .iter()
                .for_each(|&number| put_signed(&mut out, number));
        }
        if let Some(profile) = &self.profile {
            profile.encode(&mut out);
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut row = Row(bytes);
        let count = row.varint()?;
        let bins = (0..count).map(|_| {
            let number = row.signed()?;
            let bin = TrendBin {
                views: row.signed()?,
                likes: row.signed()?,
                comments: row.signed()?,
                shares: row.signed()?,
                watch_ms: row.signed()?,
            };
            Some((number, bin))
        });
        let bins = bins.collect::<Option<_>>()?;
        let profile = match row.is_done() {
            true => None,
            false => Some(Arc::new(TrendProfile::decode(&mut row)?)),
        };
        Some(Self { bins, profile })
    }

    fn used_ms(&self) -> TimestampMs {
        self.bins
            .last()
            .map_or(0, |(number, _)| number.saturating_mul(TREND_BIN_MS))
    }

    fn is_gone(&self) -> bool {
        self.bins.is_empty()
    }
}

impl TrendProfile {
    /// Appends the profile's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_i64(out, self.published_ms);
        put_varint(out, self.duration_ms.max(0).unsigned_abs());
        put_varint(out, self.sound.map_or(0, SoundId::raw));
        out.push(self.category.map_or(0, Category::number));
        put_varint(out, self.hashtags.len() as u64);
        self.hashtags.iter().for_each(|tag| put_text(out, tag));
    }

    /// Reads a profile from the front of `row`.
    pub fn decode(row: &mut Row<'_>) -> Option<Self> {
        Some(Self {
            published_ms: row.i64()?,
            duration_ms: row.varint()?.try_into().ok()?,
            sound: Some(row.varint()?).filter(|&raw| raw != 0).map(SoundId::from_raw),
            category: Category::from_number(row.u8()?),
            hashtags: {
                let count = row.varint()?;
                (0..count)
                    .map(|_| row.text().map(Arc::from))
                    .collect::<Option<_>>()?
            },
        })
    }
}

impl UsageRow {
    /// The use in the hour of this number.
    pub fn of_hour(&self, number: i64) -> Usage {
        let held = self.hours.iter().find(|(hour, _)| *hour == number);
        held.map_or_else(Usage::default, |(_, usage)| *usage)
    }
}

impl Stored for UsageRow {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        for (hour, usage) in &self.hours {
            [*hour, usage.videos, usage.views]
                .iter()
                .for_each(|&number| put_signed(&mut out, number));
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut row, mut hours) = (Row(bytes), Vec::new());
        while !row.is_done() {
            let (hour, videos, views) = (row.signed()?, row.signed()?, row.signed()?);
            hours.push((hour, Usage { videos, views }));
        }
        Some(Self { hours })
    }

    fn used_ms(&self) -> TimestampMs {
        self.hours
            .last()
            .map_or(0, |(hour, _)| hour.saturating_mul(USAGE_BIN_MS))
    }

    fn is_gone(&self) -> bool {
        self.hours.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let bin = TrendBin {
            views: 7,
            likes: -1,
            comments: 0,
            shares: 2,
            watch_ms: 70_000,
        };
        let profile = TrendProfile {
            published_ms: 5,
            duration_ms: 15_000,
            sound: Some(SoundId::from_raw(3)),
            category: Some(Category::Music),
            hashtags: vec![Arc::from("sea"), Arc::from("été")],
        };
        for profile in [None, Some(Arc::new(profile))] {
            let row = TrendRow {
                bins: vec![(-1, bin), (5_900_000, bin)],
                profile,
            };
            assert_eq!(TrendRow::decode(&row.encode()), Some(row));
        }
        let usage = Usage {
            videos: 2,
            views: 900,
        };
        let row = UsageRow {
            hours: vec![(490_000, usage), (490_001, Usage::default())],
        };
        assert_eq!(UsageRow::decode(&row.encode()), Some(row.clone()));
        assert_eq!((row.of_hour(490_000), row.of_hour(1)), (usage, Usage::default()));
        for region in [None, Region::from_bytes(*b"BR")] {
            let key = TrendKey {
                region,
                video: VideoId::from_raw(9),
            };
            assert_eq!(TrendKey::decode(&key.encode()), Some(key));
        }
    }
}
