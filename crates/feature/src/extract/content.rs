//! What a video is before anybody sees it, and what time it is.

use types::TimestampMs;

use super::{About, Sink};
use crate::entity::length_group;
use crate::facts::{Context, TOPICS_MAX, VideoFacts};
use crate::registry::Side;

/// Age of a video whose age is not known, in days.
const AGE_UNKNOWN_D: f32 = -1.0;
const AGE_MAX_D: f32 = 3_650.0;

/// Writes the moment.
pub(crate) fn moment(out: &mut impl Sink, context: &Context) {
    let about = |what, text| About {
        side: Side::Viewer,
        of: "moment",
        what,
        window: "",
        source: "context",
        text,
    };
    let angle = context
        .hour
        .map(|hour| f32::from(hour) * std::f32::consts::TAU / 24.0);
    out.put(
        about("hour_sin", "hour of the viewer's day on a circle"),
        angle.map_or(0.0, f32::sin),
    );
    out.put(
        about("hour_cos", "hour of the viewer's day on a circle"),
        angle.map_or(0.0, f32::cos),
    );
    let weekend = context.weekday.is_some_and(|day| day >= 5);
    out.put(
        about("weekend", "1 on Saturday and Sunday"),
        f32::from(u8::from(weekend)),
    );
    out.put(
        about("surface_known", "1 when the page of the client is known"),
        f32::from(u8::from(context.surface.is_some())),
    );
}

/// Writes the video.
pub(crate) fn video(out: &mut impl Sink, video: &VideoFacts, now_ms: TimestampMs) {
    let about = |what, text| About {
        side: Side::Video,
        of: "content",
        what,
        window: "",
        source: "video",
        text,
    };
    let log_s = (video.duration_ms.max(0) as f32 / 1_000.0).ln_1p();
    out.put(about("duration", "seconds, logarithm; 0 when not known"), log_s);
    out.put(
        about("length_group", "group of lengths, 1 to 18; 0 when not known"),
        length_group(video.duration_ms) as f32,
    );
    let age_d = |at_ms| now_ms.saturating_sub(at_ms).max(0) as f32 / 86_400_000.0;
    let age = video
        .published_ms
        .map_or(AGE_UNKNOWN_D, |at_ms| age_d(at_ms).min(AGE_MAX_D));
    out.put(
        about("age", "days since it was published; -1 when not known"),
        age,
    );
    out.put(
        about("aspect", "width over height; 0 when not known"),
        video.aspect,
    );
    let topics = video
        .topics
        .iter()
        .take(TOPICS_MAX)
        .filter(|topic| **topic != 0)
        .count();
    out.put(about("topics", "how many topics it has"), topics as f32);
    out.put(
        about("has_sound", "1 when it uses a sound"),
        f32::from(u8::from(video.sound.is_some())),
    );
}
