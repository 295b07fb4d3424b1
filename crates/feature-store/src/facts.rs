//! What filters and the light scorer ask of a video, one cache line each: ten thousand candidates are ten thousand lines, and nothing
//! else. What only the best few hundred need lies in [`crate::VideoProfile`].

use std::sync::atomic::{AtomicU32, Ordering};

use types::{Region, SoundId, TimestampMs, UserId, VideoId};

use crate::features::{HEAT_HALF_LIFE_MS, VideoCounters};

/// Hashtags of a video that facts hold, the first ones.
pub const FACT_TOPICS: usize = 4;
/// A hashtag's number in a catalog; 0 is none. Numbers mean nothing outside the process.
pub type TopicNo = u32;

/// Pseudo-watches: a new video is judged like an average one until this many have watched it.
pub const PRIOR_WATCHES: f32 = 8.0;
/// The average share of watches that reach the end.
pub const PRIOR_COMPLETION: f32 = 0.35;
/// The average share of watches that end within two seconds.
pub const PRIOR_EARLY_SKIP: f32 = 0.25;
/// A rate of 1 as stored.
const RATE_ONE: f32 = 65_535.0;

/// One video. 64 bytes, one cache line.
#[derive(Debug)]
#[repr(align(64))]
pub struct Facts {
    pub video: VideoId,
    pub creator: UserId,
    pub published_ms: TimestampMs,
    /// 0: none.
    sound: u64,
    pub topics: [TopicNo; FACT_TOPICS],
    /// Completion rate, and above it the rate of early skips, each drawn towards the average.
    rates: AtomicU32,
    /// Of type f32.
    heat: AtomicU32,
    /// Seconds, as of which the heat is.
    heat_at_s: AtomicU32,
    region: [u8; 2],
    pub category: u8,
    pub flags: Flags,
}

/// What keeps a video from people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// Taken out of all feeds by an admin.
    pub const HIDDEN: Self = Self(1);
    /// For people of age only, says its creator or an admin.
    pub const ADULTS: Self = Self(2);

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether a video with these flags is kept from whoever is, or is not, known to be of age.
    pub const fn keep_from(self, is_adult: bool) -> bool {
        self.has(Self::HIDDEN) || self.has(Self::ADULTS) && !is_adult
    }

    #[must_use]
    pub const fn with(self, other: Self, set: bool) -> Self {
        Self(if set { self.0 | other.0 } else { self.0 & !other.0 })
    }
}

/// How a video fares, as the light scorer reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fares {
    /// Share of watches that reach the end, drawn towards the average while few have watched.
    pub completion: f32,
    /// Share of watches that end at once, likewise.
    pub early_skip: f32,
    /// Recent views, fading.
    pub heat: f32,
}

impl Facts {
    pub(crate) fn new(
        video: VideoId,
        creator: UserId,
        published_ms: TimestampMs,
        sound: Option<SoundId>,
        region: Option<Region>,
        category: u8,
        topics: [TopicNo; FACT_TOPICS],
    ) -> Self {
        let facts = Self {
            video,
            creator,
            published_ms,
            sound: sound.map_or(0, SoundId::raw),
            topics,
            rates: AtomicU32::new(0),
            heat: AtomicU32::new(0),
            heat_at_s: AtomicU32::new(0),
            region: region.map_or([0; 2], Region::bytes),
            category,
            flags: Flags::default(),
        };
        facts.count(&VideoCounters::default());
        facts
    }

    /// A place that nobody has.
    pub(crate) fn free() -> Self {
        let (video, creator) = (VideoId::from_raw(0), UserId::from_raw(0));
        Self::new(video, creator, TimestampMs::MIN, None, None, 0, [0; FACT_TOPICS])
    }

    pub fn region(&self) -> Option<Region> {
        Region::from_bytes(self.region)
    }

    /// 0: none.
    pub fn sound(&self) -> u64 {
        self.sound
    }

    /// Takes the counters over. Readers may see one number before another.
    pub(crate) fn count(&self, counters: &VideoCounters) {
        let rate = |times: u64, prior: f32| {
            let drawn = (times as f32 + prior * PRIOR_WATCHES) / (counters.views as f32 + PRIOR_WATCHES);
            (drawn.clamp(0.0, 1.0) * RATE_ONE) as u32
        };
        let completion = rate(counters.completions, PRIOR_COMPLETION);
        let skips = rate(counters.early_skips, PRIOR_EARLY_SKIP);
        let (heat, at_ms) = counters.heat_as_of();
        self.rates.store(completion | skips << 16, Ordering::Relaxed);
        self.heat.store(heat.to_bits(), Ordering::Relaxed);
        self.heat_at_s.store(seconds(at_ms), Ordering::Relaxed);
    }

    /// How it fared so far, as [`Facts::carry`] takes it.
    pub(crate) fn fared(&self) -> [u32; 3] {
        [&self.rates, &self.heat, &self.heat_at_s].map(|number| number.load(Ordering::Relaxed))
    }

    /// Takes over how a former entry of the video fared.
    pub(crate) fn carry(&self, [rates, heat, heat_at_s]: [u32; 3]) {
        self.rates.store(rates, Ordering::Relaxed);
        self.heat.store(heat, Ordering::Relaxed);
        self.heat_at_s.store(heat_at_s, Ordering::Relaxed);
    }

    /// How it fares at `now_ms`.
    pub fn fares(&self, now_ms: TimestampMs) -> Fares {
        let rates = self.rates.load(Ordering::Relaxed);
        let heat = f32::from_bits(self.heat.load(Ordering::Relaxed));
        let mut fares = Fares {
            completion: (rates & 0xffff) as f32 / RATE_ONE,
            early_skip: (rates >> 16) as f32 / RATE_ONE,
            heat: 0.0,
        };
        if heat > 0.0 {
            let age_s = seconds(now_ms).saturating_sub(self.heat_at_s.load(Ordering::Relaxed));
            fares.heat = heat * (-(age_s as f32) * 1_000.0 / HEAT_HALF_LIFE_MS).exp2();
        }
        fares
    }
}

/// Whole seconds; a time before 1970 is 0.
fn seconds(at_ms: TimestampMs) -> u32 {
    u32::try_from(at_ms.max(0) / 1_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_each_and_rates_come_back() {
        assert_eq!(size_of::<Facts>(), 64);
        let facts = Facts::free();
        let fares = facts.fares(0);
        assert!((fares.completion - PRIOR_COMPLETION).abs() < 1e-4);
        assert!((fares.early_skip - PRIOR_EARLY_SKIP).abs() < 1e-4);
        assert_eq!((facts.region(), facts.sound()), (None, 0));
        let both = Flags::default()
            .with(Flags::HIDDEN, true)
            .with(Flags::ADULTS, true);
        assert!(both.has(Flags::HIDDEN) && both.has(Flags::ADULTS));
        assert_eq!(both.with(Flags::HIDDEN, false), Flags::ADULTS);
        let kept = |flags: Flags| [flags.keep_from(false), flags.keep_from(true)];
        assert_eq!(kept(Flags::default()), [false, false]);
        assert_eq!(kept(Flags::ADULTS), [true, false]);
        assert_eq!(kept(Flags::HIDDEN), [true, true]);
        assert_eq!(kept(both), [true, true]);
    }
}
