//! From a recorded feed's words to the product's: author is creator, music is sound, tags are topics, tab is surface.

use std::collections::HashMap;

use feature::{Context, Outcome, Told, VideoFacts, ViewerFacts};
use types::{DurationMs, SoundId, TimestampMs, UserId, VideoId, ViewerId};

use crate::dataset::{Dataset, HistoryEvent, Interaction, Item};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Left within this time is an early skip.
const SKIP_MS: DurationMs = 2_000;

/// What is known of videos and people, in the product's words.
#[derive(Debug, Clone)]
pub struct Facts {
    videos: HashMap<u64, VideoFacts>,
    viewers: HashMap<u64, ViewerFacts>,
    /// Distance of the viewers' clock from UTC.
    utc_offset_ms: i64,
}

impl Facts {
    /// Of a dataset whose people live `utc_offset_ms` east of UTC.
    pub fn new(data: &Dataset, utc_offset_ms: i64) -> Self {
        let videos = data
            .items
            .iter()
            .map(|item| (item.video, video_facts(item, utc_offset_ms)));
        let viewers = data.users.values().map(|profile| {
            let mut viewer = ViewerFacts::new(ViewerId::from_raw(profile.user));
            viewer.traits = profile.traits;
            (profile.user, viewer)
        });
        Self {
            videos: videos.collect(),
            viewers: viewers.collect(),
            utc_offset_ms,
        }
    }

    /// A video; one that the catalogue lacks is known by its id alone.
    pub fn video(&self, video: u64) -> VideoFacts {
        let known = self.videos.get(&video).cloned();
        known.unwrap_or_else(|| VideoFacts::new(VideoId::from_raw(video), UserId::from_raw(0)))
    }

    /// A person; one without a profile is known by the id alone.
    pub fn viewer(&self, user: u64) -> ViewerFacts {
        self.viewers
            .get(&user)
            .cloned()
            .unwrap_or_else(|| ViewerFacts::new(ViewerId::from_raw(user)))
    }

    /// Where and when an interaction happened.
    pub fn context(&self, row: &Interaction) -> Context {
        let local_ms = row.time_ms.saturating_add(self.utc_offset_ms);
        Context {
            at_ms: row.time_ms,
            surface: Some(row.tab as u16),
            hour: Some((local_ms.rem_euclid(DAY_MS) / HOUR_MS) as u8),
            // 1970-01-01 was a Thursday.
            weekday: Some((local_ms.div_euclid(DAY_MS) + 3).rem_euclid(7) as u8),
        }
    }
}

/// What became of an exposure of the history.
pub fn history_outcome(event: &HistoryEvent) -> Outcome {
    Outcome {
        long_view: event.long_view,
        like: event.like,
        told: None,
    }
}

/// What became of an interaction.
pub fn outcome(row: &Interaction) -> Outcome {
    let said = row.outcome;
    Outcome {
        long_view: said.long_view,
        like: said.like,
        told: Some(Told {
            open: said.click,
            skip: row.play_time_ms < SKIP_MS,
            engage: said.follow || said.comment || said.forward || said.profile_enter,
            reject: said.hate,
            ratio: Told::ratio_of(row.play_time_ms, row.duration_ms),
        }),
    }
}

/// The moment that stands for all exposures without a time: just before the first one with a time.
pub fn warm_up_context(first_ms: TimestampMs) -> Context {
    Context::at(first_ms)
}

fn video_facts(item: &Item, utc_offset_ms: i64) -> VideoFacts {
    let mut video = VideoFacts::new(VideoId::from_raw(item.video), UserId::from_raw(item.author));
    video.sound = (item.music != 0).then(|| SoundId::from_raw(item.music));
    // Tag 0 is a tag; topic 0 is none.
    video
        .topics
        .iter_mut()
        .zip(&item.tags)
        .for_each(|(topic, tag)| *topic = tag.wrapping_add(1));
    video.format = item.upload_type;
    video.duration_ms = item.duration_ms;
    video.published_ms = item.upload_day.map(|day| i64::from(day) * DAY_MS - utc_offset_ms);
    video.aspect = if item.height > 0 {
        item.width as f32 / item.height as f32
    } else {
        0.0
    };
    video
}
