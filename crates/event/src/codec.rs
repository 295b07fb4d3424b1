//! Bytes of a record, version 1: little-endian fixed fields, no padding, optional ids as 0.
//!
//! Layout: `version u8, kind u8`, then the kind's fields in the order written below. Records that leave through the
//! outbox carry its id in the next 8 bytes, so the relay can stamp it without knowing the rest. A later version gets a new
//! number and a new reader beside this one; fixtures of every version decode for ever (`tests.rs`).

use types::{ImpressionId, UserId, VideoId, ViewerId};

use crate::record::{
    Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source, VideoChange,
};

const VERSION: u8 = 1;
const OUTBOX_ID_AT: usize = 2;

const KIND_SIGNAL: u8 = 1;
const KIND_ACTION: u8 = 2;
const KIND_SERVED: u8 = 3;
const KIND_PUBLISHED: u8 = 4;
const KIND_REMOVED: u8 = 5;

/// Items of one served slate.
pub const SLATE_ITEMS_MAX: usize = 200;
/// Hashtags of one video.
pub const HASHTAGS_MAX: usize = 64;
const FEATURES_MAX: usize = 1_024;

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("record version {0} is newer than this program")]
    Version(u8),
    #[error("unknown record kind {0}")]
    Kind(u8),
    #[error("the record ends early")]
    Short,
    #[error("{0} is out of range")]
    Range(&'static str),
    #[error("{0} bytes follow the record")]
    Trailing(usize),
}

impl DecodeError {
    /// A short word for a metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Version(_) => "version",
            Self::Kind(_) => "kind",
            Self::Short => "short",
            Self::Range(_) => "range",
            Self::Trailing(_) => "trailing",
        }
    }
}

/// Writes the outbox row's id into an encoded [`Action`] or [`VideoChange`]; other records stay as they are.
pub fn stamp_outbox_id(encoded: &mut [u8], outbox_id: u64) {
    let outboxed = matches!(
        encoded.get(1),
        Some(&(KIND_ACTION | KIND_PUBLISHED | KIND_REMOVED))
    );
    if let Some(slot) = encoded
        .get_mut(OUTBOX_ID_AT..OUTBOX_ID_AT + 8)
        .filter(|_| outboxed)
    {
        slot.copy_from_slice(&outbox_id.to_le_bytes());
    }
}

impl Event {
    /// The record as bytes. Lists over their bound are cut (the rooms check their bounds before).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(96));
        out.u8(VERSION);
        match self {
            Self::Signal(signal) => write_signal(&mut out, signal),
            Self::Action(action) => write_action(&mut out, action),
            Self::Served(slate) => write_served(&mut out, slate),
            Self::Video(change) => write_video(&mut out, change),
        }
        out.0
    }

    /// Reads one whole record.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader(bytes);
        let version = input.u8()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let event = match input.u8()? {
            KIND_SIGNAL => Self::Signal(read_signal(&mut input)?),
            KIND_ACTION => Self::Action(read_action(&mut input)?),
            KIND_SERVED => Self::Served(read_served(&mut input)?),
            KIND_PUBLISHED => Self::Video(read_published(&mut input)?),
            KIND_REMOVED => Self::Video(read_removed(&mut input)?),
            kind => return Err(DecodeError::Kind(kind)),
        };
        match input.0.len() {
            0 => Ok(event),
            left => Err(DecodeError::Trailing(left)),
        }
    }
}

fn write_signal(out: &mut Writer, signal: &Signal) {
    out.u8(KIND_SIGNAL);
    out.u64(signal.viewer.raw());
    out.u64(signal.session.0);
    out.u64(signal.sequence);
    out.i64(signal.at_ms);
    out.i64(signal.received_ms);
    out.u64(signal.video.map_or(0, VideoId::raw));
    out.u64(signal.impression.map_or(0, ImpressionId::raw));
    match signal.kind {
        SignalKind::Impression => out.u8(1),
        SignalKind::Watch {
            watch_ms,
            ended,
            loops,
        } => {
            out.u8(2);
            out.i64(watch_ms);
            out.u8(u8::from(ended));
            out.u32(loops);
        }
        SignalKind::Loop => out.u8(3),
        SignalKind::Skip { position_ms } => {
            out.u8(4);
            out.i64(position_ms);
        }
        SignalKind::Heartbeat => out.u8(5),
        SignalKind::Context => out.u8(6),
        SignalKind::NotInterested => out.u8(7),
    }
}

fn read_signal(input: &mut Reader<'_>) -> Result<Signal, DecodeError> {
    Ok(Signal {
        viewer: ViewerId::from_raw(input.u64()?),
        session: SessionKey(input.u64()?),
        sequence: input.u64()?,
        at_ms: input.i64()?,
        received_ms: input.i64()?,
        video: input.optional(VideoId::from_raw)?,
        impression: input.optional(ImpressionId::from_raw)?,
        kind: match input.u8()? {
            1 => SignalKind::Impression,
            2 => SignalKind::Watch {
                watch_ms: input.i64()?,
                ended: input.u8()? != 0,
                loops: input.u32()?,
            },
            3 => SignalKind::Loop,
            4 => SignalKind::Skip {
                position_ms: input.i64()?,
            },
            5 => SignalKind::Heartbeat,
            6 => SignalKind::Context,
            7 => SignalKind::NotInterested,
            _ => return Err(DecodeError::Range("signal kind")),
        },
    })
}

const ACTION_KINDS: [ActionKind; 10] = [
    ActionKind::Like,
    ActionKind::Unlike,
    ActionKind::Comment,
    ActionKind::Share,
    ActionKind::Save,
    ActionKind::Unsave,
    ActionKind::Follow,
    ActionKind::Unfollow,
    ActionKind::NotInterested,
    ActionKind::Report,
];

fn write_action(out: &mut Writer, action: &Action) {
    out.u8(KIND_ACTION);
    out.u64(action.outbox_id);
    out.u64(action.actor.raw());
    out.i64(action.at_ms);
    out.u8(code_of(&ACTION_KINDS, &action.kind));
    out.u64(action.video.map_or(0, VideoId::raw));
    out.u64(action.target.map_or(0, UserId::raw));
}

fn read_action(input: &mut Reader<'_>) -> Result<Action, DecodeError> {
    Ok(Action {
        outbox_id: input.u64()?,
        actor: UserId::from_raw(input.u64()?),
        at_ms: input.i64()?,
        kind: input.coded(&ACTION_KINDS, "action kind")?,
        video: input.optional(VideoId::from_raw)?,
        target: input.optional(UserId::from_raw)?,
    })
}

const SOURCES: [Source; 5] = [
    Source::Fresh,
    Source::Popular,
    Source::Interest,
    Source::Following,
    Source::Explore,
];

fn write_served(out: &mut Writer, slate: &ServedSlate) {
    out.u8(KIND_SERVED);
    out.u64(slate.viewer.raw());
    out.i64(slate.at_ms);
    let items = &slate.items[..slate.items.len().min(SLATE_ITEMS_MAX)];
    out.u8(items.len() as u8);
    for item in items {
        out.u64(item.impression.raw());
        out.u64(item.video.raw());
        out.u16(item.position);
        out.u8(code_of(&SOURCES, &item.source));
        out.u32(item.score.to_bits());
        out.u32(item.propensity.to_bits());
        let features = &item.features[..item.features.len().min(FEATURES_MAX)];
        out.u16(features.len() as u16);
        for &(slot, value) in features {
            out.u16(slot);
            out.u32(value.to_bits());
        }
    }
}

fn read_served(input: &mut Reader<'_>) -> Result<ServedSlate, DecodeError> {
    let (viewer, at_ms) = (ViewerId::from_raw(input.u64()?), input.i64()?);
    let count = input.u8()? as usize;
    if count > SLATE_ITEMS_MAX {
        return Err(DecodeError::Range("slate items"));
    }
    let items = (0..count)
        .map(|_| read_served_item(input))
        .collect::<Result<_, _>>()?;
    Ok(ServedSlate { viewer, at_ms, items })
}

fn read_served_item(input: &mut Reader<'_>) -> Result<ServedItem, DecodeError> {
    Ok(ServedItem {
        impression: ImpressionId::from_raw(input.u64()?),
        video: VideoId::from_raw(input.u64()?),
        position: input.u16()?,
        source: input.coded(&SOURCES, "source")?,
        score: f32::from_bits(input.u32()?),
        propensity: f32::from_bits(input.u32()?),
        features: {
            let count = input.u16()? as usize;
            if count > FEATURES_MAX {
                return Err(DecodeError::Range("features"));
            }
            (0..count)
                .map(|_| Ok((input.u16()?, f32::from_bits(input.u32()?))))
                .collect::<Result<_, _>>()?
        },
    })
}

fn write_video(out: &mut Writer, change: &VideoChange) {
    match change {
        VideoChange::Published {
            outbox_id,
            video,
            creator,
            published_ms,
            duration_ms,
            hashtags,
        } => {
            out.u8(KIND_PUBLISHED);
            out.u64(*outbox_id);
            out.u64(video.raw());
            out.u64(creator.raw());
            out.i64(*published_ms);
            out.i64(*duration_ms);
            let hashtags = &hashtags[..hashtags.len().min(HASHTAGS_MAX)];
            out.u8(hashtags.len() as u8);
            hashtags.iter().for_each(|tag| out.text(tag));
        }
        VideoChange::Removed {
            outbox_id,
            video,
            at_ms,
        } => {
            out.u8(KIND_REMOVED);
            out.u64(*outbox_id);
            out.u64(video.raw());
            out.i64(*at_ms);
        }
    }
}

fn read_published(input: &mut Reader<'_>) -> Result<VideoChange, DecodeError> {
    Ok(VideoChange::Published {
        outbox_id: input.u64()?,
        video: VideoId::from_raw(input.u64()?),
        creator: UserId::from_raw(input.u64()?),
        published_ms: input.i64()?,
        duration_ms: input.i64()?,
        hashtags: {
            let count = input.u8()? as usize;
            if count > HASHTAGS_MAX {
                return Err(DecodeError::Range("hashtags"));
            }
            (0..count).map(|_| input.text()).collect::<Result<_, _>>()?
        },
    })
}

fn read_removed(input: &mut Reader<'_>) -> Result<VideoChange, DecodeError> {
    Ok(VideoChange::Removed {
        outbox_id: input.u64()?,
        video: VideoId::from_raw(input.u64()?),
        at_ms: input.i64()?,
    })
}

/// The 1-based place of `value` in its code table; the table lists every variant.
fn code_of<T: PartialEq>(table: &[T], value: &T) -> u8 {
    table
        .iter()
        .position(|entry| entry == value)
        .map_or(0, |place| place as u8 + 1)
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    fn text(&mut self, text: &str) {
        let end = (0..=text.len().min(255))
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        self.u8(end as u8);
        self.0.extend_from_slice(&text.as_bytes()[..end]);
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*head)
    }
    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.take::<1>().map(|[byte]| byte)
    }
    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.take().map(u16::from_le_bytes)
    }
    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.take().map(u32::from_le_bytes)
    }
    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.take().map(u64::from_le_bytes)
    }
    fn i64(&mut self) -> Result<i64, DecodeError> {
        self.take().map(i64::from_le_bytes)
    }
    fn optional<T>(&mut self, make: fn(u64) -> T) -> Result<Option<T>, DecodeError> {
        Ok(Some(self.u64()?).filter(|&raw| raw != 0).map(make))
    }
    fn coded<T: Copy>(&mut self, table: &[T], what: &'static str) -> Result<T, DecodeError> {
        let code = self.u8()? as usize;
        code.checked_sub(1)
            .and_then(|place| table.get(place))
            .copied()
            .ok_or(DecodeError::Range(what))
    }
    fn text(&mut self) -> Result<String, DecodeError> {
        let length = self.u8()? as usize;
        let (head, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.0 = rest;
        String::from_utf8(head.to_vec()).map_err(|_| DecodeError::Range("text"))
    }
}
