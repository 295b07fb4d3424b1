//! The few dense values that a light scorer reads of a candidate: what a video and its creator did so far, whoever watches. Said by the same
//! functions as the full row, so they are the same to the bit. They hold for all viewers, and change only when the video or its
//! creator is observed; so they can be kept beside the video.

use types::TimestampMs;

use super::rates::{self, Rates};
use super::{About, Sink, content};
use crate::entity::{Entity, Keys};
use crate::facts::{Context, VideoFacts, ViewerFacts};
use crate::registry::Side;
use crate::row::rounded;
use crate::state::State;

/// How many there are.
pub const LIGHT_WIDTH: usize = 8;

/// Their names in the registry.
pub const LIGHT: [&str; LIGHT_WIDTH] = [
    "video.long_view.all",
    "video.like.all",
    "video.shown.all",
    "video.skip.all",
    "video.ratio.all",
    "creator.long_view.all",
    "creator.shown.all",
    "content.duration",
];

/// Keeps the values that [`LIGHT`] names.
struct Picked([f32; LIGHT_WIDTH]);

impl Sink for Picked {
    fn put(&mut self, about: About, value: f32) {
        for (name, kept) in LIGHT.iter().zip(&mut self.0) {
            let rest = name
                .strip_prefix(about.of)
                .and_then(|rest| rest.strip_prefix('.'));
            let window = rest.and_then(|rest| rest.strip_prefix(about.what));
            if window.is_some_and(|window| window.strip_prefix('.').unwrap_or(window) == about.window) {
                *kept = rounded(value);
            }
        }
    }
}

impl State {
    /// The values of [`LIGHT`] for a video, as a row extracted at `now_ms` has them. About a microsecond.
    pub fn light(&self, video: &VideoFacts, now_ms: TimestampMs) -> [f32; LIGHT_WIDTH] {
        let mut picked = Picked([0.0; LIGHT_WIDTH]);
        let nobody = ViewerFacts::new(types::ViewerId::from_raw(0));
        let keys = Keys::new(&nobody, video, &Context::at(now_ms));
        let overall = Rates::overall(&self.overall.at(now_ms));
        for entity in [Entity::Video, Entity::Creator] {
            let counter = self.entity(keys.entities[entity as usize], now_ms);
            rates::entity(&mut picked, Side::Video, entity, &counter, &overall);
        }
        content::video(&mut picked, video, now_ms);
        picked.0
    }
}
