//! The quick way through a body that looks as our clients write it: known fields, plain numbers, no escapes.
//!
//! It answers only where the JSON reader would answer the same, and otherwise with nothing, so it decides nothing: the
//! reader does. It costs a fifth of it, which is what a door at a million events a second is made of.

use std::str::FromStr;

use crate::batch::Events;
use crate::fields::Field;
use crate::validate::{EVENTS_MAX, WireEvent};

/// Digits that surely fit; a number with more goes the long way.
const DIGITS_MAX: usize = 15;

/// Bytes that end a text or make it one with escapes.
const ENDS_PLAIN: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        ends[byte] = true;
        byte += 1;
    }
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends
};

/// A body, quickly read.
pub(crate) struct QuickBody<'a> {
    pub(crate) session_id: &'a str,
    pub(crate) events: Events,
}

/// Reads a whole body, or nothing of it.
pub(crate) fn read(body: &str) -> Option<QuickBody<'_>> {
    let mut input = Cursor { body, at: 0 };
    let (mut session_id, mut events) = (None, None);
    input.object(|input, name| match name {
        "sessionId" => once(&mut session_id, input.text()?),
        "events" => once(&mut events, input.events()?),
        _ => None,
    })?;
    input.blanks();
    (input.at == body.len()).then_some(QuickBody {
        session_id: session_id?,
        events: events?,
    })
}

/// Fills a place that must be empty: a field that comes twice goes the long way.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// The same for a field of an event.
fn given<T>(place: &mut Field<T>, value: Option<T>) -> Option<()> {
    let value = value.map_or(Field::Foreign, Field::Given);
    matches!(std::mem::replace(place, value), Field::Absent).then_some(())
}

struct Cursor<'a> {
    body: &'a str,
    /// Always between two characters.
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.body.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Passes `wanted` and the blanks before it.
    fn pass(&mut self, wanted: u8) -> Option<()> {
        self.blanks();
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// `open`, entries with commas between them, `close`; each entry is read by `entry`.
    fn list(&mut self, open: u8, close: u8, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.pass(open)?;
        if self.pass(close).is_some() {
            return Some(());
        }
        loop {
            entry(self)?;
            if self.pass(b',').is_none() {
                return self.pass(close);
            }
        }
    }

    fn object(&mut self, mut value: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.list(b'{', b'}', |input| {
            let name = input.text()?;
            input.pass(b':')?;
            value(input, name)
        })
    }

    /// A text without escapes.
    fn text(&mut self) -> Option<&'a str> {
        self.pass(b'"')?;
        let start = self.at;
        let length = self.body.as_bytes()[start..]
            .iter()
            .position(|&byte| ENDS_PLAIN[usize::from(byte)])?;
        self.at = start + length;
        self.pass_exact(b'"')?;
        self.body.get(start..start + length)
    }

    fn pass_exact(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// Digits and nothing else.
    fn unsigned(&mut self) -> Option<u64> {
        self.blanks();
        let (start, mut value) = (self.at, 0);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value * 10 + u64::from(digit - b'0');
            self.at += 1;
            if self.at - start > DIGITS_MAX {
                return None;
            }
        }
        let leading_zero = self.at - start > 1 && self.body.as_bytes()[start] == b'0';
        let goes_on = matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        (self.at > start && !leading_zero && !goes_on).then_some(value)
    }

    fn truth(&mut self) -> Option<bool> {
        self.blanks();
        let rest = &self.body.as_bytes()[self.at..];
        let value = rest.starts_with(b"true");
        if !value && !rest.starts_with(b"false") {
            return None;
        }
        self.at += if value { 4 } else { 5 };
        Some(value)
    }

    fn parsed<T: FromStr>(&mut self) -> Option<Option<T>> {
        self.text().map(|text| text.parse().ok())
    }

    fn events(&mut self) -> Option<Events> {
        let mut events = Events::default();
        self.list(b'[', b']', |input| {
            let event = input.event()?;
            events.count += 1;
            events.judged.push(event.judge());
            // A longer list is refused by its length alone, which the long way counts.
            (events.count <= EVENTS_MAX).then_some(())
        })?;
        Some(events)
    }

    fn event(&mut self) -> Option<WireEvent> {
        let mut event = WireEvent::default();
        self.object(|input, name| match name {
            "seq" => given(&mut event.seq, Some(input.unsigned()?)),
            "atMs" => given(&mut event.at_ms, Some(input.unsigned()? as f64)),
            "type" => given(&mut event.kind, input.parsed()?),
            "videoId" => given(&mut event.video_id, input.parsed()?),
            "impressionId" => given(&mut event.impression_id, input.parsed()?),
            "watchMs" => given(&mut event.watch_ms, Some(input.unsigned()? as f64)),
            "positionMs" => given(&mut event.position_ms, Some(input.unsigned()? as f64)),
            "ended" => given(&mut event.ended, Some(input.truth()?)),
            "loops" => given(&mut event.loops, Some(input.unsigned()?)),
            _ => None,
        })?;
        Some(event)
    }
}
