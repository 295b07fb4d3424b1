//! The sequence window of a playing session, as the `activity` job has it. The collector begins with it, so that a resend after a
//! restart is recognised.

use types::{TimestampMs, ViewerId};

use crate::bytes::{Row, put_i64};
use crate::sequence::SequenceWindow;
use crate::shelf::{RowKey, Stored};

/// A producer: whose session, and the session's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Producer {
    pub(crate) viewer: ViewerId,
    pub(crate) session: u64,
}

impl RowKey for Producer {
    fn encode(&self) -> Vec<u8> {
        [self.viewer.raw().to_be_bytes(), self.session.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (viewer, session) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            viewer: ViewerId::from_raw(u64::from_be_bytes(*viewer)),
            session: u64::from_be_bytes(session.try_into().ok()?),
        })
    }
}

/// A window, and when it was last used. An empty one is a session that nobody has, or has any more.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SessionRow {
    pub(crate) window: SequenceWindow,
    pub(crate) used_ms: TimestampMs,
}

impl Stored for SessionRow {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        put_i64(&mut out, self.used_ms);
        self.window.encode(&mut out);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut row = Row(bytes);
        Some(Self {
            used_ms: row.i64()?,
            window: SequenceWindow::decode(&mut row)?,
        })
    }

    fn used_ms(&self) -> TimestampMs {
        self.used_ms
    }

    fn is_gone(&self) -> bool {
        self.window.is_empty()
    }
}
