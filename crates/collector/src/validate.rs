//! From untrusted JSON to a [`Signal`], or a short reason why not. One bad event never spoils its neighbours.

use std::borrow::Cow;
use std::str::FromStr;

use event::{SessionKey, Signal, SignalKind};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use types::{TimestampMs, VideoId, ViewerId};

/// Events of one request.
pub const EVENTS_MAX: usize = 500;
/// Characters of a session id.
pub const SESSION_ID_CHARS_MAX: usize = 64;
/// A device clock further from ours than this is replaced by ours.
const CLOCK_SKEW_MS_MAX: u64 = 7 * 86_400_000;
const WATCH_MS_MAX: f64 = 86_400_000.0;
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

/// An event as it came, every field unchecked. A field of a foreign type fails the whole event, with that field's code.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WireEvent<'a> {
    seq: Option<u64>,
    at_ms: Option<f64>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    video_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    impression_id: Option<Cow<'a, str>>,
    watch_ms: Option<f64>,
    ended: Option<bool>,
    loops: Option<u64>,
    position_ms: Option<f64>,
}

/// Why an event does not even read, and its number if that much does.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub seq: Option<u64>,
    pub code: &'static str,
}

impl<'a> WireEvent<'a> {
    pub(crate) fn read(event: &'a RawValue) -> Result<Self, Unreadable> {
        serde_json::from_str(event.get()).map_err(|_| unreadable(event))
    }

    /// The sequence number, when it is usable.
    pub(crate) fn sequence(&self) -> Option<u64> {
        self.seq.filter(usable)
    }

    /// Checks the event.
    pub(crate) fn signal(&self, stamp: Stamp) -> Result<Signal, &'static str> {
        let sequence = self.sequence().ok_or(code::INVALID_SEQ)?;
        let kind = self.kind()?;
        let video: Option<VideoId> = id(self.video_id.as_deref(), code::INVALID_VIDEO_ID)?;
        let needs_video = !matches!(kind, SignalKind::Heartbeat | SignalKind::Context);
        if needs_video && video.is_none() {
            return Err(code::INVALID_VIDEO_ID);
        }
        Ok(Signal {
            viewer: stamp.viewer,
            session: stamp.session,
            sequence,
            at_ms: self.device_time(stamp.received_ms),
            received_ms: stamp.received_ms,
            video,
            impression: id(self.impression_id.as_deref(), code::INVALID_IMPRESSION_ID)?,
            kind,
        })
    }

    fn kind(&self) -> Result<SignalKind, &'static str> {
        match self.kind.as_deref() {
            Some("impression") => Ok(SignalKind::Impression),
            Some("watch") => Ok(SignalKind::Watch {
                watch_ms: self
                    .watch_ms
                    .and_then(milliseconds)
                    .ok_or(code::INVALID_WATCH_MS)?,
                ended: self.ended.unwrap_or(false),
                loops: self.loops.unwrap_or(0).min(LOOPS_MAX) as u32,
            }),
            Some("loop") => Ok(SignalKind::Loop),
            Some("skip") => Ok(SignalKind::Skip {
                position_ms: milliseconds(self.position_ms.unwrap_or(0.0))
                    .ok_or(code::INVALID_POSITION_MS)?,
            }),
            Some("heartbeat") => Ok(SignalKind::Heartbeat),
            Some("context") => Ok(SignalKind::Context),
            Some("not_interested") => Ok(SignalKind::NotInterested),
            _ => Err(code::UNKNOWN_TYPE),
        }
    }

    fn device_time(&self, received_ms: TimestampMs) -> TimestampMs {
        let at_ms = self.at_ms.map_or(received_ms, |at_ms| at_ms as i64);
        let plausible = at_ms.abs_diff(received_ms) <= CLOCK_SKEW_MS_MAX;
        if plausible { at_ms } else { received_ms }
    }
}

fn usable(sequence: &u64) -> bool {
    (1..=SEQUENCE_MAX).contains(sequence)
}

/// The slow way, for an event that does not read: which field is at fault?
fn unreadable(event: &RawValue) -> Unreadable {
    let value: Value = serde_json::from_str(event.get()).unwrap_or_default();
    let field = |name: &str| value.get(name).unwrap_or(&Value::Null);
    let seq = field("seq").as_u64().filter(usable);
    let text = |name: &str| field(name).is_null() || field(name).is_string();
    let number = |name: &str| field(name).is_null() || field(name).is_number();
    let faults = [
        (seq.is_some(), code::INVALID_SEQ),
        (text("type"), code::UNKNOWN_TYPE),
        (text("videoId"), code::INVALID_VIDEO_ID),
        (text("impressionId"), code::INVALID_IMPRESSION_ID),
        (number("atMs"), code::INVALID_AT_MS),
        (number("positionMs"), code::INVALID_POSITION_MS),
    ];
    let fault = faults.iter().find(|(fine, _)| !fine);
    Unreadable {
        seq,
        code: fault.map_or(code::INVALID_WATCH_MS, |(_, code)| code),
    }
}

/// A bounded, non-negative count of milliseconds; fractions are cut, since players measure in floats.
fn milliseconds(ms: f64) -> Option<i64> {
    (0.0..=WATCH_MS_MAX).contains(&ms).then_some(ms as i64)
}

fn id<T: FromStr>(text: Option<&str>, refuse: &'static str) -> Result<Option<T>, &'static str> {
    text.map(|text| text.parse().map_err(|_| refuse)).transpose()
}
