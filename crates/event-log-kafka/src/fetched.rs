//! Turns fetched messages into records: where a record's time is, and who owns its bytes.
//!
//! The library's buffers are given back at once; payloads are copied into chunks that many records share.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use event_log::Record;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

use crate::produce::AT_MS_HEADER;
use crate::table::Table;

/// Messages taken from the library in one go, by slot, in the order in which they came.
pub(crate) struct Gathered<'a> {
    table: &'a Table,
    /// Each of one slot and of neighbouring offsets; a slot may have several.
    runs: Vec<Run>,
    bytes: BytesMut,
    records: usize,
}

struct Run {
    slot: usize,
    records: Vec<Outline>,
}

impl Run {
    fn goes_on(&self, slot: usize, offset: u64) -> bool {
        self.slot == slot && self.records.last().is_some_and(|last| last.offset + 1 == offset)
    }
}

/// A record whose payload still lies in the common buffer.
struct Outline {
    offset: u64,
    at_ms: i64,
    payload: Range<usize>,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(table: &'a Table) -> Self {
        Self {
            table,
            runs: Vec::new(),
            bytes: BytesMut::new(),
            records: 0,
        }
    }

    /// Adds a message; one of a topic that is not ours is passed over.
    pub(crate) fn add(&mut self, message: &BorrowedMessage<'_>) {
        let slot = self.table.slot_named(message.topic(), message.partition());
        let (Some(slot), Ok(offset)) = (slot, u64::try_from(message.offset())) else {
            return;
        };
        let from = self.bytes.len();
        self.bytes
            .extend_from_slice(message.payload().unwrap_or_default());
        let outline = Outline {
            offset,
            at_ms: at_ms(message),
            payload: from..self.bytes.len(),
        };
        self.records += 1;
        match self.runs.last_mut().filter(|run| run.goes_on(slot, offset)) {
            Some(run) => run.records.push(outline),
            None => self.runs.push(Run {
                slot,
                records: vec![outline],
            }),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn records(&self) -> usize {
        self.records
    }

    /// Each run as its slot and its records, whose offsets are neighbours.
    pub(crate) fn finish(self) -> impl Iterator<Item = (usize, Vec<Record>)> {
        let bytes = self.bytes.freeze();
        let table = self.table;
        self.runs.into_iter().map(move |run| {
            let from = table.of(run.slot);
            let whole = |outline: Outline| Record {
                from,
                offset: outline.offset,
                at_ms: outline.at_ms,
                payload: match outline.payload.is_empty() {
                    true => Bytes::new(),
                    false => bytes.slice(outline.payload),
                },
            };
            (run.slot, run.records.into_iter().map(whole).collect())
        })
    }
}

/// The header where there is one, else the timestamp.
fn at_ms(message: &BorrowedMessage<'_>) -> i64 {
    let header = message.headers().and_then(|headers| {
        let found = headers.iter().find(|header| header.key == AT_MS_HEADER)?;
        found.value?.try_into().ok().map(i64::from_be_bytes)
    });
    header.unwrap_or_else(|| message.timestamp().to_millis().unwrap_or(-1))
}
