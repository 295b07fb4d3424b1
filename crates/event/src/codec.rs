//! Bytes of a record, version 5: little-endian fixed fields, no padding, optional ids as 0.
//!
//! Layout: `version u8, kind u8`, then the kind's fields in the order of its writer (one file a family). Records that leave
//! through the outbox carry its id in the next 8 bytes, so the relay can stamp it without knowing the rest. Version 1 had no
//! regions, sounds and categories, version 2 no id features, version 3 no content vectors, version 4 no captions and no receipts; such
//! records read as without them. Only the newest version is written, every version is read,
//! and its fixtures decode for ever (`tests.rs`).

mod bytes;
mod example;
mod pool;
mod receipt;
mod served;
mod video;
mod viewer;
mod wish;

use crate::record::{Event, Signal};
use bytes::{Reader, Writer};

const VERSION: u8 = 5;
const OUTBOX_ID_AT: usize = 2;

const KIND_SIGNAL: u8 = 1;
const KIND_ACTION: u8 = 2;
const KIND_SERVED: u8 = 3;
const KIND_PUBLISHED: u8 = 4;
const KIND_REMOVED: u8 = 5;
const KIND_EXAMPLE: u8 = 6;
const KIND_DESCRIBED: u8 = 7;
const KIND_FLAGGED: u8 = 9;
const KIND_POOL: u8 = 10;
const KIND_WISH: u8 = 8;

/// Items of one served slate.
pub const SLATE_ITEMS_MAX: usize = 200;
/// Hashtags of one video.
pub const HASHTAGS_MAX: usize = 64;
/// Words or hashtags of one wish.
pub const WISH_TEXTS_MAX: usize = 200;
/// Id features of one served item.
pub const IDS_MAX: usize = 512;
/// Numeric features of one served item.
pub const FEATURES_MAX: usize = 1_024;

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

/// Writes the outbox row's id into an encoded [`crate::Action`] or [`crate::VideoChange`]; other records stay as they are.
pub fn stamp_outbox_id(encoded: &mut [u8], outbox_id: u64) {
    let outboxed = matches!(
        encoded.get(1),
        Some(&(KIND_ACTION | KIND_PUBLISHED | KIND_REMOVED | KIND_DESCRIBED | KIND_FLAGGED))
    );
    if let Some(slot) = encoded
        .get_mut(OUTBOX_ID_AT..OUTBOX_ID_AT + 8)
        .filter(|_| outboxed)
    {
        slot.copy_from_slice(&outbox_id.to_le_bytes());
    }
}

impl Signal {
    /// Appends the record's bytes to `out`, which may hold a whole batch: nothing is allocated beyond its growth.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(viewer::SIGNAL_BYTES_MAX);
        out.push(VERSION);
        viewer::write_signal(&mut Writer(out), self);
    }
}

impl Event {
    /// The record as bytes of its own. Lists over their bound are cut (the rooms check their bounds before).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        self.encode_into(&mut out);
        out
    }

    /// Appends the record's bytes to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(viewer::SIGNAL_BYTES_MAX);
        out.push(VERSION);
        let mut out = Writer(out);
        match self {
            Self::Signal(signal) => viewer::write_signal(&mut out, signal),
            Self::Action(action) => viewer::write_action(&mut out, action),
            Self::Served(slate) => served::write_served(&mut out, slate),
            Self::Video(change) => video::write_video(&mut out, change),
            Self::Example(example) => example::write_example(&mut out, example),
            Self::Pool(change) => pool::write_pool(&mut out, change),
            Self::Wish(wish) => wish::write_wish(&mut out, wish),
        }
    }

    /// Reads one whole record.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader {
            left: bytes,
            version: VERSION,
        };
        input.version = input.u8()?;
        if !(1..=VERSION).contains(&input.version) {
            return Err(DecodeError::Version(input.version));
        }
        let event = match input.u8()? {
            KIND_SIGNAL => Self::Signal(viewer::read_signal(&mut input)?),
            KIND_ACTION => Self::Action(viewer::read_action(&mut input)?),
            KIND_SERVED => Self::Served(served::read_served(&mut input)?),
            KIND_PUBLISHED => Self::Video(video::read_published(&mut input)?),
            KIND_REMOVED => Self::Video(video::read_removed(&mut input)?),
            KIND_DESCRIBED => Self::Video(video::read_described(&mut input)?),
            KIND_FLAGGED => Self::Video(video::read_flagged(&mut input)?),
            KIND_EXAMPLE => Self::Example(example::read_example(&mut input)?),
            KIND_POOL => Self::Pool(pool::read_pool(&mut input)?),
            KIND_WISH => Self::Wish(wish::read_wish(&mut input)?),
            kind => return Err(DecodeError::Kind(kind)),
        };
        match input.left.len() {
            0 => Ok(event),
            left => Err(DecodeError::Trailing(left)),
        }
    }
}
