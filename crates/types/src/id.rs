//! The one registry of ids: every id is its own type over 63 bits, printed as 13 base-32 characters.
//!
//! Ids are time-ordered: 41 bits of milliseconds since 2024-01-01, 10 bits of node, 12 bits of sequence.
//! The text form is lower-case Crockford base 32, so it sorts like the number and survives JSON readers
//! that only hold 53 bits. This file does not read a clock: [`IdGenerator::next`] is given the time.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::TimestampMs;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 13;
const EPOCH_MS: TimestampMs = 1_704_067_200_000; // 2024-01-01T00:00:00Z
const SEQUENCE_BITS: u32 = 12;
const NODE_BITS: u32 = 10;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id: expected 13 characters of 0-9 and a-z without i, l, o, u")]
pub struct ParseIdError {
    text: String,
}

fn encode(value: u64) -> [u8; TEXT_LEN] {
    let mut out = [b'0'; TEXT_LEN];
    let mut rest = value;
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    out
}

fn decode(text: &str) -> Result<u64, ParseIdError> {
    let refuse = || ParseIdError {
        text: text.chars().take(32).collect(),
    };
    if text.len() != TEXT_LEN {
        return Err(refuse());
    }
    // 65 bits: the first digit holds the top two of them, which an id does not use.
    let mut value = 0u128;
    let mut all = 0;
    for byte in text.bytes() {
        let digit = DIGITS[usize::from(byte)];
        all |= digit;
        value = value << 5 | u128::from(digit);
    }
    let known = all != NO_DIGIT;
    u64::try_from(value)
        .ok()
        .filter(|value| known && i64::try_from(*value).is_ok())
        .ok_or_else(refuse)
}

const NO_DIGIT: u8 = u8::MAX;

/// Each byte's place in the alphabet.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut place = 0;
    while place < ALPHABET.len() {
        digits[ALPHABET[place] as usize] = place as u8;
        place += 1;
    }
    digits
};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u64);

        impl $name {
            /// Takes a raw 63-bit value, as stored in a BIGINT column or an event record.
            pub const fn from_raw(value: u64) -> Self {
                Self(value & i64::MAX as u64)
            }

            /// The 63-bit value.
            pub const fn raw(self) -> u64 {
                self.0
            }

            /// The 13 characters of the text form, in ASCII, for writers that take no detour through a string.
            pub fn text(self) -> [u8; TEXT_LEN] {
                encode(self.0)
            }

            /// The value as a signed column type; never negative.
            pub const fn as_i64(self) -> i64 {
                self.0 as i64
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                encode(self.0).iter().try_for_each(|&byte| fmt::Write::write_char(f, byte as char))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                decode(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some("13 characters of lower-case Crockford base 32"))
                    .min_length(Some(TEXT_LEN))
                    .max_length(Some(TEXT_LEN))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}

ids! {
    /// An account.
    UserId;
    /// Whoever watches: an account, or a guest who has none. Account ids and guest ids share one space.
    ViewerId;
    /// A video, from its upload session on.
    VideoId;
    /// A sound that videos use.
    SoundId;
    /// A comment or a reply.
    CommentId;
    /// One item of one feed answer, shown to one viewer.
    ImpressionId;
}

impl From<UserId> for ViewerId {
    fn from(user: UserId) -> Self {
        Self(user.0)
    }
}

/// Mints time-ordered raw ids for one node; at most 4 096 a millisecond before it borrows from the next.
///
/// Two generators with different node numbers never mint the same id. A clock that steps back does not
/// make ids repeat: the generator keeps its last position.
#[derive(Debug)]
pub struct IdGenerator {
    node: u64,
    last: AtomicU64,
}

impl IdGenerator {
    /// A generator for `node` (the low 10 bits are used).
    pub const fn new(node: u16) -> Self {
        Self {
            node: node as u64 & ((1 << NODE_BITS) - 1),
            last: AtomicU64::new(0),
        }
    }

    /// The next raw id at time `now_ms`.
    pub fn next(&self, now_ms: TimestampMs) -> u64 {
        let tick = (now_ms - EPOCH_MS).max(0) as u64;
        let floor = tick << SEQUENCE_BITS;
        let step = |last: u64| Some(floor.max(last + 1));
        // `fetch_update` with a total function cannot fail; both arms carry the previous value.
        let (Ok(previous) | Err(previous)) =
            self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        let position = floor.max(previous + 1);
        let (tick, sequence) = (position >> SEQUENCE_BITS, position & ((1 << SEQUENCE_BITS) - 1));
        (tick << (NODE_BITS + SEQUENCE_BITS) | self.node << SEQUENCE_BITS | sequence) & i64::MAX as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_number_agree(raw in 0..=i64::MAX as u64) {
            let id = VideoId::from_raw(raw);
            prop_assert_eq!(id.to_string().parse::<VideoId>(), Ok(id));
        }

        #[test]
        fn text_sorts_like_the_number(a in 0..=i64::MAX as u64, b in 0..=i64::MAX as u64) {
            let (x, y) = (UserId::from_raw(a), UserId::from_raw(b));
            prop_assert_eq!(x.cmp(&y), x.to_string().cmp(&y.to_string()));
        }

        #[test]
        fn any_text_is_an_id_or_a_clear_no(text in ".{0,20}") {
            if let Ok(id) = text.parse::<VideoId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn ids_grow_even_when_the_clock_steps_back() {
        let ids = IdGenerator::new(3);
        let times = [EPOCH_MS + 50, EPOCH_MS + 50, EPOCH_MS + 10, EPOCH_MS + 51];
        let minted: Vec<u64> = times.iter().map(|&t| ids.next(t)).collect();
        assert!(minted.windows(2).all(|pair| pair[0] < pair[1]), "{minted:?}");
    }

    #[test]
    fn nodes_do_not_collide() {
        let (a, b) = (IdGenerator::new(1), IdGenerator::new(2));
        let now = EPOCH_MS + 1_000;
        let mut all: Vec<u64> = (0..5_000).flat_map(|_| [a.next(now), b.next(now)]).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10_000);
    }
}
