//! From untrusted JSON to an [`Observed`] event, or a short reason why not. One bad event never spoils its neighbours.

use event::{SessionKey, Signal, SignalKind};
use serde::Deserialize;
use types::{ImpressionId, Region, TimestampMs, VideoId, ViewerId};

use crate::fields::{EventName, Field};
use crate::meters::Oddity;

/// Events of one request.
pub const EVENTS_MAX: usize = 500;
/// Characters of a session id.
pub const SESSION_ID_CHARS_MAX: usize = 64;
/// A device clock further from ours than this is worth nothing: ours takes its place.
const CLOCK_WORTH_MS_MAX: u64 = 7 * 86_400_000;
/// A device clock further from ours than this is kept and counted; whoever orders events by time takes ours.
const CLOCK_SKEW_MS_MAX: u64 = 300_000;
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
    pub const INVALID_ENDED: &str = "invalid_ended";
    pub const INVALID_LOOPS: &str = "invalid_loops";
    pub const INVALID_POSITION_MS: &str = "invalid_position_ms";
    pub const INVALID_AT_MS: &str = "invalid_at_ms";
    /// JSON, but nothing a parser agrees to hold: a number out of all range, half a character, a field twice.
    pub const UNREADABLE: &str = "unreadable";

    pub const ALL: [&str; 10] = [
        INVALID_SEQ,
        UNKNOWN_TYPE,
        INVALID_VIDEO_ID,
        INVALID_IMPRESSION_ID,
        INVALID_WATCH_MS,
        INVALID_ENDED,
        INVALID_LOOPS,
        INVALID_POSITION_MS,
        INVALID_AT_MS,
        UNREADABLE,
    ];
}

/// Who sends from where, and when it arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub viewer: ViewerId,
    pub session: SessionKey,
    pub received_ms: TimestampMs,
    pub region: Option<Region>,
}

/// An event as it came, every field unchecked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WireEvent {
    pub seq: Field<u64>,
    pub at_ms: Field<f64>,
    #[serde(rename = "type")]
    pub kind: Field<EventName>,
    pub video_id: Field<VideoId>,
    pub impression_id: Field<ImpressionId>,
    pub watch_ms: Field<f64>,
    pub ended: Field<bool>,
    pub loops: Field<u64>,
    pub position_ms: Field<f64>,
}

/// An event that may enter, before it is known who sent it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Observed {
    pub sequence: u64,
    at_ms: Option<f64>,
    video: Option<VideoId>,
    impression: Option<ImpressionId>,
    kind: SignalKind,
}

/// An event that will never be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// Its number, when it had a usable one.
    pub seq: Option<u64>,
    pub code: &'static str,
}

pub(crate) type Judged = Result<Observed, Rejected>;

impl WireEvent {
    /// Checks the event.
    pub(crate) fn judge(&self) -> Judged {
        let seq = usable(self.seq);
        let refuse = |code| Rejected { seq, code };
        let sequence = seq.ok_or_else(|| refuse(code::INVALID_SEQ))?;
        self.observed(sequence).map_err(refuse)
    }

    fn observed(&self, sequence: u64) -> Result<Observed, &'static str> {
        let kind = self.kind()?;
        let video = self.video_id.or_refuse(code::INVALID_VIDEO_ID)?;
        let needs_video = !matches!(kind, SignalKind::Heartbeat | SignalKind::Context);
        if needs_video && video.is_none() {
            return Err(code::INVALID_VIDEO_ID);
        }
        Ok(Observed {
            sequence,
            at_ms: self.at_ms.or_refuse(code::INVALID_AT_MS)?,
            video,
            impression: self.impression_id.or_refuse(code::INVALID_IMPRESSION_ID)?,
            kind,
        })
    }

    /// A field of a foreign type spoils its event, also one that this kind does not need: something is wrong with it.
    fn kind(&self) -> Result<SignalKind, &'static str> {
        let name = self.kind.or_refuse(code::UNKNOWN_TYPE)?;
        let watch_ms = self.watch_ms.or_refuse(code::INVALID_WATCH_MS)?;
        let position_ms = self.position_ms.or_refuse(code::INVALID_POSITION_MS)?;
        let ended = self.ended.or_refuse(code::INVALID_ENDED)?;
        let loops = self.loops.or_refuse(code::INVALID_LOOPS)?;
        Ok(match name.ok_or(code::UNKNOWN_TYPE)? {
            EventName::Impression => SignalKind::Impression,
            EventName::Watch => SignalKind::Watch {
                watch_ms: watch_ms.and_then(milliseconds).ok_or(code::INVALID_WATCH_MS)?,
                ended: ended.unwrap_or(false),
                loops: loops.unwrap_or(0).min(LOOPS_MAX) as u32,
            },
            EventName::Loop => SignalKind::Loop,
            EventName::Skip => SignalKind::Skip {
                position_ms: milliseconds(position_ms.unwrap_or(0.0)).ok_or(code::INVALID_POSITION_MS)?,
            },
            EventName::Heartbeat => SignalKind::Heartbeat,
            EventName::Context => SignalKind::Context,
            EventName::NotInterested => SignalKind::NotInterested,
            EventName::NotInterestedUndo => SignalKind::NotInterestedUndo,
        })
    }
}

impl Observed {
    /// The record it becomes.
    pub(crate) fn signal(&self, stamp: Stamp) -> Signal {
        Signal {
            viewer: stamp.viewer,
            session: stamp.session,
            sequence: self.sequence,
            at_ms: self.device_time(stamp.received_ms),
            received_ms: stamp.received_ms,
            video: self.video,
            impression: self.impression,
            region: stamp.region,
            kind: self.kind,
        }
    }

    fn device_time(&self, received_ms: TimestampMs) -> TimestampMs {
        let at_ms = self.at_ms.map_or(received_ms, |at_ms| at_ms as i64);
        let plausible = at_ms.abs_diff(received_ms) <= CLOCK_WORTH_MS_MAX;
        if plausible { at_ms } else { received_ms }
    }

    /// What is odd about the device's clock, if anything.
    pub(crate) fn clock_oddity(&self, received_ms: TimestampMs) -> Option<Oddity> {
        let at_ms = self.at_ms? as i64;
        match at_ms.abs_diff(received_ms) {
            0..=CLOCK_SKEW_MS_MAX => None,
            skew if skew > CLOCK_WORTH_MS_MAX => Some(Oddity::ClockReplaced),
            _ if at_ms > received_ms => Some(Oddity::ClockAhead),
            _ => Some(Oddity::ClockBehind),
        }
    }
}

/// What can be said of an event that no parser reads whole: its number, if that much does.
pub(crate) fn unreadable(event: &str) -> Rejected {
    #[derive(Deserialize)]
    struct Numbered {
        #[serde(default)]
        seq: Field<u64>,
    }
    let seq = serde_json::from_str(event)
        .ok()
        .and_then(|numbered: Numbered| usable(numbered.seq));
    let code = if seq.is_some() {
        code::UNREADABLE
    } else {
        code::INVALID_SEQ
    };
    Rejected { seq, code }
}

fn usable(seq: Field<u64>) -> Option<u64> {
    match seq {
        Field::Given(seq) if (1..=SEQUENCE_MAX).contains(&seq) => Some(seq),
        _ => None,
    }
}

/// A bounded, non-negative count of milliseconds; fractions are cut, since players measure in floats.
fn milliseconds(ms: f64) -> Option<i64> {
    (0.0..=WATCH_MS_MAX).contains(&ms).then_some(ms as i64)
}
