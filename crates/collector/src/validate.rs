//! From untrusted JSON to a [`Signal`], or a short reason why not. One bad event never spoils its neighbours.

use event::{SessionKey, Signal, SignalKind};
use serde_json::Value;
use types::{TimestampMs, VideoId, ViewerId};

/// Events of one request.
pub const EVENTS_MAX: usize = 500;
/// Characters of a session id.
pub const SESSION_ID_CHARS_MAX: usize = 64;
/// A device clock further from ours than this is replaced by ours.
const CLOCK_SKEW_MS_MAX: u64 = 7 * 86_400_000;
const WATCH_MS_MAX: i64 = 86_400_000;
const LOOPS_MAX: u64 = 100_000;
/// Well below 2^63, so that arithmetic on numbers from outside cannot overflow.
const SEQUENCE_MAX: u64 = 1 << 53;

/// The codes that a refused event is answered and counted with.
pub(crate) mod code {
    pub const INVALID_SEQ: &str = "invalid_seq";
    pub const UNKNOWN_TYPE: &str = "unknown_type";
    pub const INVALID_VIDEO_ID: &str = "invalid_video_id";
    pub const INVALID_IMPRESSION_ID: &str = "invalid_impression_id";
    pub const INVALID_WATCH_MS: &str = "invalid_watch_ms";
    pub const INVALID_POSITION_MS: &str = "invalid_position_ms";
    pub const INVALID_AT_MS: &str = "invalid_at_ms";
}

/// Who sends, and when it arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub viewer: ViewerId,
    pub session: SessionKey,
    pub received_ms: TimestampMs,
}

/// The sequence number of an event, when it has a usable one.
pub(crate) fn sequence_of(event: &Value) -> Option<u64> {
    event
        .get("seq")?
        .as_u64()
        .filter(|seq| (1..=SEQUENCE_MAX).contains(seq))
}

/// Checks one event.
pub(crate) fn signal(event: &Value, stamp: Stamp) -> Result<Signal, &'static str> {
    let sequence = sequence_of(event).ok_or(code::INVALID_SEQ)?;
    let kind = kind(event)?;
    let video: Option<VideoId> = id(event, "videoId", code::INVALID_VIDEO_ID)?;
    let needs_video = !matches!(kind, SignalKind::Heartbeat | SignalKind::Context);
    if needs_video && video.is_none() {
        return Err(code::INVALID_VIDEO_ID);
    }
    Ok(Signal {
        viewer: stamp.viewer,
        session: stamp.session,
        sequence,
        at_ms: device_time(event, stamp.received_ms)?,
        received_ms: stamp.received_ms,
        video,
        impression: id(event, "impressionId", code::INVALID_IMPRESSION_ID)?,
        kind,
    })
}

fn kind(event: &Value) -> Result<SignalKind, &'static str> {
    match event.get("type").and_then(Value::as_str) {
        Some("impression") => Ok(SignalKind::Impression),
        Some("watch") => Ok(SignalKind::Watch {
            watch_ms: milliseconds(event, "watchMs", None).ok_or(code::INVALID_WATCH_MS)?,
            ended: event.get("ended").and_then(Value::as_bool).unwrap_or(false),
            loops: event
                .get("loops")
                .and_then(Value::as_u64)
                .unwrap_or(0)
                .min(LOOPS_MAX) as u32,
        }),
        Some("loop") => Ok(SignalKind::Loop),
        Some("skip") => Ok(SignalKind::Skip {
            position_ms: milliseconds(event, "positionMs", Some(0)).ok_or(code::INVALID_POSITION_MS)?,
        }),
        Some("heartbeat") => Ok(SignalKind::Heartbeat),
        Some("context") => Ok(SignalKind::Context),
        Some("not_interested") => Ok(SignalKind::NotInterested),
        _ => Err(code::UNKNOWN_TYPE),
    }
}

/// A bounded, non-negative count of milliseconds; fractions are cut, since players measure in floats.
fn milliseconds(event: &Value, name: &str, when_absent: Option<i64>) -> Option<i64> {
    match event.get(name) {
        None | Some(Value::Null) => when_absent,
        Some(value) => value
            .as_f64()
            .filter(|ms| (0.0..=WATCH_MS_MAX as f64).contains(ms))
            .map(|ms| ms as i64),
    }
}

fn id<T: std::str::FromStr>(
    event: &Value,
    name: &str,
    refuse: &'static str,
) -> Result<Option<T>, &'static str> {
    match event.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| refuse),
        Some(_) => Err(refuse),
    }
}

fn device_time(event: &Value, received_ms: TimestampMs) -> Result<TimestampMs, &'static str> {
    match event.get("atMs") {
        None | Some(Value::Null) => Ok(received_ms),
        Some(value) => {
            let at_ms = value.as_f64().ok_or(code::INVALID_AT_MS)? as i64;
            let plausible = at_ms.abs_diff(received_ms) <= CLOCK_SKEW_MS_MAX;
            Ok(if plausible { at_ms } else { received_ms })
        }
    }
}
