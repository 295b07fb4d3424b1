//! The state of both stages, and its bytes.

use std::sync::Arc;

use feature_store::bytes::{Row, put_i64, put_signed, put_u64, put_varint};
use feature_store::{Beat, SequenceWindow, TrendProfile};
use stream::keyed::{Bins, Key, Value};
use types::UserId;

use super::key::LocalKey;
use super::trail::Trail;

/// State beside a partition; its kind follows from its key.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum LocalState {
    /// Of a key nobody touched, or that was forgotten.
    #[default]
    Nothing,
    Session(Session),
    /// The newest outbox row that was counted.
    Outbox(u64),
    Viewer(Box<Viewer>),
    /// Keys that may be forgotten then; the same one may stand there twice.
    Due(Vec<LocalKey>),
}

/// One playing session.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Session {
    pub(crate) window: SequenceWindow,
    /// When it was last used, by our clock.
    pub(crate) used_ms: i64,
}

/// What one viewer does.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    pub(crate) trail: Trail,
    /// As of a session.
    pub(crate) used_ms: i64,
}

const NOTHING: u8 = 0;
const SESSION: u8 = 1;
const OUTBOX: u8 = 2;
const VIEWER: u8 = 3;
const DUE: u8 = 4;

impl LocalState {
    pub(crate) fn session(&mut self) -> &mut Session {
        if !matches!(self, Self::Session(_)) {
            *self = Self::Session(Session::default());
        }
        match self {
            Self::Session(session) => session,
            _ => unreachable!("set above"),
        }
    }

    pub(crate) fn outbox(&mut self) -> &mut u64 {
        if !matches!(self, Self::Outbox(_)) {
            *self = Self::Outbox(0);
        }
        match self {
            Self::Outbox(mark) => mark,
            _ => unreachable!("set above"),
        }
    }

    pub(crate) fn viewer(&mut self) -> &mut Viewer {
        if !matches!(self, Self::Viewer(_)) {
            *self = Self::Viewer(Box::default());
        }
        match self {
            Self::Viewer(viewer) => viewer,
            _ => unreachable!("set above"),
        }
    }

    pub(crate) fn due(&mut self) -> &mut Vec<LocalKey> {
        if !matches!(self, Self::Due(_)) {
            *self = Self::Due(Vec::new());
        }
        match self {
            Self::Due(keys) => keys,
            _ => unreachable!("set above"),
        }
    }

    /// When the key was last used; none for keys that are kept for ever.
    pub(crate) fn used_ms(&self) -> Option<i64> {
        match self {
            Self::Session(session) => Some(session.used_ms),
            Self::Viewer(viewer) => Some(viewer.used_ms),
            Self::Nothing | Self::Outbox(_) | Self::Due(_) => None,
        }
    }
}

impl Value for LocalState {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => out.push(NOTHING),
            Self::Session(session) => {
                out.push(SESSION);
                put_i64(out, session.used_ms);
                session.window.encode(out);
            }
            Self::Outbox(mark) => {
                out.push(OUTBOX);
                put_u64(out, *mark);
            }
            Self::Viewer(viewer) => {
                out.push(VIEWER);
                put_i64(out, viewer.used_ms);
                viewer.trail.encode(out);
            }
            Self::Due(keys) => {
                out.push(DUE);
                put_keys(out, keys);
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut row = Row(bytes);
        Some(match row.u8()? {
            NOTHING => Self::Nothing,
            SESSION => Self::Session(Session {
                used_ms: row.i64()?,
                window: SequenceWindow::decode(&mut row)?,
            }),
            OUTBOX => Self::Outbox(row.u64()?),
            VIEWER => Self::Viewer(Box::new(Viewer {
                used_ms: row.i64()?,
                trail: Trail::decode(&mut row)?,
            })),
            DUE => Self::Due(take_keys(&mut row)?),
            _ => return None,
        })
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Nothing | Self::Outbox(_) => 0,
            Self::Session(session) => session.window.heap_bytes(),
            Self::Viewer(viewer) => size_of::<Viewer>() + viewer.trail.heap_bytes(),
            Self::Due(keys) => keys.capacity() * size_of::<LocalKey>(),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// As a sorted set, so that equal sets give equal bytes.
fn put_keys(out: &mut Vec<u8>, keys: &[LocalKey]) {
    let mut sorted: Vec<&LocalKey> = keys.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    for key in sorted {
        let mut bytes = Vec::with_capacity(17);
        key.encode(&mut bytes);
        put_varint(out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    }
}

fn take_keys(row: &mut Row<'_>) -> Option<Vec<LocalKey>> {
    let mut keys = Vec::new();
    while !row.is_done() {
        let length = row.varint()? as usize;
        keys.push(LocalKey::decode(row.bytes(length)?)?);
    }
    Some(keys)
}

/// In the byte of a life: a pulse stands before the profile.
const WITH_PULSE: u8 = 0x80;

/// State of an entity, or of a video in a region.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SubjectState {
    pub(crate) trail: Trail,
    /// Of a video whose publication has been read.
    pub(crate) profile: Option<Profile>,
    /// The outbox row of the newest change of a video.
    pub(crate) changed_by: u64,
    pub(crate) life: Life,
    /// Of a topic, or of a video until its topics are known: the last minutes by ten seconds.
    pub(crate) pulse: Bins<Beat>,
}

/// What is known of a published video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) creator: UserId,
    pub(crate) trend: Arc<TrendProfile>,
}

/// Where a video is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Life {
    #[default]
    Here = 0,
    /// Shown nowhere; what was on its way still counts for its creator.
    Removed = 1,
    /// Nothing is left but that it was.
    Purged = 2,
}

impl Value for SubjectState {
    fn encode(&self, out: &mut Vec<u8>) {
        let pulse = self.pulse.parts();
        out.push(self.life as u8 | if pulse.is_empty() { 0 } else { WITH_PULSE });
        put_u64(out, self.changed_by);
        self.trail.encode(out);
        if !pulse.is_empty() {
            put_varint(out, pulse.len() as u64);
            pulse
                .iter()
                .for_each(|(number, beat)| put_beat(out, *number, beat));
        }
        if let Some(profile) = &self.profile {
            put_u64(out, profile.creator.raw());
            profile.trend.encode(out);
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut row = Row(bytes);
        let life = row.u8()?;
        Some(Self {
            life: match life & !WITH_PULSE {
                0 => Life::Here,
                1 => Life::Removed,
                2 => Life::Purged,
                _ => return None,
            },
            changed_by: row.u64()?,
            trail: Trail::decode(&mut row)?,
            pulse: match life & WITH_PULSE {
                0 => Bins::default(),
                _ => take_pulse(&mut row)?,
            },
            profile: match row.is_done() {
                true => None,
                false => Some(Profile {
                    creator: UserId::from_raw(row.u64()?),
                    trend: Arc::new(TrendProfile::decode(&mut row)?),
                }),
            },
        })
    }

    fn heap_bytes(&self) -> usize {
        let tags = |profile: &Profile| profile.trend.hashtags.len() * 40 + size_of::<TrendProfile>();
        self.trail.heap_bytes() + self.pulse.heap_bytes() + self.profile.as_ref().map_or(0, tags)
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn put_beat(out: &mut Vec<u8>, number: i64, beat: &Beat) {
    for value in [number, beat.views, beat.interest, beat.videos] {
        put_signed(out, value);
    }
    put_u64(out, beat.viewers);
}

fn take_pulse(row: &mut Row<'_>) -> Option<Bins<Beat>> {
    let count = row.varint()?;
    let beats = (0..count).map(|_| {
        let number = row.signed()?;
        let beat = Beat {
            views: row.signed()?,
            interest: row.signed()?,
            videos: row.signed()?,
            viewers: row.u64()?,
        };
        Some((number, beat))
    });
    Bins::from_parts(beats.collect::<Option<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_with_a_pulse_and_one_of_before_without() {
        let mut state = SubjectState::default();
        let mut before = Vec::new();
        state.encode(&mut before);
        assert_eq!(before[0], 0, "without a pulse the bytes are those of before");
        assert_eq!(SubjectState::decode(&before), Some(SubjectState::default()));
        let beat = Beat {
            views: 3,
            interest: -1,
            videos: 1,
            viewers: 1 << 63,
        };
        for number in [-1, 4] {
            *state.pulse.entry(number, 10).expect("is kept") = beat;
        }
        state.life = Life::Removed;
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        assert_eq!(SubjectState::decode(&bytes), Some(state));
        assert_eq!(SubjectState::decode(&bytes[..bytes.len() - 1]), None);
    }
}
