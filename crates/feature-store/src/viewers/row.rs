//! A viewer as bytes of one row: a base, then sections with a tag and a length, so that a field can be added without moving the others.

use std::sync::Arc;

use types::{TimestampMs, UserId, VideoId};

use super::state::{Deed, Taste, ViewerState, Watched};
use super::wishes::Wishes;
use crate::bytes::{Row, put_f32, put_i64, put_text, put_u64};
use crate::positives::Positives;

// Tags of the sections; never used twice.
const SECTION_WISHES: u8 = 1;
const SECTION_RECENT: u8 = 2;
const SECTION_SLATES: u8 = 3;
const SECTION_DEEDS: u8 = 4;
const SECTION_POSITIVES: u8 = 5;

pub(super) fn encode(state: &ViewerState) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put_u64(&mut out, state.watches);
    put_i64(&mut out, state.touched_ms);
    put_u64(&mut out, state.served.len() as u64);
    for (at_ms, video) in &state.served {
        put_i64(&mut out, *at_ms);
        put_u64(&mut out, video.raw());
    }
    put_u64(&mut out, state.hashtags.len() as u64);
    for (hashtag, taste) in &state.hashtags {
        put_text(&mut out, hashtag);
        put_taste(&mut out, taste);
    }
    put_u64(&mut out, state.creators.len() as u64);
    for (creator, taste) in &state.creators {
        put_u64(&mut out, creator.raw());
        put_taste(&mut out, taste);
    }
    put_u64(&mut out, state.following.len() as u64);
    for (creator, at_ms) in &state.following {
        put_u64(&mut out, creator.raw());
        put_i64(&mut out, *at_ms);
    }
    put_u64(&mut out, state.hidden.len() as u64);
    for video in &state.hidden {
        put_u64(&mut out, video.raw());
    }
    section(&mut out, SECTION_WISHES, |out| state.wishes.write(out));
    section(&mut out, SECTION_RECENT, |out| {
        for watched in &state.recent {
            put_i64(out, watched.at_ms);
            put_u64(out, watched.video.raw());
            out.push(u8::from(watched.finished));
        }
    });
    section(&mut out, SECTION_SLATES, |out| {
        for (at_ms, offset) in &state.slates {
            put_i64(out, *at_ms);
            put_u64(out, *offset);
        }
    });
    section(&mut out, SECTION_DEEDS, |out| {
        for deed in &state.deeds {
            put_i64(out, deed.at_ms);
            put_u64(out, deed.video.raw());
            put_f32(out, deed.amount);
        }
    });
    section(&mut out, SECTION_POSITIVES, |out| {
        if state.positives != Positives::default() {
            state.positives.encode(out);
        }
    });
    out
}

/// A part that came later than the base, behind its tag and length; an empty one is left out.
fn section(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    write(&mut body);
    if body.is_empty() {
        return;
    }
    out.push(tag);
    put_u64(out, body.len() as u64);
    out.extend_from_slice(&body);
}

/// When a stored viewer was last touched.
pub(super) fn touched_of(bytes: &[u8]) -> Option<TimestampMs> {
    let mut row = Row(bytes);
    row.u64()?;
    row.i64()
}

/// Whether a stored viewer asked for something that must outlast a long absence.
pub(super) fn kept_for_good(bytes: &[u8]) -> bool {
    decode(bytes).is_some_and(|state| *state.wishes != Wishes::default())
}

fn put_taste(out: &mut Vec<u8>, taste: &Taste) {
    put_f32(out, taste.weight);
    put_i64(out, taste.at_ms);
}

pub(super) fn decode(bytes: &[u8]) -> Option<ViewerState> {
    let mut row = Row(bytes);
    let mut state = ViewerState {
        watches: row.u64()?,
        touched_ms: row.i64()?,
        ..ViewerState::default()
    };
    for _ in 0..row.u64()? {
        state
            .served
            .push_back((row.i64()?, VideoId::from_raw(row.u64()?)));
    }
    for _ in 0..row.u64()? {
        state
            .hashtags
            .insert(Arc::from(row.text()?), take_taste(&mut row)?);
    }
    for _ in 0..row.u64()? {
        state
            .creators
            .insert(UserId::from_raw(row.u64()?), take_taste(&mut row)?);
    }
    for _ in 0..row.u64()? {
        state.following.insert(UserId::from_raw(row.u64()?), row.i64()?);
    }
    for _ in 0..row.u64()? {
        state.hidden.insert(VideoId::from_raw(row.u64()?));
    }
    while !row.0.is_empty() {
        let (tag, length) = (row.u8()?, row.u64()?);
        let body = Row(row.bytes(usize::try_from(length).ok()?)?);
        take_section(&mut state, tag, body)?;
    }
    Some(state)
}

/// A tag that nobody knows means a row from a newer program: it is rebuilt from the log like any that does not read.
fn take_section(state: &mut ViewerState, tag: u8, mut body: Row<'_>) -> Option<()> {
    while !body.is_done() {
        match tag {
            SECTION_WISHES => state.wishes = Arc::new(Wishes::read(&mut body)?),
            SECTION_POSITIVES => state.positives = Positives::read(&mut body)?,
            SECTION_RECENT => state.recent.push_back(Watched {
                at_ms: body.i64()?,
                video: VideoId::from_raw(body.u64()?),
                finished: body.u8()? != 0,
            }),
            SECTION_SLATES => state.slates.push_back((body.i64()?, body.u64()?)),
            SECTION_DEEDS => state.deeds.push_back(Deed {
                at_ms: body.i64()?,
                video: VideoId::from_raw(body.u64()?),
                amount: body.f32()?,
            }),
            _ => return None,
        }
    }
    Some(())
}

fn take_taste(row: &mut Row<'_>) -> Option<Taste> {
    Some(Taste {
        weight: row.f32()?,
        at_ms: row.i64()?,
    })
}
