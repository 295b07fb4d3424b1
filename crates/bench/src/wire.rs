//! What one client of a load says and hears: request bytes made once and patched in place, and just enough of a
//! protocol to find the end of an answer. No socket lives here.
//!
//! Every contender is driven through this one door, so that the generator costs each of them the same.

mod http;
mod postgres;
mod resp;

pub(crate) use http::{HttpClient, HttpRequest};
pub(crate) use postgres::PostgresClient;
pub(crate) use resp::RespClient;

use std::net::TcpStream;

use crate::BenchError;

/// One client of a load. It keeps its numbers from one connection to the next.
pub(crate) trait Client: Send {
    /// Speaks over a fresh connection before anything is measured.
    fn greet(&mut self, _stream: &mut TcpStream) -> Result<(), BenchError> {
        Ok(())
    }

    /// The bytes of the next request. Called again only once the last one is answered.
    fn request(&mut self) -> &[u8];

    /// What `bytes`, all that has come since the request, amount to.
    fn answer(&mut self, bytes: &[u8]) -> Answer;
}

/// What has come of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// More has to come.
    Partial,
    Taken,
    /// Refused before acceptance, to be sent again: the load was shed.
    Shed,
    /// Anything else; the measurement is worth nothing. The word says what it was.
    Wrong(&'static str),
}

/// Bytes with holes of one width for numbers; a number stands at the right of its hole, behind blanks, which JSON allows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    holes: Vec<usize>,
}

/// Room for a number below a billion.
const HOLE_BYTES: usize = 9;

impl Template {
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Leaves room for one number.
    pub(crate) fn hole(&mut self) -> &mut Self {
        self.holes.push(self.bytes.len());
        self.bytes.extend_from_slice(&[b' '; HOLE_BYTES]);
        self
    }

    /// Puts `other` at the end, its holes with it.
    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        let moved = other.holes.iter().map(|at| at + self.bytes.len());
        self.holes.extend(moved);
        self.bytes.extend_from_slice(&other.bytes);
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Fills all holes with `first` and the numbers after it; the bytes then are a whole request.
    pub(crate) fn fill(&mut self, first: u64) -> &[u8] {
        for (number, &at) in (first..).zip(&self.holes) {
            put_number(&mut self.bytes[at..at + HOLE_BYTES], number);
        }
        &self.bytes
    }
}

/// Writes decimal digits from the right and stops after the last: what stood left of them is the same or shorter.
fn put_number(hole: &mut [u8], mut number: u64) {
    for slot in hole.iter_mut().rev() {
        *slot = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_in_their_holes() {
        let mut event = Template::default();
        event.text("a").hole().text("b");
        let mut whole = Template::default();
        whole.append(&event).append(&event);
        assert_eq!(whole.fill(9), b"a        9ba       10b");
        assert_eq!(whole.fill(123_456_789), b"a123456789ba123456790b");
    }
}
